"""How often a settler settles at some traffic: items and transactions a day, and what is owed meanwhile.

A holder's credits are due when their oldest charge has some age, or when they are many. After a settlement, it takes a while
until the holder's next request. So a holder comes around once in that while and the age, or sooner if the credits become many.
All numbers are whole, and rounded up. A simulation on real books compares them with what the settler chooses.
"""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors.fields import Coin, Credits, Number, Quantity, Seconds
from nvm_chain.meter.settling.batches import MOST_ITEMS
from nvm_chain.meter.settling.gas import GAS_BY_RULE, GAS_OF_BATCH, GAS_OF_VOUCHER
from nvm_chain.meter.settling.rules import SOON_PERCENT, SettleRules
from nvm_chain.meter.settling.settler import PAUSE_SECONDS
from nvm_chain.types.amounts import check_uint

DAY: Final = 24 * 3_600
BITS: Final = 63


@dataclass(frozen=True, slots=True)
class Traffic:
    """The traffic of a seller. ``holders`` are those who make requests, all alike. ``exposure`` is each one's limit."""

    holders: Quantity
    requests_a_day: Quantity
    credits: Credits = 1
    exposure: Credits = 10_000
    plans: Quantity = 1
    by_vouchers: bool = True

    def __post_init__(self) -> None:
        """Check the numbers. Raises InvalidAmount."""
        for name in ("holders", "requests_a_day", "credits", "exposure", "plans"):
            check_uint(getattr(self, name), BITS, name, minimum=1)


@dataclass(frozen=True, slots=True)
class Settlements:
    """What a settler does at some traffic.

    ``cycle_seconds`` is how often each holder is settled. ``owed`` is what all holders owe at an average moment, and
    ``owed_at_most`` what they could owe if each one used up the exposure.
    """

    cycle_seconds: Seconds
    items_a_day: Quantity
    transactions_a_day: Quantity
    gas_a_day: Quantity
    owed: Credits
    owed_at_most: Credits

    def find_cost(self, gas_price: Coin) -> Coin:
        """Return the cost of a day's settlements in wei, at a gas price in wei. A rollup's fee for data comes on top."""
        return self.gas_a_day * gas_price


def find_settlements(traffic: Traffic, rules: SettleRules) -> Settlements:
    """Return what a settler does at some traffic, by some rules.

    Vouchers that end before the age, and lots that expire, are settled earlier. They are not counted.

    Args:
        traffic: The traffic.
        rules: When to settle.

    Raises:
        InvalidAmount: A number is out of range.
    """
    holders, requests = traffic.holders, traffic.requests_a_day
    gap = divide_up(holders * DAY, requests)
    many = min(rules.credits, divide_up(traffic.exposure * rules.exposure_percent, 100))
    by_size = divide_up(divide_up(many, traffic.credits) * holders * DAY, requests)
    cycle = max(1, min(gap + rules.age_seconds, by_size))
    items = divide_up(holders * DAY, cycle)
    age = max(0, cycle - gap)
    in_age = divide_up(age * requests, holders * DAY)
    owed = divide_up(holders * traffic.credits * age * (2 + in_age), 2 * cycle)
    transactions = _count_transactions(traffic, items)
    gas = transactions * GAS_OF_BATCH + items * (GAS_OF_VOUCHER if traffic.by_vouchers else GAS_BY_RULE)
    return Settlements(cycle, items, transactions, gas, owed, holders * traffic.exposure)


def _count_transactions(traffic: Traffic, items: int) -> int:
    """Return the transactions of a day. Each takes along what is due soon in its plan, so most of them are full."""
    due = divide_up(items, divide_up(DAY, PAUSE_SECONDS) * traffic.plans)
    soon = traffic.holders * (100 - SOON_PERCENT) // (100 * traffic.plans)
    return divide_up(items, min(MOST_ITEMS, due + soon))


def divide_up(amount: Number, by: Number) -> Number:
    """Return a quotient, rounded up.

    >>> divide_up(7, 2), divide_up(6, 2)
    (4, 3)
    """
    return -(-amount // by)
