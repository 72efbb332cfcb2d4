"""The books of a meter, added up again from the holds in plain SQL, to be compared with what stands in the rows (S10)."""

from collections import defaultdict
from typing import Any

from nvm_chain.meter.store.store import Store

OPEN, CHARGED, RELEASED, RETURNED = range(4)
"""The states of a hold, as the column has them."""


class WrongBooks(AssertionError):
    """Raised when a sum in a row is not the sum of the holds."""


def read_rows(store: Store, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, with bytes and ints only."""
    with store.asking() as pen:
        return [tuple(_plain(value) for value in row) for row in pen.ask(statement, values)]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def check_books(store: Store) -> None:
    """Check that the numbers of all accounts and authorities are those of their holds. Raises WrongBooks."""
    holds = read_rows(
        store,
        "SELECT hold_id, plan, holder, authority_id, credits, period, state, cost, total, until, owner FROM holds",
    )
    _check_accounts(store, holds)
    _check_authorities(store, holds)
    _check_windows(store, holds)
    _check_totals(holds)


def _check_accounts(store: Store, holds: list[tuple[Any, ...]]) -> None:
    found = {row[:2]: row[2:] for row in read_rows(store, "SELECT plan, holder, committed, held FROM accounts")}
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for hold in holds:
        key, credits, state, cost = hold[1:3], hold[4], hold[6], hold[7]
        sums[key][0] += cost if state == CHARGED else 0
        sums[key][1] += credits if state == OPEN else 0
        if not 0 <= cost <= credits or (cost and state != CHARGED):
            raise WrongBooks(f"the hold {hold}")
    for key in found.keys() | sums.keys():
        if tuple(found.get(key, (0, 0))) != tuple(sums[key]):
            raise WrongBooks(f"the account {key} has {found.get(key)}, and its holds {sums[key]}")


def _check_authorities(store: Store, holds: list[tuple[Any, ...]]) -> None:
    """Compare uses, credits in all, and credits of the period. A hold without a row is a voucher's own authority."""
    rows = read_rows(
        store, "SELECT authority_id, plan, holder, used, spent, held, period, period_used FROM authorities"
    )
    periods = {row[0]: row[6] for row in rows}
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for hold_id, plan, holder, authority, credits, period, state, cost, *_ in holds:
        if authority != hold_id and authority not in periods:
            raise WrongBooks(f"the hold {hold_id.hex()} has an authority that is not stored")
        of_authority = sums[authority, plan, holder]
        used = {OPEN: credits, CHARGED: cost}.get(state, 0)
        of_authority[0] += state != RETURNED
        of_authority[1] += cost
        of_authority[2] += credits if state == OPEN else 0
        of_authority[3] += used if period == periods.get(authority) else 0
    for authority, plan, holder, used, spent, held, _, period_used in rows:
        if [used, spent, held, period_used] != sums[authority, plan, holder]:
            text = f"the authority {authority.hex()} has {[used, spent, held, period_used]}"
            raise WrongBooks(f"{text}, and its holds {sums[authority, plan, holder]}")


def _check_windows(store: Store, holds: list[tuple[Any, ...]]) -> None:
    """A hold of no credits is that of a request in an access window."""
    for plan, holder, running in read_rows(store, "SELECT plan, holder, open_requests FROM windows"):
        count = sum(hold[1:3] == (plan, holder) and hold[4] == 0 and hold[6] == OPEN for hold in holds)
        if running != count:
            raise WrongBooks(f"the window of {holder.hex()} has {running} open requests, and its holds {count}")


def _check_totals(holds: list[tuple[Any, ...]]) -> None:
    """Each charge has the account's running total, so the totals of an account rise by the costs."""
    charges: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for hold in holds:
        if hold[6] == CHARGED:
            charges[hold[1:3]].append((hold[8], hold[7]))
    for key, entries in charges.items():
        sum_of_costs = 0
        for total, cost in sorted(entries, key=lambda entry: (entry[0], -entry[1])):
            sum_of_costs += cost
            if total != sum_of_costs:
                raise WrongBooks(f"a charge of the account {key} has the total {total}, not {sum_of_costs}")
