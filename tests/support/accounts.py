"""Accounts of the meter with a view as deep as needed, for tests that look at one term at a time."""

from typing import Any, Final

from msgspec.structs import replace

from nvm_chain.errors import RequestRefused
from nvm_chain.meter.admission import Admitted, Case, Policy, admit
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account, charge
from nvm_chain.meter.view_changes import replace_view
from nvm_chain.meter.views import Lot, View
from nvm_chain.types.addresses import parse_address

HOLDER: Final = parse_address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
REDEEMER: Final = parse_address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
SERVICE: Final = "did:nv:" + "0" * 63 + "7"
NOW: Final = 1_800_000_000
PLAN: Final = 255
POLICY: Final = Policy(exposure=10_000)
SESSION: Final = Authority(b"\1" * 32, AuthorityKind.SESSION, PLAN, HOLDER, HOLDER, start=NOW, end=NOW + 10_000)


def build_view(
    block_number: int, balance: int, *, time: int = 0, lots: tuple[tuple[int, int], ...] = (), **more: Any
) -> View:
    """Return a view. Its time is that of a chain with a block a second, if not given."""
    parts: dict[str, Any] = {
        "lots": tuple(Lot(*lot) for lot in lots),
        "ended": tuple(Lot(*lot) for lot in more.pop("ended", ())),
    }
    numbers = {"settled": 0, "taken": 0, **more}
    return View(block_number, block_number.to_bytes(32), time or NOW + block_number, balance, **numbers, **parts)


def build_account(balance: int, **changes: Any) -> Account:
    """Return an account whose credits are there since long ago, with a voucher for everything."""
    account = Account(PLAN, HOLDER, ceiling=10_000, ceiling_end=NOW + 10_000)
    account = replace_view(account, build_view(1, balance, time=NOW), depth=0, now=NOW)
    return replace(account, **changes)


def ask(account: Account, credits: int, *, now: int = NOW, **parts: Any) -> Admitted | RequestRefused:
    """Return what the rule of admission says to a request."""
    authority = parts.get("authority", SESSION)
    request = Ask(credits, parts.get("service", SERVICE), parts.get("context", bytes(32)))
    return admit(Case(account, authority, request, parts.get("policy", POLICY), now))


def serve(account: Account, credits: int, *, now: int = NOW, **parts: Any) -> Account:
    """Return the account after a request was admitted and charged."""
    outcome = ask(account, credits, now=now, **parts)
    assert isinstance(outcome, Admitted), outcome
    return charge(outcome.account, credits, credits, now)
