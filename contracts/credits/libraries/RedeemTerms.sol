// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, RedemptionRule, Terms} from "../ICredits.sol";

/// @notice The second word of a plan: who owns it, and all that a redemption or a transfer reads. Zero: there is no such plan.
/// From the lowest bit up: owner 160 | minRedeem 32 | maxRedeem 32 | rule 8 | startsOnUse 1 | transferable 1.
type RedeemTerms is uint256;

using RedeemTermsWord for RedeemTerms global;

/// @title The second word of a plan
library RedeemTermsWord {
    uint256 private constant STARTS_ON_USE_BIT = 1 << 232;
    uint256 private constant TRANSFERABLE_BIT = 1 << 233;

    /// @notice Returns the word of a plan that is registered with these terms by this account.
    function pack(Terms memory terms, address creator) internal pure returns (RedeemTerms) {
        return RedeemTerms.wrap(
            uint256(uint160(creator)) | uint256(terms.minRedeem) << 160 | uint256(terms.maxRedeem) << 192
                | uint256(terms.rule) << 224 | (terms.activation == Activation.ON_FIRST_USE ? STARTS_ON_USE_BIT : 0)
                | (terms.transferable ? TRANSFERABLE_BIT : 0)
        );
    }

    function owner(RedeemTerms redemption) internal pure returns (address) {
        return address(uint160(RedeemTerms.unwrap(redemption)));
    }

    function minRedeem(RedeemTerms redemption) internal pure returns (uint256) {
        return uint32(RedeemTerms.unwrap(redemption) >> 160);
    }

    /// @notice Returns the most credits that one redemption may take; 0 where nothing is redeemed.
    function maxRedeem(RedeemTerms redemption) internal pure returns (uint256) {
        return uint32(RedeemTerms.unwrap(redemption) >> 192);
    }

    function rule(RedeemTerms redemption) internal pure returns (RedemptionRule) {
        return RedemptionRule(uint8(RedeemTerms.unwrap(redemption) >> 224));
    }

    function startsOnUse(RedeemTerms redemption) internal pure returns (bool) {
        return RedeemTerms.unwrap(redemption) & STARTS_ON_USE_BIT != 0;
    }

    function transferable(RedeemTerms redemption) internal pure returns (bool) {
        return RedeemTerms.unwrap(redemption) & TRANSFERABLE_BIT != 0;
    }

    /// @notice Returns whether there is such a plan.
    function exists(RedeemTerms redemption) internal pure returns (bool) {
        return RedeemTerms.unwrap(redemption) != 0;
    }

    /// @notice Returns whether vouchers and items without signature are settled on the plan: credits for requests, not transferable.
    function takesSettlements(RedeemTerms redemption) internal pure returns (bool) {
        return
            redemption.maxRedeem() != 0 && RedeemTerms.unwrap(redemption) & (STARTS_ON_USE_BIT | TRANSFERABLE_BIT) == 0;
    }

    function withOwner(RedeemTerms redemption, address newOwner) internal pure returns (RedeemTerms) {
        return RedeemTerms.wrap(RedeemTerms.unwrap(redemption) >> 160 << 160 | uint256(uint160(newOwner)));
    }
}
