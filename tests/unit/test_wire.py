"""wire: one way to write a message, and every other refused with an error of ours, whatever the bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidMessage
from nvm_chain.signing.eip712 import StructType
from nvm_chain.signing.json_messages import MAX_LENGTH, MessageReader, StructMessages, format_message

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
FIELDS = {"type": "t.v1", "number": "12", "owner": ADDRESS, "data": "0x00ff"}


def read(text: Any) -> MessageReader:
    return MessageReader(text, kind="t.v1", noun="signed thing", names=["number", "owner", "data"])


def read_with(**changes: object) -> MessageReader:
    return read(json.dumps({**FIELDS, **changes}))


def test_format_message__of_every_type__is_texts_on_one_line() -> None:
    text = format_message("t.v1", {"number": 12, "owner": ADDRESS, "data": b"\0\xff", "name": "€\n"})
    assert text == ('{"type":"t.v1","number":"12","owner":"' + ADDRESS + '","data":"0x00ff","name":"\\u20ac\\n"}')


def test_message_reader__of_what_is_written__has_the_values() -> None:
    reader = read(format_message("t.v1", {"number": 12, "owner": ADDRESS, "data": b"\0\xff"}))
    assert (reader.read_uint("number", 8), reader.read_address("owner")) == (12, ADDRESS)
    assert reader.read_bytes("data") == reader.read_bytes("data", 2) == b"\0\xff"
    assert reader.read_text("data") == "0x00ff"


def test_struct_messages__of_every_kind_of_member__are_written_and_read_in_the_order_of_the_type() -> None:
    thing = StructType("Thing(uint8 number,address owner,bytes32 data)")
    messages, values = StructMessages("t.v1", "signed thing", thing), (12, ADDRESS, bytes(31) + b"\xff")
    text = messages.format(values, b"\0\x01")
    assert list(json.loads(text)) == ["type", "number", "owner", "data", "signature"]
    assert messages.parse(text, lambda *members: members) == (values, b"\0\x01")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"number": "256"}, "256"),
        ({"owner": ADDRESS.lower()}, "owner is .* not an address with its checksum"),
        ({"data": "0x00"}, "data is '0x00', not 32 bytes"),
        ({"signature": "0x0"}, "signature is '0x0', not bytes"),
        ({"more": "1"}, "unknown field 'more'"),
    ],
)
def test_struct_messages__with_a_field_of_another_form__are_refused(changes: dict[str, str], problem: str) -> None:
    thing = StructType("Thing(uint8 number,address owner,bytes32 data)")
    fields = {**FIELDS, "data": "0x" + "00" * 32, "signature": "0x", **changes}
    with pytest.raises(InvalidMessage, match=problem):
        StructMessages("t.v1", "signed thing", thing).parse(json.dumps(fields), lambda *members: members)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("{", "it is not JSON"),
        (json.dumps(FIELDS) + "x", "it is not JSON"),
        ("NaN", "it is not a JSON object"),
        ("1" * 5000, "it is not JSON"),
        ("[" * 9000, "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ('"text"', "it is not a JSON object"),
        ("{}", "its type is None, not 't.v1'"),
        ('{"type":"t.v2"}', "its type is 't.v2', not 't.v1'"),
        ('{"type":"t.v1","type":"t.v1"}', "a field appears twice"),
        ('{"type":1}', "'type' is not a text"),
        ('{"type":"t.v1","number":null}', "'number' is not a text"),
        ('{"type":"t.v1","number":{}}', "'number' is not a text"),
        ('{"type":"t.v1","number":["1"]}', "'number' is not a text"),
        ('{"type":"t.v1","number":true}', "'number' is not a text"),
        ('{"type":"t.v1","\\u001b":1}', "'\\x1b' is not a text"),
        ('{"type":"t.v1"}', "data is missing"),
        (json.dumps({**FIELDS, "more": "1"}), "it has an unknown field 'more'"),
        (json.dumps({**FIELDS, "Number": "1"}), "it has an unknown field 'Number'"),
        (json.dumps(FIELDS).encode(), "it is not text of at most 16384 characters"),
        (None, "it is not text of at most 16384 characters"),
        (json.dumps(FIELDS).ljust(MAX_LENGTH + 1), "it is not text of at most 16384 characters"),
    ],
)
def test_message_reader__of_anything_else__says_what_is_wrong(text: Any, problem: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(text)
    assert caught.value.args == ("signed thing", problem)


def test_message_reader__of_the_longest_text__reads_it() -> None:
    assert read(json.dumps(FIELDS).ljust(MAX_LENGTH)).read_uint("number", 8) == 12


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "1\n", "0x1", "١", "9" * 79, "1_0"]
)
def test_read_uint__in_another_spelling__is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="not an integer in decimal digits"):
        read_with(number=text).read_uint("number", 256)


@pytest.mark.parametrize("bits", [8, 64, 256])
def test_read_uint__at_its_limits__takes_what_fits(bits: int) -> None:
    for number in (0, 2**bits - 1):
        assert read_with(number=str(number)).read_uint("number", bits) == number
    with pytest.raises(InvalidMessage, match=f"must be from 0 to {2**bits - 1}"):
        read_with(number=str(2**bits)).read_uint("number", bits)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        ADDRESS.lower(),
        ADDRESS.swapcase(),
        ADDRESS[2:],
        ADDRESS + "00",
        ADDRESS[:-1],
        "0x" + "00" * 20,
        " " + ADDRESS,
    ],
)
def test_read_address__without_its_checksum__is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="not an address with its checksum"):
        read_with(owner=text).read_address("owner")


@pytest.mark.parametrize("text", ["", "00", "0x0", "0xFF", "0X00", "0x0g", " 0x00", "0x00\n", "0x 00"])
def test_read_bytes__in_another_spelling__is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="lower-case hexadecimal digits"):
        read_with(data=text).read_bytes("data")


def test_read_bytes__of_another_size__is_refused() -> None:
    assert read_with(data="0x").read_bytes("data") == b""
    for size in (0, 1, 3):
        with pytest.raises(InvalidMessage, match=f"not {size} bytes as 0x"):
            read_with().read_bytes("data", size)


@given(st.text(max_size=200))
def test_message_reader__of_any_text__raises_our_error_only(text: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(text)
    assert str(caught.value).isprintable()


@given(st.dictionaries(st.sampled_from([*FIELDS, "more"]), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_message_reader__with_any_fields_changed__raises_our_error_or_reads(changes: dict[str, Any]) -> None:
    try:
        reader = read_with(**changes)
        reader.read_uint("number", 256)
        reader.read_address("owner")
        reader.read_bytes("data")
    except InvalidMessage as error:
        assert str(error).isprintable()
        assert len(str(error)) < 400


def parse_carefully(text: str) -> tuple[object, ...] | str:
    """Read the thing of `THING` field by field, as `StructMessages` does if anything about a message is unusual."""
    try:
        reader = MessageReader(text, kind="t.v1", noun="signed thing", names=["number", "owner", "data", "signature"])
        thing = (reader.read_uint("number", 8), reader.read_address("owner"), reader.read_bytes("data", 2))
        return thing, reader.read_bytes("signature")
    except InvalidMessage as error:
        return str(error)


def parse(text: str) -> tuple[object, ...] | str:
    try:
        return THING.parse(text, lambda *values: values)
    except InvalidMessage as error:
        return str(error)


THING = StructMessages("t.v1", "signed thing", StructType("Thing(uint8 number,address owner,bytes2 data)"))
WRITTEN = THING.format((12, ADDRESS, b"\0\xff"), bytes(3))
PIECES = (
    "",
    *'"\\{}[]:,0 1aAfFxX_-.',
    "null",
    "true",
    '"number":"13",',
    ADDRESS.lower(),
    "\u0661",
    "\n",
    "0x",
    "256",
    '"t.v1"',
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(WRITTEN)), st.integers(0, 3), st.sampled_from(PIECES)), min_size=0, max_size=3
    )
)
def test_struct_messages__of_a_text_with_some_mistakes__read_the_same_as_field_by_field(
    edits: list[tuple[int, int, str]],
) -> None:
    text = WRITTEN
    for at, removed, piece in edits:
        text = text[:at] + piece + text[at + removed :]
    assert parse(text) == parse_carefully(text)


def test_struct_messages__of_spaces_and_another_order__are_read() -> None:
    fields = dict(reversed(json.loads(WRITTEN).items()))
    assert parse(json.dumps(fields, indent=1)) == ((12, ADDRESS, b"\0\xff"), bytes(3)) == parse(WRITTEN)
