"""`nvm-chain index report`: the page that the library writes, with the symbols of tokens, and what makes no page."""

from pathlib import Path

import pytest

from nvm_chain.index.database import open_index
from nvm_chain.index.report.data import read_report
from nvm_chain.metadata.documents import PlanMetadata, build_metadata_uri
from tests.integration.cli.conftest import Shell
from tests.support.full_disk import full_disk
from tests.support.world import PRICE, ZERO


@pytest.fixture
def plan_id(shell: Shell) -> int:
    """A plan that the subscriber has bought twice, and an index of it in shop.db."""
    world = shell.world
    world.fund(world.subscriber)
    plan_id = world.register(uri=build_metadata_uri(PlanMetadata("Basic")))
    world.order(plan_id, quantity=2)
    shell.environment |= {"NVM_CHAIN_STATE": str(shell.folder / "state"), "NVM_CHAIN_INDEX": "shop.db"}
    assert shell("index", "run", "--once").exit_code == 0
    return plan_id


def read_page(shell: Shell, name: str = "report.html") -> str:
    return (shell.folder / name).read_text("utf-8")


def test_report__of_an_owner__is_a_page_and_says_its_sums(shell: Shell, plan_id: int) -> None:
    world = shell.world
    answer = shell("index", "report", "--html", "report.html", "--owner", world.builder.address, "--json").json
    with_index = open_index(shell.folder / "shop.db")
    expected = read_report(with_index, owner=world.builder.address)
    with_index.close()
    assert answer == {
        "path": "report.html",
        "owner": world.builder.address,
        "plans": len(expected.plans),
        "first_second": expected.first_second,
        "end_second": expected.end_second,
        "block_number": world.chain.read_block().number,
        "sales": 1,
        "paid": [{"token": world.usdc.address, "amount": str(2 * PRICE)}],
    }
    page = read_page(shell)
    assert page.startswith("<!DOCTYPE html>")
    assert "<bdi>Basic</bdi>" in page
    assert '40.00 <span class="unit">USDC</span>' in page


def test_report__for_people_of_chosen_plans__replaces_the_page(shell: Shell, plan_id: int) -> None:
    other = shell.world.register()
    assert shell("index", "run", "--once").exit_code == 0
    (shell.folder / "report.html").write_text("old")
    shown = shell("index", "report", "--html", "report.html", "--plan", str(plan_id), "--plan", str(other)).stdout
    assert {"report", "plans", "from", "before", "sales", "paid"} == {line.split()[0] for line in shown.splitlines()}
    assert "40 USDC" in shown
    assert "2 plans" in read_page(shell)


def test_report__of_an_unknown_token__asks_the_node_for_its_symbol_or_writes_base_units(
    shell: Shell, plan_id: int
) -> None:
    world = shell.world
    token = world.deploy("TestUSDC")
    world.fund(world.subscriber, token)
    other = world.register(token=token.address)
    world.order(other)
    assert shell("index", "run", "--once").exit_code == 0
    command = ("index", "report", "--html", "report.html", "--plan", str(other))
    assert shell(*command).exit_code == 0
    short = f"{token.address[:6]}…{token.address[-4:]}"
    assert f'20.00 <span class="unit">USDC {short}</span>' in read_page(shell)
    del shell.environment["NVM_CHAIN_RPC"]
    assert shell(*command).exit_code == 0
    assert f'20,000,000 <span class="unit">units of {short}</span>' in read_page(shell)


def test_report__of_a_period__has_its_first_and_last_day(shell: Shell, plan_id: int) -> None:
    period = ("--from", "2020-01-01", "--to", "2020-01-03", "--soon", "30")
    assert shell("index", "report", "--html", "report.html", "--plan", str(plan_id), *period).exit_code == 0
    page = read_page(shell)
    assert "1 Jan 2020 to 2 Jan 2020" in page
    assert "within 30 days" in page
    assert "Nobody paid for these plans in this period." in page


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("--owner", "OWNER", "--plan", "1"), 2, "give one of the two"),
        ((), 2, "give one of the two"),
        (("--plan", "1"), 6, "0000000001"),
        (("--owner", "OWNER", "--from", "2020-01-02", "--to", "2020-01-01"), 2, "not after its start"),
        (("--owner", "OWNER", "--soon", "0"), 2, "--soon"),
    ],
)
def test_report__of_what_cannot_be__writes_no_page(
    shell: Shell, plan_id: int, words: tuple[str, ...], exit_code: int, said: str
) -> None:
    named = [shell.world.builder.address if word == "OWNER" else word for word in words]
    ran = shell("index", "report", "--html", "report.html", *named)
    assert (ran.exit_code, ran.stdout) == (exit_code, "")
    assert said.lower() in ran.stderr.lower()
    assert not (shell.folder / "report.html").exists()


def test_report__on_a_full_disk_or_in_a_missing_folder__leaves_the_old_page(shell: Shell, plan_id: int) -> None:
    command = ("index", "report", "--plan", str(plan_id), "--html")
    (shell.folder / "report.html").write_text("old")
    with full_disk(33_000):  # enough for what SQLite keeps beside an index that it reads
        ran = shell(*command, "report.html")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "cannot be written to report.html" in ran.stderr
    assert [path.name for path in shell.folder.glob("*report*")] == ["report.html"]
    assert read_page(shell) == "old"
    assert "cannot be written" in shell(*command, str(Path("nowhere") / "report.html")).stderr


def test_report__in_the_native_coin__needs_no_node(shell: Shell, plan_id: int) -> None:
    world = shell.world
    coins = world.register(token=ZERO)
    world.order(coins, value=PRICE)
    assert shell("index", "run", "--once").exit_code == 0
    del shell.environment["NVM_CHAIN_RPC"]
    assert shell("index", "report", "--html", "report.html", "--plan", str(coins)).exit_code == 0
    assert "0.00000000002 <span" not in read_page(shell)
    assert '0.000000<small>00002</small> <span class="unit">ETH</span>' in read_page(shell)
