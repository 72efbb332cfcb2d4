"""Meters for tests: an engine on books in a database, a buyer who signs, and views that need no chain."""

import secrets
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import Binding, Level, binding_context, build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.session_terms import SessionTerms, build_session_terms
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher
from tests.support.accounts import PLAN, REDEEMER, SERVICE
from tests.support.meter_stores import CHAIN_ID, CREDITS, open_books, see_balance

BODY: Final = b'{"question": "tea?"}'
REQUEST: Final = Request(SERVICE, "POST", "/ask?topic=tea", hash_body(BODY))
BALANCE: Final = 1_000


@dataclass
class GivenViews:
    """Views with the same balance for every account. ``failures`` are raised first, one for each reading."""

    balance: int = BALANCE
    read: list[AccountKey] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    writer: Writer | None = None

    def want(self, key: AccountKey) -> "Future[None]":
        """Put the view of an account into the books of the writer."""
        assert self.writer is not None
        self.read.append(key)
        done = Future[None]()
        if self.failures:
            done.set_exception(self.failures.pop(0))
        else:
            self.writer.give(see_balance(self.balance, key=key), lambda _: done.set_result(None))
        return done


@dataclass
class Buyer:
    """A holder with a key."""

    account: LocalAccount = field(default_factory=lambda: Account.from_key("0x" + "5a" * 32))

    @property
    def key(self) -> AccountKey:
        """The buyer's account on the tests' plan."""
        return AccountKey(PLAN, self.account.address)

    def sign(
        self, ceiling: int = 10_000, *, context: bytes = bytes(32), seconds: int = 3_600, **changes: Any
    ) -> SignedVoucher:
        """Sign a voucher. Each has another deadline or context, or is the same."""
        parts: dict[str, Any] = {"holder": self.account.address, "redeemer": REDEEMER, **changes}
        where = {"chain_id": parts.pop("chain_id", CHAIN_ID), "contract": parts.pop("contract", CREDITS)}
        plan_id, signer = parts.pop("plan_id", PLAN), parts.pop("signer", self.account)
        deadline = int(time.time()) + seconds
        voucher = build_voucher(plan_id, ceiling=ceiling, context=context, deadline=deadline, **parts)
        return sign_voucher(signer, voucher, **where)

    def pay(
        self, request: Request = REQUEST, ceiling: int = 10_000, *, level: Level = Level.FULL, **changes: Any
    ) -> VoucherCredential:
        """Return a voucher for one request."""
        binding = bind(request, level)
        return VoucherCredential(self.sign(ceiling, context=binding_context(binding), **changes), binding)

    def open_terms(
        self, limit: int = 500, *, seconds: int = 3_600, **limits: Any
    ) -> tuple[SignedVoucher, SessionTerms]:
        """Return the terms of a session, and the voucher that opens it."""
        terms = build_session_terms(
            PLAN, holder=self.account.address, limit=limit, end=int(time.time()) + seconds, **limits
        )
        return self.sign(10_000, context=terms.context, seconds=seconds + 1), terms


def bind(request: Request, level: Level = Level.FULL) -> Binding:
    """Return the binding of a request, with an id of its own."""
    body = request.body or "-"
    return build_binding(request.service, request.method, request.target, body, secrets.token_hex(8), level=level)


def build_settings(level: Level = Level.FULL, exposure: int = 100_000, **changes: Any) -> MeterSettings:
    """Return the settings of a meter with one service on one plan."""
    terms = ServiceTerms(SERVICE, {PLAN: Policy(exposure)}, level)
    return MeterSettings(CHAIN_ID, CREDITS, REDEEMER, {SERVICE: terms}, **changes)


def build_meter(writer: Writer, settings: MeterSettings | None = None, views: GivenViews | None = None) -> Meter:
    """Return a meter on a writer's books, whose views are given."""
    views = views or GivenViews()
    views.writer = writer
    return Meter(writer, settings or build_settings(), views)


@asynccontextmanager
async def running(
    url: str, settings: MeterSettings | None = None, views: GivenViews | None = None
) -> AsyncIterator[Meter]:
    """Open a meter, and close it after the block."""
    meter = build_meter(Writer(open_books(url)), settings, views)
    try:
        yield meter
    finally:
        await meter.close()


def held(outcome: Any) -> StoredHold:
    """Return a hold, and fail for a kept answer."""
    assert isinstance(outcome, StoredHold), outcome
    return outcome
