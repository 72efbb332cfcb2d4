"""Serving of requests for payments by which money moves first: a transfer for the request, or an order of a plan with a voucher.

Until something is signed by the gateway's key, a request that is not served gets a 402 or another refusal, and nothing was paid.
After that, nothing but the outcome decides what its buyer is told: never 402.
"""

import asyncio
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import (
    BooksBehind,
    CeilingTooLow,
    CreditsUsedUp,
    FundsError,
    HolderCannotPay,
    InsufficientFunds,
    NvmChainError,
    OfferDiffers,
    PaymentClaimed,
    PaymentMalformed,
    TransactionError,
    UpstreamError,
)
from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.known import answer_known
from nvm_chain.gateway.buying.purchases import Purchases, name_order
from nvm_chain.gateway.buying.requests import Requests
from nvm_chain.gateway.buying.telling import answer_claimed, answer_job, write_response
from nvm_chain.gateway.buying.troubles import Tell, explain_token, refuse_sending
from nvm_chain.gateway.catalogue import SoldPlan
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.payers import BuyingPayer, Payer
from nvm_chain.gateway.refusals import Refusal, find_status, refuse, tell_refusal
from nvm_chain.gateway.serving import Refused, Server, answer
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.payment_rows import Payment
from nvm_chain.meter.store.works import KeptAnswer
from nvm_chain.x402.exact import ExactOffer, ExactPayment
from nvm_chain.x402.offers import Offer
from nvm_chain.x402.orders import OrderOffer, OrderPayment
from nvm_chain.x402.settling.transfers import Taken

COUNT_SECONDS: Final[Seconds] = 8
"""How long a request waits until the credits that it bought are counted, before its purchase is told as a job."""
LOOK_SECONDS: Final = 0.2
UNPAID: Final = 402
UNCOUNTED: Final = (CreditsUsedUp, BooksBehind, HolderCannotPay)
"""Why a voucher is refused that is good, of a holder without credits."""
Admitted = tuple[SoldPlan, StoredHold | KeptAnswer]


