"""Verification: an index equals the chain after a random history, and each wrong value of it is named to the unit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import BlockReplaced, IndexBehind, IndexMismatch, OtherChain
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.index.accounts import pack_lots
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.listing import list_agents
from nvm_chain.index.reading import list_plans
from nvm_chain.index.verifying import verify_index
from nvm_chain.types.accounts import Lot
from tests.support.agents import Agents
from tests.support.anvil import open_anvil
from tests.support.calls import encode_call
from tests.support.keeping_worlds import run_keeping_world
from tests.support.lived_index import indexed, live
from tests.support.reverts import reverts
from tests.support.statement_histories import History
from tests.support.world import CREDITS, World


@pytest.fixture(scope="module", params=[41, 42])
def lived(request: pytest.FixtureRequest) -> Iterator[History]:
    """An anvil on which people did things by chance. It keeps the state of every block."""
    with run_keeping_world() as world:
        yield live(world, request.param, 60)


def test_verify__after_a_random_history__finds_no_difference(lived: History, index_url: str) -> None:
    chain = lived.world.chain
    read: list[int] = []
    with indexed(chain, index_url) as index:
        found = verify_index(index, chain, on_read=read.append)
        assert found.differences == ()
        assert (found.is_complete, found.plans, found.agents) == (True, len(lived.plans), 2)
        assert found.block == index.read_state().head
        assert read == [found.accounts]
        assert min(found.accounts, found.credits, found.lots) > 0
        found.check()


def test_verify__at_an_older_block__finds_no_difference(lived: History, index_url: str) -> None:
    chain = lived.world.chain
    half = chain.read_block().number // 2
    with indexed(chain, index_url, to_block=half) as index:
        found = verify_index(index, chain)
        assert (found.block.number, found.differences) == (half, ())


def test_verify__of_a_sample__chooses_the_same_for_the_same_seed(lived: History, index_url: str) -> None:
    chain = lived.world.chain
    with indexed(chain, index_url) as index:
        whole = verify_index(index, chain)
        samples = [verify_index(index, chain, sample=5, seed=seed) for seed in (1, 1, 2, 3)]
        assert {(each.accounts, each.is_complete, each.differences) for each in samples} == {(5, False, ())}
        assert samples[0] == samples[1]
        assert len({each.credits for each in samples}) > 1
        more = verify_index(index, chain, sample=10**6)
        assert (more.accounts, more.credits) == (whole.accounts, whole.credits)


# ---------------------------------------------------------------- what is wrong


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil with a plan, holders and an agent."""
    with run_keeping_world() as world:
        yield world


@pytest.fixture(scope="module")
def shop(node: World) -> World:
    """The same anvil, with an expiring plan, a trial, a settlement's redeemer, and an agent."""
    node.fund(node.subscriber)
    plan_id = node.register(duration=86_400, trial=True)
    node.order(plan_id)
    node.set_fee(250)
    node.send(node.builder, node.credits.functions.setRedeemer(plan_id, node.redeemer.address, True))
    Agents(node).register((plan_id, 1, 5))
    return node


def change(index: Index, statement: str, *values: Any) -> None:
    """Change the index behind its back. Each ``?`` stands for a value."""
    with index.writing() as connection:
        assert index.take_pen(connection).change(statement, values) == 1


WRONG: list[tuple[str, tuple[Any, ...], list[tuple[str, str, str]]]] = [
    (
        "UPDATE accounts SET lots = ?, balance = 99",
        ("99",),
        [
            ("credits of {holder} on plan {plan}", "99", "100"),
            ("lots of {holder} on plan {plan}", "99 until {expiry}", "100 until {expiry}"),
            ("credits of all holders on plan {plan}", "99", "100"),
        ],
    ),
    ("UPDATE accounts SET settled = 1", (), [("credits settled of {holder} on plan {plan}", "1", "0")]),
    ("UPDATE accounts SET access_until = 5", (), [("end of the access of {holder} on plan {plan}", "5", "0")]),
    ("UPDATE accounts SET is_granted = ?", (False,), [("trial taken of {holder} on plan {plan}", "0", "1")]),
    ("DELETE FROM accounts", (), [("accounts, and accounts that have movements", "0", "1")]),
    ("UPDATE movements SET kind = 5", (), [("movements of settlements of {holder} on plan {plan}", "-100", "0")]),
    ("UPDATE plans SET owner = ?", ("other",), [("owner of plan {plan}", "{other}", "{builder}")]),
    ("UPDATE plans SET pending_owner = ?", ("other",), [("pending owner of plan {plan}", "{other}", "None")]),
    ("UPDATE plans SET is_active = ?", (False,), [("active of plan {plan}", "False", "True")]),
    ("UPDATE plans SET uri = ?", ("ipfs://x",), [("uri of plan {plan}", "ipfs://x", "")]),
    ("UPDATE plans SET fee_bps = 7", (), [("fee bps of plan {plan}", "7", "0")]),
    (
        "UPDATE permissions SET account = ?",
        ("other",),
        [("permission of the redeemer {other} on plan {plan}", "given", "none")],
    ),
    ("UPDATE fees SET fee_bps = 251", (), [("protocol fee in basis points", "251", "250")]),
    ("UPDATE fees SET receiver = ?", ("other",), [("receiver of the protocol fee", "{other}", "{fee_receiver}")]),
    ("UPDATE agents SET owner = ?", ("other",), [("owner of agent 1", "{other}", "{builder}")]),
    ("UPDATE agents SET uri = ?", ("ipfs://x",), [("URI of agent 1", "ipfs://x", "https://example.com/agent.json")]),
    ("UPDATE agent_plans SET max_credits = 6", (), [("plans of agent 1", "{plan}=1..6", "{plan}=1..5")]),
    (
        "DELETE FROM agents",
        (),
        [("number of agents", "0", "1")],
    ),
]


