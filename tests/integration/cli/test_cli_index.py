"""`nvm-chain index`: follow, look, compare; the same answers as the library, and what cannot be."""

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors.formatting import format_plan_id, format_utc
from nvm_chain.index.database import open_index
from nvm_chain.index.lease import hold_lease
from nvm_chain.statements.formats import describe_statement
from nvm_chain.statements.reading import read_holder_statement, read_plan_statement
from nvm_chain.types.ids import format_did
from tests.integration.cli.conftest import Shell
from tests.support.agents import Agents
from tests.support.indexes import SECONDS, interrupted_if
from tests.support.postgres import Postgres, run_postgres
from tests.support.world import PRICE

SECRET = "correct-horse"


@pytest.fixture
def plan_id(shell: Shell) -> int:
    """A plan that the subscriber has bought, with an agent, and an index of it in shop.db."""
    world = shell.world
    world.fund(world.subscriber)
    plan_id = world.register(uri="=https://example.com/plan")
    world.order(plan_id, quantity=2)
    world.grant(plan_id, world.other.address, 5)
    Agents(world).register((plan_id, 1, 5))
    shell.environment |= {"NVM_CHAIN_STATE": str(shell.folder / "state"), "NVM_CHAIN_INDEX": "shop.db"}
    assert shell("index", "run", "--once").exit_code == 0
    return plan_id


def offline(shell: Shell) -> None:
    """Take the node away."""
    del shell.environment["NVM_CHAIN_RPC"]


# ---------------------------------------------------------------- run and status


