"""Questions before something is sent that cannot be taken back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from nvm_chain.cli.deferred import failures
from nvm_chain.cli.lazy import errors
from nvm_chain.cli.session import Session


def confirm(session: Session, question: str, *, verb: str, look: str) -> None:
    """Ask the user for a confirmation. The command ends with NothingSent if the answer is no.

    Args:
        session: The session of the command.
        question: The question.
        verb: What the command does without asking, such as ``deploy``.
        look: How to see what would be done, for an answer in JSON.

    Raises:
        InvalidConfig: Nobody can be asked.
    """
    if session.as_json:
        raise errors.InvalidConfig("--json leaves no room for a question", f"{look}, and then add --yes")
    with answered(f"give --yes to {verb} without asking"):
        if not click.confirm(question, err=True):
            raise failures.NothingSent


@contextmanager
def answered(advice: str) -> Iterator[None]:
    """Wait for the answers to questions. Raises NothingSent if the user stops, or InvalidConfig if nobody can answer.

    Args:
        advice: What to do where nobody can answer.
    """
    try:
        yield
    except failures.NothingSent:
        raise
    except click.Abort:
        if sys.stdin.isatty():
            raise failures.NothingSent from None
        raise errors.InvalidConfig("nobody answered, and nothing was sent", advice) from None
