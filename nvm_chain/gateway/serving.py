"""How a request is served: found, admitted, handed on, and charged or released."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final

from nvm_chain.errors import (
    AnswerNotKept,
    BindingMismatch,
    InvalidMessage,
    NvmChainError,
    OfferDiffers,
    PaymentMalformed,
    PaymentMissing,
    PlanNotAccepted,
    UnknownEndpoint,
)
from nvm_chain.gateway.bodies import Body, BodyDiffers, BuyerGone
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.exchange import Exchange
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers, Incoming
from nvm_chain.gateway.kept_answers import AnswerBox, KeptBody
from nvm_chain.gateway.metered_requests import build_request, find_signed_body
from nvm_chain.gateway.metrics import Metrics
from nvm_chain.gateway.offers import check_credits, find_accepted, find_most, list_offers
from nvm_chain.gateway.outcomes import Outcome, PaidOutcome
from nvm_chain.gateway.payers import AnyPayer, BuyingPayer, Payer, SigningPayer, read_any_payer
from nvm_chain.gateway.refusals import Refusal, refuse, refuse_payment
from nvm_chain.gateway.sellers.paths import SellerPaths
from nvm_chain.gateway.serving_parts import Buying, Charging, Checkout
from nvm_chain.gateway.sign_ins import RequestSignIns
from nvm_chain.gateway.upstream import Upstreams
from nvm_chain.gateway.workers import Workers
from nvm_chain.meter.bodies import UNSIGNED
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.idempotency import MAX_ANSWER
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.works import KeptAnswer
from nvm_chain.types.ids import parse_agent_id

START_SECONDS: Final = 30
"""How long a buyer may take for a short body, or for the start of a long one."""
NOT_MODIFIED: Final = 304
"""The status whose length would be that of the answer that is left out."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
FindToken = Callable[[], str | None]
"""Returns a token as it is now, or None if nobody has one."""


