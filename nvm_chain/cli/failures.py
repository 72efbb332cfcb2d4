"""What a command says when it fails, and the exit code that tells scripts why."""

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.text import Text

from nvm_chain.cli.output import clean, open_console, print_json
from nvm_chain.errors import (
    DeploymentError,
    FundsError,
    InputError,
    KeyFailure,
    NetworkError,
    NvmChainError,
    SignatureError,
    StorageError,
    TransactionError,
)

EXIT_UNEXPECTED: Final = 1
EXIT_INPUT: Final = 2
EXIT_KEY: Final = 3
EXIT_NETWORK: Final = 4
EXIT_FUNDS: Final = 5
EXIT_REFUSED: Final = 6
EXIT_STORAGE: Final = 7

EXIT_CODES: Final[Mapping[int, tuple[str, tuple[type[Exception], ...]]]] = {
    0: ("done", ()),
    EXIT_UNEXPECTED: ("stopped by you, or a bug", ()),
    EXIT_INPUT: ("the input cannot be right", (InputError, SignatureError, click.UsageError)),
    EXIT_KEY: ("a key could not be read", (KeyFailure,)),
    EXIT_NETWORK: ("the chain or its deployment cannot be used", (NetworkError, DeploymentError)),
    EXIT_FUNDS: ("funds or an allowance are missing", (FundsError,)),
    EXIT_REFUSED: ("the chain refused", (TransactionError,)),
    EXIT_STORAGE: ("metadata or a file could not be kept, fetched or verified", (StorageError,)),
}
"""Each exit code with its meaning and the errors that lead to it."""

IN_SHELL: Final = (
    (r"pay='(\w+)'", r"--pay \1"),
    (r"\bmax_cost\b", "--max-cost"),
    (r"\bmax_fee_bps=", "--max-fee-bps "),
    (r"\bfirst_block\b", "--first-block"),
    (r"\bstart_block\b", "--from-block"),
    (r"\bend_block\b", "--to-block"),
    (r"\breplace_plans\b", "`nvm-chain agent detach`, then `attach`"),
    (r"\bset_minter\b", "`nvm-chain plan set-minter`"),
    (r"\bset_redeemer\b", "`nvm-chain plan set-redeemer`"),
    (r"\bpay_usage\b", "`nvm-chain pay`"),
    (r"\border_plan\b", "`nvm-chain order`"),
    (r"\bmint_credits\b", "`nvm-chain mint`"),
    (r"\bredeem_credits\b", "`nvm-chain redeem`"),
    (r"\bgrant_external\b", "`nvm-chain grant-external`"),
    (r"\bread access_until\b", "see `nvm-chain access`"),
    (r"only the chain can tell(.*?): give ask_chain", r"only the chain can tell\1, so leave out --offline"),
    (r'give parse_units\("(\d+)", \d+\), for USDC usdc\("\d+"\)', r'give --price "\1 USDC", or base units'),
    (r"pass allow_tiny_price=True", "add --allow-tiny-price"),
)
"""What errors tell a Python programmer to do, and what to do in a shell instead."""

_SECRET = re.compile(r"(?:0x)?[0-9a-fA-F]{64,}")
_WITHHELD = "[64 hexadecimal digits, not shown because they may be a private key]"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed command: the error's name, what to tell people, its fields, and the exit code."""

    type: str
    message: str
    exit_code: int
    fields: Mapping[str, Any] = field(default_factory=dict)

    def show(self, *, as_json: bool) -> None:
        """Print the failure: one line on stderr, or one JSON object on stdout."""
        if as_json:
            print_json({"error": {"type": self.type, "message": self.message, "fields": self.fields}})
            return
        line = Text("Error", style="bold red").append(Text(f" ({self.type}): {self.message}", style="not bold default"))
        open_console(stderr=True).print(line)


def explain_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Say why a text file cannot be read."""
    return getattr(error, "strerror", None) or "it is not text"


def describe_failure(error: BaseException, *, verbose: bool) -> Failure:
    """Say what an error means for whoever ran the command; nothing that may be a key is in it."""
    if isinstance(error, click.Abort):
        return Failure(
            "Aborted", "Stopped by you. A transaction that was sent already may still be mined.", EXIT_UNEXPECTED
        )
    if isinstance(error, click.ClickException):
        return Failure(type(error).__name__, _describe_usage(error), EXIT_INPUT)
    if isinstance(error, NvmChainError):
        return _describe_known(error)
    where = "".join(traceback.format_tb(error.__traceback__)) if verbose else ""
    return Failure(type(error).__name__, f"This is a bug of nvm-chain. {_ask_for_report(where)}", EXIT_UNEXPECTED)


def _ask_for_report(where: str) -> str:
    """Ask for a report; the frames have file names and source lines, never values."""
    return (
        f"Please report it with these frames:\n{where}"
        if where
        else "Run it again with -v to see where, and report it."
    )


def _describe_usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" See `{context.command_path} --help`." if context is not None else ""
    return withhold(clean(error.format_message())).rstrip(".") + "." + hint


def _describe_known(error: NvmChainError) -> Failure:
    """Name the error and its fields; what came from the command line may be a key in the wrong place."""
    values = {name: getattr(error, name) for name in getattr(error, "__dataclass_fields__", ())}
    message = clean(" ".join([str(error), *getattr(error, "__notes__", ())]))
    for python, shell in IN_SHELL:
        message = re.sub(python, shell, message)
    if isinstance(error, InputError | KeyFailure):
        message = withhold(message)
        values = {name: withhold(value) if isinstance(value, str) else value for name, value in values.items()}
    return Failure(type(error).__name__, message, find_exit_code(error), values)


def find_exit_code(error: Exception) -> int:
    """Return the exit code of an error."""
    return next((code for code, (_, kinds) in EXIT_CODES.items() if isinstance(error, kinds)), EXIT_UNEXPECTED)


def withhold(text: str) -> str:
    """Replace what looks like a private key."""
    return _SECRET.sub(_WITHHELD, text)
