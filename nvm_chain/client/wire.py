"""The wire as a buyer sees it: what a 402 offers, what a payment is, and what a paid answer says. Only this file knows x402."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import InputError, InvalidMessage, MissingExtra
from nvm_chain.errors.fields import Credits, PlanId, Time
from nvm_chain.meter.bindings import Binding
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.json_text import parse_json

try:
    from nvm_chain.x402.exact import ExactOffer as ExactOffer
    from nvm_chain.x402.exact import write_exact_payment as write_exact_payment
    from nvm_chain.x402.headers import (
        PAYMENT_REQUIRED,
        PAYMENT_RESPONSE,
        VERSION,
        read_header,
    )
    from nvm_chain.x402.headers import PAYMENT_SIGNATURE as PAYMENT_SIGNATURE
    from nvm_chain.x402.offers import CreditsOffer as CreditsOffer
    from nvm_chain.x402.payments import write_payment
except ModuleNotFoundError as error:
    raise MissingExtra("A client that pays for requests", "client") from error

MAX_OFFERS: Final = 64
"""How many offers of a 402 are read."""
MAX_ANSWER: Final = 1_048_576
"""The largest number of bytes in a 402 or in an answer of the gateway itself."""
SIGN_IN: Final = "nvm-sign-in"
_MOST_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer, and the element of ``accepts`` from which it was read."""

    offer: CreditsOffer
    raw: Any


@dataclass(frozen=True, slots=True)
class ExactOffered:
    """An offer that a signed transfer pays, and the element of ``accepts`` from which it was read."""

    offer: ExactOffer
    raw: Any


@dataclass(frozen=True, slots=True)
class SignInPlan:
    """A plan for which a sign-in is enough: its kind, and the highest number of credits that the request costs."""

    kind: str
    credits: Credits


@dataclass(frozen=True, slots=True)
class SignInOffered:
    """Where to sign in, and the plans for which that is enough."""

    url: str
    plans: Mapping[int, SignInPlan]


