"""Requests of the client itself to a gateway: sign-ins and sessions. They go only to where the program's own request goes."""

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, urlsplit

from eth_typing import ChecksumAddress

from nvm_chain.client.buyer import Buyer, HeldToken
from nvm_chain.client.choosing import find_option
from nvm_chain.client.credentials import find_problem, find_service_problem, sign_ceiling, sign_request
from nvm_chain.client.places import Place, find_origin, find_own
from nvm_chain.client.purse import Reserved
from nvm_chain.client.steps import Ask, Reply, Send, Step, Wanted
from nvm_chain.client.wire import (
    Offered,
    Required,
    SignInOffered,
    TokenTold,
    build_token_headers,
    read_error,
    read_object,
    read_required,
    read_token,
)
from nvm_chain.errors import GatewayRefused, InputError, InvalidConfig, InvalidUrl, PaymentNotAllowed
from nvm_chain.errors.fields import Credits, PlanId, Seconds, Time
from nvm_chain.meter.session_terms import SessionTerms, build_session_terms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.sign_in_messages import hash_sign_in
from nvm_chain.signing.eip712 import HashSigner
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.ids import format_did, parse_agent_id

OK: Final = 200
ACCOUNT: Final = "/account"
"""The address at which a gateway tells a holder how the account stands. What proves the holder is not spent."""
PAYMENT_REQUIRED: Final = 402
OK_JSON: Final = {"content-type": "application/json"}
_SIGN_IN: Final = "a sign-in"
SESSION: Final = "a session"


