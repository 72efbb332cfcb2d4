"""Signed transactions as bytes: what one would do, read from the bytes that the account itself has signed."""

from typing import Final, cast

from web3.types import TxParams

from nvm_chain.chain.signing_many import DYNAMIC_FEE
from nvm_chain.types.addresses import format_address

STRING: Final = 0x80
LIST: Final = 0xC0
SHORT: Final = 55
"""The largest number of bytes in a payload whose length is in the header's first byte."""
ADDRESS_BYTES: Final = 20
LEGACY_FIELDS: Final = 9
DYNAMIC_FIELDS: Final = 12
LEGACY_NAMES: Final = ("nonce", "gasPrice", "gas")
DYNAMIC_NAMES: Final = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")


def read_signed(raw: bytes, chain_id: int) -> TxParams:
    """Return the fields of a signed transaction, so that it can be signed again with other fees. No request.

    Args:
        raw: The encoded transaction, without a type or with type 2 (EIP-1559).
        chain_id: The chain of the transaction. A transaction without a type has it only in its signature.

    Raises:
        ValueError: The bytes are not such a transaction, or have an access list.
    """
    if raw[:1] == DYNAMIC_FEE:
        names: tuple[str, ...] = DYNAMIC_NAMES
        fields = split_list(raw[1:])
        expected, places = DYNAMIC_FIELDS, (5, 6, 7)
        if len(fields) == expected and fields[8] != bytes((LIST,)):
            raise ValueError("the transaction has an access list")
    else:
        fields = split_list(raw)
        names, expected, places = LEGACY_NAMES, LEGACY_FIELDS, (3, 4, 5)
    if len(fields) != expected:
        raise ValueError(f"a transaction has {expected} fields, and this one has {len(fields)}")
    to, value, data = (fields[place] for place in places)
    if len(to) not in (0, ADDRESS_BYTES):
        raise ValueError(f"the receiver has {len(to)} bytes")
    numbers = {name: int.from_bytes(field) for name, field in zip(names, fields, strict=False)}
    rest = {"value": int.from_bytes(value), "data": f"0x{data.hex()}", **({"to": format_address(to)} if to else {})}
    return cast(TxParams, {"chainId": chain_id, **numbers, **rest})


def split_list(encoded: bytes) -> list[bytes]:
    """Return the items of a list in RLP. An item that is a list itself stays encoded. Raises ValueError."""
    kind, place, end = _read_header(encoded, 0)
    if kind != LIST or end != len(encoded):
        raise ValueError("the bytes are not one list")
    items = []
    while place < end:
        kind, start, after = _read_header(encoded, place)
        items.append(encoded[start:after] if kind == STRING else encoded[place:after])
        place = after
    return items


def _read_header(encoded: bytes, place: int) -> tuple[int, int, int]:
    """Return the kind of an item, and where its payload starts and ends. Raises ValueError if the bytes are cut off."""
    if place >= len(encoded):
        raise ValueError("the bytes are cut off")
    first = encoded[place]
    if first < STRING:
        return STRING, place, place + 1
    kind = LIST if first >= LIST else STRING
    length, start = first - kind, place + 1
    if length > SHORT:
        size = length - SHORT
        length, start = int.from_bytes(encoded[start : start + size]), start + size
    if start + length > len(encoded):
        raise ValueError("the bytes are cut off")
    return kind, start, start + length
