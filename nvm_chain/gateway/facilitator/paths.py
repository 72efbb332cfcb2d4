"""The paths of a facilitator: ``/verify``, ``/settle`` and ``/supported``.

| status | when |
|---|---|
| 200 | every answer about a payment, also a refusal, whose reason is in it |
| 400 | the body is not the JSON of such a request |
| 401 | the caller's token is missing or not known |
| 429, 503 | the caller asks too often; too many ask, or the node or the books do not answer. The same may be asked again |
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Protocol

from msgspec import json

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidMessage, NvmChainError, PaymentMalformed
from nvm_chain.errors.fields import Number
from nvm_chain.gateway.bodies import MAX_SHORT, Body, BuyerGone
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.desks import Desk
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.refusals import RETRY_SECONDS, Refusal, ask_for_token, tell_refusal
from nvm_chain.gateway.serving import Receive, Refused, read_start
from nvm_chain.x402.facilitating import (
    FacilitatorRequest,
    SettleAnswer,
    SupportedKind,
    VerifyAnswer,
    read_facilitator_request,
)
from nvm_chain.x402.facilitator.callers import Caller, find_caller
from nvm_chain.x402.facilitator.desk import Facilitator
from nvm_chain.x402.facilitator.reasons import find_reason
from nvm_chain.x402.networks import format_network
from nvm_chain.x402.offers import CREDITS_SCHEME

PREFIX: Final = "/facilitator"
"""Where a gateway has the paths."""
METHODS: Final = {"/verify": "POST", "/settle": "POST", "/supported": "GET"}
MOST_KEY: Final = 255
"""The longest idempotency key, in characters."""
_MINUTE: Final = 60
FindCallers = Callable[[], Sequence[Caller]]
"""Returns the callers as they are now."""


class CreditsCases(Protocol):
    """Verifies and settles payments with credits, if there are books for them."""

    kind: SupportedKind

    async def verify(self, caller: Caller, request: FacilitatorRequest) -> VerifyAnswer:
        """Return whether a payment would be settled."""

    async def settle(self, caller: Caller, request: FacilitatorRequest, key: str | None) -> SettleAnswer:
        """Settle a payment, once."""


class FacilitatorPaths:
    """Answers the requests of resource servers."""

    def __init__(
        self,
        facilitator: Facilitator,
        verifying: Desk[Chain],
        settling: Desk[Chain],
        chain_id: Number,
        find_callers: FindCallers,
        *,
        tell: Callable[[NvmChainError], object],
        credits: CreditsCases | None = None,
    ) -> None:
        """Take what answers.

        Args:
            facilitator: What verifies and settles.
            verifying: The threads that verify.
            settling: The threads that settle. Each waits for one transaction at a time.
            chain_id: The chain.
            find_callers: A function that returns who may ask.
            tell: A function that tells the operator of the facilitator's own faults.
            credits: What verifies and settles payments with credits.
        """
        self._facilitator, self._verifying, self._settling = facilitator, verifying, settling
        self._network, self._chain_id = format_network(chain_id), chain_id
        self._find_callers, self._tell, self._credits = find_callers, tell, credits

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered."""
        path = path.removeprefix(PREFIX)
        if service is not None:
            return tell_refusal(404, "NotFound", "The facilitator is not on the host of a service.")
        refusal = _refuse_path(path, incoming.method)
        if refusal is not None:
            return refusal
        if path == "/supported":
            more = () if self._credits is None else (self._credits.kind,)
            return _write(self._facilitator.support(self._chain_id, more))
        return await self._answer(path, incoming, receive)

    async def _answer(self, path: str, incoming: Incoming, receive: Receive) -> Refusal | None:
        try:
            return await self._ask(path, incoming, receive)
        except Refused as refused:
            return refused.refusal
        except BuyerGone:
            return None
        except InvalidMessage as error:
            return tell_refusal(400, type(error).__name__, error.message())
        except NvmChainError as error:
            self._tell(error)
            return _retry(503, "FacilitatorBusy", "The facilitator cannot say now. Ask the same again.", RETRY_SECONDS)

    async def _ask(self, path: str, incoming: Incoming, receive: Receive) -> Refusal | None:
        caller = find_caller(incoming.bearer, self._find_callers())
        if caller is None:
            message = "Send the token that you have from the operator as Authorization: Bearer."
            return ask_for_token("facilitator", "CallerUnknown", message)
        if not self._facilitator.limits.takes_question(caller.name):
            return _retry(429, "TooManyQuestions", "You ask more often than the operator allows.", _MINUTE)
        body = Body(receive, incoming.length)
        await read_start(body)
        if not body.is_short:
            raise InvalidMessage("request", f"its body has more than {MAX_SHORT:,} bytes")
        try:
            request = read_facilitator_request(body.start)
        except PaymentMalformed as error:
            return _write(self._refuse(path, error).to_json())
        if path == "/verify":
            return _write((await self._verify(caller, request)).to_json())
        key = incoming.idempotency_key
        if key is not None and not 0 < len(key) <= MOST_KEY:
            raise InvalidMessage("request", f"its Idempotency-Key is not 1 to {MOST_KEY} characters")
        return _write((await self._settle(caller, request, key, receive)).to_json())

    def _refuse(self, path: str, error: PaymentMalformed) -> VerifyAnswer | SettleAnswer:
        reason, message = find_reason(error), error.message()
        if path == "/verify":
            return VerifyAnswer(reason=reason, message=message)
        return SettleAnswer(self._network, reason=reason, message=message)

    async def _verify(self, caller: Caller, request: FacilitatorRequest) -> VerifyAnswer:
        if self._credits is not None and request.required.scheme == CREDITS_SCHEME:
            return await self._credits.verify(caller, request)
        work = partial(self._facilitator.verify, caller=caller, request=request)
        return await self._verifying.ask(work)

    async def _settle(
        self, caller: Caller, request: FacilitatorRequest, key: str | None, receive: Receive
    ) -> SettleAnswer:
        if self._credits is not None and request.required.scheme == CREDITS_SCHEME:
            return await self._credits.settle(caller, request, key)
        async with _watching(receive) as gone:
            settle = partial(self._facilitator.settle, caller=caller, request=request, key=key, is_gone=gone.is_set)
            return await self._settling.ask(settle)


@asynccontextmanager
async def _watching(receive: Callable[[], Awaitable[Any]]) -> AsyncIterator[threading.Event]:
    """Yield an event that is set when nobody waits for the answer any more."""
    gone = threading.Event()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watching = asyncio.ensure_future(watch())
    try:
        yield gone
    except asyncio.CancelledError:
        gone.set()
        raise
    finally:
        watching.cancel()


def _refuse_path(path: str, given: str) -> Refusal | None:
    """Return the answer to a request for a path or a method that a facilitator does not have. None if it has."""
    method = METHODS.get(path)
    if method is None:
        return tell_refusal(404, "NotFound", f"A facilitator has the paths {', '.join(METHODS)}.")
    if given == method or (given, method) == ("HEAD", "GET"):
        return None
    refusal = tell_refusal(405, "NotFound", f"Send {method} to {path}.")
    refusal.headers.append((b"allow", method.encode()))
    return refusal


def _write(told: Any) -> Refusal:
    return Refusal(200, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], json.encode(told))


def _retry(status: int, name: str, message: str, seconds: int) -> Refusal:
    refusal = tell_refusal(status, name, message)
    refusal.headers.append((b"retry-after", str(seconds).encode()))
    return refusal
