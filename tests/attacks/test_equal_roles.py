"""One account in several roles of an order: all ways to deal them to two accounts, in a token and in coin (C36, I6)."""

from itertools import product

import pytest

from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books, fee_of, share_of
from tests.support.events import granted, ordered
from tests.support.world import CREDITS, MAX_UINT, ZERO, World

FEE_BPS = 250
AMOUNTS = (10_000, 7_777)
DEALS = list(product(("payer", "second"), repeat=4))


@pytest.mark.parametrize("in_coin", [False, True], ids=["token", "coin"])
@pytest.mark.parametrize("deal", DEALS, ids="-".join)
def test_order__with_equal_roles__moves_what_a_ledger_says(
    funded: World, deal: tuple[str, str, str, str], in_coin: bool
) -> None:
    """Who gets credits, first split, second split and fee may be the payer or one other: sums are the same always."""
    people = {"payer": funded.subscriber, "second": funded.builder}
    receiver, first, second, protocol = (people[name].address for name in deal)
    funded.set_fee(FEE_BPS, protocol)
    splits = (Split(first, AMOUNTS[0]), Split(second, AMOUNTS[1]))
    plan_id = funded.register(splits=splits, token=ZERO if in_coin else funded.usdc.address)
    names = {name: person.address for name, person in people.items()}
    books = Books(funded, COIN if in_coin else funded.usdc, **names)
    cost = sum(AMOUNTS)
    function = funded.credits.functions.order(plan_id, receiver, 1, MAX_UINT)
    receipt = funded.send(funded.subscriber, function, cost if in_coin else 0)

    ledger = {"payer": -cost, "second": 0}
    for name, split in zip(deal[1:3], splits, strict=True):
        ledger[name] += share_of(split, FEE_BPS)
    ledger[deal[3]] += fee_of(splits, FEE_BPS)
    assert books.changes(receipt) == {name: change for name, change in ledger.items() if change}
    payer = funded.subscriber.address
    assert funded.balance(plan_id, receiver) == CREDITS
    assert funded.events(receipt) == [
        granted(payer, receiver, plan_id, CREDITS),
        ordered(plan_id, payer, receiver, 1, cost),
    ]


def test_order__by_who_is_everything_at_once__works(world: World) -> None:
    """Contract owner, plan owner, only receiver, fee receiver, payer and holder."""
    everyone = world.fee_owner
    world.set_fee(FEE_BPS, everyone.address)
    plan_id = world.register(signer=everyone, splits=(Split(everyone.address, 1000),))
    world.fund(everyone)
    books = Books(world, world.usdc, everyone=everyone.address)
    world.order(plan_id, everyone)
    assert books.changes() == {}
    assert world.balance(plan_id, everyone.address) == CREDITS


def test_redeem__by_a_holder_who_is_redeemer_and_owner__takes_once(world: World) -> None:
    plan_id, owner = world.register(rule=1), world.builder
    functions = world.credits.functions
    world.send(owner, functions.setRedeemer(plan_id, owner.address, True))
    world.grant(plan_id, owner.address, 10)
    world.send(owner, functions.redeem(plan_id, owner.address, 4, bytes(32)))
    assert world.balance(plan_id, owner.address) == 6


def test_set_approval_for_all__of_oneself__changes_nothing(world: World, transferable_plan: int) -> None:
    holder, functions = world.subscriber, world.credits.functions
    world.send(holder, functions.setApprovalForAll(holder.address, True))
    world.send(holder, functions.setApprovalForAll(holder.address, False))
    world.send(holder, functions.burn(transferable_plan, holder.address, 10))
    assert world.balance(transferable_plan, holder.address) == 0
