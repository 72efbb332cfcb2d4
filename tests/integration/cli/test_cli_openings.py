"""`nvm-chain meter` with access that holders wait for: shown, opened once, and counted by the verification."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.operations.credits import read_balance
from tests.integration.cli.conftest import Shell
from tests.meter.first_use_shop import PERIODS, open_first_use_shop
from tests.support.postgres import run_postgres

REDEEMER = ("--dev-account", "4")
"""The redeemer of the world."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """One PostgreSQL for all tests of this file."""
    with run_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def plan_id(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> int:
    """The plan of books in which the subscriber waits for access."""
    where = str(tmp_path / "meter.db")
    if request.param == "postgresql":
        where = request.getfixturevalue("postgres").new_database()
    with open_first_use_shop(shell.world, tmp_path, where) as shop:
        shop.ask(shop.sign_in(1))
    shell.environment |= {"NVM_CHAIN_METER": where, "NVM_CHAIN_INDEX": str(tmp_path / "index.db")}
    return shop.plan_id


def test_meter__with_access_to_open__shows_opens_and_verifies_it(shell: Shell, plan_id: int) -> None:
    waiting = {"holder": shell.world.subscriber.address, "periods": 1, "is_sent": False, "transaction": None}
    answers = [shell("meter", "status", "--json"), shell("meter", "settle", "--dry-run", "--json", *REDEEMER)]
    for answer in answers:
        (opening,) = answer.json["openings"]
        assert {name: opening[name] for name in waiting} == waiting
        assert opening["redeemer"] == shell.world.redeemer.address
    assert answers[1].json["outlook"]["gas"] > 60_000
    assert "opening" in shell("meter", "status").stdout
    assert "not sent yet" in shell("meter", "settle", "--dry-run", *REDEEMER).stdout
    settled = shell("meter", "settle", "--once", "--json", *REDEEMER).json
    (opened,) = settled["openings"]
    assert (opened["is_sent"], opened["error"], settled["failed"]) == (True, None, 0)
    assert shell.world.chain.read_mined(opened["transaction"])["status"] == 1
    assert read_balance(shell.world.chain, plan_id, shell.world.subscriber.address) == PERIODS - 1
    (transaction,) = shell("meter", "status", "--json").json["open_settlements"]
    assert (transaction["hash"], transaction["opens_access"]) == (opened["transaction"], True)
    chain = shell.world.chain
    path = shell.environment["NVM_CHAIN_INDEX"]
    with closing(open_index(path, chain_id=chain.chain_id, credits=chain.credits.address)) as index:
        Follower(chain, index, waits=True).sync()
    verified = shell("meter", "verify", "--json").json
    assert (verified["ok"], verified["opened"]) == (True, 1)
    assert "1 period" in shell("meter", "verify").stdout


def test_meter_settle__once_without_permission__says_why_access_was_not_opened(shell: Shell, plan_id: int) -> None:
    world = shell.world
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, False))
    ran = shell("meter", "settle", "--once", *REDEEMER)
    assert ran.exit_code == 6
    assert "RedeemNotAllowed" in ran.stdout
