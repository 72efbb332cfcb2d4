"""Logs of a gateway: every line is a JSON object, whichever library has written it."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from nvm_chain.gateway.logs import log_as_json
from tests.support.postgres import run_postgres


@pytest.fixture(scope="module")
def lost_pipeline() -> "Callable[[], None]":
    """Return what makes psycopg log a line."""

    def lose() -> None:
        with run_postgres() as server:
            url = server.new_database()
            with (
                psycopg.connect(url, autocommit=True) as killer,
                suppress(psycopg.Error, ValueError),
                psycopg.connect(url, autocommit=True) as connection,
                connection.pipeline(),
            ):
                connection.execute("SELECT 1")
                killer.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
                raise ValueError

    return lose


def fail_unseen() -> None:
    """Let asyncio log that nobody has looked at an error."""

    async def fail() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "Nobody has looked at an error"})

    asyncio.run(fail())


def warn_by(name: str) -> None:
    """Let a library log a warning."""
    logging.getLogger(name).warning("a pool is full,\nand has %d connections", 5)


def test_log_as_json__lines_of_psycopg__are_json(
    lost_pipeline: "Callable[[], None]", capsys: pytest.CaptureFixture[str]
) -> None:
    end = log_as_json()
    try:
        lost_pipeline()
    finally:
        end()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["logger"] for line in lines] == ["psycopg"] * len(lines)
    assert lines
    assert {line["level"] for line in lines} == {"warning"}


@pytest.mark.parametrize("name", ["sqlalchemy.pool", "aiohttp.client", "asyncio", "whatever"])
def test_log_as_json__lines_of_other_libraries__are_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    end = log_as_json()
    try:
        warn_by(name)
        fail_unseen()
        logging.getLogger(name).info("this is not worth a line")
        logging.getLogger("nvm_chain.gateway").info("the gateway serves")
    finally:
        end()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["logger"], line["level"]) for line in lines] == [
        (name, "warning"),
        ("asyncio", "error"),
        ("nvm_chain.gateway", "info"),
    ]
    assert lines[0]["message"] == "a pool is full,\nand has 5 connections"


def test_log_as_json__after_its_end__leaves_the_loggers_as_they_were() -> None:
    loggers = [logging.getLogger(name) for name in (None, "nvm_chain", "uvicorn")]
    before = [(each.handlers, each.propagate, each.level) for each in loggers]
    end = log_as_json()
    assert [each.handlers for each in loggers] != [handlers for handlers, *_ in before]
    end()
    assert [(each.handlers, each.propagate, each.level) for each in loggers] == before
