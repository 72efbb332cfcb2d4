"""Files of signed messages: one JSON object on each line. `-` is the standard input."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from nvm_chain.cli.failures import explain_unreadable
from nvm_chain.errors import InvalidConfig, InvalidMessage

STDIN: Final = "-"
MAX_BYTES: Final = 64 * 2**20
"""Size limit of a file in bytes. It leaves room for a hundred thousand vouchers."""

Message = TypeVar("Message")


def read_message(file: str, parse: Callable[[str], Message], noun: str) -> Message:
    """Read a file with exactly one message. Raises InvalidConfig, or InvalidMessage with file and line."""
    messages = read_messages([file], parse, noun)
    if len(messages) != 1:
        raise InvalidConfig(f"{name_file(file)} holds {len(messages)} signed messages", "give a file with one message")
    return messages[0]


def read_messages(files: Sequence[str], parse: Callable[[str], Message], noun: str) -> list[Message]:
    """Read all messages of several files, in order. Raises InvalidConfig, or InvalidMessage with file and line."""
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
    """Return the name of a file for a sentence."""
    return "the standard input" if file == STDIN else file


def _read_lines(file: str) -> Iterator[tuple[str, str]]:
    """Yield each line that is not empty, after its file and line number."""
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
