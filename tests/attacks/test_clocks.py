"""Clocks: the attacker's machine, or a builder of blocks, has another time than the client, and deadlines should pass for that reason.

What is signed counts from the later of the chain's clock and this machine's, which may be two minutes off either way, and is over as soon
as either says so. Around each second the contract is exact; a drift of seconds changes who is in time by as much and no more (C32, P15; I9).
"""

import time
from typing import Any

import pytest

from nvm_chain.errors import AuthorizationExpired, VoucherExpired
from nvm_chain.operations.credits import has_access, read_account
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.signed_orders import check_signed_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.vouchers import verify_voucher
from tests.support.batches import register_for_two
from tests.support.plans import expiring, from_purchase
from tests.support.signed import EXPIRED, SETTLED, settle, sign_item
from tests.support.world import CREDITS, World

SKEWS = pytest.mark.parametrize("skew", [-120, -1, 0, 1, 120])
DAY = 86_400


@SKEWS
def test_voucher__signed_and_checked_with_a_wrong_clock__counts_by_the_later(skewed: World, skew: int) -> None:
    """P15: valid for five seconds from the later of both clocks."""
    plan_id, holder = register_for_two(skewed), skewed.subscriber
    chain, builder = skewed.chain, skewed.builder
    signed = sign_next_voucher(chain, holder, plan_id, redeemer=builder.address, cost=5, valid_seconds=5)
    assert 0 <= signed.voucher.deadline - (max(skewed.now, int(time.time())) + 5) <= 5
    assert check_voucher(chain, signed).available == 5
    skewed.mine_at(signed.voucher.deadline + 1)
    with pytest.raises(VoucherExpired):
        check_voucher(chain, signed)


@SKEWS
def test_signed_order__signed_and_checked_with_a_wrong_clock__counts_by_the_later(skewed: World, skew: int) -> None:
    plan_id = skewed.register()
    signed = sign_plan_order(skewed.chain, skewed.subscriber, plan_id, valid_seconds=5)
    assert 0 <= signed.order.valid_before - (max(skewed.now, int(time.time())) + 6) <= 5
    check_signed_order(skewed.chain, signed)
    skewed.mine_at(signed.order.valid_before)
    with pytest.raises(AuthorizationExpired):
        check_signed_order(skewed.chain, signed)


@SKEWS
def test_access_and_balance__read_with_a_wrong_clock__are_the_chains(skewed: World, skew: int) -> None:
    holder = skewed.subscriber.address
    window, lots = skewed.register(**from_purchase(DAY)), skewed.register(**expiring(DAY))
    skewed.order(window)
    end = skewed.now + DAY
    skewed.order(lots)
    skewed.mine_at(end - 60)  # on anvil time goes on meanwhile
    assert has_access(skewed.chain, window, holder)
    assert read_account(skewed.chain, lots, holder).balance == CREDITS
    skewed.mine_at(end + 60)
    assert not has_access(skewed.chain, window, holder)
    assert read_account(skewed.chain, lots, holder).balance == 0


@SKEWS
def test_verify_voucher__offline_without_a_time__is_as_wrong_as_the_clock(skewed: World, skew: int) -> None:
    """P15's limit, as documented: offline there is no other clock. Whoever must be exact gives the chain's time."""
    plan_id, holder = register_for_two(skewed), skewed.subscriber
    signed = sign_next_voucher(skewed.chain, holder, plan_id, redeemer=skewed.builder.address, cost=5, valid_seconds=60)
    place: dict[str, Any] = {"chain_id": skewed.chain.chain_id, "contract": skewed.credits.address}
    assert verify_voucher(signed, **place, now=skewed.chain.read_time()) == signed.voucher
    if int(time.time()) > signed.voucher.deadline:
        assert skew == 120
        with pytest.raises(VoucherExpired):
            verify_voucher(signed, **place)
    else:
        assert verify_voucher(signed, **place) == signed.voucher


@pytest.mark.parametrize("drift", [-15, 15])
def test_settle__with_a_builder_of_blocks_that_drifts__changes_who_is_in_time_and_nothing_else(
    world: World, drift: int
) -> None:
    """C32: of vouchers that end one second apart, those up to the block's second are taken, each by its own ceiling."""
    plan_id, due = register_for_two(world), world.now + 100
    items = [
        sign_item(world, plan_id, world.subscriber, ceiling, deadline=due + drift + offset)
        for ceiling, offset in ((1, -1), (2, 0), (3, 1))
    ]
    world.mine_at(due + drift - 5)
    world.send_at(due + drift, world.redeemer, settle(world, plan_id, items[0], items[1]))
    assert read_account(world.chain, plan_id, world.subscriber.address).settled == 2
    outcomes = world.read(settle(world, plan_id, items[0], items[2]), world.redeemer.address)
    assert [tuple(each) for each in outcomes] == [(0, EXPIRED), (1, SETTLED)]


def test_settle_vouchers__with_one_that_ends_while_it_is_sent__settles_the_others(world: World) -> None:
    """C32, I8: a batch does not fail for the one that came a second late."""
    plan_id, builder = register_for_two(world), world.builder
    late, good = (
        sign_next_voucher(world.chain, holder, plan_id, redeemer=builder.address, cost=5, valid_seconds=seconds)
        for holder, seconds in ((world.subscriber, 3), (world.other, 300))
    )
    world.mine_at(late.voucher.deadline + 1)
    receipt = settle_vouchers(world.chain, builder, plan_id, [late, good])
    assert [outcome.amount for outcome in receipt.outcomes] == [0, 5]
