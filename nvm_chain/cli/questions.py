"""Single questions on a terminal. An answer that does not fit is explained, and the question comes again."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from nvm_chain.cli.deferred import failures
from nvm_chain.cli.lazy import errors, formatting

Answer = TypeVar("Answer")
NONE = "-"
"""The answer for nothing, where nothing is possible."""


def ask(question: str, read: Callable[[str], Answer], usual: str | None = None) -> Answer:
    """Ask a question on stderr, and return the answer.

    Args:
        question: The question.
        read: Checks an answer, and turns it into a value. It may raise any error of ours, whose message is shown.
        usual: The answer of an empty line. None if the question needs an answer.
    """

    def check(text: str) -> Answer:
        try:
            return read(text.strip())
        except errors.NvmChainError as error:
            raise click.UsageError(failures.describe_failure(error, verbose=False).message) from None

    answer: Answer = click.prompt(question, default=usual, value_proc=check, err=True)
    return answer


def ask_choice(question: str, choices: Iterable[str], usual: str) -> str:
    """Ask for one of several words."""
    words = tuple(choices)

    def read(text: str) -> str:
        if text.lower() not in words:
            raise errors.InvalidConfig(
                f"{formatting.quote(text)} is not an answer", f"give {formatting.list_choices(words)}"
            )
        return text.lower()

    return ask(f"{question} ({formatting.list_choices(words)})", read, usual)


def ask_text(question: str, usual: str) -> str | None:
    """Ask for a text. Returns None if the answer is NONE."""
    return ask(f"{question} ({NONE} for none)", lambda text: None if text in ("", NONE) else text, usual or NONE)
