"""`nvm-chain meter`: the books as they stand, right or wrong, settled, and what traffic takes; and who has them already."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.index.database import open_index
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.settlements import read_open
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.credits import read_account
from tests.integration.cli.conftest import Shell
from tests.meter.settling_shop import Shop, open_shop
from tests.meter.test_settling_runs import sign_only
from tests.support.postgres import run_postgres

REDEEMER = ("--dev-account", "4")
"""The redeemer of the world."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """One PostgreSQL for all tests of this file."""
    with run_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The place of books, of both engines in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "meter.db")
    url: str = request.getfixturevalue("postgres").new_database()
    return url


def fill(shell: Shell, where: str, folder: Path) -> int:
    """Serve two holders, and leave the books. Return the plan."""
    with open_shop(shell.world, folder, where) as shop:
        shop.charge(shop.sign(30), 20)
        shop.charge(shop.sign(10, shop.world.other), 10)
        plan_id = shop.plan_id
    shell.environment |= {"NVM_CHAIN_METER": where, "NVM_CHAIN_INDEX": str(folder / "index.db")}
    return plan_id


@pytest.fixture
def plan_id(shell: Shell, books: str, tmp_path: Path) -> int:
    """The plan of books in which 30 credits are owed."""
    return fill(shell, books, tmp_path)


def reopen(shell: Shell, plan_id: int, folder: Path) -> Any:
    """Open the books again, as whoever serves does."""
    chain = shell.world.chain
    origin: Any = {"chain_id": chain.chain_id, "credits": chain.credits.address}
    writer = Writer(open_store(shell.environment["NVM_CHAIN_METER"], **origin))
    index = open_index(folder / "index.db", **origin)
    return Shop(shell.world, plan_id, index, writer, "")


# ---------------------------------------------------------------- status


def test_status__says_how_the_books_stand_and_what_is_owed_to_which_key(shell: Shell, plan_id: int) -> None:
    answer = shell("meter", "status", "--json").json
    assert {name: answer[name] for name in ("accounts", "charged", "held", "taken", "owed", "is_closed")} == {
        "accounts": 2,
        "charged": 30,
        "held": 0,
        "taken": 0,
        "owed": 30,
        "is_closed": False,
    }
    ((key),) = answer["keys"]
    assert (key["redeemer"], key["credits"], key["holders"]) == (shell.world.redeemer.address, 30, 2)
    shown = shell("meter", "status").stdout
    assert "30 credits of 2 holders that only it can take" in shown


def test_status__without_books__says_how_to_name_them(shell: Shell) -> None:
    ran = shell("meter", "status")
    assert ran.exit_code == 2
    assert "Give --meter PATH|URL, or set NVM_CHAIN_METER" in ran.stderr


@pytest.mark.parametrize("command", ["status", "verify", "restored"])
def test_commands__about_a_file_that_does_not_exist__make_none(shell: Shell, command: str, tmp_path: Path) -> None:
    ran = shell("meter", command, "--meter", str(tmp_path / "none.db"), "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
    assert not (tmp_path / "none.db").exists()


def test_commands__about_a_database_of_another_program__change_nothing(shell: Shell, postgres: Any) -> None:
    ran = shell("meter", "status", "--meter", postgres.new_database(), "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "WrongDatabase")


def test_settle__with_books_of_another_chain__is_refused(shell: Shell, tmp_path: Path) -> None:
    where = tmp_path / "other.db"
    open_store(where, chain_id=1, credits=shell.world.credits.address).close()
    ran = shell("meter", "settle", "--meter", str(where), "--once", *REDEEMER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "OtherChain")


@pytest.mark.parametrize("command", [("status",), ("settle", "--once", *REDEEMER)])
def test_commands__about_a_file_that_a_process_serves__say_whose_it_is(
    shell: Shell, tmp_path: Path, command: tuple[str, ...]
) -> None:
    plan_id = fill(shell, str(tmp_path / "meter.db"), tmp_path)
    shop = reopen(shell, plan_id, tmp_path)
    with closing(shop.writer), closing(shop.index):
        ran = shell("meter", *command, "--json")
        assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
        assert "a file has its books for one process alone" in ran.error["problem"]
        assert "With books in PostgreSQL, both can run" in ran.error["next_step"]


def test_status__of_a_transaction_that_was_mined_since__looks_it_up_and_says_what_the_books_have_not_read(
    shell: Shell, plan_id: int, tmp_path: Path
) -> None:
    """S4: the books learn from the index what was taken. Until then the status says what is known."""
    shop = reopen(shell, plan_id, tmp_path)
    with closing(shop.writer), closing(shop.index):
        sign_only(shop)
        (signed,) = shop.writer.run(read_open)
    rpc = shell.environment.pop("NVM_CHAIN_RPC")
    answer = shell("meter", "status", "--json").json
    assert (answer["open_settlements"][0]["state"], answer["unseen"], answer["owed"]) == ("open", 0, 30)
    shell.environment["NVM_CHAIN_RPC"] = rpc
    shell.world.chain.web3.eth.send_raw_transaction(signed.raw)
    answer = shell("meter", "status", "--json").json
    assert (answer["open_settlements"][0]["state"], answer["unseen"], answer["owed"]) == ("mined", 30, 30)
    assert "30 credits of it, in blocks that the books have not read yet" in shell("meter", "status").stdout


def test_status__while_the_node_is_away__says_so_and_what_the_books_say(shell: Shell, plan_id: int) -> None:
    shell.environment["NVM_CHAIN_RPC"] = "http://127.0.0.1:9"
    ran = shell("meter", "status")
    assert ran.exit_code == 0
    assert "owed" in ran.stdout
    assert "Transactions were not looked up." in ran.stderr


# ---------------------------------------------------------------- verify


@pytest.mark.parametrize("other", ["chain", "Credits"])
def test_verify__with_an_index_of_another_chain__names_it_and_compares_nothing(
    shell: Shell, plan_id: int, tmp_path: Path, other: str
) -> None:
    chain = shell.world.chain
    origin: Any = {"chain_id": chain.chain_id, "credits": chain.credits.address}
    origin |= {"chain_id": 1} if other == "chain" else {"credits": shell.world.usdc.address}
    open_index(tmp_path / "other.db", create=True, **origin).close()
    del shell.environment["NVM_CHAIN_RPC"]
    ran = shell("meter", "verify", "--index", str(tmp_path / "other.db"), "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "OtherChain")


def test_verify__of_right_books__ends_well(shell: Shell, plan_id: int) -> None:
    answer = shell("meter", "verify", "--json").json
    assert (answer["ok"], answer["accounts"], answer["charged"], answer["with_chain"]) == (True, 2, 30, True)
    assert shell("meter", "verify").stdout.splitlines()[-1].split(maxsplit=1) == ["result", "the books are right"]
    del shell.environment["NVM_CHAIN_RPC"]
    assert shell("meter", "verify", "--json").json["with_chain"] is False
    answer = shell("meter", "verify", "--charges-only", "--json").json
    assert (answer["ok"], answer["block"]) == (True, None)


def test_verify__of_wrong_books__names_the_difference_and_ends_with_10(
    shell: Shell, plan_id: int, tmp_path: Path
) -> None:
    shop = reopen(shell, plan_id, tmp_path)
    with closing(shop.writer), closing(shop.index):

        def spoil(store: Any) -> None:
            with store.asking() as pen:
                pen.change("UPDATE accounts SET committed = committed + 1 WHERE committed = 20")

        shop.writer.run(spoil)
    ran = shell("meter", "verify", "--json")
    assert ran.exit_code == 10
    ran = shell("meter", "verify")
    assert ran.exit_code == 10
    plan = format_plan_id(plan_id)
    assert f"charged of {shell.world.subscriber.address} on plan {plan}" in ran.stdout
    assert "books 21" in ran.stdout
    assert "charges 20" in ran.stdout


# ---------------------------------------------------------------- settle


def test_settle__dry_run__shows_batches_gas_and_what_they_close(shell: Shell, plan_id: int) -> None:
    before = shell.state(plan_id)
    answer = shell("meter", "settle", "--dry-run", "--max-credits", "15", *REDEEMER, "--json").json
    outlook = answer["outlook"]
    assert (outlook["owed"], outlook["takeable"], outlook["closes"], outlook["holders"]) == (30, 30, 20, 2)
    (batch,) = answer["batches"]
    assert (batch["holders"], batch["credits"], batch["reasons"], batch["taken"]) == (1, 20, ["size"], 0)
    assert int(outlook["cost_wei"]) > outlook["gas"] == batch["gas"] > 0
    assert "20 credits of 1 holder" in shell("meter", "settle", "--dry-run", "--max-credits", "15", *REDEEMER).stdout
    assert shell.state(plan_id) == before


def test_settle__dry_run_with_nothing_due__says_why(shell: Shell, plan_id: int, tmp_path: Path) -> None:
    ran = shell("meter", "settle", "--dry-run", *REDEEMER)
    assert "nothing is due" in ran.stdout
    assert "first comes the reason 'a voucher ends soon', at 20" in ran.stdout
    outlook = shell("meter", "settle", "--dry-run", *REDEEMER, "--json").json["outlook"]
    assert outlook["next_due"]["reason"] == "deadline"
    clock = max(shell.world.now, int(time.time()))  # the later of both counts, and the chain is behind in a long run
    assert shell.world.now < outlook["next_due"]["time"] < clock + 7_200
    assert shell("meter", "settle", "--once", "--max-credits", "1", *REDEEMER, "--json").json["credits"] == 30
    dry = shell("meter", "settle", "--dry-run", *REDEEMER).stdout
    assert "transactions are under way, or the books have not read their blocks yet" in dry
    shop = reopen(shell, plan_id, tmp_path)
    with closing(shop.writer), closing(shop.index):
        shop.feed()
    assert "nothing is owed" in shell("meter", "settle", "--dry-run", *REDEEMER).stdout


def test_settle__dry_run_with_vouchers_that_are_over__says_so(shell: Shell, books: str, tmp_path: Path) -> None:
    with open_shop(shell.world, tmp_path, books) as shop:
        shop.charge(shop.sign(30, seconds=100), 20)
    shell.environment |= {"NVM_CHAIN_METER": books, "NVM_CHAIN_INDEX": str(tmp_path / "index.db")}
    shell.world.mine_at(max(shell.world.now, int(time.time())) + 200)
    dry = shell("meter", "settle", "--dry-run", *REDEEMER)
    assert "20 credits: no voucher is valid any more" in dry.stdout
    assert "nothing of what is owed can be taken now" in dry.stdout
    outlook = shell("meter", "settle", "--dry-run", *REDEEMER, "--json").json["outlook"]
    assert (outlook["hindered"], outlook["next_due"]) == ({"no_voucher": 20}, None)


def test_settle__once__takes_what_is_due_and_then_nothing(shell: Shell, plan_id: int) -> None:
    answer = shell("meter", "settle", "--once", "--max-credits", "1", *REDEEMER, "--json").json
    assert (answer["transactions"], answer["credits"], answer["failed"], answer["outlook"]) == (1, 30, 0, None)
    (batch,) = answer["batches"]
    assert (batch["taken"], batch["error"]) == (30, None)
    chain, holder = shell.world.chain, shell.world.subscriber.address
    assert read_account(chain, plan_id, holder).settled == 20
    ran = shell("meter", "settle", "--once", "--max-credits", "1", *REDEEMER)
    assert (ran.exit_code, ran.stdout.split()) == (0, ["nothing", "is", "due"])
    (found,) = shell("meter", "status", "--json").json["open_settlements"]
    assert (found["hash"], found["state"], found["credits"]) == (batch["transaction"], "mined", 30)


def test_settle__while_another_process_serves_on_postgresql__settles_beside_it(
    shell: Shell, postgres: Any, tmp_path: Path
) -> None:
    plan_id = fill(shell, postgres.new_database(), tmp_path)
    shop = reopen(shell, plan_id, tmp_path)
    with closing(shop.writer), closing(shop.index):
        shop.charge(shop.sign(40), 5)
        answer = shell("meter", "settle", "--once", "--max-credits", "1", *REDEEMER, "--json").json
        assert (answer["transactions"], answer["credits"]) == (1, 35)
        shop.charge(shop.sign(50), 5)
        shop.feed()
        assert (shop.account().owed, shop.account().view.taken) == (5, 25)
        assert shell("meter", "verify", "--json").json["ok"]


def test_settle__without_permission__ends_with_6(shell: Shell, plan_id: int) -> None:
    world = shell.world
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, False))
    ran = shell("meter", "settle", "--once", "--max-credits", "1", *REDEEMER)
    assert ran.exit_code == 6
    assert "failed" in ran.stdout


def test_settle__without_once__goes_on_until_it_is_stopped(shell: Shell, plan_id: int) -> None:
    chain, holder = shell.world.chain, shell.world.subscriber.address
    with stopped_when(lambda: read_account(chain, plan_id, holder).settled == 20):
        answer = shell("meter", "settle", "--every", "1s", "--max-credits", "1", *REDEEMER, "--json").json
    assert (answer["transactions"], answer["credits"], answer["batches"]) == (1, 30, [])


@contextmanager
def stopped_when(is_done: Callable[[], bool]) -> Iterator[None]:
    """Press Ctrl-C as soon as something is done, or after a minute."""
    over = threading.Event()

    def watch() -> None:
        end = time.monotonic() + 60
        while not is_done() and time.monotonic() < end:
            over.wait(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield
    over.set()
    watcher.join()


def test_settle__with_two_ways_to_end__is_refused(shell: Shell, plan_id: int) -> None:
    assert shell("meter", "settle", "--once", "--dry-run", *REDEEMER).exit_code == 2


def test_settle__of_books_without_accounts__says_so(shell: Shell, tmp_path: Path) -> None:
    chain = shell.world.chain
    open_store(tmp_path / "new.db", chain_id=chain.chain_id, credits=chain.credits.address).close()
    ran = shell("meter", "settle", "--once", "--meter", str(tmp_path / "new.db"), *REDEEMER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")


# ---------------------------------------------------------------- capacity and restored


def test_capacity__of_a_million_holders_and_10_to_the_9_requests_a_day__is_a_table(shell: Shell) -> None:
    answer = shell(
        *("meter", "capacity", "--holders", "1000000", "--requests", "1000000000", "--max-credits", "1000000"),
        *("--exposure", "1000000", "--age", "24h", "--age", "7d", "--gas-price", "0.05", "--json"),
    ).json
    day, week = answer["ages"]
    assert (day["age_seconds"], week["age_seconds"]) == (86_400, 604_800)
    assert day["transactions_a_day"] == -(-day["items_a_day"] // 100)
    assert int(day["cost_wei_a_day"]) == day["gas_a_day"] * 50_000_000
    assert week["gas_a_day"] < day["gas_a_day"]
    assert week["owed"] > day["owed"]
    assert answer["processes"]["requests_a_second"] == 11_575
    shown = shell("meter", "capacity", "--holders", "1000000", "--requests", "1000000000").stdout.splitlines()
    assert shown[0].split()[0] == "age"
    assert [line.split()[0] for line in shown[1:5]] == ["1", "6", "1", "7"]


def test_capacity__with_a_wrong_gas_price__is_refused(shell: Shell) -> None:
    ran = shell("meter", "capacity", "--holders", "1", "--requests", "1", "--gas-price", "much", "--json")
    assert ran.exit_code == 2


def test_restored__closes_the_books_for_a_day(shell: Shell, plan_id: int) -> None:
    answer = shell("meter", "restored", "--json").json
    assert answer["is_closed"]
    assert "closed" in shell("meter", "status").stdout
