"""The tables of an index: equal to a plain model and to statements, however the logs are cut, and after any rollback."""

import random
from typing import Any

import pytest
from eth_typing import ChecksumAddress
from web3 import Web3

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.index.accounts import load_ledger
from nvm_chain.index.catalogue import read_terms
from nvm_chain.index.database import Index
from nvm_chain.index.kinds import EventKind, MovementCode, place_of
from nvm_chain.index.logs import CREDITS_TOPICS
from nvm_chain.statements.history import find_settled
from nvm_chain.statements.movements import build_facts
from nvm_chain.statements.types import MovementKind
from nvm_chain.types.addresses import format_address
from nvm_chain.types.events import Event
from tests.assurance.invariants.rebuilt import Rebuilt
from tests.seeds import choose_seeds
from tests.support.canned_logs import CONTRACTS, CannedBlock, LogWriter
from tests.support.index_tables import feed, head_of, open_new, read_tables, without_memory
from tests.support.lived_histories import live

STEPS = 350
SEEDS = (11, 12)
CREDITS: Any = Web3().eth.contract(CONTRACTS.credits, abi=read_artifact("Credits").abi)


@pytest.fixture
def index(index_url: str) -> Any:
    made = open_new(index_url)
    yield made
    made.close()


def decode_events(blocks: list[CannedBlock]) -> list[Event]:
    """Decode the logs of Credits with web3, as the chain's statements have them."""
    found = []
    for block in blocks:
        for number, log in enumerate(block.logs):
            if log["address"] == CONTRACTS.credits.lower():
                name = EventKind(CREDITS_TOPICS[log["topics"][0]]).event_name
                told = {**log, "topics": [bytes.fromhex(topic[2:]) for topic in log["topics"]]}
                numbers = {"blockNumber": block.block.number, "logIndex": number, "transactionIndex": 0}
                hashes = {"data": bytes.fromhex(log["data"][2:]), "address": CONTRACTS.credits}
                arguments = CREDITS.events[name]().process_log({**told, **numbers, **hashes})["args"]
                place = block.block.number, block.block.hash, log["transactionHash"], number
                found.append(Event(name, arguments, *place, block.block.timestamp))
    return found


def name_movements(index: Index) -> list[tuple[Any, ...]]:
    """Return the movements of an index in the words of statements."""
    return sorted(
        (place, MovementCode(kind).name, int.from_bytes(plan), holder, amount, party)
        for holder, plan, place, _, kind, amount, party in read_tables(index)["movements"]
    )


@pytest.mark.parametrize("mood", ["usual", "numbers"])
@pytest.mark.parametrize("seed", choose_seeds(*SEEDS))
def test_movements__random_history__are_those_of_statements(index: Index, seed: int, mood: str) -> None:
    blocks, _ = live(seed, STEPS, mood)
    feed(index, blocks, 17)
    events = decode_events(blocks)
    facts = build_facts(events, find_settled(events, head_of(blocks)))
    expected = sorted(
        (
            place_of(*fact.event.place),
            fact.kind.name,
            fact.plan_id,
            _unhex(fact.holder),
            fact.amount,
            _unhex(fact.party),
        )
        for fact in facts
        if fact.kind not in (MovementKind.GIFT, MovementKind.PAYMENT)
    )
    assert len(expected) > 50
    assert name_movements(index) == expected


def _unhex(address: ChecksumAddress | None) -> bytes | None:
    return None if address is None else bytes.fromhex(address[2:])


@pytest.mark.parametrize("mood", ["usual", "numbers"])
@pytest.mark.parametrize("seed", choose_seeds(*SEEDS))
def test_accounts__random_history__equal_a_plain_model(index: Index, seed: int, mood: str) -> None:
    blocks, log = live(seed, STEPS, mood)
    feed(index, blocks, 9, keeps_undo=False)
    model, now = Rebuilt(log), head_of(blocks).timestamp
    tables = read_tables(index)
    terms = {row[0]: read_terms(row[10]) for row in tables["plans"]}
    assert len(tables["accounts"]) > 3
    for plan, holder, *row in tables["accounts"]:
        ledger, key = load_ledger(terms[plan], row), (int.from_bytes(plan), int.from_bytes(holder))
        ledger.advance(now)
        assert ledger.balance == model.balance(*key, now)
        assert (ledger.settled, ledger.access_until) == (model.settled[key], model.until[key])
        lots = [(lot.credits, lot.expires_at) for lot in ledger.lots]
        assert (
            lots
            == [(credits, end) for credits, end in model.lots[key] if end > now and terms[plan].duration][: len(lots)]
        )
        assert not lots or sum(credits for credits, _ in lots) == ledger.balance


