"""The command line as a whole: its commands in the order of their story, and the one place where failures are shown."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from nvm_chain import __version__
from nvm_chain.cli.accounts import access, account, balance, lots
from nvm_chain.cli.agents import agent_group
from nvm_chain.cli.commands import ENVIRONMENT_PREFIX, Group
from nvm_chain.cli.credits import burn, faucet, grant_external, mint, redeem
from nvm_chain.cli.demo import demo
from nvm_chain.cli.deploying import check_deployment, deploy
from nvm_chain.cli.failures import EXIT_CODES, describe_failure
from nvm_chain.cli.orders import order, pay
from nvm_chain.cli.plans import plan_group
from nvm_chain.cli.signed_orders import signed_order_group
from nvm_chain.cli.statements import statement_group
from nvm_chain.cli.vouchers import voucher_group

PROGRAM = "nvm-chain"

FIRST_STEPS = (
    "export NVM_CHAIN_RPC=http://127.0.0.1:8545",
    "nvm-chain deploy --dev-account 0 --test-usdc --yes",
    'nvm-chain plan register --price "20 USDC" --grants 100 --dev-account 1',
    'nvm-chain faucet "50 USDC" --dev-account 2',
    "nvm-chain order $PLAN --dev-account 2",
    "nvm-chain redeem $PLAN 1 --context request-1 --dev-account 2",
    "nvm-chain balance $PLAN $SUBSCRIBER",
)
"""A first session on a local node, $PLAN being the plan id that the second command prints."""


def _lines(lines: Sequence[str]) -> str:
    return "\b\n" + "\n".join(f"  {line}" for line in lines)


HELP = f"""Sell access to AI services in credits, with a blockchain as the only record.

`nvm-chain demo` shows all of it in seconds: no account, key, node or network needed.

First steps on a local node (`anvil`), where $PLAN is the id that `plan register` prints:

{_lines(FIRST_STEPS)}

Each option can be set by an environment variable, NVM_CHAIN_ and its name: NVM_CHAIN_RPC for --rpc. A key is never an
argument: it comes from a key file, or from an environment variable that --key-env names.

With --json a command prints one JSON value on stdout and nothing else. Plan ids are text (0x and 64 digits, beside it the
did), money is an integer of base units, credits are integers; an error is an object with type, message and fields.

\b
Exit codes:
{chr(10).join(f"  {code}  {meaning}" for code, (meaning, _) in EXIT_CODES.items())}
"""


TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
"""What click takes for true in an environment variable."""


class App(Group):
    """The top group: shows failures as one line or as JSON, and ends with their exit code."""

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
            failure = describe_failure(error, verbose=is_given(typed, "--verbose", "-v"))
            failure.show(as_json=is_given(typed, "--json"))
            code = failure.exit_code
        sys.exit(code if isinstance(code, int) else 0)


def is_given(typed: Sequence[str], *flags: str) -> bool:
    """Return whether a flag is set, for when the arguments could not be parsed."""
    variable = f"{ENVIRONMENT_PREFIX}_{flags[0].removeprefix('--').upper()}"
    return any(flag in typed for flag in flags) or os.environ.get(variable, "").lower() in TRUE


cli = click.version_option(__version__, prog_name=PROGRAM)(App(PROGRAM, help=HELP))
for command in (
    *(demo, deploy, check_deployment, plan_group, agent_group),
    *(order, signed_order_group, pay, grant_external, mint),
    *(balance, account, access, lots, statement_group),
    *(redeem, burn, voucher_group, faucet),
):
    cli.add_command(command)


def main() -> None:
    """Run `nvm-chain` and end the process with its exit code."""
    cli.main()
