"""Replay: the attacker has a signature that counted once, or elsewhere, and brings it again.

On a fork of the chain, at another Credits, after the redeemer was removed and allowed again, after the plan went round to its first
owner. Chain, contract and holder are in what is signed, and a ceiling counts in total, so there is nothing to bring (C16, C17).
"""

import pytest
from eth.exceptions import Revert
from eth_abi.abi import decode as decode_abi
from eth_utils.address import to_checksum_address

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.signing.vouchers import credits_domain
from tests.support.batches import BALANCE, register_for_two, settle_batch
from tests.support.elsewhere import CALLER, Elsewhere
from tests.support.events import selector
from tests.support.signed import ALREADY_SETTLED, NOT_SIGNED, SETTLED, bring, order_of, settle, sign, sign_item
from tests.support.world import PRICE, World

FORKER = to_checksum_address(CALLER)
"""Who calls in `Elsewhere`, and so the redeemer of these plans."""


@pytest.fixture
def forked() -> tuple[World, Elsewhere]:
    """A world of this test's own, and its Credits with all its state, to be called as if on a chain of another id."""
    world = World(open_embedded())
    return world, Elsewhere(world.chain)


def outcomes(elsewhere: Elsewhere, world: World, plan_id: int, *items: object, chain_id: int) -> list[tuple[int, int]]:
    """Settle a batch on the chain of this id, and return what became of it."""
    function = settle(world, plan_id, *items)  # type: ignore[arg-type]
    answer = elsewhere.call(function, chain_id=chain_id, address=world.credits.address)
    return list(decode_abi(["(uint64,uint8)[]"], answer)[0])


def test_settle__on_a_fork__takes_no_voucher_of_the_old_chain_and_those_of_its_own(
    forked: tuple[World, Elsewhere],
) -> None:
    """C17: the same contract with the same balances, at the same address, on a chain with another id."""
    world, elsewhere = forked
    plan_id, here = register_for_two(world), world.chain.chain_id
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, FORKER, True))
    old = sign_item(world, plan_id, world.subscriber, 5, redeemer=FORKER)
    domain = credits_domain(here + 1, world.credits.address)
    new = sign_item(world, plan_id, world.other, 7, redeemer=FORKER, domain=domain)
    assert outcomes(elsewhere, world, plan_id, old, new, chain_id=here) == [(5, SETTLED), (0, NOT_SIGNED)]
    assert outcomes(elsewhere, world, plan_id, old, new, chain_id=here + 1) == [(0, NOT_SIGNED), (7, SETTLED)]


def test_order_with_authorization__on_a_fork__takes_no_order_of_the_old_chain(
    forked: tuple[World, Elsewhere],
) -> None:
    """C17: the nonce names the chain, so not even a token that kept its domain from before the fork would pay."""
    world, elsewhere = forked
    world.fund(world.subscriber)
    order = order_of(world, world.register(), max_cost=PRICE)
    function = bring(world, order, sign(world, order))
    answer = elsewhere.call(function, chain_id=world.chain.chain_id, address=world.credits.address)
    assert int.from_bytes(answer, "big") == PRICE
    with pytest.raises(Revert) as caught:
        elsewhere.call(function, chain_id=world.chain.chain_id + 1, address=world.credits.address)
    assert caught.value.args[0][:4] == selector("AuthorizationFailed(address,address,uint256)")


def test_settle__with_a_redeemer_removed_and_allowed_again__goes_on_from_what_was_settled(world: World) -> None:
    """C16: an old voucher is worth what its ceiling leaves, whatever happened to the redeemer's right in between."""
    plan_id, functions = register_for_two(world), world.credits.functions
    item = sign_item(world, plan_id, world.subscriber, 10)
    assert settle_batch(world, plan_id, item.but(total=4)) == [(4, SETTLED)]
    for allowed in (False, True):
        world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, allowed))
    assert settle_batch(world, plan_id, item, item) == [(6, SETTLED), (0, ALREADY_SETTLED)]


def test_settle__with_the_plan_gone_and_come_back__goes_on_from_what_was_settled(world: World) -> None:
    """C16: the count belongs to plan and holder, not to an owner."""
    plan_id, functions = register_for_two(world), world.credits.functions
    item = sign_item(world, plan_id, world.subscriber, 10)
    assert settle_batch(world, plan_id, item.but(total=4)) == [(4, SETTLED)]
    for owner, next_owner in ((world.builder, world.partner), (world.partner, world.builder)):
        world.send(owner, functions.transferPlanOwnership(plan_id, next_owner.address))
        world.send(next_owner, functions.acceptPlanOwnership(plan_id))
    assert settle_batch(world, plan_id, item, item) == [(6, SETTLED), (0, ALREADY_SETTLED)]


@pytest.mark.parametrize("duration", [0, 86_400], ids=["lasting", "expiring"])
def test_settle__with_everything_burned_and_bought_again__goes_on_from_what_was_settled(
    world: World, duration: int
) -> None:
    """C16: an empty account does not forget what vouchers took, nor where its lots are counted anew."""
    plan_id, holder = register_for_two(world, duration=duration), world.subscriber
    item = sign_item(world, plan_id, holder, 10)
    assert settle_batch(world, plan_id, item) == [(10, SETTLED)]
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, BALANCE - 10))
    world.grant(plan_id, holder.address, BALANCE)
    assert settle_batch(world, plan_id, item, item.but(total=1)) == [(0, ALREADY_SETTLED), (0, ALREADY_SETTLED)]
    assert world.balance(plan_id, holder.address) == BALANCE


def test_settle__with_one_voucher_a_hundred_times_in_a_batch__takes_its_ceiling(world: World) -> None:
    """C16, I4."""
    plan_id = register_for_two(world)
    item = sign_item(world, plan_id, world.subscriber, 10)
    found = settle_batch(world, plan_id, *[item.but(total=total) for total in range(3, 303, 3)])
    assert [amount for amount, _ in found] == [3, 3, 3, 1, *[0] * 96]


def test_settle__with_vouchers_for_two_redeemers_under_one_ceiling__takes_the_ceiling_in_all(world: World) -> None:
    """I4: the second redeemer is let down by the holder, and cannot take more than the holder signed for in all."""
    plan_id, functions = register_for_two(world), world.credits.functions
    world.send(world.builder, functions.setRedeemer(plan_id, world.partner.address, True))
    first = sign_item(world, plan_id, world.subscriber, 10)
    second = sign_item(world, plan_id, world.subscriber, 10, redeemer=world.partner.address)
    assert settle_batch(world, plan_id, first) == [(10, SETTLED)]
    call = settle(world, plan_id, second)
    assert [tuple(each) for each in world.read(call, world.partner.address)] == [(0, ALREADY_SETTLED)]


def test_order_with_authorization__with_the_plan_stopped_and_started_again__is_made_once(world: World) -> None:
    """C16, C24: two relayers race with one order, with the plan switched off and on between them."""
    world.fund(world.subscriber)
    plan_id, functions = world.register(), world.credits.functions
    order = order_of(world, plan_id, max_cost=PRICE)
    call = bring(world, order, sign(world, order))
    world.send(world.relayer, call)
    for active in (False, True):
        world.send(world.builder, functions.setPlanActive(plan_id, active))
    receipt = world.send_with_gas(world.stranger, call, 2_000_000)
    assert (receipt["status"], world.events(receipt)) == (0, [])
    assert world.balance(plan_id, world.subscriber.address) == 100
