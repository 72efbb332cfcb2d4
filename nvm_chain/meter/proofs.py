"""Proofs: an account signs a message of EIP-4361 to use an allowance, or to revoke a session, and the message says which.

Such a message has one more resource than a sign-in. So a sign-in proves nothing here, and a proof signs nobody in.
"""

from dataclasses import dataclass, replace
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import SignInMismatch
from nvm_chain.meter.session_terms import SessionTerms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.sign_in_messages import SignInMessage, parse_sign_in
from nvm_chain.types.ids import format_did

PREFIX: Final = "urn:nvm-chain:"
_LIST: Final = "list of resources"


@dataclass(frozen=True, slots=True)
class Proof:
    """What has to be proved: who signs, for what, and at which services. ``statement`` tells the person who signs."""

    account: ChecksumAddress
    resource: str
    services: tuple[str, ...]
    statement: str

    def write(self, *, origin: str, service: int | str, chain_id: int, nonce: str, now: int) -> str:
        """Return the message that the account signs. No network.

        Args:
            origin: Where the account proves it, such as ``https://api.example.com``.
            service: The id of the agent.
            chain_id: The id of the chain.
            nonce: The nonce that the server gave.
            now: The time of issue, as the server gave it.

        Raises:
            InvalidMessage: A value cannot stand in such a message.
        """
        where = {"origin": origin, "service": service, "chain_id": chain_id, "nonce": nonce, "now": now}
        plain = build_sign_in(self.account, **where)  # type: ignore[arg-type]
        message = replace(plain, statement=self.statement, resources=(*(plain.resources or ()), self.resource))
        return parse_sign_in(message.text).text

    def check(self, message: SignInMessage) -> None:
        """Check that a message is this proof. Its signature, its nonce and its place are not checked.

        Raises:
            SignInMismatch: The message is of another account, or for another purpose.
        """
        if message.address != self.account:
            raise SignInMismatch("account", self.account, message.address)
        purposes = [uri for uri in message.resources or () if uri.startswith(PREFIX)]
        if purposes != [self.resource]:
            raise SignInMismatch(_LIST, self.resource, ", ".join(purposes) or "no purpose")
        for did in message.services:
            if self.services and did not in self.services:
                raise SignInMismatch(_LIST, " or ".join(self.services), did)


def build_use_proof(terms: SessionTerms, digest: bytes) -> Proof:
    """Return what the user of an allowance proves. ``digest`` is the hash of the voucher."""
    statement = f"Use the credits of {terms.holder} on the plan {format_did(terms.plan_id)}."
    return Proof(terms.user, f"{PREFIX}use:0x{digest.hex()}", terms.services, statement)


def build_revocation_proof(terms: SessionTerms, digest: bytes) -> Proof:
    """Return what the holder proves to revoke a session or an allowance. ``digest`` is the hash of the voucher."""
    statement = f"Let nobody use my credits on the plan {format_did(terms.plan_id)} by this session any more."
    return Proof(terms.holder, f"{PREFIX}revoke:0x{digest.hex()}", terms.services, statement)


def refuse_proof(message: SignInMessage) -> None:
    """Refuse a proof in the place of a sign-in. Raises SignInMismatch."""
    for uri in message.resources or ():
        if uri.startswith(PREFIX):
            raise SignInMismatch(_LIST, "no purpose but a sign-in", uri)
