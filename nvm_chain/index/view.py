"""View of the chain for a meter: accounts after the last blocks, all read from the index at one instant."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, select, tuple_

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors import BlockReplaced, IndexBehind, InvalidConfig, ReorgTooDeep
from nvm_chain.index.accounts import unpack_lots
from nvm_chain.index.database import Index
from nvm_chain.index.kinds import PLACE_BITS, MovementCode, place_of
from nvm_chain.index.rows import account_key, ask, plan_key, write_hash
from nvm_chain.index.schema import KEPT_BLOCKS, account_undo, accounts, plans
from nvm_chain.index.view_types import AccountKey, AccountState, AccountView, View
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.events import Block
from nvm_chain.types.ids import parse_plan_id

AT_ONCE: Final = 200
"""Number of accounts that one statement reads."""
TAKING: Final = f"({int(MovementCode.REDEMPTION)}, {int(MovementCode.SETTLEMENT)})"
"""The kinds of movements with which a redeemer takes credits, in SQL."""
TAKEN: Final = """
WITH wanted (plan, holder, since) AS (VALUES {wanted})
SELECT w.plan, w.holder, CASE WHEN m.place < :later THEN -1 ELSE m.place >> 20 END AS block, exact_sum(m.amount) AS amount
FROM wanted w JOIN movements m ON m.holder = w.holder AND m.plan = w.plan AND m.place >= w.since
WHERE m.kind IN {kinds} AND m.party IN ({redeemers})
GROUP BY 1, 2, 3
"""
"""What redeemers took: all before the place ``later`` together, and then by block."""
NOTHING: Final = (-1, 0)
"""Up to no block, no credits were taken."""
Key = tuple[bytes, bytes]
"""A plan and a holder as the index has them."""


class ViewReader:
    """Reader of a meter's view.

    ``redeemers`` are the keys of this meter: what they redeem or settle counts as taken. ``depth`` is the number of the
    last blocks over which funds are the least: 1 is the latest block alone, and credits of the latest block count. The
    reader keeps what was taken up to a block that no rollback reaches, so a second read of an account is fast.
    """

    def __init__(self, index: Index, redeemers: Iterable[str], depth: int) -> None:
        """Check the redeemers and the depth. Raises InvalidAddress, InvalidAmount or InvalidConfig."""
        self.index = index
        self.depth = check_uint(depth, 64, "depth", minimum=1)
        if depth > KEPT_BLOCKS:
            raise InvalidConfig(
                f"depth is {depth}, and an index remembers {KEPT_BLOCKS} blocks", "give a smaller depth"
            )
        self._redeemers = sorted(account_key(parse_address(redeemer, "redeemer")) for redeemer in redeemers)
        self._taken: dict[Key, tuple[int, int]] = {}

    def read(self, pairs: Iterable[tuple[int | str, str]], block: Block | None = None) -> View:
        """Read the view of some accounts, each a plan and a holder, from one snapshot of the index.

        Args:
            pairs: The accounts. An account that never had credits has a view too.
            block: A block that the index remembers, if the view is not to be that of the latest block.

        Raises:
            IndexBehind: The index is empty, or has not reached the block.
            BlockReplaced: The index has another block of that number.
            ReorgTooDeep: The index does not remember the block.
            InvalidPlanId: A plan is not an id.
            InvalidAddress: A holder is not an address.
        """
        keys = [(parse_plan_id(plan), parse_address(holder, "holder address")) for plan, holder in pairs]
        with self.index.snapshot() as connection:
            return self.read_from(connection, keys, block)

    def read_from(self, connection: Connection, keys: Sequence[AccountKey], block: Block | None = None) -> View:
        """Read the view of some accounts in a snapshot that is open already."""
        at, floor = _find_block(connection, self.index.label, block)
        first = at.number - self.depth + 1
        found: dict[AccountKey, AccountView] = {}
        for start in range(0, len(keys), AT_ONCE):
            some = {
                (plan_key(plan), account_key(holder)): (plan, holder) for plan, holder in keys[start : start + AT_ONCE]
            }
            taken = self._read_taken(connection, list(some), min(first, floor))
            for key, states in _read_states(connection, list(some), first, at.number, taken):
                found[some[key]] = AccountView(*some[key], states)
        return View(at, found)

    def _read_taken(self, connection: Connection, keys: Sequence[Key], base: int) -> "dict[Key, _Taken]":
        """Read what the redeemers took. The sums up to the block ``base`` are kept, because no rollback reaches them."""
        kept = {key: self._taken.get(key, NOTHING) for key in keys}
        found = {
            key: _Taken(*(NOTHING if through > base else (through, sum_))) for key, (through, sum_) in kept.items()
        }
        if self._redeemers:
            for row in ask(connection, _write_taken(len(keys), len(self._redeemers)), **self._name_values(found, base)):
                found[bytes(row.plan), bytes(row.holder)].add(row.block, -int(row.amount))
        self._taken |= {key: (base, taken.before) for key, taken in found.items() if kept[key][0] < base}
        return found

    def _name_values(self, found: "dict[Key, _Taken]", base: int) -> dict[str, object]:
        """Return the values of the statement `TAKEN`."""
        values: dict[str, object] = {"later": place_of(max(base + 1, 0))}
        for number, ((plan, holder), taken) in enumerate(found.items()):
            values |= {f"p{number}": plan, f"h{number}": holder, f"s{number}": place_of(taken.through + 1)}
        return values | {f"r{number}": redeemer for number, redeemer in enumerate(self._redeemers)}


class _Taken:
    """What redeemers took from an account: ``before`` up to the block ``through``, and more in later blocks."""

    def __init__(self, through: int, before: int) -> None:
        self.through, self.before = through, before
        self._later: dict[int, int] = {}

    def add(self, block: int, amount: int) -> None:
        """Add what was taken in a block, or in all blocks that are kept together if the block is -1."""
        if block < 0:
            self.before += amount
        else:
            self._later[block] = amount

    def count(self, block: int) -> int:
        """Return what was taken up to a block."""
        return self.before + sum(amount for number, amount in self._later.items() if number <= block)


def _write_taken(accounts_count: int, redeemers_count: int) -> str:
    wanted = ", ".join(f"(:p{number}, :h{number}, :s{number})" for number in range(accounts_count))
    redeemers = ", ".join(f":r{number}" for number in range(redeemers_count))
    return TAKEN.format(wanted=wanted, redeemers=redeemers, kinds=TAKING)


def _find_block(connection: Connection, label: str, block: Block | None) -> tuple[Block, int]:
    """Return the view's block, and the oldest block to which the index can roll back."""
    (state,) = ask(connection, "SELECT first_block, head_number, head_hash, head_time, undo_floor FROM state")
    if state.head_number is None:
        raise IndexBehind(label, state.first_block - 1, state.first_block)
    if block is None:
        return Block(state.head_number, write_hash(state.head_hash), state.head_time), state.undo_floor
    if block.number > state.head_number:
        raise IndexBehind(label, state.head_number, block.number)
    if block.number < state.undo_floor:
        raise ReorgTooDeep(label, block.number, state.undo_floor)
    rows = ask(connection, "SELECT hash FROM blocks WHERE number = :number", number=block.number)
    if [write_hash(row.hash) for row in rows] != [block.hash]:
        raise BlockReplaced(block.number)
    return block, state.undo_floor


