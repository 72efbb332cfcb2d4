"""Comparison of accounts in an index with the chain, at the index's block: balances, windows, lots, settled and trials."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.kinds import MovementCode
from nvm_chain.index.reading import build_account
from nvm_chain.index.results import IndexedAccount
from nvm_chain.index.rows import Conditions, Row, ask
from nvm_chain.operations.bulk_parts import collect, read_parts_of_accounts, read_parts_of_lots
from nvm_chain.types.accounts import Account
from nvm_chain.types.events import Block
from nvm_chain.types.plans import Terms

ACCOUNTS_AT_ONCE: Final = 2_000
SETTLEMENT: Final = int(MovementCode.SETTLEMENT)
ACCOUNTS: Final = """
SELECT a.plan, a.holder, a.balance, a.settled, a.access_until, a.is_granted, a.lots, p.terms,
    (SELECT exact_sum(m.amount) FROM movements m WHERE m.holder = a.holder AND m.plan = a.plan) AS moved,
    (SELECT exact_sum(m.amount) FROM movements m
        WHERE m.holder = a.holder AND m.plan = a.plan AND m.kind = :settlement) AS taken
FROM accounts a JOIN plans p ON p.plan = a.plan WHERE {where} ORDER BY a.plan, a.holder LIMIT :most
"""
KEYS: Final = "SELECT a.plan, a.holder FROM accounts a WHERE {where} ORDER BY a.plan, a.holder LIMIT :most"
LATER: Final = "(a.plan, a.holder) > (:plan, :holder)"
COUNTS: Final = """
SELECT (SELECT count(*) FROM accounts) AS accounts,
    (SELECT count(*) FROM (SELECT DISTINCT holder, plan FROM movements) m) AS moved
