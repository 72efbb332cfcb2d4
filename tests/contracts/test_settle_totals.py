"""settle, where each item names the total to reach: whatever is sent again, by whomever and after whatever, is taken once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.contract.contract import Contract

from nvm_chain.chain.embedded import LABEL
from nvm_chain.enums import RedemptionRule
from tests.support.batches import BALANCE, deploy_wallet, register_for_two, settle_batch
from tests.support.fuzz import on_chain
from tests.support.reentry import through_many
from tests.support.signed import (
    ALREADY_SETTLED,
    SETTLED,
    SHORT,
    Item,
    settle,
    sign_item,
    unsigned_item,
)
from tests.support.world import World

MAX_64 = 2**64 - 1


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan whose redeemers need no signature, with two of them; subscriber and other hold 100 credits each."""
    plan_id = register_for_two(world, rule=RedemptionRule.REDEEMER)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.relayer.address, True))
    return plan_id


def _account(world: World, plan_id: int, holder: str) -> tuple[int, int]:
    account = world.read(world.credits.functions.accountOf(plan_id, holder))
    return account[0], account[1]


def _batch(world: World, plan_id: int) -> list[Item]:
    """Return one item with a signature and one without, of two holders."""
    return [sign_item(world, plan_id, world.subscriber, 30, total=20), unsigned_item(world.other.address, 9)]


# ---------------------------------------------------------------- again


def test_settle__of_the_same_batch_twice__takes_once(world: World, plan_id: int) -> None:
    batch = _batch(world, plan_id)
    assert settle_batch(world, plan_id, *batch) == [(20, SETTLED), (9, SETTLED)]
    assert settle_batch(world, plan_id, *batch) == [(0, ALREADY_SETTLED)] * 2
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE - 20, 20)
    assert _account(world, plan_id, world.other.address) == (BALANCE - 9, 9)


def test_settle__of_the_same_items_twice_in_a_batch__takes_once(world: World, plan_id: int) -> None:
    batch = _batch(world, plan_id)
    expected = [(20, SETTLED), (9, SETTLED), (0, ALREADY_SETTLED), (0, ALREADY_SETTLED)]
    assert settle_batch(world, plan_id, *batch, *batch) == expected


def test_settle__of_the_same_batch_twice_in_a_transaction__takes_once(world: World, plan_id: int) -> None:
    actor: Contract = world.deploy("Actor")
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, actor.address, True))
    signed = sign_item(world, plan_id, world.subscriber, 30, total=20, redeemer=actor.address)
    call = settle(world, plan_id, signed, unsigned_item(world.other.address, 9))
    world.send(world.stranger, through_many(actor, call, call, call))
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE - 20, 20)
    assert _account(world, plan_id, world.other.address) == (BALANCE - 9, 9)


@pytest.mark.parametrize("more", [0, 1, 5])
def test_settle__of_a_lost_batch_and_one_that_includes_it__takes_the_larger_total(
    world: World, plan_id: int, more: int
) -> None:
    """Whoever does not know whether the first was mined sends a batch of totals anew, and is right both ways."""
    for was_mined in (True, False):
        snapshot = world.take_snapshot()
        if was_mined:
            settle_batch(world, plan_id, *_batch(world, plan_id))
        settle_batch(
            world,
            plan_id,
            sign_item(world, plan_id, world.subscriber, 30, total=20 + more),
            unsigned_item(world.other.address, 9 + more),
        )
        assert _account(world, plan_id, world.subscriber.address) == (BALANCE - 20 - more, 20 + more)
        assert _account(world, plan_id, world.other.address) == (BALANCE - 9 - more, 9 + more)
        world.revert_to(snapshot)


def test_settle__of_a_batch_that_a_reorganisation_took_back__takes_once_in_the_history_that_stays(
    world: World, plan_id: int
) -> None:
    """P4: on anvil by a real one, elsewhere by going back to the block before."""
    batch, snapshot = _batch(world, plan_id), world.take_snapshot()
    settle_batch(world, plan_id, *batch)
    if world.chain.label == LABEL:
        world.revert_to(snapshot)
    else:
        world.chain.web3.provider.make_request("anvil_reorg", [1, []])  # type: ignore[arg-type]
        world.chain.web3.provider.make_request("anvil_dropAllTransactions", [])  # type: ignore[arg-type]
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE, 0)
    assert settle_batch(world, plan_id, *batch) == [(20, SETTLED), (9, SETTLED)]
    assert settle_batch(world, plan_id, *batch) == [(0, ALREADY_SETTLED)] * 2
    assert _account(world, plan_id, world.subscriber.address) == (BALANCE - 20, 20)


@pytest.mark.parametrize(("first", "second"), [("redeemer", "relayer"), ("relayer", "redeemer")])
def test_settle__of_one_batch_by_two_settlers__takes_once(world: World, plan_id: int, first: str, second: str) -> None:
    """Two workers of one seller with one list of totals, of which the second's is a request ahead."""
    holders = (world.subscriber.address, world.other.address)
    early = settle(world, plan_id, *(unsigned_item(holder, 20) for holder in holders))
    late = settle(world, plan_id, *(unsigned_item(holder, 23) for holder in holders))
    for name, call, took in ((first, early, 20), (second, early, 0), (second, late, 3), (first, late, 0)):
        settler = getattr(world, name)
        outcome = (took, SETTLED if took else ALREADY_SETTLED)
        assert [tuple(each) for each in world.read(call, settler.address)] == [outcome] * 2
        world.send(settler, call)
    for holder in holders:
        assert _account(world, plan_id, holder) == (BALANCE - 23, 23)


