"""The follower: it brings an index to the head of the chain, and keeps it there through reorganizations and failures."""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.progress import tell
from nvm_chain.errors import (
    BlockReplaced,
    ConnectionFailed,
    IndexUnavailable,
    NvmChainError,
    OtherChain,
    RpcFailed,
    SecondFollower,
)
from nvm_chain.index.checking import read_checked
from nvm_chain.index.completeness import Proof, prove
from nvm_chain.index.database import Index
from nvm_chain.index.headers import Header, are_linked
from nvm_chain.index.lease import Lease, hold_lease
from nvm_chain.index.logs import Contracts
from nvm_chain.index.progress import Meter, OnProgress, Phase
from nvm_chain.index.ranges import RangeReader, read_ahead, split_chunk
from nvm_chain.index.reorgs import find_ancestor, is_behind, is_same, refuse_history
from nvm_chain.index.schema import KEPT_BLOCKS
from nvm_chain.index.source import Source, block_of
from nvm_chain.index.waiting import Waiting
from nvm_chain.index.writing import Batch
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.events import Block

WAITED_FOR: Final = (BlockReplaced, ConnectionFailed, IndexUnavailable, RpcFailed)
"""What may pass: a node that is away, busy or behind, answers from different heads, and a database that is away."""
POLL_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 60.0
"""How long `Follower.sync` waits for a node or database that does not answer."""
NEAR_AT_ONCE: Final = 100
"""How many blocks near the head one transaction holds."""
BLOCK_BITS: Final = 64
LEAD: Final = 64
"""How many blocks before the first one an index begins. So it remembers a block before any shallow reorganization."""


