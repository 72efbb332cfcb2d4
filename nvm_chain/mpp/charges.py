"""Charges on EVM chains: one transfer of a token that the payer signs (EIP-3009) and the server sends.

The nonce of the transfer is a hash of the challenge's id and realm. So a signature pays one challenge, and with it one request. The
specification hashes both texts behind each other, and so do older official packages. Newer ones hash a JSON list of them. A server
takes either.
"""

import re
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from msgspec import DecodeError, Struct, ValidationError, json

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.fields import Money, Number
from nvm_chain.errors.formatting import clip
from nvm_chain.mpp.challenges import METHOD, Challenge
from nvm_chain.mpp.credentials import NOUN, Credential
from nvm_chain.signing.authorizations import SignedTransferAuthorization, TransferAuthorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.types.addresses import parse_address

AUTHORIZATION_TYPE: Final = "authorization"
"""The only type of credential that is taken. The others of the method are transactions, and transfers by Permit2."""
_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,77}")
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})+")
_NONCE_BYTES: Final = 32
_MAX_SIGNATURE: Final = 16_384
_KINDS: Final = ("permit2", "transaction", "hash")


class _Payload(Struct, rename={"payer": "from", "valid_after": "validAfter", "valid_before": "validBefore"}):
    type: str
    payer: str = ""
    to: str = ""
    value: str = ""
    valid_after: str = ""
    valid_before: str = ""
    nonce: str = ""
    signature: str = ""


_decode: Final = json.Decoder(_Payload).decode


def describe_charge(
    token: Domain, amount: Money, payee: ChecksumAddress, decimals: Number | None = None
) -> dict[str, Any]:
    """Return what a challenge asks for: an amount of a token, in its base units, for a payee.

    Args:
        token: The domain of the token.
        amount: The amount.
        payee: Who gets it.
        decimals: How many decimals people write the amount with. None if it is not known.
    """
    details: dict[str, Any] = {"chainId": token.chain_id, "credentialTypes": [AUTHORIZATION_TYPE]}
    if decimals is not None:
        details["decimals"] = decimals
    return {"amount": str(amount), "currency": token.address, "recipient": payee, "methodDetails": details}


def list_nonces(challenge: Challenge) -> tuple[bytes, bytes]:
    """Return the nonces that a transfer for a challenge can have: as the specification says, and as newer packages do."""
    listed = json.encode([challenge.challenge_id, challenge.realm])
    return keccak(text=challenge.challenge_id + challenge.realm), keccak(listed)


def read_transfer(credential: Credential, token: Domain) -> SignedTransferAuthorization:
    """Return the signed transfer in a credential. Whether the payer signed it is not checked.

    Raises:
        InvalidMessage: The payload is not a transfer of EIP-3009, or its nonce or its payer is another one.
    """
    try:
        read = _decode(credential.payload)
    except ValidationError as error:
        raise InvalidMessage(NOUN, f"its payload is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidMessage(NOUN, "its payload is not JSON") from None
    if read.type != AUTHORIZATION_TYPE:
        known = "another kind of payment" if read.type in _KINDS else "of an unknown type"
        raise InvalidMessage(NOUN, f"its payload is {known}, and this server takes authorizations of EIP-3009")
    authorization = _read_authorization(read)
    if credential.source and credential.source.lower() != write_source(token.chain_id, authorization.payer).lower():
        raise InvalidMessage(NOUN, "its source is not the account that pays")
    return SignedTransferAuthorization(authorization, token, _read_hex(read.signature, "signature"))


def write_source(chain_id: Number, payer: str) -> str:
    """Return the DID of an account that pays.

    >>> write_source(8453, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    'did:pkh:eip155:8453:0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
    """
    return f"did:pkh:eip155:{chain_id}:{payer}"


def build_charge_payload(signed: SignedTransferAuthorization) -> dict[str, str]:
    """Return the payload of a credential that pays by a signed transfer."""
    transfer = signed.authorization
    return {
        "type": AUTHORIZATION_TYPE,
        "from": transfer.payer,
        "to": transfer.payee,
        "value": str(transfer.value),
        "validAfter": str(transfer.valid_after),
        "validBefore": str(transfer.valid_before),
        "nonce": f"0x{transfer.nonce.hex()}",
        "signature": f"0x{signed.signature.hex()}",
    }


def build_receipt(challenge: Challenge, transaction: str, chain_id: Number, time: str) -> dict[str, Any]:
    """Return what the header Payment-Receipt says of a charge. ``time`` is that of the payment, by RFC 3339."""
    told = {"method": METHOD, "challengeId": challenge.challenge_id, "reference": transaction, "chainId": chain_id}
    return {**told, "status": "success", "timestamp": time}


def _read_authorization(read: _Payload) -> TransferAuthorization:
    nonce = _read_hex(read.nonce, "nonce")
    if len(nonce) != _NONCE_BYTES:
        raise InvalidMessage(NOUN, f"its nonce has {len(nonce)} bytes, and not {_NONCE_BYTES}")
    try:
        return TransferAuthorization(
            payer=parse_address(read.payer, "payer address"),
            payee=parse_address(read.to, "payee address"),
            value=_read_digits(read.value, "value"),
            valid_after=_read_digits(read.valid_after, "validAfter"),
            valid_before=_read_digits(read.valid_before, "validBefore"),
            nonce=nonce,
        )
    except InvalidMessage:
        raise
    except InputError as error:
        raise InvalidMessage(NOUN, f"its payload is malformed: {error.problem}") from None


def _read_digits(text: str, name: str) -> int:
    if not _DIGITS.fullmatch(text):
        raise InvalidMessage(NOUN, f"its {name} is {ascii(text)[:40]}, and not decimal digits")
    return int(text)


def _read_hex(text: str, name: str) -> bytes:
    if len(text) > _MAX_SIGNATURE or not _HEX.fullmatch(text):
        raise InvalidMessage(NOUN, f"its {name} is not 0x and pairs of hexadecimal digits")
    return bytes.fromhex(text[2:])
