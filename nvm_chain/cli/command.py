"""The classes of every command: arguments and options in sections, examples that tests run, and a session."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from textwrap import indent
from typing import Any, Final

import click

from nvm_chain.cli.deferred import failures
from nvm_chain.cli.groups import CONTEXT_SETTINGS
from nvm_chain.cli.id_kinds import explained_plan_id
from nvm_chain.cli.lazy import errors
from nvm_chain.cli.missing_funds import explained_funds
from nvm_chain.cli.parameters import Address, AgentId, NodeUrls, PlanId, Text
from nvm_chain.cli.session import Session

PLAN_HELP: Final = "Plan id: an integer, 0x and 64 hexadecimal digits, or a did:nv:."
AGENT_HELP: Final = "Agent id: an integer from 1, 0x and 64 hexadecimal digits, or a did:nv:."
ARGUMENTS: Final = "Arguments"
OPTIONS: Final = "Options"


SETTINGS: Final = frozenset(
    {
        *("rpc", "network", "chain_id", "credits", "agents", "deployments"),
        *("keyfile", "password_file", "key_env", "dev_account"),
        *("json", "verbose"),
        *("index", "meter"),
    }
)
"""Options that an environment variable can set: the chain, the signer, index, books and the form of the answer.

All other options come from the command line only. An exported variable would apply to every later command, and an
exported quantity could buy too much.
"""


class Argument(click.Argument):
    """Argument with a sentence of help, under the heading of the arguments."""

    section = ARGUMENTS

    def __init__(self, declarations: Sequence[str], *, help: str, **attributes: Any) -> None:  # noqa: A002  as of click.Option
        """Store the argument's declarations and its sentence of help."""
        super().__init__(declarations, **attributes)
        self.purpose = help  # not `help`: newer versions of click would write arguments that have one a second time

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the argument's name and its sentence of help."""
        return self.metavar or self.human_readable_name, self.purpose


def argument(*declarations: str, help: str, **attributes: Any) -> Callable[[Any], Any]:  # noqa: A002  as of click.option
    """Add an argument with a sentence of help to a command."""
    return click.argument(*declarations, cls=Argument, help=help, **attributes)


def plan_argument() -> Callable[[Any], Any]:
    """Add the argument PLAN to a command."""
    return argument("plan", type=PlanId(), help=PLAN_HELP)


def agent_argument() -> Callable[[Any], Any]:
    """Add the argument AGENT to a command."""
    return argument("agent", type=AgentId(), help=AGENT_HELP)


class SectionOption(click.Option):
    """Option that help shows under a given heading."""

    def __init__(self, *declarations: Any, section: str, **attributes: Any) -> None:
        """Store the option's declarations and its heading."""
        super().__init__(declarations, **attributes)
        self.section = section


