"""Credits: balances, mints, redemptions, burns and transfers."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from nvm_chain.addresses import parse_address
from nvm_chain.chain import Chain, report_lost_event, summarize
from nvm_chain.contexts import encode_context as encode_context
from nvm_chain.errors import InvalidConfig
from nvm_chain.ids import parse_plan_id
from nvm_chain.keys import Signer
from nvm_chain.plans import QUANTITY_BITS, read_terms
from nvm_chain.reverts import error_name
from nvm_chain.types import Account, Amounts, BatchMintReceipt, CreditsReceipt, Lot, PlanKind, RedeemCheck, SkippedMint
from nvm_chain.units import check_uint

AMOUNT_BITS = 64


def read_balance(chain: Chain, plan_id: int | str, holder: str) -> int:
    """Read how many credits of a plan a holder has. One request. 0 for a plan that does not exist (ERC-1155)."""
    balance_of = chain.credits.functions.balanceOf
    return int(chain.read(balance_of(parse_address(holder, "holder address"), parse_plan_id(plan_id))))


def read_balances(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> list[int]:
    """Read many balances, given as pairs of plan id and holder, in the order given. One request in all."""
    pairs = [(parse_plan_id(plan_id), parse_address(holder, "holder address")) for plan_id, holder in accounts]
    holders, plan_ids = [holder for _, holder in pairs], [plan_id for plan_id, _ in pairs]
    return [int(balance) for balance in chain.read(chain.credits.functions.balanceOfBatch(holders, plan_ids))]


def read_account(chain: Chain, plan_id: int | str, holder: str) -> Account:
    """Read all the chain knows of a holder on a plan. One request. All zero if they never had credits of it."""
    account_of = chain.credits.functions.accountOf
    return Account(*chain.read(account_of(parse_plan_id(plan_id), parse_address(holder, "holder address"))))


def can_redeem(chain: Chain, plan_id: int | str, holder: str, amount: int) -> RedeemCheck:
    """Read whether somebody whom the plan's rule names could redeem so many credits of a holder now. One request."""
    check_uint(amount, 256, "amount")
    function = chain.credits.functions.canRedeem(
        parse_plan_id(plan_id), parse_address(holder, "holder address"), amount
    )
    ok, reason = chain.read(function)
    return RedeemCheck(ok, None if ok else error_name(reason))


def read_access_until(chain: Chain, plan_id: int | str, holder: str) -> int:
    """Read when a holder's access to a time plan ends, as a Unix timestamp; 0 if it never began. One request."""
    function = chain.credits.functions.accessUntil(parse_plan_id(plan_id), parse_address(holder, "holder address"))
    return int(chain.read(function))


def read_lots(chain: Chain, plan_id: int | str, holder: str, *, offset: int = 0, limit: int = 100) -> list[Lot]:
    """Read what is left of each purchase of an expiring plan, earliest expiry first. One request.

    At most ``limit`` lots after the first ``offset``; all of them together are the balance.
    """
    check_uint(offset, 256, "offset")
    check_uint(limit, 256, "limit")
    lots_of = chain.credits.functions.lotsOf
    found = chain.read(lots_of(parse_plan_id(plan_id), parse_address(holder, "holder address"), offset, limit))
    return [Lot(credits, expires_at) for credits, expires_at in found]


def has_access(chain: Chain, plan_id: int | str, holder: str, cost: int = 1) -> bool:
    """Read whether a holder may make a request that costs ``cost`` credits now: what a gateway asks. Two or three requests.

    On a time plan the access window has to be open, and requests cost nothing. On a credits plan the balance has to cover
    the cost. On a usage plan nobody has access: each request is paid. Raises UnknownPlan.
    """
    check_uint(cost, AMOUNT_BITS, "cost")
    terms = read_terms(chain, plan_id)
    if terms.kind is PlanKind.TIME:
        return read_access_until(chain, plan_id, holder) > chain.read_time()
    return terms.kind is PlanKind.CREDITS and read_balance(chain, plan_id, holder) >= cost


def mint_credits(chain: Chain, signer: Signer, plan_id: int | str, to: str, amount: int) -> CreditsReceipt:
    """Give credits without payment. Plan owner or minter only. One transaction.

    Raises NotMinter, UnknownPlan, TrialAlreadyTaken, CreditsOverflow, ERC1155InvalidReceiver.
    """
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id, holder = parse_plan_id(plan_id), parse_address(to, "receiver address")
    receipt = chain.send(signer, chain.credits.functions.mint(plan_id, holder, amount))
    return CreditsReceipt(plan_id, holder, amount, summarize(receipt))


