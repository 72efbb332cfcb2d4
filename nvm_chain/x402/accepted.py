"""The offer that a payment accepts, and whether it is one that a server makes now.

Clients send the offer back as it came. Some protocols write all numbers as fractions, so 60.0 is 60. Every other difference counts.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import DecodeError, Struct, ValidationError, json

from nvm_chain.errors import OfferDiffers, PaymentMalformed
from nvm_chain.errors.formatting import clip

NOUN: Final = "payment"
INVALID_PAYLOAD: Final = "invalid_payload"
"""The protocol's word for a payment that cannot be read."""
ACCOUNT: Final = "account"
"""What an offer says of an account for a moment only. It is not compared."""
MOST_DIGITS: Final = 78
"""How many digits the largest number of 256 bits has."""
_NUMBERS: Final = frozenset(map(type, (0, 0.5)))
_CACHED: Final = 4_096
"""The largest offer whose reading is kept. Clients send the same one with each request."""


class Accepted(Struct, frozen=True, eq=False, rename="camel"):
    """An offer as a payment has it. Its terms beside these are in ``extra``.

    A short one has the scheme and the network only. It accepts whatever the server offers, up to what its voucher allows.
    """

    scheme: str
    network: str
    asset: str | None = None
    amount: str | None = None
    pay_to: str | None = None
    max_timeout_seconds: Any = None
    extra: dict[str, Any] | None = None

    @property
    def is_short(self) -> bool:
        """Whether nothing is there but the scheme and the network."""
        return not any(value is not None for value in (*self._required, self.extra))

    @property
    def _required(self) -> tuple[object, ...]:
        return (self.asset, self.amount, self.pay_to, self.max_timeout_seconds)

    @property
    def value(self) -> dict[str, Any]:
        """The offer as an element of ``accepts``."""
        short = {"scheme": self.scheme, "network": self.network}
        if self.is_short:
            return short
        terms = dict(zip(("asset", "amount", "payTo", "maxTimeoutSeconds"), self._required, strict=True))
        return {**short, **terms, "extra": self.extra or {}}

    def find_problem(self) -> str | None:
        """Return what is wrong with the fields together. None if nothing is."""
        seconds = self.max_timeout_seconds
        if None in self._required and not self.is_short:
            return "the offer that it accepts has not all of asset, amount, payTo and maxTimeoutSeconds"
        if seconds is not None and not is_whole(seconds):
            return "the time of the offer that it accepts is not a whole number of seconds"
        return None


_decode: Final = json.Decoder(Accepted).decode


def read_accepted(raw: bytes) -> Accepted:
    """Return the offer that a payment accepts. Raises PaymentMalformed."""
    return _read_kept(raw) if len(raw) <= _CACHED else _read(raw)


def _read(raw: bytes) -> Accepted:
    try:
        accepted = _decode(raw)
    except ValidationError as error:
        raise refuse(f"the offer that it accepts is malformed ({clip(error)})") from None
    except (DecodeError, RecursionError, UnicodeDecodeError):
        raise refuse("the offer that it accepts is not JSON") from None
    problem = accepted.find_problem()
    if problem is not None:
        raise refuse(problem)
    return accepted


_read_kept: Final = lru_cache(maxsize=512)(_read)


def refuse(reason: str, code: str = INVALID_PAYLOAD) -> PaymentMalformed:
    """Return the error of a payment that cannot be read."""
    return PaymentMalformed(NOUN, reason, code)


def check_accepted(accepted: Accepted, offer: Mapping[str, Any]) -> None:
    """Check that a payment accepts an offer as it is now. The payment may say more in ``extra``, and no less, unless it is short.

    Args:
        accepted: The offer that the payment accepts.
        offer: The offer as an element of ``accepts``.

    Raises:
        OfferDiffers: The first field that differs.
    """
    told = {name: offer[name] for name in ("scheme", "network")} if accepted.is_short else offer
    found = find_difference(accepted.value, told)
    if found is not None:
        raise OfferDiffers(*found)


def find_difference(given: Mapping[str, Any], offer: Mapping[str, Any], above: str = "") -> tuple[str, str, str] | None:
    """Return the name of the first field of an offer that is another one in what was given, and both values. None if there is none."""
    for name, own in offer.items():
        if above and name == ACCOUNT:
            continue
        other = given.get(name)
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            inner = find_difference(other, own, f"{above}{name}.")
            if inner is not None:
                return inner
        elif not _is_same(own, other):
            return f"{above}{name}", _show(other), _show(own)
    return None


def _is_same(own: object, other: object) -> bool:
    if isinstance(own, bool) or isinstance(other, bool):
        return own is other
    return own == other and isinstance(own, str) is isinstance(other, str)


def _show(value: object) -> str:
    return "missing" if value is None else clip(value, 200)


def read_integer(value: Any, name: str) -> int:
    """Return a number that stands in a payment as decimal text, or as a number without a fraction. Raises PaymentMalformed.

    >>> read_integer("10000", "value"), read_integer(60.0, "seconds")
    (10000, 60)
    """
    if isinstance(value, str):
        if value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS and (value[0] != "0" or value == "0"):
            return int(value)
    elif is_whole(value) and 0 <= value < 1 << 256:
        return int(value)
    raise refuse(f"its {name} is {ascii(value)[:40]}, and not a whole number")


def is_whole(value: object) -> bool:
    """Tell whether a value of JSON is a number without a fraction. Some protocols write 60 as 60.0."""
    return type(value) in _NUMBERS and value % 1 == 0  # type: ignore[operator]  # neither true nor false


def is_integral(value: object, number: int) -> bool:
    """Tell whether a value of JSON is a certain whole number."""
    return value == number and is_whole(value)
