// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LotMark, Lots} from "../../../../contracts/credits/libraries/Lots.sol";
import {Checks} from "../support/Checks.sol";
import {vm} from "../support/Vm.sol";

/// @notice The two searches against a look at each lot, also where the sum begins again at zero (I9).
contract LotsTest is Checks {
    using Lots for mapping(uint256 => LotMark);

    mapping(uint256 number => LotMark) private marks;
    uint256[] private sizes;
    uint64 private granted;
    uint256 private constant MOST = 2 ** 54 - 1;

    /// @dev Lots of sizes from 1 to a 40th of 2^54, with expiries that grow or stay; `start` is what was granted before.
    function _fill(uint256 seed, uint256 count, uint64 start) private {
        (granted, count) = (start, _bound(count, 0, 20));
        uint64 expiresAt = 1000;
        for (uint256 i; i < count; ++i) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            uint256 size = roll % 5 == 0 ? 1 + roll % (MOST / 40) : 1 + roll % 100;
            expiresAt += uint64((roll >> 100) % 3);
            unchecked {
                granted = uint64((granted + size) & MOST);
            }
            marks[i] = Lots.mark(granted, expiresAt);
            sizes.push(size);
        }
    }

    function testFuzz_firstLive__ofAnyLots__isTheFirstThatALookFinds(
        uint256 seed,
        uint256 count,
        uint256 first,
        uint256 when
    ) external {
        _fill(seed, count, 0);
        first = _bound(first, 0, sizes.length);
        vm.warp(_bound(when, 998, 1042));
        uint256 expected = first;
        while (expected < sizes.length && marks[expected].expiresAt() <= block.timestamp) ++expected;
        _same(marks.firstLive(first, sizes.length), expected, "first live lot");
    }

    function testFuzz_firstUnused__ofAnyLots__isTheFirstThatALookFinds(
        uint256 seed,
        uint256 count,
        uint64 start,
        uint256 left,
        uint256 first
    ) external {
        _fill(seed, count, uint64(seed % 2 == 0 ? MOST - start % 1000 : start & MOST));
        uint256 all;
        for (uint256 i; i < sizes.length; ++i) {
            all += sizes[i];
        }
        left = _bound(left, 0, all);
        first = _bound(first, 0, sizes.length);
        // What is left sits at the end of the list.
        (uint256 expected, uint256 used) = (0, all - left);
        while (expected < sizes.length && used >= sizes[expected]) used -= sizes[expected++];
        if (expected < first) expected = first;
        _same(marks.firstUnused(first, sizes.length, granted, left), expected, "first unused lot");
    }
}
