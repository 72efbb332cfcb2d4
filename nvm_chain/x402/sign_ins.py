"""The header SIGN-IN-WITH-X: a message of CAIP-122 that an account has signed, field by field, and its signature."""

from typing import Final

from msgspec import DecodeError, Struct, ValidationError, json

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.formatting import clip
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.x402.headers import read_bytes
from nvm_chain.x402.networks import parse_network

SIGN_IN_HEADER: Final = "sign-in-with-x"
"""What a request brings in place of a payment, for a plan that needs no vouchers."""
KIND: Final = "eip191"
"""How an account of Ethereum signs a text. Contract wallets sign in the same way, and are asked (ERC-1271)."""
_NOUN: Final = "sign-in"
_MAX_SIGNATURE: Final = 8_192


class _SignIn(Struct, rename="camel"):
    domain: str
    address: str
    uri: str
    version: str
    chain_id: str
    type: str
    nonce: str
    issued_at: str
    signature: str
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None


_decode: Final = json.Decoder(_SignIn).decode


def read_sign_in(header: str) -> tuple[str, bytes]:
    """Return the text that was signed, in the form of EIP-4361, and the signature. Neither is checked.

    Raises:
        InvalidMessage: The header is not a sign-in of an account of Ethereum.
    """
    try:
        given = _decode(read_bytes(header, _NOUN))
    except ValidationError as error:
        raise InvalidMessage(_NOUN, f"it is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage(_NOUN, "it is not JSON") from None
    if (given.version, given.type) != ("1", KIND):
        raise InvalidMessage(_NOUN, f"its version is not 1, or its type is not {KIND}")
    try:
        return _build_message(given).text, _read_signature(given.signature)
    except InvalidMessage:
        raise
    except InputError as error:
        raise InvalidMessage(_NOUN, error.problem.rstrip(".")) from None


def _build_message(given: _SignIn) -> SignInMessage:
    return SignInMessage(
        domain=given.domain,
        address=given.address,  # type: ignore[arg-type]  # its text is parsed before anything else
        uri=given.uri,
        chain_id=parse_network(given.chain_id),
        nonce=given.nonce,
        issued_at=given.issued_at,
        expiration_time=given.expiration_time,
        statement=given.statement,
        not_before=given.not_before,
        request_id=given.request_id,
        resources=given.resources,
    )


def _read_signature(text: str) -> bytes:
    try:
        if text.startswith("0x") and len(text) <= _MAX_SIGNATURE and text.isalnum():
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise InvalidMessage(_NOUN, "its signature is not 0x and pairs of hexadecimal digits")
