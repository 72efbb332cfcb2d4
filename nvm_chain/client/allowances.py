"""Allowances over HTTP: the holder signs that somebody else may use its credits, and the user proves itself at the gateway."""

import json
from collections.abc import Generator
from typing import Final

from nvm_chain.client.asking import (
    OK_JSON,
    SESSION,
    ask,
    ask_challenge,
    find_offer,
    read_granted,
    sign_personal,
    sign_session,
)
from nvm_chain.client.buyer import Buyer, HeldToken
from nvm_chain.client.credentials import find_service_problem
from nvm_chain.client.places import Place
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.client.steps import Ask, Reply, Step, Wanted
from nvm_chain.errors import GatewayRefused, PaymentNotAllowed
from nvm_chain.errors.fields import Credits, Seconds
from nvm_chain.meter.proofs import Proof, build_revocation_proof, build_use_proof
from nvm_chain.meter.session_terms import SessionTerms
from nvm_chain.signing.vouchers import VoucherVerifier
from nvm_chain.types.addresses import parse_address

_REVOCATION: Final = "the revocation of an allowance"
_OTHER: Final = "the allowance is not for this service"


def sign_allowance(
    buyer: Buyer, wanted: Wanted, *, user: str, limit: Credits, seconds: Seconds, per_request: Credits | None
) -> Generator[Step, Reply, Allowance]:
    """Ask what a service accepts, and sign an allowance for a user. Nothing is opened. Two requests of HTTP at most.

    Raises:
        PaymentNotAllowed: The allowance is not within the limits of the buyer. Nothing was signed.
        GatewayRefused: The service does not offer credits that vouchers pay.
        InvalidAddress: The user is not an address.
    """
    account = parse_address(user, "user address")
    offered = yield from find_offer(buyer, wanted, "an allowance")
    place = wanted.place
    terms, _, signed = yield from sign_session(
        buyer, place, offered, limit=limit, seconds=seconds, per_request=per_request, user=account
    )
    return Allowance(terms, signed)


def use_allowance(buyer: Buyer, place: Place, allowance: Allowance) -> Generator[Step, Reply, HeldToken]:
    """Prove that the buyer is the user of an allowance, and return the token. Two requests of HTTP.

    The buyer signs a message only, which names the allowance and the server. No credits of its own are promised.

    Raises:
        PaymentNotAllowed: The allowance is for another account, or not for the service. Nothing was signed.
        GatewayRefused: The gateway refused the allowance.
    """
    terms = allowance.terms
    if terms.user != buyer.signer.address:
        raise PaymentNotAllowed(place.service or place.origin, (f"the allowance is for the account {terms.user}",))
    services = _list_services(buyer, place, terms)
    proof = build_use_proof(terms, _hash(buyer, allowance))
    body = yield from _prove(buyer, place, allowance, proof, services, may_use=True)
    reply = yield from ask(place, Ask("POST", f"{place.own}/sessions", body, OK_JSON), "an allowance")
    told = read_granted(place, reply, "an allowance")
    token = HeldToken(told.token, place.base, place.service, terms.plan_id, min(told.end, terms.end))
    buyer.remember_allowance(place, allowance)
    buyer.remember(place, token)
    return token


def revoke_allowance(buyer: Buyer, place: Place, allowance: Allowance) -> Generator[Step, Reply, None]:
    """Revoke an allowance that the buyer has signed. It may be unused so far. Two requests of HTTP.

    Raises:
        PaymentNotAllowed: The buyer is not the holder of the allowance.
        GatewayRefused: The gateway refused the revocation.
    """
    if allowance.terms.holder != buyer.signer.address:
        raise PaymentNotAllowed(place.service or place.origin, ("the allowance is of another holder",))
    services = allowance.terms.services if place.service is None else (place.service,)
    proof = build_revocation_proof(allowance.terms, _hash(buyer, allowance))
    body = yield from _prove(buyer, place, allowance, proof, services)
    yield from ask(place, Ask("POST", f"{place.own}/sessions/revoke", body, OK_JSON), _REVOCATION)


def _list_services(buyer: Buyer, place: Place, terms: SessionTerms) -> tuple[str, ...]:
    """Return the services of an allowance that an address may be for, and that are within the limits of the buyer.

    Raises PaymentNotAllowed if there are none. The terms of an allowance for every service name none, and allow any.
    """
    if place.service is not None and terms.services and place.service not in terms.services:
        raise PaymentNotAllowed(place.service, (_OTHER,))
    services = terms.services if place.service is None else (place.service,)
    problems = {service: find_service_problem(buyer.limits, place, service) for service in services}
    allowed = tuple(service for service, problem in problems.items() if problem is None)
    if problems and not allowed:
        raise PaymentNotAllowed(place.service or place.origin, tuple(filter(None, problems.values()))[:1])
    return allowed


def _prove(
    buyer: Buyer, place: Place, allowance: Allowance, proof: Proof, services: tuple[str, ...], *, may_use: bool = False
) -> Generator[Step, Reply, bytes]:
    """Return the body of a request that proves something about an allowance.

    An address on a host of its own does not have its service in it. The server says it then, if it is one of several services.
    ``may_use`` says that the service has to be within the limits of the buyer.
    """
    challenge = yield from ask_challenge(buyer, place, f"{place.own}/sign-in", next(iter(services), place.origin))
    service = challenge.service or next(iter(services), None)
    if service is None:
        raise GatewayRefused(place.base, SESSION, "the allowance names no service, and neither does the address")
    problem = None if service in services or not allowance.terms.services else _OTHER
    if may_use:
        problem = find_service_problem(buyer.limits, place, service) or problem
    if problem is not None:
        raise PaymentNotAllowed(service, (problem,))
    text = proof.write(
        origin=place.origin,
        service=service,
        chain_id=buyer.chain.chain_id,
        nonce=challenge.nonce,
        now=challenge.issued_at,
    )
    return json.dumps(
        {
            "terms": allowance.terms.text,
            "voucher": allowance.signed.to_json(),
            "message": text,
            "signature": f"0x{sign_personal(buyer, text).hex()}",
        }
    ).encode()


def _hash(buyer: Buyer, allowance: Allowance) -> bytes:
    verifier = VoucherVerifier(buyer.chain.chain_id, buyer.chain.credits.address)
    return verifier.hash(allowance.signed.voucher)