def sign_in(buyer: Buyer, place: Place, offered: SignInOffered, plan_id: PlanId) -> Generator[Step, Reply, HeldToken]:
    """Sign in at the gateway of a service, and return the token. Two requests of HTTP.

    Raises:
        PaymentNotAllowed: The offer names another server, another chain, or a service that is not within the limits.
        GatewayRefused: The gateway refused the sign-in.
    """
    service = _find_service(buyer, place, offered)
    challenge = yield from ask_challenge(buyer, place, offered.url, service)
    message = build_sign_in(
        buyer.signer.address,
        origin=challenge.origin,
        service=service,
        chain_id=buyer.chain.chain_id,
        nonce=challenge.nonce,
        now=challenge.issued_at,
        max_periods=buyer.limits.max_periods,
    )
    body = {
        "message": message.text,
        "signature": f"0x{sign_personal(buyer, message.text).hex()}",
        "planId": str(plan_id),
    }
    url = offered.url.partition("?")[0]
    reply = yield from ask(place, Ask("POST", url, json.dumps(body).encode(), OK_JSON), _SIGN_IN)
    token = read_granted(place, reply, _SIGN_IN)
    return HeldToken(token.token, place.base, place.service, plan_id, token.end)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server gave for a message that is signed: where it is for, its nonce, and its time.

    ``service`` is the service whose own host it is, as the server says. None at an address that has the service in it.
    """

    origin: str
    nonce: str
    issued_at: Time
    service: str | None = None


def ask_challenge(buyer: Buyer, place: Place, url: str, service: str) -> Generator[Step, Reply, Challenge]:
    """Ask for a nonce. One request of HTTP.

    Raises:
        PaymentNotAllowed: The challenge is for another server or another chain.
        GatewayRefused: There is no challenge.
    """
    told = read_object((yield from ask(place, Ask("GET", url), _SIGN_IN)).body) or {}
    chain_id, origin = told.get("chainId"), str(told.get("origin"))
    if chain_id != buyer.chain.chain_id or not _is_same(origin, place.origin):
        raise PaymentNotAllowed(service, ("it wants a sign-in for another server or another chain",))
    own = None if place.service is not None else _read_service(told.get("service"))
    return Challenge(origin, str(told.get("nonce")), _read_second(told.get("issuedAt"), place), own)


def sign_personal(buyer: Buyer, text: str) -> bytes:
    """Sign a text as wallets sign messages. Raises InvalidConfig for a signer that does not."""
    if not isinstance(buyer.signer, HashSigner):
        raise InvalidConfig(
            f"{type(buyer.signer).__name__} does not sign plain messages, and a sign-in is one",
            "use an account of eth-account, or a plan that is paid by vouchers",
        )
    return bytes(buyer.signer.unsafe_sign_hash(hash_sign_in(text)).signature)


def _find_service(buyer: Buyer, place: Place, offered: SignInOffered) -> str:
    """Return the service of a sign-in offer. Raises PaymentNotAllowed if it leads elsewhere, or is not within the limits."""
    named = parse_qs(urlsplit(offered.url).query).get("service", [""])[0]
    service = place.service or format_did(parse_agent_id(named))
    problem = find_service_problem(buyer.limits, place, service)
    if problem is None and not _is_same(offered.url, place.origin):
        problem = "it wants a sign-in at another server"
    if problem is not None:
        raise PaymentNotAllowed(service, (problem,))
    return service


def open_session(
    buyer: Buyer, place: Place, offered: Offered, *, limit: Credits, seconds: Seconds, per_request: Credits | None
) -> Generator[Step, Reply, HeldToken]:
    """Sign the terms of a session and their voucher, and return the token. One request of HTTP, or two on a new plan.

    Raises:
        PaymentNotAllowed: The offer or the session is not within the limits. Nothing was signed.
        GatewayRefused: The gateway refused the session.
    """
    terms, reserved, signed = yield from sign_session(
        buyer, place, offered, limit=limit, seconds=seconds, per_request=per_request
    )
    token: HeldToken | None = None
    try:
        body = json.dumps({"terms": terms.text, "voucher": signed.to_json()}).encode()
        reply = yield from ask(place, Ask("POST", f"{place.own}/sessions", body, OK_JSON), SESSION)
        told = read_granted(place, reply, SESSION)
        token = HeldToken(told.token, place.base, place.service, terms.plan_id, min(told.end, terms.end), reserved)
    finally:
        if token is None:
            buyer.purse.take_back(reserved)
    return token


def find_offer(buyer: Buyer, wanted: Wanted, what: str) -> Generator[Step, Reply, Offered]:
    """Ask what a service accepts, and return the best offer of credits. One request of HTTP.

    Raises:
        PaymentNotAllowed: No offer is within the limits of the buyer.
        GatewayRefused: The service does not offer credits that vouchers pay.
    """
    reply = yield Send({})
    required = read_required(reply.headers, reply.body) if reply.status == PAYMENT_REQUIRED else None
    place = wanted.place
    if required is None or not required.offers:
        asked = f"{wanted.method} {place.target or '/'}"
        raise GatewayRefused(place.base, what, f"{asked} asks for no credits. Name the method that does with `method`")
    only_vouchers = Required(required.offers, None, required.error, required.message)
    option, reasons = find_option(buyer, place, only_vouchers)
    if option is None or option.offered is None:
        raise PaymentNotAllowed(place.service or place.origin, reasons)
    return option.offered


def sign_session(
    buyer: Buyer,
    place: Place,
    offered: Offered,
    *,
    limit: Credits,
    seconds: Seconds,
    per_request: Credits | None,
    user: ChecksumAddress | None = None,
) -> Generator[Step, Reply, tuple[SessionTerms, Reserved, SignedVoucher]]:
    """Sign the terms of a session, or of an allowance for a user. At most one request of HTTP.

    Raises:
        PaymentNotAllowed: The offer or the session is not within the limits. Nothing was signed.
    """
    offer, now = offered.offer, buyer.find_now()
    problem = find_problem(buyer, place, offer)
    if problem is not None:
        raise PaymentNotAllowed(offer.service, (problem,))
    terms = build_session_terms(
        offer.plan_id,
        holder=buyer.signer.address,
        user=user,
        limit=limit,
        end=now + seconds,
        per_request=min(per_request or buyer.limits.per_request, buyer.limits.per_request),
        services=(offer.service,),
    )
    least = yield from _find_least(buyer, place, offered, limit)
    reserved, signed = sign_ceiling(buyer, offer, limit, context=terms.context, deadline=terms.end, least=least)
    return terms, reserved, signed


def _find_least(buyer: Buyer, place: Place, offered: Offered, limit: Credits) -> Generator[Step, Reply, Credits]:
    """Return the ceiling that a session needs, if the seller may have served requests that this state does not know of."""
    if buyer.ceilings.read(offered.offer.plan_id) is not None:
        return 0
    small = replace(offered, offer=replace(offered.offer, amount=1))
    proof = sign_request(buyer, Wanted("GET", replace(place, target=ACCOUNT), b""), small)
    reply = yield Ask("GET", f"{place.own}{ACCOUNT}", headers=proof.headers)
    proof.note_refused()
    told = (read_object(reply.body) or {}).get("nextCeiling") if reply.status == OK else None
    return int(told) - 1 + limit if isinstance(told, str) and told.isascii() and told.isdecimal() else 0


def revoke(buyer: Buyer, place: Place, token: HeldToken) -> Generator[Step, Reply, None]:
    """Revoke a token at the gateway, and forget it. One request of HTTP. Raises GatewayRefused."""
    url = f"{find_own(token.base, token.service)}/sessions"
    yield from ask(place, Ask("DELETE", url, headers=build_token_headers(token.token)), "the end of a session")
    buyer.forget_allowance(token.base, token.service)
    buyer.forget(token)


def ask(place: Place, asked: Ask, what: str) -> Generator[Step, Reply, Reply]:
    """Ask, and return the answer. Raises GatewayRefused for any answer but a good one."""
    if not _is_same(asked.url, place.origin):
        raise GatewayRefused(place.origin, what, f"it leads to {asked.url[:80]}, which is another server")
    reply = yield asked
    if reply.status != OK:
        kind, message = read_error(reply.body)
        raise GatewayRefused(
            place.base, what, message or f"it answered with the status {reply.status}", kind or "unknown"
        )
    return reply


def read_granted(place: Place, reply: Reply, what: str) -> TokenTold:
    """Return the token of an answer. Raises GatewayRefused."""
    token = read_token(reply.body)
    if token is None:
        raise GatewayRefused(place.base, what, "its answer does not have a token")
    return token


def _read_second(value: object, place: Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        raise GatewayRefused(place.base, _SIGN_IN, "its challenge does not have a time")
    return value


def _read_service(value: object) -> str | None:
    """Return the DID of a service, or None for anything else."""
    try:
        return format_did(parse_agent_id(str(value)))
    except InputError:
        return None


def _is_same(url: str, origin: str) -> bool:
    try:
        return find_origin(url) == origin
    except InvalidUrl:
        return False
