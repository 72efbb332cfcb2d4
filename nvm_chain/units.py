"""Money in and out of base units: integers inside, decimal text at the edge, floats nowhere."""

from decimal import Decimal

from nvm_chain.errors import InvalidAmount, InvalidConfig

USDC_DECIMALS = 6
NATIVE_DECIMALS = 18
MAX_DECIMALS = 77  # 10**77 is the largest power of ten below 2**256
MAX_DIGITS = 1000  # far more than any amount has, and few enough to write out


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
    """Convert an amount in whole units to base units, exactly or not at all.

    ``decimals`` is the token's number of decimals. Works on the digits themselves, so no
    amount up to 2**256 - 1 base units loses any. Raises InvalidAmount for floats, for text
    that is not a plain decimal number, for negative amounts and for more decimals than the token has.

    >>> parse_units("1.50", 2)
    150
    """
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise InvalidAmount(repr(amount), "is not exact; give text such as '20' or '0.5'")
    if _count_digits(amount) > MAX_DIGITS:
        raise InvalidAmount(f"an amount of more than {MAX_DIGITS} digits", "is more than any token can have")
    text = format(amount, "f") if isinstance(amount, Decimal) else str(amount).strip()
    whole, _, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or not (fraction == "" or (fraction.isascii() and fraction.isdigit())):
        raise InvalidAmount(repr(amount), "is not a plain decimal number; give text such as '20' or '0.5'")
    fraction = fraction.rstrip("0")
    if len(fraction) > check_decimals(decimals):
        raise InvalidAmount(repr(amount), f"has more than the token's {decimals} decimals")
    return check_uint(int(whole + fraction.ljust(decimals, "0")), 256, "amount")


def _count_digits(amount: str | int | Decimal) -> int:
    """Count the digits, or a few more, without writing them: ``Decimal("1E+999999999")`` would take a gigabyte."""
    if isinstance(amount, Decimal):
        return max(abs(amount.adjusted()), len(amount.as_tuple().digits))
    return amount.bit_length() // 3 if isinstance(amount, int) else len(amount)


def format_units(base_units: int, decimals: int) -> str:
    """Write base units as an amount in whole units, without trailing zeros.

    >>> format_units(20_500_000, 6)
    '20.5'
    """
    check_uint(base_units, 256, "amount")
    if check_decimals(decimals) == 0:
        return str(base_units)
    digits = str(base_units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".")


def check_uint(value: int, bits: int, name: str, minimum: int = 0) -> int:
    """Return ``value`` if it is an int from ``minimum`` to ``2**bits - 1``; raise InvalidAmount otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount(f"{name} {value!r}", "must be an int; amounts of money are base units, see usdc('20')")
    if not minimum <= value < 1 << bits:
        shown = str(value) if _count_digits(value) <= MAX_DIGITS else f"of more than {MAX_DIGITS} digits"
        raise InvalidAmount(f"{name} {shown}", f"must be from {minimum} to 2**{bits} - 1")
    return value


def check_decimals(decimals: int) -> int:
    """Return ``decimals`` if a token can have that many; raise InvalidAmount otherwise."""
    check_uint(decimals, 256, "decimals")
    if decimals > MAX_DECIMALS:
        raise InvalidAmount(f"decimals {decimals!r}", f"must be an int from 0 to {MAX_DECIMALS}")
    return decimals


def check_bool(value: object, name: str) -> bool:
    """Return ``value`` if it is a bool; raise InvalidConfig otherwise, as the text ``"false"`` is true to Python."""
    if not isinstance(value, bool):
        raise InvalidConfig(f"{name} is {value!r}; give True or False")
    return value
