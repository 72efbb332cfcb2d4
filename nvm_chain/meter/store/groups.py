"""Groups: changes that are decided one after the other, and stored by one transaction."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from sqlalchemy import Table

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.store.changes import Change, gather_needs
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredAccount, StoredHold
from nvm_chain.meter.store.packing import (
    pack_account,
    pack_authority,
    pack_end,
    pack_front,
    pack_hold,
    pack_key,
    pack_marks,
    pack_numbers,
    pack_past,
    pack_request,
    pack_window,
    unpack_account,
    unpack_authority,
    unpack_hold,
    unpack_request,
    unpack_window,
)
from nvm_chain.meter.store.schema import MAX_STORED, accounts, authorities, holds, pasts, requests, tokens, windows
from nvm_chain.meter.store.statements import Statements
from nvm_chain.meter.times import find_now

MOST_KEPT: Final = 50_000
"""How many accounts a process remembers, if it alone writes the books."""


class Rows:
    """Reads the rows of groups, and writes what has changed."""

    def __init__(self, *, is_alone: bool) -> None:
        """``is_alone`` says that no other process writes the books, so that rows can be remembered between groups."""
        self._accounts: dict[AccountKey, StoredAccount] = {}
        self._open: dict[bytes, StoredHold] = {}
        self._is_alone = is_alone

    def forget(self) -> None:
        """Forget all rows, after a transaction that failed."""
        self._accounts.clear()
        self._open.clear()

    def load(self, statements: Statements, needs: Needs) -> GroupRows:
        """Lock the accounts, and read all rows that a group needs. The clock is read after the locks."""
        keys = {pack_key(key): key for key in needs.accounts}
        wanted = sorted(packed for packed, key in keys.items() if not self._knows(key, needs))
        rows = {(bytes(row[0]), bytes(row[1])): row for row in statements.lock_accounts(wanted)} if wanted else {}
        clock, head_time, head_seen_at, closed_until = statements.read_books()
        group = GroupRows(find_now(head_time, clock), clock, closed_until, head_seen_at, head_time)
        group.accounts.update((key, self._accounts[key]) for key in needs.accounts if self._knows(key, needs))
        past = self._read_past(statements, needs)
        for packed, row in rows.items():
            key = keys[packed]
            group.accounts[key] = unpack_account(key, row, past.get(packed), has_past=key in needs.past)
        self._load_rest(statements, needs, group, keys)
        return group

    def _load_rest(
        self, statements: Statements, needs: Needs, group: GroupRows, keys: dict[tuple[bytes, bytes], AccountKey]
    ) -> None:
        """Read windows, authorities and holds. Those of accounts that are not locked are left out."""
        for row in statements.find(windows, [pack_key(key) for key in needs.windows]) if needs.windows else ():
            window_key = keys[bytes(row[0]), bytes(row[1])]
            group.windows[window_key] = unpack_window(row, window_key)
        for row in _find(statements, authorities, needs.authorities):
            key = keys.get((bytes(row[1]), bytes(row[2])))
            if key is not None:
                group.authorities[bytes(row[0])] = unpack_authority(row, key)
        for row in _find(statements, requests, needs.requests):
            request = unpack_request(row)
            group.requests[request.keyed.scope] = request
        group.holds.update((one, self._open[one]) for one in needs.holds if one in self._open)
        for row in _find(statements, holds, needs.holds.difference(group.holds)):
            key = keys.get((bytes(row[1]), bytes(row[2])))
            if key is not None:
                group.holds[bytes(row[0])] = unpack_hold(row, key)

    def _knows(self, key: AccountKey, needs: Needs) -> bool:
        kept = self._accounts.get(key)
        return kept is not None and (kept.has_past or key not in needs.past)

    def _read_past(self, statements: Statements, needs: Needs) -> dict[tuple[bytes, bytes], bytes]:
        keys = [pack_key(key) for key in needs.past]
        return {(bytes(row[0]), bytes(row[1])): bytes(row[2]) for row in statements.find(pasts, keys)} if keys else {}

    def save(self, statements: Statements, group: GroupRows) -> None:
        """Write all rows that have changed."""
        whole, narrow, past = [], [], []
        for key, before in group.changed_accounts.items():
            after = group.accounts[key]
            if (
                before.account.view is after.account.view
                and before.account.past is after.account.past
                and _is_stored(before)
            ):
                narrow.append(_pack_narrow(key, after))
                continue
            whole.append(pack_account(after))
            if after.has_past:
                past.append((*pack_key(key), pack_past(after.account.past)))
        statements.change_numbers(narrow)
        if group.dropped_requests:
            statements.pen.change_each(
                "DELETE FROM requests WHERE scope = ?", [(scope,) for scope in sorted(group.dropped_requests)]
            )
        statements.end_holds([pack_end(group.holds[one]) for one in group.ended_holds])
        for table, rows in (
            (accounts, whole),
            (pasts, past),
            (authorities, [pack_authority(group.authorities[one]) for one in group.changed_authorities]),
            (windows, [pack_window(group.windows[key]) for key in group.changed_windows]),
            (requests, [pack_request(group.requests[scope]) for scope in group.changed_requests]),
            (holds, [pack_hold(group.holds[one]) for one in group.opened_holds]),
            (tokens, [(token, authority, *pack_key(key)) for token, authority, key in group.new_tokens]),
        ):
            _put(statements, table, rows)

    def keep(self, group: GroupRows) -> None:
        """Remember the rows of a group that was committed."""
        if not self._is_alone:
            return
        if len(self._accounts) > MOST_KEPT:
            self._accounts.clear()
        self._accounts.update(group.accounts)
        for hold_id in group.opened_holds:
            if group.holds[hold_id].state is HoldState.OPEN:
                self._open[hold_id] = group.holds[hold_id]
        for hold_id in group.ended_holds:
            self._open.pop(hold_id, None)


def _find(statements: Statements, table: Table, ids: Collection[bytes]) -> list[Any]:
    return statements.find(table, [(one,) for one in ids]) if ids else []


def _is_stored(account: StoredAccount) -> bool:
    """Return whether there is a row of an account. An account without a view was never stored as a whole."""
    return account.account.view.block_number > 0


def _pack_narrow(key: AccountKey, stored: StoredAccount) -> tuple[Any, ...]:
    account = stored.account
    ceiling = (min(account.ceiling, MAX_STORED), min(account.ceiling_end, MAX_STORED))
    return (*pack_numbers(account), *ceiling, pack_marks(account.marks), pack_front(stored.front), *pack_key(key))


def _put(statements: Statements, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        statements.put(table, rows)


def decide_all(group: GroupRows, changes: Sequence[Change[Any]]) -> list[Any]:
    """Return the outcome of each change, in order. An error is an outcome too."""
    return [_decide(group, change) for change in changes]


def _decide(group: GroupRows, change: Change[Any]) -> Any:
    try:
        return change.decide(group)
    except NvmChainError as error:
        return error


def run_group(
    rows: Rows,
    changes: Sequence[Change[Any]],
    statements: Statements,
    commit: Callable[[], None],
    rollback: Callable[[], None],
) -> tuple[list[Any], int]:
    """Decide about changes in an open transaction, and commit it if there is something to store.

    Return the outcomes, and the latest block's time.
    """
    group = rows.load(statements, gather_needs(changes))
    outcomes = decide_all(group, changes)
    if group.is_changed:
        rows.save(statements, group)
        commit()
    else:
        rollback()
    rows.keep(group)
    return outcomes, group.head_time
