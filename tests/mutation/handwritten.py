"""Mistakes that somebody might make or plant, in words: what no operator on a line of code comes to."""

from dataclasses import dataclass
from typing import Final

CREDITS: Final = "contracts/Credits.sol"
PLANS: Final = "contracts/parts/Plans.sol"
LEDGER: Final = "contracts/parts/Ledger.sol"
LOTS: Final = "contracts/libraries/Lots.sol"
ORDERS: Final = "contracts/libraries/SignedOrders.sol"
SPLITS: Final = "contracts/libraries/Splits.sol"
VOUCHERS: Final = "contracts/libraries/Vouchers.sol"
PLAN_IDS: Final = "contracts/libraries/PlanIds.sol"
AGENTS: Final = "contracts/AgentRegistry.sol"


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


_SIGNER: Final = "address signer = ECDSA.tryRecoverCalldata(digest, item.signature);"
_ALSO: Final = " if (signer != holder) signer = ECDSA.tryRecoverCalldata(Vouchers.digestOf({}), item.signature);"
_VOUCHER: Final = ("planId", "holder", "msg.sender", "ceiling", "item.context", "item.deadline", "domainSeparator")


def _also_signed(name: str, right: str, wrong: str) -> Mistake:
    """Take a voucher in which one field is something else, besides those that are right."""
    fields = ", ".join(wrong if each == right else each for each in _VOUCHER)
    return _one(name, "Credits._hasSigned", CREDITS, _SIGNER, _SIGNER + _ALSO.format(fields))


FIRST: Final = (
    _one(
        "forgets what has expired",
        "Ledger._count",
        LEDGER,
        "if (grantedLater < left) left = grantedLater;",
        "",
    ),
    _one(
        "settles above the ceiling",
        "Credits._settleOne",
        CREDITS,
        "if (taken > ceiling - settled) taken = ceiling - settled;",
        "",
    ),
    _one(
        "expires a second late", "Lots.firstLive", LOTS, "expiresAt > block.timestamp", "expiresAt >= block.timestamp"
    ),
    _one(
        "takes vouchers that ended",
        "Credits._settleOne",
        CREDITS,
        "block.timestamp > item.deadline",
        "block.timestamp > item.deadline + 1",
    ),
    _one("leaves the dust with the payer", "Credits._pay", CREDITS, "i == 0 ? left :", "total == 0 ? left :"),
    _one(
        "adds to a window that is over",
        "Ledger._extend",
        LEDGER,
        "if (end < block.timestamp) end = block.timestamp;",
        "",
    ),
    _one("gives the place of a live lot away", "Ledger._tidy", LEDGER, "end = holding.endLot;", "end = 0;"),
)
"""Tried first, and by `tests/invariants` too."""

_ACCESS: Final = (
    _one("lets redeemers mint", "Credits._checkMinter", CREDITS, "!isMinter(", "!isRedeemer("),
    _one(
        "lets who is offered a plan act as its owner",
        "Plans._checkPlanOwner",
        PLANS,
        "_existing(planId).owner != msg.sender",
        "_existing(planId).owner != msg.sender && _plans[planId].pendingOwner != msg.sender",
    ),
    _one(
        "lets the owner of the fee act for every plan",
        "Plans._checkPlanOwner",
        PLANS,
        "_existing(planId).owner != msg.sender",
        "_existing(planId).owner != msg.sender && msg.sender != owner()",
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
        "_plans[planId].owner = newOwner;",
    ),
    Mistake(
        "keeps redeemers when the plan has a new owner",
        "Plans.isRedeemer",
        (
            (PLANS, "_redeemers[planId][msg.sender]", "_redeemers[planId][address(0)]"),
            (PLANS, "_redeemers[planId][_plans[planId].owner]", "_redeemers[planId][address(0)]"),
        ),
    ),
    Mistake(
        "keeps minters when the plan has a new owner",
        "Plans.isMinter",
        (
            (PLANS, "_minters[planId][msg.sender]", "_minters[planId][address(0)]"),
            (PLANS, "_minters[planId][_plans[planId].owner]", "_minters[planId][address(0)]"),
        ),
    ),
    Mistake(
        "makes a redeemer of one plan one of all",
        "Plans.isRedeemer",
        (
            (PLANS, "_redeemers[planId][msg.sender]", "_redeemers[0][msg.sender]"),
            (PLANS, "_redeemers[planId][_plans[planId].owner]", "_redeemers[0][_plans[planId].owner]"),
        ),
    ),
    _one(
        "lets redeemers redeem where only the holder may",
        "Credits._mayRedeem",
        CREDITS,
        "rule != uint8(Rule.HOLDER) && isRedeemer",
        "isRedeemer",
    ),
    _one(
        "lets the plan's owner redeem where only redeemers may",
        "Credits._mayRedeem",
        CREDITS,
        "msg.sender == plan.owner && rule == uint8(Rule.OWNER)",
        "msg.sender == plan.owner && rule != uint8(Rule.HOLDER)",
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
        "if (msg.sender != holder && msg.sender != _plans[planId].owner) _check",
    ),
    _one(
        "lets redeemers of the old owner settle",
        "Credits.settle",
        CREDITS,
        "msg.sender != plan.owner && !isRedeemer(planId, msg.sender)",
        "msg.sender != plan.owner && !isRedeemer(planId, msg.sender) && plan.pendingOwner == address(0)",
    ),
    _one(
        "lets operators be approved by whom they ask",
        "Ledger._checkTransfer",
        LEDGER,
        "_checkAuthorized(msg.sender, from)",
        "_checkAuthorized(from, msg.sender)",
    ),
    _one("freezes no fee", "Plans.registerPlan", PLANS, "plan.feeBps = feeBps;", "plan.feeBps = 0;"),
    Mistake(
        "takes the fee of today",
        "Credits._pay",
        (
            (PLANS, "uint16 private _feeBps;", "uint16 internal _feeBps;"),
            (CREDITS, "(plan.token, plan.feeBps, plan.splitCount)", "(plan.token, _feeBps, plan.splitCount)"),
        ),
    ),
)

