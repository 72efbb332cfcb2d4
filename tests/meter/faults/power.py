"""Power cuts: what a disk has after one, from the records of what a process wrote (see power.c).

A write is safe when a sync of its file has begun after it and ended before the cut. A name of a file is safe after such a
sync of the folder. What is not safe may be lost, may be there, and a write may be there in part.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

BOOKS: Final = "books.db"
TOLD: Final = "told"
"""The file of what was told. It is not on the disk that loses power."""
HEAD: Final = struct.Struct("<IIQQ")
SECTOR: Final = 512
"""A disk writes a sector as a whole, or not at all."""


class Kind(IntEnum):
    """What was done to a file, as power.c numbers it."""

    WRITTEN = 1
    TRUNCATED = 2
    SYNCED = 3
    UNLINKED = 4


class Record(NamedTuple):
    """One call. ``name`` is empty for the folder. ``before`` is the offset, or how many records came before a sync began."""

    kind: Kind
    name: str
    before: int
    length: int
    data: bytes


def read_trace(log: Path, folder: Path) -> list[Record]:
    """Return the records of a log, in the order in which the calls ended."""
    return list(_read(log.read_bytes(), str(folder.resolve())))


def _read(log: bytes, folder: str) -> Iterator[Record]:
    at = 0
    while at < len(log):
        kind, path_length, before, length = HEAD.unpack_from(log, at)
        at += HEAD.size
        path = log[at : at + path_length].decode()
        at += path_length
        size = length if kind == Kind.WRITTEN else 0
        yield Record(Kind(kind), path.removeprefix(folder).lstrip("/"), before, length, log[at : at + size])
        at += size


@dataclass
class Content:
    """A file: what is safe of it, and the later calls with their numbers."""

    safe: bytearray = field(default_factory=bytearray)
    unsafe: list[tuple[int, Record]] = field(default_factory=list)

    def sync(self, before: int) -> None:
        """Make safe what was done before a record."""
        for number, record in self.unsafe:
            if number < before:
                _apply(self.safe, record)
        self.unsafe = [(number, record) for number, record in self.unsafe if number >= before]

    def cut(self, random: Random, keeps: float) -> bytes:
        """Return what is left after a cut, in which each call that is not safe is kept with some probability."""
        left = bytearray(self.safe)
        for _, record in self.unsafe:
            if random.random() < keeps:
                _apply(left, _tear(record, random) if random.random() > keeps else record)
        return bytes(left)


def _apply(content: bytearray, record: Record) -> None:
    if record.kind is Kind.TRUNCATED:
        content[record.length :] = bytes(max(0, record.length - len(content)))
        return
    content += bytes(max(0, record.before - len(content)))
    content[record.before : record.before + len(record.data)] = record.data


def _tear(record: Record, random: Random) -> Record:
    """Return a write of which only the first sectors arrived."""
    sectors = random.randint(0, len(record.data) // SECTOR)
    return record._replace(data=record.data[: sectors * SECTOR])


class Disk:
    """The disk on which a folder lies, as records come."""

    def __init__(self) -> None:
        """Begin with an empty folder."""
        self._number = 0
        self._now: dict[str, Content] = {}
        self._safe: dict[str, Content] = {}
        self._moves: list[tuple[int, str, Content | None]] = []

    def take(self, record: Record) -> None:
        """Do what a record says."""
        if record.kind is Kind.SYNCED and not record.name:
            self._sync_names(record.before)
        elif record.kind is Kind.UNLINKED:
            self._now.pop(record.name, None)
            self._moves.append((self._number, record.name, None))
        elif record.kind is Kind.SYNCED:
            if record.name in self._now:
                self._now[record.name].sync(record.before)
        else:
            if record.name not in self._now:
                self._now[record.name] = Content()
                self._moves.append((self._number, record.name, self._now[record.name]))
            self._now[record.name].unsafe.append((self._number, record))
        self._number += 1

    def _sync_names(self, before: int) -> None:
        _move(self._safe, [move for move in self._moves if move[0] < before])
        self._moves = [move for move in self._moves if move[0] >= before]

    def cut(self, random: Random, keeps: float) -> dict[str, bytes]:
        """Return the files after a cut. Names change in their order, so that some first ones of the changes are kept."""
        kept = sum(random.random() < keeps for _ in self._moves)
        names = dict(self._safe)
        _move(names, self._moves[:kept])
        return {name: content.cut(random, keeps) for name, content in names.items()}


def _move(names: dict[str, Content], moves: Sequence[tuple[int, str, Content | None]]) -> None:
    for _, name, content in moves:
        if content is None:
            names.pop(name, None)
        else:
            names[name] = content