@pytest.mark.parametrize("seed", choose_seeds(*SEEDS))
def test_apply__any_cut__gives_the_same_tables(index_url: str, index: Index, tmp_path: Any, seed: int) -> None:
    blocks, _ = live(seed, STEPS)
    expected = without_memory(read_tables(feed(open_new(str(tmp_path / "one.db")), blocks, len(blocks))))
    rng, at = random.Random(seed), 0
    while at < len(blocks):
        size = rng.choice((1, 1, 2, 7, 40))
        feed(index, blocks[at : at + size], size, keeps_undo=rng.random() < 0.5)
        at += size
    assert without_memory(read_tables(index)) == expected
    assert sum(map(len, expected.values())) > 500


@pytest.mark.parametrize("seed", choose_seeds(*SEEDS))
def test_roll_back__to_any_of_64_blocks__equals_a_fresh_index(index: Index, tmp_path: Any, seed: int) -> None:
    blocks, _ = live(seed, STEPS)
    rng, at = random.Random(seed), 0
    for turn in range(6):
        to = rng.randrange(max(at, 1), min(at + 90, len(blocks)))
        feed(index, blocks[at:to], rng.choice((1, 3, 30)))
        back = rng.randrange(max(to - 64, 0), to)
        index.roll_back(blocks[back].block)
        fresh = feed(open_new(str(tmp_path / f"{turn}.db")), blocks[: back + 1], 20)
        assert without_memory(read_tables(index)) == without_memory(read_tables(fresh))
        floor = index.state.undo_floor or 0
        assert fresh.state.head == index.state.head == blocks[back].block
        for name, column in (("account_undo", 2), ("catalogue_undo", 0)):
            kept, made = (read_tables(each)[name] for each in (index, fresh))
            assert [row for row in kept if row[column] > floor] == [row for row in made if row[column] > floor]
        at = back + 1


def test_roll_back__then_another_branch__equals_an_index_that_saw_only_that_branch(index: Index, tmp_path: Any) -> None:
    blocks, _ = live(SEEDS[0], STEPS)
    feed(index, blocks, 25)
    keep = len(blocks) - 40
    index.roll_back(blocks[keep - 1].block)
    other = [_rewrite(block, "other branch") for block in blocks[keep:]]
    feed(index, other, 1)
    fresh = feed(open_new(str(tmp_path / "fresh.db")), [*blocks[:keep], *other], 30)
    assert without_memory(read_tables(index)) == without_memory(read_tables(fresh))


def _rewrite(block: CannedBlock, salt: str) -> CannedBlock:
    """Return a block with the same logs and another hash."""
    writer = LogWriter(block.block.number, salt, block.block.timestamp)
    return CannedBlock(writer.block, [{**log, "blockHash": writer.block.hash} for log in block.logs])


def test_kept_blocks__long_history__are_the_last_256_and_blocks_with_events(index: Index) -> None:
    quiet = [LogWriter(number).canned for number in range(1, 700)]
    loud = LogWriter(3)
    loud.emit(EventKind.ProtocolFeeSet, (7,), (5,))
    quiet[2] = loud.canned
    feed(index, quiet, 50)
    kept = index.kept_blocks()
    assert [block.number for block in kept] == list(range(699, 699 - 256, -1))
    assert kept[0] == quiet[-1].block
    assert [row[0] for row in sorted(read_tables(index)["blocks"])] == [3, *range(444, 700)]
    assert read_tables(index)["fees"] == [(place_of(3), 5, bytes(19) + b"\7")]


def test_agents__random_history__are_those_made_up(index: Index) -> None:
    blocks, _ = live(SEEDS[1], STEPS)
    feed(index, blocks, 13)
    tables = read_tables(index)
    events = [log for block in blocks for log in block.logs if log["address"] != CONTRACTS.credits.lower()]
    owners: dict[int, str] = {}
    links: set[tuple[str, str]] = set()
    for log in events:
        kind, topics = log["topics"][0], log["topics"][1:]
        if kind.startswith("0xddf252ad"):  # Transfer
            owners[int(topics[2], 16)] = topics[1]
        elif kind.startswith("0x9fc14177"):  # PlanAttached
            links.add((topics[0], topics[1]))
        elif kind.startswith("0x1c87d642"):  # PlanDetached
            links.discard((topics[0], topics[1]))
    assert len(owners) > 3
    assert {int.from_bytes(row[0]): format_address(row[1]) for row in tables["agents"]} == {
        agent: format_address(bytes.fromhex(topic[26:])) for agent, topic in owners.items()
    }
    assert {(f"0x{row[0].hex()}", f"0x{row[1].hex()}") for row in tables["agent_plans"]} == links
