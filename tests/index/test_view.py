"""View of a meter: accounts after each of the last blocks are the chain's, on both engines and through reorganizations."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import BlockReplaced, IndexBehind, InvalidAddress, InvalidConfig, ReorgTooDeep
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.view import ViewReader
from nvm_chain.index.view_types import AccountState, AccountView
from nvm_chain.operations.plans import read_terms
from nvm_chain.types.accounts import Lot
from nvm_chain.types.events import Block
from nvm_chain.types.plans import Terms
from tests.support.fixtures import keeping_chain as keeping_chain
from tests.support.statement_histories import History
from tests.support.world import ZERO, World

DEPTH = 8


@pytest.fixture
def world(keeping_chain: Any) -> Iterator[World]:
    """An anvil that keeps the states of all blocks."""
    world = World(keeping_chain)
    snapshot = world.take_snapshot()
    yield world
    world.revert_to(snapshot)


@pytest.fixture
def index(world: World, index_url: str) -> Iterator[Index]:
    """An empty index of the world."""
    index = open_index(index_url, chain_id=world.chain.chain_id, credits=world.credits.address, create=True)
    yield index
    index.close()


def sync(world: World, index: Index, to_block: int | None = None) -> Block:
    """Bring the index to a block."""
    head = Follower(world.chain, index, waits=True).sync(to_block)
    assert head is not None
    return head


# ---------------------------------------------------------------- what the chain says


Taken = dict[tuple[int, str], list[tuple[int, int]]]
"""What a redeemer took: for each plan and holder, blocks and amounts."""


def read_truth(world: World, plan_id: int, holder: str, block: int, taken: Taken, terms: Terms) -> AccountState:
    """Ask the chain itself for an account after a block."""
    functions, chain = world.credits.functions, world.chain
    balance, settled, access_until, _ = chain.read(functions.accountOf(plan_id, holder), block=block)
    found = chain.read(functions.lotsOf(plan_id, holder, 0, 500), block=block) if terms.duration else ()
    amount = sum(amount for number, amount in taken.get((plan_id, holder), []) if number <= block)
    period = terms.duration if terms.starts_on_purchase else 0
    return AccountState(balance, settled, amount, access_until, tuple(Lot(*lot) for lot in found), period)


def read_taken(world: World, redeemer: str) -> Taken:
    """Add up what a redeemer took: its redemptions, and its settlements' transfers to nobody."""
    events, taken = world.credits.events, Taken()
    for event in events.Redeemed.get_logs(from_block=0, argument_filters={"redeemer": redeemer}):
        key = event["args"]["planId"], event["args"]["holder"]
        taken.setdefault(key, []).append((event["blockNumber"], event["args"]["amount"]))
    settled = {event["transactionHash"] for event in events.Settled.get_logs(from_block=0)}
    for event in events.TransferSingle.get_logs(from_block=0, argument_filters={"operator": redeemer, "to": ZERO}):
        if event["transactionHash"] in settled:
            key = event["args"]["id"], event["args"]["from"]
            taken.setdefault(key, []).append((event["blockNumber"], event["args"]["value"]))
    return taken


def check_view(world: World, index: Index, history: History) -> None:
    """Compare the view after each of the last blocks, and the least funds over all of them, with the chain."""
    redeemer, pairs = world.builder.address, pairs_of(history)
    one, deep = ViewReader(index, [redeemer], 1), ViewReader(index, [redeemer], DEPTH)
    head = index.read_state().head
    assert head is not None
    view, taken = deep.read(pairs), read_taken(world, redeemer)
    assert view.block == head
    truths: dict[tuple[int, str], list[AccountState]] = {pair: [] for pair in pairs}
    terms = {plan_id: read_terms(world.chain, plan_id) for plan_id in history.plans.values()}
    for number in range(head.number, head.number - DEPTH, -1):
        block = world.chain.read_block(number)
        at_block = one.read(pairs, block)
        assert at_block.block == block
        for pair in pairs:
            truth = read_truth(world, *pair, number, taken, terms[pair[0]])
            check_state(at_block.accounts[pair], truth, block.timestamp)
            truths[pair].append(truth)
    for pair in pairs:
        second = head.timestamp
        least = min(evaluate(truth, second) + truth.taken for truth in truths[pair])
        assert view.accounts[pair].least_funds(second) == least
        assert view.accounts[pair].access_until == min(truth.access_until for truth in truths[pair])


