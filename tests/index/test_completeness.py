"""Proofs that are interrupted, that run while another process writes, and that find what was proven before wrong."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from nvm_chain.errors import BlockReplaced, IndexIncomplete
from nvm_chain.index import completeness
from nvm_chain.index.database import Index
from nvm_chain.index.following import Follower
from nvm_chain.index.kinds import place_of, split_place
from nvm_chain.index.schema import events
from tests.support.index_worlds import IndexWorld, run_index_world

QUIET = 300
EVERY = 5


class Interrupted(Exception):
    """Somebody ends a proof."""


@pytest.fixture(scope="module")
def running() -> Iterator[IndexWorld]:
    """A chain with an order in each fifth block for a while, and then no events for long."""
    with run_index_world() as made:
        made.mine(EVERY - made.head % EVERY)
        for _ in range(3):
            made.world.order(made.plans[0])
            made.mine(EVERY - 1)
        made.mine(QUIET)
        yield made


@pytest.fixture
def chain(running: IndexWorld) -> Iterator[IndexWorld]:
    """The chain as prepared. Whatever a test does to it is undone."""
    snapshot = running.ask("evm_snapshot")
    yield running
    running.ask("evm_revert", snapshot)


@pytest.fixture
def index(chain: IndexWorld, tmp_path: Path) -> Iterator[Index]:
    """An index of the chain."""
    with closing(chain.open(tmp_path / "index.db")) as opened:
        Follower(chain.connect(), opened).sync()
        yield opened


def last_event_of(index: Index) -> int:
    """Return the last block with events."""
    with index.snapshot() as connection:
        return split_place(connection.execute(select(func.max(events.c.place))).scalar_one())[0]


def test_prove__interrupted_in_a_quiet_part__goes_on_after_the_last_event(
    chain: IndexWorld, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completeness, "STEP", 1)
    monkeypatch.setattr(completeness, "STEPS_BETWEEN", EVERY)
    follower, last = Follower(chain.connect(), index), last_event_of(index)

    def interrupt(done: int, _: int) -> None:
        if done == last + EVERY:
            raise Interrupted

    with pytest.raises(Interrupted):
        follower.prove(on_step=interrupt)
    assert index.read_state().proven_to == last
    assert follower.prove().first == last + 1


def test_prove__while_another_process_follows__ends_at_its_head(
    chain: IndexWorld, index: Index, tmp_path: Path
) -> None:
    heads: list[int] = []

    def go_on(done: int, last: int) -> None:
        if done == last and len(heads) < 2:
            chain.world.order(chain.plans[0])
            chain.mine(QUIET)
            with closing(chain.open(tmp_path / "index.db")) as other:
                head = Follower(chain.connect(), other).sync()
            assert head is not None
            heads.append(head.number)

    proof = Follower(chain.connect(), index).prove(on_step=go_on)
    assert (proof.last, index.read_state().proven_to) == (heads[-1], heads[-1])


def test_prove__index_rolled_back_meanwhile__block_replaced(
    chain: IndexWorld, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.world.order(chain.plans[0])
    follower = Follower(chain.connect(), index)
    follower.sync()
    monkeypatch.setattr(completeness, "STEP", 10)

    def roll_back(done: int, last: int) -> None:
        if last - done < 10:
            with closing(chain.open(tmp_path / "index.db")) as other:
                other.roll_back(other.kept_blocks()[1])

    with pytest.raises(BlockReplaced):
        follower.prove(on_step=roll_back)


def test_prove_again__event_that_was_lost__is_not_proven_any_more(chain: IndexWorld, index: Index) -> None:
    follower, last = Follower(chain.connect(), index), last_event_of(index)
    assert follower.prove().last == index.read_state().proven_to
    with index.writing() as connection:
        connection.execute(delete(events).where(events.c.place >= place_of(last)))
    with pytest.raises(IndexIncomplete) as caught:
        follower.prove(again=True)
    proven = index.read_state().proven_to
    assert caught.value.block_number == last
    assert proven is None or proven < last


def test_prove__nothing_new_on_another_branch__block_replaced(tmp_path: Path) -> None:
    with run_index_world() as chain, closing(chain.open(tmp_path / "index.db")) as index:
        follower = Follower(chain.connect(), index)
        follower.sync()
        head = follower.prove().last
        assert follower.prove().first == head + 1
        chain.reorganize(2)
        with pytest.raises(BlockReplaced):
            follower.prove()
