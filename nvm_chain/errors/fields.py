"""Types for the fields of errors. A type checker sees ints and texts. A message also sees how to write the value.

Messages show a field of type ``Credits`` as "9 credits", and a field of type ``Money`` as "20 USDC". A field of any
other type is written on one line, and a long text is cut.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import (
    begin_sentence,
    clip,
    count,
    format_bps,
    format_duration,
    format_money,
    format_plan_id,
    format_range,
    format_time,
    list_choices,
    quote,
)
from nvm_chain.errors.secrets import hide_keys, hide_tokens

COIN: Final = ("ETH", 18)
"""The symbol of the native coin in messages, and its decimals. Both are right for every network in this package."""
ZERO_ADDRESS: Final = "0x" + "00" * 20
_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")


class Form(NamedTuple):
    """How a field is written. ``write`` takes its value and its error, for messages. ``to_json`` takes its value."""

    write: Callable[[Any, Any], str]
    to_json: Callable[[Any], Any] = lambda value: value
    noun: str = ""
    has_code: bool = False
    """Whether the value is a text of this package, which may contain code in backticks."""
    hide: Callable[[str], str] = hide_tokens
    """The function that removes secrets from a text, before the error stores the text."""


def plain(
    write: Callable[[Any], str],
    to_json: Callable[[Any], Any] = lambda value: value,
    noun: str = "",
    has_code: bool = False,
) -> Form:
    """Return a form whose ``write`` needs only the value of the field, and not the error."""
    return Form(lambda value, _: write(value), to_json, noun, has_code)


def counted(noun: str) -> Form:
    """Return the form of a number with a noun, such as "9 credits"."""
    return plain(lambda number: count(number, noun), noun=noun)


def write_number(value: int) -> str:
    """Write an int in decimal digits. Of an int with 1024 bits or more, write the first hexadecimal digits."""
    return str(value) if value.bit_length() < 1024 else f"{hex(value)[:32]}…"


def write_quantity(value: int) -> str:
    """Write an int with separators of thousands. An int with 1024 bits or more is written as `write_number` does."""
    return f"{value:,}" if value.bit_length() < 1024 else write_number(value)


def write_agent_id(number: int) -> str:
    """Write an agent id as a number. Write a number that is too large for an agent id as a plan id."""
    return format_plan_id(number) if 2**64 <= number < 2**256 else write_number(number)


def write_any(value: object) -> str:
    """Write a value whose type does not name a form."""
    if isinstance(value, int):
        return write_number(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return list_choices(value) if isinstance(value, tuple) else clip(value)


def any_to_json(value: object) -> Any:
    """Return the JSON value of a field whose type does not name a form."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return list(value) if isinstance(value, tuple) else value


def write_compared(value: object) -> str:
    """Write an int or an address as it is. Any other value is quoted."""
    if isinstance(value, int):
        return write_number(value)
    return str(value) if _ADDRESS.fullmatch(str(value)) else quote(value)


def write_money(base_units: int, error: Any) -> str:
    """Write base units of the error's token. If its symbol and decimals are known, write whole units."""
    token, label = getattr(error, "token", None), error.token_label
    if label is None and token == ZERO_ADDRESS:
        label = COIN
    if label is not None:
        return format_money(base_units, *label)
    return count(base_units, "base unit") + (f" of token {token}" if token else "")


def write_money_short(base_units: int, error: Any) -> str:
    """Write base units as `write_money` does, but without the token's address. For the second amount of a sentence."""
    return write_money(base_units, error).partition(" of token ")[0]


def write_signer(signer: str | None) -> str:
    """Write who signed. From a signature for another chain or contract, an arbitrary address is recovered."""
    return f"by {signer}, or for another chain or contract" if signer else "with a malformed signature"


def write_kind(kind: int) -> str:
    """Write the name of a plan's kind, or its number if this package does not know the kind."""
    return PlanKind(kind).name if kind in set(PlanKind) else str(kind)


def write_context(value: bytes) -> str:
    """Write 32 bytes as a text or a UUID if they contain one, else as hexadecimal digits."""
    given = value.rstrip(bytes(1))
    with suppress(UnicodeDecodeError):
        text = given.decode()
        if text and text.isprintable():
            return repr(text)
    found = UUID(bytes=value[:16]) if len(value) == 32 and not any(value[16:]) else None
    return f"0x{value.hex()}" if found is None or found.version is None else str(found)


