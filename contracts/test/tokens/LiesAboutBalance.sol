// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {WeirdToken} from "./WeirdToken.sol";

/// @notice Answers every question for a balance with the same number once it was told to, and otherwise does what it is told.
contract LiesAboutBalance is WeirdToken {
    bool public lying;
    uint256 public answer;

    /// @notice Sets what it answers for every account.
    function lie(uint256 newAnswer) external {
        lying = true;
        answer = newAnswer;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return lying ? answer : super.balanceOf(account);
    }
}
