// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Holding} from "../../../contracts/credits/libraries/Holding.sol";
import {SaleTerms} from "../../../contracts/credits/libraries/SaleTerms.sol";

/// @notice What {Ledger} counts on, written here as it is there, each against the plain number it stands for.
contract ArithmeticLemmas {
    /// @notice A count crosses 2^53 or 2^54 if and only if its highest bit changes, for every amount below 2^53.
    /// @dev I2, C31
    function check_crosses__anyAmount__isTheHighestBit(uint64 granted, uint64 amount) public pure {
        if (granted >= 2 ** 54 || amount >= 2 ** 53) return;
        unchecked {
            uint256 end = uint256(granted) + amount;
            uint256 later = end & (2 ** 54 - 1);
            bool passes = (granted < 2 ** 53 && end >= 2 ** 53) || end >= 2 ** 54;
            assert(((granted ^ later) >> 53 != 0) == passes);
        }
    }
}

/// @notice The bits of a plan.
contract FlagsProofs {
    /// @notice A flag is found where it is, and nowhere else, whatever else the word says.
    /// @dev I5
    function check_has__anyWord__oneBit(uint256 word, uint8 bit) public pure {
        if (bit > 7) return;
        uint256 flag = 1 << bit;
        assert(SaleTerms.wrap(word).has(flag) == ((word >> (248 + bit)) % 2 == 1));
        assert(SaleTerms.wrap(word | flag << 248).has(flag));
        assert(!SaleTerms.wrap(word & ~(flag << 248)).has(flag));
    }

    /// @notice Activating a plan and stopping it changes one bit of its word.
    /// @dev I5
    function check_withActive__anyWord__oneBit(uint256 word, bool active) public pure {
        uint256 later = SaleTerms.unwrap(SaleTerms.wrap(word).withActive(active));
        assert((later ^ word) & ~(uint256(1) << 248) == 0);
        assert(((later >> 248) % 2 == 1) == active);
    }
}

/// @notice The word of a holder.
contract HoldingProofs {
    /// @notice What is written down as spent leaves exactly the balance that is meant, wherever the counts stand, and touches nothing
    /// else.
    /// @dev I2, C31
    function check_withUnspent__anyWord__isLeft(uint256 word, uint64 left) public pure {
        if (left >= 2 ** 54) return;
        Holding later = Holding.wrap(word).withUnspent(left);
        assert(later.unspent() == left);
        assert((Holding.unwrap(later) ^ word) & ~(uint256(2 ** 54 - 1) << 54) == 0);
    }

    /// @notice A settlement writes down both numbers that it changes, and touches nothing else.
    /// @dev I2, I4, C31
    function check_withSettlement__anyWord__isLeft(uint256 word, uint64 left, uint64 settled) public pure {
        if (left >= 2 ** 54) return;
        Holding later = Holding.wrap(word).withSettlement(left, settled);
        assert(later.unspent() == left && later.settled() == settled);
        assert((Holding.unwrap(later) ^ word) & ~(uint256(2 ** 118 - 1) << 54) == 0);
    }
}
