// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Reverts from an approval that would change one non-zero allowance into another, as USDT does.
contract ApprovalRace is WeirdToken {
    error AllowanceNotZero(address owner, address spender, uint256 allowance);

    function approve(address spender, uint256 amount) external override returns (bool) {
        uint256 current = allowance[msg.sender][spender];
        if (amount > 0 && current > 0) revert AllowanceNotZero(msg.sender, spender, current);
        _approve(spender, amount);
        return true;
    }
}