"""
Report = Callable[[str, Any, Any], None]
"""A function that gets what was compared, the index's value and the chain's value."""


class Compared(NamedTuple):
    """How many accounts, credits and lots were compared."""

    accounts: int
    credits: int
    lots: int


class _Pair(NamedTuple):
    """An account in the index, and the sums of its movements."""

    account: IndexedAccount
    terms: Terms
    moved: int
    taken: int

    def name(self, what: str) -> str:
        return f"{what} of {self.account.holder} on plan {format_plan_id(self.account.plan_id)}"

    @property
    def keys(self) -> tuple[bytes, bytes]:
        """The plan and the holder as words."""
        return self.account.plan_id.to_bytes(32), int(self.account.holder, 16).to_bytes(32)

    @property
    def expires(self) -> bool:
        return self.terms.kind is PlanKind.CREDITS and bool(self.terms.duration)


class AccountComparison:
    """Compares accounts at the block ``head``. ``report`` is called for each difference."""

    def __init__(self, connection: Connection, chain: Chain, head: Block, report: Report) -> None:
        """Take a snapshot of the index and the chain. No request."""
        self._connection, self._chain, self._head, self._report = connection, chain, head, report

    def compare(self, sample: int | None, seed: int, on_read: Callable[[int], object] | None) -> Compared:
        """Compare all accounts, or a sample that the seed chooses. Returns how many."""
        accounts = credits = lots = 0
        totals: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for rows in self._read_pages() if sample is None else self._read_sample(sample, seed):
            pairs = [self._build(row) for row in rows]
            for pair, balance in zip(pairs, self._compare_page(pairs), strict=True):
                total = totals[pair.account.plan_id]
                total[0] += pair.account.balance
                total[1] += balance
            accounts += len(pairs)
            credits += sum(pair.account.balance for pair in pairs)
            lots += sum(len(pair.account.lots) for pair in pairs)
            if on_read is not None:
                on_read(accounts)
        if sample is None:
            self._compare_totals(totals)
        return Compared(accounts, credits, lots)

    def _build(self, row: Row) -> _Pair:
        terms = read_terms(row.terms)
        return _Pair(build_account(row, terms, self._head.timestamp), terms, int(row.moved or 0), -int(row.taken or 0))

    # ------------------------------------------------------------------ which accounts

    def _read_pages(self) -> Iterator[Sequence[Row]]:
        """Yield the rows of all accounts."""
        return self._page(ACCOUNTS, settlement=SETTLEMENT)

    def _page(self, query: str, **values: object) -> Iterator[Sequence[Row]]:
        conditions = Conditions()
        while rows := self._ask(query, conditions, **values):
            yield rows
            conditions = Conditions()
            conditions.add(LATER, plan=rows[-1].plan, holder=rows[-1].holder)

    def _ask(self, query: str, conditions: Conditions, **values: object) -> Sequence[Row]:
        return ask(self._connection, conditions.within(query), **conditions.values, **values, most=ACCOUNTS_AT_ONCE)

    def _read_sample(self, size: int, seed: int) -> Iterator[Sequence[Row]]:
        """Yield the rows of some accounts. Each account is as likely as the others (reservoir sampling)."""
        chance, chosen = random.Random(seed), list[Row]()  # noqa: S311  a sample that can be drawn again
        for number, key in enumerate(key for keys in self._page(KEYS) for key in keys):
            place = number if number < size else chance.randrange(number + 1)
            if place < size:
                chosen[place : place + 1] = [key]
        for first in range(0, len(chosen), ACCOUNTS_AT_ONCE):
            yield [row for key in chosen[first : first + ACCOUNTS_AT_ONCE] for row in self._find(key)]

    def _find(self, key: Row) -> Iterable[Row]:
        conditions = Conditions()
        conditions.add("a.plan = :plan AND a.holder = :holder", plan=key.plan, holder=key.holder)
        return self._ask(ACCOUNTS, conditions, settlement=SETTLEMENT)

    # ------------------------------------------------------------------ comparisons

    def _compare_page(self, pairs: Sequence[_Pair]) -> list[int]:
        """Compare accounts, and return their balances on the chain."""
        found = collect(read_parts_of_accounts(self._chain, [pair.keys for pair in pairs], self._head))
        for pair, account in zip(pairs, found, strict=True):
            self._compare_account(pair, account)
        expiring = [pair for pair in pairs if pair.expires]
        lots = collect(read_parts_of_lots(self._chain, [pair.keys for pair in expiring], self._head))
        for pair, theirs in zip(expiring, lots, strict=True):
            self._check(pair.name("lots"), _write_lots(pair.account.lots), _write_lots(theirs))
        return [account.balance for account in found]

    def _compare_account(self, pair: _Pair, found: Account) -> None:
        mine = pair.account
        self._check(pair.name("credits"), mine.balance, found.balance)
        self._check(pair.name("credits settled"), mine.settled, found.settled)
        self._check(pair.name("end of the access"), mine.access_until, found.access_until)
        self._check(pair.name("trial taken"), int(mine.trial_taken), int(found.trial_taken))
        self._check(pair.name("movements of settlements"), pair.taken, found.settled)
        if not pair.expires and not pair.terms.starts_on_purchase:
            self._check(pair.name("sum of the movements"), pair.moved, found.balance)

    def _compare_totals(self, totals: dict[int, list[int]]) -> None:
        for plan_id, (mine, theirs) in totals.items():
            self._check(f"credits of all holders on plan {format_plan_id(plan_id)}", mine, theirs)
        (counts,) = ask(self._connection, COUNTS)
        if counts.accounts != counts.moved:
            self._report("accounts, and accounts that have movements", counts.accounts, counts.moved)

    def _check(self, what: str, mine: int | str, theirs: int | str) -> None:
        if mine != theirs:
            self._report(what, mine, theirs)


def _write_lots(lots: Iterable[Any]) -> str:
    return ", ".join(f"{lot.credits} until {lot.expires_at}" for lot in lots) or "none"
