"""addresses: one spelling in, the checksummed one out; whatever may be mistyped is refused."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import assume, given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidAddress
from nvm_chain.types.addresses import (
    ZERO_ADDRESS,
    format_address,
    parse_address,
    parse_address_or_zero,
    parse_addresses_bytes,
    parse_token_address,
)

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


@pytest.mark.parametrize("or_coin", [False, True])
def test_parse_token_address__of_none__says_that_no_usdc_is_known(or_coin: bool) -> None:
    nothing: Any = None
    with pytest.raises(InvalidAddress) as caught:
        parse_token_address(nothing, or_coin=or_coin)
    assert caught.value.args == ("token address", None, MALFORMED)
    assert "`chain.usdc` is None where no USDC is known" in caught.value.problem
    assert caught.value.next_step.startswith("Connect in the folder where you deployed")


@pytest.mark.parametrize("or_coin", [False, True])
def test_parse_token_address__of_zero__is_the_coin_where_that_is_taken(or_coin: bool) -> None:
    if or_coin:
        assert parse_token_address(ZERO_ADDRESS, or_coin=True) == ZERO_ADDRESS
    else:
        with pytest.raises(InvalidAddress):
            parse_token_address(ZERO_ADDRESS)


@given(addresses)
def test_parse_address__of_its_checksum_or_lower_case__gives_the_checksum(address: str) -> None:
    assume(address != ZERO_ADDRESS)
    assert parse_address(address) == parse_address(address.lower()) == address


def parse_alone(value: Any, name: str) -> bytes:
    """Parse an address among others that can be parsed."""
    return parse_addresses_bytes([USDC, value], name)[1]


def test_parse_addresses_bytes__of_two_that_have_the_digits_of_two_together__raises() -> None:
    assert refusal(parse_addresses_bytes, [USDC + "00", USDC[:-2]])[2] == MALFORMED
    assert parse_addresses_bytes([]) == []


@given(st.binary(min_size=20, max_size=20))
def test_format_address__of_any_bytes__is_what_eth_utils_writes(address: bytes) -> None:
    assert format_address(address) == to_checksum_address(address)


@given(addresses)
def test_parse_addresses_bytes__in_each_spelling__gives_the_bytes(address: str) -> None:
    assume(address != ZERO_ADDRESS)
    spellings = (address, address.lower(), "0x" + address[2:].upper(), address.upper(), f" {address}\n")
    for each in spellings:
        assert parse_addresses_bytes([each, address]) == [bytes.fromhex(address[2:])] * 2
    assert parse_addresses_bytes(spellings) == [bytes.fromhex(address[2:])] * len(spellings)


@given(addresses, st.integers(2, 41))
def test_parse_addresses_bytes__with_one_letter_in_the_other_case__raises(address: str, position: int) -> None:
    wrong = address[:position] + address[position].swapcase() + address[position + 1 :]
    assume(wrong not in (address, address.lower(), "0x" + address[2:].upper()))
    assert refusal(parse_addresses_bytes, [USDC, wrong, USDC]) == ("address", wrong, MISTYPED)


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
    USDC[:-2],
    USDC.lower()[:-2],
    USDC.lower() + "00",
    USDC + "0",
    "0x12",
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
@pytest.mark.parametrize("function", [parse_address, parse_alone, parse_address_or_zero])
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
