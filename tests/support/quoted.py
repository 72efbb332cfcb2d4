"""Plans of two receivers whose price a quoter names: make one, order it, ask its price, watch who is paid."""

from typing import Any, Final

from web3.contract.contract import Contract, ContractFunction

from tests.support.books import Books, open_books_of_sale
from tests.support.signed import plan_of_two
from tests.support.world import MAX_UINT, World

MAX_COST: Final = 2**128 - 1
"""The dearest quote that counts."""


def register_quoted(world: World, quoter: Contract, **changes: Any) -> int:
    """Register a plan with a quoter and return its id."""
    return world.register(**{**plan_of_two(world), **changes}, quoter=quoter.address)


def order_quoted(world: World, plan_id: int, quantity: int = 1, max_cost: int = MAX_UINT) -> ContractFunction:
    """Return the subscriber's call that orders a plan for themselves."""
    return world.credits.functions.order(plan_id, world.subscriber.address, quantity, max_cost)


def ask_quote(world: World, plan_id: int, quantity: int = 1, payer: str | None = None) -> int:
    """Read what an order costs, for the subscriber if nobody else is named."""
    return int(world.read(world.credits.functions.quote(plan_id, payer or world.subscriber.address, quantity)))


def open_quoted_books(world: World) -> Books:
    """Start to watch everybody who may be paid."""
    return open_books_of_sale(world, world.usdc, third=world.other.address)