@dataclass(frozen=True, slots=True)
class Required:
    """What a 402 says. ``error`` is the type of the error, and empty for another server than ours.

    ``exact`` are the offers that a signed transfer pays. ``resource`` and ``extensions`` are sent back with a payment.
    """

    offers: tuple[Offered, ...]
    sign_in: SignInOffered | None
    error: str
    message: str
    exact: tuple[ExactOffered, ...] = ()
    resource: Any = None
    extensions: Any = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the header PAYMENT-RESPONSE says."""

    success: bool
    amount: Credits
    payer: str
    plan_id: PlanId | None
    hold: str | None


@dataclass(frozen=True, slots=True)
class TransferTold:
    """What the header PAYMENT-RESPONSE says of a transfer. ``transaction`` is empty if the server names none."""

    success: bool
    transaction: str
    network: str
    payer: str


@dataclass(frozen=True, slots=True)
class TokenTold:
    """What a gateway answers to a sign-in or a session."""

    token: str
    plan_id: PlanId
    end: Time


def read_required(headers: Mapping[str, str], body: bytes) -> Required | None:
    """Return what a 402 says, from its body or else from its header. None if it is not of x402, version 2."""
    told = _read_object(body)
    if not _is_required(told):
        told = _read_required_header(headers)
    if not _is_required(told):
        return None
    accepts = told["accepts"][:MAX_OFFERS]
    found = [_read_offer(raw) for raw in accepts]
    exact = [_read_exact(raw) for raw in accepts]
    own = told.get("nvm")
    return Required(
        tuple(offered for offered in found if offered is not None),
        read_sign_in(told.get("extensions")),
        str(own.get("type", ""))[:80] if isinstance(own, dict) else "",
        str((own.get("message") if isinstance(own, dict) else None) or told.get("error", ""))[:500],
        tuple(offered for offered in exact if offered is not None),
        told.get("resource"),
        told.get("extensions"),
    )


def _is_required(told: Any) -> bool:
    return isinstance(told, dict) and told.get("x402Version") == VERSION and isinstance(told.get("accepts"), list)


def _read_required_header(headers: Mapping[str, str]) -> Any:
    try:
        return read_header(headers.get(PAYMENT_REQUIRED, ""), "answer")
    except InvalidMessage:
        return None


def _read_offer(raw: Any) -> Offered | None:
    try:
        return Offered(CreditsOffer.from_json(raw), raw)
    except InputError:
        return None


def _read_exact(raw: Any) -> ExactOffered | None:
    try:
        return ExactOffered(ExactOffer.from_json(raw), raw)
    except InputError:
        return None


def read_sign_in(extensions: Any) -> SignInOffered | None:
    """Return where to sign in, and for which plans, as the extensions of a 402 say it. None if they do not."""
    try:
        info = extensions[SIGN_IN]["info"]
        plans = {
            parse_plan_id(plan["planId"]): SignInPlan(str(plan["kind"]), _read_credits(plan.get("credits", "1")))
            for plan in info["plans"][:MAX_OFFERS]
        }
        return SignInOffered(str(info["challenge"]), plans) if plans else None
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        return None


def _read_credits(text: object) -> Credits:
    """Return a number of credits. Raises ValueError."""
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise ValueError("not a number of credits")
    return int(text)


def read_payment_response(headers: Mapping[str, str]) -> Told | None:
    """Return what the header PAYMENT-RESPONSE says. None if there is none, or if it is malformed."""
    text = headers.get(PAYMENT_RESPONSE)
    if text is None:
        return None
    try:
        told = read_header(text, "answer")
        extra = told.get("extra") or {}
        plan_id = None if extra.get("planId") is None else parse_plan_id(extra["planId"])
        hold = None if extra.get("hold") is None else str(extra["hold"])[:80]
        amount = int(told["amount"])
        return Told(told["success"] is True, max(0, amount), str(told.get("payer", ""))[:80], plan_id, hold)
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        return None


def read_transfer_response(headers: Mapping[str, str]) -> TransferTold | None:
    """Return what the header PAYMENT-RESPONSE says of a transfer. None if there is none, or if it is malformed."""
    text = headers.get(PAYMENT_RESPONSE)
    if text is None:
        return None
    try:
        told = read_header(text, "answer")
        names = (str(told.get(name) or "")[:80] for name in ("transaction", "network", "payer"))
        return TransferTold(told["success"] is True, *names)
    except (InputError, KeyError, TypeError, AttributeError):
        return None


def build_payment_headers(raw: Any, signed: SignedVoucher, binding: Binding) -> dict[str, str]:
    """Return the header that pays for a request with a voucher."""
    return {PAYMENT_SIGNATURE: write_payment(raw, signed, binding)}


def build_token_headers(token: str) -> dict[str, str]:
    """Return the header that pays for a request with a token."""
    return {"authorization": f"Bearer {token}"}


def read_token(body: bytes) -> TokenTold | None:
    """Return the token that a gateway gives out. None if the answer does not have one."""
    told = _read_object(body)
    try:
        token, end = told["token"], told["end"]
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
            return None
        return TokenTold(token[:512], parse_plan_id(told["planId"]), int(end))
    except (InputError, KeyError, TypeError, ValueError):
        return None


def read_error(body: bytes) -> tuple[str, str]:
    """Return the type and the message of the error that a gateway answers. Empty texts for any other answer."""
    told = _read_object(body)
    own = told.get("nvm") if isinstance(told, dict) else None
    if not isinstance(own, dict):
        return "", ""
    return str(own.get("type", ""))[:80], str(own.get("message", ""))[:500]


def read_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer. None if it is not one."""
    told = _read_object(body)
    return told if isinstance(told, dict) else None


def _read_object(body: bytes) -> Any:
    try:
        return parse_json(body) if body else None
    except (ValueError, RecursionError):
        return None
