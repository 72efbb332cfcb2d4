"""Causes of notices: few credits left, an end to come, a new session, a settlement that failed. Each is stored with its cause."""

from collections.abc import Iterable
from typing import Any, Final

from nvm_chain.errors.fields import Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account
from nvm_chain.meter.notices import (
    NEVER,
    Notice,
    NoticeKind,
    build_session_notice,
    find_access_that_ends,
    find_lots_that_end,
    find_low_balance,
)
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows
from nvm_chain.meter.store.packing import pack_key
from nvm_chain.meter.store.schema import MAX_STORED
from nvm_chain.meter.windows import WindowAccount

WAITING, DELIVERED, GIVEN_UP = range(3)
"""What has become of a notice, as the column ``state`` has it."""
COLUMNS: Final = "notice_id, kind, plan, holder, number, ends_at, caused_at, due_at, attempt, about"
ADD: Final = (
    f"INSERT INTO notices ({COLUMNS}, state, done_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, {WAITING}, 0) "  # noqa: S608
    "ON CONFLICT (notice_id) DO UPDATE SET number = excluded.number "
    f"WHERE notices.state = {WAITING} AND notices.attempt = 0"
)
SESSIONS: Final = (AuthorityKind.SESSION, AuthorityKind.ALLOWANCE)
DROP: Final = f"DELETE FROM notices WHERE holder = ? AND plan = ? AND kind = ? AND state = {WAITING}"  # noqa: S608
"""What was not delivered before its cause has vanished is not delivered any more."""


def note_low_balance(
    group: GroupRows, key: AccountKey, before: Account, after: Account, since: Time | None = None
) -> None:
    """Note a notice if a charge or a view has left a holder with few credits. ``since`` is as in `find_low_balance`."""
    rule = group.notice_rules.get(key.plan_id)
    notice = None if rule is None else find_low_balance(rule, before, after, group.now, since)
    if notice is not None:
        group.notices.append(notice)


def note_lots(group: GroupRows, account: Account) -> None:
    """Note the notices of the lots in a view, instead of those of the view before that were not delivered yet."""
    rule = group.notice_rules.get(account.plan_id)
    if rule is not None and rule.soon_seconds is not None:
        key = AccountKey(account.plan_id, account.holder)
        group.ends[key, NoticeKind.LOT_ENDS] = find_lots_that_end(rule, account, group.now)


def note_access(group: GroupRows, window: WindowAccount) -> None:
    """Note the notice of an access window, instead of that of the view before if it was not delivered yet."""
    rule = group.notice_rules.get(window.plan_id)
    if rule is not None and rule.soon_seconds is not None:
        key = AccountKey(window.plan_id, window.holder)
        until = window.past[-1].access_until if window.past else 0
        group.ends[key, NoticeKind.ACCESS_ENDS] = find_access_that_ends(rule, *key, until, group.now)


def note_session(group: GroupRows, authority: Authority) -> None:
    """Note the notice of a session or an allowance that was opened now."""
    rule = group.notice_rules.get(authority.plan_id)
    if rule is not None and rule.sessions and authority.kind in SESSIONS:
        group.notices.append(build_session_notice(authority, group.now))


def save_notices(pen: Pen, group: GroupRows) -> None:
    """Write the notices of a group. One whose cause is known already is not written again."""
    for (key, kind), notices in group.ends.items():
        plan, holder = pack_key(key)
        keep = [notice.notice_id for notice in notices]
        others = f" AND notice_id NOT IN ({', '.join('?' * len(keep))})" if keep else ""
        pen.change(DROP + others, (holder, plan, kind.value, *keep))
        pen.change_each(ADD, [_pack(notice) for notice in notices])
    pen.change_each(ADD, [_pack(notice) for notice in group.notices])


def add_notices(pen: Pen, notices: Iterable[Notice]) -> None:
    """Write notices that belong to no group of changes. One whose cause is known already is not written again."""
    pen.change_each(ADD, [_pack(notice) for notice in notices])


def _pack(notice: Notice) -> tuple[Any, ...]:
    plan, holder = pack_key(AccountKey(notice.plan_id, notice.holder))
    times = (min(notice.end, NEVER), notice.caused_at, notice.due_at)
    return (notice.notice_id, notice.kind.value, plan, holder, min(notice.number, MAX_STORED), *times, notice.about)
