"""Troubles that pass by themselves: a start is not one, and an index that stays behind is told."""

import logging
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import IndexBehind, IndexUnavailable, NvmChainError
from nvm_chain.gateway import opening
from nvm_chain.gateway.troubles import GAP_SECONDS, LASTING_SECONDS, PatientTeller
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from tests.gateway.shop import BALANCE, Shop

BEHIND = IndexBehind("index.db", 16, 17)
WAIT_SECONDS = 60


def tell_at(*seconds: int, error: NvmChainError = BEHIND) -> list[int]:
    """Return at which of some seconds a trouble is told."""
    clock, told = [0], list[int]()
    teller = PatientTeller(lambda _: told.append(clock[0]), clock=lambda: clock[0])
    for second in seconds:
        clock[0] = second
        teller(error)
    return told


@pytest.mark.parametrize(("end", "times"), [(LASTING_SECONDS - 1, 0), (LASTING_SECONDS, 1), (LASTING_SECONDS + 1, 1)])
def test_tell__of_an_index_that_is_behind__waits_whether_it_lasts(end: int, times: int) -> None:
    assert tell_at(*range(end + 1)) == [LASTING_SECONDS] * times


def test_tell__of_an_index_that_stays_behind__is_told_again_now_and_then() -> None:
    assert tell_at(*range(3 * LASTING_SECONDS)) == [LASTING_SECONDS, 2 * LASTING_SECONDS]


def test_tell__of_an_index_that_is_behind_after_a_pause__begins_anew() -> None:
    again = LASTING_SECONDS + GAP_SECONDS
    assert tell_at(*range(LASTING_SECONDS), *range(again, again + LASTING_SECONDS)) == []


def test_tell__of_another_trouble__is_at_once() -> None:
    assert tell_at(0, 1, error=IndexUnavailable("index.db", "it is locked")) == [0, 1]


class WatchedTeller(PatientTeller):
    """A teller that says when it has heard of an index that is behind."""

    heard = threading.Event()

    def __call__(self, error: NvmChainError) -> None:
        super().__call__(error)
        if isinstance(error, IndexBehind):
            self.heard.set()


def test_gateway__that_opens_its_books_before_the_index_has_a_block__logs_no_warning(
    shop: Shop, upstream_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PatientTeller", WatchedTeller)
    with shop.open(tmp_path, upstream_url, follows=False) as gate:
        assert WatchedTeller.heard.wait(WAIT_SECONDS)
        chain = shop.connect()
        origin: dict[str, Any] = {"chain_id": chain.chain_id, "credits": chain.credits.address}
        with closing(open_index(tmp_path / "index.db", **origin)) as index:
            Follower(chain, index, waits=True).sync()
        gate.wait_for("available", str(BALANCE))
    warnings = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each.getMessage() for each in warnings if each.name.startswith("nvm_chain")] == []
