"""Credentials: what a request brings in ``Authorization: Payment``, the challenge that it pays and the proof."""

from dataclasses import dataclass
from typing import Any, Final

from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.formatting import clip
from nvm_chain.mpp.challenges import SCHEME, Challenge
from nvm_chain.mpp.encoding import read_bytes, write_bytes

AUTHORIZATION: Final = "authorization"
NOUN: Final = "credential"


class _Echo(Struct, rename={"challenge_id": "id"}):
    challenge_id: str
    realm: str
    method: str
    intent: str
    request: str
    expires: str = ""
    digest: str = ""
    opaque: str = ""
    description: str = ""


class _Credential(Struct):
    challenge: _Echo
    payload: Raw
    source: str = ""


_decode: Final = json.Decoder(_Credential).decode


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential. ``payload`` is JSON that the payment method reads. ``source`` says who pays, or is empty."""

    challenge: Challenge
    payload: bytes
    source: str = ""


def find_credential(authorization: str) -> str | None:
    """Return the credential in the header Authorization. None for another scheme.

    >>> find_credential("payment e30")
    'e30'
    """
    scheme, _, text = authorization.partition(" ")
    return text.strip() if scheme.lower() == SCHEME.lower() else None


def read_credential(text: str) -> Credential:
    """Read a credential. Whether its challenge was given out, and whether it pays, is not checked.

    Raises:
        InvalidMessage: The text is not a credential.
    """
    try:
        read = _decode(read_bytes(text, NOUN))
    except ValidationError as error:
        raise InvalidMessage(NOUN, f"it is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage(NOUN, "it is not JSON") from None
    echo = read.challenge
    terms = (echo.realm, echo.method, echo.intent, echo.request, echo.expires, echo.digest, echo.opaque)
    return Credential(Challenge(echo.challenge_id, *terms, echo.description), bytes(read.payload), read.source)


def write_credential(challenge: Challenge, payload: dict[str, Any], source: str = "") -> str:
    """Return the value of the header Authorization that pays a challenge.

    Args:
        challenge: The challenge, as it came.
        payload: The proof of the payment method.
        source: Who pays, as a DID. Empty if it is not said.
    """
    named = {"id": challenge.challenge_id, "realm": challenge.realm, "method": challenge.method}
    terms = {"expires": challenge.expires, "digest": challenge.digest, "opaque": challenge.opaque}
    echo = {**named, "intent": challenge.intent, "request": challenge.request}
    echo |= {name: text for name, text in terms.items() if text}
    told = {"challenge": echo, "payload": payload, **({"source": source} if source else {})}
    return f"{SCHEME} {write_bytes(json.encode(told))}"
