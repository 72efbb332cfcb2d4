"""Stores of many processes on one PostgreSQL: what waited for a row decides by what the row is then (TRAP-1, TRAP-4, TRAP-7)."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
import pytest

from nvm_chain.errors import (
    AuthorityRevoked,
    AuthorityUsedUp,
    CeilingTooLow,
    CreditsUsedUp,
    HoldOver,
    LimitReached,
    NvmChainError,
    VoucherBeforeRestore,
)
from nvm_chain.meter.store.account_changes import BlockCredits, DropVouchers, OpenAuthority, RevokeAuthority
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import HoldState, StoredHold
from nvm_chain.meter.store.hold_ends import ChargeHold, SweepHold
from nvm_chain.meter.store.store import Store
from tests.support import meter_runner
from tests.support.anvil import wait_until
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_kills import PROCESSES
from tests.support.meter_stores import (
    KEY,
    admitted,
    build_session,
    fill,
    key_of,
    open_books,
    open_session,
    present,
    read_holds,
    run,
    see_balance,
    sign,
    use,
)

SECONDS = 60


class Race:
    """A row that another connection has locked, and stores that wait for it in the order in which they came."""

    def __init__(self, url: str) -> None:
        self.stores = [open_books(url) for _ in range(2)]
        self.locker = psycopg.connect(url)
        self.watcher = psycopg.connect(url, autocommit=True)
        self.outcomes: dict[int, Any] = {}
        self._threads: list[threading.Thread] = []

    @property
    def store(self) -> Store:
        """The store of the one who waits."""
        return self.stores[0]

    def lock(self) -> None:
        """Lock the account's row, as another process would."""
        self.locker.execute("SELECT * FROM accounts FOR UPDATE")

    def start(self, number: int, *changes: Change[Any]) -> None:
        """Run a group in a store, and wait until it waits for the row."""
        thread = threading.Thread(target=self._run, args=(number, changes), daemon=True)
        self._threads.append(thread)
        thread.start()
        waiting = len(self._threads)
        assert wait_until(lambda: self._count_waiting() == waiting, SECONDS)

    def _run(self, number: int, changes: Sequence[Change[Any]]) -> None:
        try:
            self.outcomes[number] = self.stores[number].run(changes)
        except NvmChainError as error:
            self.outcomes[number] = error

    def _count_waiting(self) -> int:
        question = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        row = self.watcher.execute(question).fetchone()
        assert row is not None
        return int(row[0])

    def read_clock(self) -> float:
        """Return the database's clock."""
        row = self.watcher.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
        assert row is not None
        return float(row[0])

    def finish(self) -> list[Any]:
        """Free the row, and return the outcomes of both stores' groups."""
        self.locker.commit()
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()
        return [self.outcomes.get(number) for number in range(2)]

    def close(self) -> None:
        """Check the books, and close everything."""
        self.locker.rollback()
        check_books(self.store)
        for store in self.stores:
            store.close()
        self.locker.close()
        self.watcher.close()


@pytest.fixture
def race(postgres_books_url: str) -> Iterator[Race]:
    made = Race(postgres_books_url)
    yield made
    made.close()


def prepare(race: Race) -> Any:
    """Give the account 10 credits and a session with a limit of 100, which a voucher until some time pays."""
    session = build_session(limit=100)
    run(race.store, OpenAuthority(session, sign(100, deadline=session.end)))
    fill(race.store, 10)
    return session


# ---------------------------------------------------------------------- TRAP-1


CHANGES: dict[str, tuple[Callable[[Any], Change[Any]], type[NvmChainError]]] = {
    "balance lowered": (lambda _: see_balance(5, block_number=2), CreditsUsedUp),
    "ceiling lowered": (lambda session: DropVouchers(KEY, session.end + 1), CeilingTooLow),
    "held raised": (lambda session: use(session, 3), CreditsUsedUp),
    "credits blocked": (lambda _: BlockCredits(KEY, 3), CreditsUsedUp),
    "session revoked": (lambda session: RevokeAuthority(KEY, session.authority_id), AuthorityRevoked),
}


@pytest.mark.parametrize("what", CHANGES)
def test_run__row_changed_by_another_store_meanwhile__is_decided_by_the_new_one(race: Race, what: str) -> None:
    change, error = CHANGES[what]
    session = prepare(race)
    race.lock()
    race.start(1, change(session))
    race.start(0, use(session, 8), use(session, 2))
    (refused, _), _ = race.finish()
    assert isinstance(refused, error)


@pytest.mark.parametrize("what", CHANGES)
def test_run__row_changed_by_another_store_afterwards__is_decided_by_the_old_one(race: Race, what: str) -> None:
    change, _ = CHANGES[what]
    session = prepare(race)
    race.lock()
    race.start(0, use(session, 8))
    race.start(1, change(session))
    ((held,), _) = race.finish()
    assert isinstance(held, StoredHold)


def test_run__limit_of_a_session_used_meanwhile__is_kept(race: Race) -> None:
    """The authority stands in a row of its own. It is read after the account's row is locked."""
    session = open_session(race.store, limit=10)
    fill(race.store, 100)
    race.lock()
    race.start(1, use(session, 6))
    race.start(0, use(session, 6), use(session, 4))
    (refused, held), (other,) = race.finish()
    assert isinstance(refused, LimitReached)
    assert isinstance(held, StoredHold)
    assert isinstance(other, StoredHold)


