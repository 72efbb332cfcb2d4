"""What a websocket uses and what it pays: credits are held before a message is handed up, or before a minute begins.

The first unit is held before the service is called, and charged when it has accepted the connection. On a time plan, a
connection is one open request. Its hold is replaced with each unit, and at least each minute, so that the books see whether
access is still open.
"""

import asyncio
from contextlib import suppress
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import AnswerNotKept, HoldOver
from nvm_chain.errors.fields import Credits
from nvm_chain.gateway.catalogue import SoldPlan
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.sockets.terms import Unit
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.works import KeptAnswer
from nvm_chain.x402.headers import PAYMENT_RESPONSE, write_header
from nvm_chain.x402.offers import format_network

MINUTE_SECONDS: Final = 60
NEVER: Final = 10**9
"""Seconds until something that does not come."""


class Units:
    """What a websocket of an open endpoint uses: nothing."""

    told: tuple[tuple[str, str], ...] = ()
    """Headers by which the service knows who pays."""
    charged: Credits = 0

    async def begin(self) -> None:
        """Hold the first unit. Raises NvmChainError."""

    def answer(self, chain_id: int) -> Headers:
        """Return the headers with which the connection is accepted."""
        return []

    def accept(self) -> None:
        """Charge the first unit, because the service has accepted the connection."""

    def refuse(self, *, was_sent: bool) -> None:
        """Give the first unit back, because there is no connection."""

    @property
    def seconds_left(self) -> int:
        """After how many seconds `ensure` has something to do."""
        return NEVER

    async def ensure(self) -> None:
        """Begin the next minute if the last one is over. Nothing is handed on before. Raises NvmChainError."""

    async def take_message(self) -> StoredHold | None:
        """Hold what a message costs, if that is not paid yet. Raises NvmChainError."""
        return None

    def spend(self, hold: StoredHold | None) -> None:
        """Charge a message that was handed up."""

    def give_back(self, hold: StoredHold | None) -> None:
        """Give back what was held for a message that was not handed up."""

    async def check(self) -> None:
        """Check that the token is still good. Raises NvmChainError."""

    def finish(self) -> None:
        """End what is still held."""


class PaidUnits(Units):
    """What a websocket of a paid endpoint uses, and who pays."""

    def __init__(self, meter: Meter, token: str, service: str, target: str, plan: SoldPlan, per: Unit) -> None:
        """Take who pays, and for what.

        Args:
            meter: The meter.
            token: The token of a session or a sign-in.
            service: The DID of the service.
            target: The target of the connection.
            plan: The plan, with the cost of a unit.
            per: What is counted.
        """
        self._meter, self._token, self._per = meter, token, per
        self._request = Request(service, "GET", target, hash_body(b""))
        self._is_access = plan.kind is PlanKind.TIME
        self._cost = 0 if self._is_access else plan.min_credits
        """What a unit costs."""
        self._renews = self._is_access or per is Unit.MINUTE
        self._clock = asyncio.get_running_loop().time
        self._until = self._clock()
        self._held: StoredHold | None = None
        self._is_prepaid = False
        self._turn = asyncio.Lock()
        self.charged = 0
        self.told = ()

    # ------------------------------------------------------------------ the beginning

    async def begin(self) -> None:
        """Hold the first unit."""
        hold = self._held = await self._take()
        self.told = (
            ("nvm-holder", hold.key.holder),
            ("nvm-plan", str(hold.key.plan_id)),
            ("nvm-request-id", hold.hold_id.hex()),
        )

    def answer(self, chain_id: int) -> Headers:
        """Return the header PAYMENT-RESPONSE of the first unit."""
        told = dict(self.told)
        response = {
            "success": True,
            "payer": told["nvm-holder"],
            "transaction": "",
            "network": format_network(chain_id),
            "amount": str(self._cost),
            "extra": {"planId": told["nvm-plan"], "hold": told["nvm-request-id"], "per": self._per.value},
        }
        return [(PAYMENT_RESPONSE.encode(), write_header(response).encode())]

    def accept(self) -> None:
        """Charge the first unit. It also pays for the first message. A time plan keeps its hold open."""
        self._until = self._clock() + MINUTE_SECONDS
        self._is_prepaid = self._per is Unit.MESSAGE
        if not self._is_access:
            self._charge_held()

    def refuse(self, *, was_sent: bool) -> None:
        """Give the first unit back."""
        if self._held is not None:
            self._meter.release(self._held, was_sent=was_sent)
            self._held = None

    # ------------------------------------------------------------------ minutes

    @property
    def seconds_left(self) -> int:
        """After how many seconds the next minute begins, rounded up."""
        return max(0, int(self._until - self._clock()) + 1) if self._renews else NEVER

    async def ensure(self) -> None:
        """Begin the next minute if the last one is over."""
        if not self._renews or self._clock() < self._until:
            return
        async with self._turn:
            if self._clock() >= self._until:
                await self._renew()

    async def _renew(self) -> None:
        if self._is_access:
            await self._end_held()
            self._held = await self._take()
        else:
            self._charge(await self._take())
        self._until = self._clock() + MINUTE_SECONDS

    # ------------------------------------------------------------------ messages

    async def take_message(self) -> StoredHold | None:
        """Hold what a message costs. Minutes pay for all of their messages."""
        await self.ensure()
        if self._per is Unit.MINUTE:
            return None
        if self._is_prepaid:
            self._is_prepaid = False
            return None
        if not self._is_access:
            return await self._take()
        async with self._turn:
            await self._renew()
        return None

    def spend(self, hold: StoredHold | None) -> None:
        """Charge a message."""
        if hold is not None:
            self._charge(hold)

    def give_back(self, hold: StoredHold | None) -> None:
        """Release the hold of a message. The upstream may have seen it."""
        if hold is not None:
            self._meter.release(hold, was_sent=True)

    # ------------------------------------------------------------------ the end

    async def check(self) -> None:
        """Check that the session was not revoked and has not ended."""
        await self._meter.check_token(self._token)

    def finish(self) -> None:
        """End the open request of a time plan."""
        if self._held is not None:
            self._charge_held()

    # ------------------------------------------------------------------ holds

    async def _take(self) -> StoredHold:
        hold = await self._meter.admit(self._request, TokenCredential(self._token), max(1, self._cost))
        if isinstance(hold, KeptAnswer):  # which only a request with an idempotency key gets
            raise AnswerNotKept(hold.hold_id.hex())
        return hold

    def _charge(self, hold: StoredHold) -> "asyncio.Future[StoredHold]":
        self.charged += self._cost
        return self._meter.charge(hold, self._cost)

    def _charge_held(self) -> None:
        if self._held is not None:
            self._charge(self._held)
            self._held = None

    async def _end_held(self) -> None:
        """End the open request, so that the next one finds its place free."""
        if self._held is not None:
            hold, self._held = self._held, None
            with suppress(HoldOver):
                await asyncio.shield(self._charge(hold))
