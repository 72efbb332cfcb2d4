"""Clocks that are wrong by ten minutes, fast in one process and slow in the other: nothing ends early or late (S1, S2, S3)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from nvm_chain.chain.client import Chain
from tests.meter.faults.far_meter import FarMeter, far_meter
from tests.meter.faults.ground import Ground, make_ground
from tests.meter.faults.shims import build_shim
from tests.support.anvil import wait_until
from tests.support.postgres import Postgres
from tests.support.world import World

WRONG = 600
MINUTE = 60
DAY = 24 * 3_600
RELEASED = 2
SECONDS = 30


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim("clock", tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def ground(embedded_chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return make_ground(World(embedded_chain), tmp_path_factory.mktemp("ground") / "index.db")


def run_far(where: str, ground: Ground, shim: Path, offset: int):
    return far_meter(where, ground, shim=shim, CLOCK_OFFSET=str(offset))


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def both(url: str, ground: Ground, shim: Path) -> Iterator[tuple[FarMeter, FarMeter]]:
    """A meter with a fast clock and one with a slow clock on the same books, whose server has the right one."""
    with ExitStack() as stack:
        fast, slow = (stack.enter_context(run_far(url, ground, shim, offset)) for offset in (WRONG, -WRONG))
        yield fast, slow
        assert fast.tell("check") == slow.tell("check") == ["right"]


def test_clocks__twenty_minutes_apart__leave_holds_open_until_the_servers_clock_says_so(
    both: tuple[FarMeter, FarMeter], ground: Ground
) -> None:
    holds = []
    before = both[0].tell("account", 0)
    for number, far in zip((40, 44), both, strict=True):
        what, hold_id, until = far.tell("admit", number)
        assert what == "StoredHold"
        assert abs(until - time.time() - ground.request_seconds - MINUTE) < MINUTE
        holds.append(hold_id)
    for far in both:  # both have swept meanwhile, as far as their sweeps go
        assert far.tell("admit", 100 + both.index(far))[0] == "StoredHold"
    for far, hold_id in zip(both, holds, strict=True):
        assert far.tell("charge", hold_id, 3) == ["charged", 3]
    after = both[0].tell("account", 0)
    assert after == both[1].tell("account", 0)
    assert after[0] - before[0] == 6


def test_clocks__twenty_minutes_apart__serve_a_voucher_once_and_a_session_everywhere(
    both: tuple[FarMeter, FarMeter],
) -> None:
    for number in range(8):
        for far in both:
            far.start("admit", number)
        assert sorted(far.hear()[0] for far in both) == ["AuthorityUsedUp", "StoredHold"]
    for holder, (opener, other) in enumerate((both, both[::-1])):
        _, token = opener.tell("session", holder)
        for far in (opener, other):
            _, hold_id, _ = far.tell("use", token)
            assert far.tell("charge", hold_id, 2) == ["charged", 2]


def test_clocks__twenty_minutes_apart__count_the_end_of_a_voucher_by_the_later_time(
    both: tuple[FarMeter, FarMeter],
) -> None:
    """A slow clock lets nothing live longer, because it is later by the chain. A fast one is on the safe side."""
    fast, slow = both
    now = int(time.time())
    assert slow.tell("account", 1) == fast.tell("account", 1)  # both have read the time of the chain
    assert slow.tell("admit", 201, now + 10 * MINUTE) == ["DeadlineOutOfRange"]
    assert slow.tell("admit", 201, now + 16 * MINUTE)[0] == "StoredHold"
    assert fast.tell("admit", 202, now + 16 * MINUTE) == ["DeadlineOutOfRange"]
    assert fast.tell("admit", 202, now + 26 * MINUTE)[0] == "StoredHold"
    assert slow.tell("admit", 203, now + DAY + MINUTE) == ["DeadlineOutOfRange"]


def test_clocks__twenty_minutes_apart__do_not_let_anybody_charge_after_the_end(
    both: tuple[FarMeter, FarMeter], url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        for number, far in enumerate(both):
            _, hold_id, _ = far.tell("admit", 301 + number)
            found = (bytes.fromhex(hold_id),)
            server.execute(
                "UPDATE holds SET until = extract(epoch FROM clock_timestamp()) - 2 WHERE hold_id = %s", found
            )
            state = "SELECT state FROM holds WHERE hold_id = %s"
            assert wait_until(lambda: server.execute(state, found).fetchall() == [(RELEASED,)], SECONDS)  # noqa: B023
            assert far.tell("charge", hold_id, 3) == ["HoldOver"]


def test_clocks__twenty_minutes_apart__leave_nothing_that_a_restored_backup_would_revive(
    both: tuple[FarMeter, FarMeter], url: str
) -> None:
    """S12: after a restore, what may be from before is refused by the clock of the server, so it has to be taken by that clock."""
    fast, _ = both
    assert fast.tell("admit", 401, int(time.time()) + DAY + 5 * MINUTE) == ["DeadlineOutOfRange"]
    _, token = fast.tell("session", 2)
    assert fast.tell("use", token)[0] == "StoredHold"
    with psycopg.connect(url, autocommit=True) as server:
        latest = "SELECT max(starts_at) <= extract(epoch FROM clock_timestamp()) FROM authorities"
        assert server.execute(latest).fetchone() == (True,)


def test_clocks__that_jump_at_restarts__revive_nothing(ground: Ground, shim: Path, tmp_path: Path) -> None:
    """On SQLite, the clock of the database is that of the process."""
    where, spent, tokens, charged = str(tmp_path / "books.db"), list[int](), list[str](), 0
    for number, offset in zip((1, 5), (WRONG, -WRONG), strict=True):
        with run_far(where, ground, shim, offset) as far:
            # Until the feed has looked, the views may be as old as the clock says.
            assert wait_until(lambda: far.tell("admit", 100 + number)[0] == "StoredHold", SECONDS)  # noqa: B023
            assert [far.tell("admit", each) for each in spent] == [["AuthorityUsedUp"]] * len(spent)
            assert [far.tell("use", token)[0] for token in tokens] == ["StoredHold"] * len(tokens)
            _, hold_id, _ = far.tell("admit", number)
            assert far.tell("charge", hold_id, 3) == ["charged", 3]
            charged += 3
            _, token = far.tell("session", 1)
            assert far.tell("account", 1)[0] == charged
            assert far.tell("check") == ["right"]
            spent, tokens = [*spent, number, 100 + number], [*tokens, token]
            far.kill()
