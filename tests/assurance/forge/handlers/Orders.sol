// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, PlanKind, Permit} from "../../../../contracts/credits/ICredits.sol";
import {WeirdToken} from "../../../../contracts/test/tokens/WeirdToken.sol";

import {Plans} from "./Plans.sol";
import {vm} from "../support/Vm.sol";

/// @notice Orders and pays, out of an allowance, with coin and with a permit.
abstract contract Orders is Plans {
    enum Way {
        ORDER,
        PERMIT,
        SIGNED,
        PAY
    }

    /// @dev One order as it will be made.
    struct Purchase {
        uint256 planId;
        address payer;
        address receiver;
        uint256 quantity;
        uint256 maxCost;
        uint256 value;
        uint256 allowance;
    }

    function order(uint128 seed) external onTime {
        (PlanNote storage plan, Purchase memory it) = _findPurchase(seed, Way.ORDER);
        _allow(plan, it);
        bytes memory data = abi.encodeCall(ICredits.order, (it.planId, it.receiver, it.quantity, it.maxCost));
        _buy("order", plan, it, data);
    }

    /// @dev An order that is all right but for the money: an allowance that is too small, a token that says no, a receiver that does.
    function orderUnpaid(uint128 seed) external onTime {
        (PlanNote storage plan, Purchase memory it) = _findPurchase(seed, Way.ORDER);
        if (_mix(seed, "unpayable") % 3 == 0) {
            plan = plans[18 + seed % 2];
            it = _purchase(plan, seed, false, Way.ORDER);
        } else {
            (, uint256 cost) = _price(plan, it.payer, it.quantity);
            if (cost > 0) it.allowance = cost - 1;
        }
        if (_whyNot(plan, it, false) != ICredits.PaymentFailed.selector) return;
        _allow(plan, it);
        bytes memory data = abi.encodeCall(ICredits.order, (it.planId, it.receiver, it.quantity, it.maxCost));
        _buy("order, unpaid", plan, it, data);
    }

    /// @dev An order that would work, with one number made wrong: what is sent, what may be paid, how many.
    function orderWrongly(uint128 seed) external onTime {
        (PlanNote storage plan, Purchase memory it) = _findPurchase(seed, Way.ORDER);
        if (_whyNot(plan, it, false) != 0) return;
        uint256 which = _mix(seed, "number") % 6;
        (, uint256 cost) = _price(plan, it.payer, it.quantity);
        if (which < 2) it.value = which == 0 || it.value == 0 ? it.value + 1 : it.value - 1;
        else if (which == 2 && cost > 0) it.maxCost = cost - 1;
        else if (which == 3) it.quantity = 0;
        else if (which == 4) it.quantity = uint256(type(uint32).max) + 1;
        else it.receiver = address(0);
        _allow(plan, it);
        bytes memory data = abi.encodeCall(ICredits.order, (it.planId, it.receiver, it.quantity, it.maxCost));
        _buy("order, wrongly", plan, it, data);
    }

    function payUsage(uint128 seed) external onTime {
        (PlanNote storage plan, Purchase memory it) = _findPurchase(seed, Way.PAY);
        _allow(plan, it);
        bytes memory data =
            abi.encodeCall(ICredits.payUsage, (it.planId, it.quantity, it.maxCost, bytes32(uint256(seed))));
        _buy("payUsage", plan, it, data);
    }

    function orderWithPermit(uint128 seed) external onTime {
        (PlanNote storage plan, Purchase memory it) = _findPurchase(seed, Way.PERMIT);
        bool hasPermit = plan.token == address(usdc) && keyOf[it.payer] != 0;
        _allow(plan, it);
        Permit memory permit;
        if (hasPermit) {
            permit = _permit(it, _mix(seed, "late") % 8 == 0);
            if (permit.deadline >= clock) it.allowance = it.maxCost;
        }
        bytes memory data =
            abi.encodeCall(ICredits.orderWithPermit, (it.planId, it.receiver, it.quantity, it.maxCost, permit));
        _buy("orderWithPermit", plan, it, data);
    }

    /// @dev A permit over `maxCost`, now and then brought by somebody else before.
    function _permit(Purchase memory it, bool late) private returns (Permit memory permit) {
        permit.deadline = late ? clock - 1 : clock;
        vm.prank(it.payer);
        usdc.approve(address(credits), late ? it.allowance : 0);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                it.payer,
                address(credits),
                it.maxCost,
                usdc.nonces(it.payer),
                permit.deadline
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash));
        (permit.v, permit.r, permit.s) = vm.sign(keyOf[it.payer], digest);
        if (!late && uint256(digest) % 4 == 0) {
            usdc.permit(it.payer, address(credits), it.maxCost, permit.deadline, permit.v, permit.r, permit.s);
        }
    }

    // ------------------------------------------------------------------ what will be ordered

    /// @dev An order that must work, as far as there is one among the plans; one in {WRONG} is whatever comes.
    function _findPurchase(uint256 seed, Way way) internal view returns (PlanNote storage plan, Purchase memory it) {
        plan = _anyPlan(seed);
        bool wrong = _isWrong(seed);
        uint256 start = seed % plans.length;
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(start + i) % plans.length];
            it = _purchase(plan, seed + i, wrong, way);
            if (_whyNot(plan, it, way == Way.PAY) == 0 || (wrong && _mix(seed, "any") % 2 == 0)) return (plan, it);
        }
    }

    function _purchase(PlanNote storage plan, uint256 seed, bool wrong, Way way)
        internal
        view
        returns (Purchase memory it)
    {
        it.planId = plan.id;
        it.payer = _caller(_mix(seed, "payer"));
        it.receiver = way == Way.PAY ? it.payer : _willing(_mix(seed, "receiver"));
        if (plan.trial && !wrong) it.receiver = it.payer;
        it.quantity = plan.trial ? 1 : _bound(_mix(seed, "quantity"), 1, 5);
        uint256 roll = wrong ? _mix(seed, "how wrong") % 12 : 99;
        if (roll == 0) it.quantity = 0;
        if (roll == 1) it.quantity = uint256(type(uint32).max) + 1;
        if (roll == 2) it.quantity = type(uint32).max;
        if (roll == 3) it.quantity = 2;
        if (roll >= 9 && roll < 12) it.receiver = _anyHolder(_mix(seed, "any receiver"));
        (, uint256 cost) = _price(plan, it.payer, it.quantity);
        it.maxCost = _mix(seed, "exact") % 2 == 0 ? cost : cost + _bound(_mix(seed, "more"), 1, 1000);
        if (roll == 4 && cost > 0) it.maxCost = cost - 1;
        if (way == Way.ORDER || way == Way.PAY) {
            if (plan.token == address(0)) it.value = cost;
            if (roll == 5) it.value += 1;
            if (roll == 6 && it.value > 0) it.value -= 1;
        }
        it.allowance = movesOf[plan.token] == Moves.MORE ? 2 * it.maxCost : it.maxCost;
        if (roll == 7 && cost > 0) it.allowance = cost - 1;
        if (roll == 8) it.receiver = address(0);
    }

    function _allow(PlanNote storage plan, Purchase memory it) internal {
        (, uint256 cost) = _price(plan, it.payer, it.quantity);
        _fund(plan.token, it.payer, 2 * cost);
        if (it.value > 0) _fund(address(0), it.payer, it.value);
        if (plan.token == address(0)) return;
        vm.prank(it.payer);
        // Some tokens return nothing.
        (bool done,) = plan.token.call(abi.encodeCall(WeirdToken.approve, (address(credits), it.allowance)));
        _check(done, "approve");
    }

    // ------------------------------------------------------------------ what must come of it

    /// @dev The error of an order in the order in which the contract looks, zero if it must work.
    function _whyNot(PlanNote storage plan, Purchase memory it, bool usage) internal view returns (bytes4) {
        bytes4 why = _whyNoSale(plan, it, usage);
        if (why != 0) return why;
        (, uint256 cost) = _price(plan, it.payer, it.quantity);
        if (!usage) {
            if (plan.trial && it.payer != it.receiver) return ICredits.TrialOrderedForOther.selector;
            why = _whyNoGrant(plan, it.receiver, plan.credits * it.quantity);
            if (why != 0) return why;
        }
        if (it.value != (plan.token == address(0) ? cost : 0)) return ICredits.WrongValue.selector;
        if (!_bill(plan, it.payer, cost, feeReceiver).works) return ICredits.PaymentFailed.selector;
        bool moves = movesOf[plan.token] != Moves.NOTHING && plan.token != address(0);
        if (moves && plan.splits.length > 0 && it.allowance < cost) return ICredits.PaymentFailed.selector;
        return usage ? bytes4(0) : refusal[it.receiver];
    }

    function _whyNoSale(PlanNote storage plan, Purchase memory it, bool usage) internal view returns (bytes4) {
        if (usage != (plan.kind == PlanKind.USAGE)) return ICredits.WrongKind.selector;
        if (!plan.active) return ICredits.PlanNotActive.selector;
        if (it.quantity == 0 || it.quantity > type(uint32).max || (plan.trial && it.quantity != 1)) {
            return ICredits.InvalidQuantity.selector;
        }
        if (plan.outside) return ICredits.PaidExternally.selector;
        (bool named, uint256 cost) = _price(plan, it.payer, it.quantity);
        if (!named) return ICredits.QuoteFailed.selector;
        return cost > it.maxCost ? ICredits.CostAboveMax.selector : bytes4(0);
    }

    function _whyNoGrant(PlanNote storage plan, address to, uint256 amount) internal view returns (bytes4) {
        if (to == address(0)) return INVALID_RECEIVER;
        if (plan.trial && positions[plan.id][to].trialTaken) return ICredits.TrialAlreadyTaken.selector;
        return _overflows(plan, to, amount) ? ICredits.CreditsOverflow.selector : bytes4(0);
    }

    // ------------------------------------------------------------------ the order itself

    function _buy(string memory name, PlanNote storage plan, Purchase memory it, bytes memory data) internal {
        bool usage = plan.kind == PlanKind.USAGE && _isPay(data);
        Attempt memory what = Attempt(name, it.payer, address(credits), it.value, data, _whyNot(plan, it, _isPay(data)));
        uint256[] memory expected = _holdings(plan.token);
        (bool done, bytes memory answer) = _attempt(what);
        if (done) {
            (, uint256 cost) = _price(plan, it.payer, it.quantity);
            _same(abi.decode(answer, (uint256)), cost, string.concat(name, ": cost"));
            _same(credits.quote(plan.id, it.payer, it.quantity), cost, "quote");
            _pay(expected, _bill(plan, it.payer, cost, feeReceiver));
            if (!usage) _noteGrant(plan, it.receiver, plan.credits * it.quantity);
        }
        _checkHoldings(name, plan, expected);
        _checkBalances(name, plan);
    }

    function _isPay(bytes memory data) private pure returns (bool) {
        return _selector(data) == ICredits.payUsage.selector;
    }
}
