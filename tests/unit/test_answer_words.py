"""answer_words: what the views of Credits return is read as a general decoder reads it, and nothing else is taken."""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.chain.answer_words import (
    decode_account,
    decode_lots,
    decode_state,
    decode_terms,
    decode_text,
    decode_time,
)
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import AnswerUnreadable
from nvm_chain.operations.plans import parse_terms
from nvm_chain.types.accounts import Account, Lot
from nvm_chain.types.addresses import format_address

TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
words = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(format_address)
numbers = st.integers(0, 2**32 - 1)
terms = st.tuples(
    st.integers(0, len(PlanKind) - 1),
    st.integers(0, len(Activation) - 1),
    addresses,
    st.lists(st.tuples(addresses, st.integers(0, 2**96 - 1)), max_size=4),
    addresses,
    st.booleans(),
    *(numbers,) * 4,
    st.integers(0, len(RedemptionRule) - 1),
    st.booleans(),
    st.booleans(),
)
GOOD: list[tuple[Callable[[bytes], Any], bytes]] = [
    (decode_time, encode(["uint256"], [7])),
    (decode_account, encode(["uint256", "uint256", "uint256", "bool"], [1, 2, 3, True])),
    (decode_lots, encode(["(uint256,uint256)[]"], [[(1, 2), (3, 4)]])),
    (decode_state, encode(["address", "address", "bool", "uint16"], ["0x" + "12" * 20, "0x" + "00" * 20, True, 100])),
    (
        decode_terms,
        encode(
            [TERMS],
            [(0, 0, "0x" + "12" * 20, [("0x" + "34" * 20, 5)], "0x" + "00" * 20, False, *(1,) * 5, *(True,) * 2)],
        ),
    ),
    (decode_text, encode(["string"], ["https://example.com/plan.json, é"])),
]


@given(words, words, words, st.booleans())
def test_decode_account__of_any_account__is_the_account(balance: int, settled: int, until: int, trial: bool) -> None:
    fields = [balance, settled, until, trial]
    assert decode_account(encode(["uint256", "uint256", "uint256", "bool"], fields)) == Account(*fields)  # type: ignore[arg-type]


@given(st.lists(st.tuples(words, words), max_size=5))
def test_decode_lots__of_any_lots__are_the_lots(lots: list[tuple[int, int]]) -> None:
    assert decode_lots(encode(["(uint256,uint256)[]"], [lots])) == [Lot(*lot) for lot in lots]


@given(addresses, addresses, st.booleans(), st.integers(0, 2**16 - 1))
def test_decode_state__of_any_state__is_the_state(owner: str, pending: str, active: bool, fee: int) -> None:
    state = (owner, pending, active, fee)
    assert decode_state(encode(["address", "address", "bool", "uint16"], state)) == state


@given(terms)
def test_decode_terms__of_any_terms__are_the_terms(fields: Any) -> None:
    decoded = decode_terms(encode([TERMS], [fields]))
    assert tuple(decoded) == fields
    assert parse_terms(decoded) == parse_terms(fields)


@given(st.text(max_size=100))
def test_decode_text__of_any_text__is_the_text(text: str) -> None:
    assert decode_text(encode(["string"], [text])) == text


@pytest.mark.parametrize(("decode", "answer"), GOOD)
def test_decoders__of_another_length__raise(decode: Callable[[bytes], Any], answer: bytes) -> None:
    decode(answer)
    others = [answer[:length] for length in range(len(answer))]
    for other in (*others, answer + b"\0", answer + bytes(32), answer + bytes(64)):
        with pytest.raises(AnswerUnreadable):
            decode(other)


@pytest.mark.parametrize(("decode", "answer"), GOOD)
def test_decoders__of_one_other_byte__raise_or_return_another_value(
    decode: Callable[[bytes], Any], answer: bytes
) -> None:
    """Two answers never have one meaning, and nothing but AnswerUnreadable is raised."""
    expected = decode(answer)
    for place in range(len(answer)):
        changed = bytearray(answer)
        changed[place] ^= 0x80
        try:
            assert decode(bytes(changed)) != expected
        except AnswerUnreadable:
            continue
