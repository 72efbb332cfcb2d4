"""Requests that are paid by signed transfers: each transfer is settled first, and one request is served for it.

This is the whole seam for a protocol that pays by EIP-3009::

    taken = await requests.take(signed, plan, passage)
    await requests.serve(taken, passage, send, more, tell)

`Requests.take` returns when the money has moved. `Requests.serve` serves the request, unless another one is or was served for the
transfer. If the service fails, nothing is spent, and the same transfer may be presented again with the same request.

A stock transfer does not say what it pays for. So each is spent for one digest of method, service, target, body and plan, and
whoever presented it first is the first to be served.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from msgspec import json

from nvm_chain.errors import IndexFailure, PaymentByHand, PaymentServed, PaymentServing, PaymentUnderWay
from nvm_chain.errors.fields import Seconds, Time
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.buying.tills import Till, Tills
from nvm_chain.gateway.catalogue import SoldPlan
from nvm_chain.gateway.exchange import Exchange
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.offers import PAY_SECONDS
from nvm_chain.gateway.outcomes import FAILED, Outcome
from nvm_chain.gateway.upstream import Answer, Upstreams
from nvm_chain.meter.store.payment_rows import Payment, PaymentPurpose, PaymentState, name_payment
from nvm_chain.meter.store.payment_serving import Turn, TurnState, begin_serving, end_serving
from nvm_chain.meter.store.payments import read_payment
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.authorized_transfers import check_terms
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.types.hashes import keccak
from nvm_chain.x402.settling.transfers import Taken, build_payment

RETRY_SECONDS: Final = 0.5
"""The pause before the end of a turn is written down again, while the books are away."""
SPARE_SECONDS: Final[Seconds] = 60
"""How much longer a turn is than the longest answer."""

Tell = Callable[[Payment, bool], Headers]
"""Returns what an answer says of its payment. The second argument is whether the request was served."""


def digest_request(passage: Passage, plan: SoldPlan) -> bytes:
    """Return the digest of what a transfer is spent for: method, service, target, body and plan. A long body is not in it."""
    body = passage.body.digest or "long"
    bound = [passage.incoming.method, passage.service.did, passage.target, body, str(plan.plan_id)]
    return keccak(json.encode(bound))


class Requests:
    """Takes transfers for requests, and serves one request for each."""

    def __init__(self, tills: Tills, writer: Writer, upstreams: Upstreams, settings: BuyingSettings) -> None:
        """Take what asks the chain, the books, the client that calls upstreams, and the limits."""
        self._tills, self._writer, self._upstreams, self._settings = tills, writer, upstreams, settings

    async def take(self, signed: SignedTransferAuthorization, plan: SoldPlan, passage: Passage) -> Taken:
        """Settle the transfer for a request. Read the start of the body before. Raises as `nvm_chain.x402.settling` says."""
        resource, price = digest_request(passage, plan), plan.price
        if price is None or price.payee is None:
            raise AssertionError("a plan that is sold by transfers has a payee")
        payee, value = price.payee, price.cost
        check_terms(signed, payee=payee, value=value)
        await self._refuse_served(signed, resource)

        def work(till: Till) -> Taken:
            more = {"plan_id": plan.plan_id, "resource": resource, "service": passage.service.did}
            new = build_payment(till.chain, signed, PaymentPurpose.REQUEST, **more)  # type: ignore[arg-type]
            limits = self._settings.request_limits
            return till.transfers.take(signed, new, payee=payee, value=value, seconds=PAY_SECONDS, limits=limits)

        return await self._tills.ask(work)

    async def _refuse_served(self, signed: SignedTransferAuthorization, resource: bytes) -> None:
        """Raise PaymentServed for a transfer for which this request was served, before the chain is asked anything."""
        token, transfer = signed.token, signed.authorization
        name = name_payment(token.chain_id, token.address, transfer.payer, transfer.nonce)
        known = await asyncio.to_thread(self._writer.run, lambda store: read_payment(store, name))
        if known is not None and known.state is PaymentState.SERVED and known.resource == resource:
            raise PaymentServed(known.name, known.transaction or None)

    async def serve(self, taken: Taken, passage: Passage, send: Send, more: Headers, tell: Tell) -> None:
        """Serve a request for its transfer, or raise why it is not served. What was not served may be asked for again.

        Args:
            taken: What `take` returned.
            passage: The request.
            send: The function that sends a message to the buyer.
            more: Headers of every answer.
            tell: Returns what the answer says of its payment.

        Raises:
            PaymentServed: A request was served for the transfer.
            PaymentServing: Another request is being served for it.
            PaymentUnderWay: Its block was replaced, so it is made again.
            UpstreamError: The upstream did not answer.
        """
        payment = taken.payment
        seconds = passage.service.settings.max_answer_seconds + SPARE_SECONDS
        name = payment.payment_id
        turn = await asyncio.to_thread(self._begin, name, seconds, taken.turn)
        if turn.state is not TurnState.BEGUN:
            raise _refuse(turn.state, payment)
        outcome = TransferOutcome(payment, tell, charges_failures=passage.service.settings.charges_failures)
        try:
            await Exchange(self._upstreams, passage, outcome, send, more).run()
        finally:
            ending = asyncio.ensure_future(asyncio.to_thread(self._end, name, turn, outcome))
            await asyncio.shield(ending)

    def _begin(self, name: bytes, seconds: Seconds, own: Time) -> Turn:
        return self._writer.run(lambda store: begin_serving(store, name, seconds, turn=own))

    def _end(self, name: bytes, turn: Turn, outcome: "TransferOutcome") -> None:
        """Write the end of a turn down, again and again until it works. Else the request could be asked for once more."""
        while True:
            try:
                return self._writer.run(lambda store: end_serving(store, name, turn, is_served=outcome.is_served))
            except IndexFailure:
                time.sleep(RETRY_SECONDS)


def _refuse(state: TurnState, payment: Payment) -> Exception:
    if state is TurnState.SERVED or payment.served_at:
        return PaymentServed(payment.name, payment.transaction or None)
    if state is TurnState.RUNNING:
        return PaymentServing(payment.name)
    if payment.state is PaymentState.BY_HAND:
        return PaymentByHand(payment.name, payment.reason)
    return PaymentUnderWay(payment.name, payment.transaction or None)


class TransferOutcome(Outcome):
    """What becomes of a request that is paid by a transfer: it was served, or the transfer may be presented again."""

    def __init__(self, payment: Payment, tell: Tell, *, charges_failures: bool = False) -> None:
        """Take the payment, and what the answer says of it. Answers with a status of 400 and above may count as served."""
        self._payment, self._tell, self._charges_failures = payment, tell, charges_failures
        self._was_sent, self._is_good = False, True
        self.is_served = False
        """Whether the buyer got the answer, or went away after the upstream was called."""
        self.told = (
            ("nvm-holder", payment.payer),
            ("nvm-plan", str(payment.plan_id)),
            ("nvm-request-id", payment.payment_id.hex()),
        )

    def note_call(self) -> None:
        """Note that the upstream may have seen the request."""
        self._was_sent = True

    def note_answer(self, found: Answer) -> Headers:
        """Note whether the request was served, and return what the answer says of its payment."""
        self._is_good = found.status < FAILED or self._charges_failures
        return self._tell(self._payment, self._is_good)

    def note_served(self) -> None:
        """Note that the whole answer was handed down."""
        self.is_served = self._is_good

    def note_gone(self) -> None:
        """Note that the buyer went away. Otherwise everybody could leave before the last byte, and ask again."""
        self.is_served = self._was_sent and self._is_good
