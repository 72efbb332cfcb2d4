"""The scheme ``nvm-order``: buy a plan by a signed order, in one transaction, and be served for a voucher at once.

The order is bound to the plan by its nonce. With ``exact``, a payment and the credits would be two transactions.
"""

from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import DecodeError, Raw, Struct, ValidationError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Credits, Money, PlanId, Seconds
from nvm_chain.errors.formatting import clip
from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.x402.accepted import ACCOUNT, Accepted, read_integer, refuse
from nvm_chain.x402.exact import UPFRONT
from nvm_chain.x402.networks import format_network, parse_network
from nvm_chain.x402.offers import CreditsAccount
from nvm_chain.x402.vouchers import read_binding, read_text, read_voucher, write_voucher

ORDER_SCHEME: Final = "nvm-order"
_NOUN: Final = "offer"


@dataclass(frozen=True, slots=True)
class OrderOffer:
    """A plan for sale. ``amount`` is what one purchase costs, and ``credits`` is what it gives.

    ``request_credits`` is the highest number of them that the request takes, and 0 at the URL where the plan alone is sold. There, the
    payment needs no voucher. The order is signed for ``contract``, by the domain of ``token``. ``account`` is there if the
    server refused a voucher. It has the ceiling of the voucher that comes with the order.
    """

    token: Domain
    contract: ChecksumAddress
    plan_id: PlanId
    amount: Money
    credits: Credits
    redeemer: ChecksumAddress
    max_seconds: Seconds
    request_credits: Credits = 0
    service: str = ""
    level: str = ""
    account: CreditsAccount | None = None

    @property
    def scheme(self) -> str:
        """The scheme of the offer."""
        return ORDER_SCHEME

    def to_json(self) -> dict[str, Any]:
        """Return the offer as an element of ``accepts``."""
        request: dict[str, Any] = {"service": self.service, "level": self.level}
        request["requestCredits"] = str(self.request_credits)
        if self.account is not None:
            request[ACCOUNT] = self.account.to_json()
        return {
            "scheme": ORDER_SCHEME,
            "network": format_network(self.token.chain_id),
            "asset": self.token.address,
            "amount": str(self.amount),
            "payTo": self.contract,
            "maxTimeoutSeconds": self.max_seconds,
            "extra": {
                "name": self.token.name,
                "version": self.token.version,
                "paymentFlow": UPFRONT,
                "purchase": "plan",
                "planId": str(self.plan_id),
                "credits": str(self.credits),
                "redeemer": self.redeemer,
                **(request if self.service else {}),
            },
        }

    @classmethod
    def from_json(cls, value: Any) -> "OrderOffer":
        """Read an offer from an element of ``accepts``. Raises InvalidMessage for another scheme or a malformed offer."""
        try:
            if value["scheme"] != ORDER_SCHEME:
                raise InvalidMessage(_NOUN, f"its scheme is {ascii(value['scheme'])[:40]}, and not {ORDER_SCHEME}")
            extra = value["extra"]
            asset = parse_address(value["asset"], "asset")
            return cls(
                token=Domain(extra["name"], extra["version"], parse_network(value["network"]), asset),
                contract=parse_address(value["payTo"], "contract address"),
                plan_id=parse_plan_id(extra["planId"]),
                amount=read_integer(value["amount"], "amount"),
                credits=read_integer(extra["credits"], "credits"),
                redeemer=parse_address(extra["redeemer"], "redeemer address"),
                max_seconds=read_integer(value["maxTimeoutSeconds"], "maxTimeoutSeconds"),
                request_credits=read_integer(extra.get("requestCredits", "0"), "requestCredits"),
                service=str(extra.get("service", "")),
                level=str(extra.get("level", "")),
                account=CreditsAccount.from_json(extra.get(ACCOUNT)),
            )
        except InvalidMessage:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InvalidMessage(_NOUN, f"it is malformed ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """A payment by a signed order: the order, and the voucher that pays for the request out of what was bought.

    ``signed`` is None where the plan alone is bought.
    """

    accepted: Accepted
    order: SignedOrder
    signed: SignedVoucher | None = None
    binding: Binding | None = None
    payment_id: str | None = None


class _Payload(Struct):
    order: Raw
    voucher: Raw = Raw(b"null")
    binding: Raw = Raw(b"null")


_decode: Final = json.Decoder(_Payload).decode


def read_order(payload: bytes) -> tuple[SignedOrder, SignedVoucher | None, Binding | None]:
    """Return the order, the voucher and the binding in the payload of an ``nvm-order`` payment. Raises PaymentMalformed."""
    try:
        read = _decode(payload)
    except ValidationError as error:
        raise refuse(f"its payload is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("its payload is not JSON") from None
    try:
        order = SignedOrder.from_json(read_text(read.order))
    except InvalidMessage as error:
        raise refuse(f"its order is malformed: {error.reason}") from None
    voucher = None if bytes(read.voucher) == b"null" else read_voucher(read.voucher)
    return order, voucher, read_binding(read.binding)


def build_order_payload(
    order: SignedOrder, signed: SignedVoucher | None = None, binding: Binding | None = None
) -> dict[str, Any]:
    """Return the payload of an ``nvm-order`` payment.

    Args:
        order: The signed order.
        signed: The voucher for the request. None where the plan alone is bought.
        binding: The binding whose hash is the voucher's context. None for a voucher without one.
    """
    return {"order": Raw(order.to_json().encode()), **({} if signed is None else write_voucher(signed, binding))}