def write_text_of_bytes(value: bytes) -> str:
    """Write the text in 32 bytes, without the zeros at its end."""
    return repr(value.rstrip(bytes(1)).decode(errors="replace"))


ANY: Final = plain(write_any, any_to_json)
"""The form of a field whose type does not name a form."""

AgentId = Annotated[int, plain(write_agent_id)]
"""The number of an agent."""
BasisPoints = Annotated[int, plain(format_bps)]
Bytes = Annotated[int, counted("byte")]
"""A number of bytes."""
Choices = Annotated[tuple[str, ...], plain(list_choices, list)]
"""Texts to choose from."""
Coin = Annotated[int, plain(lambda wei: format_money(wei, *COIN), str)]
"""Wei of the native coin."""
Credits = Annotated[int, counted("credit")]
Money = Annotated[int, Form(write_money, str)]
"""Base units of a token. The error names the token in its field ``token``, or learns it from `name_token`."""
Name = Annotated[str, plain(lambda text: clip(text, 120))]
"""The name of a parameter or a field, perhaps with its value."""
GivenName = Annotated[str, plain(lambda text: clip(text, 120))._replace(hide=hide_keys)]
"""A `Name` with a value from a user, who may have given a private key by mistake. A key is hidden."""
Number = Annotated[int, plain(write_number)]
"""A number that is written without separators, such as a block number."""
Quantity = Annotated[int, plain(write_quantity)]
"""A count of things. The sentence names the things."""
BaseUnits = Annotated[int, counted("base unit")._replace(to_json=str)]
"""A number of base units. The sentence names the token."""
Others = Annotated[object, plain(quote, lambda value: value if isinstance(value, str) else write_any(value))]
"""A value from outside the package, of any type and length. It is quoted, and cut if it is long."""
Given = Annotated[
    object, plain(quote, lambda value: value if isinstance(value, str) else write_any(value))._replace(hide=hide_keys)
]
"""A value as in `Others`, from a user who may have given a private key by mistake. A key is hidden."""
Compared = Annotated[int | str, plain(write_compared, any_to_json)]
"""One of two values that should be equal: a number, an address, or a text of any length."""
PaymentReference = Annotated[bytes, plain(lambda value: f"0x{value.hex()}", lambda value: f"0x{value.hex()}")]
Context = Annotated[bytes, plain(write_context, lambda value: f"0x{value.hex()}")]
"""The 32 bytes of a context, as `nvm_chain.types.contexts` encodes it."""
Kind = Annotated[int, plain(write_kind)]
"""The number of a `PlanKind`."""
PanicCode = Annotated[int, plain(hex)]
PlanId = Annotated[int, plain(format_plan_id, format_plan_id)]
RecordsFolder = Annotated[str | None, plain(lambda value: value or "this connection")]
"""The folder of deployment records that was searched. None if the error does not know the folder."""
RevertData = Annotated[str, plain(lambda data: clip(data, 138) or "empty")]
Seconds = Annotated[int, plain(format_duration)]
"""A duration in seconds."""
Sentence = Annotated[str, plain(lambda text: begin_sentence(clip(text)), has_code=True)]
"""A sentence without its full stop. It may begin with a small letter."""
Signer = Annotated[str | None, plain(write_signer)]
"""The address of the signer. None if the signature is malformed."""
Phrase = Annotated[str, plain(lambda text: clip(text).rstrip(". "))]
"""A part of a sentence."""
TermName = Annotated[bytes, plain(write_text_of_bytes, lambda value: f"0x{value.hex()}")]
"""The name of a plan's term, in 32 bytes."""
TransactionHash = Annotated[str | None, plain(lambda value: value or "not known")]
"""The hash of a transaction. None if the hash is not known."""
Verbatim = Annotated[str, plain(str)]
"""A text that the reader has to copy. It is never cut."""
Time = Annotated[int, plain(format_time)]
"""A Unix second."""
Transactions = Annotated[int, counted("transaction")]


def write_range(error: Any, form: Form, least: str, most: str) -> str:
    """Write two fields of an error as one range."""
    return format_range(getattr(error, least), getattr(error, most), form.noun)