class Refused(Exception):
    """A request that is not served, and its answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class Server:
    """Serves the requests of all services, with one meter."""

    def __init__(
        self,
        meter: Meter,
        services: Mapping[str, SoldService],
        upstreams: Upstreams,
        *,
        base: str,
        box: AnswerBox | None = None,
        find_metrics_token: FindToken | None = None,
        workers: Workers | None = None,
    ) -> None:
        """Take what is open.

        Args:
            meter: The meter.
            services: What is sold, by DID.
            upstreams: The client that calls upstreams.
            base: The URL of the gateway.
            box: What encrypts answers that are kept. None to keep no answers.
            find_metrics_token: A function that returns the token with which the numbers can be read, as it is now. None for nobody.
            workers: The work that goes on beside requests. None if there is none.
        """
        self.workers = Workers(lambda _: None) if workers is None else workers
        self.sellers: SellerPaths | None = None
        """What sellers may ask, if there are any."""
        self.buying: Buying | None = None
        """What serves requests for payments by which money moves first, if the gateway sells in that way."""
        self.buying_paths: Checkout | None = None
        """What sells plans for money, and tells of payments."""
        self.charges: Charging | None = None
        """What serves requests for charges of MPP, if the gateway sells single requests for money."""
        self.checkout: Checkout | None = None
        """What answers on the pages of plans, if they are served."""
        self.discovery: Checkout | None = None
        """What answers the documents of discovery, if they are served."""
        self.facilitator: Checkout | None = None
        """What verifies and settles payments for other servers, if it does."""
        self.streamlit: Checkout | None = None
        """What answers on the page that apps have in a frame, if it is served."""
        self.seller_page: Checkout | None = None
        """What answers on the page of sellers, if it is served."""
        self.new_plans: Checkout | None = None
        """What answers on the page of a new plan, if it is served."""
        self.metrics, self.find_metrics_token = Metrics(), find_metrics_token or _find_none
        self.meter, self.services, self.sign_ins = meter, services, RequestSignIns(meter)
        self.find_header = upstreams.find_header
        self._upstreams, self.base, self._box = upstreams, base, box

    async def serve(
        self, service: SoldService, incoming: Incoming, target: str, receive: Receive, send: Send, more: Headers
    ) -> None:
        """Serve a request, or answer why it is not served.

        Args:
            service: The service.
            incoming: What the headers say.
            target: The target of the request.
            receive: The function that gives the next message of the request.
            send: The function that sends a message to the buyer.
            more: Headers of every answer.
        """
        body = Body(receive, incoming.length)
        passage = Passage(service, incoming, target, body, receive)
        try:
            await self._serve(passage, send, more)
            return
        except BuyerGone:
            return  # nobody is there to be answered
        except Refused as refused:
            refusal = refused.refusal
        except NvmChainError as error:
            refusal = refuse(error)
        with suppress(BuyerGone):
            await body.skip_short()
            await answer(send, refusal, more)

    async def _serve(self, passage: Passage, send: Send, more: Headers) -> None:
        service, incoming = passage.service, passage.incoming
        endpoint = service.find_endpoint(incoming.method, passage.target)
        if endpoint is None:
            agent_id = parse_agent_id(service.did)
            raise UnknownEndpoint(agent_id, incoming.method, passage.target.partition("?")[0])
        passage.endpoint = endpoint
        if endpoint.is_open:
            await read_start(passage.body)
            await Exchange(self._upstreams, passage, Outcome(), send, more).run()
            return
        if await self._charge(passage, send, more):
            return
        payer = await self._read_payer(passage)
        if isinstance(payer, BuyingPayer):
            await self._buy(payer, passage, send, more)
            return
        await read_start(passage.body)
        payer = await self._sign_in(payer, passage) if isinstance(payer, SigningPayer) else payer
        plan, hold = await self._admit(payer, passage)
        await self.serve_admitted(payer, plan, hold, passage, send, more)

    async def serve_admitted(
        self, payer: Payer, plan: SoldPlan, hold: StoredHold | KeptAnswer, passage: Passage, send: Send, more: Headers
    ) -> None:
        """Serve a request that the meter has admitted, or give its kept answer again. Raises Refused or UpstreamError."""
        if isinstance(hold, KeptAnswer):
            await self._repeat(hold, send, more)
            return
        await self._serve_paid(payer, plan, hold, passage, send, more)

    async def _charge(self, passage: Passage, send: Send, more: Headers) -> bool:
        """Serve a request for a charge of MPP, and return whether it brings one. Raises Refused."""
        charge = passage.incoming.charge
        if charge is None or self.charges is None:
            return False
        await self.charges.serve(charge, passage, send, more)
        return True

    async def _read_payer(self, passage: Passage) -> AnyPayer:
        """Return what a request brings to be paid for. Raises Refused if that is nothing, or a malformed payment."""
        try:
            payer = read_any_payer(passage.incoming)
        except PaymentMalformed as error:
            raise Refused(await self.refuse_payment(error, passage)) from error
        if payer is None:
            raise Refused(await self.refuse_payment(PaymentMissing(passage.service.did), passage))
        return payer

    async def _buy(self, payer: BuyingPayer, passage: Passage, send: Send, more: Headers) -> None:
        """Serve a request for a payment by which money moves first. Raises Refused."""
        offers = list_offers(passage.service, passage.endpoint, self.meter.settings)
        try:
            offer = find_accepted(payer.payment, offers if self.buying else [])
        except OfferDiffers as error:
            known = None if self.buying is None else await self.buying.answer_known(payer, passage)
            raise Refused(known or await self.refuse_payment(error, passage)) from error
        await read_start(passage.body)
        try:
            if self.buying is not None:
                await self.buying.serve(payer, offer, passage, send, more)
        except NvmChainError as error:
            raise Refused(await self.refuse_payment(error, passage)) from error

    async def _sign_in(self, payer: SigningPayer, passage: Passage) -> Payer:
        """Return the credential of a request that came with a signed message. Raises Refused."""
        try:
            return await self.sign_ins.open(payer, passage.endpoint, passage.service.did)
        except NvmChainError as error:
            raise Refused(await self.refuse_payment(error, passage)) from error

    # ------------------------------------------------------------------ paid

    async def _admit(self, payer: Payer, passage: Passage) -> tuple[SoldPlan, StoredHold | KeptAnswer]:
        """Admit a request, and return its plan and its hold. Raises Refused."""
        paying: list[AccountKey] = []
        try:
            return await self.admit(payer, passage, paying.append)
        except NvmChainError as error:
            self.sign_ins.forget(payer, error)
            raise Refused(await self.refuse_payment(error, passage, paying[0] if paying else None)) from error

    async def admit(
        self, payer: Payer, passage: Passage, on_payer: Callable[[AccountKey], object]
    ) -> tuple[SoldPlan, StoredHold | KeptAnswer]:
        """Admit a request, and return its plan and its hold.

        Args:
            payer: What the request brings.
            passage: The request.
            on_payer: Called with the account that pays, when that is known.

        Raises:
            NvmChainError: Why the request is not admitted. Nothing was held.
        """
        service = passage.service
        passage.signed_body = find_signed_body(payer, passage)
        request = build_request(payer, passage)
        account = await self.meter.find_payer(payer.credential)
        plan = passage.endpoint.plans.get(account.plan_id)
        if plan is None:
            raise PlanNotAccepted(account.plan_id, service.did)
        if payer.accepted is not None:
            check_credits(payer.accepted, plan, service, self.meter.settings)
        on_payer(account)
        hold = await self.meter.admit(request, payer.credential, find_most(plan, service))
        if isinstance(hold, KeptAnswer) and request.body is None:
            raise AnswerNotKept(hold.hold_id.hex())  # it may be the answer to another body
        return plan, hold

    async def _serve_paid(
        self, payer: Payer, plan: SoldPlan, hold: StoredHold, passage: Passage, send: Send, more: Headers
    ) -> None:
        outcome = PaidOutcome(self.meter, hold, passage.service, plan)
        outcome.transaction = passage.transaction
        exchange = Exchange(self._upstreams, passage, outcome, send, more)
        try:
            kept = await exchange.run(keeps=payer.key is not None)
        except BodyDiffers as error:
            mismatch = BindingMismatch("body", passage.signed_body or UNSIGNED, error.digest, "")
            raise Refused(await self.refuse_payment(mismatch, passage, hold.key)) from error
        finally:
            self.metrics.note_charge(passage.service.did, outcome.charged)
        if kept is not None and outcome.cost is not None:
            self._keep(hold, build_request(payer, passage), *kept)

    def _keep(self, hold: StoredHold, request: Request, kept: KeptBody, size: int) -> None:
        # By the digest, a long body that nobody signed is the same as none. So its answer is not given again.
        is_kept = self._box is not None and size <= MAX_ANSWER and request.body is not None
        sealed = self._box.close_box(kept, hold.hold_id) if self._box is not None and is_kept else None
        self.meter.keep_answer(hold, request, sealed, size if sealed is None else len(sealed))

    async def _repeat(self, kept: KeptAnswer, send: Send, more: Headers) -> None:
        """Give a kept answer again."""
        found = None if self._box is None else self._box.open_box(kept.answer, kept.hold_id)
        if found is None:
            raise AnswerNotKept(kept.hold_id.hex())
        await answer(send, Refusal(found.status, [*found.headers, (b"nvm-repeated", b"true")], found.body), more)

    # ------------------------------------------------------------------ what is told

    async def refuse_payment(
        self, error: NvmChainError, passage: Passage, account: AccountKey | None = None
    ) -> Refusal:
        """Return the answer to an error: if it is a 402, with everything that would be accepted.

        Args:
            error: Why the request was not served.
            passage: The request.
            account: The plan and the holder that pay, if the holder has signed the request.
        """
        refusal = refuse_payment(
            error,
            passage.service,
            passage.endpoint,
            self.meter.settings,
            base=self.base,
            method=passage.incoming.method,
            target=passage.target,
            payer=account,
            own_host=passage.incoming.host if passage.incoming.keeps_cookies else None,
            challenge=await self.sign_ins.challenge(passage.endpoint),
            as_page=passage.incoming.wants_page,
        )
        return refusal if self.charges is None else await self.charges.offer(refusal, passage)


def _find_none() -> str | None:
    """Return no token, so that nobody can prove to have one."""
    return None


async def read_start(body: Body) -> None:
    """Read a body, or the first 64 KiB of a long one, within half a minute. Raises BuyerGone or InvalidMessage."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await body.read_start()
    except TimeoutError:
        raise InvalidMessage("request", f"its body did not arrive within {START_SECONDS} seconds") from None


async def answer(send: Send, refusal: Refusal, more: Headers) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(refusal.body)).encode())
    headers = [*refusal.headers, *more]
    if refusal.status != NOT_MODIFIED and not any(name == b"content-length" for name, _ in headers):
        headers.append(length)
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
