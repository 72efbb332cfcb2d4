"""The scheme ``exact``: a signed transfer of a token (EIP-3009), as official clients of x402 pay."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import DecodeError, Struct, ValidationError, json

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.fields import Money, PlanId, Seconds
from nvm_chain.errors.formatting import clip
from nvm_chain.signing.authorizations import SignedTransferAuthorization, TransferAuthorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.x402.accepted import Accepted, read_integer, refuse
from nvm_chain.x402.headers import VERSION, write_header
from nvm_chain.x402.networks import format_network, parse_network

EXACT_SCHEME: Final = "exact"
UPFRONT: Final = "upfront"
"""The flow of an offer that is settled before the request is served."""
TRANSFER_METHOD: Final = "eip3009"
_NOUN: Final = "offer"
_MAX_SIGNATURE: Final = 16_384


@dataclass(frozen=True, slots=True)
class ExactOffer:
    """A transfer of a token, as payment. ``token`` is its true domain, and ``amount`` is in its base units.

    ``plan_id`` is the plan that the payment is for. ``flow`` is empty if the server serves first.
    """

    token: Domain
    pay_to: ChecksumAddress
    amount: Money
    max_seconds: Seconds
    plan_id: PlanId | None = None
    flow: str = UPFRONT

    @property
    def scheme(self) -> str:
        """The scheme of the offer."""
        return EXACT_SCHEME

    def to_json(self) -> dict[str, Any]:
        """Return the offer as an element of ``accepts``."""
        return {
            "scheme": EXACT_SCHEME,
            "network": format_network(self.token.chain_id),
            "asset": self.token.address,
            "amount": str(self.amount),
            "payTo": self.pay_to,
            "maxTimeoutSeconds": self.max_seconds,
            "extra": {
                "name": self.token.name,
                "version": self.token.version,
                **({"paymentFlow": self.flow} if self.flow else {}),
                **({} if self.plan_id is None else {"planId": str(self.plan_id)}),
            },
        }

    @classmethod
    def from_json(cls, value: Any) -> "ExactOffer":
        """Read an offer from an element of ``accepts``. Raises InvalidMessage for another scheme, or a transfer by Permit2."""
        try:
            if value["scheme"] != EXACT_SCHEME:
                raise InvalidMessage(_NOUN, f"its scheme is {ascii(value['scheme'])[:40]}, and not {EXACT_SCHEME}")
            extra = value["extra"]
            method = extra.get("assetTransferMethod", TRANSFER_METHOD)
            if method != TRANSFER_METHOD:
                raise InvalidMessage(_NOUN, f"it is paid by {ascii(method)[:40]}, and not by {TRANSFER_METHOD}")
            asset = parse_address(value["asset"], "asset")
            plan_id = extra.get("planId")
            return cls(
                token=Domain(extra["name"], extra["version"], parse_network(value["network"]), asset),
                pay_to=parse_address(value["payTo"], "payee address"),
                amount=read_integer(value["amount"], "amount"),
                max_seconds=read_integer(value["maxTimeoutSeconds"], "maxTimeoutSeconds"),
                plan_id=None if plan_id is None else parse_plan_id(plan_id),
                flow=str(extra.get("paymentFlow") or ""),
            )
        except InvalidMessage:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InvalidMessage(_NOUN, f"it is malformed ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class ExactPayment:
    """A payment by a signed transfer, the offer that it accepts, and the name of the payment if it has one.

    The token's domain is not in it. Take it from your own offer: ``payment.sign_for(offer.token)``.
    """

    accepted: Accepted
    authorization: TransferAuthorization
    signature: bytes
    payment_id: str | None = None

    def sign_for(self, token: Domain) -> SignedTransferAuthorization:
        """Return the signed transfer of a token whose domain is known. Whether the payer signed it is not checked."""
        return SignedTransferAuthorization(self.authorization, token, self.signature)


class _Authorization(Struct, rename={"payer": "from", "valid_after": "validAfter", "valid_before": "validBefore"}):
    payer: str = ""
    to: str = ""
    value: Any = None
    valid_after: Any = None
    valid_before: Any = None
    nonce: str = ""


class _Payload(Struct, rename="camel"):
    authorization: _Authorization | None = None
    signature: str = ""
    permit2_authorization: Any = None


_decode: Final = json.Decoder(_Payload).decode


def read_transfer(payload: bytes) -> tuple[TransferAuthorization, bytes]:
    """Return the transfer and the signature in the payload of an ``exact`` payment.

    Raises:
        PaymentMalformed: The payload is not a transfer of EIP-3009. One by Permit2 has a code of its own.
    """
    try:
        read = _decode(payload)
    except ValidationError as error:
        raise refuse(f"its payload is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("its payload is not JSON") from None
    if read.permit2_authorization is not None:
        raise refuse("it is a transfer by Permit2, and this server takes those of EIP-3009", "unsupported_payload_type")
    if read.authorization is None:
        raise refuse("its payload has no authorization")
    return _read_authorization(read.authorization), _read_bytes(read.signature, "signature")


def _read_authorization(given: _Authorization) -> TransferAuthorization:
    nonce = _read_bytes(given.nonce, "nonce")
    if len(nonce) != 32:
        raise refuse(f"its nonce has {len(nonce)} bytes, and not 32")
    try:
        return TransferAuthorization(
            payer=_read_address(given.payer, "payer address"),
            payee=_read_address(given.to, "payee address"),
            value=read_integer(given.value, "value"),
            valid_after=read_integer(given.valid_after, "validAfter"),
            valid_before=read_integer(given.valid_before, "validBefore"),
            nonce=nonce,
        )
    except InvalidMessage:
        raise
    except InputError as error:
        raise refuse(f"its authorization is malformed: {error.problem}") from None


@lru_cache(maxsize=4_096)
def _read_address(text: str, name: str) -> ChecksumAddress:
    return parse_address(text, name)


def _read_bytes(text: object, name: str) -> bytes:
    try:
        if isinstance(text, str) and text.startswith("0x") and len(text) <= _MAX_SIGNATURE and text.isalnum():
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise refuse(f"its {name} is not 0x and pairs of hexadecimal digits")


def build_exact_payload(signed: SignedTransferAuthorization) -> dict[str, Any]:
    """Return the payload of an ``exact`` payment."""
    transfer = signed.authorization
    return {
        "signature": f"0x{signed.signature.hex()}",
        "authorization": {
            "from": transfer.payer,
            "to": transfer.payee,
            "value": str(transfer.value),
            "validAfter": str(transfer.valid_after),
            "validBefore": str(transfer.valid_before),
            "nonce": f"0x{transfer.nonce.hex()}",
        },
    }


def write_exact_payment(
    offer: Any,
    signed: SignedTransferAuthorization,
    *,
    resource: Any = None,
    extensions: dict[str, Any] | None = None,
) -> str:
    """Write the header PAYMENT-SIGNATURE of a payment by a signed transfer.

    Args:
        offer: The element of ``accepts`` that the payment is for, as it came.
        signed: The signed transfer.
        resource: What the 402 says of the resource, as it came.
        extensions: The extensions of the payment.
    """
    payment = {"x402Version": VERSION, "accepted": offer, "payload": build_exact_payload(signed)}
    more = {"resource": resource, "extensions": extensions}
    return write_header({**payment, **{name: value for name, value in more.items() if value is not None}})
