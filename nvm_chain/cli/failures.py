"""Messages and exit codes of failed commands."""

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
    EXIT_INDEX,
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
    IndexFailure,
    InputError,
    KeyFailure,
    NetworkError,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    PaymentClaimed,
    PaymentUnderWay,
    RequestRefused,
    SignatureError,
    StorageError,
    TransactionError,
    UpstreamError,
)
from nvm_chain.errors.formatting import clean

EXIT_CODE_OF: Final[tuple[tuple[tuple[type[Exception], ...], int], ...]] = (
    ((NotMined, OutcomeUnknown, BatchIncomplete, PaymentUnderWay), EXIT_UNKNOWN_OUTCOME),
    ((InputError, SignatureError, click.UsageError), EXIT_INPUT),
    ((KeyFailure,), EXIT_KEY),
    ((NetworkError, DeploymentError, UpstreamError), EXIT_NETWORK),
    ((FundsError,), EXIT_FUNDS),
    ((TransactionError, RequestRefused, PaymentClaimed), EXIT_REFUSED),
    ((StorageError,), EXIT_STORAGE),
    ((IndexFailure,), EXIT_INDEX),
)
"""Errors of each exit code. The first matching row counts."""

_SECRET = re.compile(r"(?<!did:nv:)(?:0x)?[0-9a-fA-F]{64,}")  # a did is public, and nobody writes a key in its form
_WITHHELD = "[64 hexadecimal digits, not shown because they may be a private key]"


class NothingSent(click.Abort):
    """Raised when the user stops a command before it sends anything."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Failure of a command: the error's name, problem, next step and fields, and the exit code."""

    type: str
    problem: str
    next_step: str
    exit_code: int
    notes: tuple[str, ...] = ()
    link: str | None = None
    """Command that explains the failure. None if there is none."""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The whole message on one line: the problem and the next step."""
        return " ".join(filter(None, (self.problem, self.next_step, *self.notes)))

    def show(self, *, as_json: bool) -> None:
        """Print the failure as one JSON object on stdout, or as text on stderr: the message, then a link to help."""
        if as_json:
            print_json({"error": self.to_dict()})
            return
        console = open_console(stderr=True)
        line = Text("Error", style="bold red").append(Text(f" ({self.type}): {self.message}", style="not bold default"))
        console.print(line)
        if self.link is not None and self.link not in self.next_step:
            console.print(Text(f"See `{self.link}`.", style="dim"))

    def to_dict(self) -> dict[str, Any]:
        """Return the failure as a JSON object."""
        told = {"type": self.type, "message": self.message, "problem": self.problem, "next_step": self.next_step}
        more = {**self.details, "link": self.link}
        return {**told, "fields": {}, **more, **({"notes": list(self.notes)} if self.notes else {})}


def explain_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Return the reason why a text file cannot be read."""
    return getattr(error, "strerror", None) or "it is not text"


def describe_failure(error: BaseException, *, verbose: bool) -> Failure:
    """Describe an error for the user of the command. Text that may be a private key is left out."""
    if isinstance(error, NothingSent):
        return Failure("Aborted", "Stopped by you.", "Nothing was sent.", EXIT_UNEXPECTED)
    if isinstance(error, click.Abort):
        return Failure(
            "Aborted", "Stopped by you.", "A transaction that was sent already may still be mined.", EXIT_UNEXPECTED
        )
    if isinstance(error, click.ClickException):
        return Failure(type(error).__name__, *_describe_usage(error), EXIT_INPUT, link=_find_help(error))
    if isinstance(error, NvmChainError):
        return _describe_known(error)
    where = "".join(traceback.format_tb(error.__traceback__)) if verbose else ""
    return Failure(type(error).__name__, "This is a bug of nvm-chain.", _ask_for_report(where), EXIT_UNEXPECTED)


def _ask_for_report(where: str) -> str:
    """Return a request for a bug report. Its stack frames contain file names and source lines, never values."""
    return (
        f"Please report it with these frames:\n{where}"
        if where
        else "Run the command again with -v to see the stack frames, and report them."
    )


def _describe_usage(error: click.ClickException) -> tuple[str, str]:
    hint = " ".join(filter(None, [_explain_option(error), f"See `{_find_help(error)}`."]))
    said = withhold(clean(error.format_message())).rstrip(".")
    return said if said.endswith("?") else f"{said}.", hint


def _find_help(error: click.ClickException) -> str:
    """Return the command that shows the help of the command line in question."""
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else "nvm-chain --help"


def _explain_option(error: click.ClickException) -> str:
    """Return the likely cause of an unknown option, as a sentence. Empty if there is no likely one."""
    context = getattr(error, "ctx", None)
    if not isinstance(error, click.NoSuchOption) or context is None:
        return ""
    if re.fullmatch(r"-\d+", error.option_name):
        return "A word that begins with - is an option, and a number here is not negative."
    if isinstance(context.command, click.Group):
        return "If it is an option of a command, put it behind the command's name and arguments."
    return ""


def _describe_known(error: NvmChainError) -> Failure:
    """Describe an error of this package with the names of the command line, without text that may be a private key."""
    shown = _withhold_texts(error) if isinstance(error, InputError | KeyFailure) else error
    problem, next_step = map(clean, shown.describe(SHELL_NAMES))
    told = shown.to_dict()
    details = {name: value for name, value in told.items() if name in ("fields", "token")}
    notes = tuple(clean(note) for note in getattr(shown, "__notes__", ()) if note != shown.note)
    return Failure(type(error).__name__, problem, next_step, find_exit_code(error), notes, told["link"], details)


def _withhold_texts(error: NvmChainError) -> NvmChainError:
    """Return a copy of the error and its notes, with every text that looks like a private key replaced."""
    shown = copy(error)
    for name, value in vars(error).items():
        setattr(shown, name, _withhold_in(value))
    return shown


def _withhold_in(value: object) -> object:
    """Return a value with every text that looks like a private key replaced, also inside a sequence."""
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
    """Replace every text that looks like a private key."""
    return _SECRET.sub(_WITHHELD, text)
