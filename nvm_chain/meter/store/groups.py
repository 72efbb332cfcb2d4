"""Groups: changes that are decided one after the other, and stored by one transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table

from nvm_chain.errors import NvmChainError
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.store.changes import Change, gather_needs
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredAccount, StoredHold
from nvm_chain.meter.store.notice_causes import save_notices
from nvm_chain.meter.store.opening_rows import load_openings, pack_opening
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
    pack_refused,
    pack_request,
    pack_usages,
    pack_window,
    unpack_account,
    unpack_authority,
    unpack_hold,
    unpack_request,
    unpack_window,
)
from nvm_chain.meter.store.places import count_authorities, count_tokens
from nvm_chain.meter.store.schema import (
    MAX_STORED,
    accounts,
    authorities,
    holds,
    openings,
    pasts,
    refused_vouchers,
    requests,
    tokens,
    windows,
)
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
        self._books: tuple[int, int, int] | None = None
        self._is_alone = is_alone
        self.notice_rules: Mapping[int, NoticeRule] = {}

    def forget(self) -> None:
        """Forget all rows, after a transaction that failed."""
        self._accounts.clear()
        self._open.clear()
        self._books = None

    def forget_books(self) -> None:
        """Forget the row of the books, because another transaction of this process may change it."""
        self._books = None

    def load(self, statements: Statements, needs: Needs) -> GroupRows:
        """Lock the accounts, and read all rows that a group needs. Rows of accounts that are not locked are left out."""
        keys = {pack_key(key): key for key in needs.accounts}
        known = self._find_known(needs)
        open_holds = {one: self._open[one] for one in needs.holds if one in self._open}
        locked, books, (past, *others) = statements.read(
            sorted(packed for packed, key in keys.items() if key not in known),
            [
                (pasts, [pack_key(key) for key in needs.past]),
                (windows, [pack_key(key) for key in needs.windows]),
                (authorities, [(one,) for one in needs.authorities]),
                (requests, [(one,) for one in needs.requests]),
                (holds, [(one,) for one in needs.holds if one not in open_holds]),
            ],
            None if self._books is None else (int(time.time()), *self._books),  # the clock of a file is this machine's
        )
        clock, head_time, head_seen_at, closed_until = books
        if self._is_alone:
            self._books = (head_time, head_seen_at, closed_until)
        group = GroupRows(find_now(head_time, clock), clock, closed_until, head_seen_at, head_time)
        group.notice_rules = self.notice_rules
        group.accounts, group.holds = known, open_holds
        pasts_by_key = {(bytes(row[0]), bytes(row[1])): bytes(row[2]) for row in past}
        for row in locked:
            key = keys[packed := (bytes(row[0]), bytes(row[1]))]
            group.accounts[key] = unpack_account(key, row, pasts_by_key.get(packed), has_past=key in needs.past)
        _fill(group, keys, others)
        load_openings(statements.pen, group, needs)
        for opening_key, authority_id in needs.openings:
            group.places[opening_key] = count_authorities(statements.pen, opening_key, group.now)
            group.token_counts[authority_id] = count_tokens(statements.pen, authority_id, group.now)
        return group

    def _find_known(self, needs: Needs) -> dict[AccountKey, StoredAccount]:
        """Return the accounts that need not be read."""
        kept = self._accounts
        known = {key: kept[key] for key in needs.accounts if key in kept} if kept else {}
        for key in needs.past:
            if key in known and not known[key].has_past:
                del known[key]
        return known

    def save(self, statements: Statements, group: GroupRows) -> None:
        """Write all rows that have changed."""
        whole, narrow, past = _pack_accounts(group)
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
            (tokens, [(token, authority, *pack_key(key), until) for token, authority, key, until in group.new_tokens]),
            (openings, [pack_opening(group.openings[name]) for name in group.changed_openings]),
            (refused_vouchers, [pack_refused(*each, group.clock) for each in group.refused_vouchers.items()]),
        ):
            _put(statements, table, rows)
        if statements.made:
            statements.drop_made({pack_key(key) for key in group.written_accounts})

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
            else:
                self._open.pop(hold_id, None)
        for hold_id in group.ended_holds:
            self._open.pop(hold_id, None)


def _fill(group: GroupRows, keys: Mapping[tuple[bytes, bytes], AccountKey], rows: Sequence[list[Any]]) -> None:
    """Put windows, authorities, requests and holds into a group."""
    window_rows, authority_rows, request_rows, hold_rows = rows
    for row in window_rows:
        window_key = keys[bytes(row[0]), bytes(row[1])]
        group.windows[window_key] = unpack_window(row, window_key)
    for row in authority_rows:
        if (key := keys.get((bytes(row[1]), bytes(row[2])))) is not None:
            group.authorities[bytes(row[0])] = unpack_authority(row, key)
    for row in request_rows:
        request = unpack_request(row)
        group.requests[request.keyed.scope] = request
    for row in hold_rows:
        if (key := keys.get((bytes(row[1]), bytes(row[2])))) is not None:
            group.holds[bytes(row[0])] = unpack_hold(row, key)


def _pack_accounts(group: GroupRows) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return whole rows of accounts, rows of which only numbers change, and rows of past views."""
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
    return whole, narrow, past


def _is_stored(account: StoredAccount) -> bool:
    """Return whether there is a row of an account. An account without a view was never stored as a whole."""
    return account.account.view.block_number > 0


def _pack_narrow(key: AccountKey, stored: StoredAccount) -> tuple[Any, ...]:
    account = stored.account
    ceiling = (min(account.ceiling, MAX_STORED), min(account.ceiling_end, MAX_STORED), account.owed_since)
    return (
        *pack_numbers(account),
        *ceiling,
        pack_marks(account.marks),
        pack_front(stored.front),
        pack_usages(stored.usages),
        *pack_key(key),
    )


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
        with statements.pen.sending_at_once():
            rows.save(statements, group)
        if group.notices or group.ends:
            save_notices(statements.pen, group)
        commit()
    else:
        rollback()
    rows.keep(group)
    return outcomes, group.head_time
