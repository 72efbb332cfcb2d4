"""Check files against the rules. tools/prose/accepted.toml lists accepted breaches, each with a reason."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.prose.rules import find_breaches, read_rules
from tools.prose.sentences import split_sentences
from tools.prose.texts import ROOT, read_texts

ACCEPTED: Final = Path(__file__).parent / "accepted.toml"


@dataclass(frozen=True, slots=True)
class Breach:
    """A sentence that breaks a rule."""

    file: str
    line: int
    rule: str
    words: str
    advice: str
    sentence: str

    def __str__(self) -> str:
        """Write the breach on one line."""
        return f"{self.file}:{self.line}: {self.rule} ({self.words}): {self.sentence} -> {self.advice}"


def check_files(paths: Iterable[Path]) -> list[Breach]:
    """Return every breach that is not accepted."""
    return [breach for breach in find_all(paths) if not is_accepted(breach, read_accepted())]


def find_all(paths: Iterable[Path]) -> list[Breach]:
    """Return every breach, accepted or not."""
    rules = read_rules()
    return [
        Breach(path.relative_to(ROOT).as_posix(), line, name, words, advice, sentence)
        for path in paths
        for line, text in read_texts(path)
        for sentence in split_sentences(text)
        for name, words, advice in find_breaches(sentence, rules)
    ]


def read_accepted() -> list[dict[str, str]]:
    """Return the accepted breaches: file, rule, beginning of the sentence, and reason."""
    table: list[dict[str, str]] = tomllib.loads(ACCEPTED.read_text("utf-8")).get("accepted", [])
    return table


def is_accepted(breach: Breach, accepted: list[dict[str, str]]) -> bool:
    """Return whether a breach is accepted."""
    return any(
        (each["file"], each["rule"]) == (breach.file, breach.rule) and breach.sentence.startswith(each["begins"])
        for each in accepted
    )
