"""Entries of an account's journal: signed transactions, each a JSON object on its own line."""

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from nvm_chain.types.json_text import parse_json

KEPT: Final = 200
"""The number of newest entries that always remain in a journal.

Only a journal with more than twice as many lines is shortened.
"""
KEPT_SECONDS: Final = 3_600
"""Entries younger than this number of seconds remain too, because many transactions may be under way at once."""
KEPT_AT_MOST: Final = 1_000
"""The largest number of entries that remain in a shortened journal."""
MOST_REMEMBERED: Final = 4 * KEPT_AT_MOST
"""The largest number of parsed journal lines in memory. It is twice the largest number of lines in a journal."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A journal entry: a signed transaction. ``time`` is a Unix timestamp. ``node`` is the node's URL without secrets.

    ``taken`` tells whether the node confirmed that it has the transaction. If the node did not, a later transaction
    takes the same nonce, so that only one of the two can ever be mined.
    """

    nonce: int
    hash: str
    time: int
    node: str = ""
    taken: bool = False

    def fields(self) -> dict[str, object]:
        """Return the entry as the JSON object in the journal."""
        return {"nonce": self.nonce, "hash": self.hash, "time": self.time, "node": self.node, "taken": self.taken}


def format_entries(fields: Iterable[dict[str, object]]) -> bytes:
    """Return the lines of a journal for the fields of entries."""
    return "".join(f"{json.dumps(each)}\n" for each in fields).encode()


def parse_entries(text: str) -> list[Sent]:
    """Return the entries of a journal's text. Incomplete lines and refused transactions are left out."""
    found: dict[str, Sent] = {}
    for line in text.splitlines():
        entry = _parse_line(line)
        if entry is not None:
            sent, is_refused = entry
            found.pop(sent.hash, None)
            if not is_refused:
                found[sent.hash] = sent
    return list(found.values())


def choose_kept(text: str) -> Sequence[Sent] | None:
    """Return the entries that remain of a journal's text, or None if the journal is not too long."""
    lines, first = text.count("\n"), text.partition("\n")[0]
    if lines <= 2 * KEPT or (lines <= 2 * KEPT_AT_MOST and _count_young(parse_entries(first))):
        return None
    sent = parse_entries(text)
    kept = max(KEPT, _count_young(sent[-KEPT_AT_MOST:]))
    return None if lines <= 2 * kept else sent[-kept:]


def _count_young(sent: Sequence[Sent]) -> int:
    begin = time.time() - KEPT_SECONDS
    return sum(each.time >= begin for each in sent)


@lru_cache(MOST_REMEMBERED)
def _parse_line(line: str) -> tuple[Sent, bool] | None:
    """Return the entry on a line, and whether the transaction was refused, or None if the line is incomplete.

    Results are cached, because a process reads the same lines again for each transaction.
    """
    with suppress(ValueError, KeyError, TypeError, OverflowError):
        entry: Any = parse_json(line.encode())
        times = int(entry["nonce"]), str(entry["hash"]), int(entry["time"])
        return Sent(*times, str(entry.get("node", "")), entry.get("taken") is True), bool(entry.get("refused"))
    return None
