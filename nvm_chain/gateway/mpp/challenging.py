"""Challenges of a gateway: one for each plan that pays, bound to the request and its body, and their way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from msgspec import json

from nvm_chain.errors import ChallengeRefused, MethodNotTaken, TransferMismatch
from nvm_chain.errors.fields import PlanId, Time
from nvm_chain.gateway.forwarding import Passage
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.offers import PAY_SECONDS
from nvm_chain.mpp.challenges import INTENT, METHOD, Challenge, build_challenge, write_digest
from nvm_chain.mpp.charges import describe_charge, list_nonces, read_transfer
from nvm_chain.mpp.credentials import Credential
from nvm_chain.mpp.encoding import is_quotable, write_value
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.x402.exact import ExactOffer
from nvm_chain.x402.offers import Offer
from nvm_chain.x402.orders import OrderOffer


@dataclass(frozen=True, slots=True)
class Bound:
    """What a challenge is bound to beside its plan: the host, the method, the service and the target of a request, and its body.

    ``service`` is empty for an address of the gateway itself, and ``body`` for no body, or one that is long.
    """

    realm: str
    method: str
    service: str
    target: str
    body: str = ""

    def describe(self, plan_id: PlanId) -> dict[str, str]:
        """Return what a challenge brings back of it: the plan, and a digest."""
        bound = json.encode([self.method, self.service, self.target])
        return {"plan": str(plan_id), "resource": f"sha-256:{sha256(bound).hexdigest()}"}


class Challenges:
    """Gives out challenges, and recognizes those that it gave out."""

    def __init__(self, key: bytes, *, base: str) -> None:
        """Take the key of the challenges, which all processes of the gateway have in common, and the gateway's URL."""
        self._key, self._host = key, urlsplit(base).netloc

    def find_realm(self, incoming: Incoming, *, on_own_host: bool) -> str:
        """Return the host of a request as its service has it: its own one, or that of the gateway."""
        return incoming.host if on_own_host else self._host

    def bind(self, passage: Passage) -> Bound:
        """Return what a challenge for a request to a service is bound to. Read the start of its body before."""
        incoming = passage.incoming
        realm = self.find_realm(incoming, on_own_host=incoming.keeps_cookies)
        digest = write_digest(passage.body.digest)
        return Bound(realm, incoming.method, passage.service.did, passage.target, digest)

    def build_all(self, bound: Bound, charges: Sequence[ExactOffer], name: str, now: Time) -> list[Challenge]:
        """Return a challenge for each transfer that pays.

        Args:
            bound: The request.
            charges: What pays for it.
            name: What is sold.
            now: The Unix second.
        """
        return [
            build_challenge(
                self._key,
                realm=bound.realm,
                request=describe_charge(offer.token, offer.amount, offer.pay_to),
                expires=now + PAY_SECONDS,
                digest=bound.body,
                opaque=bound.describe(offer.plan_id or 0),
                description=name if is_quotable(name) else "",
            )
            for offer in charges
        ]

    def find_charge(self, challenge: Challenge, bound: Bound, charges: Sequence[ExactOffer]) -> ExactOffer:
        """Return what a challenge was given out for, if it is for this request.

        Raises:
            MethodNotTaken: It is a challenge of another method.
            ChallengeRefused: It was not given out here, or is for another request, or the price is another one now.
        """
        if (challenge.method, challenge.intent) != (METHOD, INTENT):
            raise MethodNotTaken(challenge.method[:40], challenge.intent[:40])
        if not challenge.is_of(self._key) or challenge.realm != bound.realm:
            raise ChallengeRefused("it was not given out by this server for this host, or it was changed")
        if challenge.digest != bound.body:
            raise ChallengeRefused("it is for another body")
        for offer in charges:
            if challenge.opaque == write_value(bound.describe(offer.plan_id or 0)):
                if challenge.request != write_value(describe_charge(offer.token, offer.amount, offer.pay_to)):
                    raise ChallengeRefused("the price has changed")
                return offer
        raise ChallengeRefused("it is for another request")


def read_charge(credential: Credential, offer: ExactOffer) -> SignedTransferAuthorization:
    """Return the transfer that pays a challenge. Whether the payer has signed it is not checked.

    Args:
        credential: The credential, whose challenge is good.
        offer: What the challenge was given out for.

    Raises:
        InvalidMessage: The credential has no such transfer.
        TransferMismatch: The transfer is for something else.
    """
    signed = read_transfer(credential, offer.token)
    transfer = signed.authorization
    if transfer.nonce not in list_nonces(credential.challenge):
        raise TransferMismatch("nonce", "the hash of its challenge", f"0x{transfer.nonce.hex()}")
    if transfer.payee != offer.pay_to:
        raise TransferMismatch("payee", offer.pay_to, transfer.payee)
    if transfer.value != offer.amount:
        raise TransferMismatch("value", offer.amount, transfer.value)
    return signed


def list_charges(offers: Sequence[Offer | OrderOffer | ExactOffer]) -> list[ExactOffer]:
    """Return what a charge can pay, of everything that is offered: the transfers."""
    return [offer for offer in offers if isinstance(offer, ExactOffer)]
