"""The types of errors' fields: to a type checker plain ints and texts, to a message how the value is written.

A field of type ``Credits`` reads "9 credits", one of type ``Money`` "20 USDC". What has no type of its own here is
written as it is, on one line and not too long.
"""

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
"""What the native coin is called in messages, and its decimals. Every chain that this package names calls it so."""
ZERO_ADDRESS: Final = "0x" + "00" * 20


class Form(NamedTuple):
    """How a field is written in messages, from its value and its error, and in JSON, from its value."""

    write: Callable[[Any, Any], str]
    to_json: Callable[[Any], Any] = lambda value: value
    noun: str = ""
    has_code: bool = False
    """Whether it is a text of this package's own, with code in backticks."""
    hide: Callable[[str], str] = hide_tokens
    """What is done to a text before the error keeps it."""


def plain(
    write: Callable[[Any], str],
    to_json: Callable[[Any], Any] = lambda value: value,
    noun: str = "",
    has_code: bool = False,
) -> Form:
    """Return the form of a value that is written without a look at its error."""
    return Form(lambda value, _: write(value), to_json, noun, has_code)


def counted(noun: str) -> Form:
    """Return the form of a number of things."""
    return plain(lambda number: count(number, noun), noun=noun)


def write_number(value: int) -> str:
    """Write an int of any size."""
    return str(value) if value.bit_length() < 1024 else f"{hex(value)[:32]}…"


def write_quantity(value: int) -> str:
    """Write an int of any size that counts something, with separators of thousands as `count` has them."""
    return f"{value:,}" if value.bit_length() < 1024 else write_number(value)


def write_agent_id(number: int) -> str:
    """Write an agent id as a number. Write a number that is too large for an agent id as a plan id."""
    return format_plan_id(number) if 2**64 <= number < 2**256 else write_number(number)


def write_any(value: object) -> str:
    """Write a value without a form of its own."""
    if isinstance(value, int):
        return write_number(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return list_choices(value) if isinstance(value, tuple) else clip(value)


def any_to_json(value: object) -> Any:
    """Return the JSON value of a field whose type has no form of its own."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return list(value) if isinstance(value, tuple) else value


def write_money(base_units: int, error: Any) -> str:
    """Write base units of an error's token: in whole units where the token is known."""
    token, label = getattr(error, "token", None), error.token_label
    if label is None and token == ZERO_ADDRESS:
        label = COIN
    if label is not None:
        return format_money(base_units, *label)
    return count(base_units, "base unit") + (f" of token {token}" if token else "")


def write_money_short(base_units: int, error: Any) -> str:
    """Write base units as `write_money` does, without the token's address; for the second amount of a sentence."""
    return write_money(base_units, error).partition(" of token ")[0]


def write_signer(signer: str | None) -> str:
    """Write who signed. A signature for another chain or contract looks like a stranger's."""
    return f"by {signer}, or for another chain or contract" if signer else "with a malformed signature"


def write_kind(kind: int) -> str:
    """Write the name of a kind of plan, and the number of one that this package does not know."""
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
    """Write the text that a word of 32 bytes begins with."""
    return repr(value.rstrip(bytes(1)).decode(errors="replace"))


ANY: Final = plain(write_any, any_to_json)
"""The form of a field whose type says nothing else."""

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
"""Base units of a token: in an error, of the one that it names."""
Name = Annotated[str, plain(lambda text: clip(text, 120))]
"""The name of a parameter or a field, perhaps with its value."""
GivenName = Annotated[str, plain(lambda text: clip(text, 120))._replace(hide=hide_keys)]
"""A `Name` with what somebody gave where a key is given by mistake."""
Number = Annotated[int, plain(write_number)]
"""A number of a thing, such as a block; it is not counted."""
Quantity = Annotated[int, plain(write_quantity)]
"""How many there are of what the sentence names."""
BaseUnits = Annotated[int, plain(write_quantity, str)]
"""Base units of a token that the sentence names otherwise."""
Others = Annotated[object, plain(quote, lambda value: value if isinstance(value, str) else write_any(value))]
"""What somebody gave, of any type and length; quoted."""
Given = Annotated[
    object, plain(quote, lambda value: value if isinstance(value, str) else write_any(value))._replace(hide=hide_keys)
]
"""What somebody gave in a place where a key is given by mistake; quoted without it."""
PaymentReference = Annotated[bytes, plain(lambda value: f"0x{value.hex()}", lambda value: f"0x{value.hex()}")]
Context = Annotated[bytes, plain(write_context, lambda value: f"0x{value.hex()}")]
"""The 32 bytes that stand for what somebody gave, as `nvm_chain.types.contexts` encodes it."""
Kind = Annotated[int, plain(write_kind)]
"""A PlanKind."""
PanicCode = Annotated[int, plain(hex)]
PlanId = Annotated[int, plain(format_plan_id, format_plan_id)]
RecordsFolder = Annotated[str | None, plain(lambda value: value or "the folder of deployment records")]
"""The folder of deployment records that was searched; None where nothing said which."""
RevertData = Annotated[str, plain(lambda data: clip(data, 138) or "empty")]
Seconds = Annotated[int, plain(format_duration)]
"""A duration."""
Sentence = Annotated[str, plain(lambda text: begin_sentence(clip(text)), has_code=True)]
"""A sentence without its full stop, perhaps begun in small letters."""
Signer = Annotated[str | None, plain(write_signer)]
"""Who signed, None where the signature is malformed."""
Phrase = Annotated[str, plain(lambda text: clip(text).rstrip(". "))]
"""A part of a sentence."""
TermName = Annotated[bytes, plain(write_text_of_bytes, lambda value: f"0x{value.hex()}")]
"""The name of a term in 32 bytes."""
TransactionHash = Annotated[str | None, plain(lambda value: value or "not known")]
"""The hash of a transaction; None where nobody has kept it."""
Verbatim = Annotated[str, plain(str)]
"""A text that somebody has to copy, whole however long it is."""
Time = Annotated[int, plain(format_time)]
"""A Unix second."""
Transactions = Annotated[int, counted("transaction")]


def write_range(error: Any, form: Form, least: str, most: str) -> str:
    """Write two fields of an error as one range."""
    return format_range(getattr(error, least), getattr(error, most), form.noun)
