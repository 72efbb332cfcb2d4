"""What a meter sees of accounts: their states after the last blocks, evaluated by time."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits, PlanId, Seconds, Time
from nvm_chain.types.accounts import Lot
from nvm_chain.types.events import Block

AccountKey = tuple[int, ChecksumAddress]
"""Key of an account: a plan and a holder."""


@dataclass(frozen=True, slots=True)
class AccountState:
    """State of an account after a block.

    ``stored`` is the balance at the last movement. ``lots`` are the credits that expire, and ``period_seconds`` is the
    length of a period if the balance counts the periods until ``access_until``, else 0. ``settled`` counts what
    settlements ever took, and ``taken`` what the view's redeemers took, by settlement or redemption.
    """

    stored: Credits = 0
    settled: Credits = 0
    taken: Credits = 0
    access_until: Time = 0
    lots: tuple[Lot, ...] = ()
    period_seconds: Seconds = 0

    def balance(self, second: int) -> int:
        """Return the credits or periods at a Unix second. A lot's end counts, whether or not there was a block since."""
        if self.period_seconds:
            return -(-max(0, self.access_until - second) // self.period_seconds)
        if self.lots:
            return sum(lot.credits for lot in self.lots if lot.expires_at > second)
        return self.stored


@dataclass(frozen=True, slots=True)
class AccountView:
    """View of an account of a holder on a plan.

    ``states`` are the states after the last blocks, as many as the view is deep: the latest first, and each once.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    states: tuple[AccountState, ...]

    @property
    def settled(self) -> int:
        """The credits that settlements ever took. A voucher's ceiling is a limit for this number."""
        return self.states[0].settled

    @property
    def taken(self) -> int:
        """The credits that the view's redeemers ever took, by settlement or redemption."""
        return self.states[0].taken

    @property
    def access_until(self) -> int:
        """The Unix second at which access ends, or 0. Least over the last blocks."""
        return min(state.access_until for state in self.states)

    def balance(self, second: int) -> int:
        """Return the credits or periods after the view's block, at a Unix second."""
        return self.states[0].balance(second)

    def lots(self, second: int) -> tuple[Lot, ...]:
        """Return the credits that expire after a Unix second, earliest first."""
        return tuple(lot for lot in self.states[0].lots if lot.expires_at > second)

    def least_funds(self, second: int) -> int:
        """Return the least of balance and taken credits together over the last blocks, at a Unix second.

        So new credits count when their block is deep enough, and lost ones are missing at once. What the redeemers took
        changes nothing, because it is in both.
        """
        return min(state.balance(second) + state.taken for state in self.states)

    def next_end(self, second: int) -> int | None:
        """Return the next Unix second after ``second`` at which `least_funds` may change by time alone. None if never."""
        ends = {lot.expires_at for state in self.states for lot in state.lots}
        for state in self.states:
            if state.period_seconds and state.access_until > second:
                ends.add(state.access_until - (state.balance(second) - 1) * state.period_seconds)
        return min((end for end in ends if end > second), default=None)


@dataclass(frozen=True, slots=True)
class View:
    """View of some accounts at one block, the latest of the index at one instant."""

    block: Block
    accounts: Mapping[AccountKey, AccountView]
