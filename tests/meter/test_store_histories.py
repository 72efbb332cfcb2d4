"""Histories of one holder in the store of both databases, in groups: after each group, the books are those of the model (S2, S10)."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import ViewUnusable
from nvm_chain.meter.admission import release_request
from nvm_chain.meter.store.packing import pack_marks, pack_past
from nvm_chain.meter.store.store import Store
from tests.meter import histories
from tests.meter.histories import Difference
from tests.support.meter_books import WrongBooks
from tests.support.meter_histories import StoreHistory
from tests.support.meter_stores import open_books

SEEDS = (21, 22)
STEPS = 110
MOST_SEEDS = 30
LATER = 4_000_000_000
"""A second that no clock of a machine shows, so that the latest block's time is the second of a history."""


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "START", LATER)


@pytest.mark.parametrize("is_honest", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_history__in_a_store__is_that_of_the_model(books_url: str, seed: int, is_honest: bool) -> None:
    def open_stores() -> Sequence[Store]:
        return [open_books(books_url) for _ in range(1 if books_url.startswith("sqlite") else 2)]

    history = StoreHistory(seed, open_stores, is_honest=is_honest)
    history.run(STEPS)
    assert history.groups > STEPS / 10
    assert history.refusals
    assert history.model.charges
    history.finish()
    history.close()


def keep_spent(*parts: Any, was_sent: bool) -> Any:
    return release_request(*parts, was_sent=True)


PLANTS: dict[str, tuple[str, Any]] = {
    "ceilings are never put": ("admissions.put_ceiling", lambda account, _front, _now: account),
    "vouchers are never spent": ("admissions.is_spent", lambda _: False),
    "past views are lost": ("groups.pack_past", lambda _: pack_past(())),
    "marks are lost": ("groups.pack_marks", lambda _: pack_marks(())),
    "ends of holds are not stored": ("statements.SqliteStatements.end_holds", lambda _self, _rows: None),
    "what was returned stays spent": ("hold_ends.release_request", keep_spent),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_histories__with_a_planted_mistake_in_the_store__differ(
    made_copy: Path, monkeypatch: pytest.MonkeyPatch, plant: str
) -> None:
    name, mistake = PLANTS[plant]
    monkeypatch.setattr(f"nvm_chain.meter.store.{name}", mistake)
    with pytest.raises((Difference, WrongBooks, ViewUnusable)):
        live_many(made_copy)


def live_many(made: Path) -> None:
    """Run histories in copies of a file, one after the other."""
    for seed in range(MOST_SEEDS):
        path = Path(shutil.copy(made, made.with_name(f"{seed}.db")))
        history = StoreHistory(seed, partial(open_one, path))
        try:
            history.run(STEPS)
            history.finish()
        finally:
            history.close()


def open_one(path: Path) -> list[Store]:
    return [open_books(str(path))]
