"""Signed messages in files: one JSON object on a line, as whoever signed them handed them over; `-` is the standard input."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from nvm_chain.cli.failures import explain_unreadable
from nvm_chain.errors import InvalidConfig, InvalidMessage

STDIN: Final = "-"
MAX_BYTES: Final = 64 * 2**20
"""More than a hundred thousand vouchers."""

Message = TypeVar("Message")


def read_message(file: str, parse: Callable[[str], Message], noun: str) -> Message:
    """Read the one message in a file. Raises InvalidConfig, or InvalidMessage with its place."""
    messages = read_messages([file], parse, noun)
    if len(messages) != 1:
        raise InvalidConfig(f"{name_file(file)} holds {len(messages)} signed messages", "give one at a time")
    return messages[0]


def read_messages(files: Sequence[str], parse: Callable[[str], Message], noun: str) -> list[Message]:
    """Read all messages of some files, in order. Raises InvalidConfig, or InvalidMessage with its place."""
    found = []
    for file in files:
        for place, line in _read_lines(file):
            try:
                found.append(parse(line))
            except InvalidMessage as error:
                raise InvalidMessage(error.kind, f"{place}: {error.reason}") from None
    if not found:
        raise InvalidConfig(f"there is no {noun} in {', '.join(map(name_file, files))}")
    return found


def name_file(file: str) -> str:
    """Name a file in a sentence."""
    return "the standard input" if file == STDIN else file


def _read_lines(file: str) -> Iterator[tuple[str, str]]:
    """Yield each line that is not empty, with its place."""
    for number, line in enumerate(_read_text(file).splitlines(), start=1):
        if line.strip():
            yield f"{name_file(file)}, line {number}", line.strip()


def _read_text(file: str) -> str:
    try:
        if file == STDIN:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InvalidConfig(f"{name_file(file)} has more than {MAX_BYTES} bytes", "settle a part at a time")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"cannot read {name_file(file)} ({explain_unreadable(error)})") from None
