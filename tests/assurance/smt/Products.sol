// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice That what the contracts compute unchecked never loses a bit.
contract ProductsClaims {
    /// @notice A price of sixteen splits times the highest quantity stays below 2^132, and credits times quantity below 2^64.
    /// @dev C30
    function order__productsFit(uint96 amount, uint32 credits, uint32 quantity) external pure {
        uint256 sum = uint256(amount) * 16;
        assert(sum * quantity < 2 ** 132);
        assert(uint256(credits) * quantity < 2 ** 64);
    }

    /// @notice No product of a part or a fee reaches 2^256.
    /// @dev C30
    function splits__productsFit(uint256 cost, uint96 amount, uint16 feeBps) external pure {
        require(cost < 2 ** 132 && feeBps <= 1000);
        unchecked {
            assert(amount == 0 || (cost * amount) / amount == cost);
            assert(feeBps == 0 || (cost * feeBps) / feeBps == cost);
        }
    }

    /// @notice A window never overflows: each call adds less than 2^96 seconds.
    /// @dev I10, C30
    function extend__fits(uint64 periods, uint32 duration) external pure {
        assert(uint256(periods) * duration < 2 ** 96);
    }

    /// @notice The periods left of a window round up: one second left is one period, none left none.
    /// @dev I9, C32
    function periodsLeft__roundsUp(uint64 rest, uint32 duration) external pure {
        require(rest > 0 && duration > 0);
        uint256 periods = (uint256(rest) + duration - 1) / duration;
        assert(periods * duration >= rest);
        assert((periods - 1) * duration < rest);
    }
}