def pairs_of(history: History) -> list[tuple[int, Any]]:
    return [(plan_id, person.address) for plan_id in history.plans.values() for person in history.people]


def evaluate(truth: AccountState, second: int) -> int:
    """Return a balance of the chain at a later second, by what ended meanwhile."""
    if truth.lots:
        return sum(lot.credits for lot in truth.lots if lot.expires_at > second)
    if truth.period_seconds:
        return -(-max(0, truth.access_until - second) // truth.period_seconds)
    return truth.stored


def check_state(account: AccountView, truth: AccountState, second: int) -> None:
    assert account.balance(second) == truth.stored
    assert (account.settled, account.taken, account.access_until) == (truth.settled, truth.taken, truth.access_until)
    assert account.lots(second) == tuple(lot for lot in truth.lots if lot.expires_at > second)


# ---------------------------------------------------------------- equal to the chain


@pytest.mark.parametrize("seed", [1])
def test_read__of_a_random_history_with_reorganizations__is_the_chain_after_each_block(
    world: World, index: Index, seed: int
) -> None:
    history = History(world, seed)
    history.run(25)
    sync(world, index)
    for steps in (3, 8):
        snapshot = world.take_snapshot()
        history.run(steps)
        sync(world, index)
        world.revert_to(snapshot)
        history.run(steps + 4)
        sync(world, index)
        check_view(world, index, history)


# ---------------------------------------------------------------- depth


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan of which the owner and a redeemer may redeem the subscriber's credits. Nobody has any."""
    plan_id = world.register(rule=RedemptionRule.OWNER)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    return plan_id


def funds(world: World, index: Index, plan_id: int, depth: int) -> int:
    sync(world, index)
    view = ViewReader(index, [world.redeemer.address], depth).read([(plan_id, world.subscriber.address)])
    return view.accounts[plan_id, world.subscriber.address].least_funds(view.block.timestamp)


def test_least_funds__of_a_grant__counts_when_its_block_is_deep_enough(
    world: World, index: Index, plan_id: int
) -> None:
    world.grant(plan_id, world.subscriber.address, 10)
    seen = []
    for _ in range(4):
        seen.append([funds(world, index, plan_id, depth) for depth in (1, 2, 3, 4)])
        world.mine_at(world.now + 1)
    assert seen == [[10, 0, 0, 0], [10, 10, 0, 0], [10, 10, 10, 0], [10, 10, 10, 10]]


def test_least_funds__of_a_burn__are_less_at_once(world: World, index: Index, plan_id: int) -> None:
    world.grant(plan_id, world.subscriber.address, 10)
    for _ in range(3):
        world.mine_at(world.now + 1)
    world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, 4))
    assert [funds(world, index, plan_id, depth) for depth in (1, 2, 3)] == [6, 6, 6]


def test_least_funds__of_a_redemption_by_our_key__stay(world: World, index: Index, plan_id: int) -> None:
    world.grant(plan_id, world.subscriber.address, 10)
    for _ in range(3):
        world.mine_at(world.now + 1)
    redeem = world.credits.functions.redeem(plan_id, world.subscriber.address, 4, bytes(32))
    world.send(world.redeemer, redeem)
    assert [funds(world, index, plan_id, depth) for depth in (1, 2, 3)] == [10, 10, 10]
    world.send(world.builder, redeem)  # the owner's key is not ours
    assert [funds(world, index, plan_id, depth) for depth in (1, 2, 3)] == [6, 6, 6]


