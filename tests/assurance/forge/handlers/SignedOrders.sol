// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ICredits, OrderAuthorization} from "../../../../contracts/credits/ICredits.sol";
import {WeirdToken} from "../../../../contracts/test/tokens/WeirdToken.sol";

import {Orders} from "./Orders.sol";
import {vm} from "../support/Vm.sol";

/// @notice Orders that their payer signed, brought by anyone: as signed, changed, late, twice.
abstract contract SignedOrders is Orders {
    bytes32 private constant _TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
    );

    struct Brought {
        OrderAuthorization order;
        bytes signature;
    }

    Brought[] private _brought;
    mapping(bytes32 nonce => bool) private _usedNonces;

    function orderWithAuthorization(uint128 seed) external onTime {
        (PlanNote storage plan, OrderAuthorization memory order) = _findOrder(seed);
        if (_brought.length > 0 && _mix(seed, "again") % 16 == 0) {
            Brought storage again = _brought[seed % _brought.length];
            return _bring(plans[indexOf[again.order.planId]], again.order, again.signature, false, seed);
        }
        bytes memory signature = _signOrder(plan.token, order);
        bool changed = signature.length == 65 && _isWrong(seed) && _mix(seed, "change") % 2 == 0;
        if (changed) _change(order, _mix(seed, "what"));
        _bring(plan, order, signature, changed, seed);
    }

    function _findOrder(uint256 seed) private view returns (PlanNote storage plan, OrderAuthorization memory order) {
        plan = _anyPlan(seed);
        bool wrong = _isWrong(seed);
        for (uint256 i; i < plans.length; ++i) {
            plan = plans[(seed + i) % plans.length];
            order = _orderOf(_purchase(plan, seed + i, wrong, Way.SIGNED), seed);
            if (_whyNotSigned(plan, order, false) == 0 || (wrong && seed % 2 == 0)) return (plan, order);
        }
    }

    function _orderOf(Purchase memory it, uint256 seed) private view returns (OrderAuthorization memory) {
        address payer = holders[_mix(seed, "signer") % (KEYS + 1)];
        uint256 late = _mix(seed, "late") % 16;
        return OrderAuthorization({
            planId: it.planId,
            payer: payer,
            receiver: plans[indexOf[it.planId]].trial && late > 1 ? payer : it.receiver,
            quantity: it.quantity,
            maxCost: it.maxCost + (it.maxCost == 0 ? 3 : 0),
            validAfter: late == 0 ? clock : clock - 1,
            validBefore: late == 1 ? clock : clock + 1,
            salt: keccak256(abi.encode(seed, _brought.length))
        });
    }

    function _signOrder(address token, OrderAuthorization memory order) private view returns (bytes memory) {
        if (signedOf[token] == Signed.NEVER || keyOf[order.payer] == 0) return new bytes(65);
        bytes32 structHash = keccak256(
            abi.encode(
                _TYPEHASH,
                order.payer,
                address(credits),
                order.maxCost,
                order.validAfter,
                order.validBefore,
                _nonceOf(order)
            )
        );
        if (signedOf[token] == Signed.BLIND) return "any";
        bytes32 separator = token == address(usdc) ? usdc.DOMAIN_SEPARATOR() : vrsOnly.DOMAIN_SEPARATOR();
        return _sign(order.payer, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    function _nonceOf(OrderAuthorization memory it) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                block.chainid, address(credits), it.planId, it.payer, it.receiver, it.quantity, it.maxCost, it.salt
            )
        );
    }

    /// @dev What a relayer would like to change, none of which the payer's signature covers by itself.
    function _change(OrderAuthorization memory order, uint256 seed) private view {
        uint256 which = seed % 3;
        if (which == 0) order.receiver = order.receiver == holders[1] ? holders[2] : holders[1];
        if (which == 1) order.salt = ~order.salt;
        if (which == 2) order.validBefore += 1000;
    }

    function _whyNotSigned(PlanNote storage plan, OrderAuthorization memory order, bool changed)
        private
        view
        returns (bytes4)
    {
        Purchase memory it =
            Purchase(order.planId, order.payer, order.receiver, order.quantity, order.maxCost, 0, order.maxCost);
        bytes4 why = _whyNoSale(plan, it, false);
        if (why == 0 && plan.trial && order.payer != order.receiver) why = ICredits.TrialOrderedForOther.selector;
        if (why == 0) why = _whyNoGrant(plan, order.receiver, plan.credits * order.quantity);
        if (why != 0) return why;
        if (plan.token == address(0)) return ICredits.TokenWithoutCode.selector;
        if (!_comes(plan.token, order) || changed) return ICredits.AuthorizationFailed.selector;
        (, uint256 cost) = _price(plan, order.payer, order.quantity);
        if (!_bill(plan, address(credits), cost, feeReceiver).works) return ICredits.PaymentFailed.selector;
        return refusal[order.receiver];
    }

    /// @dev Whether the token brings exactly what was signed.
    function _comes(address token, OrderAuthorization memory order) private view returns (bool) {
        Signed signed = signedOf[token];
        if (signed == Signed.NEVER || order.maxCost == 0 || _usedNonces[_nonceOf(order)]) return false;
        if (signed == Signed.BLIND) return movesOf[token] == Moves.EXACT || order.maxCost < 100;
        if (order.validAfter >= clock || order.validBefore <= clock) return false;
        return signed == Signed.USDC || order.payer.code.length == 0;
    }

    function _bring(
        PlanNote storage plan,
        OrderAuthorization memory order,
        bytes memory signature,
        bool changed,
        uint256 seed
    ) private {
        _fund(plan.token, order.payer, order.maxCost);
        _same(credits.authorizationNonceOf(order), _nonceOf(order), "authorizationNonceOf");
        bytes4 why = _whyNotSigned(plan, order, changed);
        uint256[] memory expected = _holdings(plan.token);
        bytes memory data = abi.encodeCall(ICredits.orderWithAuthorization, (order, signature));
        (bool done, bytes memory answer) =
            _attempt(Attempt("orderWithAuthorization", _caller(seed), address(credits), 0, data, why));
        if (done) _noteOrder(plan, order, signature, abi.decode(answer, (uint256)), expected);
        _checkHoldings("orderWithAuthorization", plan, expected);
        _checkBalances("orderWithAuthorization", plan);
    }

    function _noteOrder(
        PlanNote storage plan,
        OrderAuthorization memory order,
        bytes memory signature,
        uint256 answer,
        uint256[] memory expected
    ) private {
        (, uint256 cost) = _price(plan, order.payer, order.quantity);
        _same(answer, cost, "orderWithAuthorization: cost");
        Bill memory bill = _bill(plan, address(credits), cost, feeReceiver);
        _transfer(expected, plan.token, order.payer, address(credits), order.maxCost);
        _pay(expected, bill);
        _transfer(expected, plan.token, address(credits), order.payer, order.maxCost - cost);
        _noteGrant(plan, order.receiver, plan.credits * order.quantity);
        // A token that takes the same authorization twice is its holders' misfortune; here only those that do not are asked again.
        if (movesOf[plan.token] != Moves.EXACT) return;
        _usedNonces[_nonceOf(order)] = true;
        _brought.push(Brought(order, signature));
    }
}
