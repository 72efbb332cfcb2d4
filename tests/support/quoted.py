"""Plans with two receivers and a price from a quoter: register, order, quote, and compare balances."""

from typing import Any, Final

from web3.contract.contract import Contract, ContractFunction

from tests.support.books import Books, open_books_of_sale
from tests.support.signed import plan_of_two
from tests.support.world import MAX_UINT, World

MAX_COST: Final = 2**128 - 1
"""The highest valid quote."""


def register_quoted(world: World, quoter: Contract, **changes: Any) -> int:
    """Register a plan with a quoter and return its id."""
    return world.register(**{**plan_of_two(world), **changes}, quoter=quoter.address)


def order_quoted(world: World, plan_id: int, quantity: int = 1, max_cost: int = MAX_UINT) -> ContractFunction:
    """Return the call by which the subscriber orders a plan for themselves."""
    return world.credits.functions.order(plan_id, world.subscriber.address, quantity, max_cost)


def ask_quote(world: World, plan_id: int, quantity: int = 1, payer: str | None = None) -> int:
    """Read the cost of an order, by default for the subscriber."""
    return int(world.read(world.credits.functions.quote(plan_id, payer or world.subscriber.address, quantity)))


def open_quoted_books(world: World) -> Books:
    """Read the balances of all parties that may be paid."""
    return open_books_of_sale(world, world.usdc, third=world.other.address)
