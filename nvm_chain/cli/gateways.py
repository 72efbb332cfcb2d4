"""The configuration of a command about a gateway: its option, and how the command is made."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from nvm_chain.cli.command import Command, answer_options, session_command
from nvm_chain.cli.parameters import Text

CONFIG: Final = "gateway.toml"


def config_option(function: Any) -> Any:
    """Add the option that names a configuration file."""
    return click.option(
        "--config",
        type=Text(),
        default=CONFIG,
        metavar="PATH",
        help=f"Configuration file of the gateway. Default: {CONFIG}.",
    )(function)


def gateway_command(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command about a gateway. The function gets a Session, then its own parameters."""
    return session_command(name, answer_options(), examples)
