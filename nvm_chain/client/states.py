"""The content of a state file: what an account has signed and ordered on each plan, as JSON."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from nvm_chain.errors.fields import Credits, Quantity, Time

VERSION: Final = 1
_NUMBER: Final = re.compile("[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Highest total that a holder's vouchers on a plan allow, in credits. ``deadline`` is the last valid Unix second.

    ``used`` is the total on which the next voucher builds. It is lower than ``total`` if requests cost less than their vouchers
    allowed, and None if it is the same. ``signed`` is how many credits clients have signed within their limits. ``floor`` is what
    a gateway has counted, as it said last. Lower ceilings are not given back, because the gateway has counted without them.
    """

    total: Credits
    deadline: Time
    used: Credits | None = None
    signed: Credits = 0
    floor: Credits = 0


@dataclass(frozen=True, slots=True)
class Orders:
    """How often a budget has ordered a plan, and the Unix second of the last order."""

    count: Quantity
    last: Time


NO_ORDERS: Final = Orders(0, 0)


@dataclass(frozen=True, slots=True)
class State:
    """All accounts of a file: their ceilings and their orders, by the DID of the plan."""

    accounts: dict[str, dict[str, Ceiling]]
    orders: dict[str, dict[str, Orders]]


Kept = TypeVar("Kept")


def format_state(state: State) -> str:
    """Format a state as JSON. Numbers are text, because JSON readers lose digits above 2**53."""
    written: dict[str, Any] = {"version": VERSION, "accounts": _write(state.accounts, _write_ceiling)}
    if state.orders:
        written["orders"] = _write(state.orders, lambda orders: {"count": orders.count, "last": orders.last})
    return json.dumps(written, indent=1, sort_keys=True) + "\n"


def _write(
    accounts: Mapping[str, Mapping[str, Kept]], write: Callable[[Kept], dict[str, int]]
) -> dict[str, dict[str, dict[str, str]]]:
    return {
        account: {did: {name: str(n) for name, n in write(kept).items()} for did, kept in plans.items()}
        for account, plans in accounts.items()
        if plans
    }


def _write_ceiling(ceiling: Ceiling) -> dict[str, int]:
    written = {"ceiling": ceiling.total, "deadline": ceiling.deadline}
    if ceiling.used is not None:
        written["used"] = ceiling.used
    written |= {name: n for name, n in (("signed", ceiling.signed), ("floor", ceiling.floor)) if n}
    return written


def parse_state(state: Any) -> State:
    """Parse a state. Raises ValueError if the value is not a state."""
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise ValueError("not a state")
    return State(_read(state.get("accounts"), _read_ceiling), _read(state.get("orders", {}), _read_orders))


def _read(accounts: Any, read: Callable[[Any], Kept]) -> dict[str, dict[str, Kept]]:
    if not isinstance(accounts, dict) or not all(isinstance(plans, dict) for plans in accounts.values()):
        raise ValueError("not accounts")
    return {account: {did: read(kept) for did, kept in plans.items()} for account, plans in accounts.items()}


def _read_ceiling(written: Any) -> Ceiling:
    numbers = _read_numbers(written, {"ceiling", "deadline"}, {"used", "signed", "floor"})
    more = (numbers.get("used"), numbers.get("signed", 0), numbers.get("floor", 0))
    return Ceiling(numbers["ceiling"], numbers["deadline"], *more)


def _read_orders(written: Any) -> Orders:
    numbers = _read_numbers(written, {"count", "last"}, set())
    return Orders(numbers["count"], numbers["last"])


def _read_numbers(written: Any, needed: set[str], more: set[str]) -> dict[str, int]:
    if not isinstance(written, dict) or not needed <= written.keys() <= needed | more:
        raise ValueError("not numbers of a plan")
    if not all(isinstance(number, str) and _NUMBER.fullmatch(number) for number in written.values()):
        raise ValueError("not a number")
    return {name: int(number) for name, number in written.items()}
