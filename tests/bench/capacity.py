"""A simulation of the settler on real books: many holders, their requests, and its choice of batches, against the table.

`python -m tests.bench.capacity --holders 1000000` fills a store straight by SQL, as if its holders had made requests for long.
Then it takes turns: some requests, a look of the settler, and the settlement of what the look chose. At the end it prints the
transactions and the holders that were settled, beside what `nvm-chain meter capacity` says. Nothing is sent to a chain.
"""

import argparse
import json
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Table

from nvm_chain.meter.admission import Policy
from nvm_chain.meter.authorities import Hold
from nvm_chain.meter.books import Account
from nvm_chain.meter.capacity.settlements import DAY, Traffic, find_settlements
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.batches import Batch, Choice
from nvm_chain.meter.settling.reading import list_owing
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.store.group_rows import AccountKey, HoldState, StoredAccount, StoredHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.packing import pack_account, pack_hold, pack_view
from nvm_chain.meter.store.schema import accounts, holds
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import View
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.addresses import format_address
from nvm_chain.types.ids import format_did
from tests.support.postgres import run_postgres

CHAIN_ID: Final = 31_337
CREDITS: Final = format_address(b"\x0c" * 20)
REDEEMER: Final = format_address(b"\x0d" * 20)
SERVICE: Final = format_did(7)
START: Final = 1_800_000_000
PLENTY: Final = 10**12
END: Final = START + 365 * DAY
ROWS_AT_ONCE: Final = 20_000
COMMIT: Final = "UPDATE accounts SET committed = ?, owed_since = ? WHERE plan = ? AND holder = ?"
TAKE: Final = "UPDATE accounts SET taken = ?, settled = ?, view = ? WHERE plan = ? AND holder = ?"


@dataclass(frozen=True)
class Figures:
    """What a simulation counted, and what the table expects of the same time."""

    transactions: int
    items: int
    expected_transactions: float
    expected_items: float
    owed: int
    expected_owed: int
    fill_seconds: float
    look_seconds: float


class Simulation:
    """Holders who make requests at random, in a store, with a clock of its own."""

    def __init__(self, store: Store, traffic: Traffic, rules: SettleRules, seed: int) -> None:
        """Take a store without accounts."""
        self.traffic, self.rules, self.random = traffic, rules, random.Random(seed)
        self.store, self.now, self.block = store, START, 1
        self.committed, self.taken, self.since = ([0] * traffic.holders for _ in range(3))
        self.keys = [name_account(1 + number % traffic.plans, number) for number in range(traffic.holders)]
        self.places = {key: number for number, key in enumerate(self.keys)}
        self.cycle = find_settlements(traffic, rules).cycle_seconds
        self.account, self.charge, self.charges = build_account(), build_charge(), 0
        policy = Policy(traffic.exposure, traffic.by_vouchers)
        terms = ServiceTerms(SERVICE, dict.fromkeys(range(1, traffic.plans + 1), policy))
        self.settings = MeterSettings(CHAIN_ID, CREDITS, REDEEMER, {SERVICE: terms})

    # ------------------------------------------------------------------ the beginning

    def fill(self) -> None:
        """Write all holders into the store, each at a random moment between two settlements."""
        for start in range(0, len(self.keys), ROWS_AT_ONCE):
            rows, entries = [], []
            for number in range(start, min(start + ROWS_AT_ONCE, len(self.keys))):
                age, requests = self._draw()
                self.committed[number], self.since[number] = requests * self.traffic.credits, self.now - age
                rows.append(self._build_row(number))
                if requests:
                    entries.append(self._build_entry(number, self.committed[number], self.now - age))
            with self.store.asking() as pen:
                pen.add(accounts, rows)
                pen.add(holds, entries)
        with self.store.asking() as pen:
            pen.change("ANALYZE")

    def _draw(self) -> tuple[int, int]:
        """Return the age of the oldest charge of a holder, and the number of charges. Most have waited for a while."""
        traffic = self.traffic
        gap = traffic.holders * DAY / traffic.requests_a_day
        age = self.random.random() * self.cycle - min(gap, self.cycle / 2)
        return (0, 0) if age < 0 else (int(age), 1 + draw_poisson(self.random, age / gap))

    def _build_row(self, number: int) -> list[Any]:
        plan, holder = self.keys[number]
        changes = {"committed": self.committed[number], "owed_since": self.since[number]}
        return fill_row(accounts, self.account, plan=plan, holder=holder, **changes)

    def _build_entry(self, number: int, credits: int, moment: int) -> list[Any]:
        """Return the row of a charge. One stands for all that a holder was charged in one turn."""
        self.charges += 1
        (plan, holder), hold_id = self.keys[number], self.charges.to_bytes(32)
        numbers = {"credits": credits, "cost": credits, "total": self.committed[number]}
        times = dict.fromkeys(("opened_at", "until", "ended_at"), moment)
        ids = {"hold_id": hold_id, "authority_id": hold_id, "plan": plan, "holder": holder}
        return fill_row(holds, self.charge, **ids, **numbers, **times)

    # ------------------------------------------------------------------ turns

    def make_requests(self, seconds: int) -> None:
        """Let the holders make requests for some seconds."""
        traffic = self.traffic
        count = draw_poisson(self.random, traffic.requests_a_day * seconds / DAY)
        made = Counter(self.random.choices(range(traffic.holders), k=count))
        changes, entries = [], []
        for number, requests in sorted(made.items()):
            credits, moment = requests * traffic.credits, self.now + self.random.randrange(seconds)
            if self.committed[number] == self.taken[number]:
                self.since[number] = moment
            self.committed[number] += credits
            changes.append((self.committed[number], self.since[number], *self.keys[number]))
            entries.append(self._build_entry(number, credits, moment))
        with self.store.asking() as pen:
            pen.change_each(COMMIT, changes)
            pen.add(holds, entries)
        self.now += seconds

    def settle(self, batches: Sequence[Batch]) -> None:
        """Let the views say that batches were settled."""
        self.block += 1
        rows = []
        for batch in batches:
            for item in batch.items:
                holder = item.item.voucher.holder if isinstance(item.item, SignedVoucher) else item.item.holder
                key = batch.plan_id.to_bytes(32), bytes.fromhex(holder[2:])
                self.taken[self.places[key]] = item.total
                view = View(self.block, bytes(32), self.now, PLENTY - item.total, item.total, item.total)
                rows.append((item.total, item.total, pack_view(view), *key))
        with self.store.asking() as pen:
            pen.change_each(TAKE, rows)


