"""Wrapped signatures (ERC-6492): the wallet's own signature is found, and a malformed wrapping is refused."""

import contextlib
import json
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidMessage
from nvm_chain.signing.wallets.wrapping import MAX_SIZE, is_wrapped, unwrap
from tests.support.vectors import FOLDER, read_hex

VECTORS: dict[str, Any] = json.loads((FOLDER / "wallet_signatures.json").read_text("utf-8"))
MAGIC = bytes.fromhex("6492" * 16)
FACTORY = "0x" + "c3" * 20


def wrap(signature: bytes, call: bytes = b"deploy", factory: str = FACTORY) -> bytes:
    """Wrap a signature."""
    return encode(["address", "bytes", "bytes"], [factory, call, signature]) + MAGIC


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["message"])
def test_unwrap__of_what_viem_wrapped__is_what_was_wrapped(vector: dict[str, Any]) -> None:
    signatures = vector["signatures"]
    wrapped = read_hex(signatures["ERC-7739, nested, wrapped (ERC-6492)"])
    assert (is_wrapped(wrapped), unwrap(wrapped)) == (True, read_hex(signatures["ERC-7739, nested"]))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_unwrap__of_any_wrapped_signature__is_the_signature(signature: bytes, call: bytes) -> None:
    assert unwrap(wrap(signature, call)) == signature
    assert unwrap(signature) == signature


def test_unwrap__of_a_wrapping_without_a_call__is_the_signature() -> None:
    """Empty bytes are a length alone, as viem and Solidity write them. eth-abi writes a word more."""
    words = (12 * b"\0" + bytes.fromhex(FACTORY[2:]), *(number.to_bytes(32, "big") for number in (96, 128, 0, 32)))
    assert unwrap(b"".join(words) + b"\7" * 32 + MAGIC) == b"\7" * 32
    assert unwrap(wrap(b"", b"")) == b""


def test_unwrap__of_a_signature_that_is_not_wrapped__changes_nothing() -> None:
    for signature in (b"", bytes(65), MAGIC[:-1], MAGIC + b"\0", MAGIC[1:] + b"\x64"):
        assert (is_wrapped(signature), unwrap(signature)) == (False, signature)


INNER = bytes(range(65))
WORDS = wrap(INNER)
BEGIN = len(WORDS) - len(MAGIC) - 96
"""The place of the inner signature, which has two words and a byte and is padded to three words."""

MALFORMED = {
    "nothing": MAGIC,
    "less than a word": bytes(31) + MAGIC,
    "two words": bytes(64) + MAGIC,
    "without its first word": WORDS[32:],
    "a place that is not there": WORDS[:64] + b"\xff" * 32 + WORDS[96:],
    "a place just behind the end": WORDS[:64] + (BEGIN + 96).to_bytes(32, "big") + WORDS[96:],
    "one byte less than it says": WORDS[: BEGIN + 64] + MAGIC,
    "a size that is not there": WORDS[: BEGIN - 32] + b"\xff" * 32 + WORDS[BEGIN:],
}
TOLERATED = {
    "a factory that is not an address": b"\1" + WORDS[1:],
    "a call that is nowhere": WORDS[:32] + b"\xff" * 32 + WORDS[64:],
    "a call of any size": WORDS[:96] + b"\xff" * 32 + WORDS[128:],
    "padding other than zeros": WORDS[: BEGIN + 65] + b"\xff" * 31 + MAGIC,
    "one byte of padding other than zero": WORDS[:-33] + b"\1" + MAGIC,
    "less padding": WORDS[: BEGIN + 70] + MAGIC,
    "without padding": WORDS[: BEGIN + 65] + MAGIC,
    "the signature before the call": WORDS[:32]
    + bytes(32)
    + (96).to_bytes(32, "big")
    + WORDS[BEGIN - 32 : BEGIN + 65]
    + MAGIC,
}
"""Wrappings that wallets read, as Solady's ERC1271 does: only the place of the inner signature counts."""


@pytest.mark.parametrize("wrapped", MALFORMED.values(), ids=MALFORMED)
def test_unwrap__of_a_malformed_wrapping__is_refused(wrapped: bytes) -> None:
    with pytest.raises(InvalidMessage, match=r"wrapped signature of a wallet \(ERC-6492\): it does not hold") as error:
        unwrap(wrapped)
    assert "Ask the sender" in str(error.value)


@pytest.mark.parametrize("wrapped", TOLERATED.values(), ids=TOLERATED)
def test_unwrap__of_a_wrapping_that_wallets_read__is_the_signature(wrapped: bytes) -> None:
    assert unwrap(wrapped) == INNER


@given(st.binary(max_size=400))
def test_unwrap__of_any_bytes_before_the_mark__is_refused_or_gives_bytes(body: bytes) -> None:
    with contextlib.suppress(InvalidMessage):
        assert type(unwrap(body + MAGIC)) is bytes


def test_unwrap__of_a_wrapping_in_a_wrapping__is_refused() -> None:
    with pytest.raises(InvalidMessage, match="it holds another wrapping"):
        unwrap(wrap(wrap(bytes(65))))


def test_unwrap__of_a_wrapping_at_the_largest_size__is_taken_and_beyond_it_is_refused() -> None:
    most = bytes(MAX_SIZE - len(wrap(b"", bytes(32))) + 32)
    assert (len(wrap(b"", most)), unwrap(wrap(b"", most))) == (MAX_SIZE, b"")
    with pytest.raises(InvalidMessage, match=f"it has {MAX_SIZE + 32} bytes, more than {MAX_SIZE}"):
        unwrap(wrap(b"", most + b"\0"))
