"""What a command says when it fails, and the exit code that tells scripts why."""

import re
import traceback
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.text import Text

from nvm_chain.cli.exit_codes import (
    EXIT_FUNDS,
    EXIT_INPUT,
    EXIT_KEY,
    EXIT_NETWORK,
    EXIT_REFUSED,
    EXIT_STORAGE,
    EXIT_UNEXPECTED,
    EXIT_UNKNOWN_OUTCOME,
)
from nvm_chain.cli.output import open_console, print_json
from nvm_chain.cli.shell_names import SHELL_NAMES
from nvm_chain.errors import (
    BatchIncomplete,
    DeploymentError,
    FundsError,
    InputError,
    KeyFailure,
    NetworkError,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    SignatureError,
    StorageError,
    TransactionError,
)
from nvm_chain.errors.formatting import clean

EXIT_CODE_OF: Final[tuple[tuple[tuple[type[Exception], ...], int], ...]] = (
    ((NotMined, OutcomeUnknown, BatchIncomplete), EXIT_UNKNOWN_OUTCOME),
    ((InputError, SignatureError, click.UsageError), EXIT_INPUT),
    ((KeyFailure,), EXIT_KEY),
    ((NetworkError, DeploymentError), EXIT_NETWORK),
    ((FundsError,), EXIT_FUNDS),
    ((TransactionError,), EXIT_REFUSED),
    ((StorageError,), EXIT_STORAGE),
)
"""The errors that lead to each exit code; the first that fits counts."""

_SECRET = re.compile(r"(?<!did:nv:)(?:0x)?[0-9a-fA-F]{64,}")  # a did is public, and nobody writes a key so
_WITHHELD = "[64 hexadecimal digits, not shown because they may be a private key]"


class NothingSent(click.Abort):
    """Raised when somebody stops a command that has not sent anything."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed command: the error's name, what the problem is and what to do next, what else it tells, and the exit code."""

    type: str
    problem: str
    next_step: str
    exit_code: int
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The whole of what people are told, on one line."""
        return " ".join(filter(None, (self.problem, self.next_step, *self.notes)))

    def show(self, *, as_json: bool) -> None:
        """Print the failure: one line on stderr and one that says where more is, or one JSON object on stdout."""
        if as_json:
            print_json({"error": self.to_dict()})
            return
        console = open_console(stderr=True)
        line = Text("Error", style="bold red").append(Text(f" ({self.type}): {self.message}", style="not bold default"))
        console.print(line)
        if "link" in self.details:
            console.print(Text(f"See `{self.details['link']}`.", style="dim"))

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as JSON has it."""
        told = {"type": self.type, "message": self.message, "problem": self.problem, "next_step": self.next_step}
        return {**told, "fields": {}, **self.details, **({"notes": list(self.notes)} if self.notes else {})}


def explain_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Say why a text file cannot be read."""
    return getattr(error, "strerror", None) or "it is not text"


def describe_failure(error: BaseException, *, verbose: bool) -> Failure:
    """Say what an error means for whoever ran the command, without anything that may be a key."""
    if isinstance(error, NothingSent):
        return Failure("Aborted", "Stopped by you.", "Nothing was sent.", EXIT_UNEXPECTED)
    if isinstance(error, click.Abort):
        return Failure(
            "Aborted", "Stopped by you.", "A transaction that was sent already may still be mined.", EXIT_UNEXPECTED
        )
    if isinstance(error, click.ClickException):
        return Failure(type(error).__name__, *_describe_usage(error), EXIT_INPUT)
    if isinstance(error, NvmChainError):
        return _describe_known(error)
    where = "".join(traceback.format_tb(error.__traceback__)) if verbose else ""
    return Failure(type(error).__name__, "This is a bug of nvm-chain.", _ask_for_report(where), EXIT_UNEXPECTED)


def _ask_for_report(where: str) -> str:
    """Ask for a report; the frames have file names and source lines, never values."""
    return (
        f"Please report it with these frames:\n{where}"
        if where
        else "Run it again with -v to see where, and report it."
    )


def _describe_usage(error: click.ClickException) -> tuple[str, str]:
    context = getattr(error, "ctx", None)
    hint = f"See `{context.command_path} --help`." if context is not None else ""
    said = withhold(clean(error.format_message())).rstrip(".")
    return said if said.endswith("?") else f"{said}.", hint


def _describe_known(error: NvmChainError) -> Failure:
    """Tell an error by the names that the shell has; what came from the command line may be a key in the wrong place."""
    shown = _withhold_texts(error) if isinstance(error, InputError | KeyFailure) else error
    problem, next_step = map(clean, shown.describe(SHELL_NAMES))
    told = shown.to_dict()
    details = {name: value for name, value in told.items() if name in ("fields", "token", "link")}
    notes = tuple(clean(note) for note in getattr(shown, "__notes__", ()) if note != shown.note)
    return Failure(type(error).__name__, problem, next_step, find_exit_code(error), notes, details)


def _withhold_texts(error: NvmChainError) -> NvmChainError:
    """Return a copy of the error, with all that was told of it later, without what looks like a private key in any text."""
    shown = copy(error)
    for name, value in vars(error).items():
        setattr(shown, name, _withhold_in(value))
    return shown


def _withhold_in(value: object) -> object:
    """Return a value without what looks like a private key in its texts, also where it is a sequence of them."""
    if isinstance(value, str):
        return withhold(value)
    if isinstance(value, list | tuple):
        items = [_withhold_in(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def find_exit_code(error: Exception) -> int:
    """Return the exit code of an error."""
    return next((code for kinds, code in EXIT_CODE_OF if isinstance(error, kinds)), EXIT_UNEXPECTED)


def withhold(text: str) -> str:
    """Replace what looks like a private key."""
    return _SECRET.sub(_WITHHELD, text)
