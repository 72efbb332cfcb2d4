"""Rules for English from tools/prose/rules.toml, and the rule that counts words."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "rules.toml"
MAX_WORDS: Final = 30
"""Words of a sentence. Code counts as one."""
CONTRACTIONS: Final = (
    (re.compile(r"\b(ca)n['’]t\b", re.IGNORECASE), r"\1nnot"),
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),
    (re.compile(r"\b(it|that|this|there|here|who|what|he|she|nobody|nothing)['’]s\b", re.IGNORECASE), r"\1 is"),
    (re.compile(r"\b(they|we|you|these|those)['’]re\b", re.IGNORECASE), r"\1 are"),
)
"""Short forms and their words, so that a rule knows one spelling only."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rule: a forbidden pattern, and advice for a replacement."""

    name: str
    pattern: re.Pattern[str]
    advice: str
    exception: re.Pattern[str] | None
    bad: tuple[str, ...]
    good: tuple[str, ...]

    def find(self, sentence: str) -> str | None:
        """Return the words of a sentence that break the rule, or None. Short forms count as their words."""
        sentence = expand_contractions(sentence)
        if self.exception is not None:
            sentence = self.exception.sub("", sentence)
        found = self.pattern.search(sentence)
        return found[0] if found else None


def read_rules() -> list[Rule]:
    """Return the rules of the table."""
    return [
        Rule(
            name=each["name"],
            pattern=re.compile(each["pattern"], re.NOFLAG if each.get("case_sensitive") else re.IGNORECASE),
            advice=each["advice"],
            exception=re.compile(each["except"], re.IGNORECASE) if "except" in each else None,
            bad=tuple(each["bad"]),
            good=tuple(each["good"]),
        )
        for each in tomllib.loads(SOURCE.read_text("utf-8"))["rules"]
    ]


def expand_contractions(sentence: str) -> str:
    """Expand short forms: "it's" becomes "it is"."""
    for pattern, words in CONTRACTIONS:
        sentence = pattern.sub(words, sentence)
    return sentence


def count_words(sentence: str) -> int:
    """Count the words of a sentence."""
    return len(re.findall(r"[\w'’.,:/-]*\w[\w'’-]*", sentence))


def find_breaches(sentence: str, rules: list[Rule]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, words and advice of each rule that a sentence breaks."""
    for rule in rules:
        if (words := rule.find(sentence)) is not None:
            yield rule.name, words, rule.advice
    if (count := count_words(sentence)) > MAX_WORDS:
        yield "long sentence", f"{count} words", f"a sentence has at most {MAX_WORDS} words; make it two"
