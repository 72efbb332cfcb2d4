// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Splits} from "../../../contracts/credits/libraries/Splits.sol";

/// @notice Claims that are wrong. The solver must find each of them out, or it cannot fail.
contract RefutedClaims {
    /// @notice Wrong: the parts of two receivers, each rounded down, make up the whole cost.
    function partDown__sumIsTheCost(uint256 cost, uint96 one, uint96 other) external pure {
        require(cost < 2 ** 32 && one > 0 && one < 100 && other > 0 && other < 100);
        uint256 total = uint256(one) + other;
        assert(Splits.partDown(cost, one, total) + Splits.partDown(cost, other, total) == cost);
    }

    /// @notice Wrong: a fee takes nothing.
    function feeDown__neverTakes(uint256 due, uint256 feeBps) external pure {
        require(due < 2 ** 132 && feeBps <= 1000);
        assert(Splits.feeDown(due, feeBps) == 0);
    }
}
