"""Groups of commands, in the order of help. A command of the top group is imported at its first use."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from nvm_chain.cli.suggestions import suggest

ENVIRONMENT_PREFIX: Final = "NVM_CHAIN"
CONTEXT_SETTINGS: Final = {
    "auto_envvar_prefix": ENVIRONMENT_PREFIX,
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}
COMMANDS_ROOM: Final = "nvm_chain.cli.commands"


class Entry(NamedTuple):
    """Location of a command, and the first sentence of its help, which a list of commands shows without an import."""

    module: str
    attribute: str
    summary: str


class Group(click.Group):
    """Group of commands in the order of their addition. Without a command it shows its help."""

    def __init__(self, name: str, *, entries: Mapping[str, Entry] | None = None, **attributes: Any) -> None:
        """Store the group's name, its commands by module, and the arguments of click.Group."""
        super().__init__(
            name,
            callback=_show_help_alone,
            context_settings=dict(CONTEXT_SETTINGS),
            invoke_without_command=True,
            no_args_is_help=False,
            **attributes,
        )
        self.entries = entries or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of their addition."""
        return [*self.entries, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name. Imports its module at the first use."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"{COMMANDS_ROOM}.{entry.module}"), entry.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names. Raises click.UsageError with the nearest name."""
        if args[0][:1].isalnum() and self.get_command(ctx, args[0]) is None:
            raise self.refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def refuse(self, ctx: click.Context, typed: str) -> click.UsageError:
        """Return the error for an unknown command."""
        return click.UsageError(f"No such command {typed!r}.{suggest(typed, self.list_commands(ctx))}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first sentence of each command's help, unshortened."""
        rows = [(name, entry.summary) for name, entry in self.entries.items()]
        rows += [(name, command.get_short_help_str(limit=200)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.pass_context
def _show_help_alone(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
