"""Mistakes that somebody might make or plant, in words: what no operator on a line of code comes to."""

from dataclasses import dataclass
from typing import Final

CREDITS: Final = "contracts/credits/Credits.sol"
PLANS: Final = "contracts/credits/Plans.sol"
LEDGER: Final = "contracts/credits/Ledger.sol"
LOTS: Final = "contracts/credits/libraries/Lots.sol"
ORDERS: Final = "contracts/credits/libraries/OrderAuthorizations.sol"
SPLITS: Final = "contracts/credits/libraries/Splits.sol"
SALE: Final = "contracts/credits/libraries/SaleTerms.sol"
SETTLEMENT: Final = "contracts/credits/libraries/SettlementData.sol"
VOUCHERS: Final = "contracts/credits/libraries/Vouchers.sol"
PLAN_IDS: Final = "contracts/credits/libraries/PlanIds.sol"
AGENTS: Final = "contracts/agents/AgentRegistry.sol"


@dataclass(frozen=True)
class Mistake:
    """A mistake: what is written in whose place, wherever it stands in its file."""

    name: str
    place: str
    """The function that does the wrong thing."""
    changes: tuple[tuple[str, str, str], ...]
    """File, what is right, what is wrong."""


def _one(name: str, place: str, path: str, right: str, wrong: str) -> Mistake:
    return Mistake(name, place, ((path, right, wrong),))


_SIGNER: Final = "address signer = ECDSA.tryRecoverCalldata(digest, signature);"
_ALSO: Final = """
        if (signer != holder) {
            (uint256 planId, uint256 ceiling, bytes32 context, uint256 deadline) = (0, 0, bytes32(0), 0);
            assembly {
                planId := mload(add(form, 0x20))
                ceiling := calldataload(add(item, 0x40))
                context := calldataload(add(item, 0x60))
                deadline := calldataload(add(item, 0x80))
            }
            bytes32 structHash = keccak256(abi.encode(Vouchers.TYPEHASH, {}));
            digest = keccak256(abi.encodePacked(hex"1901", _domainSeparator(), structHash));
            signer = ECDSA.tryRecoverCalldata(digest, signature);
        }"""
_FIELDS: Final = ("planId", "holder", "redeemer", "ceiling", "context", "deadline")
_VOUCHER: Final = ("planId", "holder", "msg.sender", "ceiling", "context", "deadline")


def _also_signed(name: str, right: str, wrong: str) -> Mistake:
    """Take a voucher in which one field is something else, besides those that are right."""
    fields = ", ".join(wrong if each == right else each for each in _VOUCHER)
    return _one(name, "Credits._hasSigned", CREDITS, _SIGNER, _SIGNER + _ALSO.replace("{}", fields, 1))


FIRST: Final = (
    _one(
        "forgets what has expired",
        "Ledger._withoutExpired",
        LEDGER,
        "if (later < holding.unspent()) holding = holding.withUnspent(later);",
        "",
    ),
    _one(
        "settles above the ceiling",
        "SettlementData.read",
        SETTLEMENT,
        "limit := xor(limit, mul(xor(limit, ceiling), and(byVoucher, lt(ceiling, limit))))",
        "",
    ),
    _one(
        "expires a second late",
        "Lots.firstLive",
        LOTS,
        "expiresAt() > block.timestamp",
        "expiresAt() >= block.timestamp",
    ),
    _one(
        "takes vouchers that ended",
        "SettlementData.read",
        SETTLEMENT,
        "gt(timestamp(), deadline)",
        "gt(timestamp(), add(deadline, 1))",
    ),
    _one("leaves the dust with the payer", "Credits._pay", CREDITS, "i == 0 ? unpaid :", "total == 0 ? unpaid :"),
    _one(
        "adds to a window that is over",
        "Ledger._extendAccess",
        LEDGER,
        "if (end < block.timestamp) end = block.timestamp;",
        "",
    ),
    _one(
        "gives the place of a live lot away",
        "Ledger._storeLastLot",
        LEDGER,
        "if (first == end) (first, end) = (0, 0);\n        position.lots[end]",
        "if (first < end) (first, end) = (0, 0);\n        position.lots[end]",
    ),
)
"""Tried first, and by `tests/assurance/invariants` too."""

