"""Views: what the chain says of one account at one block, read at the hash of the block."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from nvm_chain.errors import ViewUnusable

KEPT_BLOCKS: Final = 64
"""The number of blocks that a rollback may go back."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Credits of an account that end together. ``end`` is the first Unix second in which they cannot be used."""

    end: int
    credits: int


@dataclass(frozen=True, slots=True)
class View:
    """What the chain says of an account at one block.

    ``settled`` is what settlements took from the account, by whomever. ``taken`` is what the seller's own keys took, by
    settlements and redemptions. ``lapsed`` is what nobody used until its end. All three count from the first block on. ``lots`` are the
    lots that are in the balance and have an end. ``ended`` are lots that ended with the credits that lapsed: at least those
    that ended since the view before, or since the block to which the account was rolled back.
    """

    block_number: int
    block_hash: bytes
    time: int
    balance: int
    settled: int
    taken: int
    lapsed: int = 0
    lots: tuple[Lot, ...] = ()
    ended: tuple[Lot, ...] = ()

    def __post_init__(self) -> None:
        """Check that the numbers fit together. Raises ViewUnusable."""
        numbers = (self.block_number, self.time, self.balance, self.settled, self.taken, self.lapsed)
        if min(*numbers, *(lot.credits for lot in (*self.lots, *self.ended)), 0) < 0:
            raise ViewUnusable(self.block_number, "a number is negative")
        if sum(lot.credits for lot in self.lots) > self.balance or any(lot.end <= self.time for lot in self.lots):
            raise ViewUnusable(self.block_number, "its lots are not part of its balance")
        if sum(lot.credits for lot in self.ended) > self.lapsed or any(lot.end > self.time for lot in self.ended):
            raise ViewUnusable(self.block_number, "the lots that ended are not part of what lapsed")

    @property
    def is_empty(self) -> bool:
        """Whether nothing has ever been granted to the account, as far as the view says."""
        return not (self.balance or self.settled or self.taken or self.lapsed)

    @property
    def backing(self) -> int:
        """All credits that ever stood behind charges by the seller: what is there, what was taken, and what lapsed.

        A settlement by the seller and the end of a lot leave it as it is. A grant raises it. A burn, a redemption by others
        and a settlement by others lower it.
        """
        return self.balance + self.taken + self.lapsed

    @property
    def others(self) -> int:
        """What others settled, less what the seller's own keys redeemed."""
        return self.settled - self.taken

    def find_lapsed(self, now: int) -> int:
        """Return the credits that have lapsed by a second at or after the block's time."""
        return self.lapsed + sum(lot.credits for lot in self.lots if lot.end <= now)


UNSEEN: Final = View(0, bytes(32), 0, 0, 0, 0)
"""The view of an account that was not read yet."""


@dataclass(frozen=True, slots=True)
class PastView:
    """What is kept of a view, so that the least of the last blocks is known, and a rollback can be undone."""

    block_number: int
    block_hash: bytes
    time: int
    backing: int
    others: int
    written_off: int


class Numbered(Protocol):
    """What has the number of its block."""

    @property
    def block_number(self) -> int:
        """The number."""


AnyView = TypeVar("AnyView", bound=Numbered)


def find_recent(past: tuple[AnyView, ...], depth: int) -> tuple[AnyView, ...]:
    """Return the views of the last ``depth`` blocks, and the last view before them. Empty if there is none before them.

    So a grant counts when ``depth`` blocks follow its block, and a loss counts at once.
    """
    first = past[-1].block_number - depth if past else 0
    older = [entry for entry in past if entry.block_number <= first]
    return (older[-1], *(entry for entry in past if entry.block_number > first)) if older else ()
