"""Verification of a meter: its books against their own charges, against the events in an index, and against the chain."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain as join
from typing import Any, Final

from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexBehind, OtherChain
from nvm_chain.errors.fields import Credits, Quantity
from nvm_chain.index.kinds import MovementCode, place_of
from nvm_chain.index.rows import account_key, ask, read_head
from nvm_chain.index.store import Index
from nvm_chain.meter.settling.losses import Loss, list_losses
from nvm_chain.meter.store.existing import BooksState, read_books_state
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.owing import list_accounts
from nvm_chain.meter.store.packing import pack_key, unpack_key
from nvm_chain.meter.store.verifying import BooksDifference, verify_books
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.times import find_now
from nvm_chain.meter.verifying_openings import compare_openings
from nvm_chain.meter.views import View
from nvm_chain.operations.bulk_parts import parse_pairs, read_parts_of_accounts
from nvm_chain.types.events import Block

AT_ONCE: Final = 200
"""How many accounts one statement compares."""
OURS: Final = f"m.kind IN ({int(MovementCode.REDEMPTION)}, {int(MovementCode.SETTLEMENT)}) AND m.party IN ({{keys}})"
SUMS: Final = f"""
WITH wanted (plan, holder, until) AS (VALUES {{wanted}})
SELECT w.plan, w.holder,
    exact_sum(CASE WHEN m.place < w.until THEN m.amount ELSE 0 END) AS moved,
    exact_sum(CASE WHEN m.place < w.until AND m.kind = {int(MovementCode.SETTLEMENT)} THEN m.amount ELSE 0 END) AS settled,
    exact_sum(CASE WHEN m.place < w.until AND {{ours}} THEN m.amount ELSE 0 END) AS taken,
    exact_sum(CASE WHEN m.kind = {int(MovementCode.SETTLEMENT)} THEN m.amount ELSE 0 END) AS settled_at_head
