"""The largest of everything fits a transaction of 2^24 gas, which EIP-7825 makes the most there is (C33; I10)."""

import pytest
from eth_utils.address import to_checksum_address

from nvm_chain.types.prices import Split
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.world import MAX_FEE_BPS, MAX_UINT, ZERO, World

ACCOUNTS = 500
"""New holders without code that one batch can serve, also where the code is optimized for size, as mutants are."""
BURNERS = 70
"""Receivers that burn all the gas they get, in one batch."""


def _accounts(count: int) -> list[str]:
    return [to_checksum_address((0x7000 + index).to_bytes(20, "big")) for index in range(count)]


def _sixteen(world: World) -> tuple[Split, ...]:
    return tuple(Split(account, 1000 + index) for index, account in enumerate(_accounts(16)))  # type: ignore[arg-type]


def test_limits__order_with_sixteen_splits_in_a_token__fits_many_times(funded: World) -> None:
    funded.set_fee(1000)
    plan_id = funded.register(splits=_sixteen(funded))
    receipt = funded.order(plan_id)
    assert funded.balance(plan_id, funded.subscriber.address) == 100
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 16


def test_limits__order_with_sixteen_splits_in_coin__fits_many_times(world: World) -> None:
    world.set_fee(1000)
    plan_id = world.register(token=ZERO, splits=_sixteen(world))
    cost = world.read(world.credits.functions.quote(plan_id, ZERO, 1))
    receipt = world.order(plan_id, value=cost)
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 16


def test_limits__registration_with_sixteen_splits__fits_many_times(world: World) -> None:
    function = world.credits.functions.registerPlan(
        world.terms(splits=_sixteen(world)).as_tuple(), bytes(32), "x" * 200, MAX_FEE_BPS
    )
    assert world.send(world.builder, function)["gasUsed"] < TRANSACTION_GAS_CAP // 16


def test_limits__batch_of_new_accounts__fits_up_to_hundreds(world: World) -> None:
    plan_id, holders = world.register(), _accounts(ACCOUNTS)
    function = world.credits.functions.mintBatch(plan_id, holders, [1] * ACCOUNTS)
    receipt = world.send_with_gas(world.builder, function, TRANSACTION_GAS_CAP)
    assert receipt["status"] == 1
    balances = world.read(world.credits.functions.balanceOfBatch(holders, [plan_id] * ACCOUNTS))
    assert balances == [1] * ACCOUNTS


def test_limits__batch_of_receivers_that_burn_gas__fits_up_to_dozens(world: World) -> None:
    """C12, C33: at the worst, with one honest holder at the end."""
    plan_id, burner = world.register(), world.deploy("BurnsGasInHook").address
    to = [*[burner] * BURNERS, world.other.address]
    function = world.credits.functions.mintBatch(plan_id, to, [1] * len(to))
    receipt = world.send_with_gas(world.builder, function, TRANSACTION_GAS_CAP)
    assert receipt["status"] == 1
    assert world.balance(plan_id, world.other.address) == 1


def test_limits__batch_that_is_too_large__changes_nothing(world: World) -> None:
    plan_id, burner = world.register(), world.deploy("BurnsGasInHook").address
    to = [world.other.address, *[burner] * (BURNERS + 20)]
    function = world.credits.functions.mintBatch(plan_id, to, [1] * len(to))
    receipt = world.send_with_gas(world.builder, function, TRANSACTION_GAS_CAP)
    assert receipt["status"] == 0
    assert world.balance(plan_id, world.other.address) == 0


@pytest.mark.parametrize("held", [1, 40])
def test_limits__order_by_a_holder_of_much__costs_the_same(funded: World, held: int) -> None:
    """DESIGN 6: what was bought before does not make the next purchase dearer."""
    plan_id = funded.register()
    for _ in range(held):
        function = funded.credits.functions.order(plan_id, funded.subscriber.address, 1, MAX_UINT)
        funded.send_with_gas(funded.subscriber, function, 300_000)
    used = funded.order(plan_id)["gasUsed"]
    assert used < 75_000
