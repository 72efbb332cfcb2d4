"""Splits: the attacker arranges who is paid, so that somebody is paid twice, nobody is, or orders can be stopped by others.

They name one receiver many times, themselves, the payer, the token, the registry, the quoter or nobody; they chop an order up to keep the
rounding; they are blocked, or take no coin. Splits are the plan's own terms: whatever they are, the payer pays the sum and no more, and
other plans go on (C8, C9, C29, C34, C36; I6, I8).
"""

import pytest

from nvm_chain.errors import InvalidFeeReceiver, InvalidSplit, PaymentFailed, TooManySplits
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books, fee_of, share_of
from tests.support.reverts import reverts
from tests.support.signed import bring, order_of, sign
from tests.support.world import CREDITS, MAX_UINT, ZERO, World

FEE_BPS = 999
ODD = 10_007
"""No multiple of anything that rounding would hide behind."""


def books_of(world: World, *, coin: bool = False) -> Books:
    """Watch everybody."""
    return Books(
        world,
        COIN if coin else world.usdc,
        payer=world.subscriber.address,
        builder=world.builder.address,
        partner=world.partner.address,
        protocol=world.fee_receiver.address,
        stranger=world.stranger.address,
    )


@pytest.mark.parametrize("count", [2, 16])
@pytest.mark.parametrize("in_coin", [False, True], ids=["token", "coin"])
def test_order__with_one_receiver_many_times__pays_the_sum_once(funded: World, count: int, in_coin: bool) -> None:
    """Duplicates: each split is paid for itself, and each one's fee is rounded for itself."""
    funded.set_fee(FEE_BPS)
    splits = tuple(Split(funded.builder.address, ODD + index) for index in range(count))
    plan_id = funded.register(splits=splits, token=ZERO if in_coin else funded.usdc.address)
    books, cost = books_of(funded, coin=in_coin), sum(split.amount for split in splits)
    receipt = funded.order(plan_id, value=cost if in_coin else 0)
    fee = fee_of(splits, FEE_BPS)
    assert books.changes(receipt) == {"payer": -cost, "builder": cost - fee, "protocol": fee}


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("receiver", ["zero", "credits"])
def test_register_plan__that_pays_nobody_or_credits__is_refused(world: World, receiver: str, position: int) -> None:
    """C34: what is sent there is lost."""
    nobody = world.chain.web3.to_checksum_address(ZERO)
    bad = Split(nobody if receiver == "zero" else world.credits.address, 5)
    splits = [Split(world.builder.address, 1), Split(world.builder.address, 1)]
    splits[position] = bad
    with reverts(InvalidSplit(position, bad.receiver, 5)):
        world.register(splits=tuple(splits))
    with reverts(InvalidFeeReceiver(world.credits.address)):
        world.set_fee(FEE_BPS, world.credits.address)


def test_register_plan__with_seventeen_splits__is_refused(world: World) -> None:
    """C33."""
    with reverts(TooManySplits(17, 16)):
        world.register(splits=(Split(world.builder.address, 1),) * 17)


@pytest.mark.parametrize("role", ["subscriber", "fee_receiver", "stranger"])
def test_order__that_pays_back_to_who_takes_part__moves_the_difference(funded: World, role: str) -> None:
    """C36: self-payments cost the payer the fee, and earn nobody anything."""
    funded.set_fee(FEE_BPS)
    receiver = getattr(funded, role)
    splits = (Split(receiver.address, ODD), Split(funded.builder.address, 1))
    plan_id = funded.register(splits=splits, signer=funded.stranger)
    books = books_of(funded)
    funded.order(plan_id)
    fee = fee_of(splits, FEE_BPS)
    expected = {"payer": -ODD - 1, "builder": share_of(splits[1], FEE_BPS), "protocol": fee, "stranger": 0}
    expected[{"subscriber": "payer", "fee_receiver": "protocol", "stranger": "stranger"}[role]] += ODD - fee
    assert books.changes() == {name: change for name, change in expected.items() if change}