FROM wanted w JOIN movements m ON m.holder = w.holder AND m.plan = w.plan GROUP BY w.plan, w.holder
"""  # noqa: S608
BLOCKS: Final = "SELECT number, hash FROM blocks WHERE number IN ({numbers})"
INDEX: Final = "index"
CHAIN: Final = "chain"
TOO_MUCH: Final = "charged, which is less than the seller's keys took"


@dataclass(frozen=True, slots=True)
class _Sums:
    """What the events of an account come to: up to the block of its view, and all of its settlements."""

    backing: Credits = 0
    settled: Credits = 0
    taken: Credits = 0
    settled_at_head: Credits = 0


@dataclass(frozen=True, slots=True)
class MeterVerification:
    """The result of a verification.

    ``accounts`` counts what was compared, ``charged`` and ``taken`` are their credits. ``block`` is that of the index, or None
    if the books were compared with their own charges only. ``with_chain`` says whether the node was asked too. ``losses`` are
    what is owed and cannot be taken any more, which is not a difference. ``opened`` are the periods that the seller's keys opened.
    """

    accounts: Quantity
    charged: Credits
    taken: Credits
    block: Block | None
    with_chain: bool
    differences: tuple[BooksDifference, ...]
    losses: tuple[Loss, ...] = ()
    opened: Quantity = 0

    @property
    def is_right(self) -> bool:
        """Whether all numbers are right."""
        return not self.differences


def verify_meter(
    writer: Writer,
    keys: Sequence[ChecksumAddress],
    index: Index | None = None,
    chain: Chain | None = None,
    on_read: Callable[[int], object] | None = None,
) -> MeterVerification:
    """Add all numbers of the books up again, and return each one that differs, with both values.

    The charges and the open holds are added up. If an index is given, so are its events, at the block of each account's view:
    what the seller's keys took, what was settled, and what stands behind the charges. So are the periods that they opened on first
    use. If a chain is given too, the settled
    credits of each account are read at the block of the index. Whoever serves can go on meanwhile.

    Args:
        writer: The books.
        keys: All keys with which the seller has ever settled from these books.
        index: An index of the chain.
        chain: The connection to a node, which needs the state of the index's block. Only with an index.
        on_read: A function that gets the number of accounts so far, after each part of them.

    Raises:
        OtherChain: The index or the chain is another one than that of the books, or has another Credits.
        IndexBehind: The index is empty.
        IndexFailure: The books or the index cannot be read.
        BlockReplaced: The chain replaced the index's block.
        NetworkError: The node does not give a usable answer, or no longer has the state of the block.
    """
    state = _check_origins(writer, index, chain)
    differences = writer.run(verify_books)
    accounts = charged = taken = 0
    block: Block | None = None
    for part in list_accounts(writer):
        views = {key: stored.account.view for key, stored in part}
        for some in _split(views):
            if index is not None:
                block, found = _compare_with_index(index, some, keys, chain)
                differences += found
        differences += [
            BooksDifference(key, None, TOO_MUCH, stored.account.committed, stored.account.view.taken, INDEX)
            for key, stored in part
            if stored.account.view.taken > stored.account.committed
        ]
        accounts += len(part)
        charged += sum(stored.account.committed for _, stored in part)
        taken += sum(view.taken for view in views.values())
        if on_read is not None:
            on_read(accounts)
    opened, found = (0, []) if index is None else compare_openings(writer, index, keys)
    differences += found
    now = find_now(state.head_time, int(time.time()))
    losses = tuple(writer.run(lambda store: list_losses(store, now)))
    return MeterVerification(accounts, charged, taken, block, chain is not None, tuple(differences), losses, opened)


def _check_origins(writer: Writer, index: Index | None, chain: Chain | None) -> BooksState:
    """Check that an index and a chain are those of the books, and return how these stand. Raises OtherChain."""
    state, label = writer.run(lambda store: (read_books_state(store), store.label))
    origin = (state.chain_id, state.credits_contract)
    if index is not None:
        _check_origin(index.label, (index.state.chain_id, index.state.credits), origin)
    if chain is not None:
        _check_origin(label, origin, (chain.chain_id, chain.credits.address))
    return state


def _check_origin(where: str, known: tuple[int, str], expected: tuple[int, str]) -> None:
    """Check the chain and the Credits of a database. Raises OtherChain."""
    for what, found, wanted in zip(("chain id", "Credits"), known, expected, strict=True):
        if found != wanted:
            raise OtherChain(where, what, str(found), str(wanted))


def _split(views: Mapping[AccountKey, View]) -> Iterator[dict[AccountKey, View]]:
    keys = list(views)
    for start in range(0, len(keys), AT_ONCE):
        yield {key: views[key] for key in keys[start : start + AT_ONCE]}


def _compare_with_index(
    index: Index, views: Mapping[AccountKey, View], keys: Iterable[str], chain: Chain | None
) -> tuple[Block, list[BooksDifference]]:
    with index.snapshot() as connection:
        head = read_head(connection)
        if head is None:
            raise IndexBehind(index.label, index.state.first_block - 1, index.state.first_block)
        sums = _read_sums(connection, views, [account_key(key) for key in keys])
        hashes = {head.number: bytes.fromhex(head.hash[2:])}
        hashes |= _read_hashes(connection, {view.block_number for view in views.values()})
    differences = [
        BooksDifference(key, None, what, books, entries, INDEX)
        for key, view in views.items()
        for what, books, entries in _list_numbers(view, sums.get(key, _Sums()), head, hashes)
        if books != entries
    ]
    return head, differences + ([] if chain is None else _compare_with_chain(chain, head, sums))


def _list_numbers(view: View, sums: _Sums, head: Block, hashes: Mapping[int, bytes]) -> Iterator[tuple[str, int, int]]:
    """Yield what is compared of a view, its value in the books, and that in the index."""
    if not view.block_number:  # the account was never read
        return
    if hashes.get(view.block_number, view.block_hash) != view.block_hash or view.block_number > head.number:
        yield "block of the view, which was replaced or is not in the index", view.block_number, 0
        return
    yield "taken by the seller's keys", view.taken, sums.taken
    yield "settled", view.settled, sums.settled
    yield "balance and what lapsed", view.balance + view.lapsed, sums.backing


def _read_sums(
    connection: Connection, views: Mapping[AccountKey, View], keys: Sequence[bytes]
) -> dict[AccountKey, _Sums]:
    values: dict[str, object] = {f"r{number}": key for number, key in enumerate(keys)}
    for number, (key, view) in enumerate(views.items()):
        values[f"p{number}"], values[f"h{number}"] = pack_key(key)
        values[f"u{number}"] = place_of(view.block_number + 1)
    wanted = ", ".join(f"(:p{number}, :h{number}, :u{number})" for number in range(len(views)))
    ours = OURS.format(keys=", ".join(f":r{number}" for number in range(len(keys)))) if keys else "FALSE"
    rows = ask(connection, SUMS.format(wanted=wanted, ours=ours), **values)
    return {unpack_key(bytes(row.plan), bytes(row.holder)): _build_sums(row) for row in rows}


def _build_sums(row: Any) -> _Sums:
    settled, taken, at_head = (-int(each) for each in (row.settled, row.taken, row.settled_at_head))
    return _Sums(int(row.moved), settled, taken, at_head)


def _read_hashes(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    """Return the hashes of blocks. Old blocks without events are not in an index."""
    listed = ", ".join(str(int(number)) for number in sorted(numbers))
    rows = ask(connection, BLOCKS.format(numbers=listed)) if listed else []
    return {row.number: bytes(row.hash) for row in rows}


def _compare_with_chain(chain: Chain, head: Block, sums: Mapping[AccountKey, _Sums]) -> list[BooksDifference]:
    """Compare settled credits in the index with the chain, at the index's block."""
    keys = list(sums)
    read = join.from_iterable(read_parts_of_accounts(chain, parse_pairs(keys), at=head))
    return [
        BooksDifference(key, None, "settled", sums[key].settled_at_head, account.settled, CHAIN)
        for key, account in zip(keys, read, strict=True)
        if account.settled != sums[key].settled_at_head
    ]
