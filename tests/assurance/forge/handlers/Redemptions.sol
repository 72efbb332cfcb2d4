// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, RedemptionRule} from "../../../../contracts/credits/ICredits.sol";

import {Grants} from "./Grants.sol";
import {vm} from "../support/Vm.sol";

/// @notice Redeems and burns, by those who may and those who may not.
abstract contract Redemptions is Grants {
    /// @dev ERC1155MissingApprovalForAll(address,address)
    bytes4 internal constant MISSING_APPROVAL = 0xe237d922;

    mapping(address holder => mapping(address operator => bool)) internal approved;

    function redeem(uint128 seed) external onTime {
        (PlanNote storage plan, address holder) = _findRedeemable(seed);
        address caller = _isWrong(seed) ? _caller(_mix(seed, "anyone")) : _redeemerOf(plan, holder, seed);
        uint256 amount = _redeemed(plan, holder, seed);
        bytes4 why = _whyNoRedemption(plan, holder, amount);
        (bool ok, bytes4 reason) = credits.canRedeem(plan.id, holder, amount);
        _check(ok == (why == 0) && reason == why, "canRedeem: not what the books say");

        if (!_mayRedeem(plan, holder, caller)) why = ICredits.RedeemNotAllowed.selector;
        bytes memory data = abi.encodeCall(ICredits.redeem, (plan.id, holder, amount, bytes32(uint256(seed))));
        if (_try("redeem", caller, data, why)) _noteRedemption(plan, holder, amount);
        _checkBalances("redeem", plan);
    }

    function _redeemed(PlanNote storage plan, address holder, uint256 seed) private view returns (uint256) {
        bool wrong = _isWrong(seed);
        uint256 balance = _balance(plan, holder);
        uint256 most = plan.maxRedeem < balance && !wrong ? plan.maxRedeem : balance;
        if (wrong && _mix(seed, "wrong") % 2 == 0) most = plan.maxRedeem + 1;
        uint256 least = wrong && seed % 4 == 0 ? 0 : plan.minRedeem;
        if (wrong && seed % 4 == 1) return most;
        return _bound(_mix(seed, "amount"), least, most < least ? least : most);
    }

    function burn(uint128 seed) external onTime {
        bool wrong = _isWrong(seed);
        (PlanNote storage plan, address holder) = _findHolder(seed);
        address caller = _mix(seed, "who") % 4 == 0 || wrong ? _caller(_mix(seed, "anyone")) : holder;
        if (caller != holder && !wrong && !approved[holder][caller]) {
            vm.prank(holder);
            credits.setApprovalForAll(caller, true);
            approved[holder][caller] = true;
        }
        uint256 balance = _balance(plan, holder);
        uint256 amount = _bound(_mix(seed, "amount"), 1, balance == 0 ? 1 : balance);
        if (wrong && seed % 3 == 0) amount = balance + 1;
        if (wrong && seed % 3 == 1) amount = 0;

        bytes4 why;
        if (caller != holder && !approved[holder][caller]) why = MISSING_APPROVAL;
        else if (amount == 0) why = ICredits.ZeroAmount.selector;
        else if (amount > balance) why = ICredits.InsufficientCredits.selector;
        if (_try("burn", caller, abi.encodeCall(ICredits.burn, (plan.id, holder, amount)), why)) {
            _noteBurn(plan, holder, amount);
        }
        _checkBalances("burn", plan);
    }

    // ------------------------------------------------------------------ who has something

    function _findHolder(uint256 seed) internal view returns (PlanNote storage plan, address holder) {
        plan = _anyPlan(seed);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            for (uint256 j; j < WILLING; ++j) {
                holder = _willing(_mix(seed, "holder") + j);
                if (_balance(plan, holder) > 0) return (plan, holder);
            }
        }
    }

    function _findRedeemable(uint256 seed) private view returns (PlanNote storage plan, address holder) {
        plan = _anyPlan(seed);
        bool wrong = _isWrong(seed);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            for (uint256 j; j < WILLING; ++j) {
                holder = _willing(_mix(seed, "holder") + j);
                uint256 balance = _balance(plan, holder);
                if (wrong && balance > 0) return (plan, holder);
                if (plan.maxRedeem > 0 && balance >= plan.minRedeem) return (plan, holder);
            }
        }
    }

    function _redeemerOf(PlanNote storage plan, address holder, uint256 seed) private view returns (address) {
        for (uint256 i; i < 8; ++i) {
            address candidate = _caller(_mix(seed, "redeemer") + i);
            if (plan.rule != RedemptionRule.HOLDER && plan.redeemers[plan.owner][candidate]) return candidate;
        }
        return plan.rule == RedemptionRule.OWNER ? plan.owner : holder;
    }

    // ------------------------------------------------------------------ what must come of it

    /// @dev The table of the three rules.
    function _mayRedeem(PlanNote storage plan, address holder, address caller) internal view returns (bool) {
        bool isRedeemer = plan.redeemers[plan.owner][caller];
        if (plan.rule == RedemptionRule.HOLDER) return caller == holder;
        if (plan.rule == RedemptionRule.REDEEMER) return caller == holder || isRedeemer;
        return caller == plan.owner || isRedeemer;
    }

    function _whyNoRedemption(PlanNote storage plan, address holder, uint256 amount) private view returns (bytes4) {
        if (plan.maxRedeem == 0) return ICredits.NotRedeemable.selector;
        if (amount < plan.minRedeem || amount > plan.maxRedeem) return ICredits.RedeemOutOfRange.selector;
        return amount > _balance(plan, holder) ? ICredits.InsufficientCredits.selector : bytes4(0);
    }
}