def test_least_funds__of_a_lot__end_at_its_second_without_a_block(world: World, index: Index) -> None:
    plan_id = world.register(duration=100)
    world.grant(plan_id, world.subscriber.address, 10)
    end = world.now + 100
    sync(world, index)
    account = (
        ViewReader(index, [], 1).read([(plan_id, world.subscriber.address)]).accounts[plan_id, world.subscriber.address]
    )
    assert [account.least_funds(second) for second in (end - 1, end, end + 1)] == [10, 0, 0]
    assert [account.balance(second) for second in (end - 1, end, end + 1)] == [10, 0, 0]
    assert (account.next_end(world.now), account.next_end(end)) == (end, None)


# ---------------------------------------------------------------- what was taken is kept


def test_read__again_after_later_and_replaced_redemptions__counts_each_once(
    world: World, index: Index, plan_id: int
) -> None:
    subscriber = world.subscriber.address
    world.grant(plan_id, subscriber, 50)
    reader = ViewReader(index, [world.redeemer.address], 2)
    redeem = world.credits.functions.redeem(plan_id, subscriber, 3, bytes(32))

    def taken(block: Block | None = None) -> int:
        return reader.read([(plan_id, subscriber)], block).accounts[plan_id, subscriber].taken

    first = sync(world, index)
    assert taken() == 0
    snapshot = world.take_snapshot()
    for count in (3, 6):
        world.send(world.redeemer, redeem)
        sync(world, index)
        assert taken() == count
    assert taken(first) == 0
    world.revert_to(snapshot)
    world.send(world.redeemer, redeem)
    world.mine_at(world.now + 5)
    sync(world, index)
    assert taken() == 3


def test_read__of_redemptions_older_than_any_rollback__counts_them_once(
    world: World, index: Index, plan_id: int
) -> None:
    subscriber = world.subscriber.address
    world.grant(plan_id, subscriber, 50)
    world.send(world.redeemer, world.credits.functions.redeem(plan_id, subscriber, 3, bytes(32)))
    reader = ViewReader(index, [world.redeemer.address], 2)
    seen = []
    for _ in range(3):
        world.chain.web3.provider.make_request("anvil_mine", [hex(300)])  # type: ignore[arg-type]
        world.send(world.redeemer, world.credits.functions.redeem(plan_id, subscriber, 1, bytes(32)))
        head = sync(world, index)
        seen += [reader.read([(plan_id, subscriber)]).accounts[plan_id, subscriber].taken for _ in range(2)]
        at_before = reader.read([(plan_id, subscriber)], world.chain.read_block(head.number - 1))
        seen.append(at_before.accounts[plan_id, subscriber].taken)
    assert seen == [4, 4, 3, 5, 5, 4, 6, 6, 5]


# ---------------------------------------------------------------- edges


def test_read__of_an_account_and_a_plan_that_never_were__is_empty(world: World, index: Index, plan_id: int) -> None:
    sync(world, index)
    pairs = [(plan_id, world.stranger.address), (1, world.stranger.address)]
    view = ViewReader(index, [world.redeemer.address], 5).read(pairs)
    assert {pair: account.states for pair, account in view.accounts.items()} == dict.fromkeys(pairs, (AccountState(),))


def test_read__of_more_accounts_than_one_statement_reads__has_each(world: World, index: Index, plan_id: int) -> None:
    holders = [f"0x{number:040x}" for number in range(1, 451)]
    mint = world.credits.functions.mintBatch
    for start in range(0, 450, 90):
        some = holders[start : start + 90]
        world.send(world.builder, mint(plan_id, some, [int(holder, 16) for holder in some]))
    sync(world, index)
    view = ViewReader(index, [world.redeemer.address], 1).read([(plan_id, holder) for holder in holders])
    assert [account.balance(view.block.timestamp) for account in view.accounts.values()] == list(range(1, 451))


