// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Splits} from "../../../../contracts/credits/libraries/Splits.sol";
import {Checks} from "../support/Checks.sol";

/// @notice The arithmetic of prices, for every number that can come up (I6).
contract SplitsTest is Checks {
    uint256 private constant MAX_COST = 2 ** 132;
    uint256 private constant MAX_AMOUNT = 2 ** 96 - 1;

    function _weight(uint256 seed, uint256 i) private pure returns (uint256) {
        uint256 roll = uint256(keccak256(abi.encode(seed, i)));
        return roll % 4 == 0 ? MAX_AMOUNT : 1 + (roll >> 8) % (roll % 4 == 1 ? 10 : MAX_AMOUNT);
    }

    function testFuzz_partDown__ofAnyWeights__sumsToTheCostLessDust(uint256 cost, uint256 seed, uint256 count)
        external
        pure
    {
        (cost, count) = (_bound(cost, 0, MAX_COST), _bound(count, 1, 16));
        (uint256 total, uint256 sum) = (0, 0);
        for (uint256 i; i < count; ++i) {
            total += _weight(seed, i);
        }
        for (uint256 i; i < count; ++i) {
            sum += Splits.partDown(cost, _weight(seed, i), total);
        }
        _check(sum <= cost, "parts are more than the cost");
        _check(cost - sum < count, "more is left than a unit per part");
    }

    function testFuzz_partDown__ofAMultipleOfTheTotal__isExact(uint256 quantity, uint256 seed, uint256 count)
        external
        pure
    {
        (quantity, count) = (_bound(quantity, 1, type(uint32).max), _bound(count, 1, 16));
        uint256 total;
        for (uint256 i; i < count; ++i) {
            total += _weight(seed, i);
        }
        for (uint256 i; i < count; ++i) {
            uint256 part = Splits.partDown(total * quantity, _weight(seed, i), total);
            _same(part, _weight(seed, i) * quantity, "part");
        }
    }

    function testFuzz_partDown__ofACostInTwo__gainsNobody(uint256 one, uint256 other, uint256 amount, uint256 more)
        external
        pure
    {
        (one, other) = (_bound(one, 0, MAX_COST / 2), _bound(other, 0, MAX_COST / 2));
        amount = _bound(amount, 1, MAX_AMOUNT);
        uint256 total = amount + _bound(more, 0, 15 * MAX_AMOUNT);
        uint256 apart = Splits.partDown(one, amount, total) + Splits.partDown(other, amount, total);
        uint256 together = Splits.partDown(one + other, amount, total);
        _check(apart <= together && together <= apart + 1, "two orders pay a receiver otherwise than one");
    }

    function testFuzz_feeDown__ofAnyDue__isBelowItsRate(uint256 due, uint256 bps) external pure {
        (due, bps) = (_bound(due, 0, MAX_COST), _bound(bps, 0, 1000));
        uint256 fee = Splits.feeDown(due, bps);
        _check(fee * 10_000 <= due * bps, "the fee is above its rate");
        _check(due * bps - fee * 10_000 < 10_000, "the fee is a unit too low");
        _check(fee * 10 <= due, "the fee is above the cap");
    }

    function testFuzz_feeDown__ofADueInTwo__isNeverMore(uint256 one, uint256 other, uint256 bps) external pure {
        (one, other) = (_bound(one, 0, MAX_COST / 2), _bound(other, 0, MAX_COST / 2));
        bps = _bound(bps, 0, 1000);
        _check(
            Splits.feeDown(one, bps) + Splits.feeDown(other, bps) <= Splits.feeDown(one + other, bps),
            "splitting costs more fee"
        );
    }
}