_ACCESS: Final = (
    _one("lets redeemers mint", "Credits._checkMinter", CREDITS, "!isMinter(", "!isRedeemer("),
    _one(
        "lets who is offered a plan act as its owner",
        "Plans._checkPlanOwner",
        PLANS,
        "_requirePlan(planId).owner() != msg.sender",
        "_requirePlan(planId).owner() != msg.sender && _plans[planId].pendingOwner != msg.sender",
    ),
    _one(
        "lets the owner of the fee act for every plan",
        "Plans._checkPlanOwner",
        PLANS,
        "_requirePlan(planId).owner() != msg.sender",
        "_requirePlan(planId).owner() != msg.sender && msg.sender != owner()",
    ),
    _one(
        "lets anybody accept a plan that is offered",
        "Plans.acceptPlanOwnership",
        PLANS,
        "plan.pendingOwner != msg.sender",
        "plan.pendingOwner == address(0)",
    ),
    _one(
        "gives a plan away in one step",
        "Plans.transferPlanOwnership",
        PLANS,
        "_plans[planId].pendingOwner = newOwner;",
        "_plans[planId].redemption = _plans[planId].redemption.withOwner(newOwner);",
    ),
    Mistake(
        "keeps redeemers when the plan has a new owner",
        "Plans.isRedeemer",
        (
            (PLANS, "_redeemers[planId][msg.sender]", "_redeemers[planId][address(0)]"),
            (PLANS, "_redeemers[planId][_plans[planId].redemption.owner()]", "_redeemers[planId][address(0)]"),
        ),
    ),
    Mistake(
        "keeps minters when the plan has a new owner",
        "Plans.isMinter",
        (
            (PLANS, "_minters[planId][msg.sender]", "_minters[planId][address(0)]"),
            (PLANS, "_minters[planId][_plans[planId].redemption.owner()]", "_minters[planId][address(0)]"),
        ),
    ),
    Mistake(
        "makes a redeemer of one plan one of all",
        "Plans.isRedeemer",
        (
            (PLANS, "_redeemers[planId][msg.sender]", "_redeemers[0][msg.sender]"),
            (
                PLANS,
                "_redeemers[planId][_plans[planId].redemption.owner()]",
                "_redeemers[0][_plans[planId].redemption.owner()]",
            ),
        ),
    ),
    _one(
        "lets redeemers redeem where only the holder may",
        "Credits._mayRedeem",
        CREDITS,
        "rule != RedemptionRule.HOLDER && isRedeemer",
        "isRedeemer",
    ),
    _one(
        "lets the plan's owner redeem where only redeemers may",
        "Credits._mayRedeem",
        CREDITS,
        "msg.sender == redemption.owner() && rule == RedemptionRule.OWNER",
        "msg.sender == redemption.owner() && rule != RedemptionRule.HOLDER",
    ),
    _one(
        "lets operators redeem",
        "Credits._mayRedeem",
        CREDITS,
        "if (msg.sender == holder &&",
        "if ((msg.sender == holder || isApprovedForAll(holder, msg.sender)) &&",
    ),
    _one(
        "lets the plan's owner burn",
        "Credits.burn",
        CREDITS,
        "if (msg.sender != holder) _check",
        "if (msg.sender != holder && msg.sender != _plans[planId].redemption.owner()) _check",
    ),
    _one(
        "lets redeemers of the old owner settle",
        "Credits.settle",
        CREDITS,
        "msg.sender != redemption.owner() && !isRedeemer(planId, msg.sender)",
        "msg.sender != redemption.owner() && !isRedeemer(planId, msg.sender) && _plans[planId].pendingOwner == address(0)",
    ),
    _one(
        "lets operators be approved by whom they ask",
        "Ledger._checkTransfer",
        LEDGER,
        "_checkAuthorized(msg.sender, from)",
        "_checkAuthorized(from, msg.sender)",
    ),
    _one(
        "freezes no fee",
        "Plans.registerPlan",
        PLANS,
        "SaleTermsWord.pack(terms, feeBps)",
        "SaleTermsWord.pack(terms, 0)",
    ),
    _one(
        "takes any fee, whatever the creator accepts",
        "Plans.registerPlan",
        PLANS,
        "if (feeBps > maxFeeBps) revert FeeAboveMax(feeBps, maxFeeBps);",
        "",
    ),
    Mistake(
        "takes the fee of today",
        "Credits._pay",
        (
            (PLANS, "uint16 private _feeBps;", "uint16 internal _feeBps;"),
            (CREDITS, "Splits.feeDown(due, sale.feeBps())", "Splits.feeDown(due, _feeBps)"),
        ),
    ),
)

