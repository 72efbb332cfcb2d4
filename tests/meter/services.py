"""Services for tests of the engine: a time plan, a plan without vouchers, people who sign in, and views of all of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from nvm_chain.meter.admission import Policy
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.windows import WindowPolicy, WindowView
from tests.support.accounts import PLAN, REDEEMER, SERVICE
from tests.support.meter_stores import CHAIN_ID, CREDITS, open_books, see_balance, see_head

TIME_PLAN: Final = 300
FREE_PLAN: Final = 301
"""A plan of credits whose rule lets the redeemer redeem."""
ORIGIN: Final = "https://api.example.com"
ANN: Final[LocalAccount] = Account.from_key("0x" + "a1" * 32)
BOB: Final[LocalAccount] = Account.from_key("0x" + "b2" * 32)
SIGNER: Final[LocalAccount] = Account.from_key("0x" + "c3" * 32)
"""A redeemer whose key the tests have."""


@dataclass
class PlanViews:
    """Views of accounts. On the time plan, access lasts as long as is said here, for every account."""

    access_seconds: int = 1_000
    balance: int = 1_000
    read: list[AccountKey] = field(default_factory=list)
    writer: Writer | None = None

    def want(self, key: AccountKey) -> "Future[None]":
        """Put the view of an account into the books of the writer."""
        assert self.writer is not None
        self.read.append(key)
        done = Future[None]()
        change: Any = see_balance(self.balance, key=key)
        if key.plan_id == TIME_PLAN:
            change = SeeWindow(key, (WindowView(1, int(time.time()) + self.access_seconds),), 0)
        self.writer.give(change, lambda _: done.set_result(None))
        return done


def build_terms(service: str = SERVICE, **changes: Any) -> ServiceTerms:
    """Return the terms of a service on three plans: one of vouchers, one without, and one of time."""
    parts: dict[str, Any] = {
        "policies": {PLAN: Policy(100_000), FREE_PLAN: Policy(100_000, by_vouchers=False)},
        "windows": {TIME_PLAN: WindowPolicy(max_open=2)},
        **changes,
    }
    return ServiceTerms(service, **parts)


def build_plans(*terms: ServiceTerms, redeemer: Any = REDEEMER, **changes: Any) -> MeterSettings:
    """Return the settings of a meter to which people can sign in."""
    services = {each.service: each for each in terms or (build_terms(),)}
    return MeterSettings(CHAIN_ID, CREDITS, redeemer, services, **{"origins": (ORIGIN,), **changes})


@asynccontextmanager
async def opened(
    url: str, settings: MeterSettings | None = None, views: PlanViews | None = None, **parts: Any
) -> AsyncIterator[Meter]:
    """Open a meter, and close it after the block."""
    views = views or PlanViews()
    views.writer = Writer(open_books(url))
    try:
        meter = Meter(views.writer, settings or build_plans(), views, **parts)
        try:
            yield meter
        finally:
            await meter.close()
    finally:
        views.writer.close()


async def write(meter: Meter, account: str = ANN.address, **changes: Any) -> SignInMessage:
    """Return a sign-in message with a new nonce of a meter."""
    challenge = await meter.challenge()
    parts: dict[str, Any] = {
        "origin": challenge.origins[0],
        "service": SERVICE,
        "chain_id": challenge.chain_id,
        "nonce": challenge.nonce,
        "now": challenge.issued_at,
        **changes,
    }
    return build_sign_in(account, **parts)


def sign(message: SignInMessage, signer: LocalAccount = ANN) -> bytes:
    """Return the signature of a message."""
    return bytes(signer.sign_message(encode_defunct(text=message.text)).signature)


async def sign_in(meter: Meter, signer: LocalAccount = ANN, *, plan_id: int | None = None, **changes: Any) -> str:
    """Sign in, and return the token."""
    message = await write(meter, signer.address, **changes)
    token, _ = await meter.sign_in(message.text, sign(message, signer), plan_id=plan_id)
    return token


async def move_head(meter: Meter, head_time: int) -> None:
    """Let the latest block have a time."""
    await asyncio.to_thread(meter.writer.run, partial(see_head, head_time=head_time))
