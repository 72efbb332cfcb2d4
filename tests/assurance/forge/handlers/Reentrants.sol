// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, PlanKind, Permit, RedemptionRule, Split, Terms} from "../../../../contracts/credits/ICredits.sol";
import {Callback} from "../../../../contracts/test/Callback.sol";
import {Party} from "../../../../contracts/test/receivers/Party.sol";
import {WeirdToken} from "../../../../contracts/test/tokens/WeirdToken.sol";

import {World} from "./World.sol";
import {vm} from "../support/Vm.sol";

/// @notice Calls back into the contract from the receiver's hook and from the middle of a payment.
/// @dev The books say what a call from inside must do, given that grants are written before anybody else is called.
abstract contract Reentrants is World {
    /// @dev The receiver spends in the hook what it is being given: it must be there already, and be gone after.
    function burnInHook(uint128 seed) external onTime {
        PlanNote storage plan = _findMintable(seed);
        uint256 amount = _bound(_mix(seed, "amount"), 1, 100);
        if (_whyNoGrant(plan, address(reentrant), amount) != 0) return;
        reentrant.arm(address(credits), 0, abi.encodeCall(ICredits.burn, (plan.id, address(reentrant), amount)));
        bytes memory data = abi.encodeCall(ICredits.mint, (plan.id, address(reentrant), amount));
        _try("mint, burned in the hook", plan.owner, data, bytes4(0));
        _check(reentrant.success(), "mint: the credits were not there yet when the hook was called");
        _disarm(reentrant);
        _noteGrant(plan, address(reentrant), amount);
        _noteBurn(plan, address(reentrant), amount);
        _checkBalances("burnInHook", plan);
    }

    /// @dev I7: the receiver of a trial asks for it again in the hook.
    function trialInHook(uint128 seed) external onTime {
        PlanNote storage plan = _findTrial(seed);
        if (!plan.trial) return;
        address to = address(reentrant);
        vm.prank(plan.owner);
        credits.setMinter(plan.id, to, true);
        plan.minters[plan.owner][to] = true;
        reentrant.arm(address(credits), 0, abi.encodeCall(ICredits.mint, (plan.id, to, 1)));
        bytes4 why = _whyNoGrant(plan, to, 1);
        if (_try(
                "mint of a trial, again in the hook", plan.owner, abi.encodeCall(ICredits.mint, (plan.id, to, 1)), why
            )) {
            _check(!reentrant.success(), "I7 mint: the hook got a trial a second time");
            _noteGrant(plan, to, 1);
        }
        _disarm(reentrant);
        _checkBalances("I7 trialInHook", plan);
    }

    /// @dev I7: the receiver is a minter and uses the same reference again in the hook.
    function referenceInHook(uint128 seed) external onTime {
        PlanNote storage plan = _findMintable(seed);
        address to = address(reentrant);
        bytes32 paymentReference = bytes32(_mix(seed, "reference"));
        if (plan.references[paymentReference] || _whyNoGrant(plan, to, plan.credits) != 0) return;
        vm.prank(plan.owner);
        credits.setMinter(plan.id, to, true);
        plan.minters[plan.owner][to] = true;
        bytes memory data = abi.encodeCall(ICredits.grantExternal, (plan.id, to, 1, paymentReference));
        reentrant.arm(address(credits), 0, data);
        _try("grantExternal, again in the hook", plan.owner, data, bytes4(0));
        _check(!reentrant.success(), "I7 grantExternal: the hook used the reference a second time");
        _disarm(reentrant);
        plan.references[paymentReference] = true;
        _noteGrant(plan, to, plan.credits);
        _checkBalances("I7 referenceInHook", plan);
    }

    /// @dev The token lets the receiver burn in the middle of the payment: what is paid for is there already.
    function burnInPayment(uint128 seed) external onTime {
        PlanNote storage plan = _findPricedIn(address(callsBack), seed);
        Purchase memory it;
        (it.planId, it.payer, it.receiver, it.quantity) = (plan.id, _caller(seed), address(reentrant), 1);
        (, it.maxCost) = _price(plan, it.payer, 1);
        it.allowance = it.maxCost;
        if (plan.token != address(callsBack) || it.maxCost == 0 || plan.credits == 0) return;
        if (_whyNot(plan, it, false) != 0) return;
        _fund(plan.token, it.payer, it.maxCost);
        vm.prank(it.payer);
        callsBack.approve(address(credits), it.maxCost);
        bytes memory inner = abi.encodeCall(ICredits.burn, (plan.id, it.receiver, plan.credits));
        callsBack.arm(it.receiver, 0, abi.encodeCall(Party.call, (address(credits), 0, inner)));
        bytes memory data = abi.encodeCall(ICredits.order, (plan.id, it.receiver, 1, it.maxCost));
        uint256 before = _balance(plan, it.receiver);
        uint256[] memory expected = _holdings(plan.token);
        _pay(expected, _bill(plan, it.payer, it.maxCost, feeReceiver));
        _try("order, burned in the payment", it.payer, data, bytes4(0));
        uint256 times = callsBack.count();
        _disarm(callsBack);
        // Each transfer of the payment burns once more, as long as there is something.
        _noteGrant(plan, it.receiver, plan.credits);
        for (uint256 i; i < times && _balance(plan, it.receiver) >= plan.credits; ++i) {
            _noteBurn(plan, it.receiver, plan.credits);
        }
        _checkHoldings("order, burned in the payment", plan, expected);
        _check(_balance(plan, it.receiver) < before + plan.credits, "order: nothing was there yet when it was paid");
        _checkBalances("burnInPayment", plan);
    }

    function _disarm(Callback callback) private {
        callback.arm(address(0), 0, "");
    }

    function _findMintable(uint256 seed) private view returns (PlanNote storage plan) {
        plan = _anyPlan(seed);
        for (uint256 i; i < plans.length && (plan.kind == PlanKind.USAGE || plan.trial); ++i) {
            plan = plans[(seed + i) % plans.length];
        }
    }

    function _findTrial(uint256 seed) private view returns (PlanNote storage plan) {
        plan = _anyPlan(seed);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            if (plan.trial && !positions[plan.id][address(reentrant)].trialTaken) return plan;
        }
    }

    function _findPricedIn(address token, uint256 seed) private view returns (PlanNote storage plan) {
        plan = _anyPlan(seed);
        for (uint256 i; i < plans.length && (plan.token != token || plan.kind == PlanKind.USAGE); ++i) {
            plan = plans[(seed + i) % plans.length];
        }
    }
}
