// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, PlanKind, Terms} from "../ICredits.sol";
import {PlanFlags} from "./PlanFlags.sol";

/// @notice The first word of a plan: all that an order reads apart from the splits and the quoter.
/// From the lowest bit up: token 160 | credits 32 | duration 32 | feeBps 16 | splitCount 8 | flags 8, bits of {PlanFlags}.
type SaleTerms is uint256;

using SaleTermsWord for SaleTerms global;

/// @title The first word of a plan
library SaleTermsWord {
    uint256 private constant ACTIVE_BIT = PlanFlags.ACTIVE << 248;
    /// @dev Active and nothing else, one split, no fee: the upper 32 bits of a plain plan.
    uint256 private constant PLAIN = 0x01_01_0000;

    /// @notice Returns the word of a plan that is registered with these terms and this fee; it is active.
    function pack(Terms memory terms, uint16 feeBps_) internal pure returns (SaleTerms) {
        return SaleTerms.wrap(
            uint256(uint160(terms.token)) | uint256(terms.credits) << 160 | uint256(terms.duration) << 192
                | uint256(feeBps_) << 224 | terms.splits.length << 240 | (PlanFlags.ACTIVE | _flagsOf(terms)) << 248
        );
    }

    function _flagsOf(Terms memory terms) private pure returns (uint256 flags) {
        if (terms.trial) flags |= PlanFlags.TRIAL;
        if (terms.kind == PlanKind.TIME) flags |= PlanFlags.TIME;
        if (terms.kind == PlanKind.USAGE) flags |= PlanFlags.USAGE;
        if (terms.quoter != address(0)) flags |= PlanFlags.QUOTED;
        if (terms.paidExternally) flags |= PlanFlags.PAID_EXTERNALLY;
        if (terms.activation == Activation.ON_FIRST_USE) flags |= PlanFlags.STARTS_ON_USE;
    }

    function token(SaleTerms sale) internal pure returns (address) {
        return address(uint160(SaleTerms.unwrap(sale)));
    }

    function credits(SaleTerms sale) internal pure returns (uint256) {
        return uint32(SaleTerms.unwrap(sale) >> 160);
    }

    function duration(SaleTerms sale) internal pure returns (uint256) {
        return uint32(SaleTerms.unwrap(sale) >> 192);
    }

    function feeBps(SaleTerms sale) internal pure returns (uint256) {
        return uint16(SaleTerms.unwrap(sale) >> 224);
    }

    function splitCount(SaleTerms sale) internal pure returns (uint256) {
        return uint8(SaleTerms.unwrap(sale) >> 240);
    }

    /// @notice Returns whether the plan has any of some {PlanFlags}.
    function has(SaleTerms sale, uint256 flags) internal pure returns (bool) {
        return SaleTerms.unwrap(sale) & flags << 248 != 0;
    }

    /// @notice Returns whether it is an active plan of credits with a fixed price, one receiver, no protocol fee and no trial.
    function isPlain(SaleTerms sale) internal pure returns (bool) {
        return SaleTerms.unwrap(sale) >> 224 == PLAIN;
    }

    function withActive(SaleTerms sale, bool active) internal pure returns (SaleTerms) {
        uint256 word = SaleTerms.unwrap(sale);
        return SaleTerms.wrap(active ? word | ACTIVE_BIT : word & ~ACTIVE_BIT);
    }
}
