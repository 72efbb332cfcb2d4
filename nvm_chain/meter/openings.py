"""Openings of access: a holder's first use of a time plan lets the seller's key open periods, if a sign-in says how many."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    AccessNotOpened,
    AccessOpening,
    OnlyHolderOpens,
    PeriodsNotStated,
    RequestRefused,
    WindowClosed,
)
from nvm_chain.errors.fields import PlanId, Quantity, Seconds, Time
from nvm_chain.meter.windows import NO_CEILING, FirstUse, WindowAccount, WindowView
from nvm_chain.types.hashes import keccak

RETRY_SECONDS: Final[Seconds] = 15
"""After how many seconds to try again while access is being opened: a settler looks as often, and a block takes as long."""
PAUSE_SECONDS: Final[Seconds] = 60
"""How long nothing is opened after the chain has refused an opening."""
CLOSED: Final = WindowView(0, 0)
"""The view of a window that was never open."""


class OpeningState(IntEnum):
    """What has become of an opening."""

    WANTED = 0
    """A settler has to open access, or its transaction is under way."""
    DONE = 1
    """The window has changed as the opening says. A reorganization can undo it, and then it is wanted again."""
    RETURNED = 2
    """It was not done and will not be, so the sign-in has its periods again."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An order to open access for one holder on one time plan, which replaces one window: the one that was seen.

    ``seen`` is the end of that window, or 0 if access never began. On one chain no window ends at the same second twice,
    so (plan, holder, seen) names one opening. ``authority_id`` is that of the sign-in whose periods it takes. ``redeemer`` is
    the seller's key that sends. ``signed`` counts the transactions that were signed for it. ``reason`` says why it was
    returned, and nothing is opened again before ``paused_until``. Times are by the database's clock.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    seen: Time
    authority_id: bytes
    periods: Quantity
    redeemer: ChecksumAddress
    asked_at: Time
    state: OpeningState = OpeningState.WANTED
    signed: Quantity = 0
    ended_at: Time = 0
    paused_until: Time = 0
    reason: str = ""

    @property
    def context(self) -> bytes:
        """The context of the redemption: keccak-256 of the sign-in's id and the end of the window, each as 32 bytes."""
        return keccak(self.authority_id + self.seen.to_bytes(32))


@dataclass(frozen=True, slots=True)
class Stated:
    """How many periods a sign-in lets the seller open in all, and how many of them are used."""

    periods: Quantity
    used: Quantity = 0

    def allows(self, periods: Quantity) -> bool:
        """Return whether so many more may be opened."""
        return self.used + periods <= self.periods


@dataclass(frozen=True, slots=True)
class FirstUseCase:
    """Everything that decides whether access is opened for a request that found its window closed.

    ``known`` is the opening that replaces the window, if there is one. ``now`` decides about windows, and ``clock``, the
    database's, about pauses.
    """

    window: WindowAccount
    first_use: FirstUse
    stated: Stated
    known: Opening | None
    now: Time
    clock: Time

    @property
    def account(self) -> tuple[int, PlanId, ChecksumAddress]:
        """The first fields of each refusal."""
        return NO_CEILING, self.window.plan_id, self.window.holder

    @property
    def view(self) -> WindowView:
        """The latest view. A window in it may be too new to count."""
        return self.window.past[-1] if self.window.past else CLOSED


def find_refusal_to_open(case: FirstUseCase) -> RequestRefused | None:
    """Return why access is not opened anew for a request, or None if a new opening has to be stored."""
    for term in OPENING_TERMS:
        refusal = term(case)
        if refusal is not None:
            return refusal
    return None


def _is_under_way(case: FirstUseCase) -> RequestRefused | None:
    is_wanted = case.known is not None and case.known.state is OpeningState.WANTED
    return AccessOpening(*case.account, RETRY_SECONDS) if is_wanted or case.view.access_until > case.now else None


def _has_periods(case: FirstUseCase) -> RequestRefused | None:
    if case.view.unopened >= case.first_use.periods:
        return None
    return WindowClosed(*case.account, case.view.access_until, case.now)


def _may_be_opened(case: FirstUseCase) -> RequestRefused | None:
    return OnlyHolderOpens(*case.account, case.first_use.periods) if case.first_use.only_holder else None


def _is_paused(case: FirstUseCase) -> RequestRefused | None:
    known = case.known
    if known is None or known.state is not OpeningState.RETURNED or known.paused_until <= case.clock:
        return None
    return AccessNotOpened(*case.account, known.reason, known.paused_until - case.clock)


def _is_stated(case: FirstUseCase) -> RequestRefused | None:
    if is_undone(case.known) or case.stated.allows(case.first_use.periods):
        return None
    return PeriodsNotStated(*case.account, case.stated.periods, case.stated.used, case.first_use.periods)


OPENING_TERMS: Final[tuple[Callable[[FirstUseCase], RequestRefused | None], ...]] = (
    _is_under_way,
    _has_periods,
    _may_be_opened,
    _is_paused,
    _is_stated,
)
"""What an opening needs, in the order in which the refusals are told."""


def is_undone(known: Opening | None) -> bool:
    """Return whether an opening was done, and its window is back. Then a reorganization has undone it."""
    return known is not None and known.state is OpeningState.DONE


def want_opening(case: FirstUseCase, authority_id: bytes, redeemer: ChecksumAddress) -> Opening:
    """Return the opening to store. One that was undone is wanted again, with the periods that its sign-in gave for it."""
    if case.known is not None and is_undone(case.known):
        return replace(case.known, state=OpeningState.WANTED, ended_at=0)
    window = case.window
    signed = 0 if case.known is None else case.known.signed
    return Opening(
        window.plan_id,
        window.holder,
        case.view.access_until,
        authority_id,
        case.first_use.periods,
        redeemer,
        case.clock,
        signed=signed,
    )
