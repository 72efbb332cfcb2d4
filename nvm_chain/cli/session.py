"""One run of a command: its chain, its signer and the form of its answer."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.lazy import connecting, errors
from nvm_chain.cli.output import Progress, open_console, print_json, print_rows
from nvm_chain.cli.signing import KeySource, choose_source

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.keys import Signer

EMBEDDED: Final = "embedded"
CONFLICT: Final = (
    "--network embedded and --rpc (or NVM_CHAIN_RPC) contradict each other",
    "leave one of them out (`env -u NVM_CHAIN_RPC nvm-chain …` unsets the variable for one command)",
)
UNSET_RPC: Final = (
    "give a node of that network with --rpc, or leave the variable out for one command: "
    "`env -u NVM_CHAIN_RPC nvm-chain …`"
)
ENDS: Final = "Note: the embedded chain ends with this command, and its data is lost."


def is_from_environment(name: str) -> bool:
    """Return whether an environment variable set an option of the running command."""
    context = click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) is click.core.ParameterSource.ENVIRONMENT


@dataclass
class Session:
    """Values of the options that all commands share."""

    network: str | None
    rpc: str | None
    chain_id: int | None
    credits: str | None
    deployments: Path | None
    as_json: bool
    progress: Progress
    key_source: KeySource | None = None
    agents: str | None = None
    index: str | None = None
    chain: "Chain | None" = None
    """The chain, after `connect`; None before."""

    @classmethod
    def from_context(cls, context: click.Context) -> "Session":
        """Build a session from the shared options of the running command."""
        values = context.params
        return cls(
            network=values.get("network"),
            rpc=values.get("rpc"),
            chain_id=values.get("chain_id"),
            credits=values.get("credits"),
            deployments=values.get("deployments"),
            as_json=values["json"],
            progress=Progress(quiet=values["json"] and not values["verbose"]),
            key_source=choose_source(context) if "keyfile" in values and not values.get("sends_nothing") else None,
            agents=values.get("agents"),
            index=values.get("index"),
        )

    @property
    def names_chain(self) -> bool:
        """Whether an option names a chain to connect to."""
        return self.rpc is not None or self.network is not None

    def say(self, sentence: str) -> None:
        """Show the current step as progress on stderr."""
        self.progress.say(sentence)

    def warn(self, sentence: str) -> None:
        """Print a warning on stderr. Prints nothing with --json, unless --verbose is given too."""
        self.progress.warn(sentence)

    def connect(self, *, locate: bool = True) -> "Chain":
        """Connect to the chain. Without ``locate``, neither --credits nor the deployment records are used."""
        if self.network is None and self.rpc is None:
            raise click.UsageError("Which chain? Give --rpc URL or --network NAME, or set NVM_CHAIN_RPC.")
        if self.network == EMBEDDED and self.rpc is not None:
            raise errors.InvalidConfig(*CONFLICT)
        self.say("Connecting")
        try:
            chain = connecting.connect(
                self.network or self.rpc or EMBEDDED,
                rpc_url=self.rpc if self.network else None,
                credits=self.credits if locate else None,
                agents=self.agents,
                chain_id=self.chain_id,
                records=self.deployments if locate else Path(os.devnull),
            )
        except errors.WrongChain as error:
            if self.network is not None and is_from_environment("rpc"):
                error.explain(f"the node is from NVM_CHAIN_RPC, and --network names {self.network}", UNSET_RPC)
            raise
        chain.on_progress = self.say
        self.chain = chain
        return chain

    def connect_to_sign(self, *, locate: bool = True) -> "tuple[Chain, Signer]":
        """Read the key, connect to the chain, and return both. Raises KeyFailure before any request."""
        source = self.key_source
        if source is None:
            raise TypeError("this command does not sign")
        if source.is_local:
            signer = source.read_local(self.say)
            return self.connect(locate=locate), signer
        chain = self.connect(locate=locate)
        return chain, source.find_dev_account(chain)

    def connect_to_review(self) -> "tuple[Chain, str]":
        """Connect to the chain, and return it with the signer's address. Asks for no password, and nothing can be signed."""
        source = self.key_source
        if source is None:
            raise TypeError("this command does not sign")
        if source.is_local:
            address = source.find_address()
            return self.connect(), address
        chain = self.connect()
        return chain, source.find_dev_account(chain).address

    def answer(self, data: Any, rows: Iterable[tuple[str, object]]) -> None:
        """Print the command's answer: ``data`` as JSON, or ``rows`` of labels and values for people."""
        self.progress.stop()
        if self.as_json:
            print_json(data)
        else:
            print_rows(rows)
        if self.network == EMBEDDED and self.key_source is not None:
            open_console(stderr=True).print(ENDS)

    def answer_lines(self, data: Any, lines: Iterable[str]) -> None:
        """Print the command's answer: ``data`` as JSON, or ``lines`` of formatted text for people."""
        self.progress.stop()
        if self.as_json:
            print_json(data)
        else:
            sys.stdout.writelines(f"{line}\n" for line in lines)

    def answer_message(self, message: str, rows: Iterable[tuple[str, object]]) -> None:
        """Print a signed message as one line of JSON on stdout, and its content as text on stderr."""
        self.progress.stop()
        if not self.as_json:
            print_rows(rows, stderr=True)
        sys.stdout.write(message + "\n")