def test_run__voucher_presented_at_two_stores_at_once__is_served_once(race: Race) -> None:
    fill(race.store, 100)
    signed = sign()
    race.lock()
    race.start(1, present(signed, 6))
    race.start(0, present(signed, 6))
    ((refused,), (held,)) = race.finish()
    assert isinstance(refused, AuthorityUsedUp)
    assert isinstance(held, StoredHold)


def test_run__books_closed_meanwhile__refuse(race: Race) -> None:
    fill(race.store, 100)
    signed = sign()
    race.lock()
    race.start(0, present(signed, 6))
    race.locker.execute("UPDATE books SET closed_until = %s", (signed.voucher.deadline,))
    ((refused,), _) = race.finish()
    assert isinstance(refused, VoucherBeforeRestore)


# ---------------------------------------------------------------------- TRAP-4


def test_run__charge_that_waited_until_after_the_end__is_refused(race: Race) -> None:
    fill(race.store, 10)
    hold = admitted(run(race.store, present(sign(), 10, seconds=1)))
    race.lock()
    race.start(0, ChargeHold(hold, 10))
    assert wait_until(lambda: race.read_clock() >= hold.until + 1, SECONDS)
    ((refused,), _) = race.finish()
    assert isinstance(refused, HoldOver)
    assert read_holds(race.store) == (0, 10)
    assert run(race.store, SweepHold(hold)).state is HoldState.RELEASED


@pytest.mark.parametrize("sweeps_first", [False, True])
def test_run__charge_and_sweep_at_once__exclude_each_other(race: Race, sweeps_first: bool) -> None:
    fill(race.store, 10)
    hold = admitted(run(race.store, present(sign(), 10)))
    race.lock()
    for number in (1, 0) if sweeps_first else (0, 1):
        race.start(number, SweepHold(hold, owner_is_gone=True) if number else ChargeHold(hold, 10))
    (charged,), (swept,) = race.finish()
    assert isinstance(charged, HoldOver if sweeps_first else StoredHold)
    assert (swept is None) != sweeps_first
    assert read_holds(race.store) == (0 if sweeps_first else 10, 0)


# ---------------------------------------------------------------------- many processes


@contextmanager
def started(target: Callable[..., None], url: str, works: Sequence[Any]) -> Iterator[list[Any]]:
    """Run a process for each work, let all begin at the same moment, and yield what they told."""
    pipes, processes = [], []
    for work in works:
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=target, args=(theirs, url, work))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        assert [receive(pipe) for pipe in pipes] == ["ready"] * len(works)
        for pipe in pipes:
            pipe.send("go")
        yield [receive(pipe) for pipe in pipes]
    finally:
        for process in processes:
            process.join(SECONDS)
            if process.is_alive():
                process.kill()
                process.join()


def receive(pipe: Any) -> Any:
    assert pipe.poll(SECONDS)
    return pipe.recv()


def add_up(told: list[Any]) -> dict[str, int]:
    """Return how many outcomes there were of each type. Any error of the store fails the test."""
    sums: dict[str, int] = {}
    for counts in told:
        assert isinstance(counts, dict), counts
        for name, count in counts.items():
            sums[name] = sums.get(name, 0) + count
    return sums


def test_run__200_presentations_of_one_voucher_in_4_processes__serve_one(postgres_books_url: str) -> None:
    """S3: one credential is served once, whoever gets it, and a credential beside it is served too."""
    store = open_books(postgres_books_url)
    fill(store, 1_000)
    signed, others = sign(), [sign() for _ in range(4)]
    works = [[*[present(signed, 5)] * 25, present(other, 5), *[present(signed, 5)] * 25] for other in others]
    with started(meter_runner.race_at_once, postgres_books_url, works) as told:
        assert add_up(told) == {"StoredHold": 5, "AuthorityUsedUp": 199}
    assert read_holds(store) == (0, 25)
    check_books(store)
    store.close()


def test_run__groups_over_the_same_accounts_in_other_orders__do_not_fail(postgres_books_url: str) -> None:
    """TRAP-7: rows are locked in the order of their keys, whatever the order of the changes."""
    store = open_books(postgres_books_url)
    keys = [key_of(number) for number in range(1, 151)]
    fill(store, 40, keys)
    works = []
    for seed in range(3):
        random = Random(seed)
        groups = [random.sample(keys, 100) for _ in range(8)]
        works.append([[present(sign(key=key), 1) for key in group] for group in groups])
    with started(meter_runner.race, postgres_books_url, works) as told:
        assert add_up(told) == {"StoredHold": 3 * 8 * 100}
    check_books(store)
    assert read_rows(store, "SELECT sum(held) FROM accounts") == [(2_400,)]
    store.close()


def test_run__new_accounts_of_two_processes_at_once__are_made_once(postgres_books_url: str) -> None:
    store = open_books(postgres_books_url)
    groups = [[key_of(number) for number in range(start, start + 50)] for start in range(1, 401, 50)]
    works = [
        [
            [see_balance(5, key=key) for key in reversed(group)] + [present(sign(key=key), 3) for key in group]
            for group in order
        ]
        for order in (groups, groups, groups[::-1])
    ]
    with started(meter_runner.race, postgres_books_url, works) as told:
        assert add_up(told) == {"Account": 1_200, "StoredHold": 400, "CreditsUsedUp": 800}
    check_books(store)
    assert read_rows(store, "SELECT count(*), sum(held) FROM accounts") == [(400, 1_200)]
    store.close()
