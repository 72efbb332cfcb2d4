"""Amounts of money: convert decimal text to base units and back, and check numbers. Floats are never used."""

import re
from decimal import Decimal
from typing import Final

from nvm_chain.errors import InvalidAmount, InvalidConfig
from nvm_chain.errors.formatting import format_decimal, format_duration

USDC_DECIMALS = 6
NATIVE_DECIMALS = 18
MAX_DECIMALS = 77  # 10**77 is the largest power of ten below 2**256
MAX_DIGITS = 1000  # far more digits than any amount has, and few enough for a message

_PLAIN_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def usdc(amount: str | int | Decimal) -> int:
    """Convert an amount of USDC to base units: ``usdc("20")`` is ``20_000_000``.

    Raises InvalidAmount for floats, negative amounts and more than six decimals.

    >>> usdc("20"), usdc("0.000001"), usdc(5)
    (20000000, 1, 5000000)
    """
    return parse_units(amount, USDC_DECIMALS)


def ether(amount: str | int | Decimal) -> int:
    """Convert an amount of a native coin with 18 decimals to wei.

    Raises InvalidAmount for floats, negative amounts and more than 18 decimals.

    >>> ether("0.5")
    500000000000000000
    """
    return parse_units(amount, NATIVE_DECIMALS)


def parse_units(amount: str | int | Decimal, decimals: int) -> int:
    """Convert an amount in whole units to base units, exactly.

    An amount is never rounded. Amounts up to 2**256 - 1 base units are accepted.

    Args:
        amount: The amount as text such as ``0.5``, an int, or a Decimal. ``.5`` and ``5.`` are refused.
        decimals: The token's number of decimals.

    Raises:
        InvalidAmount: The amount is a float, negative, or not a plain decimal number, or has more decimals than the
            token.

    >>> parse_units("1.50", 2)
    150
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise InvalidAmount(repr(amount), "is not exact", "give text such as '20' or '0.5'")
    if _count_digits(amount) > MAX_DIGITS:
        raise InvalidAmount(f"an amount of more than {MAX_DIGITS} digits", "is more than any token can have")
    text = format(amount, "f") if isinstance(amount, Decimal) else str(amount).strip()
    if not _PLAIN_NUMBER.fullmatch(text):
        raise InvalidAmount(repr(amount), "is not a plain decimal number", "give text such as '20' or '0.5'")
    whole, _, fraction = text.rstrip("0").partition(".") if "." in text else (text, "", "")
    if len(fraction) > check_decimals(decimals):
        raise InvalidAmount(repr(amount), f"has more than the token's {decimals} decimals")
    return check_uint(int(whole + fraction.ljust(decimals, "0")), 256, "amount")


def _count_digits(amount: str | int | Decimal) -> int:
    """Estimate the number of digits without writing them. ``Decimal("1E+999999999")`` would take a gigabyte."""
    if isinstance(amount, Decimal):
        return max(abs(amount.adjusted()), len(amount.as_tuple().digits))
    return amount.bit_length() // 3 if isinstance(amount, int) else len(amount)


def format_units(base_units: int, decimals: int) -> str:
    """Write base units as an amount in whole units, without trailing zeros.

    >>> format_units(20_500_000, 6)
    '20.5'
    """
    return format_decimal(check_uint(base_units, 256, "amount"), check_decimals(decimals))


def check_uint(value: int, bits: int, name: str, minimum: int = 0) -> int:
    """Return ``value`` if it is an int from ``minimum`` to ``2**bits - 1``; raise InvalidAmount otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        advice = "give an int; amounts of money are base units, such as `usdc('20')`"
        raise InvalidAmount(f"{name} {value!r}", "is not an int", advice)
    if not minimum <= value < 1 << bits:
        shown = str(value) if _count_digits(value) <= MAX_DIGITS else f"of more than {MAX_DIGITS} digits"
        raise InvalidAmount(f"{name} {shown}", f"must be from {minimum} to {(1 << bits) - 1}")
    return value


def check_duration(value: int, bits: int, name: str, minimum: int = 0) -> int:
    """Return a number of seconds as `check_uint` does. The error also tells the duration in words."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount(f"{name} {value!r}", "is not an int", "give a whole number of seconds")
    if not minimum <= value < 1 << bits:
        shown = f"{format_duration(value)} ({value} seconds)" if abs(value) < 1 << 64 else "of more than 64 bits"
        most = (1 << bits) - 1
        raise InvalidAmount(
            f"{name} {shown}", f"must be from {minimum} to {most} seconds, which are {most // 31_536_000} years"
        )
    return value


def check_decimals(decimals: int) -> int:
    """Return ``decimals`` if a token can have that many; raise InvalidAmount otherwise."""
    check_uint(decimals, 256, "decimals")
    if decimals > MAX_DECIMALS:
        raise InvalidAmount(f"decimals {decimals!r}", f"must be an int from 0 to {MAX_DECIMALS}")
    return decimals


def check_bool(value: object, name: str) -> bool:
    """Return ``value`` if it is a bool. Raise InvalidConfig otherwise, because Python takes ``"false"`` as true."""
    if not isinstance(value, bool):
        raise InvalidConfig(f"{name} is {value!r}", "give True or False")
    return value
