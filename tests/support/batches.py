"""Batches of vouchers from the redeemer, and wallets that hold credits."""

from typing import Any

from web3.contract.contract import Contract

from tests.support.events import taken
from tests.support.signed import FOREVER, TRANSACTION_GAS, Item, register_with_redeemer, settle, settled
from tests.support.world import NO_CONTEXT, World

BALANCE = 100


def register_for_two(world: World, **changes: Any) -> int:
    """Register a plan with the redeemer approved, and give 100 credits each to the subscriber and the other account."""
    plan_id = register_with_redeemer(world, **changes)
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, BALANCE)
    return plan_id


def settle_batch(world: World, plan_id: int, *items: Item, gas: int = TRANSACTION_GAS) -> list[tuple[int, int]]:
    """Settle as the redeemer, and return the outcomes. Checks that the simulated call and the events agree."""
    function, redeemer = settle(world, plan_id, *items), world.redeemer.address
    outcomes: list[tuple[int, int]] = [tuple(outcome) for outcome in world.read(function, redeemer)]
    receipt = world.send_with_gas(world.redeemer, function, gas)
    amounts = [amount for amount, _ in outcomes if amount]
    moves = [taken(redeemer, item.holder, plan_id, got) for item, (got, _) in zip(items, outcomes, strict=True) if got]
    events = world.events(receipt)
    assert [event for event in events if event[0] == "TransferSingle"] == moves
    assert events[-1] == settled(plan_id, redeemer, len(amounts), sum(amounts))
    return outcomes


def wallet_item(holder: str, *, signature: bytes = b"", ceiling: int = 5) -> Item:
    """Return an item with a wallet's voucher that claims the whole ceiling."""
    return Item(holder, ceiling, ceiling, NO_CONTEXT, FOREVER, signature)


def deploy_wallet(world: World, plan_id: int, name: str, *arguments: Any) -> Contract:
    """Deploy a wallet that holds 100 credits of the plan."""
    wallet = world.deploy(name, *arguments)
    world.grant(plan_id, wallet.address, BALANCE)
    return wallet
