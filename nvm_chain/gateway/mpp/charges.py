"""Serves requests that are paid by charges of MPP, and adds challenges to answers that ask for a payment."""

import asyncio
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    ChallengeRefused,
    InvalidMessage,
    NvmChainError,
    PaymentClaimed,
    PaymentMissing,
    TransactionError,
    UpstreamError,
)
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.requests import Requests
from nvm_chain.gateway.buying.telling import answer_claimed
from nvm_chain.gateway.buying.troubles import Tell, explain_token, refuse_sending
from nvm_chain.gateway.catalogue import SoldPlan
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.mpp.challenging import Challenges, list_charges, read_charge
from nvm_chain.gateway.mpp.telling import (
    add_challenges,
    add_problem,
    find_problem,
    is_open,
    tell_problem,
    tell_unserved,
    write_paid,
)
from nvm_chain.gateway.refusals import Refusal, refuse
from nvm_chain.gateway.serving import Refused, Server, read_start
from nvm_chain.meter.store.payment_rows import Payment, name_payment
from nvm_chain.meter.store.payments import read_payment
from nvm_chain.mpp.challenges import Challenge
from nvm_chain.mpp.credentials import Credential, read_credential
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.x402.settling.transfers import Taken

PURPOSE: Final = b"challenges of MPP"
UNPAID: Final = 402


class Charges:
    """Takes charges for requests. `open_charges` makes it."""

    def __init__(
        self, server: Server, requests: Requests, challenges: Challenges, sender: ChecksumAddress, tell: Tell
    ) -> None:
        """Take what serves, what takes transfers, and the challenges. ``sender`` is the key that pays the gas."""
        self._server, self._requests, self._challenges = server, requests, challenges
        self._sender, self._tell = sender, tell
        self._meter = server.meter

    async def offer(self, refusal: Refusal, passage: Passage) -> Refusal:
        """Return an answer that asks for a payment with challenges beside its other offers. The body of the request is read.

        Args:
            refusal: The answer.
            passage: The request.

        Raises:
            InvalidMessage: The body is not what its headers announce.
            BuyerGone: The buyer went away.
        """
        if refusal.status != UNPAID or not list_charges(passage):
            return refusal
        await self._read_start(passage)
        add_challenges(refusal, self._challenges.build_all(passage, self._meter.writer.now))
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
        await self._read_start(passage)
        try:
            credential = read_credential(text)
            plan = self._challenges.find_plan(credential.challenge, passage)
            taken = await self._take(credential, plan, passage)
            await self._serve_taken(taken, credential.challenge, passage, send, more)
        except NvmChainError as error:
            raise Refused(await self._refuse(error, passage)) from error

    async def _take(self, credential: Credential, plan: SoldPlan, passage: Passage) -> Taken:
        """Settle the transfer of a credential. Raises Refused, or why nothing was sent or what is known of the payment."""
        price = plan.price
        if price is None:
            raise AssertionError("a plan that was found by its price has one")
        signed = read_charge(credential, price)
        await self._check_end(credential.challenge, signed)
        try:
            return await self._requests.take(signed, plan, passage)
        except PaymentClaimed:
            raise
        except NvmChainError as error:
            refusal = refuse_sending(error, [self._sender], self._tell)
            if refusal is not None:
                raise Refused(refusal) from error
            if not isinstance(error, TransactionError):
                raise
            raise explain_token(error, price.token.address, signed.authorization.payer, price.cost) from error

    async def _serve_taken(
        self, taken: Taken, challenge: Challenge, passage: Passage, send: Send, more: Headers
    ) -> None:
        chain_id = self._meter.settings.chain_id

        def tell(payment: Payment, is_served: bool) -> Headers:
            return write_paid(payment, challenge, chain_id) if is_served else []

        try:
            await self._requests.serve(taken, passage, send, more, tell)
        except UpstreamError as error:
            raise Refused(tell_unserved(error, taken.payment, self._find_own(passage))) from error

    # ------------------------------------------------------------------ before

    async def _read_start(self, passage: Passage) -> None:
        body = passage.body
        if not body.is_short and not body.start:
            await read_start(body)

    async def _check_end(self, challenge: Challenge, signed: SignedTransferAuthorization) -> None:
        """Refuse a challenge that is over, unless its transfer was taken before: what was paid for is served."""
        if not challenge.is_over(self._meter.writer.now):
            return
        transfer = signed.authorization
        name = name_payment(signed.token.chain_id, signed.token.address, transfer.payer, transfer.nonce)
        known = await asyncio.to_thread(self._meter.writer.run, lambda store: read_payment(store, name))
        if known is None:
            raise ChallengeRefused(f"it is over since {challenge.expires}")

    # ------------------------------------------------------------------ after

    async def _refuse(self, error: NvmChainError, passage: Passage) -> Refusal:
        """Return the answer to an error: with a new challenge only if no money can have moved."""
        if isinstance(error, PaymentClaimed) and is_open(error):
            return answer_claimed(error, self._find_own(passage))
        found = find_problem(error)
        if found is None:
            return refuse(error)
        name, status = found
        if status != UNPAID:
            return tell_problem(error, name, status)
        refusal = await self._server.refuse_payment(PaymentMissing(passage.service.did), passage)
        return add_problem(refusal, error, name)

    def _find_own(self, passage: Passage) -> str:
        host = passage.incoming.host if passage.incoming.keeps_cookies else None
        return find_address(passage.service.did, self._server.base, host).own


async def open_charges(server: Server, requests: Requests, sender: ChecksumAddress, tell: Tell) -> Charges:
    """Return what takes charges. Raises IndexFailure if the books cannot be read.

    Args:
        server: What serves.
        requests: What takes transfers for requests.
        sender: The key that pays the gas.
        tell: Tells the operator of errors.
    """
    challenges = Challenges(await server.meter.derive_key(PURPOSE), base=server.base)
    return Charges(server, requests, challenges, sender, tell)