@pytest.mark.parametrize("contract", ["token", "registry", "plain", "wallet"])
def test_order__that_pays_a_contract__pays_it_tokens_and_asks_it_nothing(funded: World, contract: str) -> None:
    """Contracts as payees: no hook runs for a token, and what they do with it is their matter."""
    receiver = {
        "token": lambda: funded.usdc.address,
        "registry": lambda: funded.chain.agents.address,
        "plain": lambda: funded.deploy("RejectsCoin").address,
        "wallet": lambda: funded.deploy("ReentersOnCoin").address,
    }[contract]()
    before = funded.tokens(receiver)
    plan_id = funded.register(splits=(Split(receiver, ODD),))
    if contract == "token":  # Circle's token refuses itself as a receiver
        with reverts(PaymentFailed(funded.usdc.address, funded.subscriber.address, receiver, ODD)):
            funded.order(plan_id)
        return
    funded.order(plan_id)
    assert funded.tokens(receiver) - before == ODD


@pytest.mark.parametrize("contract", ["registry", "credits-twin", "plain"])
def test_order__that_pays_coin_to_a_contract_without_use_for_it__fails_whole(world: World, contract: str) -> None:
    """C34: no coin gets stuck in a contract that would never give it back."""
    receiver = {
        "registry": lambda: world.chain.agents.address,
        "credits-twin": lambda: world.deploy("Credits", world.fee_owner.address).address,
        "plain": lambda: world.deploy("RejectsCoin").address,
    }[contract]()
    plan_id = world.register(token=ZERO, splits=(Split(world.builder.address, 1), Split(receiver, ODD)))
    with reverts(PaymentFailed(ZERO, world.subscriber.address, receiver, ODD)):
        world.order(plan_id, value=ODD + 1)
    assert world.coins(receiver) == 0


@pytest.mark.parametrize("way", ["order", "authorization"])
def test_order__with_one_receiver_blocked__stops_that_plan_and_no_other(funded: World, way: str) -> None:
    """C8: payment is all or nothing, by design: a plan whose receiver is blocked sells nothing until another is registered."""
    bad = (Split(funded.builder.address, ODD), Split(funded.partner.address, ODD), Split(funded.other.address, ODD))
    plan_id, healthy = funded.register(splits=bad), funded.register(splits=bad[:1])
    funded.order(plan_id)
    funded.send(funded.fee_owner, funded.usdc.functions.blacklist(funded.partner.address))
    holder, books = funded.subscriber.address, books_of(funded)
    order = order_of(funded, plan_id, max_cost=3 * ODD)
    call = (
        funded.credits.functions.order(plan_id, holder, 1, MAX_UINT)
        if way == "order"
        else bring(funded, order, sign(funded, order))
    )
    source = holder if way == "order" else funded.credits.address
    with reverts(PaymentFailed(funded.usdc.address, source, funded.partner.address, ODD)):
        funded.send(funded.subscriber, call)
    assert (books.changes(), funded.balance(plan_id, holder)) == ({}, CREDITS)
    funded.send(funded.subscriber, funded.credits.functions.redeem(plan_id, holder, 5, bytes(32)))
    funded.order(healthy)
    funded.send(funded.fee_owner, funded.usdc.functions.unBlacklist(funded.partner.address))
    funded.send(funded.subscriber, call)
    assert funded.balance(plan_id, holder) == 2 * CREDITS - 5


def test_order__while_the_token_is_paused__loses_nothing_and_goes_on_after(funded: World) -> None:
    """C9: no state is left between; redemptions need no token at all."""
    plan_id, holder = funded.register(), funded.subscriber
    funded.order(plan_id)
    funded.send(funded.fee_owner, funded.usdc.functions.pause())
    books = books_of(funded)
    with pytest.raises(PaymentFailed):
        funded.order(plan_id)
    funded.send(holder, funded.credits.functions.redeem(plan_id, holder.address, 10, bytes(32)))
    assert books.changes() == {}
    funded.send(funded.fee_owner, funded.usdc.functions.unpause())
    funded.order(plan_id)
    assert funded.balance(plan_id, holder.address) == 2 * CREDITS - 10


@pytest.mark.parametrize("amount", [1, 9, 10, 11])
def test_order__chopped_up__dodges_no_more_fee_than_the_terms_give_away(funded: World, amount: int) -> None:
    """C29: a fee is rounded down within one order, so what can be dodged is below one base unit for each order and split."""
    funded.set_fee(1000)
    plan_id = funded.register(splits=(Split(funded.builder.address, amount),))
    books = books_of(funded)
    for _ in range(10):
        funded.order(plan_id)
    chopped = books.changes().get("protocol", 0)
    books = books_of(funded)
    funded.order(plan_id, quantity=10)
    at_once = books.changes()["protocol"]
    assert (at_once, 0 <= at_once - chopped < 10) == (amount, True)
    assert books.changes()["payer"] == -10 * amount
