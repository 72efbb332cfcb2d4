"""Credits: balances, mints, external grants, redemptions, burns and transfers."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.chain.reverts import error_name
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import InsufficientCredits, NetworkError, RedeemNotAllowed
from nvm_chain.errors.formatting import count
from nvm_chain.operations.batch_mints import AMOUNT_BITS
from nvm_chain.operations.batch_mints import mint_credits_batch as mint_credits_batch
from nvm_chain.operations.bulk_reads import read_balances as read_balances
from nvm_chain.operations.plans import QUANTITY_BITS, read_terms
from nvm_chain.operations.receivers import Delivery, explained_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.accounts import Account, Lot, RedeemCheck
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.contexts import encode_context as encode_context
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.receipts import CreditsReceipt


def read_balance(chain: Chain, plan_id: int | str, holder: str) -> int:
    """Read a holder's credits of a plan. One request. The balance on an unknown plan is 0 (ERC-1155)."""
    balance_of = chain.credits.functions.balanceOf
    return int(chain.read(balance_of(parse_address(holder, "holder address"), parse_plan_id(plan_id))))


def read_account(chain: Chain, plan_id: int | str, holder: str) -> Account:
    """Read a holder's account on a plan. One request. All numbers are 0 if the holder never had credits of the plan."""
    account_of = chain.credits.functions.accountOf
    return Account(*chain.read(account_of(parse_plan_id(plan_id), parse_address(holder, "holder address"))))


def can_redeem(chain: Chain, plan_id: int | str, holder: str, amount: int) -> RedeemCheck:
    """Read whether ``amount`` credits of a holder can be redeemed now. One request.

    The answer assumes a caller whom the plan's rule allows to redeem.
    """
    check_uint(amount, 256, "amount")
    function = chain.credits.functions.canRedeem(
        parse_plan_id(plan_id), parse_address(holder, "holder address"), amount
    )
    ok, reason = chain.read(function)
    return RedeemCheck(ok, None if ok else error_name(reason))


def read_access_until(chain: Chain, plan_id: int | str, holder: str) -> int:
    """Read the end of a holder's access to a time plan. One request. A Unix timestamp, or 0 if access never began."""
    function = chain.credits.functions.accessUntil(parse_plan_id(plan_id), parse_address(holder, "holder address"))
    return int(chain.read(function))


def read_lots(chain: Chain, plan_id: int | str, holder: str, *, offset: int = 0, limit: int = 100) -> list[Lot]:
    """Read a holder's lots on an expiring plan, earliest expiry first. One request.

    A lot is what is left of one purchase or grant. Returns at most ``limit`` lots, after ``offset`` skipped ones. All
    lots together are the balance.
    """
    check_uint(offset, 256, "offset")
    check_uint(limit, 256, "limit")
    lots_of = chain.credits.functions.lotsOf
    found = chain.read(lots_of(parse_plan_id(plan_id), parse_address(holder, "holder address"), offset, limit))
    return [Lot(credits, expires_at) for credits, expires_at in found]


def has_access(chain: Chain, plan_id: int | str, holder: str, cost: int = 1) -> bool:
    """Read whether a holder may make a request of ``cost`` credits now. Up to three requests to the node.

    On a time plan the access window has to be open, and the cost does not matter. On a credits plan the balance has to
    cover the cost, and the cost has to be in the plan's range for a request: no redemption takes another number. A cost
    of 0 is free, and always in the range. On a usage plan the answer is False, because each request is paid by itself.

    Raises:
        UnknownPlan: The plan is not registered.
    """
    check_uint(cost, AMOUNT_BITS, "cost")
    terms = read_terms(chain, plan_id)
    if terms.kind is PlanKind.TIME:
        return read_access_until(chain, plan_id, holder) > chain.read_time()
    if terms.kind is not PlanKind.CREDITS or not terms.allows_cost(cost):
        return False
    return read_balance(chain, plan_id, holder) >= cost


def mint_credits(chain: Chain, signer: Signer, plan_id: int | str, to: str, amount: int) -> CreditsReceipt:
    """Give credits without payment. Only for the plan's owner or a minter. One transaction.

    Raises NotMinter, UnknownPlan, TrialAlreadyTaken, CreditsOverflow or ERC1155InvalidReceiver.
    """
    check_signer(signer)
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id, holder = parse_plan_id(plan_id), parse_address(to, "receiver address")
    with explained_receiver(chain, holder, delivery=Delivery(signer.address, ZERO_ADDRESS, plan_id, amount)):
        receipt = chain.send(signer, chain.credits.functions.mint(plan_id, holder, amount))
    return CreditsReceipt(plan_id, holder, amount, summarize(receipt))


