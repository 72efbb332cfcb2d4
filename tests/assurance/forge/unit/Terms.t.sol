// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, ICredits, PlanKind, RedemptionRule, Split, Terms} from "../../../../contracts/credits/ICredits.sol";
import {vm} from "../support/Vm.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Each rule of terms broken alone, and terms at every width kept as they came (I5).
contract TermsTest is Fixture {
    function _refuse(Terms memory terms, bytes memory error) private {
        vm.prank(BUILDER);
        vm.expectRevert(error);
        credits.registerPlan(terms, 0, "", 1000);
    }

    function _refuseTerm(Terms memory terms, bytes32 term) private {
        _refuse(terms, abi.encodeWithSelector(ICredits.TermNotAllowed.selector, term));
    }

    function _priced(address receiver, uint96 amount) private pure returns (Terms memory terms) {
        terms = _terms();
        terms.splits = new Split[](1);
        terms.splits[0] = Split(receiver, amount);
    }

    function _usage() private pure returns (Terms memory terms) {
        terms.kind = PlanKind.USAGE;
        terms.splits = new Split[](0);
    }

    function _time() private pure returns (Terms memory terms) {
        (terms.kind, terms.credits, terms.duration) = (PlanKind.TIME, 1, 60);
        terms.splits = new Split[](0);
    }

    function test_registerPlan__granting__isChecked() external {
        Terms memory terms = _terms();
        terms.credits = 0;
        _refuse(terms, abi.encodeWithSelector(ICredits.ZeroCredits.selector));
        terms = _time();
        terms.duration = 0;
        _refuse(terms, abi.encodeWithSelector(ICredits.ZeroDuration.selector));
        terms = _usage();
        terms.credits = 1;
        _refuseTerm(terms, "credits");
        terms = _usage();
        terms.trial = true;
        _refuseTerm(terms, "trial");
        terms = _usage();
        terms.duration = 1;
        _refuseTerm(terms, "duration");
        terms = _terms();
        terms.activation = Activation.ON_FIRST_USE;
        _refuseTerm(terms, "activation");
    }

    function test_registerPlan__transferable__onlyWhereCreditsLast() external {
        Terms memory terms = _usage();
        terms.transferable = true;
        _refuseTerm(terms, "transferable");
        terms = _time();
        terms.transferable = true;
        _refuseTerm(terms, "transferable");
        terms = _terms();
        (terms.transferable, terms.duration) = (true, 1);
        _refuseTerm(terms, "transferable");
    }

    function test_registerPlan__redeeming__isChecked() external {
        Terms memory terms = _usage();
        terms.maxRedeem = 1;
        _refuseTerm(terms, "redeem range");
        terms = _time();
        terms.minRedeem = 1;
        _refuseTerm(terms, "redeem range");
        terms = _time();
        terms.rule = RedemptionRule.REDEEMER;
        _refuseTerm(terms, "rule");
        terms = _terms();
        terms.minRedeem = 0;
        _refuse(terms, abi.encodeWithSelector(ICredits.InvalidRedeemRange.selector, 0, 5));
        terms.minRedeem = 6;
        _refuse(terms, abi.encodeWithSelector(ICredits.InvalidRedeemRange.selector, 6, 5));
    }

    function test_registerPlan__paidExternally__hasNoPrice() external {
        Terms memory terms = _usage();
        terms.paidExternally = true;
        _refuseTerm(terms, "paidExternally");
        terms = _terms();
        (terms.paidExternally, terms.token) = (true, address(credits));
        _refuseTerm(terms, "token");
        terms = _priced(STRANGER, 1);
        terms.paidExternally = true;
        _refuseTerm(terms, "splits");
        terms = _terms();
        (terms.paidExternally, terms.quoter) = (true, address(credits));
        _refuseTerm(terms, "quoter");
    }

    function test_registerPlan__price__isChecked() external {
        Terms memory terms = _terms();
        terms.quoter = address(credits);
        _refuse(terms, abi.encodeWithSelector(ICredits.QuoteWithoutReceivers.selector));
        terms = _priced(STRANGER, 1);
        terms.quoter = STRANGER;
        _refuse(terms, abi.encodeWithSelector(ICredits.QuoterWithoutCode.selector, STRANGER));
        terms.quoter = address(0);
        terms.token = STRANGER;
        _refuse(terms, abi.encodeWithSelector(ICredits.TokenWithoutCode.selector, STRANGER));
        terms = _priced(STRANGER, 0);
        _refuse(terms, abi.encodeWithSelector(ICredits.InvalidSplit.selector, 0, STRANGER, 0));
        terms = _priced(address(0), 1);
        _refuse(terms, abi.encodeWithSelector(ICredits.InvalidSplit.selector, 0, address(0), 1));
        terms = _priced(address(credits), 1);
        _refuse(terms, abi.encodeWithSelector(ICredits.InvalidSplit.selector, 0, address(credits), 1));
        terms.splits = new Split[](17);
        _refuse(terms, abi.encodeWithSelector(ICredits.TooManySplits.selector, 17, 16));
    }

    function testFuzz_termsOf__atAnyWidth__isWhatWasRegistered(uint256 seed, uint32[4] calldata numbers, uint96 amount)
        external
    {
        Terms memory terms = _priced(address(uint160(uint256(keccak256(abi.encode(seed))))), amount | 1);
        terms.token = seed % 2 == 0 ? address(credits) : address(0);
        terms.credits = numbers[0] | 1;
        terms.duration = numbers[1];
        (uint32 least, uint32 most) = (numbers[2] | 1, numbers[3] | 1);
        (terms.minRedeem, terms.maxRedeem) = least < most ? (least, most) : (most, least);
        terms.rule = RedemptionRule(seed / 2 % 3);
        terms.trial = seed / 6 % 2 == 0;
        terms.transferable = terms.duration == 0 && seed / 12 % 2 == 0;
        if (seed / 24 % 2 == 0) terms.quoter = address(registry);
        Split[] memory splits = new Split[](1 + seed / 48 % 16);
        for (uint256 i; i < splits.length; ++i) {
            splits[i] = Split(terms.splits[0].receiver, terms.splits[0].amount);
        }
        terms.splits = splits;
        uint256 planId = _register(terms);
        _same(keccak256(abi.encode(credits.termsOf(planId))), keccak256(abi.encode(terms)), "I5 hash of the terms");
        _check(credits.stateOf(planId).active, "active");
    }
}
