"""The rule of admission: whether a request of at most some credits may be served, and what is held for it.

A request is admitted if all of these hold, in one atomic step of the store:

1. The books: ``committed + held + blocked + credits`` is at most the least of ``balance + taken`` over the last blocks, plus
   ``written_off``.
2. The seller's risk: ``owed + held + credits`` is at most the exposure.
3. Where vouchers pay: ``settled + owed + held + credits`` is at most the highest live ceiling for the seller's key.
4. The authority agrees.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import (
    BooksBehind,
    CeilingTooLow,
    CreditsUsedUp,
    ExposureReached,
    HolderCannotPay,
    HolderNotSettled,
    RequestRefused,
)
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.agreements import Ask, Question, find_disagreement
from nvm_chain.meter.authorities import Authority, AuthorityKind, Hold, charge_use, hold_use, release_use
from nvm_chain.meter.books import BITS, Account, charge, release
from nvm_chain.types.amounts import check_uint


class Policy(Struct, frozen=True):
    """What a seller allows: credits of one holder that may be served or held before a settlement takes them.

    ``by_vouchers`` is False where the plan's rule lets the seller's key redeem without a voucher.
    """

    exposure: Credits
    by_vouchers: bool = True


class Case(Struct, frozen=True, gc=False):
    """Everything that decides about one request. The store reads it in one step."""

    account: Account
    authority: Authority
    ask: Ask
    policy: Policy
    now: Time

    @property
    def next_ceiling(self) -> Credits:
        """The ceiling that would cover this request too. Every refusal says it, but to the user of an allowance."""
        return find_told_ceiling(self.authority, self.account, self.ask.credits)


class Admitted(Struct, frozen=True, gc=False):
    """The account and the authority after a request was admitted, and the request's hold."""

    account: Account
    authority: Authority
    hold: Hold


def admit(case: Case) -> Admitted | RequestRefused:
    """Return what has to be stored before the request may be served, or the reason why it is refused.

    The refusal is returned and not raised, because a store decides about many requests in one step.

    Raises:
        InvalidAmount: The request asks for less than one credit.
    """
    check_uint(case.ask.credits, BITS, "credits of the request", minimum=1)
    for term in TERMS:
        refusal = term(case)
        if refusal is not None:
            return _hide_account(case, refusal) if case.authority.kind is AuthorityKind.ALLOWANCE else refusal
    account = replace(case.account, held=case.account.held + case.ask.credits)
    return Admitted(account, *hold_use(case.authority, case.ask.credits, case.now))


def charge_request(
    account: Account, authority: Authority, hold: Hold, cost: int, now: int
) -> tuple[Account, Authority]:
    """Return the account and the authority after a request was served for ``cost`` credits. Raises ChargeAboveHold."""
    return charge(account, hold.credits, cost, now), charge_use(authority, hold, cost)


def release_request(account: Account, authority: Authority, hold: Hold, *, was_sent: bool) -> tuple[Account, Authority]:
    """Return the account and the authority after a request was not served. Raises ChargeAboveHold.

    ``was_sent`` says whether the upstream was called. If it was, a credential of one use stays spent.
    """
    return release(account, hold.credits), release_use(authority, hold, was_sent=was_sent)


def find_told_ceiling(authority: Authority, account: Account, credits: Credits) -> Credits:
    """Return the next ceiling that a refusal says. 0 for the user of an allowance: it signs no voucher, and is not the holder."""
    return 0 if authority.kind is AuthorityKind.ALLOWANCE else account.find_next_ceiling(credits)


def _hide_account(case: Case, refusal: RequestRefused) -> RequestRefused:
    """Return what the user of an allowance is told of a refusal: nothing of how the holder's account stands."""
    told = (0, case.account.plan_id, case.account.holder, case.ask.credits)
    if isinstance(refusal, ExposureReached):
        return HolderNotSettled(*told)
    return HolderCannotPay(*told) if isinstance(refusal, BooksBehind | CreditsUsedUp | CeilingTooLow) else refusal


def _find_gap(case: Case) -> RequestRefused | None:
    """Refuse if our keys took more than was charged. The books are older than the chain, as after a restored backup."""
    account = case.account
    if account.view.taken <= account.committed:
        return None
    return BooksBehind(case.next_ceiling, account.plan_id, account.holder, account.committed, account.view.taken)


def _agrees(case: Case) -> RequestRefused | None:
    return find_disagreement(Question(case.authority, case.ask, case.now, case.next_ceiling))


def _is_backed(case: Case) -> RequestRefused | None:
    account, credits = case.account, case.ask.credits
    funds = account.find_funds(case.now)
    if account.committed + account.held + account.blocked + credits <= funds + account.written_off:
        return None
    available = max(0, account.find_available(case.now))
    return CreditsUsedUp(case.next_ceiling, account.plan_id, account.holder, available, credits)


def _is_within_exposure(case: Case) -> RequestRefused | None:
    account, exposure, credits = case.account, case.policy.exposure, case.ask.credits
    if account.owed + account.held + credits <= exposure:
        return None
    holder = (account.plan_id, account.holder)
    return ExposureReached(case.next_ceiling, *holder, exposure, account.outstanding, credits)


def _is_within_ceiling(case: Case) -> RequestRefused | None:
    account, ceiling = case.account, case.account.find_live_ceiling(case.now)
    if not case.policy.by_vouchers or account.view.settled + account.owed + account.held + case.ask.credits <= ceiling:
        return None
    return CeilingTooLow(case.next_ceiling, account.plan_id, account.holder, ceiling)


Term: TypeAlias = Callable[[Case], RequestRefused | None]
TERMS: Final[tuple[Term, ...]] = (_find_gap, _agrees, _is_backed, _is_within_exposure, _is_within_ceiling)
"""The terms of the rule, in the order in which their refusals are told."""