def name_account(plan_id: int, number: int) -> tuple[bytes, bytes]:
    """Return the plan and the holder of an account, as rows have them."""
    return plan_id.to_bytes(32), (number + 1).to_bytes(20)


def build_account() -> Sequence[Any]:
    """Return the row of an account with plenty of credits and a live voucher, of which the key and the charges are to be filled."""
    view = View(1, bytes(32), START - DAY, PLENTY, 0, 0)
    key = AccountKey(1, REDEEMER)
    account = Account(*key, view=view, least_backing=PLENTY, ceiling=PLENTY, ceiling_end=END)
    voucher = Voucher(*key, REDEEMER, PLENTY, bytes(32), END)
    return pack_account(StoredAccount(account, VoucherFront((SignedVoucher(voucher, bytes(65)),))))


def build_charge() -> Sequence[Any]:
    """Return the row of a charged hold, of which the ids and the numbers are to be filled."""
    hold = Hold(bytes(32), 0, 0)
    state = HoldState.CHARGED
    return pack_hold(StoredHold(bytes(32), AccountKey(1, REDEEMER), hold, bytes(32), bytes(16), 0, 0, state))


def fill_row(table: Table, row: Sequence[Any], **values: Any) -> list[Any]:
    """Return a row with other values in some columns."""
    filled = list(row)
    for name, value in values.items():
        filled[find_column(table, name)] = value
    return filled


@cache
def find_column(table: Table, name: str) -> int:
    """Return the place of a column in a row."""
    return list(table.columns).index(table.columns[name])


def draw_poisson(rng: random.Random, mean: float) -> int:
    """Return a number of events of which some happen on average."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def simulate(where: str, traffic: Traffic, rules: SettleRules, *, turns: int, seconds: int, seed: int = 0) -> Figures:
    """Run a simulation on new books, and return what it counted.

    Args:
        where: A path or a URL of a database without books.
        traffic: The traffic.
        rules: When to settle.
        turns: How many looks the settler makes.
        seconds: The time between two looks.
        seed: The number that decides everything that is random.
    """
    began = time.perf_counter()
    simulation = Simulation(open_store(where, chain_id=CHAIN_ID, credits=CREDITS), traffic, rules, seed)
    simulation.fill()
    writer = Writer(simulation.store)
    filled, looking, owed, batches = time.perf_counter() - began, 0.0, 0, list[Batch]()
    for _ in range(turns):
        writer.run(lambda _: simulation.make_requests(seconds))
        began = time.perf_counter()
        choice = Choice(rules, simulation.now)
        for credits, owing in list_owing(writer, simulation.settings, REDEEMER, simulation.now, rules):
            owed += credits
            if owing is not None:
                choice.add(owing)
        chosen = choice.list_batches()
        looking += time.perf_counter() - began
        writer.run(lambda _, chosen=chosen: simulation.settle(chosen))  # type: ignore[misc]
        batches += chosen
    writer.close()
    table, share = find_settlements(traffic, rules), turns * seconds / DAY
    return Figures(
        len(batches),
        sum(len(batch.items) for batch in batches),
        table.transactions_a_day * share,
        table.items_a_day * share,
        owed // turns,
        table.owed,
        filled,
        looking / turns,
    )


def _open_database(engine: str, opened: ExitStack) -> str:
    if engine == "sqlite":
        return str(Path(opened.enter_context(tempfile.TemporaryDirectory())) / "books.db")
    return opened.enter_context(run_postgres()).new_database()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    for name, usual in (
        ("holders", 1_000_000),
        ("requests", 10**9),
        ("age", DAY),
        ("turns", 5),
        ("seconds", 60),
        ("seed", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=usual)
    return parser.parse_args()


def main() -> None:
    """Run the simulation that the command line asks for, and print its figures as JSON."""
    given = _parse()
    traffic = Traffic(given.holders, given.requests, exposure=10**6)
    rules = SettleRules(credits=10**6, age_seconds=given.age)
    with ExitStack() as opened:
        where = _open_database(given.engine, opened)
        figures = simulate(where, traffic, rules, turns=given.turns, seconds=given.seconds, seed=given.seed)
    print(json.dumps({**vars(given), **asdict(figures)}, indent=2))


if __name__ == "__main__":
    main()
