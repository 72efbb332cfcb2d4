"""A race of several processes on one PostgreSQL, and what has come of it: no voucher is served twice, and no credit is spent twice."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from nvm_chain.meter.store.store import Store
from tests.meter.faults.racers import AGAIN, CREDITS_OF_A_REQUEST, RaceOrders, Seen, race
from tests.support.meter_books import WrongBooks, check_books, read_rows
from tests.support.meter_kills import PROCESSES
from tests.support.meter_stores import fill, key_of, open_books, see_head

COUNT: Final = 4
SECONDS: Final = 600
OF_AN_ACCOUNT: Final = 250
"""How many vouchers each account has."""
SHARE: Final = 0.5
"""For which share of the vouchers of an account the credits suffice, if each costs as much as its hold."""


@dataclass
class Race:
    """What has come of a race."""

    requests: int = 0
    served: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Each voucher that was served twice, and each sum that is not right."""


def count_vouchers(requests: int) -> int:
    """Return how many vouchers make at least so many requests."""
    return -(-requests // int(COUNT * (1 + AGAIN) * 10)) * 10


def run_race(where: str, vouchers: int, *, seed: int = 1, plant: str = "none") -> Race:
    """Let processes present the same vouchers at the same time, and add up what they have seen."""
    accounts = max(1, vouchers // OF_AN_ACCOUNT)
    balance = int(vouchers / accounts * SHARE) * CREDITS_OF_A_REQUEST
    end = int(time.time()) + 20 * 3_600
    with closing(open_books(where)) as store:
        fill(store, balance, [key_of(1 + number) for number in range(accounts)])
        orders = [RaceOrders(number, vouchers, accounts, end, seed, plant) for number in range(COUNT)]
        started = time.monotonic()
        seen = _run(where, store, orders)
        found = Race(seconds=time.monotonic() - started)
        for each in seen:
            found.outcomes.update(each.outcomes)
        found.requests = found.outcomes.total()
        found.wrong = [*_find_twice(seen), *_find_sums(store, seen, accounts, balance)]
        found.served = sum(sum(each.served) for each in seen)
    return found


def _run(where: str, store: Store, orders: list[RaceOrders]) -> list[Seen]:
    with _started(where, orders) as pipes:
        while True:
            told = [_receive(pipe) for pipe in pipes]
            if told != ["ready"] * len(pipes):
                return told
            see_head(store)
            for pipe in pipes:
                pipe.send("go")


@contextmanager
def _started(where: str, orders: list[RaceOrders]) -> Iterator[list[Any]]:
    pipes, processes = [], []
    try:
        for each in orders:
            ours, theirs = PROCESSES.Pipe()
            process = PROCESSES.Process(target=race, args=(theirs, where, each))
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(SECONDS)
            if process.is_alive():
                process.kill()
                process.join()


def _receive(pipe: Any) -> Any:
    assert pipe.poll(SECONDS), "a process says nothing"
    return pipe.recv()


def _find_twice(seen: list[Seen]) -> Iterator[str]:
    """Yield each voucher whose upstream was called more than once, or whose charge was refused."""
    for each in seen:
        yield from (f"the voucher {voucher} was served, and not charged" for voucher in each.lost_charges)
    for voucher, times in enumerate(zip(*(each.served for each in seen), strict=True)):
        if sum(times) > 1:
            yield f"the voucher {voucher} was served {sum(times)} times"


def _find_sums(store: Store, seen: list[Seen], accounts: int, balance: int) -> Iterator[str]:
    """Yield each account whose charges are not those that were told, or are more than its credits (S2, S10)."""
    try:
        check_books(store)
    except WrongBooks as error:
        yield str(error)
    told = sum((each.charged for each in seen), Counter[int]())
    rows = {row[0]: row[1:] for row in read_rows(store, "SELECT holder, committed, held FROM accounts")}
    for number in range(accounts):
        committed, held = rows[bytes.fromhex(key_of(1 + number).holder[2:])]
        if held or committed != told[number] or committed > balance:
            yield f"the account {number} has {committed} charged of {balance}, {held} held, and {told[number]} were told"
