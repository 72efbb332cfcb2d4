// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    ICredits,
    PlanKind,
    SettlementOutcome,
    SettlementResult,
    RedemptionRule,
    Settlement,
    Voucher
} from "../../../../contracts/credits/ICredits.sol";

import {Agents} from "./Agents.sol";
import {vm} from "../support/Vm.sol";

/// @notice One who comes when all is done, and must be able to use every plan, whatever happened before (I8, I10).
abstract contract Newcomer is Agents {
    uint256 private constant _KEY = 4242;
    address private _newcomer;

    function _setUpNewcomer() internal {
        keyOf[_newcomer = vm.addr(_KEY)] = _KEY;
        _addParty(_newcomer, "newcomer");
    }

    /// @dev I8, I10: orders, redeems, settles and burns on every plan, after its owner has done what an owner can.
    function checkNewcomer() external onTime {
        _calmDown();
        for (uint256 i; i < plans.length; ++i) {
            _serve(plans[i]);
        }
    }

    /// @dev The same on a few plans, in a world that is thrown away.
    function checkUse() external onTime {
        uint256 before = vm.snapshotState();
        _calmDown();
        for (uint256 i; i < 3; ++i) {
            _serve(_anyPlan(clock + plans.length + 7 * i));
        }
        vm.revertToState(before);
    }

    /// @dev I10: every plan can be read, priced and changed by its owner.
    function checkPlans() external onTime {
        for (uint256 i; i < plans.length; ++i) {
            PlanNote storage plan = plans[i];
            vm.prank(plan.owner);
            credits.setPlanActive(plan.id, plan.active);
            _checkState(plan, "I10 setPlanActive");
            (bool named, uint256 cost) = _price(plan, _newcomer, 1);
            if (!named || plan.outside) continue;
            _same(credits.quote(plan.id, _newcomer, 1), cost, string.concat("I10 quote of ", _name(plan)));
        }
    }

    function _calmDown() private {
        pauses.setPaused(isPaused = false);
        changesPrice.setPrice(1001);
        for (uint256 i; i < parties.length; ++i) {
            blocksAddress.setBlocked(parties[i], false);
            isBlocked[address(blocksAddress)][parties[i]] = false;
        }
    }

    function _serve(PlanNote storage plan) private {
        _try("I10 setPlanActive afterwards", plan.owner, abi.encodeCall(ICredits.setPlanActive, (plan.id, true)), 0);
        plan.active = true;
        _buyAsNewcomer(plan);
        if (plan.kind != PlanKind.USAGE) _useAsNewcomer(plan);
    }

    function _buyAsNewcomer(PlanNote storage plan) private {
        Purchase memory it = _purchase(plan, 3, false, Way.ORDER);
        (it.payer, it.receiver, it.quantity) = (_newcomer, _newcomer, 1);
        (, uint256 cost) = _price(plan, _newcomer, 1);
        (it.maxCost, it.allowance, it.value) = (cost, 2 * cost, plan.token == address(0) ? cost : 0);
        bool usage = plan.kind == PlanKind.USAGE;
        if (_whyNot(plan, it, usage) == 0) {
            _allow(plan, it);
            bytes memory data = usage
                ? abi.encodeCall(ICredits.payUsage, (plan.id, 1, cost, 0))
                : abi.encodeCall(ICredits.order, (plan.id, _newcomer, 1, cost));
            _buy(usage ? "I8 payUsage afterwards" : "I8 order afterwards", plan, it, data);
        } else if (!usage) {
            // Its own terms make it one that cannot be ordered: a price that no one names, or a receiver that takes nothing.
            bytes memory data = abi.encodeCall(ICredits.grantExternal, (plan.id, _newcomer, 1, keccak256("afterwards")));
            if (_try("I10 grantExternal afterwards", plan.owner, data, 0)) _noteGrant(plan, _newcomer, plan.credits);
        }
    }

    function _useAsNewcomer(PlanNote storage plan) private {
        if (!plan.trial) {
            uint256 amount = plan.minRedeem + 2;
            bytes memory data = abi.encodeCall(ICredits.mint, (plan.id, _newcomer, amount));
            if (_try("I10 mint afterwards", plan.owner, data, 0)) _noteGrant(plan, _newcomer, amount);
        }
        if (plan.maxRedeem > 0 && _balance(plan, _newcomer) >= plan.minRedeem) {
            address caller = plan.rule == RedemptionRule.OWNER ? plan.owner : _newcomer;
            bytes memory data = abi.encodeCall(ICredits.redeem, (plan.id, _newcomer, plan.minRedeem, 0));
            if (_try("I8 redeem afterwards", caller, data, 0)) _noteRedemption(plan, _newcomer, plan.minRedeem);
        }
        if (_takesSettlements(plan) && _balance(plan, _newcomer) > 0) _settleAsNewcomer(plan);
        if (_balance(plan, _newcomer) > 0) {
            bytes memory data = abi.encodeCall(ICredits.burn, (plan.id, _newcomer, 1));
            if (_try("I8 burn afterwards", _newcomer, data, 0)) _noteBurn(plan, _newcomer, 1);
        }
        _same(credits.balanceOf(_newcomer, plan.id), _balance(plan, _newcomer), "I8 what the newcomer has left");
    }

    function _settleAsNewcomer(PlanNote storage plan) private {
        Voucher memory voucher = Voucher(plan.id, _newcomer, plan.owner, 1, 0, uint64(clock));
        Settlement[] memory items = new Settlement[](1);
        items[0] = Settlement(_newcomer, 1, 1, 0, uint64(clock), _sign(_newcomer, _digestOf(voucher)));
        bytes memory data = abi.encodeCall(ICredits.settle, (plan.id, items));
        (, bytes memory answer) = _attempt(Attempt("I8 settle afterwards", plan.owner, address(credits), 0, data, 0));
        SettlementOutcome[] memory outcomes = abi.decode(answer, (SettlementOutcome[]));
        _same(uint8(outcomes[0].result), uint8(SettlementResult.SETTLED), "I8 settle afterwards: result");
        plan.redeemed += 1;
        _takeOut(plan, _newcomer, 1);
    }
}
