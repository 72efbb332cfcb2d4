"""Where plans are bought for money, and where the payments of a gateway are told.

| method and path | what it answers |
|---|---|
| ``POST /plans/<plan>/orders`` | 402 with what buys the plan. Paid, 200 with the receipt when the plan is granted, or 202 with its job |
| ``GET /payments/<name>`` | how far a payment is: its name is known to whoever signed it |
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import json

from nvm_chain.errors import (
    FundsError,
    InsufficientFunds,
    InvalidMessage,
    NvmChainError,
    OfferDiffers,
    PaymentClaimed,
    PaymentMissing,
    TransactionError,
)
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.known import answer_known
from nvm_chain.gateway.buying.purchases import Purchases
from nvm_chain.gateway.buying.telling import PAYMENTS, answer_claimed, answer_job, tell_payment
from nvm_chain.gateway.buying.troubles import Tell, refuse_sending
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.offers import find_accepted, list_purchases
from nvm_chain.gateway.pages.answering import answer_page, refuse_method, tell_json
from nvm_chain.gateway.refusals import Refusal, find_status, refuse, tell_refusal
from nvm_chain.gateway.serving import Receive, Server
from nvm_chain.meter.store.payment_rows import Payment
from nvm_chain.types.ids import format_did, parse_plan_id
from nvm_chain.x402.exact import ExactOffer, ExactPayment
from nvm_chain.x402.extensions import NAMED, PAYMENT_IDENTIFIER
from nvm_chain.x402.headers import PAYMENT_REQUIRED
from nvm_chain.x402.offers import Offer
from nvm_chain.x402.orders import OrderOffer, OrderPayment
from nvm_chain.x402.payments import read_payment
from nvm_chain.x402.reasons import find_reason
from nvm_chain.x402.required import build_required, build_resource, write_required

PLANS: Final = "/plans/"
_ORDERS: Final = re.compile(r"/plans/([0-9A-Za-z:]{1,80})/orders")
_NAME: Final = re.compile(r"/payments/0x([0-9a-f]{64})")


def is_of_buying(path: str) -> bool:
    """Return whether a path is one of these."""
    return path.startswith((PLANS, PAYMENTS))


class BuyingPaths:
    """Answers requests of whoever buys a plan, and of whoever asks for a payment."""

    def __init__(self, server: Server, purchases: Purchases, own: tuple[ChecksumAddress, ...], tell: Tell) -> None:
        """Take what is sold, and what takes payments. ``own`` are the gateway's keys."""
        self._services, self._base, self._settings = server.services, server.base, server.meter.settings
        self._purchases, self._own, self._tell = purchases, own, tell

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered."""
        own = find_address("", self._base, incoming.host if service is not None else None).own
        return await answer_page(incoming, self._serve(path, incoming, service, own), refuse)

    async def _serve(self, path: str, incoming: Incoming, service: SoldService | None, own: str) -> Refusal:
        named = _NAME.fullmatch(path)
        if named is not None:
            if incoming.method not in ("GET", "HEAD"):
                return refuse_method(path, "GET")
            return await self._tell_payment(bytes.fromhex(named[1]), own)
        plan = self.find_plan(path, service)
        if plan is None:
            return _miss(path)
        if incoming.method != "POST":
            return refuse_method(path, "POST")
        return await self._buy(plan, incoming, own)

    async def _tell_payment(self, name: bytes, own: str) -> Refusal:
        found = await self._purchases.find(name)
        if found is None:
            return tell_refusal(404, "NotFound", f"The gateway knows no payment 0x{name.hex()}.")
        return tell_json(tell_payment(found, own))

    def find_plan(self, path: str, service: SoldService | None) -> SoldPlan | None:
        """Return the plan that is sold at a path for money. None for any other path.

        ``service`` is the only one on a host of its own.
        """
        ordered = _ORDERS.fullmatch(path)
        if ordered is None:
            return None
        text = ordered[1]
        try:
            plan_id = parse_plan_id(int(text) if text.isdecimal() else text)
        except (NvmChainError, ValueError):
            return None
        services = self._services.values() if service is None else [service]
        found = (each.plans[plan_id] for each in services if plan_id in each.plans)
        return next((plan for plan in found if list_purchases(plan, self._settings)), None)

    # ------------------------------------------------------------------ buy

    async def _buy(self, plan: SoldPlan, incoming: Incoming, own: str) -> Refusal:
        offers = list_purchases(plan, self._settings)
        try:
            if incoming.payment is None:
                raise PaymentMissing(format_did(plan.plan_id))
            payment = read_payment(incoming.payment)
            bought = await self._pay(payment, find_accepted(payment, offers))
        except PaymentClaimed as error:
            return answer_claimed(error, own)
        except OfferDiffers as error:
            chain_id = self._settings.chain_id
            known = await answer_known(self._purchases, payment, own, chain_id, serves=False)
            return known or self._refuse(error, plan, offers, own)
        except NvmChainError as error:
            return self._refuse(error, plan, offers, own)
        return answer_job(bought, own, self._settings.chain_id)

    async def _pay(self, payment: Any, offer: Offer) -> Payment:
        if isinstance(payment, ExactPayment) and isinstance(offer, ExactOffer):
            return await self._purchases.transfer(payment.sign_for(offer.token), offer)
        if isinstance(payment, OrderPayment) and isinstance(offer, OrderOffer):
            return await self._purchases.order(payment.order, offer)
        raise OfferDiffers("scheme", payment.accepted.scheme, offer.scheme)

    def _refuse(self, error: NvmChainError, plan: SoldPlan, offers: list[Any], own: str) -> Refusal:
        """Return the answer to a purchase that was not made, and of which nothing was sent."""
        refusal = refuse_sending(error, self._own, self._tell)
        if refusal is not None:
            return refusal
        if find_status(error) == 402 or isinstance(error, InvalidMessage):
            return self._offer(error, plan, offers, own)
        if isinstance(error, TransactionError | FundsError) and not isinstance(error, InsufficientFunds):
            return tell_refusal(409, type(error).__name__, f"{error.message()} Nothing was paid.")
        return refuse(error)

    def ask_for_payment(self, plan: SoldPlan, own: str) -> Refusal:
        """Return the 402 of a plan. ``own`` is the URL in front of the gateway's own paths."""
        offers = list_purchases(plan, self._settings)
        return self._offer(PaymentMissing(format_did(plan.plan_id)), plan, offers, own)

    def _offer(self, error: NvmChainError, plan: SoldPlan, offers: list[Any], own: str) -> Refusal:
        """Return a 402 with what buys the plan."""
        url = f"{own}{PLANS}{plan.plan_id}/orders"
        resource = build_resource(url, description=f"One purchase of the plan {format_did(plan.plan_id)}")
        reason = find_reason(error)
        required = build_required(resource, offers, error=reason, extensions={PAYMENT_IDENTIFIER: NAMED})
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (PAYMENT_REQUIRED.encode(), write_required(required).encode()),
        ]
        return Refusal(402, headers, json.encode({**required, "nvm": error.to_dict()}))


def _miss(path: str) -> Refusal:
    return tell_refusal(404, "NotFound", f"{path[:120]} is not sold for money here. GET /services lists what is.")
