"""Visits: an account shows the pages of a gateway who it is, by a message of EIP-4361. It pays nothing, and opens no session.

The message names the origin as its only resource, and no service. So a sign-in to a service shows nothing to the pages, and what
was signed for the pages is a sign-in nowhere.
"""

from dataclasses import replace
from typing import Final

from nvm_chain.errors import SignInMismatch
from nvm_chain.meter.nonces import SignInChallenge
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.meter.sign_in_messages import SignInMessage, parse_sign_in

STATEMENT: Final = (
    "Show me what is mine at this gateway, and let me end my sessions here for an hour. This pays nothing."
)
_ANY_SERVICE: Final = 1


def build_visit(account: str, challenge: SignInChallenge, origin: str) -> SignInMessage:
    """Build the message that an account signs for the pages of a gateway. No network.

    Args:
        account: The address that signs.
        challenge: The nonce of the gateway, and what else a message needs.
        origin: Where the pages are, such as ``https://api.example.com``.

    Raises:
        InvalidAddress: The account is not an address.
        InvalidMessage: Another value cannot stand in such a message.
    """
    plain = build_sign_in(
        account,
        origin=origin,
        service=_ANY_SERVICE,
        chain_id=challenge.chain_id,
        nonce=challenge.nonce,
        now=challenge.issued_at,
    )
    return parse_sign_in(replace(plain, statement=STATEMENT, resources=(origin,)).text)


def check_visit(message: SignInMessage, origin: str) -> None:
    """Check that a message is for the pages at an origin, and for nothing else. Its signature and its nonce are not checked.

    Raises:
        SignInMismatch: The message is for another purpose.
    """
    if message.resources != (origin,):
        raise SignInMismatch("list of resources", origin, ", ".join(message.resources or ()) or "no resource")
    if message.statement != STATEMENT:
        raise SignInMismatch("statement", STATEMENT, message.statement or "no statement")
