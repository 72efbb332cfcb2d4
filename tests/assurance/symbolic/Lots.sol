// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LotMark, Lots} from "../../../contracts/credits/libraries/Lots.sol";
import {Svm, Vm} from "./Setting.sol";

/// @notice The searches in a holder's lots, against a walk from the first to the last.
contract LotsProofs {
    using Lots for mapping(uint256 => LotMark);

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    Svm private constant svm = Svm(address(bytes20(uint160(uint256(keccak256("svm cheat code"))))));
    uint256 private constant MOST = 4;
    uint64 private constant RING = 2 ** 54 - 1;

    mapping(uint256 number => LotMark) private marks;

    /// @notice The search for the first lot that is live finds what a walk finds, for up to four lots with any expiries in order.
    /// @dev I9
    function check_firstLive__anyLots__equalsAWalk(uint64 time) public {
        uint64 last;
        for (uint256 i; i < MOST; ++i) {
            uint64 expiresAt = uint64(svm.createUint(64, "expiresAt"));
            vm.assume(expiresAt >= last);
            marks[i] = Lots.mark(0, last = expiresAt);
        }
        vm.warp(time);
        for (uint256 end; end <= MOST; ++end) {
            uint256 expected;
            while (expected < end && marks[expected].expiresAt() <= time) ++expected;
            assert(marks.firstLive(0, end) == expected);
        }
    }

    /// @notice The search for the first lot that is not used up finds what a walk finds, for up to four lots of any size, wherever on
    /// the 54-bit ring their count stands.
    /// @dev I2
    function check_firstUnused__anyLots__equalsAWalk(uint64 granted, uint64 left) public {
        unchecked {
            granted &= RING;
            uint64 later = 0;
            for (uint256 i = MOST; i > 0; --i) {
                marks[i - 1] = Lots.mark((granted - later) & RING, 0);
                uint64 size = uint64(svm.createUint(52, "size"));
                later += size;
            }
            vm.assume(left <= later);
            uint256 expected;
            while (expected < MOST && ((granted - marks[expected].granted()) & RING) >= left) ++expected;
            assert(marks.firstUnused(0, MOST, granted, left) == expected);
        }
    }
}
