"""Sources of a statement: the chain, or an index that is compared with the chain. Both give the same history."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexBehind, InvalidConfig, OtherChain, StatementMismatch, UnknownPlan
from nvm_chain.operations.plans import read_terms
from nvm_chain.statements.books import Books
from nvm_chain.statements.checks import check_head
from nvm_chain.statements.history import read_builder_history, read_holder_history, read_plans_history
from nvm_chain.statements.periods import Moment, Span, parse_moment, resolve_period
from nvm_chain.types.events import Block, Event
from nvm_chain.types.histories import History

Check = Callable[[Chain, Books], None]


class Records(Protocol):
    """Events in a snapshot of an index, as `nvm_chain.index.histories.Histories` has them."""

    label: str
    chain_id: int
    credits: ChecksumAddress
    head: Block

    def read_block(self, number: int) -> Block:
        """Return a block by its number."""

    def read_holder(self, holder: ChecksumAddress) -> History:
        """Return all events of a holder."""

    def read_plans(self, plan_ids: Sequence[int]) -> History:
        """Return all events of some plans. Raises UnknownPlan."""

    def read_ownerships(self, account: ChecksumAddress) -> Sequence[Event]:
        """Return the events that made an account an owner of plans, or ended its ownership."""


@runtime_checkable
class StatementIndex(Protocol):
    """An index, from `open_index`. This room knows only its histories, so it works without the packages of an index."""

    def histories(self) -> AbstractContextManager[Records]:
        """Open the histories at one instant."""


class Source(Protocol):
    """What a statement is built from. ``head`` is the block up to which the books run."""

    chain_id: int
    credits: ChecksumAddress
    head: Block

    def find_span(
        self, start: Moment | None, end: Moment | None, start_block: int | None, end_block: int | None
    ) -> Span:
        """Return both ends of a period as points."""

    def read_holder(self, holder: ChecksumAddress) -> History:
        """Return all events of a holder."""

    def read_plans(self, plan_ids: Sequence[int]) -> History:
        """Return all events of some plans. Raises UnknownPlan."""

    def read_ownerships(self, account: ChecksumAddress) -> Sequence[Event]:
        """Return the events that made an account an owner of plans, or ended its ownership."""

    def vouch(self, books: Books, *checks: Check) -> None:
        """Compare the books with the chain, if there is one."""


@contextmanager
def open_source(chain: Chain | None, index: StatementIndex | None, first_block: int) -> Iterator[Source]:
    """Open the source of a statement: the index if there is one, else the chain.

    Raises:
        InvalidConfig: There is neither a chain nor an index, or the index is something else.
        OtherChain: The index belongs to another chain or another Credits.
    """
    if index is not None:
        if not isinstance(index, StatementIndex):
            raise InvalidConfig(f"the index is a {type(index).__name__}", "give `index=open_index(…)`")
        with index.histories() as records:
            yield IndexSource(records, chain)
    elif chain is not None:
        yield ChainSource(chain, first_block)
    else:
        raise InvalidConfig("a statement needs a chain or an index", "give a chain, or `index=open_index(…)`")


class ChainSource:
    """The chain itself, up to its latest block."""

    def __init__(self, chain: Chain, first_block: int) -> None:
        """Read the latest block. One request."""
        self._chain, self._first_block, self.head = chain, first_block, chain.read_block()
        self.chain_id, self.credits = chain.chain_id, chain.credits.address

    def find_span(
        self, start: Moment | None, end: Moment | None, start_block: int | None, end_block: int | None
    ) -> Span:
        """Return both ends of a period as points. A future end counts as the latest block."""
        return resolve_period(self._chain, self.head, start, end, start_block, end_block)

    def read_holder(self, holder: ChecksumAddress) -> History:
        """Return all events of a holder."""
        return read_holder_history(self._chain, holder, self._first_block, self.head)

    def read_plans(self, plan_ids: Sequence[int]) -> History:
        """Return all events of some plans. Raises UnknownPlan."""
        return read_plans_history(self._chain, plan_ids, self._first_block, self.head)

    def read_ownerships(self, account: ChecksumAddress) -> Sequence[Event]:
        """Return the events that made an account an owner of plans, or ended its ownership."""
        return read_builder_history(self._chain, account, self._first_block, self.head)

    def vouch(self, books: Books, *checks: Check) -> None:
        """Compare the books with the chain."""
        _compare(self._chain, books, *checks)


class IndexSource:
    """An index up to its latest block. With a chain, its books are compared with the chain."""

    def __init__(self, records: Records, chain: Chain | None) -> None:
        """Take the histories of an index. Raises OtherChain if the index does not belong to the chain."""
        self._records, self._chain, self.head = records, chain, records.head
        self.chain_id, self.credits = records.chain_id, records.credits
        if chain is None:
            return
        if chain.chain_id != records.chain_id:
            raise OtherChain(records.label, "chain id", records.chain_id, chain.chain_id)
        if chain.credits.address != records.credits:
            raise OtherChain(records.label, "Credits", records.credits, chain.credits.address)

    def find_span(
        self, start: Moment | None, end: Moment | None, start_block: int | None, end_block: int | None
    ) -> Span:
        """Return both ends of a period as points. Raises IndexBehind if the index does not reach the end."""
        if end_block is not None and end_block > self.head.number + 1:
            raise IndexBehind(self._records.label, self.head.number, end_block - 1)
        if end is not None and end_block is None and not self._reaches(parse_moment(end, "end")):
            raise IndexBehind(self._records.label, self.head.number, self.head.number + 1)
        return resolve_period(self._chain or self._records, self.head, start, end, start_block, end_block)

    def _reaches(self, end: int) -> bool:
        """Return whether no later block can be before a second. The chain's next block tells, if there is a chain."""
        if self.head.timestamp >= end:
            return True
        if self._chain is None:
            return False
        newest = self._chain.read_block()
        if newest.number <= self.head.number:
            return True
        return self._chain.read_block(self.head.number + 1).timestamp >= end

    def read_holder(self, holder: ChecksumAddress) -> History:
        """Return all events of a holder."""
        return self._records.read_holder(holder)

    def read_plans(self, plan_ids: Sequence[int]) -> History:
        """Return all events of some plans. Raises UnknownPlan, or IndexBehind for a plan that the chain has."""
        try:
            return self._records.read_plans(plan_ids)
        except UnknownPlan as error:
            if self._chain is None:
                raise
            read_terms(self._chain, error.plan_id)  # raises UnknownPlan
            raise IndexBehind(self._records.label, self.head.number, self.head.number + 1) from None

    def read_ownerships(self, account: ChecksumAddress) -> Sequence[Event]:
        """Return the events that made an account an owner of plans, or ended its ownership."""
        return self._records.read_ownerships(account)

    def vouch(self, books: Books, *checks: Check) -> None:
        """Compare the books with the chain, if there is one."""
        if self._chain is not None:
            _compare(self._chain, books, *checks)


def _compare(chain: Chain, books: Books, *checks: Check) -> None:
    """Compare books with the chain. If the chain replaced their block, raise BlockReplaced instead."""
    try:
        for check in checks:
            check(chain, books)
    except StatementMismatch:
        check_head(chain, books)
        raise
    check_head(chain, books)
