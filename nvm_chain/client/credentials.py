"""Credentials of a buyer: a voucher for exactly one request, or a token, and what becomes of them after the answer."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nvm_chain.client.buyer import VOUCHER_SECONDS, Buyer, HeldToken
from nvm_chain.client.limits import SpendingLimits
from nvm_chain.client.places import Place
from nvm_chain.client.purse import AboveLimit, Reserved
from nvm_chain.client.steps import Reply, Wanted
from nvm_chain.client.wire import (
    CreditsOffer,
    Offered,
    build_payment_headers,
    build_token_headers,
    read_payment_response,
)
from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher


@dataclass(frozen=True, slots=True)
class VoucherUse:
    """A voucher for one request."""

    buyer: Buyer = field(repr=False)
    offered: Offered
    reserved: Reserved
    headers: Mapping[str, str] = field(repr=False)

    def note_sent(self) -> None:
        """Do nothing: the ceiling is reserved already."""

    def note_answer(self, reply: Reply) -> None:
        """Give back what the request did not cost."""
        told = read_payment_response(reply.headers)
        self.buyer.purse.give_back(self.reserved, told.amount if told is not None and told.success else 0)

    def note_refused(self) -> None:
        """Give everything back."""
        self.buyer.purse.give_back(self.reserved, 0)

    def note_lost(self) -> None:
        """Take the ceiling back after a request without an answer, unless a higher one was signed."""
        self.buyer.purse.take_back(self.reserved)


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A token."""

    buyer: Buyer = field(repr=False)
    token: HeldToken
    headers: Mapping[str, str] = field(repr=False)

    def note_sent(self) -> None:
        """Note that the request is in flight."""
        self.buyer.note_sent(self.token)

    def note_answer(self, reply: Reply) -> None:
        """Note what the request cost."""
        told = read_payment_response(reply.headers)
        self.buyer.note_ended(self.token, told.amount if told is not None and told.success else 0)

    def note_refused(self) -> None:
        """Note that the request has ended. Whether the token is forgotten depends on the refusal."""
        self.buyer.note_ended(self.token)

    def note_lost(self) -> None:
        """Note that the request has ended, and that nobody knows what it cost."""
        self.buyer.note_ended(self.token)


Credential: TypeAlias = VoucherUse | TokenUse


def use_token(buyer: Buyer, token: HeldToken) -> TokenUse:
    """Return a credential for a token."""
    return TokenUse(buyer, token, build_token_headers(token.token))


def sign_request(buyer: Buyer, wanted: Wanted, offered: Offered, *, least: Credits = 0) -> VoucherUse:
    """Sign a voucher that is good for this request only.

    Args:
        buyer: The buyer.
        wanted: The request.
        offered: The offer of the server.
        least: The ceiling that the server wants. 0 if it has not said one.

    Raises:
        PaymentNotAllowed: The offer or the ceiling is not within the limits. Nothing was signed.
        InvalidTarget: Servers could read the path differently.
    """
    offer = offered.offer
    problem = find_problem(buyer, wanted.place, offer)
    if problem is not None:
        raise PaymentNotAllowed(offer.service, (problem,))
    name = wanted.key or f"request_{secrets.token_hex(16)}"
    binding = build_binding(offer.service, wanted.method, wanted.place.target, hash_body(wanted.body), name)
    deadline = buyer.find_now() + VOUCHER_SECONDS
    reserved, signed = sign_ceiling(buyer, offer, offer.amount, context=binding.context, deadline=deadline, least=least)
    return VoucherUse(buyer, offered, reserved, build_payment_headers(offered.raw, signed, binding))


def sign_ceiling(
    buyer: Buyer, offer: CreditsOffer, credits: Credits, *, context: bytes, deadline: Time, least: Credits = 0
) -> tuple[Reserved, SignedVoucher]:
    """Reserve credits, and sign their ceiling. Raises PaymentNotAllowed above the limit in all."""
    try:
        reserved = buyer.purse.reserve(offer.plan_id, credits, deadline, least=least)
    except AboveLimit as error:
        raise PaymentNotAllowed(offer.service, (str(error),)) from None
    is_signed = False
    try:
        voucher = build_voucher(
            offer.plan_id,
            holder=buyer.signer.address,
            redeemer=offer.redeemer,
            ceiling=reserved.ceiling,
            deadline=deadline,
            context=context,
        )
        chain = buyer.chain
        signed = sign_voucher(buyer.signer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)
        is_signed = True
    finally:
        if not is_signed:
            buyer.purse.give_back(reserved, 0)
    return reserved, signed


def find_problem(buyer: Buyer, place: Place, offer: CreditsOffer) -> str | None:
    """Return why an offer may not be paid, as a reason in words. None if it may. The chain may be asked about its redeemer."""
    problem = (
        _find_chain_problem(buyer, offer)
        or find_service_problem(buyer.limits, place, offer.service)
        or _find_limit(buyer.limits, offer)
    )
    if problem is None and not buyer.may_redeem(offer.plan_id, offer.redeemer):
        return "its redeemer is not a redeemer of the plan on the chain"
    return problem


def _find_chain_problem(buyer: Buyer, offer: CreditsOffer) -> str | None:
    chain = buyer.chain
    if offer.chain_id != chain.chain_id:
        return f"it is on chain {offer.chain_id}, and the buyer on chain {chain.chain_id}"
    return None if chain.has_credits(offer.credits) else f"it is of the Credits contract {offer.credits}"


def find_service_problem(limits: SpendingLimits, place: Place, service: str) -> str | None:
    """Return why a service may not be paid, as a reason in words. None if it may."""
    if place.service not in (None, service):
        return "it is an offer of another service than that of the address"
    if limits.services and service not in limits.services:
        return "its service is not one of the services of the limits"
    return None


def _find_limit(limits: SpendingLimits, offer: CreditsOffer) -> str | None:
    if offer.amount > limits.per_request:
        return f"it may cost {offer.amount} credits, and the limit for a request is {limits.per_request}"
    if offer.amount == 0:
        return "it would cost 0 credits, and a voucher is for at least one"
    if limits.plans and offer.plan_id not in limits.plans:
        return "its plan is not one of the plans of the limits"
    if limits.redeemers and offer.redeemer not in limits.redeemers:
        return "its redeemer is not one of the redeemers of the limits"
    return None