_MONEY: Final = (
    _one(
        "rounds parts up",
        "Splits.partDown",
        SPLITS,
        "(cost * weight) / total",
        "(cost * weight + total - 1) / total",
    ),
    _one("rounds fees up", "Splits.feeDown", SPLITS, "(due * feeBps) / BPS", "(due * feeBps + BPS - 1) / BPS"),
    _one("takes the fee on top", "Credits._pay", CREDITS, "split.receiver(), due - fee)", "split.receiver(), due)"),
    _one(
        "takes one fee of the whole",
        "Credits._pay",
        CREDITS,
        "fees += fee;",
        "fees = Splits.feeDown(cost, sale.feeBps());",
    ),
    _one(
        "gives the dust to the last",
        "Credits._pay",
        CREDITS,
        "i == 0 ? unpaid :",
        "i == sale.splitCount() - 1 ? cost - (total == 0 ? 0 : Splits.partDown(cost, total - split.amount(), total)) :",
    ),
    _one("pays the first receiver everything", "Credits._pay", CREDITS, "plan.splits[--i]", "plan.splits[--i * 0]"),
    _one("keeps coin above the price", "Credits._checkValue", CREDITS, "msg.value != expected", "msg.value < expected"),
    _one(
        "takes coin for a plan in tokens",
        "Credits._checkValue",
        CREDITS,
        "msg.value != expected",
        "msg.value != expected && sale.token() == address(0)",
    ),
    _one(
        "gives what is left of an authorization to the relayer",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_send(sale.token(), address(this), authorization.payer,",
        "_send(sale.token(), address(this), msg.sender,",
    ),
    _one(
        "gives what is left of an authorization to the receiver",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_send(sale.token(), address(this), authorization.payer,",
        "_send(sale.token(), address(this), authorization.receiver,",
    ),
    _one(
        "takes the allowance of who signed",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_pay(planId, plan, sale, address(this), cost);",
        "_pay(planId, plan, sale, authorization.payer, cost);",
    ),
    _one(
        "trusts a token that says yes",
        "OrderAuthorizations.collect",
        ORDERS,
        "if (!done || come != order.maxCost)",
        "if (!done)",
    ),
    _one(
        "takes what was here before for what came",
        "OrderAuthorizations.collect",
        ORDERS,
        "address(this)) - before;",
        "address(this));",
    ),
    _one(
        "needs a permit that works",
        "Credits.orderWithPermit",
        CREDITS,
        "LibCall.tryCall(_plans[planId].sale.token(), 0, gasleft(), 0, call);",
        "LibCall.callContract(_plans[planId].sale.token(), 0, call);",
    ),
    _one(
        "gives whoever receives fees all the gas",
        "Credits._payFee",
        CREDITS,
        "LibCall.tryCall(address(this), 0, ISOLATED_GAS, 0, call)",
        "LibCall.tryCall(address(this), 0, gasleft(), 0, call)",
    ),
    _one(
        "fails where the fee cannot be paid",
        "Credits._payFee",
        CREDITS,
        "if (sent) return;",
        "if (sent) return; revert InvalidFeeReceiver(feeReceiver);",
    ),
    _one(
        "keeps the fee that cannot be paid",
        "Credits._payFee",
        CREDITS,
        "_send(token, source, plan.splits[0].receiver(), amount);",
        "_send(token, source, address(this), amount);",
    ),
    _one(
        "does not look whether coin arrived",
        "Credits._send",
        CREDITS,
        "sent = SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft());",
        "{ SafeTransferLib.trySafeTransferETH(receiver, amount, gasleft()); sent = true; }",
    ),
    _one(
        "does not look whether tokens moved",
        "Credits._send",
        CREDITS,
        "if (!sent) _revertPaymentFailed(token, source, receiver, amount);",
        "if (!sent && token == address(0)) _revertPaymentFailed(token, source, receiver, amount);",
    ),
    _one(
        "sends coin with little gas",
        "Credits._send",
        CREDITS,
        "trySafeTransferETH(receiver, amount, gasleft())",
        "trySafeTransferETH(receiver, amount, 2300)",
    ),
    _one(
        "asks the receiver before it takes the money",
        "Credits._order",
        CREDITS,
        "_pay(planId, plan, sale, msg.sender, cost);\n        _checkReceiver(msg.sender, planId, receiver, granted);",
        "_checkReceiver(msg.sender, planId, receiver, granted);\n        _pay(planId, plan, sale, msg.sender, cost);",
    ),
    _one(
        "asks the receiver before the money of an authorization comes",
        "Credits.orderWithAuthorization",
        CREDITS,
        "OrderAuthorizations.collect(authorization, sale.token(), signature);",
        "_checkReceiver(msg.sender, planId, authorization.receiver, granted); "
        "OrderAuthorizations.collect(authorization, sale.token(), signature);",
    ),
    Mistake(
        "takes the money before it grants",
        "Credits._order",
        (
            (CREDITS, "_grant(msg.sender, planId, sale, receiver, granted);\n", "\n"),
            (
                CREDITS,
                "        _checkReceiver(msg.sender, planId, receiver, granted);",
                (
                    "        _grant(msg.sender, planId, sale, receiver, granted);\n"
                    "        _checkReceiver(msg.sender, planId, receiver, granted);"
                ),
            ),
        ),
    ),
    _one(
        "asks no receiver on the straight path",
        "Credits._orderPlain",
        CREDITS,
        "if (receiver.code.length > 0) _checkReceiver(msg.sender, planId, receiver, granted);",
        "",
    ),
    _one(
        "takes coin for tokens on the straight path",
        "Credits._orderPlain",
        CREDITS,
        "if (msg.value > 0) _checkValue(sale, cost);",
        "",
    ),
    _one(
        "does not look whether tokens moved on the straight path",
        "Credits._orderPlain",
        CREDITS,
        "if (!sent) _revertPaymentFailed(token, msg.sender, split.receiver(), cost);",
        "sent;",
    ),
    _one(
        "sells for ever on the straight path",
        "Credits._orderPlain",
        CREDITS,
        "receiver, granted, sale.duration());",
        "receiver, granted, 0);",
    ),
    _one(
        "forgets the fee on the straight path",
        "SaleTermsWord.isPlain",
        SALE,
        "SaleTerms.unwrap(sale) >> 224 == PLAIN",
        "SaleTerms.unwrap(sale) >> 240 == PLAIN >> 16",
    ),
    _one(
        "forgets all receivers but the first on the straight path",
        "SaleTermsWord.isPlain",
        SALE,
        "SaleTerms.unwrap(sale) >> 224 == PLAIN",
        "SaleTerms.unwrap(sale) >> 248 == PLAIN >> 24 && sale.splitCount() > 0 && sale.feeBps() == 0",
    ),
)

_GRANTS: Final = (
    _one(
        "lets anybody use up another's trial",
        "Credits._purchase",
        CREDITS,
        "if (sale.has(PlanFlags.TRIAL) && payer != receiver) revert TrialOrderedForOther(planId, payer, receiver);",
        "",
    ),
    _one(
        "gives a trial to each payer",
        "Ledger._grant",
        LEDGER,
        "_takeTrial(position, planId, to);",
        "_takeTrial(_positionOf(planId, msg.sender), planId, to);",
    ),
    _one(
        "gives trials again when they are used up",
        "Ledger._takeTrial",
        LEDGER,
        "if (holding.trialTaken())",
        "if (holding.trialTaken() && holding.unspent() != 0)",
    ),
    _one(
        "counts references of all plans together",
        "Credits.grantExternal",
        CREDITS,
        "_references[planId][paymentReference]",
        "_references[0][paymentReference]",
    ),
    _one(
        "counts references by receiver",
        "Credits.grantExternal",
        CREDITS,
        "if (_references[planId][paymentReference]) revert",
        "if (_references[planId][paymentReference] && _positionOf(planId, to).holding.granted() > 0) revert",
    ),
    _one(
        "renews from today",
        "Ledger._extendAccess",
        LEDGER,
        "end + periods * sale.duration()",
        "block.timestamp + periods * sale.duration()",
    ),
    _one(
        "lets an item of a batch take all the gas",
        "Credits.mintBatch",
        CREDITS,
        "LibCall.tryCall(address(this), 0, ISOLATED_GAS, 4, call)",
        "LibCall.tryCall(address(this), 0, gasleft(), 4, call)",
    ),
    _one(
        "asks no receiver of minted credits",
        "Credits._mintTo",
        CREDITS,
        "_checkReceiver(operator, planId, to, amount);",
        "",
    ),
    _one(
        "moves credits without asking the receiver",
        "Ledger.safeTransferFrom",
        LEDGER,
        "ERC1155Utils.checkOnERC1155Received(msg.sender, from, to, planId, amount, data);",
        "",
    ),
    _one(
        "gives a receiver no data",
        "Ledger.safeTransferFrom",
        LEDGER,
        "from, to, planId, amount, data);",
        'from, to, planId, amount, "");',
    ),
    _one(
        "moves to oneself for nothing",
        "Ledger._transfer",
        LEDGER,
        "_spend(planId, from, amount);",
        "if (from != to) _spend(planId, from, amount);",
    ),
    _one(
        "uses the last lot first",
        "Lots.firstUnused",
        LOTS,
        "distance(grantedInAll, marks[middle]) < left",
        "distance(grantedInAll, marks[middle]) <= left",
    ),
    _one(
        "lets the last lot live a second longer",
        "Ledger._withoutExpired",
        LEDGER,
        "if (expiresAt <= block.timestamp) return",
        "if (expiresAt < block.timestamp) return",
    ),
    _one(
        "rounds what is left of a period down",
        "Ledger._periodsLeft",
        LEDGER,
        "(end - block.timestamp + duration - 1) / duration",
        "(end - block.timestamp) / duration",
    ),
)

_VOUCHER_MISTAKES: Final = (
    _also_signed(
        "takes vouchers made out to the plan's owner from any redeemer",
        "msg.sender",
        "_plans[planId].redemption.owner()",
    ),
    _also_signed("takes vouchers made out to the holder", "msg.sender", "holder"),
    _also_signed("takes vouchers for the next second", "deadline", "deadline - 1"),
    _also_signed("takes vouchers without a context", "context", "bytes32(0)"),
    _one("counts no voucher", "Credits._settleOne", CREDITS, "- taken, settled + taken);", "- taken, settled);"),
    _one("counts the ceiling as used", "Credits._settleOne", CREDITS, "- taken, settled + taken);", "- taken, limit);"),
    _one("takes the total each time", "Credits._settleOne", CREDITS, "taken = limit - settled;", "taken = limit;"),
    _one(
        "settles nothing where the balance is short",
        "Credits._settleOne",
        CREDITS,
        "taken = available;",
        "return (0, SettlementResult.SHORT);",
    ),
    _one(
        "fails a batch for one that is short",
        "Credits._settleOne",
        CREDITS,
        "if (available == 0) return (0, SettlementResult.SHORT);",
        "revert ZeroAmount();",
    ),
    _one(
        "asks nobody for a signature",
        "Credits.settle",
        CREDITS,
        "bool isTrusted = _mayRedeemOfAnyone(planId, redemption);",
        "bool isTrusted = true;",
    ),
    _one(
        "asks plan owners for no signature under any rule",
        "Credits.settle",
        CREDITS,
        "bool isTrusted = _mayRedeemOfAnyone(planId, redemption);",
        "bool isTrusted = msg.sender == redemption.owner() || _mayRedeemOfAnyone(planId, redemption);",
    ),
    _one(
        "asks for signatures where the rule needs none",
        "Credits.settle",
        CREDITS,
        "bool isTrusted = _mayRedeemOfAnyone(planId, redemption);",
        "bool isTrusted = false;",
    ),
    _one(
        "asks settlers for their own signature",
        "SettlementData.read",
        SETTLEMENT,
        "or(mload(add(form, 0x140)), eq(holder_, caller()))",
        "mload(add(form, 0x140))",
    ),
    _one(
        "looks at no signature where it needs none",
        "SettlementData.read",
        SETTLEMENT,
        "byVoucher := or(iszero(isTrusted), iszero(iszero(calldataload(place))))",
        "byVoucher := iszero(isTrusted)",
    ),
    _one(
        "reads the deadline of what has no signature",
        "SettlementData.read",
        SETTLEMENT,
        "and(byVoucher, gt(timestamp(), deadline))",
        "gt(timestamp(), deadline)",
    ),
    _one(
        "reads the ceiling of what has no signature",
        "SettlementData.read",
        SETTLEMENT,
        "and(byVoucher, lt(ceiling, limit))",
        "lt(ceiling, limit)",
    ),
    *(
        _one(f"takes a {name} of any width", "SettlementData.read", SETTLEMENT, right, wrong)
        for name, right, wrong in (
            ("holder", "or(shr(160, holder_), shr(64,", "or(0, shr(64,"),
            ("total", "or(item, limit)", "item"),
            ("ceiling", "or(ceiling, or(deadline, offset))", "or(deadline, offset)"),
            ("deadline", "or(deadline, offset)", "offset"),
        )
    ),
    _one(
        "reads items behind the end of the call",
        "SettlementData.read",
        SETTLEMENT,
        "or(tooWide, isCutOff)",
        "tooWide",
    ),
    _one(
        "reads signatures behind the end of the call",
        "SettlementData.signatureOf",
        SETTLEMENT,
        "gt(end, calldatasize())",
        "0",
    ),
    _one(
        "tells each outcome as settled",
        "SettlementData.write",
        SETTLEMENT,
        "mstore(add(place, 0x20), result)",
        "mstore(add(place, 0x20), 0)",
    ),
    _one(
        "tells the holder as the one who settled",
        "SettlementData.emitTransfer",
        SETTLEMENT,
        "topic, caller(), from, 0)",
        "topic, from, from, 0)",
    ),
    _one(
        "takes any answer of a wallet",
        "Credits._hasSigned",
        CREDITS,
        "return done && answer.length == 32 && bytes32(answer) == bytes32(IERC1271.isValidSignature.selector);",
        "return done;",
    ),
    _one(
        "takes an answer that only begins right",
        "Credits._hasSigned",
        CREDITS,
        "bytes32(answer) == bytes32(IERC1271.isValidSignature.selector)",
        "bytes4(answer) == IERC1271.isValidSignature.selector",
    ),
    _one(
        "gives a wallet all the gas",
        "Credits._hasSigned",
        CREDITS,
        "LibCall.tryStaticCall(holder, ISOLATED_GAS, 32, call)",
        "LibCall.tryStaticCall(holder, gasleft(), 32, call)",
    ),
    _one(
        "takes no key of an account that has code",
        "Credits._hasSigned",
        CREDITS,
        "if (signer == holder) return holder != address(0);",
        "if (signer == holder && holder.code.length == 0) return holder != address(0);",
    ),
    _one(
        "takes any signature for one of the zero address",
        "Credits._hasSigned",
        CREDITS,
        "return holder != address(0);",
        "return true;",
    ),
    _one(
        "reads only long signatures",
        "Credits._hasSigned",
        CREDITS,
        _SIGNER,
        _SIGNER + " if (signature.length != 65) signer = address(0);",
    ),
    *(
        _one(
            f"signs no {name}",
            "Vouchers.digestOf",
            VOUCHERS,
            "abi.encode(TYPEHASH, voucher)",
            "abi.encode(TYPEHASH, " + ", ".join(f"voucher.{each}" for each in _FIELDS if each != name) + ")",
        )
        for name in _FIELDS
    ),
    *(
        _one(f"settles what was signed for any {name}", f"SettlementData.{place}", SETTLEMENT, right, wrong)
        for name, place, right, wrong in (
            ("plan", "prepareForm", "mstore(add(form, 0x20), planId)", "mstore(add(form, 0x20), 0)"),
            ("holder", "digestOf", "mstore(add(form, 0x40), calldataload(item))", "mstore(add(form, 0x40), 0)"),
            ("redeemer", "prepareForm", "mstore(add(form, 0x60), redeemer)", "mstore(add(form, 0x60), 0)"),
            ("deadline", "digestOf", "add(item, 0x40), 0x60)", "add(item, 0x40), 0x40)"),
            ("domain", "prepareForm", "mstore(add(form, 0x100), domainSeparator)", "mstore(add(form, 0x100), 0)"),
        )
    ),
    _one(
        "signs a ceiling of another size",
        "Vouchers.digestOf",
        VOUCHERS,
        "uint64 ceiling,bytes32",
        "uint256 ceiling,bytes32",
    ),
    _one(
        "signs for no contract and no chain",
        "Credits.settle",
        CREDITS,
        "SettlementData.prepareForm(planId, msg.sender, _domainSeparator(), isTrusted)",
        'SettlementData.prepareForm(planId, msg.sender, keccak256("nvm_chain Credits"), isTrusted)',
    ),
)

_SIGNED_ORDERS: Final = (
    *(
        _one(f"binds an authorization to no {what}", "OrderAuthorizations.nonceOf", ORDERS, right, "")
        for what, right in (
            ("chain", "block.chainid,\n"),
            ("plan", "order.planId,\n"),
            ("receiver", "uint256(uint160(order.receiver)),\n"),
            ("quantity", "order.quantity,\n"),
        )
    ),
    _one(
        "binds an authorization to no contract",
        "OrderAuthorizations.nonceOf",
        ORDERS,
        "uint256(uint160(address(this))),\n",
        "",
    ),
    _one(
        "binds an authorization to no salt",
        "OrderAuthorizations.nonceOf",
        ORDERS,
        "order.maxCost,\n            uint256(order.salt)",
        "order.maxCost",
    ),
    _one(
        "brings short signatures as v, r and s",
        "OrderAuthorizations.collect",
        ORDERS,
        "!done && signature.length == 65",
        "!done && signature.length >= 64",
    ),
    *(
        _one(f"gives plans of every {what} one id", "PlanIds.planIdOf", PLAN_IDS, right, wrong)
        for what, right, wrong in (
            ("chain", "block.chainid, registry", "registry"),
            ("contract", "block.chainid, registry", "block.chainid"),
            ("creator", "creator, terms", "terms"),
            ("price", "creator, terms, salt", "creator, terms.credits, salt"),
            ("salt", "terms, salt)", "terms)"),
        )
    ),
)

_AGENTS: Final = (
    _one(
        "attaches a plan that somebody else owns",
        "AgentRegistry._attach",
        AGENTS,
        "_credits.stateOf(planId).owner != msg.sender",
        "_credits.stateOf(planId).owner == address(0)",
    ),
    _one(
        "lets the plan's owner attach it to any agent",
        "AgentRegistry.onlyAgentOwner",
        AGENTS,
        "if (ownerOf(agentId) != msg.sender) revert",
        "if (ownerOf(agentId) == address(0)) revert",
    ),
    _one(
        "lets operators of an agent act as its owner",
        "AgentRegistry.onlyAgentOwner",
        AGENTS,
        "if (ownerOf(agentId) != msg.sender) revert",
        "if (!_isAuthorized(ownerOf(agentId), msg.sender, agentId)) revert",
    ),
    _one(
        "lets operators of an agent detach",
        "AgentRegistry.detachPlan",
        AGENTS,
        "msg.sender != agentOwner &&",
        "!_isAuthorized(agentOwner, msg.sender, agentId) &&",
    ),
    _one(
        "deletes the link before it is moved",
        "AgentRegistry._detach",
        AGENTS,
        "Link memory link = _links[agentId][planId];",
        "Link memory link = _links[agentId][planId]; delete _links[agentId][planId];",
    ),
    _one(
        "forgets where the last plan went",
        "AgentRegistry._detach",
        AGENTS,
        "_links[agentId][lastPlan].planPosition = link.planPosition;",
        "",
    ),
    _one(
        "forgets where the last agent went",
        "AgentRegistry._detach",
        AGENTS,
        "_links[lastAgent][planId].agentPosition = link.agentPosition;",
        "",
    ),
    _one(
        "keeps old plans when they are replaced",
        "AgentRegistry.replacePlans",
        AGENTS,
        "uint256 i = old.length;",
        "uint256 i = 0;",
    ),
)

HANDWRITTEN: Final[tuple[Mistake, ...]] = (
    *FIRST,
    *_ACCESS,
    *_MONEY,
    *_GRANTS,
    *_VOUCHER_MISTAKES,
    *_SIGNED_ORDERS,
    *_AGENTS,
)