def test_run__once__reads_to_the_latest_block_and_says_so(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block()
    answer = shell("index", "run", "--once", "--json").json
    assert answer["head"] == {"number": head.number, "hash": head.hash, "timestamp": head.timestamp}
    assert (answer["index"], answer["engine"], answer["proof"]) == (str(shell.folder / "shop.db"), "sqlite", None) or (
        answer["index"] == "shop.db"
    )
    assert (answer["credits"], answer["agents"]) == (
        shell.world.credits.address,
        shell.world.chain.agents.address,
    )
    shown = shell("index", "run", "--once").stdout
    assert f"head           {head.number:,}, of {format_utc(head.timestamp)}" in shown


def test_run__to_a_block__ends_there_and_goes_on_from_there(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    for wanted in (head - 2, head - 1, head):
        answer = shell("index", "run", "--to-block", str(wanted), "--index", "other.db", "--json").json
        assert answer["head"]["number"] == wanted


def test_run__without_an_end__follows_until_it_is_interrupted(shell: Shell, plan_id: int) -> None:
    plans = len(shell("index", "plans", "--json").json["plans"])
    shell.world.register()
    with interrupted_if(follows=True):
        answer = shell("index", "run", "--json").json
    assert answer["head"]["number"] == shell.world.chain.read_block().number
    assert len(shell("index", "plans", "--json").json["plans"]) == plans + 1


def test_run__with_proof__says_to_which_block(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    answer = shell("index", "run", "--once", "--prove", "--json").json
    assert (answer["proof"]["last"], answer["proven_to"]) == (head, head)
    assert f"to {head:,}, by receipts" in shell("index", "run", "--once", "--prove", "--index", "new.db").stdout
    assert shell("index", "status", "--json").json["proven_to"] == head


def test_run__with_proof_again__has_nothing_new_to_prove(shell: Shell, plan_id: int) -> None:
    shell("index", "run", "--once", "--prove")
    assert "proof          nothing new to prove" in shell("index", "run", "--once", "--prove").stdout
    ran = shell("index", "run", "--prove", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")


def test_prove__while_another_process_follows__proves_what_is_new(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    with closing(open_index("shop.db", create=True)) as index:
        lease = hold_lease(index)
        answer = shell("index", "prove", "--json").json
        lease.release()
    assert (answer["last"], answer["method"]) == (head, "receipts")
    assert shell("index", "status", "--json").json["proven_to"] == head
    assert "nothing new to prove" in shell("index", "prove").stdout
    assert f"blocks {answer['first']:,} to {head:,}, by receipts" in shell("index", "prove", "--again").stdout


def test_prove__without_an_index__says_what_to_run(shell: Shell) -> None:
    shell.environment["NVM_CHAIN_STATE"] = str(shell.folder / "state")
    ran = shell("index", "prove", "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
    assert "nvm-chain index run" in ran.error["next_step"]
    shell("index", "run", "--once")
    assert "nothing yet: run nvm-chain index prove" in shell("index", "status").stdout


def test_run__to_a_block_that_is_not_mined__waits_for_it(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    with interrupted_if(follows=True):
        began = time.monotonic()
        assert shell("index", "run", "--to-block", str(head + 1), "--json").json["head"]["number"] == head
        assert time.monotonic() - began > SECONDS / 2
    assert shell("index", "run", "--to-block", str(head + 1), "--once", "--json").json["head"]["number"] == head
    shell.world.register()
    assert shell("index", "run", "--to-block", str(head + 1), "--json").json["head"]["number"] == head + 1
    assert shell("index", "run", "--to-block", "-1").exit_code == 2


def test_run__of_a_current_index__says_so(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    assert f"Block {head:,} is the latest, and is in the index" in shell("index", "run", "--once", "-v").stderr


def test_run__while_another_process_follows__waits_only_if_asked(shell: Shell, plan_id: int) -> None:
    with closing(open_index("shop.db", create=True)) as index:
        lease = hold_lease(index)
        ran = shell("index", "run", "--once", "--json")
        assert (ran.exit_code, ran.error["type"]) == (10, "SecondFollower")
        free = threading.Timer(0.5, lease.release)
        free.start()
        assert shell("index", "run", "--once", "--wait", "--json").exit_code == 0
        free.join()


def test_run__without_a_path__keeps_a_file_for_chain_and_credits(shell: Shell, plan_id: int) -> None:
    del shell.environment["NVM_CHAIN_INDEX"]
    ran = shell("index", "holders", str(plan_id), "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexUnavailable")
    assert "nvm-chain index run" in ran.error["next_step"]
    answer = shell("index", "run", "--once", "--json").json
    world = shell.world
    name = f"index-{world.chain.chain_id}-{world.credits.address.lower()}.db"
    assert Path(answer["index"]) == shell.folder / "state" / name
    assert len(shell("index", "holders", str(plan_id), "--json").json["holders"]) == 2


def test_status__of_an_index_that_is_behind__says_by_how_many_blocks(shell: Shell, plan_id: int) -> None:
    assert shell("index", "status", "--json").json["lag"] == 0
    shell.world.register()
    answer = shell("index", "status", "--json").json
    assert (answer["lag"], answer["schema"]) == (1, "0001")
    assert answer["size"] >= (shell.folder / "shop.db").stat().st_size > 0
    assert "lag            1 block" in shell("index", "status").stdout
    offline(shell)
    assert shell("index", "status", "--json").json["lag"] is None
    ran = shell("index", "status", NVM_CHAIN_RPC="http://127.0.0.1:9")
    assert (ran.exit_code, "lag            not known without a node" in ran.stdout) == (0, True)


def test_status__of_a_node_that_is_behind__says_so(shell: Shell, plan_id: int) -> None:
    world, snapshot = shell.world, shell.world.take_snapshot()
    world.register()
    world.register()
    assert shell("index", "run", "--once").exit_code == 0
    world.revert_to(snapshot)
    assert "lag            the node is 2 blocks behind" in shell("index", "status").stdout


# ---------------------------------------------------------------- verify


def test_verify__of_an_equal_index__ends_with_0(shell: Shell, plan_id: int) -> None:
    answer = shell("index", "verify", "--json").json
    assert (answer["ok"], answer["differences"], answer["is_complete"]) == (True, [], True)
    assert answer["plans"] >= 1
    assert "index and chain are equal" in shell("index", "verify", "--sample", "1").stdout


def test_verify__of_a_wrong_index__names_each_difference_and_ends_with_10(shell: Shell, plan_id: int) -> None:
    holder = shell.world.other.address
    with closing(open_index("shop.db")) as index, index.writing() as connection:
        statement = "UPDATE accounts SET balance = 6 WHERE holder = ? AND plan = ?"
        pen = index.take_pen(connection)
        assert pen.change(statement, (bytes.fromhex(holder[2:]), plan_id.to_bytes(32))) == 1
    shown, plan = shell("index", "verify"), format_plan_id(plan_id)
    assert (shown.exit_code, shown.stdout.count("WRONG")) == (10, 2)
    ran = shell("index", "verify", "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["ok"]) == (10, False)
    assert answer["differences"][0] == {
        "what": f"credits of {holder} on plan {plan}",
        "by_index": "6",
        "by_chain": "5",
    }


# ---------------------------------------------------------------- lists


def test_lists__without_a_node__answer_from_the_index(shell: Shell, plan_id: int) -> None:
    world, offered = shell.world, "100 credits, 20 USDC"
    offline(shell)
    holder, other, builder = world.subscriber.address, world.other.address, world.builder.address
    plan = format_plan_id(plan_id)
    found = next(each for each in shell("index", "plans", "--json").json["plans"] if each["plan_id"] == plan)
    assert (found["sold"], found["holders"], found["owner"], found["did"]) == (2, 2, builder, format_did(plan_id))
    shown = shell("index", "plans", "--owner", builder).stdout
    assert f"{plan}\n  {offered}\n  2 purchases, 2 holders, owner {builder}\n" in shown
    holders = shell("index", "holders", plan, "--json").json["holders"]
    assert [(each["holder"], each["balance"]) for each in holders] == [(holder, 200), (other, 5)]
    assert f"  {other}        5" in shell("index", "holders", plan).stdout
    assert shell("index", "holders", plan, "--at", "1").exit_code == 2
    (order,) = shell("index", "orders", "--plan", plan, "--json").json["orders"]
    assert (order["payer"], order["quantity"], order["cost"]) == (holder, 2, str(2 * PRICE))
    assert "40 USDC" in shell("index", "orders", "--plan", plan).stdout
    (agent,) = (each for each in shell("index", "agents", "--json").json["agents"] if each["plans"])
    assert agent["plans"] == [{"plan_id": plan, "min_credits": 1, "max_credits": 5}]
    assert "1 to 5 credits for a request" in shell("index", "agents", "--plan", plan).stdout
    (line,) = shell("index", "revenue", "--plan", plan, "--json").json["revenue"]
    assert (line["receiver"], line["total"], line["sales"]) == (builder, str(2 * PRICE), 1)
    assert "40 USDC" in shell("index", "revenue", "--plan", plan).stdout
    held = shell("index", "holdings", holder, "--json").json
    assert [(each["plan_id"], each["balance"]) for each in held["held"]] == [(plan, 200)]
    owned = shell("index", "holdings", builder, "--json").json
    assert plan in {each["plan_id"] for each in owned["owned"]}
    assert agent in owned["agents"]
    assert f"holds    {plan}\n         200 credits" in shell("index", "holdings", holder).stdout
    assert "found    nothing" in shell("index", "holdings", world.relayer.address).stdout


@pytest.mark.parametrize("words", [("plans",), ("orders", "--most", "3"), ("agents",), ("revenue",), ("holders",)])
def test_lists__as_csv__are_the_rows_of_json(shell: Shell, plan_id: int, words: tuple[str, ...]) -> None:
    more = (str(plan_id),) if words == ("holders",) else ()
    table = list(csv.DictReader(io.StringIO(shell("index", *words, *more, "--csv").stdout, newline="")))
    answer: list[dict[str, Any]] = shell("index", *words, *more, "--json").json[words[0]]
    assert len(table) == len(answer) > 0
    for row, item in zip(table, answer, strict=True):
        for key in row.keys() & item.keys() - {"uri"}:
            assert row[key] == ("" if item[key] is None else str(item[key]))
    ran = shell("index", *words, *more, "--csv", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")


def test_plans__with_a_uri_that_a_spreadsheet_would_run__has_an_apostrophe(shell: Shell, plan_id: int) -> None:
    table = csv.DictReader(io.StringIO(shell("index", "plans", "--csv").stdout, newline=""))
    (row,) = (each for each in table if each["plan_id"] == format_plan_id(plan_id))
    assert row["uri"] == "'=https://example.com/plan"


def test_lists__for_people__fit_into_80_columns(shell: Shell, plan_id: int) -> None:
    for words in (("orders",), ("revenue",), ("holders", str(plan_id)), ("plans",), ("agents",)):
        assert max(map(len, shell("index", *words).stdout.splitlines())) <= 80


def test_lists__of_nothing__say_so(shell: Shell, plan_id: int) -> None:
    nobody = shell.world.relayer.address
    for words, sentence in {
        ("plans", "--owner", nobody): "There are no plans.",
        ("orders", "--payer", nobody): "There are no orders.",
        ("agents", "--owner", nobody): "There are no agents.",
        ("revenue", "--receiver", nobody): "There is no revenue.",
        ("holders", str(shell.world.register())): "",
    }.items():
        ran = shell("index", *words)
        assert ran.stdout == (f"{sentence}\n" if sentence else "")
        assert ran.exit_code == (0 if sentence else 6)


# ---------------------------------------------------------------- statements


def test_statement__with_an_index__is_that_of_the_chain(shell: Shell, plan_id: int) -> None:
    chain, holder = shell.world.chain, shell.world.subscriber.address
    for words, statement in {
        ("holder", holder): read_holder_statement(chain, holder),
        ("plan", str(plan_id)): read_plan_statement(chain, plan_id),
    }.items():
        assert shell("statement", *words, "--json").json == describe_statement(statement)
        assert shell("statement", *words).stdout == shell("statement", *words, NVM_CHAIN_INDEX="").stdout


def test_statement__with_an_index_and_no_node__is_not_compared(shell: Shell, plan_id: int) -> None:
    compared, holder = shell("statement", "plan", str(plan_id)).stdout, shell.world.subscriber.address
    answers = [shell("statement", *words, "--json").json for words in (("plan", str(plan_id)), ("holder", holder))]
    offline(shell)
    shown = shell("statement", "plan", str(plan_id)).stdout
    assert shown == compared.replace("agrees with the chain", "from the index, and not compared with the chain,")
    assert max(map(len, shown.splitlines())) <= 80
    assert answers == [
        shell("statement", *words, "--json").json for words in (("plan", str(plan_id)), ("holder", holder))
    ]


def test_statement__of_a_plan_that_the_index_does_not_have__says_how_far_it_is(shell: Shell, plan_id: int) -> None:
    head = shell.world.chain.read_block().number
    unknown = shell.world.register()
    offline(shell)
    ran = shell("statement", "plan", str(unknown), "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "UnknownPlan")
    assert f"not in the index up to block {head}" in ran.error["problem"]


def test_agents__of_an_index_without_agents__are_refused(shell: Shell, plan_id: int) -> None:
    chain = shell.world.chain
    open_index("plain.db", chain_id=chain.chain_id, credits=chain.credits.address, create=True).close()
    ran = shell("index", "agents", "--index", "plain.db", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    builder = shell.world.builder.address
    assert shell("index", "holdings", builder, "--index", "plain.db", "--json").json["agents"] == []


def test_statement__that_the_index_has_not_reached__is_refused(shell: Shell, plan_id: int) -> None:
    shell.world.register()
    head = shell.world.chain.read_block().number
    ran = shell("statement", "plan", str(plan_id), "--to-block", str(head + 1), "--json")
    assert (ran.exit_code, ran.error["type"]) == (10, "IndexBehind")


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as server:
        yield server


def test_commands__with_postgresql__answer_the_same_and_never_show_the_password(
    shell: Shell, plan_id: int, postgres: Postgres
) -> None:
    url = postgres.new_database().replace("postgres@", f"postgres:{SECRET}@")
    shell.environment["NVM_CHAIN_INDEX"] = url
    ran = shell("index", "run", "--once", "-v")
    assert ran.exit_code == 0, ran.stderr
    said = ran.stdout + ran.stderr
    for words in (
        ("status",),
        ("verify",),
        ("plans",),
        ("holders", str(plan_id)),
        ("orders",),
        ("revenue",),
        ("agents",),
    ):
        mine, files = (shell("index", *words, "--json", NVM_CHAIN_INDEX=place) for place in (url, "shop.db"))
        said += mine.stdout + mine.stderr
        if words != ("status",):
            assert mine.json == files.json
    assert shell("index", "status", "--json").json["engine"] == "postgresql"
    wrong = url.replace(str(postgres.folder).replace("/", "%2F"), "%2Fnowhere")
    for place in (wrong, f"postgresql://me:{SECRET}@/none?host=%2Fnowhere", f"postgresql://me:{SECRET}@[::1"):
        ran = shell("index", "plans", NVM_CHAIN_INDEX=place)
        assert ran.exit_code in (2, 10)
        said += ran.stdout + ran.stderr
    assert SECRET not in said


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("words", "exit_code", "error"),
    [
        (("plans", "--index", "missing.db"), 10, "IndexUnavailable"),
        (("plans", "--index", "notes.txt"), 10, "WrongDatabase"),
        (("plans", "--index", "mysql://me@db/shop"), 2, "InvalidConfig"),
        (("plans", "--credits", "0x5FbDB2315678afecb367f032d93F642f64180aa4".lower()), 10, "OtherChain"),
        (("plans", "--chain-id", "1"), 10, "OtherChain"),
        (("verify", "--sample", "0"), 2, "InvalidAmount"),
        (("holders", "7"), 6, "UnknownPlan"),
        (("orders", "--from", "2026-02-01", "--to", "2026-01-01"), 2, "InvalidConfig"),
        (("revenue", "--from", "yesterday"), 2, "InvalidConfig"),
    ],
)
def test_command__that_cannot_be__is_refused(
    shell: Shell, plan_id: int, words: tuple[str, ...], exit_code: int, error: str
) -> None:
    (shell.folder / "notes.txt").write_text("Not a database, but longer than a header of one." * 9, "utf-8")
    ran = shell("index", *words, "--json")
    assert (ran.exit_code, ran.error["type"]) == (exit_code, error)


def test_command__with_neither_chain_nor_index__asks_for_one(shell: Shell) -> None:
    offline(shell)
    ran = shell("index", "plans", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "UsageError")


def test_entries__of_the_group__say_what_each_commands_help_says() -> None:
    import click

    from nvm_chain.cli.commands.index import ENTRIES, index_group

    for name, entry in ENTRIES.items():
        command = index_group.get_command(click.Context(index_group), name)
        assert command is not None
        assert (command.name, command.get_short_help_str(limit=200)) == (name, entry.summary)