class Command(click.Command):
    """Command with examples. Environment variables can set its `SETTINGS`: NVM_CHAIN_RPC sets --rpc."""

    def __init__(self, name: str, *, examples: Sequence[str], **attributes: Any) -> None:
        """Store the command's name, its examples as shell lines, and the arguments of click.Command."""
        super().__init__(name, context_settings=dict(CONTEXT_SETTINGS), **attributes)
        self.examples = tuple(examples)
        for option in self.params:
            if isinstance(option, click.Option) and option.name not in SETTINGS:
                option.allow_from_autoenv = False

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in sections: the arguments, the command's own options, then the shared options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "section", OPTIONS), []).append(record)
        for title in sorted(sections, key=lambda title: (title != ARGUMENTS, title != OPTIONS)):
            with formatter.section(title):
                formatter.write_dl(sections[title])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own."""
        with formatter.section("Examples"):
            formatter.write(indent("\n".join(self.examples), " " * formatter.current_indent) + "\n")


def _refuse_key_option(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        problem = (
            "a key is never an argument: everyone on this machine can read a command line, and your shell keeps it"
        )
        raise errors.KeyFailure(
            "the command line", f"{problem}. Treat that key as stolen", "use --keyfile or --key-env"
        )


def renamed_option(was: str, now: str) -> Callable[[Any], Any]:
    """Add an option's former name to a command. Its use raises an error that names the new option."""

    def refuse(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            raise errors.InvalidConfig(f"{was} is now called {now}", f"give {now} {value}")

    return click.option(was, hidden=True, expose_value=False, callback=refuse)


INDEX: Final = "Index options"
CHAIN: Final = "Chain options"
SIGNER: Final = "Signer options"
ANSWER: Final = "Output options"


def chain_options() -> list[click.Option]:
    """Build the options for the chain and the address of Credits."""
    return [
        SectionOption(
            "--rpc",
            section=CHAIN,
            type=NodeUrls(),
            help="URL of a node: http(s), ws(s) or ipc. Separate several nodes of a chain with commas.",
        ),
        SectionOption(
            "--network",
            section=CHAIN,
            type=Text(),
            metavar="NAME",
            help="Network name: base:sepolia, base:mainnet, or embedded.",
        ),
        SectionOption("--chain-id", section=CHAIN, type=int, metavar="N", help="Expected chain id of the node."),
        SectionOption(
            "--credits", section=CHAIN, type=Address(), help="Address of Credits. Default: the recorded address."
        ),
        SectionOption(
            "--deployments",
            section=CHAIN,
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Folder of deployment records. Default: deployments/.",
        ),
    ]


def signer_options() -> list[click.Option]:
    """Build the options that name the source of the signer's key. No option takes the key itself."""
    return [
        SectionOption("--keyfile", section=SIGNER, type=Text(), metavar="PATH", help="Encrypted eth-account key file."),
        SectionOption(
            "--password-file",
            section=SIGNER,
            type=Text(),
            metavar="PATH",
            help="File with the key file's password. Default: NVM_CHAIN_PASSWORD, else a prompt.",
        ),
        SectionOption(
            "--key-env",
            section=SIGNER,
            type=Text(),
            metavar="VARIABLE",
            help="Name of the environment variable that holds the private key.",
        ),
        SectionOption(
            "--dev-account",
            section=SIGNER,
            type=int,
            metavar="N",
            help="Number of a development account, 0 to 9, on a node such as anvil.",
        ),
        _refused_key_option(),
    ]


def _refused_key_option() -> click.Option:
    return SectionOption(
        "--private-key",
        "--key",
        section=SIGNER,
        hidden=True,
        expose_value=False,
        allow_from_autoenv=False,
        callback=_refuse_key_option,
    )


def index_option() -> SectionOption:
    """Build the option that names an index."""
    return SectionOption(
        "--index",
        section=INDEX,
        type=Text(),
        metavar="PATH|URL",
        help="File of an index, or URL of one in PostgreSQL. Default: a file for the chain in the state folder.",
    )


def answer_options() -> list[click.Option]:
    """Build the options for the form of the answer."""
    return [
        SectionOption("--json", section=ANSWER, is_flag=True, help="Print one JSON value and nothing else."),
        SectionOption(
            "--verbose",
            "-v",
            section=ANSWER,
            is_flag=True,
            help="Show progress with --json too, and the stack frames of a bug.",
        ),
    ]


def chain_command(
    name: str,
    *,
    examples: Sequence[str],
    signs: bool = False,
    locates: bool = True,
    agents: bool = False,
    index: bool = False,
) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command that talks to a chain. The function gets a Session, then its own parameters.

    ``signs`` adds the options of the signer, ``locates`` the address of Credits, ``agents`` that of AgentRegistry, and
    ``index`` the option for an index.
    """
    where = [option for option in chain_options() if locates or option.name != "credits"]
    if agents:
        where.append(
            SectionOption(
                "--agents",
                section=CHAIN,
                type=Address(),
                help="Address of AgentRegistry. Default: the recorded address.",
            )
        )
    first = [index_option()] if index else []
    shared = [*first, *where, *(signer_options() if signs else []), *answer_options()]
    return session_command(name, shared, examples)


def session_command(
    name: str, shared: Sequence[click.Option], examples: Sequence[str]
) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command with shared options. The function gets a Session with their values first."""

    def decorate(function: Callable[..., None]) -> Command:
        @wraps(function)
        def run(**values: Any) -> None:
            own = {key: value for key, value in values.items() if key not in {option.name for option in shared}}
            session = Session.from_context(click.get_current_context())
            try:
                with explained_plan_id(session), explained_funds(session):
                    function(session, **own)
            except (click.Abort, KeyboardInterrupt, EOFError) as stop:
                if session.chain is not None:
                    raise
                raise failures.NothingSent from stop
            finally:
                session.progress.stop()

        return click.command(name, cls=Command, params=list(shared), examples=examples)(run)

    return decorate