def grant_external(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    to: str,
    *,
    reference: str | bytes | UUID,
    quantity: int = 1,
) -> CreditsReceipt:
    """Grant a plan for a payment outside the chain. Only for the plan's owner or a minter. One transaction.

    Args:
        chain: The connection to the plan's chain.
        signer: The plan's owner, or a minter.
        plan_id: The plan's id, as an int, text or DID.
        to: The address that gets the credits.
        reference: The payment's id or hash, at most 32 bytes. A plan accepts each reference once, so a repeated call is
            safe.
        quantity: The number of purchases.

    Raises:
        ReferenceUsed: The plan accepted the reference before.
        NotMinter: The signer may not mint credits of the plan.
        UnknownPlan: The plan is not registered.
        WrongKind: The plan is a usage plan, which grants nothing.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        TrialAlreadyTaken: The holder had this trial before.
        CreditsOverflow: The holder would have too many credits.
        ERC1155InvalidReceiver: The holder is a contract that rejects credits.
        InvalidContext: The reference has more than 32 bytes.
    """
    check_signer(signer)
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    plan_id, holder = parse_plan_id(plan_id), parse_address(to, "receiver address")
    function = chain.credits.functions.grantExternal(plan_id, holder, quantity, encode_context(reference))
    with explained_receiver(chain, holder, delivery=Delivery(signer.address, ZERO_ADDRESS, plan_id)):
        receipt = chain.send(signer, function)
    granted = chain.read_event(chain.credits, "TransferSingle", receipt)["args"]["value"]
    return CreditsReceipt(plan_id, holder, granted, summarize(receipt))


def is_reference_used(chain: Chain, plan_id: int | str, reference: str | bytes | UUID) -> bool:
    """Read whether a plan accepted the reference of an external payment. One request."""
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
    """Take a holder's credits for a request. One transaction.

    On a time plan that starts on first use, ``amount`` counts periods, and they open or extend the access
    window.

    Args:
        chain: The connection to the plan's chain.
        signer: The account that redeems. The plan's rule says whether the holder, redeemers or the plan's
            owner may redeem.
        plan_id: The plan's id, as an int, text or DID.
        amount: The number of credits, within the plan's range for a request.
        holder: The address whose credits are taken. The signer's address if not given.
        context: At most 32 bytes, such as the id of the request. The event contains the context.

    Raises:
        RedeemNotAllowed: The plan's rule does not let the signer redeem.
        RedeemOutOfRange: The amount is outside the plan's range for a request.
        NotRedeemable: The plan does not have credits or periods to redeem.
        InsufficientCredits: The holder has too few credits.
        UnknownPlan: The plan is not registered.
        InvalidContext: The context has more than 32 bytes.
    """
    check_signer(signer)
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id = parse_plan_id(plan_id)
    address = signer.address if holder is None else parse_address(holder, "holder address")
    function = chain.credits.functions.redeem(plan_id, address, amount, encode_context(context))
    try:
        receipt = chain.send(signer, function)
    except RedeemNotAllowed as error:
        raise _explain_rule(chain, error) from None
    return CreditsReceipt(plan_id, address, amount, summarize(receipt))


def _explain_rule(chain: Chain, error: RedeemNotAllowed) -> RedeemNotAllowed:
    """If the plan's rule is HOLDER, tell how others can still be paid for requests. Up to one request."""
    with suppress(NetworkError):
        terms = read_terms(chain, error.plan_id)
        if terms.rule is RedemptionRule.HOLDER:
            way = (
                "sign a voucher, which a redeemer settles with `settle_vouchers`"
                if terms.accepts_vouchers
                else "redeem"
            )
            error.explain("the plan's rule is HOLDER, so only the holder can redeem", f"ask the holder to {way}")
    return error


@contextmanager
def _explained_amount(verb: str) -> Iterator[None]:
    """Say in InsufficientCredits that the holder can give away only what there is."""
    try:
        yield
    except InsufficientCredits as error:
        advice = (
            f"{verb} at most {count(error.available, 'credit')}" if error.available else "check the plan and the holder"
        )
        raise error.explain(f"a holder cannot {verb} more than the balance", advice) from None


def burn_credits(
    chain: Chain, signer: Signer, plan_id: int | str, amount: int, *, holder: str | None = None
) -> CreditsReceipt:
    """Destroy credits. One transaction. Raises InsufficientCredits or ERC1155MissingApprovalForAll.

    Burns the credits of ``holder``, or the signer's own if ``holder`` is not given. To burn another holder's credits,
    the signer has to be the holder's ERC-1155 operator.
    """
    check_signer(signer)
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id = parse_plan_id(plan_id)
    address = signer.address if holder is None else parse_address(holder, "holder address")
    with _explained_amount("burn"):
        receipt = chain.send(signer, chain.credits.functions.burn(plan_id, address, amount))
    return CreditsReceipt(plan_id, address, amount, summarize(receipt))


def transfer_credits(chain: Chain, signer: Signer, plan_id: int | str, to: str, amount: int) -> CreditsReceipt:
    """Send the signer's credits to another holder. The plan has to be transferable. One transaction.

    The receipt's ``holder`` is the receiver. Raises NotTransferable, InsufficientCredits, UnknownPlan or
    ERC1155InvalidReceiver.
    """
    check_signer(signer)
    check_uint(amount, AMOUNT_BITS, "amount", minimum=1)
    plan_id, receiver = parse_plan_id(plan_id), parse_address(to, "receiver address")
    transfer = chain.credits.functions.safeTransferFrom
    delivery = Delivery(signer.address, signer.address, plan_id, amount)
    with explained_receiver(chain, receiver, delivery=delivery), _explained_amount("transfer"):
        receipt = chain.send(signer, transfer(signer.address, receiver, plan_id, amount, b""))
    return CreditsReceipt(plan_id, receiver, amount, summarize(receipt))
