// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, ICredits, Kind, Rule, Split, Terms} from "../interfaces/ICredits.sol";

/// @title Which terms make a plan
/// @dev A term that has no meaning with the others must be zero. So no plan promises what it does not keep, and plans that are
/// equal have equal terms.
library TermsRules {
    /// @notice Reverts unless the terms make a plan.
    /// @param terms The terms.
    /// @param maxSplits How many receivers a price may have.
    function check(Terms memory terms, uint256 maxSplits) internal view {
        bool isTime = terms.kind == Kind.TIME;
        bool isUsage = terms.kind == Kind.USAGE;
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
        (uint256 least, uint256 most) = (terms.minRedeem, terms.maxRedeem);
        if (isUsage || (isTime && !startsOnUse)) {
            _mustBeUnset(most != 0 || least != 0, "redeem range");
            _mustBeUnset(terms.rule != Rule.HOLDER, "rule");
        } else if (least == 0 || least > most) {
            revert ICredits.InvalidRedeemRange(least, most);
        }

        _checkPrice(terms, maxSplits, isUsage);
    }

    function _checkPrice(Terms memory terms, uint256 maxSplits, bool isUsage) private view {
        (address token, address quoter, Split[] memory splits) = (terms.token, terms.quoter, terms.splits);
        if (terms.settledOutside) {
            _mustBeUnset(isUsage, "settledOutside");
            _mustBeUnset(token != address(0), "token");
            _mustBeUnset(splits.length != 0, "splits");
            _mustBeUnset(quoter != address(0), "quoter");
        } else if (quoter != address(0)) {
            if (splits.length == 0) revert ICredits.QuoteWithoutReceivers();
            if (quoter.code.length == 0) revert ICredits.QuoterWithoutCode(quoter);
        }
        if (splits.length > maxSplits) revert ICredits.TooManySplits(splits.length, maxSplits);
        for (uint256 i; i < splits.length; ++i) {
            (address receiver, uint256 amount) = (splits[i].receiver, splits[i].amount);
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
