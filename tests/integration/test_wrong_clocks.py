"""Every call that signs with a deadline, or reckons with one, on a machine whose clock is wrong: the later of both clocks counts."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import AuthorizationExpired, VoucherExpired
from nvm_chain.operations.named_orders import order_once
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.settlement_forecast import forecast_outcomes
from nvm_chain.operations.signed_orders import check_signed_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS
from tests.support.world import PRICE, World

DAY = 86_400
SKEWS = pytest.mark.parametrize("skew", [-3 * DAY, -120, 0, 120, 3 * DAY])
SLACK = 5
"""Seconds that may go by on the chain during a test."""


def by(method: Any) -> Callable[[World, int], str]:
    """Return what orders by a method, and the hash of its transaction."""
    return lambda world, plan_id: (
        order_plan(world.chain, world.subscriber, plan_id, payment_method=method).transaction.hash
    )


def under_a_name(world: World, plan_id: int) -> str:
    """Order under a name, and return the hash of the transaction."""
    return order_once(world.chain, world.subscriber, plan_id, "invoice-17").receipt.transaction.hash


def read_deadline(world: World, transaction_hash: str) -> int:
    """Return the last second in which what was signed for an order counts."""
    sent = world.chain.read_sent_transaction(transaction_hash)
    function, found = world.credits.decode_function_input(sent["input"])
    if function.fn_name == "orderWithPermit":
        return int(found["permit"]["deadline"])
    return int(found["authorization"]["validBefore"]) - 1


SIGNED = {"permit": by("permit"), "authorization": by("authorization"), "name": under_a_name}


@SKEWS
@pytest.mark.parametrize("order", SIGNED.values(), ids=SIGNED)
def test_order__with_a_signature_and_a_wrong_clock__is_paid_and_counts_from_the_later(
    skewed: World, skew: int, order: Callable[[World, int], str]
) -> None:
    world, plan_id = skewed, skewed.register()
    begin = max(world.now, int(time.time())) + SIGNATURE_SECONDS
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    deadline = read_deadline(world, order(world, plan_id))
    assert 0 <= deadline - begin <= SLACK
    assert world.spent(world.subscriber) == PRICE


@SKEWS
def test_voucher__with_a_wrong_clock__is_forecast_and_checked_alike(skewed: World, skew: int) -> None:
    """One that has an hour left by the later clock counts, and one that is over by either does not."""
    world, plan_id = skewed, skewed.register()
    chain, holder, builder = world.chain, world.subscriber, world.builder.address
    world.grant(plan_id, holder.address, 10)
    good = sign_next_voucher(chain, holder, plan_id, redeemer=builder, cost=4, valid_seconds=3600)
    assert check_voucher(chain, good).available == 4
    [told] = forecast_outcomes(chain, plan_id, [good], redeemer=builder)
    assert (told.amount, told.result) == (4, SettlementResult.SETTLED)
    world.mine_at(good.voucher.deadline + 1)
    with pytest.raises(VoucherExpired):
        check_voucher(chain, good)
    [told] = forecast_outcomes(chain, plan_id, [good], redeemer=builder)
    assert (told.amount, told.result) == (0, SettlementResult.EXPIRED)


@pytest.mark.parametrize("ahead", [0, 3 * DAY])
def test_what_is_signed__over_by_this_machines_clock_alone__is_over(
    funded: World, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """A chain that makes no blocks stands still: its latest block's time is not the time."""
    world, plan_id = funded, funded.register()
    chain, holder, builder = world.chain, world.subscriber, world.builder.address
    world.grant(plan_id, holder.address, 10)
    voucher = sign_next_voucher(chain, holder, plan_id, redeemer=builder, cost=4, valid_seconds=3600)
    order = sign_plan_order(chain, holder, plan_id, valid_seconds=3600)
    moment = world.now + ahead
    monkeypatch.setattr(time, "time", lambda: float(moment))
    [told] = forecast_outcomes(chain, plan_id, [voucher], redeemer=builder)
    if not ahead:
        check_voucher(chain, voucher)
        check_signed_order(chain, order)
        assert told.result is SettlementResult.SETTLED
        return
    with pytest.raises(VoucherExpired):
        check_voucher(chain, voucher)
    with pytest.raises(AuthorizationExpired):
        check_signed_order(chain, order)
    assert told.result is SettlementResult.EXPIRED


def test_read_time__of_a_chain_ahead_of_this_machine__is_the_next_blocks(embedded_chain: Chain) -> None:
    """What is sent now is in the next block at the earliest, and not in the latest."""
    world = World(embedded_chain)
    snapshot = world.take_snapshot()
    world.mine_at(world.now + 10_000_000)
    blocks = world.chain.web3.eth
    latest, following = blocks.get_block("latest")["timestamp"], blocks.get_block("pending")["timestamp"]
    told = world.chain.read_time()
    world.revert_to(snapshot)
    assert latest < told == following
