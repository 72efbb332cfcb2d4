// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Splits} from "../../../contracts/credits/libraries/Splits.sol";

/// @notice The arithmetic of prices, within the bounds that {Splits} states: costs below 2^132, amounts below 2^96.
contract PricesClaims {
    /// @notice A fee is at most a tenth of what is due, and rounds down by less than one base unit.
    /// @dev I6, C29
    function feeDown__isAtMostATenth(uint256 due, uint256 feeBps) external pure {
        require(due < 2 ** 132 && feeBps <= 1000);
        uint256 fee = Splits.feeDown(due, feeBps);
        assert(fee <= due / 10);
        assert(fee * 10_000 <= due * feeBps);
        assert(due * feeBps < (fee + 1) * 10_000);
    }

    /// @notice A part rounds down by less than one base unit, and is never more than the whole cost.
    /// @dev I6, C29
    function partDown__roundsDown(uint256 cost, uint256 amount, uint256 total) external pure {
        require(cost < 2 ** 132 && amount < 2 ** 96 && amount <= total && total > 0 && total < 2 ** 100);
        uint256 part = Splits.partDown(cost, amount, total);
        assert(part * total <= cost * amount);
        assert(cost * amount < (part + 1) * total);
        assert(part <= cost);
    }
}