def test_reader__of_a_depth_that_no_index_remembers__says_so(index: Index) -> None:
    ViewReader(index, [], 256)
    with pytest.raises(InvalidConfig, match="Depth is 257"):
        ViewReader(index, [], 257)
    with pytest.raises(InvalidAddress):
        ViewReader(index, ["0x12"], 1)


def test_read__of_an_empty_index__says_what_it_waits_for(index: Index, world: World) -> None:
    with pytest.raises(IndexBehind) as caught:
        ViewReader(index, [], 1).read([(1, world.subscriber.address)])
    assert caught.value.wanted == 0


def test_read__of_a_block_that_is_not_in_the_index__says_why(world: World, index: Index, plan_id: int) -> None:
    world.chain.web3.provider.make_request("anvil_mine", [hex(300)])  # type: ignore[arg-type]
    head, pairs = sync(world, index), [(plan_id, world.subscriber.address)]
    reader = ViewReader(index, [], 1)
    with pytest.raises(IndexBehind):
        reader.read(pairs, Block(head.number + 1, head.hash, head.timestamp))
    with pytest.raises(BlockReplaced) as replaced:
        reader.read(pairs, Block(head.number, "0x" + "11" * 32, head.timestamp))
    assert replaced.value.block_number == head.number
    floor = index.read_state().undo_floor
    assert floor is not None
    reader.read(pairs, world.chain.read_block(floor))
    with pytest.raises(ReorgTooDeep) as deep:
        reader.read(pairs, world.chain.read_block(floor - 1))
    assert (deep.value.block_number, deep.value.oldest) == (floor - 1, floor)


def test_read__of_a_change_that_the_index_does_not_remember__counts_the_account_as_empty_before(
    world: World, index: Index, plan_id: int
) -> None:
    world.grant(plan_id, world.subscriber.address, 10)
    world.mine_at(world.now + 1)
    head = sync(world, index)
    with index.writing() as connection:  # as after a first sync that kept nothing of these blocks
        for statement in ("DELETE FROM account_undo", f"UPDATE state SET undo_floor = {head.number}"):
            connection.exec_driver_sql(statement).close()
    assert [funds(world, index, plan_id, depth) for depth in (1, 2, 3)] == [10, 10, 0]


# ---------------------------------------------------------------- a race with the follower


def test_read__while_the_follower_writes__is_one_blocks_truth(world: World, index: Index, index_url: str) -> None:
    plan_id = world.register(transferable=True)
    giver, taker = world.subscriber.address, world.stranger.address
    world.grant(plan_id, giver, 1000)
    start = sync(world, index)
    truth = {start.hash: (1000, 0)}

    def give(count: int, given: int) -> list[Block]:
        send = world.credits.functions.safeTransferFrom(giver, taker, plan_id, 1, b"")
        blocks = []
        for number in range(count):
            world.send(world.subscriber, send)
            blocks.append(world.chain.read_block())
            truth[blocks[-1].hash] = (1000 - given - number - 1, given + number + 1)
        return blocks

    seen, stop = set[str](), threading.Event()

    def look() -> None:
        own = open_index(index_url)
        reader, pairs = ViewReader(own, [world.redeemer.address], 1), [(plan_id, giver), (plan_id, taker)]
        while not stop.is_set():
            view = reader.read(pairs)
            balances = tuple(account.balance(view.block.timestamp) for account in view.accounts.values())
            assert balances == truth[view.block.hash]
            seen.add(view.block.hash)
        own.close()

    with ThreadPoolExecutor() as pool:
        looking = pool.submit(look)
        try:
            for _ in range(3):
                snapshot = world.take_snapshot()
                for block in give(12, 0):
                    sync(world, index, block.number)
                world.revert_to(snapshot)
        finally:
            stop.set()
        looking.result()
    assert len(seen) >= 10
