"""Offers: what a server accepts for a request, as a 402 says it.

An offer of credits has the scheme ``nvm-credits``. Its asset is the Credits contract, and its amount is the highest number of
credits that the request costs. The holder signs a voucher for it.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidMessage
from nvm_chain.errors.fields import Credits, Number, PlanId, Seconds
from nvm_chain.signing.vouchers import DOMAIN_NAME, DOMAIN_VERSION
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.x402.networks import format_network as format_network
from nvm_chain.x402.networks import parse_network

CREDITS_SCHEME: Final = "nvm-credits"
_NOUN: Final = "offer"


class Offer(Protocol):
    """What a server accepts, of any scheme."""

    @property
    def scheme(self) -> str:
        """The scheme of the offer."""

    def to_json(self) -> dict[str, Any]:
        """Return the offer as an element of ``accepts``."""


@dataclass(frozen=True, slots=True)
class CreditsAccount:
    """How a holder's account stands, for a client that has to sign another ceiling. ``next_ceiling`` pays for this request."""

    holder: ChecksumAddress
    next_ceiling: Credits
    settled: Credits | None = None
    available: Credits | None = None

    def to_json(self) -> dict[str, str]:
        """Return the account as it stands in an offer. Numbers are decimal text."""
        numbers = {"nextCeiling": self.next_ceiling, "settled": self.settled, "available": self.available}
        return {"holder": self.holder, **{name: str(n) for name, n in numbers.items() if n is not None}}

    @classmethod
    def from_json(cls, value: Any) -> "CreditsAccount | None":
        """Read the account of an offer. None for None. Raises InvalidMessage, or an error of Python for another value."""
        if value is None:
            return None
        numbers = [None if value.get(name) is None else _read_number(value[name]) for name in ("settled", "available")]
        return cls(parse_address(value["holder"], "holder address"), _read_number(value["nextCeiling"]), *numbers)


@dataclass(frozen=True, slots=True)
class CreditsOffer:
    """Credits of a plan, as payment for a request.

    ``amount`` is the highest number of credits that the request costs. ``level`` is the least binding that the voucher has to
    have, and ``service`` is the DID in that binding. ``account`` is there if the server refused a voucher.
    """

    chain_id: Number
    credits: ChecksumAddress
    plan_id: PlanId
    redeemer: ChecksumAddress
    amount: Credits
    max_seconds: Seconds
    service: str
    level: str
    account: CreditsAccount | None = None

    @property
    def scheme(self) -> str:
        """The scheme of the offer."""
        return CREDITS_SCHEME

    def to_json(self) -> dict[str, Any]:
        """Return the offer as an element of ``accepts``."""
        extra: dict[str, Any] = {
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "planId": str(self.plan_id),
            "service": self.service,
            "level": self.level,
        }
        if self.account is not None:
            extra["account"] = self.account.to_json()
        return {
            "scheme": CREDITS_SCHEME,
            "network": format_network(self.chain_id),
            "asset": self.credits,
            "amount": str(self.amount),
            "payTo": self.redeemer,
            "maxTimeoutSeconds": self.max_seconds,
            "extra": extra,
        }

    @classmethod
    def from_json(cls, value: Any) -> "CreditsOffer":
        """Read an offer from an element of ``accepts``. Raises InvalidMessage for another scheme or a malformed offer."""
        try:
            if value["scheme"] != CREDITS_SCHEME:
                raise InvalidMessage(_NOUN, f"its scheme is {ascii(value['scheme'])[:40]}, and not {CREDITS_SCHEME}")
            extra = value["extra"]
            return cls(
                chain_id=parse_network(value["network"]),
                credits=parse_address(value["asset"], "asset"),
                plan_id=parse_plan_id(extra["planId"]),
                redeemer=parse_address(value["payTo"], "redeemer address"),
                amount=_read_number(value["amount"]),
                max_seconds=int(value["maxTimeoutSeconds"]),
                service=str(extra["service"]),
                level=str(extra["level"]),
                account=CreditsAccount.from_json(extra.get("account")),
            )
        except InvalidMessage:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise InvalidMessage(_NOUN, f"it is malformed ({type(error).__name__})") from None


def _read_number(text: Any) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 78:
        raise InvalidMessage(_NOUN, f"{ascii(text)[:40]} is not a number in decimal digits")
    return int(text)