def test_settle__of_one_batch_by_two_settlers_out_of_order__takes_the_largest_total(world: World, plan_id: int) -> None:
    holder = world.subscriber.address
    for settler, total in ((world.relayer, 23), (world.redeemer, 20), (world.relayer, 22), (world.redeemer, 23)):
        world.send(settler, settle(world, plan_id, unsigned_item(holder, total)))
    assert _account(world, plan_id, holder) == (BALANCE - 23, 23)


# ---------------------------------------------------------------- below, at and above

SETTLED_BEFORE = 7
AROUND = [SETTLED_BEFORE - 1, SETTLED_BEFORE, SETTLED_BEFORE + 1, SETTLED_BEFORE + 2, MAX_64]


@pytest.mark.parametrize("kind", ["key", "wallet"])
@pytest.mark.parametrize("ceiling", [0, *AROUND])
@pytest.mark.parametrize("total", [0, *AROUND])
def test_settle__with_total_and_ceiling_around_what_was_settled__takes_the_lower_above_it(
    world: World, plan_id: int, total: int, ceiling: int, kind: str
) -> None:
    """taken = min(total, ceiling) - what was settled, at most what is there."""
    if kind == "key":
        holder = world.subscriber.address
        before, item = (sign_item(world, plan_id, world.subscriber, top) for top in (SETTLED_BEFORE, ceiling))
    else:
        holder = deploy_wallet(world, plan_id, "SmartWallet", world.stranger.address).address
        before, item = (
            sign_item(world, plan_id, world.stranger, top, holder=holder) for top in (SETTLED_BEFORE, ceiling)
        )
    settle_batch(world, plan_id, before)
    wanted, there = max(min(total, ceiling) - SETTLED_BEFORE, 0), BALANCE - SETTLED_BEFORE
    expected = (min(wanted, there), SHORT if wanted > there else SETTLED if wanted else ALREADY_SETTLED)
    assert settle_batch(world, plan_id, item.but(total=total)) == [expected]
    taken = SETTLED_BEFORE + expected[0]
    assert _account(world, plan_id, holder) == (BALANCE - taken, taken)


@pytest.mark.parametrize("total", [0, *AROUND])
def test_settle__without_signature_with_a_total_around_what_was_settled__takes_what_is_above_it(
    world: World, plan_id: int, total: int
) -> None:
    holder = world.subscriber.address
    settle_batch(world, plan_id, unsigned_item(holder, SETTLED_BEFORE))
    wanted, there = max(total - SETTLED_BEFORE, 0), BALANCE - SETTLED_BEFORE
    expected = (min(wanted, there), SHORT if wanted > there else SETTLED if wanted else ALREADY_SETTLED)
    assert settle_batch(world, plan_id, unsigned_item(holder, total)) == [expected]


def test_settle__short__can_be_brought_again_when_there_is_more(world: World, plan_id: int) -> None:
    """A total that was not reached is reached later by the same item, and no further."""
    holder = world.other.address
    items = [unsigned_item(holder, 130), sign_item(world, plan_id, world.other, 130)]
    for item in items:
        snapshot = world.take_snapshot()
        assert settle_batch(world, plan_id, item) == [(BALANCE, SHORT)]
        assert settle_batch(world, plan_id, item) == [(0, SHORT)]
        world.grant(plan_id, holder, 10)
        assert settle_batch(world, plan_id, item) == [(10, SHORT)]
        world.grant(plan_id, holder, 100)
        assert settle_batch(world, plan_id, item, item) == [(20, SETTLED), (0, ALREADY_SETTLED)]
        world.revert_to(snapshot)


# ---------------------------------------------------------------- one counter


def test_settle__with_and_without_signature__counts_together(world: World, plan_id: int) -> None:
    """A voucher's ceiling is used up by items without signature, and the other way round."""
    holder = world.subscriber
    signed, bare = sign_item(world, plan_id, holder, 10), unsigned_item(holder.address, 10)
    for first, second in ((signed, bare), (bare, signed)):
        snapshot = world.take_snapshot()
        assert settle_batch(world, plan_id, first.but(total=4), second) == [(4, SETTLED), (6, SETTLED)]
        assert settle_batch(world, plan_id, first, second) == [(0, ALREADY_SETTLED)] * 2
        assert _account(world, plan_id, holder.address) == (BALANCE - 10, 10)
        world.revert_to(snapshot)


steps = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(0, 130), st.integers(0, 130)), min_size=1, max_size=6
)


@on_chain
@given(steps=steps)
def test_settle__of_any_items_in_one_batch_and_one_by_one__is_the_same(
    world: World, steps: list[tuple[bool, bool, int, int]]
) -> None:
    """I4, I8: against a model of two numbers for each holder; a batch is nothing but its items in order."""
    plan = register_for_two(world, rule=RedemptionRule.REDEEMER)
    live = {holder.address: BALANCE for holder in (world.subscriber, world.other)}
    counter, items, expected = dict.fromkeys(live, 0), [], []
    for is_other, is_signed, total, ceiling in steps:
        signer = world.other if is_other else world.subscriber
        address = signer.address
        top = min(total, ceiling) if is_signed else total
        took = min(max(top - counter[address], 0), live[address])
        result = ALREADY_SETTLED if top <= counter[address] else SETTLED if took == top - counter[address] else SHORT
        live[address], counter[address] = live[address] - took, counter[address] + took
        expected.append((took, result))
        item = sign_item(world, plan, signer, ceiling, total=total) if is_signed else unsigned_item(address, total)
        items.append(item)
    snapshot = world.take_snapshot()
    assert settle_batch(world, plan, *items) == expected
    accounts = [_account(world, plan, holder) for holder in live]
    assert accounts == [(live[holder], counter[holder]) for holder in live]
    world.revert_to(snapshot)
    assert [settle_batch(world, plan, item)[0] for item in items] == expected
    assert [_account(world, plan, holder) for holder in live] == accounts
