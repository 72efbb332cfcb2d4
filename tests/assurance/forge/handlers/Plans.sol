// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Activation, ICredits, PlanKind, RedemptionRule, Split, Terms} from "../../../../contracts/credits/ICredits.sol";

import {Base} from "./Base.sol";
import {vm} from "../support/Vm.sol";

/// @notice Registers plans of every kind, and terms that make none.
abstract contract Plans is Base {
    uint256 internal constant MOST_PLANS = 36;
    uint256 private _salt;

    /// @dev The plans each history begins with: one of each kind, whatever the fuzzer does.
    function _setUpPlans() internal {
        for (uint256 i; i < 18; ++i) {
            // All but the first carry a fee, later ones the highest.
            if (i % 6 == 3) _setFirstFee(i < 12 ? 250 : 1000);
            _register(_caller(i % 5), _template(i, _mix(i, "template")));
            PlanNote storage plan = plans[i];
            if (plan.kind == PlanKind.USAGE || plan.trial) continue;
            for (uint256 j; j < 2; ++j) {
                address to = _willing(i + 5 * j);
                vm.prank(plan.owner);
                credits.mint(plan.id, to, 40);
                _noteGrant(plan, to, 40);
            }
        }
    }

    /// @dev Two whose price cannot be paid: a token that refuses, a receiver that takes no coin.
    function _setUpUnpayable() internal {
        Terms memory terms;
        (terms.credits, terms.minRedeem, terms.maxRedeem) = (1, 1, 1);
        terms.splits = new Split[](2);
        (terms.splits[0], terms.splits[1]) = (Split(payees[0], 5), Split(payees[1], 1e6));
        terms.token = tokens[14];
        _register(holders[1], terms);
        terms.token = address(0);
        terms.splits[_mix(clock, "which") % 2].receiver = rejectsCoin;
        _register(holders[2], terms);
    }

    /// @dev One in a token that calls back, see {Reentrants}.
    function _setUpCallback() internal {
        Terms memory terms;
        (terms.credits, terms.minRedeem, terms.maxRedeem, terms.token) = (3, 1, 1, address(callsBack));
        terms.splits = new Split[](2);
        (terms.splits[0], terms.splits[1]) = (Split(payees[0], 5), Split(payees[1], 1e6));
        _register(holders[3], terms);
    }

    function _setFirstFee(uint16 bps) private {
        (feeBps, feeReceiver) = (bps, payees[3]);
        vm.prank(feeOwner);
        credits.setProtocolFee(bps, payees[3]);
    }

    function registerPlan(uint128 seed) external onTime {
        if (plans.length >= MOST_PLANS) return;
        address creator = _caller(_mix(seed, "creator"));
        Terms memory terms = _template(seed % 18, seed);
        if (!_isWrong(seed)) return _register(creator, terms);
        if (feeBps > 0 && _mix(seed, "fee") % 4 == 0) return _refuseFee(creator, terms);
        bytes4 why = _spoil(terms, _mix(seed, "spoil"));
        uint16 most = feeBps > 0 && seed % 2 == 0 ? uint16(feeBps - 1) : uint16(feeBps);
        bytes memory data = abi.encodeCall(ICredits.registerPlan, (terms, bytes32(_salt++), "", most));
        _try("registerPlan", creator, data, why);
    }

    function _refuseFee(address creator, Terms memory terms) private {
        bytes memory data = abi.encodeCall(ICredits.registerPlan, (terms, bytes32(_salt++), "", uint16(feeBps - 1)));
        _try("registerPlan", creator, data, ICredits.FeeAboveMax.selector);
    }

    function registerPlanTwice(uint128 seed) external onTime {
        PlanNote storage plan = _anyPlan(seed);
        Terms memory terms = credits.termsOf(plan.id);
        // Salts count the plans, so the creator's first registration is known; another's makes another plan.
        (address creator, uint256 salt) = (creators[plan.id], salts[plan.id]);
        bytes memory data = abi.encodeCall(ICredits.registerPlan, (terms, bytes32(salt), "copy", uint16(feeBps)));
        _try("registerPlan twice", creator, data, ICredits.PlanAlreadyRegistered.selector);
    }

    mapping(uint256 planId => address) internal creators;
    mapping(uint256 planId => uint256) internal salts;

    function _register(address creator, Terms memory terms) private {
        uint256 salt = _salt++;
        uint256 planId = uint256(keccak256(abi.encode(block.chainid, address(credits), creator, terms, bytes32(salt))));
        bytes memory data = abi.encodeCall(ICredits.registerPlan, (terms, bytes32(salt), "ipfs://plan", uint16(feeBps)));
        (, bytes memory answer) = _attempt(Attempt("registerPlan", creator, address(credits), 0, data, bytes4(0)));
        _same(abi.decode(answer, (uint256)), planId, "registerPlan: id of the plan");
        _same(credits.planIdOf(creator, terms, bytes32(salt)), planId, "planIdOf");
        (creators[planId], salts[planId]) = (creator, salt);
        _note(terms, planId, creator, feeBps);
        plans[plans.length - 1].uri = "ipfs://plan";
    }

    // ------------------------------------------------------------------ terms

    /// @dev 0..9 credits, 10..13 time, 14..15 usage, 16..17 special prices; the rest by chance.
    function _template(uint256 which, uint256 seed) private view returns (Terms memory terms) {
        terms.kind = which < 10 || which > 15 ? PlanKind.CREDITS : which < 14 ? PlanKind.TIME : PlanKind.USAGE;
        if (terms.kind != PlanKind.USAGE) terms.credits = uint32(_bound(_mix(seed, "credits"), 1, 50));
        terms.rule = RedemptionRule(which % 3);
        terms.minRedeem = uint32(_bound(_mix(seed, "min"), 1, 3));
        terms.maxRedeem = uint32(terms.minRedeem + _bound(_mix(seed, "max"), 0, 40));
        if (terms.kind == PlanKind.TIME) {
            terms.duration = uint32(_bound(_mix(seed, "duration"), 1, 1000));
            terms.credits = uint32(_bound(_mix(seed, "periods"), 1, 4));
            if (which % 2 == 0) terms.activation = Activation.ON_FIRST_USE;
        }
        if (which == 3 || which == 4 || which == 5) {
            terms.duration = uint32(_bound(_mix(seed, "duration"), 1, 500));
        }
        if (which == 6 || which == 9) terms.transferable = true;
        if (which == 7 || which == 12) terms.trial = true;
        if (terms.kind == PlanKind.USAGE || (terms.kind == PlanKind.TIME && which % 2 == 1)) {
            (terms.minRedeem, terms.maxRedeem, terms.rule) = (0, 0, RedemptionRule.HOLDER);
        }
        if (which == 16) terms.paidExternally = true;
        else _setPrice(terms, which, seed);
    }

    function _setPrice(Terms memory terms, uint256 which, uint256 seed) private view {
        uint256 count = which == 9 || which == 5 ? 0 : _bound(_mix(seed, "count"), 0, 3);
        if (_mix(seed, "many") % 8 == 0) count = 16;
        if (which == 17 || _mix(seed, "quoted") % 8 == 0) {
            if (count == 0) count = 2;
            uint256 most = which == 17 ? 3 : quoters.length;
            terms.quoter = quoters[_mix(seed, "quoter") % most];
        }
        terms.splits = new Split[](count);
        for (uint256 i; i < count; ++i) {
            uint256 roll = _mix(seed + i, "receiver") % 16;
            address receiver = roll < 11 ? payees[roll % 4] : holders[roll % 5];
            if (roll == 15 && _mix(seed, "bad coin") % 4 == 0) receiver = rejectsCoin;
            terms.splits[i] = Split(receiver, uint96(_bound(_mix(seed + i, "amount"), 1, 1e7)));
        }
        // Mostly tokens that do as they are told; USDC most of all.
        uint256 token = _mix(seed, "token") % 24;
        terms.token = token < tokens.length ? tokens[token] : tokens[token % 5];
    }

    /// @dev Makes one term wrong and returns the error that this deserves.
    function _spoil(Terms memory terms, uint256 seed) private view returns (bytes4) {
        uint256 which = seed % 12;
        if (which < 6) {
            terms.paidExternally = false;
            if (terms.kind == PlanKind.USAGE) terms.credits = 1;
            else terms.credits = 0;
            return terms.kind == PlanKind.USAGE ? ICredits.TermNotAllowed.selector : ICredits.ZeroCredits.selector;
        }
        if (which == 6) {
            terms.kind = PlanKind.CREDITS;
            (terms.activation, terms.credits) = (Activation.ON_FIRST_USE, 1);
            return ICredits.TermNotAllowed.selector;
        }
        if (which == 7) {
            (terms.kind, terms.credits, terms.duration) = (PlanKind.TIME, 1, 0);
            return ICredits.ZeroDuration.selector;
        }
        // From here on terms that are right but for one.
        Terms memory right;
        (right.credits, right.minRedeem, right.maxRedeem) = (1, 1, 1);
        right.splits = new Split[](which == 8 ? 17 : 1);
        for (uint256 i; i < right.splits.length; ++i) {
            right.splits[i] = Split(payees[0], 1);
        }
        bytes4 why = ICredits.TooManySplits.selector;
        if (which == 9) {
            right.splits[0].receiver = seed % 2 == 0 ? address(credits) : address(0);
            why = ICredits.InvalidSplit.selector;
        } else if (which == 10) {
            if (seed % 2 == 0) right.minRedeem = 2;
            else right.minRedeem = 0;
            why = ICredits.InvalidRedeemRange.selector;
        } else if (which == 11) {
            if (seed % 2 == 0) right.token = holders[0];
            else right.quoter = holders[0];
            why = seed % 2 == 0 ? ICredits.TokenWithoutCode.selector : ICredits.QuoterWithoutCode.selector;
        }
        _assign(terms, right);
        return why;
    }

    function _assign(Terms memory to, Terms memory from) private pure {
        (to.kind, to.activation, to.token, to.splits) = (from.kind, from.activation, from.token, from.splits);
        (to.quoter, to.paidExternally, to.credits) = (from.quoter, from.paidExternally, from.credits);
        (to.duration, to.minRedeem, to.maxRedeem) = (from.duration, from.minRedeem, from.maxRedeem);
        (to.rule, to.trial, to.transferable) = (from.rule, from.trial, from.transferable);
    }
}
