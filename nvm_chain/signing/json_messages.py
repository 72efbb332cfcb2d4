"""Signed values as JSON: an object of texts on one line. Each value has one valid spelling, and others are refused."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from eth_typing import ChecksumAddress

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.signing.eip712 import StructType, Value, check_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.json_text import parse_json

Struct = TypeVar("Struct")

MAX_LENGTH = 16_384
"""The largest number of characters in a message. A voucher has about 550, more with a contract wallet's signature."""


def format_message(kind: str, fields: Mapping[str, int | str | bytes]) -> str:
    """Write a message as JSON in ASCII, on one line.

    Integers become decimal text. Bytes become ``0x`` and lower-case hexadecimal digits.
    """
    texts = {name: _format_field(value) for name, value in fields.items()}
    return json.dumps({"type": kind, **texts}, separators=(",", ":"))


def _format_field(value: int | str | bytes) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, str) else str(value)


class MessageReader:
    """Reads the fields of a JSON message, and checks each field's type.

    The message is a JSON object with the type ``kind`` and exactly the fields in ``names``. All values are texts. Any
    other message raises InvalidMessage, which calls the message ``noun``.
    """

    def __init__(self, text: str, *, kind: str, noun: str, names: Sequence[str]) -> None:
        self._noun = noun
        self._fields = self._read_object(text)
        found = self._fields.pop("type", None)
        if found != kind:
            raise self._refuse(f"its type is {_show(found)}, not {kind!r}")
        missing, unknown = set(names) - set(self._fields), set(self._fields) - set(names)
        if missing or unknown:
            problem = f"{min(missing)} is missing" if missing else f"it has an unknown field {_show(min(unknown))}"
            raise self._refuse(problem)

    def read_uint(self, name: str, bits: int) -> int:
        """Read an unsigned integer of at most ``bits`` bits, written in decimal digits without leading zeros."""
        text = self._fields[name]
        if not re.fullmatch(r"0|[1-9][0-9]{0,77}", text):
            raise self._refuse(f"{name} is {_show(text)}, not an integer in decimal digits")
        try:
            return check_uint(int(text), bits, name)
        except InputError as error:
            raise self._refuse(str(error).rstrip(".")) from None

    def read_address(self, name: str) -> ChecksumAddress:
        """Read an address with its checksum. The zero address is refused."""
        try:
            return check_address(self._fields[name], name)
        except InputError:
            raise self._refuse(f"{name} is {_show(self._fields[name])}, not an address with its checksum") from None

    def read_bytes(self, name: str, size: int | None = None) -> bytes:
        """Read bytes, written as ``0x`` and lower-case hexadecimal digits. With ``size``, exactly that many bytes."""
        text = self._fields[name]
        if not re.fullmatch(r"0x(?:[0-9a-f]{2})*", text) or (size is not None and len(text) != 2 + 2 * size):
            length = "bytes" if size is None else f"{size} bytes"
            raise self._refuse(f"{name} is {_show(text)}, not {length} as 0x and lower-case hexadecimal digits")
        return bytes.fromhex(text[2:])

    def read_text(self, name: str) -> str:
        """Read a text without a check."""
        return self._fields[name]

    def _read_object(self, text: object) -> dict[str, str]:
        if not isinstance(text, str) or len(text) > MAX_LENGTH:
            raise self._refuse(f"it is not text of at most {MAX_LENGTH} characters")
        try:
            value = parse_json(text, self._take_pairs)
        except InvalidMessage:
            raise
        except (ValueError, RecursionError):
            raise self._refuse("it is not JSON") from None
        if not isinstance(value, dict):
            raise self._refuse("it is not a JSON object")
        return value

    def _take_pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, str]:
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise self._refuse("a field appears twice")
        for name, value in pairs:
            if not isinstance(value, str):
                raise self._refuse(f"{_show(name)} is not a text")
        return fields

    def _refuse(self, problem: str) -> InvalidMessage:
        return InvalidMessage(self._noun, problem)


class StructMessages:
    """Writes and reads signed structs of one type as JSON: the type's members in their order, and then the signature.

    The members are addresses, unsigned integers, and bytes of a fixed size.
    """

    def __init__(self, kind: str, noun: str, struct_type: StructType) -> None:
        self._kind, self._noun, self._members = kind, noun, struct_type.members
        self._names = [*(name for _, name in struct_type.members), "signature"]
        self._plain = _PlainReader(kind, struct_type)

    def format(self, values: Sequence[Value], signature: bytes) -> str:
        """Write a signed struct as JSON. The values have the order of the type."""
        return format_message(self._kind, dict(zip(self._names, (*values, signature), strict=True)))

    def parse(self, text: str, build: Callable[..., Struct]) -> tuple[Struct, bytes]:
        """Read a signed struct and its signature. ``build`` makes the struct from its values, in the order of the type.

        Raises InvalidMessage for a text that `format` does not write, and what ``build`` raises.
        """
        plain = self._plain.read(text)
        if plain is not None:
            *values, signature = plain
            return build(*values), cast(bytes, signature)
        reader = MessageReader(text, kind=self._kind, noun=self._noun, names=self._names)
        struct = build(*(_read_member(reader, *member) for member in self._members))
        return struct, reader.read_bytes("signature")


class _PlainReader:
    """Reads messages without a mistake in a fifth of the time. For others, `MessageReader` finds out what is wrong.

    A flat object of texts without escapes has four quotation marks for each field. So no field came twice if there are no more.
    """

    def __init__(self, kind: str, struct_type: StructType) -> None:
        self._kind = kind
        self._readers = {name: _find_plain(kind) for kind, name in struct_type.members} | {
            "signature": _read_plain_bytes
        }
        self._marks = 4 * (1 + len(self._readers))

    def read(self, text: object) -> list[Value] | None:
        """Return the values of the members, and the signature. None if anything about the message is unusual."""
        if not isinstance(text, str) or len(text) > MAX_LENGTH or text.count('"') != self._marks:
            return None
        if "\\" in text or "[" in text:
            return None
        try:
            fields = json.loads(text)
            if fields.pop("type") != self._kind or len(fields) != len(self._readers):
                return None
            return [read(fields[name]) for name, read in self._readers.items()]
        except (ValueError, LookupError, TypeError, AttributeError, InputError):
            return None


def _find_plain(kind: str) -> Callable[[str], Value]:
    """Return the function that reads a member. It raises ValueError or InputError for a spelling that `format` does not write."""
    if kind == "address":
        return lambda text: check_address(text, "address")
    if kind.startswith("uint"):
        return partial(_read_plain_uint, int(kind.removeprefix("uint")))
    return partial(_read_plain_bytes, size=int(kind.removeprefix("bytes")))


def _read_plain_uint(bits: int, text: str) -> int:
    value = int(text)
    if not 0 <= value < 1 << bits or str(value) != text:
        raise ValueError
    return value


def _read_plain_bytes(text: str, size: int | None = None) -> bytes:
    value = bytes.fromhex(text[2:])
    if "0x" + value.hex() != text or (size is not None and len(value) != size):
        raise ValueError
    return value


def _read_member(reader: MessageReader, kind: str, name: str) -> Value:
    if kind == "address":
        return reader.read_address(name)
    if kind.startswith("uint"):
        return reader.read_uint(name, int(kind.removeprefix("uint")))
    return reader.read_bytes(name, int(kind.removeprefix("bytes")))


def _show(value: object) -> str:
    return ascii(value)[:90]