def _read_states(
    connection: Connection, keys: Sequence[Key], first: int, last: int, taken: "dict[Key, _Taken]"
) -> Iterator[tuple[Key, tuple[AccountState, ...]]]:
    """Yield the states of accounts after the blocks from ``first`` to ``last``, the latest first, and each once."""
    periods = _read_periods(connection, sorted({plan for plan, _ in keys}))
    present = {_key_of(row): row for row in connection.execute(_select(accounts, keys))}
    past: dict[Key, list[tuple[int, Any]]] = {key: [] for key in keys}
    undo = _select(account_undo, keys).where(account_undo.c.block > first).order_by(account_undo.c.block)
    for row in connection.execute(undo):
        past[_key_of(row)].append((row.block, row))
    for key in keys:
        # A row of `account_undo` is the state before its block, so it is the state after the change before.
        begins = [first, *(block for block, _ in past[key])]
        rows = [*(row for _, row in past[key]), present.get(key)]
        ends = [block - 1 for block in begins[1:]] + [last]
        spans = [(min(end, last), row) for begin, end, row in zip(begins, ends, rows, strict=True) if begin <= last]
        states = [_build_state(row, taken[key].count(end), periods.get(key[0], 0)) for end, row in reversed(spans)]
        if _is_unknown(rows[0], first):
            states.append(AccountState(taken=taken[key].count(first)))
        yield key, tuple(dict.fromkeys(states))


def _select(table: Table, keys: Sequence[Key]) -> Select[Any]:
    return select(table).where(tuple_(table.c.plan, table.c.holder).in_(keys))


def _key_of(row: Any) -> Key:
    return bytes(row.plan), bytes(row.holder)


def _read_periods(connection: Connection, plan_keys: Sequence[bytes]) -> dict[bytes, int]:
    """Return the length of a period for each plan whose balance is what is left of its access window."""
    is_window = (plans.c.kind == int(PlanKind.TIME)) & (plans.c.activation == int(Activation.ON_PURCHASE))
    rows = connection.execute(select(plans.c.plan, plans.c.duration).where(plans.c.plan.in_(plan_keys) & is_window))
    return {bytes(row.plan): row.duration for row in rows}


def _build_state(row: Any, taken: int, period_seconds: int) -> AccountState:
    if row is None or row.place is None:
        return AccountState(taken=taken)
    return AccountState(row.balance, row.settled, taken, row.access_until, tuple(unpack_lots(row.lots)), period_seconds)


def _is_unknown(oldest: Any, first: int) -> bool:
    """Return whether an account changed after the block ``first`` and the index does not remember how.

    That is so for some blocks after a first sync. The account then counts as empty before the change.
    """
    return oldest is not None and oldest.place is not None and oldest.place >> PLACE_BITS > first
