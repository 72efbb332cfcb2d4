"""Changes of the books: each one says what it reads, and decides on the rows as they are when its turn comes.

A change either changes the rows of its group and returns its outcome, or returns an error and changes nothing. It is never half
done. One error says that something was stored: `AccessOpening`.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from nvm_chain.errors import (
    NvmChainError,
)
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs

Outcome_co = TypeVar("Outcome_co", covariant=True)


class Change(Protocol[Outcome_co]):
    """A change of one account, and of what belongs to it."""

    @property
    def key(self) -> AccountKey:
        """The account."""

    def add_needs(self, needs: Needs) -> None:
        """Name the rows that the change reads."""

    def decide(self, group: GroupRows) -> Outcome_co | NvmChainError:
        """Change the group, or return why not."""


def gather_needs(changes: Sequence[Change[Any]]) -> Needs:
    """Return what a group of changes reads."""
    needs = Needs()
    for change in changes:
        change.add_needs(needs)
    return needs
