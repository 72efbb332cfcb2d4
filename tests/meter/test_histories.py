"""Histories of one holder: the package and the model agree after each step (S2, S4, S9, S10, S11), and mistakes are found."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.meter.histories import History, Meter
from tests.meter.planted import OTHERS, TERMS, Mistake, find_difference, load_with

METER = Meter()


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_history__drawn_at_random__is_that_of_the_model(seed: int, is_honest: bool) -> None:
    history = History(seed, METER, is_honest=is_honest)
    history.run(80)
    history.finish()


def test_histories__with_the_right_meter__do_not_differ() -> None:
    assert find_difference(METER, range(150)) is None


def test_histories__reach_every_part_of_the_rule() -> None:
    histories = [History(seed, METER) for seed in range(80)]
    for history in histories:
        history.run(100)
    assert sum(len(history.model.charges) for history in histories) > 200
    assert sum(history.model.written_off > 0 for history in histories) > 5
    assert sum(history.model.state.ours > 0 for history in histories) > 20
    assert sum(history.model.state.others > 0 for history in histories) > 20


@pytest.mark.parametrize("mistake", [*TERMS, *OTHERS], ids=str)
def test_histories__with_a_planted_mistake__differ(mistake: Mistake, tmp_path: Path) -> None:
    assert find_difference(load_with(mistake, tmp_path), range(1_000)) is not None
