"""Amounts: numbers go in and come out exactly, or not at all."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidAmount
from nvm_chain.types.amounts import MAX_DECIMALS, check_decimals, check_uint, ether, format_units, parse_units, usdc

MAX_UINT = 2**256 - 1
base_units = st.integers(0, MAX_UINT)
decimals = st.integers(0, MAX_DECIMALS)

GIVE_TEXT = "give text such as '20' or '0.5'"
NOT_EXACT = ("is not exact", GIVE_TEXT)
NOT_PLAIN = ("is not a plain decimal number", GIVE_TEXT)
NOT_INT = ("is not an int", "give an int; amounts of money are base units, such as `usdc('20')`")


def refusal(function: Any, *arguments: Any) -> tuple[Any, ...]:
    """Return the fields of the InvalidAmount that a call raises, whose message can be shown."""
    with pytest.raises(InvalidAmount) as caught:
        function(*arguments)
    assert str(caught.value).endswith(".")
    return caught.value.args


# ---------------------------------------------------------------------- parse_units


@pytest.mark.parametrize(
    ("amount", "places", "expected"),
    [
        ("20", 6, 20_000_000),
        (20, 6, 20_000_000),
        (Decimal("20.50"), 6, 20_500_000),
        ("0.000001", 6, 1),
        ("0.1000000000000", 6, 100_000),
        ("007", 0, 7),
        (" 1.5 ", 1, 15),
        (Decimal("1E+3"), 2, 100_000),
        (Decimal("1E-3"), 3, 1),
        (0, 0, 0),
        ("0.0", 0, 0),
        (str(MAX_UINT), 0, MAX_UINT),
        ("1", 77, 10**77),
    ],
)
def test_parse_units__of_plain_numbers__is_exact(amount: Any, places: int, expected: int) -> None:
    assert parse_units(amount, places) == expected


@given(base_units, decimals)
def test_parse_units__of_what_format_units_wrote__gives_it_back(amount: int, places: int) -> None:
    assert parse_units(format_units(amount, places), places) == amount


@given(base_units, decimals)
def test_parse_units__of_a_decimal_in_any_context__keeps_every_digit(amount: int, places: int) -> None:
    number = Decimal(format_units(amount, places))
    with localcontext() as context:
        context.prec = 3
        assert parse_units(number, places) == amount


def test_parse_units__where_the_default_decimal_context_loses_digits__loses_none() -> None:
    text = "340282366920938463463.374607431768211455"
    assert Decimal(text) * 10**18 != 2**128 - 1  # the trap: 28 digits and no word of it
    assert parse_units(text, 18) == parse_units(Decimal(text), 18) == 2**128 - 1


@pytest.mark.parametrize("amount", [20.0, 0.5, float("nan"), True, False, None, b"20", ["20"], 2 + 0j])
def test_parse_units__of_what_is_not_exact__raises(amount: Any) -> None:
    assert refusal(parse_units, amount, 6) == (repr(amount), *NOT_EXACT)


@pytest.mark.parametrize(
    "amount",
    [
        "",
        " ",
        "-1",
        "+1",
        "1e6",
        "1_000",
        "1,5",
        ".5",
        "5.",
        ".",
        "1.2.3",
        "0x10",
        "NaN",
        "inf",
        "20 USDC",
        "٢٠",
        "²",
        "1.٥",
        "1\n2",
        "1. 5",
    ],
)
def test_parse_units__of_text_that_is_no_plain_number__raises(amount: str) -> None:
    assert refusal(parse_units, amount, 6) == (repr(amount), *NOT_PLAIN)


@pytest.mark.parametrize(
    "amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("-1"), Decimal("-0"), Decimal("sNaN"), -1]
)
def test_parse_units__of_numbers_that_are_no_amount__raises(amount: Any) -> None:
    assert refusal(parse_units, amount, 6) == (repr(amount), *NOT_PLAIN)


@pytest.mark.parametrize(("amount", "places"), [("0.5", 0), ("0.0000001", 6), ("1.123456789012345678901", 18)])
def test_parse_units__with_more_decimals_than_the_token__raises(amount: str, places: int) -> None:
    assert refusal(parse_units, amount, places) == (repr(amount), f"has more than the token's {places} decimals")


@pytest.mark.parametrize(("amount", "expected"), [(MAX_UINT - 1, MAX_UINT - 1), (MAX_UINT, MAX_UINT)])
def test_parse_units__up_to_the_largest_amount__is_exact(amount: int, expected: int) -> None:
    assert parse_units(amount, 0) == expected


def test_parse_units__above_the_largest_amount__raises() -> None:
    expected = (f"amount {MAX_UINT + 1}", f"must be from 0 to {2**256 - 1}")
    assert refusal(parse_units, MAX_UINT + 1, 0) == expected


HUGE = [
    "9" * 5000,
    "0." + "1" * 5000,
    10**5000,
    Decimal("1E+5000"),
    Decimal("1E-5000"),
    Decimal("1E+999999999"),
    Decimal("1E-99999999"),
]


TOO_MANY_DIGITS = ("an amount of more than 1000 digits", "is more than any token can have")


@pytest.mark.parametrize("amount", HUGE, ids=range(len(HUGE)))
def test_parse_units__of_more_digits_than_any_amount_has__raises_typed_error(amount: Any) -> None:
    assert refusal(parse_units, amount, 6) == TOO_MANY_DIGITS


def test_parse_units__of_as_many_digits_as_are_read__reads_them() -> None:
    assert parse_units("7".rjust(999, "0"), 0) == parse_units("7".rjust(1000, "0"), 0) == 7
    assert refusal(parse_units, "7".rjust(1001, "0"), 0) == TOO_MANY_DIGITS


def test_parse_units__of_an_int_near_the_most_digits__is_refused_with_its_digits_or_without() -> None:
    number = 2**3001  # 3,002 bits: a third of them is 1,000, an estimate of its 904 digits from above
    assert refusal(parse_units, number, 0) == (f"amount {number}", f"must be from 0 to {2**256 - 1}")
    assert refusal(parse_units, 2 * number, 0) == TOO_MANY_DIGITS


@pytest.mark.parametrize("places", [-1, 78, 6.0, True, None, "6"])
def test_parse_units__with_decimals_that_no_token_has__raises(places: Any) -> None:
    refusal(parse_units, "1", places)


# ---------------------------------------------------------------------- format_units


@pytest.mark.parametrize(
    ("amount", "places", "expected"),
    [
        (0, 6, "0"),
        (1, 6, "0.000001"),
        (10, 6, "0.00001"),
        (999_999, 6, "0.999999"),
        (1_000_000, 6, "1"),
        (1_000_001, 6, "1.000001"),
        (100, 0, "100"),
        (MAX_UINT, 77, "1.15792089237316195423570985008687907853269984665640564039457584007913129639935"),
    ],
)
def test_format_units__of_amounts__has_no_trailing_zeros(amount: int, places: int, expected: str) -> None:
    assert format_units(amount, places) == expected


@pytest.mark.parametrize(
    "amount", [-1, MAX_UINT + 1, 1.0, True, "1", 10**5000], ids=["minus", "large", "float", "bool", "text", "huge"]
)
def test_format_units__of_no_amount__raises(amount: Any) -> None:
    assert refusal(format_units, amount, 6)[0].startswith("amount ")


@pytest.mark.parametrize("amount", [-1, MAX_UINT + 1])
def test_format_units__of_an_amount_out_of_range__says_the_amount(amount: int) -> None:
    assert refusal(format_units, amount, 6) == (f"amount {amount}", f"must be from 0 to {2**256 - 1}")


# ---------------------------------------------------------------------- usdc, ether


def test_usdc__and_ether__know_their_decimals() -> None:
    assert (usdc("20"), usdc(5), usdc("0.000001")) == (20_000_000, 5_000_000, 1)
    assert (ether("1"), ether("0.000000000000000001")) == (10**18, 1)


@pytest.mark.parametrize(
    ("function", "amount", "places"), [(usdc, "0.0000001", 6), (ether, "0.0000000000000000001", 18)]
)
def test_usdc__and_ether__refuse_more_decimals(function: Any, amount: str, places: int) -> None:
    assert refusal(function, amount) == (repr(amount), f"has more than the token's {places} decimals")


@pytest.mark.parametrize("function", [usdc, ether])
def test_usdc__and_ether__refuse_floats(function: Any) -> None:
    assert refusal(function, 20.0) == ("20.0", *NOT_EXACT)


# ---------------------------------------------------------------------- check_uint, check_decimals


@pytest.mark.parametrize("bits", [1, 40, 72, 96, 256])
def test_check_uint__at_its_limits__returns_the_value(bits: int) -> None:
    assert check_uint(0, bits, "n") == 0
    assert check_uint(2**bits - 1, bits, "n") == 2**bits - 1


@pytest.mark.parametrize("value", [-1, 2**40])
def test_check_uint__beyond_its_limits__raises(value: int) -> None:
    assert refusal(check_uint, value, 40, "n") == (f"n {value}", f"must be from 0 to {2**40 - 1}")


@pytest.mark.parametrize("value", [0, -1])
def test_check_uint__below_the_minimum__raises(value: int) -> None:
    assert refusal(check_uint, value, 40, "n", 1) == (f"n {value}", f"must be from 1 to {2**40 - 1}")


@pytest.mark.parametrize("value", [1.0, "1", None, True, Decimal(1)])
def test_check_uint__of_no_int__raises(value: Any) -> None:
    assert refusal(check_uint, value, 40, "n") == (f"n {value!r}", *NOT_INT)


def test_check_uint__of_more_digits_than_python_writes__raises_typed_error() -> None:
    refusal(check_uint, 10**5000, 256, "n")
    refusal(check_uint, -(10**5000), 256, "n")


@pytest.mark.parametrize("places", [0, 77])
def test_check_decimals__at_its_limits__returns_the_value(places: int) -> None:
    assert check_decimals(places) == places


@pytest.mark.parametrize("places", [78, 255, MAX_UINT])
def test_check_decimals__beyond_what_a_token_can_have__raises(places: int) -> None:
    assert refusal(check_decimals, places) == (f"decimals {places}", "must be an int from 0 to 77")


@pytest.mark.parametrize("places", [-1, MAX_UINT + 1, 2**300])
def test_check_decimals__beyond_what_a_number_on_chain_is__raises(places: int) -> None:
    assert refusal(check_decimals, places) == (f"decimals {places}", f"must be from 0 to {2**256 - 1}")


@pytest.mark.parametrize("places", [1.0, True])
def test_check_decimals__of_no_int__raises(places: Any) -> None:
    assert refusal(check_decimals, places)[0] == f"decimals {places!r}"
