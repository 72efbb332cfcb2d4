"""The end of a request: a paid one is charged or released, once, whatever happens to it. An open one costs nothing."""

from typing import Final

from nvm_chain.errors.fields import Credits, Seconds
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.upstream import Answer
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.x402.headers import PAYMENT_RESPONSE, write_header
from nvm_chain.x402.offers import format_network

FAILED: Final = 400
"""The lowest status that says that a request was not served."""
CONSUMED: Final = "NVMCreditsConsumed"
"""The header with which an upstream says what a request cost, in credits."""

_MOST_DIGITS: Final = 78
"""How many digits the largest number of credits has."""


class Outcome:
    """What becomes of an open request: nothing. A paid one has a `PaidOutcome`."""

    told: tuple[tuple[str, str], ...] = ()
    """Headers by which the upstream knows who pays."""
    has_hold = False
    """Whether the request has a hold, without which it may not go on."""

    async def prolong(self) -> Seconds:
        """Let the request go on, and return for how many seconds from now on. An open one needs no hold for it."""
        return 0

    def note_call(self) -> None:
        """Note that the upstream may have seen the request."""

    def note_answer(self, found: Answer) -> Headers:
        """Note the head of the answer, and return what is added to it."""
        return []

    def note_served(self) -> None:
        """Note that the whole answer was handed down."""

    def note_gone(self) -> None:
        """Note that the buyer went away, or did not read on."""

    def finish(self) -> None:
        """End the request. What was not served is not charged."""


class PaidOutcome(Outcome):
    """What becomes of the hold of a request. Until something else is said, the request counts as not served."""

    has_hold = True

    def __init__(self, meter: Meter, hold: StoredHold, service: SoldService, plan: SoldPlan) -> None:
        """Take the meter and the open hold, and what was sold."""
        self._meter, self._service, self._plan = meter, service, plan
        self.hold = hold
        self.cost: Credits | None = min(plan.min_credits, hold.hold.credits)
        """What is charged if the buyer gets the answer, or goes away before. None for an answer that is not charged."""
        self.charged: Credits = 0
        """What was charged in the end."""
        self._was_sent = self._is_due = self._is_over = False
        self.transaction = ""
        """The transaction that bought the credits for this request. Empty if they were there."""
        self.told = (
            ("nvm-holder", hold.key.holder),
            ("nvm-plan", str(hold.key.plan_id)),
            ("nvm-request-id", hold.hold_id.hex()),
        )

    async def prolong(self) -> Seconds:
        """Prolong the hold, and return for how many seconds from now on. Raises HoldOver or IndexFailure."""
        return await self._meter.prolong(self.hold)

    def note_call(self) -> None:
        """Note that the upstream may have seen the request. Until then it is not charged, and its payment stays good."""
        self._was_sent = True

    def note_answer(self, found: Answer) -> Headers:
        """Find what the request costs, and return the header PAYMENT-RESPONSE. Only a request that bought its credits has a transaction."""
        self.cost = find_cost(found, self._service, self._plan, self.hold.hold.credits)
        told = {
            "success": self.cost is not None,
            **({"errorReason": "not_served"} if self.cost is None else {}),
            "payer": self.hold.key.holder,
            "transaction": self.transaction,
            "network": format_network(self._meter.settings.chain_id),
            "amount": str(self.cost or 0),
            "extra": {
                "planId": str(self.hold.key.plan_id),
                "hold": self.hold.hold_id.hex(),
                **self._find_next(),
            },
        }
        return [(PAYMENT_RESPONSE.encode(), write_header(told).encode())]

    def _find_next(self) -> dict[str, str]:
        """Return the ceiling for one more request of as many credits, for a client that signs vouchers."""
        held, next_ceiling = self.hold.hold.credits, self.hold.next_ceiling
        return {"nextCeiling": str(next_ceiling - held + (self.cost or 0))} if next_ceiling else {}

    def note_served(self) -> None:
        """Charge the request, unless its answer says that it was not served."""
        self._is_due = True
        self.finish()

    def note_gone(self) -> None:
        """Charge what is known, at least the lowest cost. Otherwise everybody could leave before the last byte."""
        self._is_due = self._was_sent

    def finish(self) -> None:
        """Charge or release. The second time, nothing happens."""
        if self._is_over:
            return
        self._is_over = True
        if self._is_due and self.cost is not None:
            self.charged = self.cost
            self._meter.charge(self.hold, self.cost)
        else:
            self._meter.release(self.hold, was_sent=self._was_sent)


def find_cost(found: Answer, service: SoldService, plan: SoldPlan, held: Credits) -> Credits | None:
    """Return what a request costs, when the head of its answer is there. None if it was not served."""
    if found.status >= FAILED and not service.settings.charges_failures:
        return None
    if not held:
        return 0  # on a time plan
    return min(max(plan.min_credits, _read_consumed(found, service, plan)), held, max(plan.max_credits, 1))


def _read_consumed(found: Answer, service: SoldService, plan: SoldPlan) -> Credits:
    """Return what the upstream says that a request cost. `find_cost` brings it between the plan's lowest and highest cost."""
    told = found.find(CONSUMED) if service.settings.dynamic else None
    if told is None or not told.isascii() or not told.isdecimal():
        return plan.min_credits
    digits = told.lstrip("0")
    return int(digits or "0") if len(digits) <= _MOST_DIGITS else plan.max_credits