class Follower:
    """Brings an index to the head of the chain. Use it in the thread of the index."""

    def __init__(
        self,
        chain: Chain,
        index: Index,
        *,
        confirmations: int = 0,
        on_progress: OnProgress | None = None,
        waits: bool = False,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Take the chain and the index. No request.

        Args:
            chain: The connection to the chain.
            index: The index, open for writing.
            confirmations: How many blocks the index stays behind the latest block.
            on_progress: A function that is called after each step. An error that it raises is only logged.
            waits: Whether to wait while another process follows, also if it took the lease while the database was away.
                If not, SecondFollower is raised.
            poll_seconds: The pause between two requests for the latest block.

        Raises:
            OtherChain: The index belongs to another chain.
            InvalidAmount: ``confirmations`` is negative.
        """
        check_uint(confirmations, BLOCK_BITS, "confirmations")
        state = index.state
        if state.chain_id != chain.chain_id:
            raise OtherChain(index.label, "chain id", state.chain_id, chain.chain_id)
        self._index, self._confirmations, self._on_progress = index, confirmations, on_progress
        self._source = Source(chain, Contracts(state.credits, state.agents))
        self._ranges, self._meter = RangeReader(self._source), Meter()
        self._waits, self._poll_seconds = waits, poll_seconds

    # ------------------------------------------------------------------ what it is for

    def sync(
        self,
        to_block: int | None = None,
        *,
        stop: threading.Event | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Block | None:
        """Read all blocks up to a block, or to the latest one, and return the index's head.

        It may be stopped or killed at any time, and goes on from there.

        Args:
            to_block: The last block. The latest block if not given, or if it is not mined yet.
            stop: Ends the work after the current step when it is set.
            patience_seconds: How long it waits for a node or a database that does not answer.

        Raises:
            SecondFollower: Another process follows.
            ReorgTooDeep: The chain replaced more blocks than the index remembers.
            OtherChain: The first block of the chain is another one.
            IndexIncomplete: The node left out logs of a block.
            LogsRefused: The node gives logs that cannot be in their block.
            DiskFull: The disk of the index is full.
            IndexUnavailable: The database does not answer.
            NetworkError: The node does not give a usable answer.
            InvalidAmount: ``to_block`` is negative.
        """
        self._work(stop or threading.Event(), to_block, patience_seconds, follows=False)
        return self._index.state.head

    def follow(self, stop: threading.Event, to_block: int | None = None) -> None:
        """Read all blocks, and each new block soon after it is mined, until ``stop`` is set or ``to_block`` is read.

        It waits without limit for a node or a database that does not answer. Raises as `sync` does in other cases.
        """
        self._work(stop, to_block, math.inf, follows=True)

    def prove(self, *, again: bool = False, on_step: Callable[[int, int], object] | None = None) -> Proof:
        """Prove that the index has every event of its blocks, and return how.

        Arguments and errors are those of `nvm_chain.index.completeness.prove`.
        """
        return prove(self._source, self._index, again=again, on_step=on_step)

    # ------------------------------------------------------------------ rounds

    def _work(self, stop: threading.Event, to_block: int | None, patience_seconds: float, *, follows: bool) -> None:
        if to_block is not None:
            check_uint(to_block, BLOCK_BITS, "to_block")
        waiting, is_over = Waiting(patience_seconds), False
        while not is_over and not stop.is_set():
            with self._leased(stop, waiting) as lease:
                is_over = lease is None or self._work_in_turn(lease, waiting, stop, to_block, follows=follows)

    def _work_in_turn(
        self, lease: Lease, waiting: Waiting, stop: threading.Event, to_block: int | None, *, follows: bool
    ) -> bool:
        """Work as long as the lease is this process's own. Return False if another one took it, and this one waits."""
        is_known = False
        while not stop.is_set():
            try:
                lease.check()
                if not is_known:  # another process may have written, or a commit may have failed or not
                    self._index.read_state()
                is_known = True
                moves = self._advance(to_block, lease, stop)
            except WAITED_FOR as error:
                is_known = False
                self._tell(Phase.WAIT, to_block, error)
                waiting.wait(error, stop)
                continue
            except SecondFollower:
                if self._waits and lease.is_lost():
                    return False
                raise
            waiting.end()
            if self._has_reached(to_block) or not (moves or follows):
                break
            if not moves:
                stop.wait(self._poll_seconds)
        return True

    @contextmanager
    def _leased(self, stop: threading.Event, waiting: Waiting) -> Iterator[Lease | None]:
        """Hold the lease of the index, or None if ``stop`` is set before."""
        lease = self._take_lease(stop, waiting)
        try:
            yield lease
        finally:
            if lease is not None:
                lease.release()

    def _take_lease(self, stop: threading.Event, waiting: Waiting) -> Lease | None:
        """Take the lease, and wait for another process and for a database that does not answer."""
        is_told = False
        while not stop.is_set():
            try:
                return hold_lease(self._index, stop if is_told else None)
            except SecondFollower as error:
                if not self._waits:
                    raise
                if not is_told:
                    self._tell(Phase.WAIT, None, error)
                waiting.end()  # the database answers
                is_told = True
            except IndexUnavailable as error:
                self._tell(Phase.WAIT, None, error)
                waiting.wait(error, stop)
        return None

    def _has_reached(self, to_block: int | None) -> bool:
        head = self._index.state.head
        return to_block is not None and head is not None and head.number >= to_block

    def _advance(self, to_block: int | None, lease: Lease, stop: threading.Event) -> bool:
        """Do one step, and return whether there may be more to do at once."""
        latest, head = self._source.read_head(), self._index.state.head
        if head is not None and latest.number <= head.number:
            return self._compare(latest, head)
        start = max(0, self._index.state.first_block - LEAD) if head is None else head.number + 1
        target = min(latest.number - self._confirmations, latest.number if to_block is None else to_block)
        if target < start:
            return head is not None and self._compare_own(head, latest)
        if start <= latest.number - KEPT_BLOCKS:
            return self._catch_up(start, min(target, latest.number - KEPT_BLOCKS), latest, lease, stop)
        return self._take_near(start, min(target, start + NEAR_AT_ONCE - 1), latest)

    def _compare(self, latest: Header, head: Block) -> bool:
        """Handle a node that has no more blocks than the index: it may be the same, behind, or on another branch."""
        if is_same(head, latest):
            return False
        if latest.number < head.number and is_behind(self._source, self._index, latest):
            self._tell(Phase.BEHIND, latest.number)
            return False
        return self._roll_back(latest)

    def _compare_own(self, head: Block, latest: Header) -> bool:
        """Compare the head with the chain's block of its number, when there is no block to read."""
        (header,) = self._source.read_headers([head.number])
        return not is_same(head, header) and self._roll_back(latest)

    def _take_near(self, start: int, end: int, latest: Header) -> bool:
        """Read blocks near the head: each with its header, its link to its parent, and its logs by its hash."""
        head, numbers = self._index.state.head, range(start, end + 1)
        headers = [latest] if [*numbers] == [latest.number] else self._source.read_headers(numbers)
        if not are_linked(headers):
            raise BlockReplaced(end)
        if head is not None and f"0x{headers[0].parent.hex()}" != head.hash:
            return self._roll_back(latest)
        logs = read_checked(self._source, headers)
        blocks = [*map(block_of, headers)]
        self._write(Batch(head, blocks[-1], logs, blocks, keeps_undo=True), Phase.FOLLOW, latest.number)
        return True

    def _catch_up(self, start: int, end: int, latest: Header, lease: Lease, stop: threading.Event) -> bool:
        """Read old blocks, which the chain does not replace any more, in ranges as large as the node allows."""
        for chunk in read_ahead(self._ranges.read(start, end)):
            for part in split_chunk(chunk):
                head = self._index.state.head
                if head is not None and (part.before is None or part.before.hash != head.hash):
                    return self._roll_back(latest)
                blocks = part.blocks if part.head in part.blocks[-1:] else [*part.blocks, part.head]
                self._write(Batch(head, part.head, part.logs, blocks, keeps_undo=False), Phase.SYNC, latest.number)
            if stop.is_set():
                break
            lease.check()
        return True

    def _write(self, batch: Batch, phase: Phase, target: int) -> None:
        self._index.apply(batch)
        self._meter.logs += len(batch.logs)
        self._tell(phase, target)

    def _roll_back(self, latest: Header) -> bool:
        """Go back to the last block that index and chain have in common."""
        kept, head = self._index.kept_blocks(), self._index.state.head
        ancestor = find_ancestor(self._source, kept, latest)
        if ancestor is None:
            refuse_history(self._source, self._index.label, kept[-1], kept[-1].number)
        if ancestor == head:  # the node answered from different heads
            raise BlockReplaced(latest.number)
        self._index.roll_back(ancestor)
        self._tell(Phase.REORG, latest.number)
        return True

    def _tell(self, phase: Phase, target: int | None, error: NvmChainError | None = None) -> None:
        if self._on_progress is not None:
            tell(self._on_progress, self._meter.measure(phase, self._index.state.head, target, error))