def mint_credits_batch(chain: Chain, signer: Signer, plan_id: int | str, amounts: Amounts) -> BatchMintReceipt:
    """Give credits to many holders in one transaction. Plan owner or minter only.

    ``amounts`` maps holders to credits; given as pairs, a holder may appear twice. An item that fails, such as a
    contract that rejects credits, is left out and reported in ``skipped``; the others stand. Raises NotMinter, UnknownPlan.
    """
    pairs = [
        (parse_address(holder, "receiver address"), check_uint(amount, AMOUNT_BITS, "amount", minimum=1))
        for holder, amount in (amounts.items() if isinstance(amounts, Mapping) else amounts)
    ]
    if not pairs:
        raise InvalidConfig("a batch without holders mints nothing")
    plan_id = parse_plan_id(plan_id)
    function = chain.credits.functions.mintBatch(plan_id, [to for to, _ in pairs], [amount for _, amount in pairs])
    receipt = chain.send(signer, function)
    granted = [event["args"] for event in chain.read_events(chain.credits, "TransferSingle", receipt)]
    skipped = [event["args"] for event in chain.read_events(chain.credits, "MintSkipped", receipt)]
    # A receiver can order or burn in its hook; what it does has another operator.
    minted = [event for event in granted if event["operator"] == signer.address and event["id"] == plan_id]
    if len(minted) + len(skipped) < len(pairs):
        raise report_lost_event("TransferSingle or MintSkipped", receipt)
    return BatchMintReceipt(
        plan_id=plan_id,
        minted=tuple((event["to"], event["value"]) for event in minted),
        skipped=tuple(SkippedMint(event["to"], event["amount"], _name_reason(event["reason"])) for event in skipped),
        transaction=summarize(receipt),
    )


def _name_reason(selector: bytes) -> str:
    if selector == bytes(4):
        return "the receiver ran out of gas or reverted without a reason"
    return error_name(selector) or f"an error of the receiver's own (0x{selector.hex()})"


def grant_external(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    to: str,
    *,
    reference: str | bytes | UUID,
    quantity: int = 1,
) -> CreditsReceipt:
    """Grant a plan for a payment made outside the chain. Plan owner or minter only. One transaction.

    ``reference``, at most 32 bytes such as a payment's id or its hash, grants once on this plan, ever: sending it again is
    safe. Raises ReferenceUsed, NotMinter, UnknownPlan, WrongKind, InvalidQuantity, TrialAlreadyTaken, CreditsOverflow,
    ERC1155InvalidReceiver, InvalidContext.
    """
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    plan_id, holder = parse_plan_id(plan_id), parse_address(to, "receiver address")
    function = chain.credits.functions.grantExternal(plan_id, holder, quantity, encode_context(reference))
    receipt = chain.send(signer, function)
    granted = chain.read_event(chain.credits, "TransferSingle", receipt)["args"]["value"]
    return CreditsReceipt(plan_id, holder, granted, summarize(receipt))


def is_reference_used(chain: Chain, plan_id: int | str, reference: str | bytes | UUID) -> bool:
    """Read whether a plan was granted for a payment made outside the chain. One request."""
    function = chain.credits.functions.isReferenceUsed(parse_plan_id(plan_id), encode_context(reference))
    return bool(chain.read(function))


def redeem_credits(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    amount: int,
    *,
    holder: str | None = None,
    context: str | bytes | UUID = b"",
) -> CreditsReceipt:
    """Take credits of ``holder`` (the signer if not given) for a request. One transaction.

    On a time plan that starts on first use, ``amount`` is periods, and the access window is opened or extended by them.

    ``context``, at most 32 bytes such as a request id, goes to the event for audit. Raises RedeemNotAllowed,
    RedeemOutOfRange, NotRedeemable, InsufficientCredits, UnknownPlan, InvalidContext.
    """
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id = parse_plan_id(plan_id)
    address = signer.address if holder is None else parse_address(holder, "holder address")
    function = chain.credits.functions.redeem(plan_id, address, amount, encode_context(context))
    return CreditsReceipt(plan_id, address, amount, summarize(chain.send(signer, function)))


def burn_credits(
    chain: Chain, signer: Signer, plan_id: int | str, amount: int, *, holder: str | None = None
) -> CreditsReceipt:
    """Destroy credits of ``holder`` (the signer if not given; else the signer is their ERC-1155 operator). One transaction.

    Raises InsufficientCredits, ERC1155MissingApprovalForAll.
    """
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id = parse_plan_id(plan_id)
    address = signer.address if holder is None else parse_address(holder, "holder address")
    return CreditsReceipt(
        plan_id, address, amount, summarize(chain.send(signer, chain.credits.functions.burn(plan_id, address, amount)))
    )


def transfer_credits(chain: Chain, signer: Signer, plan_id: int | str, to: str, amount: int) -> CreditsReceipt:
    """Send the signer's credits to another holder, where the plan is transferable. One transaction.

    The receipt's ``holder`` is the receiver. Raises NotTransferable, InsufficientCredits, UnknownPlan, ERC1155InvalidReceiver.
    """
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id, receiver = parse_plan_id(plan_id), parse_address(to, "receiver address")
    transfer = chain.credits.functions.safeTransferFrom
    receipt = chain.send(signer, transfer(signer.address, receiver, plan_id, amount, b""))
    return CreditsReceipt(plan_id, receiver, amount, summarize(receipt))