_MONEY: Final = (
    _one(
        "rounds parts up",
        "Splits.partDown",
        SPLITS,
        "(cost * amount) / total",
        "(cost * amount + total - 1) / total",
    ),
    _one("rounds fees up", "Splits.feeDown", SPLITS, "(due * feeBps) / BPS", "(due * feeBps + BPS - 1) / BPS"),
    _one("takes the fee on top", "Credits._pay", CREDITS, "split.receiver, due - fee)", "split.receiver, due)"),
    _one("takes one fee of the whole", "Credits._pay", CREDITS, "fees += fee;", "fees = Splits.feeDown(cost, feeBps);"),
    _one(
        "gives the dust to the last",
        "Credits._pay",
        CREDITS,
        "i == 0 ? left :",
        "i == plan.splitCount - 1 ? cost - (total == 0 ? 0 : Splits.partDown(cost, total - split.amount, total)) :",
    ),
    _one("pays the first receiver everything", "Credits._pay", CREDITS, "plan.splits[--i]", "plan.splits[--i * 0]"),
    _one("keeps coin above the price", "Credits._checkValue", CREDITS, "msg.value != expected", "msg.value < expected"),
    _one(
        "takes coin for a plan in tokens",
        "Credits._checkValue",
        CREDITS,
        "msg.value != expected",
        "msg.value != expected && plan.token == address(0)",
    ),
    _one(
        "gives what is left of an authorization to the relayer",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_send(plan.token, address(this), payer,",
        "_send(plan.token, address(this), msg.sender,",
    ),
    _one(
        "gives what is left of an authorization to the receiver",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_send(plan.token, address(this), payer,",
        "_send(plan.token, address(this), receiver,",
    ),
    _one(
        "takes the allowance of who signed",
        "Credits.orderWithAuthorization",
        CREDITS,
        "_pay(planId, plan, address(this), cost);",
        "_pay(planId, plan, payer, cost);",
    ),
    _one(
        "trusts a token that says yes",
        "SignedOrders.collect",
        ORDERS,
        "if (!done || come != order.maxCost)",
        "if (!done)",
    ),
    _one(
        "takes what was here before for what came",
        "SignedOrders.collect",
        ORDERS,
        "address(this)) - before;",
        "address(this));",
    ),
    _one(
        "needs a permit that works",
        "Credits.orderWithPermit",
        CREDITS,
        "LibCall.tryCall(_plans[planId].token, 0, gasleft(), 0, call);",
        "LibCall.callContract(_plans[planId].token, 0, call);",
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
        "_send(token, source, plan.splits[0].receiver, amount);",
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
        "if (!sent) revert",
        "if (!sent && token == address(0)) revert",
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
        "_pay(planId, plan, msg.sender, cost);\n        _askReceiver(msg.sender, planId, receiver, granted);",
        "_askReceiver(msg.sender, planId, receiver, granted);\n        _pay(planId, plan, msg.sender, cost);",
    ),
    _one(
        "asks the receiver before the money of an authorization comes",
        "Credits.orderWithAuthorization",
        CREDITS,
        "SignedOrders.collect(signedOrder, plan.token, signature);",
        "_askReceiver(msg.sender, planId, receiver, granted); SignedOrders.collect(signedOrder, plan.token, signature);",
    ),
    Mistake(
        "takes the money before it grants",
        "Credits._order",
        (
            (CREDITS, "_grant(msg.sender, planId, plan, traits, receiver, granted);\n", "\n"),
            (
                CREDITS,
                "        _askReceiver(msg.sender, planId, receiver, granted);",
                "        _grant(msg.sender, planId, plan, plan.traits, receiver, granted);\n        _askReceiver(msg.sender, planId, receiver, granted);",
            ),
        ),
    ),
)

_GRANTS: Final = (
    _one(
        "gives a trial to each payer",
        "Ledger._grant",
        LEDGER,
        "_takeTrial(planId, to);",
        "_takeTrial(planId, msg.sender);",
    ),
    _one(
        "gives trials again when they are used up",
        "Ledger._takeTrial",
        LEDGER,
        "if (holding.trialTaken)",
        "if (holding.trialTaken && holding.granted != holding.gone)",
    ),
    _one(
        "counts references of all plans together",
        "Credits.grantSettled",
        CREDITS,
        "_references[planId][paymentReference]",
        "_references[0][paymentReference]",
    ),
    _one(
        "counts references by receiver",
        "Credits.grantSettled",
        CREDITS,
        "if (_references[planId][paymentReference]) revert",
        "if (_references[planId][paymentReference] && _holdings[planId][to].granted > 0) revert",
    ),
    _one(
        "renews from today",
        "Ledger._extend",
        LEDGER,
        "end + periods * plan.duration",
        "block.timestamp + periods * plan.duration",
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
        "_askReceiver(operator, planId, to, amount);",
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
        "Ledger._move",
        LEDGER,
        "_spend(planId, from, amount);",
        "if (from != to) _spend(planId, from, amount);",
    ),
    _one(
        "uses the last lot first",
        "Lots.firstUnused",
        LOTS,
        "uint64(granted - marks[middle].granted) < left",
        "uint64(granted - marks[middle].granted) <= left",
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
    _also_signed("takes vouchers made out to the plan's owner from any redeemer", "msg.sender", "_plans[planId].owner"),
    _also_signed("takes vouchers made out to the holder", "msg.sender", "holder"),
    _also_signed("takes vouchers for the next second", "item.deadline", "item.deadline - 1"),
    _also_signed("takes vouchers without a context", "item.context", "0"),
    _one("counts no voucher", "Credits._settleOne", CREDITS, "first, settled + taken);", "first, settled);"),
    _one("counts the ceiling as used", "Credits._settleOne", CREDITS, "first, settled + taken);", "first, ceiling);"),
    _one(
        "counts the ceiling for each voucher",
        "Credits._settleOne",
        CREDITS,
        "if (taken > ceiling - settled) taken = ceiling - settled;",
        "if (taken > ceiling) taken = ceiling;",
    ),
    _one(
        "settles nothing where the balance is short",
        "Credits._settleOne",
        CREDITS,
        "(taken, result) = (left, Result.SHORT)",
        "return (0, Result.SHORT)",
    ),
    _one(
        "fails a batch for one that is short",
        "Credits._settleOne",
        CREDITS,
        "if (taken > left) (taken, result) = (left, Result.SHORT);",
        "if (taken > left) revert InsufficientCredits(planId, holder, left, taken);",
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
        "if (signer == holder && signer != address(0)) return true;",
        "if (signer == holder && signer != address(0) && holder.code.length == 0) return true;",
    ),
    _one(
        "reads only long signatures",
        "Credits._hasSigned",
        CREDITS,
        _SIGNER,
        _SIGNER + " if (item.signature.length != 65) signer = address(0);",
    ),
    *(
        _one(f"signs no {name}", "Vouchers.digestOf", VOUCHERS, f"{before}, {name}", before)
        for before, name in (
            ("TYPEHASH", "planId"),
            ("TYPEHASH, planId", "holder"),
            ("planId, holder", "redeemer"),
            ("holder, redeemer", "ceiling"),
            ("redeemer, ceiling", "context"),
            ("ceiling, context", "deadline"),
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
        "_domainSeparator();",
        'keccak256("nvm_chain Credits");',
    ),
)

_SIGNED_ORDERS: Final = (
    *(
        _one(f"binds an authorization to no {what}", "SignedOrders.nonceOf", ORDERS, right, "")
        for what, right in (
            ("chain", "block.chainid,\n"),
            ("plan", "order.planId,\n"),
            ("receiver", "order.receiver,\n"),
            ("quantity", "order.quantity,\n"),
        )
    ),
    _one(
        "binds an authorization to no contract",
        "SignedOrders.nonceOf",
        ORDERS,
        "block.chainid,\n                address(this),\n",
        "block.chainid,\n",
    ),
    _one(
        "binds an authorization to no salt",
        "SignedOrders.nonceOf",
        ORDERS,
        "order.maxCost,\n                order.salt",
        "order.maxCost",
    ),
    _one(
        "brings short signatures as v, r and s",
        "SignedOrders.collect",
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
