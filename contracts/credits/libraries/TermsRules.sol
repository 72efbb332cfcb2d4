// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, ICredits, PlanKind, RedemptionRule, Split, Terms} from "../ICredits.sol";

/// @title Which terms make a plan
/// @dev A term that has no meaning with the others must be zero. So no plan promises what it does not keep, and plans that are
/// equal have equal terms.
library TermsRules {
    /// @notice Reverts unless the terms make a plan.
    /// @param maxSplits How many receivers a price may have.
    function check(Terms memory terms, uint256 maxSplits) internal view {
        bool isTime = terms.kind == PlanKind.TIME;
        bool isUsage = terms.kind == PlanKind.USAGE;
        bool startsOnUse = terms.activation == Activation.ON_FIRST_USE;

        // What is granted
        if (isUsage) {
            _mustBeUnset(terms.credits != 0, "credits");
            _mustBeUnset(terms.trial, "trial");
        } else if (terms.credits == 0) {
            revert ICredits.ZeroCredits();
        }
        if (isTime && terms.duration == 0) revert ICredits.ZeroDuration();
        _mustBeUnset(isUsage && terms.duration != 0, "duration");
        _mustBeUnset(startsOnUse && !isTime, "activation");
        _mustBeUnset(terms.transferable && (isTime || isUsage || terms.duration != 0), "transferable");

        // What is redeemed
        uint256 min = terms.minRedeem;
        uint256 max = terms.maxRedeem;
        if (isUsage || (isTime && !startsOnUse)) {
            _mustBeUnset(max != 0 || min != 0, "redeem range");
            _mustBeUnset(terms.rule != RedemptionRule.HOLDER, "rule");
        } else if (min == 0 || min > max) {
            revert ICredits.InvalidRedeemRange(min, max);
        }

        _checkPrice(terms, maxSplits, isUsage);
    }

    function _checkPrice(Terms memory terms, uint256 maxSplits, bool isUsage) private view {
        address token = terms.token;
        address quoter = terms.quoter;
        Split[] memory splits = terms.splits;
        if (terms.paidExternally) {
            _mustBeUnset(isUsage, "paidExternally");
            _mustBeUnset(token != address(0), "token");
            _mustBeUnset(splits.length != 0, "splits");
            _mustBeUnset(quoter != address(0), "quoter");
        } else if (quoter != address(0)) {
            if (splits.length == 0) revert ICredits.QuoteWithoutReceivers();
            if (quoter.code.length == 0) revert ICredits.QuoterWithoutCode(quoter);
        }
        if (splits.length > maxSplits) revert ICredits.TooManySplits(splits.length, maxSplits);
        for (uint256 i; i < splits.length; ++i) {
            address receiver = splits[i].receiver;
            uint256 amount = splits[i].amount;
            if (amount == 0 || receiver == address(0) || receiver == address(this)) {
                revert ICredits.InvalidSplit(i, receiver, amount);
            }
        }
        if (splits.length > 0 && token != address(0) && token.code.length == 0) {
            revert ICredits.TokenWithoutCode(token);
        }
    }

    function _mustBeUnset(bool isSet, bytes32 term) private pure {
        if (isSet) revert ICredits.TermNotAllowed(term);
    }
}