@pytest.mark.parametrize(("statement", "values", "expected"), WRONG, ids=[each[0] for each in WRONG])
def test_verify__of_a_wrong_value__names_it_to_the_unit(
    shop: World, index_url: str, statement: str, values: tuple[Any, ...], expected: list[tuple[str, str, str]]
) -> None:
    with indexed(shop.chain, index_url) as index:
        (plan,) = find_one(index, "SELECT plan FROM plans")
        expiry = int.from_bytes(find_one(index, "SELECT lots FROM accounts")[0][8:])
        words = {"other": bytes.fromhex(shop.other.address[2:]), "99": pack_lots([Lot(99, expiry)])}
        change(index, statement, *(words.get(value, value) for value in values))
        found = verify_index(index, shop.chain)
        names = {
            "plan": format_plan_id(int.from_bytes(plan)),
            "expiry": expiry,
            "holder": shop.subscriber.address,
            **{name: getattr(shop, name).address for name in ("other", "builder", "fee_receiver")},
        }
        told = [(item.what, str(item.by_index), str(item.by_chain)) for item in found.differences]
        assert told == [tuple(part.format(**names) for part in each) for each in expected]
        assert {item.block_number for item in found.differences} == {found.block.number}
        with reverts(found.differences[0]):
            found.check()


def test_verify__of_uris_that_are_not_text__compares_what_the_index_keeps(node: World, tmp_path: Path) -> None:
    snapshot, provider = node.take_snapshot(), node.chain.web3.provider
    plan_id, agents = node.register(uri="a\0b", signer=node.stranger), Agents(node)
    agent_id = agents.register((plan_id, 1, 1), signer=node.stranger, uri="a\0b")
    url = f"sqlite:///{tmp_path / 'index.db'}"
    with indexed(node.chain, url) as index:
        assert verify_index(index, node.chain).differences == ()
    for function in (
        node.credits.functions.setPlanUri(plan_id, "QQQQ"),
        agents.functions.setAgentUri(agent_id, "QQQQ"),
    ):
        data = encode_call(function).replace("51515151", "51ff0051")
        call = {"from": node.stranger.address, "to": function.address, "data": data}
        assert "result" in provider.make_request("eth_sendTransaction", [call])  # type: ignore[arg-type]
    with indexed(node.chain, url) as index:
        assert verify_index(index, node.chain).differences == ()
        shown = "Q\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}Q"
        assert [plan.uri for plan in list_plans(index, owner=node.stranger.address)] == [shown]
        assert [agent.uri for agent in list_agents(index, owner=node.stranger.address)] == [shown]
        change(index, "UPDATE plans SET uri = 'Q' WHERE plan = ?", plan_id.to_bytes(32))
        (found,) = verify_index(index, node.chain).differences
        assert (found.by_index, found.by_chain) == ("Q", shown)
    node.revert_to(snapshot)


def find_one(index: Index, query: str) -> Any:
    """Return the only row of a query."""
    with index.snapshot() as connection:
        return connection.exec_driver_sql(query).one()


def test_verify__of_a_sum_of_movements__is_the_balance_of_lasting_credits(node: World, index_url: str) -> None:
    snapshot = node.take_snapshot()
    node.fund(node.subscriber)
    plan_id = node.register()
    node.order(plan_id)
    with indexed(node.chain, index_url) as index:
        with index.writing() as connection:
            pen = index.take_pen(connection)
            assert pen.change("UPDATE movements SET amount = 98 WHERE plan = ?", (plan_id.to_bytes(32),)) == 1
        (found,) = verify_index(index, node.chain).differences
    what = f"sum of the movements of {node.subscriber.address} on plan {format_plan_id(plan_id)}"
    assert (found.what, found.by_index, found.by_chain) == (what, 98, CREDITS)
    assert isinstance(found, IndexMismatch)
    node.revert_to(snapshot)


def test_verify__of_an_index_without_blocks_or_of_others__is_refused(node: World, index_url: str) -> None:
    chain = node.chain
    empty = open_index(index_url, chain_id=chain.chain_id, credits=chain.credits.address, first_block=3, create=True)
    with reverts(IndexBehind(empty.label, 2, 3)):
        verify_index(empty, chain)
    elsewhere = open_anvil(str(chain.label))
    deploy_all(elsewhere, elsewhere.accounts[1])
    with reverts(OtherChain(empty.label, "Credits", chain.credits.address, elsewhere.credits.address)):
        verify_index(empty, elsewhere)
    empty.close()


def test_verify__of_a_block_that_the_chain_replaced__is_refused(node: World, index_url: str) -> None:
    snapshot = node.take_snapshot()
    node.register()
    with indexed(node.chain, index_url) as index:
        provider: Any = node.chain.web3.provider
        provider.make_request("anvil_reorg", [1, []])
        with reverts(BlockReplaced(node.chain.read_block().number)):
            verify_index(index, node.chain)
    node.revert_to(snapshot)
