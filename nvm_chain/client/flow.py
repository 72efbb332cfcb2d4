"""The flow of a paid request: sent, refused with a 402, paid within the limits, and sent once more with the same body."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Final

from nvm_chain.client.allowances import use_allowance
from nvm_chain.client.asking import sign_in
from nvm_chain.client.buyer import Buyer, HeldToken
from nvm_chain.client.choosing import TIME, Option, Rank, find_option
from nvm_chain.client.credentials import Credential, TokenUse, VoucherUse, sign_request, use_token
from nvm_chain.client.ordering import order_again
from nvm_chain.client.steps import Flow, Pause, Reply, Send, Step, Wanted
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.client.transfers.paying import (
    TransferUse,
    find_again,
    find_offered,
    pay_by_transfer,
    sign_transfer,
)
from nvm_chain.client.wire import Offered, Required, SignInOffered, read_required
from nvm_chain.errors import GatewayRefused, PaymentNotAllowed
from nvm_chain.errors.fields import Credits, PlanId

PAYMENT_REQUIRED: Final = 402
USED_UP: Final = frozenset(("CreditsUsedUp", "WindowClosed"))
"""Refusals after which a budget orders the plan."""
LATE: Final = frozenset(("DeadlineOutOfRange", "VoucherExpired"))
"""Refusals after which the clock is read again."""
OPENING: Final = "AccessOpening"
"""The refusal while the seller opens access to a time plan."""
UNKNOWN: Final = "AuthorityUnknown"
"""The refusal of a token that has ended before the allowance for which it was opened."""
PAUSE_MILLISECONDS: Final = 500
MAX_PAUSES: Final = 60
"""How often the gateway is asked again after an order, until it has seen the order on the chain."""


@dataclass(slots=True)
class Tried:
    """What was tried for one request. Each remedy is tried once."""

    chosen: int = 0
    corrected: bool = False
    renewed: bool = False
    ordered: set[int] = field(default_factory=set)
    pauses: int = 0


Payable = Credential | TransferUse
Chosen = Generator[Step, Reply, Payable | None]


def pay_for(payer: Buyer | TokenPayer, wanted: Wanted) -> Flow:
    """Send a request, and pay for it as the payer does: from credits and plans, or by signed transfers. Raises as `pay` does."""
    return pay(payer, wanted) if isinstance(payer, Buyer) else pay_by_transfer(payer, wanted)


def pay(buyer: Buyer, wanted: Wanted) -> Flow:
    """Send a request, and pay for it.

    A service that is known is paid with the first request. Otherwise the first request is not paid for, and the answer says what
    is accepted. A refusal is corrected once. After an order of a budget the request is repeated until the gateway has seen it.

    Raises:
        PaymentNotAllowed: Nothing that is accepted is within the limits.
        BudgetUsedUp: The plan has to be ordered again, and the budget does not allow it.
        GatewayRefused: The gateway refused a sign-in.
        PaymentUnsettled: The server wants another transfer, and an earlier one may have moved money or still can.
    """
    tried = Tried()
    credential = yield from _start(buyer, wanted)
    while True:
        if isinstance(credential, TransferUse):
            yield from credential.send()
            return
        reply = yield from _send(credential)
        if reply.status != PAYMENT_REQUIRED:
            if credential is not None:
                credential.note_answer(reply)
            return
        if credential is not None:
            credential.note_refused()
        required = read_required(reply.headers, reply.body)
        if required is None:
            return
        credential = yield from _find_next(buyer, wanted, required, credential, tried)
        if credential is None:
            return


def _start(buyer: Buyer, wanted: Wanted) -> Chosen:
    """Return what pays for the first request. None for a new service, and at the limit: the endpoint may cost nothing."""
    again = None if buyer.tokens is None else find_again(buyer.tokens, wanted)
    if again is not None:
        return again
    known = buyer.find_known(wanted.place)
    if isinstance(known, HeldToken):
        return use_token(buyer, known)
    allowed = yield from _use_allowance(buyer, wanted)
    if allowed is not None:
        return allowed
    try:
        return None if known is None else sign_request(buyer, wanted, known)
    except PaymentNotAllowed:
        return None


def _use_allowance(buyer: Buyer, wanted: Wanted) -> Chosen:
    """Return a new token of an allowance. None if there is none, or if the gateway does not accept it any more."""
    allowance = buyer.find_allowance(wanted.place)
    if allowance is None:
        return None
    try:
        return use_token(buyer, (yield from use_allowance(buyer, wanted.place, allowance)))
    except GatewayRefused:
        buyer.forget_allowance(wanted.place.base, wanted.place.service)
        return None


def _send(credential: Credential | None) -> Generator[Step, Reply, Reply]:
    """Send the request. If no answer comes, the transport raises here, or closes the flow."""
    has_answer = False
    if credential is not None:
        credential.note_sent()
    try:
        reply = yield Send({} if credential is None else credential.headers)
        has_answer = True
    finally:
        if not has_answer and credential is not None:
            credential.note_lost()
    return reply


def _find_next(buyer: Buyer, wanted: Wanted, required: Required, refused: Credential | None, tried: Tried) -> Chosen:
    """Return what to pay with after a refusal. None if the refusal is the answer of the program."""
    if isinstance(refused, VoucherUse):
        offered = _find_same(required, refused.offered)
        if offered is None and required.error in USED_UP:
            offered = refused.offered  # the gateway offers only what the account can pay now
        if offered is not None:
            return (yield from _correct(buyer, wanted, required, refused, offered, tried))
    if isinstance(refused, TokenUse):
        if required.error == OPENING and tried.pauses < MAX_PAUSES:
            tried.pauses += 1
            yield Pause(PAUSE_MILLISECONDS)
            return refused
        buyer.forget(refused.token)
        if required.error == UNKNOWN and not tried.renewed:
            tried.renewed = True
            allowed = yield from _use_allowance(buyer, wanted)
            if allowed is not None:
                return allowed
        buyer.forget_allowance(refused.token.base, refused.token.service)
        plan_id = refused.token.plan_id
        if required.error in USED_UP and refused.token.reserved is None:
            yield from _order(buyer, plan_id, _find_need(required, plan_id), tried)
    if tried.chosen >= (1 if refused is None else 2):
        return None
    tried.chosen += 1
    return (yield from _choose(buyer, wanted, required, tried))


def _find_same(required: Required, offered: Offered) -> Offered | None:
    """Return the offer of the same plan to the same redeemer in a refusal."""
    wanted = (offered.offer.plan_id, offered.offer.redeemer)
    return next((o for o in required.offers if (o.offer.plan_id, o.offer.redeemer) == wanted), None)


def _correct(
    buyer: Buyer, wanted: Wanted, required: Required, refused: VoucherUse, offered: Offered, tried: Tried
) -> Chosen:
    offer, account = offered.offer, offered.offer.account
    least = account.next_ceiling if account is not None and account.holder == buyer.signer.address else 0
    if required.error in USED_UP:
        if not (yield from _order(buyer, offer.plan_id, offer.amount, tried)):
            return None if buyer.purse.is_covered(offer.plan_id, offer.amount) else _transfer(buyer, wanted, required)
        return sign_request(buyer, wanted, offered, least=least)
    is_other = least > refused.reserved.ceiling or offer != refused.offered.offer
    if tried.corrected or not (is_other or required.error in LATE):
        return None
    tried.corrected = True
    buyer.find_now(anew=required.error in LATE)
    buyer.remember(wanted.place, Offered(offer, offered.raw))
    return sign_request(buyer, wanted, offered, least=least)


def _order(buyer: Buyer, plan_id: PlanId, credits: Credits | None, tried: Tried) -> Generator[Step, Reply, bool]:
    """Order a plan once, and wait afterwards. Return False if there is no budget, or if waiting did not help."""
    if plan_id in tried.ordered:
        tried.pauses += 1
        if tried.pauses > MAX_PAUSES:
            return False
    else:
        if not order_again(buyer, plan_id, credits):
            return False
        tried.ordered.add(plan_id)
    yield Pause(PAUSE_MILLISECONDS)
    return True


def _find_need(required: Required, plan_id: PlanId) -> Credits | None:
    """Return the credits that a plan needs for a request. None for a time plan."""
    plan = None if required.sign_in is None else required.sign_in.plans.get(plan_id)
    if plan is not None:
        return None if plan.kind == TIME else plan.credits
    return next((o.offer.amount for o in required.offers if o.offer.plan_id == plan_id), 1)


def _choose(buyer: Buyer, wanted: Wanted, required: Required, tried: Tried) -> Chosen:
    option, reasons = find_option(buyer, wanted.place, required)
    if option is None or option.rank is Rank.WITHOUT:
        transfer = _transfer(buyer, wanted, required)
        if transfer is not None:
            return transfer
        if buyer.tokens is not None:
            reasons = (*reasons, *find_offered(buyer.tokens, required)[1])
    if option is None:
        if not reasons:
            return None
        service = wanted.place.service or wanted.place.origin
        raise PaymentNotAllowed(service, reasons)
    if option.offered is not None:
        credential = sign_request(buyer, wanted, option.offered)
        buyer.remember(wanted.place, option.offered)
        return credential
    if required.sign_in is None:
        return None
    return (yield from _sign_in(buyer, wanted, required.sign_in, option, tried))


def _transfer(buyer: Buyer, wanted: Wanted, required: Required) -> TransferUse | None:
    """Return a signed transfer for the first offer within the limits of tokens. None if there is none."""
    if buyer.tokens is None:
        return None
    offered, _ = find_offered(buyer.tokens, required)
    return None if offered is None else sign_transfer(buyer.tokens, wanted, required, offered)


def _sign_in(buyer: Buyer, wanted: Wanted, offered: SignInOffered, option: Option, tried: Tried) -> Chosen:
    """Sign in, and order the plan before if its access is over. After an order, wait until the gateway has seen it."""
    credits = None if option.kind == TIME else option.cost
    if option.rank is Rank.BUDGET:
        yield from _order(buyer, option.plan_id, credits, tried)
    while True:
        try:
            token = yield from sign_in(buyer, wanted.place, offered, option.plan_id)
        except GatewayRefused as error:
            if error.error not in USED_UP or not (yield from _order(buyer, option.plan_id, credits, tried)):
                raise
        else:
            buyer.remember(wanted.place, token)
            return use_token(buyer, token)
