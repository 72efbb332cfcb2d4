"""Findings of a check: what was looked at, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import Enum

from nvm_chain.errors import NvmChainError
from nvm_chain.errors.formatting import format_plan_id


class Verdict(Enum):
    """How something is. The values are for JSON."""

    GOOD = "good"
    NOTE = "note"
    """It works, and is worth knowing."""
    MISSING = "missing"
    """Requests cannot be served, or not be paid, as long as it is so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``text`` and ``next_step`` are sentences, and neither has a secret."""

    subject: str
    verdict: Verdict
    text: str
    next_step: str | None = None


def good(subject: str, text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(subject, Verdict.GOOD, text)


def note(subject: str, text: str, next_step: str | None = None) -> Finding:
    """Return something that is worth knowing."""
    return Finding(subject, Verdict.NOTE, text, next_step)


def missing(subject: str, text: str, next_step: str) -> Finding:
    """Return what has to be done before requests are served."""
    return Finding(subject, Verdict.MISSING, text, next_step)


def missing_by(subject: str, error: NvmChainError) -> Finding:
    """Return what an error says has to be done."""
    problem, next_step = error.describe()
    return Finding(subject, Verdict.MISSING, problem, next_step or "Correct it.")


def name_plan(plan_id: int) -> str:
    """Return how findings name a plan."""
    return f"plan {format_plan_id(plan_id)}"
