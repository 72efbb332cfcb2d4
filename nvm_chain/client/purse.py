"""The purse: ceilings for requests that are in flight at the same time, in any number of threads and processes.

Each request in flight needs a ceiling of its own, above those of the others. A gateway compares the highest ceiling that it knows
with all that it has charged and holds, so the order in which requests arrive does not matter. What a request did not cost is
given back to the next one. If that was wrong, because a lost request was charged after all, the gateway says which ceiling it
needs, and the buyer signs it, within the limits.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from nvm_chain.client.ceilings import Ceilings
from nvm_chain.client.limits import SpendingLimits
from nvm_chain.client.states import Ceiling
from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.types.accounts import Account

NOTHING: Final = Ceiling(0, 0)


class AboveLimit(Exception):
    """A ceiling would allow more credits in all than the limits do. The text is a reason in words."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Credits that a signature is for. ``ceiling`` is the one to sign."""

    plan_id: PlanId
    credits: Credits
    ceiling: Credits


class Purse:
    """The ceilings of an account, with the limits of a client."""

    def __init__(self, ceilings: Ceilings, limits: SpendingLimits, read_account: Callable[[int], Account]) -> None:
        """Take the store of ceilings, the limits, and a function that reads the account on a plan from the chain."""
        self._ceilings, self._limits, self._read_account = ceilings, limits, read_account
        self._in_flight: Counter[int] = Counter()

    def reserve(self, plan_id: PlanId, credits: Credits, deadline: Time, *, least: Credits = 0) -> Reserved:
        """Return a new ceiling for so many credits, and store it before anything is signed with it.

        The chain is asked only for the first ceiling of a plan, and if a gateway wants a higher one. If the limits do not allow
        it, `AboveLimit` says so to the caller, and nothing is stored.

        Args:
            plan_id: The plan.
            credits: The credits of the request.
            deadline: The last second of the voucher.
            least: The ceiling that a gateway wants. 0 if it has not said one. Requests in flight are added, because the gateway may
                not have seen them when it said so.

        Raises:
            NetworkError: The node does not give a usable answer.
        """
        with self._ceilings.lock():  # no two threads or processes sign the same ceiling
            last = self._ceilings.read(plan_id) or NOTHING
            least = least and least + self._in_flight[plan_id]
            is_new = last is NOTHING or find_used(last) + credits < least
            settled = self._read_account(plan_id).settled if is_new else 0
            ceiling = max(find_used(last) + credits, settled + credits, least)
            added = max(0, ceiling - max(last.total, settled))
            self._check(added)
            kept = Ceiling(
                max(last.total, ceiling),
                max(last.deadline, deadline),
                ceiling,
                last.signed + added,
                ceiling - credits if is_new else last.floor,
            )
            self._ceilings.write(plan_id, kept)
            self._in_flight[plan_id] += credits
        return Reserved(plan_id, credits, ceiling)

    def _check(self, added: Credits) -> None:
        signed, limit = self._ceilings.sum_signed(), self._limits.in_all
        if signed + added > limit:
            raise AboveLimit(f"{signed} credits are signed, {added} more are wanted, and the limit in all is {limit}")

    def give_back(self, reserved: Reserved, cost: Credits) -> None:
        """Give back what a request did not cost. Only what was reserved for it, whatever a gateway says."""
        left = reserved.credits - min(cost, reserved.credits)
        with self._ceilings.lock():
            self._in_flight[reserved.plan_id] -= reserved.credits
            if left:
                self._lower(reserved, left)

    def take_back(self, reserved: Reserved) -> None:
        """Take back the ceiling of a request whose outcome is unknown, unless a higher one was signed after it."""
        with self._ceilings.lock():
            self._in_flight[reserved.plan_id] -= reserved.credits
            last = self._ceilings.read(reserved.plan_id)
            if last is not None and last.total == reserved.ceiling:
                self._lower(reserved, reserved.credits)

    def _lower(self, reserved: Reserved, credits: Credits) -> None:
        last = self._ceilings.read(reserved.plan_id)
        if last is not None and reserved.ceiling > last.floor:
            self._ceilings.write(reserved.plan_id, replace(last, used=max(last.floor, find_used(last) - credits)))

    def is_covered(self, plan_id: PlanId, credits: Credits) -> bool:
        """Return whether the account has so many credits on the chain beyond those of earlier requests. One request."""
        account = self._read_account(plan_id)
        with self._ceilings.lock():
            last = self._ceilings.read(plan_id)
        promised = 0 if last is None else max(0, find_used(last) - account.settled)
        return account.balance >= promised + credits


def find_used(ceiling: Ceiling) -> Credits:
    """Return the total on which the next voucher builds."""
    return ceiling.total if ceiling.used is None else ceiling.used
