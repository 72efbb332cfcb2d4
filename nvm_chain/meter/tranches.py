"""Tranches: credits of a session that are set aside for several requests at once, so that most of them await no write.

A tranche is as good as the requests that it is for: each of them would have been admitted alone when it was opened. It ends
before anything that the rule of admission looks at can end, and after `SECONDS` at the latest.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import RequestRefused
from nvm_chain.errors.fields import Credits, Quantity, Seconds
from nvm_chain.meter.admission import Admitted, Case, admit
from nvm_chain.meter.authorities import hold_use

SECONDS: Final = 1
"""How long a tranche is good for. A revocation or a loss on chain counts for later requests after this time at the latest."""
SHARE: Final = 4
"""A tranche takes at most this part of what else could be admitted, so that other sessions of the holder find credits."""


class Tranche(Struct, frozen=True, gc=False):
    """What was set aside: the account and the authority after it, the hold, and for how long requests may use it."""

    admitted: Admitted
    seconds: Seconds


def admit_tranche(case: Case, requests: Quantity) -> Tranche | RequestRefused:
    """Admit a request, and set credits aside for some more that ask for the same.

    Args:
        case: The request, and all that decides about it.
        requests: For how many requests credits are wanted. There may be fewer, and there are some for one at least.

    Returns:
        The tranche, or the reason why the request is refused. ``seconds`` is 0 if it is good for this one request only.
    """
    alone = admit(case)
    if not isinstance(alone, Admitted):
        return alone
    credits, uses = case.ask.credits, case.authority.uses
    seconds = _find_seconds(case)
    others = 0 if uses is not None or not seconds else max(0, (_find_room(case) - credits) // SHARE // credits)
    total = credits * (1 + min(requests - 1, others))
    account = replace(case.account, held=case.account.held + total)
    return Tranche(Admitted(account, *hold_use(case.authority, total, case.now)), seconds)


def _find_room(case: Case) -> Credits:
    """Return the highest number of credits that the rule of admission would admit."""
    account, authority = case.account, case.authority
    rooms = [account.find_available(case.now), case.policy.exposure - account.outstanding]
    if case.policy.by_vouchers:
        rooms.append(account.find_live_ceiling(case.now) - account.view.settled - account.outstanding)
    if authority.limit is not None:
        rooms.append(authority.limit - authority.spent - authority.held)
    if authority.per_period is not None:
        rooms.append(authority.per_period.credits - authority.find_period_used(case.now))
    return min(rooms)


def _find_seconds(case: Case) -> Seconds:
    """Return how long nothing ends by itself that the rule of admission looks at."""
    ends = [case.authority.end, *(lot.end - 1 for lot in case.account.view.lots if lot.end > case.now)]
    if case.policy.by_vouchers:
        ends.append(case.account.ceiling_end)
    if case.authority.per_period is not None:
        ends.append(case.authority.find_reset(case.now) - 1)
    return max(0, min(SECONDS, *(end - case.now for end in ends)))
