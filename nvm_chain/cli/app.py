"""The top command `nvm-chain`: its help, and the only place that prints failures."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from nvm_chain import __version__
from nvm_chain.cli.catalogue import CATALOGUE
from nvm_chain.cli.deferred import failures
from nvm_chain.cli.exit_codes import EXIT_CODES
from nvm_chain.cli.groups import ENVIRONMENT_PREFIX, Group

PROGRAM = "nvm-chain"

FIRST_STEPS = (
    "export NVM_CHAIN_RPC=http://127.0.0.1:8545",
    "export SUBSCRIBER=0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "nvm-chain deploy --dev-account 0 --test-usdc --yes",
    'export PLAN=$(nvm-chain plan register --price "20 USDC" --grants 100 \\',
    "    --dev-account 1 | awk '/^plan id/ {print $3}')",
    'nvm-chain faucet "50 USDC" --dev-account 2',
    "nvm-chain order $PLAN --name first --dev-account 2",
    "nvm-chain redeem $PLAN 1 --context request-1 --dev-account 2",
    "nvm-chain balance $PLAN $SUBSCRIBER",
)
"""Commands of a first session on a local node. The subscriber is the node's development account 2."""


def _lines(lines: Sequence[str]) -> str:
    return "\b\n" + "\n".join(f"  {line}" for line in lines)


HELP = f"""Sell access to AI services in credits, with a blockchain as the only record.

`nvm-chain demo` shows the product in seconds. The demo needs no account, key, node or network.

First steps on a local node (`anvil`), whose development account 2 is the subscriber:

{_lines(FIRST_STEPS)}

Environment variables can set the options for the chain, the signer and the form of the answer. The variable NVM_CHAIN_RPC
sets --rpc, for example. A private key is never an argument. The key comes from a key file (see `key new`), or from the
environment variable that --key-env names.

With --json a command prints exactly one JSON value on stdout. In JSON an amount of money is a text: a whole number of base
units. A plan id is a text of 0x and 64 hexadecimal digits, and the did is next to it. Credits are integers. An error is an
object with the fields type, problem, next_step, fields and link.

\b
Exit codes:
{chr(10).join(f" {code:>2}  {meaning}" for code, meaning in EXIT_CODES.items())}
"""


TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
"""Values of an environment variable that click reads as true."""


class App(Group):
    """Top group of the commands. It prints a failure as one line or as JSON, and ends with the failure's exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and end the process."""
        typed = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(typed, PROGRAM, complete_var, standalone_mode=False, **extra)
        except Exception as error:  # noqa: BLE001  the outermost frame
            failure = failures.describe_failure(error, verbose=is_given(typed, "--verbose", "-v"))
            failure.show(as_json=is_given(typed, "--json"))
            code = failure.exit_code
        sys.exit(code if isinstance(code, int) else 0)


def is_given(typed: Sequence[str], *flags: str) -> bool:
    """Return whether a flag was typed, or set by its variable. Works with arguments that click could not parse."""
    variable = f"{ENVIRONMENT_PREFIX}_{flags[0].removeprefix('--').upper()}"
    return any(flag in typed for flag in flags) or os.environ.get(variable, "").lower() in TRUE


cli = click.version_option(__version__, prog_name=PROGRAM)(App(PROGRAM, help=HELP, entries=CATALOGUE))


def main() -> None:
    """Run `nvm-chain` and end the process with its exit code."""
    cli.main()
