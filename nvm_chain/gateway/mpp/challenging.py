"""Challenges of a gateway: one for each usage plan of a service, bound to the request and its body, and their way back."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from msgspec import json

from nvm_chain.enums import PlanKind
from nvm_chain.errors import ChallengeRefused, MethodNotTaken, TransferMismatch
from nvm_chain.errors.fields import Time
from nvm_chain.gateway.catalogue import SoldPlan
from nvm_chain.gateway.forwarding import Passage
from nvm_chain.gateway.offers import PAY_SECONDS
from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.mpp.challenges import INTENT, METHOD, Challenge, build_challenge, write_digest
from nvm_chain.mpp.charges import describe_charge, list_nonces, read_transfer
from nvm_chain.mpp.credentials import Credential
from nvm_chain.mpp.encoding import is_quotable, write_value
from nvm_chain.signing.authorizations import SignedTransferAuthorization

MAX_CHALLENGES: Final = 8
"""How many challenges one answer has. Each is about 600 bytes, and servers limit the headers of an answer."""


class Challenges:
    """Gives out challenges, and recognizes those that it gave out."""

    def __init__(self, key: bytes, *, base: str) -> None:
        """Take the key of the challenges, which all processes of the gateway have in common, and the gateway's URL."""
        self._key, self._host = key, urlsplit(base).netloc

    def build_all(self, passage: Passage, now: Time) -> list[Challenge]:
        """Return the challenges for a request, the cheapest first. Read the start of its body before.

        Args:
            passage: The request.
            now: The Unix second.
        """
        name = passage.service.metadata.name
        return [
            build_challenge(
                self._key,
                realm=self._find_realm(passage),
                request=describe_charge(price.token, price.cost, price.payee),
                expires=now + PAY_SECONDS,
                digest=write_digest(passage.body.digest),
                opaque=_bind(passage, plan),
                description=name if is_quotable(name) else "",
            )
            for plan, price in list_charges(passage)[:MAX_CHALLENGES]
            if price.payee is not None
        ]

    def find_plan(self, challenge: Challenge, passage: Passage) -> SoldPlan:
        """Return the plan for which a challenge was given out, if it is for this request.

        Raises:
            MethodNotTaken: It is a challenge of another method.
            ChallengeRefused: It was not given out here, or is for another request, or the plan costs something else now.
        """
        if (challenge.method, challenge.intent) != (METHOD, INTENT):
            raise MethodNotTaken(challenge.method[:40], challenge.intent[:40])
        if not challenge.is_of(self._key) or challenge.realm != self._find_realm(passage):
            raise ChallengeRefused("it was not given out by this server for this host, or it was changed")
        if challenge.digest != write_digest(passage.body.digest):
            raise ChallengeRefused("it is for another body")
        for plan, price in list_charges(passage):
            if challenge.opaque == write_value(_bind(passage, plan)) and price.payee is not None:
                if challenge.request != write_value(describe_charge(price.token, price.cost, price.payee)):
                    raise ChallengeRefused("the price has changed")
                return plan
        raise ChallengeRefused("it is for another request")

    def _find_realm(self, passage: Passage) -> str:
        """Return the host of a request as its service has it: its own one, or that of the gateway."""
        return passage.incoming.host if passage.incoming.keeps_cookies else self._host


def read_charge(credential: Credential, price: PlanPrice) -> SignedTransferAuthorization:
    """Return the transfer that pays a challenge. Whether the payer has signed it is not checked.

    Args:
        credential: The credential, whose challenge is good.
        price: What the plan costs.

    Raises:
        InvalidMessage: The credential has no such transfer.
        TransferMismatch: The transfer is for something else.
    """
    signed = read_transfer(credential, price.token)
    transfer = signed.authorization
    if transfer.nonce not in list_nonces(credential.challenge):
        raise TransferMismatch("nonce", "the hash of its challenge", f"0x{transfer.nonce.hex()}")
    if transfer.payee != price.payee:
        raise TransferMismatch("payee", str(price.payee), transfer.payee)
    if transfer.value != price.cost:
        raise TransferMismatch("value", price.cost, transfer.value)
    return signed


def list_charges(passage: Passage) -> list[tuple[SoldPlan, PlanPrice]]:
    """Return the usage plans that pay for a request by a transfer, the cheapest first."""
    return sorted(_find_charges(passage), key=lambda found: (found[1].cost, found[0].plan_id))


def _find_charges(passage: Passage) -> Iterator[tuple[SoldPlan, PlanPrice]]:
    for plan in passage.endpoint.plans.values():
        if plan.kind is PlanKind.USAGE and plan.price is not None and plan.price.payee is not None:
            yield plan, plan.price


def _bind(passage: Passage, plan: SoldPlan) -> dict[str, str]:
    """Return what a challenge is bound to beside its terms: the plan, and a digest of method, service and target."""
    bound = json.encode([passage.incoming.method, passage.service.did, passage.target])
    return {"plan": str(plan.plan_id), "resource": f"sha-256:{sha256(bound).hexdigest()}"}
