"""How many requests each read takes, as its docstring says: every request is a round trip, and often money."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from nvm_chain.chain import Chain
from nvm_chain.credits import can_redeem, mint_credits, read_account, read_balance, read_balances
from nvm_chain.orders import order_plan
from nvm_chain.plans import is_minter, is_redeemer, quote_plan, read_plan, read_terms
from nvm_chain.tokens import read_allowance, read_token_balance, read_token_info
from nvm_chain.types import RegisteredPlan
from tests.support.world import World

NUMBERS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5, "Six": 6}
Read: TypeAlias = Callable[[World, int], Any]


def said(function: Any) -> int:
    """Return the number of requests that a docstring says it makes."""
    match = re.search(r"\b([A-Z][a-z]+) requests?\b", function.__doc__ or "")
    assert match, function
    return NUMBERS[match[1]]


READS: dict[Any, Read] = {
    read_plan: lambda world, plan_id: read_plan(world.chain, plan_id),
    read_terms: lambda world, plan_id: read_terms(world.chain, plan_id),
    quote_plan: lambda world, plan_id: quote_plan(world.chain, world.other.address, plan_id),
    is_redeemer: lambda world, plan_id: is_redeemer(world.chain, plan_id, world.other.address),
    is_minter: lambda world, plan_id: is_minter(world.chain, plan_id, world.other.address),
    read_balance: lambda world, plan_id: read_balance(world.chain, plan_id, world.other.address),
    read_balances: lambda world, plan_id: read_balances(world.chain, [(plan_id, world.other.address)] * 9),
    read_account: lambda world, plan_id: read_account(world.chain, plan_id, world.other.address),
    can_redeem: lambda world, plan_id: can_redeem(world.chain, plan_id, world.other.address, 1),
    read_token_info: lambda world, plan_id: read_token_info(world.chain, world.usdc.address),
    read_token_balance: lambda world, plan_id: read_token_balance(world.chain, world.usdc.address, world.other.address),
    read_allowance: lambda world, plan_id: read_allowance(world.chain, world.usdc.address, world.other.address),
    Chain.read_code: lambda world, plan_id: world.chain.read_code(world.credits.address),
    Chain.has_code: lambda world, plan_id: world.chain.has_code(world.other.address),
    Chain.read_coin_balance: lambda world, plan_id: world.chain.read_coin_balance(world.other.address),
    Chain.read_fees: lambda world, plan_id: world.chain.read_fees(),
    Chain.estimate_gas: lambda world, plan_id: world.chain.estimate_gas(
        world.other.address, "0x", world.builder.address
    ),
    Chain.build_transaction: lambda world, plan_id: world.chain.build_transaction(
        world.other.address, "0x", world.builder.address
    ),
}


@pytest.mark.parametrize(("function", "use"), READS.items(), ids=lambda value: getattr(value, "__qualname__", ""))
def test_read__makes_as_many_requests_as_it_says(
    world: World, plan: RegisteredPlan, requests_made: list[str], function: Any, use: Read
) -> None:
    use(world, plan.plan_id)
    assert len(requests_made) == said(function), requests_made


def test_send__makes_seven_requests_if_it_is_mined_at_once(
    world: World, plan: RegisteredPlan, requests_made: list[str]
) -> None:
    mint_credits(world.chain, world.builder, plan.plan_id, world.other.address, 1)
    assert requests_made[:6] == [
        "eth_getBalance",
        "eth_getBlockByNumber",
        "eth_maxPriorityFeePerGas",
        "eth_estimateGas",
        "eth_getTransactionCount",
        "eth_sendRawTransaction",
    ]
    assert set(requests_made[6:]) == {"eth_getTransactionReceipt"}


@pytest.mark.parametrize(("approved", "transactions"), [(True, 1), (False, 2)])
def test_order_plan__sends_as_many_transactions_as_it_says(
    world: World, plan: RegisteredPlan, requests_made: list[str], approved: bool, transactions: int
) -> None:
    world.fund(world.subscriber, amount=10**9)
    if not approved:
        world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    requests_made.clear()
    order_plan(world.chain, world.subscriber, plan.plan_id)
    assert requests_made.count("eth_sendRawTransaction") == transactions
