"""What works beside the serving begins again after every error, and the error is logged, counted and told."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from nvm_chain.errors import ConnectionFailed, NvmChainError
from nvm_chain.gateway import opening, workers
from nvm_chain.gateway.workers import Workers
from nvm_chain.meter.settling.settler import Settler
from tests.gateway.shop import METRICS_TOKEN, Shop

SOON = 20


def test_work__that_fails_by_any_error__begins_again_until_it_is_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    told: list[NvmChainError] = []
    found, stop = Workers(told.append, again_seconds=0), threading.Event()
    calls: list[int] = []

    def work() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise ConnectionFailed("http://127.0.0.1:1", "it is away")
        if len(calls) == 2:
            raise ZeroDivisionError("a mistake")
        stop.set()

    found.work("settler", work, stop)
    assert calls == [0, 1, 2]
    assert [type(error) for error in told] == [ConnectionFailed]
    assert "The settler failed with ZeroDivisionError, and begins again." in caplog.text
    assert "ConnectionFailed" not in caplog.text
    (trouble,) = found.list_troubles()
    assert (trouble["worker"], trouble["failures"], trouble["error"]) == ("settler", 2, "ZeroDivisionError")
    assert b'nvm_worker_failures_total{worker="settler"} 2\n' in found.write_metrics()


def test_work__that_does_not_fail__is_no_trouble_and_is_counted_with_zero() -> None:
    found, stop = Workers(lambda _: None), threading.Event()
    found.work("follower", stop.set, stop)
    assert found.list_troubles() == []
    assert b'nvm_worker_failures_total{worker="follower"} 0\n' in found.write_metrics()


def test_list_troubles__some_time_after_the_last_error__is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Workers(lambda _: None, again_seconds=0)
    found.note_end("feed", RuntimeError())
    stop, first = threading.Event(), iter((True,))

    def work() -> None:
        if next(first, False):
            raise RuntimeError
        stop.set()

    found.work("settler", work, stop)
    monkeypatch.setattr(workers, "WELL_SECONDS", -1)
    assert [(each["worker"], each["hasEnded"]) for each in found.list_troubles()] == [("feed", True)]


def test_keep__of_a_coroutine_that_fails__begins_again_until_it_is_cancelled() -> None:
    found = Workers(lambda _: None, again_seconds=0)
    calls: list[int] = []

    async def work() -> None:
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError
        await asyncio.Event().wait()

    async def act() -> None:
        task = asyncio.ensure_future(found.keep("webhook sender", work))
        while len(calls) < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(act())
    assert found.list_troubles()[0]["failures"] == 2


def test_gateway__whose_settler_fails_by_a_mistake__serves_on_tells_it_and_settles_again(
    shop: Shop, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[int] = []

    class Failing(Settler):
        def run(self, *arguments: Any, **more: Any) -> None:
            began.append(1)
            if len(began) < 3:
                raise RuntimeError("a mistake")
            super().run(*arguments, **more)

    monkeypatch.setattr(opening, "Settler", Failing)
    monkeypatch.setattr(opening, "AGAIN_SECONDS", 0.05)
    with shop.open(tmp_path, upstream_url) as gate:
        end = time.monotonic() + SOON
        while len(began) < 3 and time.monotonic() < end:
            threading.Event().wait(0.02)
        assert len(began) == 3
        assert gate.paid("POST", "/ask", b"tea?").status_code == 200
        ready = gate.wait_until_ready()
        assert ready.json()["troubles"][0]["error"] == "RuntimeError"
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        metrics = requests.get(f"{gate.url}/metrics", headers=headers, timeout=60).text
        assert 'nvm_worker_failures_total{worker="settler"} 2' in metrics
        assert 'nvm_worker_failures_total{worker="follower"} 0' in metrics