class BuyingServer:
    """Serves requests for transfers and orders."""

    def __init__(
        self, server: Server, requests: Requests, purchases: Purchases, sender: ChecksumAddress, tell: Tell
    ) -> None:
        """Take what serves, and what takes payments. ``sender`` is the key that pays the gas."""
        self._server, self._requests, self._purchases = server, requests, purchases
        self._sender, self._tell = sender, tell
        self._chain_id = server.meter.settings.chain_id

    async def serve(self, payer: BuyingPayer, offer: Offer, passage: Passage, send: Send, more: Headers) -> None:
        """Serve a request for a payment that accepts an offer of now, or answer why it is not served.

        Raises:
            Refused: The request is not served, and this is its answer.
            NvmChainError: The request is not served, and nothing was paid.
        """
        payment = payer.payment
        try:
            if isinstance(payment, ExactPayment) and isinstance(offer, ExactOffer):
                await self._serve_transfer(payment, offer, passage, send, more)
            elif isinstance(payment, OrderPayment) and isinstance(offer, OrderOffer):
                await self._serve_order(payer, payment, offer, passage, send, more)
        except PaymentClaimed as error:
            await answer(send, answer_claimed(error, self._find_own(passage)), more)

    async def answer_known(self, payer: BuyingPayer, passage: Passage) -> Refusal | None:
        """Return the answer to a payment that accepts no offer of now, if something was signed for it. Otherwise None."""
        own = self._find_own(passage)
        return await answer_known(self._purchases, payer.payment, own, self._chain_id, serves=True)

    def _find_own(self, passage: Passage) -> str:
        """Return the URL in front of the gateway's own paths."""
        own_host = passage.incoming.host if passage.incoming.keeps_cookies else None
        return find_address(passage.service.did, self._server.base, own_host).own

    def _explain(self, error: NvmChainError, payment: ExactPayment | OrderPayment, offer: Offer) -> Exception:
        """Return what a buyer is told of an error before anything was sent."""
        refusal = refuse_sending(error, [self._sender], self._tell)
        if refusal is not None:
            return Refused(refusal)
        if isinstance(error, TransactionError) and isinstance(payment, ExactPayment) and isinstance(offer, ExactOffer):
            return explain_token(error, offer.token.address, payment.authorization.payer, offer.amount)
        if isinstance(error, TransactionError | FundsError) and not isinstance(error, InsufficientFunds):
            return Refused(tell_refusal(409, type(error).__name__, error.message()))
        return error

    # ------------------------------------------------------------------ by a transfer

    async def _serve_transfer(
        self, payment: ExactPayment, offer: ExactOffer, passage: Passage, send: Send, more: Headers
    ) -> None:
        plan = passage.endpoint.plans[offer.plan_id or 0]
        try:
            taken = await self._requests.take(payment.sign_for(offer.token), plan, passage)
        except PaymentClaimed:
            raise
        except NvmChainError as error:
            raise self._explain(error, payment, offer) from error
        try:
            await self._requests.serve(taken, passage, send, more, self._tell_response)
        except UpstreamError as error:
            raise Refused(self._refuse_unserved(error, taken)) from error

    def _tell_response(self, payment: Payment, is_served: bool) -> Headers:
        return write_response(payment, self._chain_id, served=is_served)

    def _refuse_unserved(self, error: UpstreamError, taken: Taken) -> Refusal:
        """Return the answer to a paid request whose service failed. The same payment may be presented again."""
        refusal = refuse(error)
        refusal.headers.extend(self._tell_response(taken.payment, False))
        return refusal

    # ------------------------------------------------------------------ by an order and a voucher

    async def _serve_order(
        self, payer: BuyingPayer, payment: OrderPayment, offer: OrderOffer, passage: Passage, send: Send, more: Headers
    ) -> None:
        """Serve a request out of a plan that is bought for it. If its holder has credits, nothing is bought."""
        by_voucher = self._read_voucher(payer, payment)
        try:
            admitted = await self._admit(by_voucher, passage)
        except UNCOUNTED as error:
            await self._check_ceiling(payment, offer, error)
            admitted = None
        except NvmChainError as error:
            await self._check_unsent(payment, offer, error)
            raise
        if admitted is None:
            try:
                bought = await self._purchases.order(payment.order, offer)
            except PaymentClaimed:
                raise
            except NvmChainError as error:
                raise self._explain(error, payment, offer) from error
            passage.transaction = bought.transaction
            admitted = await self._admit_bought(by_voucher, passage, bought)
        try:
            await self._server.serve_admitted(by_voucher, *admitted, passage, send, more)
        except Refused as refused:
            raise self._keep_from_paying_again(refused, passage) from refused

    async def _check_ceiling(self, payment: OrderPayment, offer: OrderOffer, error: NvmChainError) -> None:
        """Check that the voucher of an order would pay for the request after the order. Raises CeilingTooLow, or as below."""
        voucher = None if payment.signed is None else payment.signed.voucher
        if voucher is not None and isinstance(error, CreditsUsedUp) and voucher.ceiling < error.next_ceiling:
            low = CeilingTooLow(error.next_ceiling, voucher.plan_id, voucher.holder, voucher.ceiling)
            await self._check_unsent(payment, offer, low)
            raise low

    async def _check_unsent(self, payment: OrderPayment, offer: OrderOffer, error: NvmChainError) -> None:
        """Raise Refused with 409 for a voucher that is not good, if its order was sent before. Nobody is told to pay again."""
        bought = await self._purchases.find(name_order(payment.order, offer))
        if bought is not None and find_status(error) == UNPAID:
            refusal = tell_refusal(409, type(error).__name__, error.message())
            refusal.headers.extend(write_response(bought, self._chain_id, served=False) if bought.is_paid else [])
            raise Refused(refusal) from error

    @staticmethod
    def _read_voucher(payer: BuyingPayer, payment: OrderPayment) -> Payer:
        """Return the voucher of an order. Raises PaymentMalformed or OfferDiffers if it does not belong to the order."""
        signed, order = payment.signed, payment.order.order
        if signed is None:
            raise PaymentMalformed("payment", "it has no voucher for the request", "invalid_payload")
        voucher = signed.voucher
        for field, given, ordered in (
            ("plan of the voucher", voucher.plan_id, order.plan_id),
            ("holder of the voucher", voucher.holder, order.receiver),
        ):
            if given != ordered:
                raise OfferDiffers(field, given, ordered)
        return Payer(VoucherCredential(signed, payment.binding), payer.key)

    async def _admit(self, payer: Payer, passage: Passage) -> Admitted:
        return await self._server.admit(payer, passage, lambda _: None)

    async def _admit_bought(self, payer: Payer, passage: Passage, bought: Payment) -> Admitted:
        """Admit a request out of what was bought, as soon as it is counted. Raises Refused with the job, or 409, and never 402."""
        deadline = asyncio.get_running_loop().time() + COUNT_SECONDS
        while True:
            try:
                return await self._admit(payer, passage)
            except UNCOUNTED as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise Refused(self._tell_job(passage, bought)) from error
            except NvmChainError as error:
                told = refuse(error)
                kept = tell_refusal(409, type(error).__name__, error.message()) if told.status == UNPAID else told
                kept.headers.extend(write_response(bought, self._chain_id, served=False))
                raise Refused(kept) from error
            await asyncio.sleep(LOOK_SECONDS)

    def _tell_job(self, passage: Passage, bought: Payment) -> Refusal:
        """Return the answer to a request whose plan is bought, and not counted yet: 202, and the same payment again later."""
        job = answer_job(bought, self._find_own(passage), self._chain_id)
        return Refusal(202, job.headers, job.body)

    @staticmethod
    def _keep_from_paying_again(refused: Refused, passage: Passage) -> Refused:
        found = refused.refusal
        if found.status != UNPAID or not passage.transaction:
            return refused
        headers = [(name, value) for name, value in found.headers if name != b"payment-required"]
        return Refused(Refusal(409, headers, found.body))
