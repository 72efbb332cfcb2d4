// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Traits} from "../../contracts/libraries/Traits.sol";

/// @notice The casts that {Ledger} counts on, written here as they are there, each against the plain number it stands for.
contract ArithmeticLemmas {
    /// @notice A count crosses 2^63 or 2^64 if and only if its highest bit changes, for every amount below 2^63.
    /// @dev I2, C31
    function check_crosses__anyAmount__isTheHighestBit(uint64 granted, uint64 amount) public pure {
        if (amount > type(uint64).max / 2) return;
        unchecked {
            uint256 end = uint256(granted) + amount;
            bool passes = (granted < 2 ** 63 && end >= 2 ** 63) || end >= 2 ** 64;
            assert(((granted ^ (granted + amount)) >> 63 != 0) == passes);
        }
    }

    /// @notice What is written down as gone leaves exactly the balance that is meant, wherever the counts stand.
    /// @dev I2, C31
    function check_keep__anyBalance__isLeft(uint64 granted, uint64 left) public pure {
        unchecked {
            uint64 gone = granted - left;
            assert(uint64(granted - gone) == left);
        }
    }
}

/// @notice The bits of a plan.
contract TraitsProofs {
    /// @notice A trait is found where it is, and nowhere else.
    /// @dev I5
    function check_has__anyTraits__oneBit(uint8 traits, uint8 bit) public pure {
        if (bit > 7) return;
        uint8 wanted = uint8(1 << bit);
        assert(Traits.has(traits, wanted) == ((traits >> bit) % 2 == 1));
        assert(Traits.has(traits | wanted, wanted) && !Traits.has(traits & ~wanted, wanted));
    }
}
