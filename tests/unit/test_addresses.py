"""addresses: one spelling in, the checksummed one out; whatever may be mistyped is refused."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import assume, given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidAddress
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address, parse_address_or_zero

USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
MALFORMED = "is not 0x and 40 hexadecimal digits"
MISTYPED = "has a wrong checksum, so at least one character is mistyped"
NOBODY = "is the zero address, which nobody owns"
addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)


def refusal(function: Any, *arguments: Any) -> tuple[Any, ...]:
    """Return the fields of the InvalidAddress that a call raises, whose message can be shown."""
    with pytest.raises(InvalidAddress) as caught:
        function(*arguments)
    assert str(caught.value).endswith("Copy the address again.")
    assert len(str(caught.value)) < 400
    return caught.value.args


@given(addresses)
def test_parse_address__of_its_checksum_or_lower_case__gives_the_checksum(address: str) -> None:
    assume(address != ZERO_ADDRESS)
    assert parse_address(address) == parse_address(address.lower()) == address


@given(addresses, st.integers(2, 41))
def test_parse_address__with_one_letter_in_the_other_case__raises(address: str, position: int) -> None:
    wrong = address[:position] + address[position].swapcase() + address[position + 1 :]
    assume(wrong not in (address, address.lower(), "0x" + address[2:].upper()))
    assert refusal(parse_address, wrong) == ("address", wrong, MISTYPED)


@pytest.mark.parametrize(
    "value", [USDC.upper().replace("X", "x"), USDC.upper(), "0X" + USDC[2:], "0X" + USDC[2:].lower()]
)
def test_parse_address__in_capitals_only__is_taken_as_there_is_no_checksum_in_it(value: str) -> None:
    assert parse_address(value) == USDC


@pytest.mark.parametrize("value", [f"{USDC}\n", f" {USDC}", f"\t{USDC.lower()}\r\n"])
def test_parse_address__with_blanks_around_it__is_taken(value: str) -> None:
    assert parse_address(value) == USDC


MALFORMED_VALUES: list[Any] = [
    "",
    "0x",
    USDC[2:],
    USDC[:-1],
    USDC + "0",
    "\u00a0" + USDC,
    "0x " + USDC[2:],
    USDC[:-1] + "g",
    "0x" + "٠" * 40,
    "0x036CbD53842c5426634e7929541eC2318f3dCF7е",
    "vitalik.eth",
    None,
    0,
    int(USDC, 16),
    bytes.fromhex(USDC[2:]),
    "x" * 10_000,
]


@pytest.mark.parametrize("value", MALFORMED_VALUES, ids=range(len(MALFORMED_VALUES)))
@pytest.mark.parametrize("function", [parse_address, parse_address_or_zero])
def test_parse_address__of_what_is_no_address__raises(function: Any, value: Any) -> None:
    assert refusal(function, value, "owner's address") == ("owner's address", value, MALFORMED)


def test_parse_address__of_zero__raises_and_the_other_accepts_it() -> None:
    assert refusal(parse_address, ZERO_ADDRESS, "payer") == ("payer", ZERO_ADDRESS, NOBODY)
    assert parse_address_or_zero(ZERO_ADDRESS) == ZERO_ADDRESS == "0x" + "0" * 40


def test_parse_address__at_the_edge_of_zero__accepts_one() -> None:
    assert parse_address("0x" + "0" * 39 + "1") == "0x" + "0" * 39 + "1"


@pytest.mark.parametrize("value", ["0x" + "ab" * 32, "ab" * 32, " 0x" + "AB" * 32 + " ", "key=" + "1f" * 32])
def test_parse_address__of_what_may_be_a_private_key__does_not_show_it(value: str) -> None:
    with pytest.raises(InvalidAddress, match="private key") as caught:
        parse_address(value)
    assert value.strip()[-20:] not in f"{caught.value} {caught.value!r} {caught.value.args}"
