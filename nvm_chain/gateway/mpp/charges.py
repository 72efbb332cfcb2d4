"""Serves requests that are paid by charges of MPP, and adds challenges to answers that ask for a payment."""

from nvm_chain.errors import InvalidMessage, NvmChainError, PaymentMissing, TransactionError, UpstreamError
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.requests import Requests
from nvm_chain.gateway.buying.troubles import explain_token
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.mpp.challenging import list_charges
from nvm_chain.gateway.mpp.telling import UNPAID, add_challenges, tell_unserved, write_paid
from nvm_chain.gateway.mpp.till import Charged, ChargeTill
from nvm_chain.gateway.offers import list_offers
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.gateway.serving import Refused, Server, read_start
from nvm_chain.meter.store.payment_rows import Payment
from nvm_chain.x402.exact import ExactOffer
from nvm_chain.x402.settling.transfers import Taken


class Charges:
    """Takes charges for requests."""

    def __init__(self, server: Server, requests: Requests, till: ChargeTill) -> None:
        """Take what serves, what takes transfers for requests, and what recognizes credentials."""
        self._server, self._requests, self._till = server, requests, till
        self._settings = server.meter.settings

    async def offer(self, refusal: Refusal, passage: Passage) -> Refusal:
        """Return an answer that asks for a payment with challenges beside its other offers. The body of the request is read.

        Args:
            refusal: The answer.
            passage: The request.

        Raises:
            InvalidMessage: The body is not what its headers announce.
            BuyerGone: The buyer went away.
        """
        charges = self._list_charges(passage) if refusal.status == UNPAID else []
        if charges:
            await _read_start(passage)
            bound, name = self._till.challenges.bind(passage), passage.service.metadata.name
            now = self._till.writer.now
            add_challenges(refusal, self._till.challenges.build_all(bound, charges, name, now))
        return refusal

    async def serve(self, text: str, passage: Passage, send: Send, more: Headers) -> None:
        """Serve a request for a credential, or raise Refused with the answer why it is not served.

        Args:
            text: The credential.
            passage: The request.
            send: The function that sends a message to the buyer.
            more: Headers of every answer.
        """
        incoming = passage.incoming
        if incoming.payment is not None or incoming.sign_in is not None:
            raise InvalidMessage(
                "request", "it has a credential, and a payment or a sign-in, so who pays is not certain"
            )
        await _read_start(passage)
        try:
            bound = self._till.challenges.bind(passage)
            charged = await self._till.read(text, bound, self._list_charges(passage))
            taken = await self._take(charged, passage)
            await self._serve_taken(taken, charged, passage, send, more)
        except NvmChainError as error:
            raise Refused(await self._refuse(error, passage)) from error

    def _list_charges(self, passage: Passage) -> list[ExactOffer]:
        return list_charges(list_offers(passage.service, passage.endpoint, self._settings))

    async def _take(self, charged: Charged, passage: Passage) -> Taken:
        """Settle the transfer of a credential. Raises Refused, or why nothing was sent, or what is known of the payment."""
        plan = passage.endpoint.plans[charged.offer.plan_id or 0]
        try:
            return await self._requests.take(charged.signed, plan, passage)
        except NvmChainError as error:
            found = self._till.find_trouble(error)
            if not isinstance(found, TransactionError):
                raise found from error
            offer, payer = charged.offer, charged.signed.authorization.payer
            raise explain_token(found, offer.token.address, payer, offer.amount) from error

    async def _serve_taken(self, taken: Taken, charged: Charged, passage: Passage, send: Send, more: Headers) -> None:
        def tell(payment: Payment, is_served: bool) -> Headers:
            return write_paid(payment, charged.challenge, self._settings.chain_id) if is_served else []

        try:
            await self._requests.serve(taken, passage, send, more, tell)
        except UpstreamError as error:
            raise Refused(tell_unserved(error, taken.payment, self._find_own(passage))) from error

    async def _refuse(self, error: NvmChainError, passage: Passage) -> Refusal:
        async def ask() -> Refusal:
            return await self._server.refuse_payment(PaymentMissing(passage.service.did), passage)

        return await self._till.refuse(error, self._find_own(passage), ask)

    def _find_own(self, passage: Passage) -> str:
        host = passage.incoming.host if passage.incoming.keeps_cookies else None
        return find_address(passage.service.did, self._server.base, host).own


async def _read_start(passage: Passage) -> None:
    """Read the start of a body, if nobody has read it."""
    body = passage.body
    if not body.is_short and not body.start:
        await read_start(body)
