"""New views of an account: a later block replaces the view as a whole, and a rollback puts an earlier one back."""

from msgspec.structs import replace

from nvm_chain.errors import ViewUnusable
from nvm_chain.meter.books import LARGEST, Account, Mark, notice_ends, write_off
from nvm_chain.meter.views import KEPT_BLOCKS, PastView, View, find_recent
from nvm_chain.types.amounts import check_uint


def replace_view(account: Account, view: View, *, depth: int, now: int) -> Account:
    """Return the account with a later view. A view of an earlier block, or of the same height, changes nothing.

    Only here credits are written off: when a block after the end of a lot says how many credits lapsed with it. What a
    settlement took after all is not written off any more.

    Args:
        account: The account.
        view: The view. The first view of an account should be one from ``depth`` blocks ago, because credits do not count
            before a view as deep as that is known.
        depth: The number of blocks that have to follow a grant before it counts. A loss counts at once.
        now: The time of the change, as a Unix second. See `find_now`.
    """
    if account.past and view.block_number <= account.view.block_number:
        return account
    since = account.past[-1].time if account.past else None
    return _put(account, account.past, view, depth, now, since)


def roll_back(account: Account, view: View, *, depth: int, now: int) -> Account:
    """Return the account with the view of an ancestor, after the blocks behind it were replaced.

    What was written off behind the ancestor is taken back. The new blocks say what is lost.

    Raises:
        ViewUnusable: The view is not of an earlier block.
    """
    if view.block_number > account.view.block_number:
        raise ViewUnusable(view.block_number, "a rollback goes to an earlier block, or to one of the same height")
    past = tuple(entry for entry in account.past if entry.block_number < view.block_number)
    same = [entry for entry in account.past if entry.block_hash == view.block_hash]
    known = (*past, *same)
    if not known:
        return _put(account, past, view, depth, now)
    before = replace(account, written_off=known[-1].written_off)
    return _put(before, past, view, depth, now, since=known[-1].time)


def _put(
    account: Account, past: tuple[PastView, ...], view: View, depth: int, now: int, since: int | None = None
) -> Account:
    """Return the account with a view behind some past views. Lots that ended until ``since`` are counted already."""
    account = notice_ends(account, max(now, view.time))
    lost = write_off(account, view.ended, view.taken, since=view.time if since is None else since)
    written_off = min(lost, max(0, account.committed - view.taken))
    newest = PastView(view.block_number, view.block_hash, view.time, view.backing, view.others, written_off)
    kept = find_recent((*past, newest), max(check_uint(depth, 16, "depth"), KEPT_BLOCKS)) or (*past, newest)
    recent = find_recent(kept, depth)
    return replace(
        account,
        view=view,
        written_off=written_off,
        past=kept,
        marks=_mark_late(account.marks, kept, view, now),
        least_backing=_limit(min((entry.backing for entry in recent), default=0), LARGEST - written_off),
        least_others=_limit(min((entry.others for entry in recent), default=min(0, view.others)), LARGEST),
        owed_since=account.owed_since if view.taken == account.view.taken else view.time,
    )


def _limit(number: int, most: int) -> int:
    """Return a number as books can have it. A sum that is too large serves fewer credits and settles fewer, and never more."""
    return max(-LARGEST, min(number, most))


def _mark_late(marks: tuple[Mark, ...], kept: tuple[PastView, ...], view: View, now: int) -> tuple[Mark, ...]:
    """Return the marks that a rollback may need, and one for each lot that ended before this first view of it.

    No request was admitted for the credits of such a lot, so nothing is lost with it.
    """
    known = {mark.end for mark in marks}
    late = sorted({lot.end for lot in view.lots if lot.end <= now} - known)
    return (*(mark for mark in marks if mark.end > kept[0].time), *(Mark(end, 0) for end in late))
