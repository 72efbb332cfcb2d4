"""Passkeys (WebAuthn): what a passkey answers to a challenge, in the form that contract wallets accept."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from eth_abi.abi import encode

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Number

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The number of points of the curve P-256."""
_TYPE: Final = b'"type":"webauthn.get"'
_MIN_DATA: Final = 37
_FLAGS_AT, _USER_PRESENT = 32, 1
_AGAIN: Final = "ask the passkey again, with the bytes of this challenge"


@dataclass(frozen=True, slots=True)
class PasskeyAssertion:
    """The answer of a passkey: WebAuthn's ``authenticatorData`` and ``clientDataJSON``, and its signature as integers."""

    authenticator_data: bytes
    client_data_json: bytes
    r: Number
    s: Number


@runtime_checkable
class PasskeySigner(Protocol):
    """A passkey that signs challenges, such as a page that calls ``navigator.credentials.get``."""

    def sign_challenge(self, challenge: bytes, /) -> PasskeyAssertion:
        """Sign a challenge, the bytes of WebAuthn's ``challenge``."""


def sign_as_passkey(passkey: PasskeySigner, challenge: bytes) -> bytes:
    """Let a passkey sign a challenge, and return its answer as the ABI encodes it.

    The answer holds the places of the challenge and of the type in the JSON, and the lower one of the two equal ``s``.
    Raises InvalidConfig if the answer is malformed, or answers another challenge.
    """
    answer = passkey.sign_challenge(challenge)
    data, text = answer.authenticator_data, answer.client_data_json
    if len(data) < _MIN_DATA or not data[_FLAGS_AT] & _USER_PRESENT:
        raise InvalidConfig("the passkey's authenticatorData does not say that a user was present", _AGAIN)
    if not (0 < answer.r < _ORDER and 0 < answer.s < _ORDER):
        raise InvalidConfig("the passkey's signature is not two integers of the curve P-256", _AGAIN)
    encoded = urlsafe_b64encode(challenge).rstrip(b"=")
    challenge_at, type_at = text.find(b'"challenge":"' + encoded + b'"'), text.find(_TYPE)
    if min(challenge_at, type_at) < 0:
        raise InvalidConfig("the passkey's clientDataJSON does not answer this challenge", _AGAIN)
    low_s = min(answer.s, _ORDER - answer.s)
    fields = (data, text, challenge_at, type_at, answer.r, low_s)
    return encode(["(bytes,bytes,uint256,uint256,uint256,uint256)"], [fields])
