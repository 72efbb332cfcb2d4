"""`nvm-chain help`: the help of the program, of a command or of an error."""

from typing import Final

import click

from nvm_chain.cli.command import answer_options, argument, session_command
from nvm_chain.cli.deferred import error_help
from nvm_chain.cli.groups import Group
from nvm_chain.cli.session import Session
from nvm_chain.cli.suggestions import suggest

ERRORS: Final = "errors"
"""Word before the name of an error: `nvm-chain help errors NAME`."""


@session_command(
    "help",
    answer_options(),
    examples=(
        "nvm-chain help",
        "nvm-chain help plan register",
        "nvm-chain help errors InsufficientFunds",
        "nvm-chain help order --json",
    ),
)
@argument(
    "words",
    nargs=-1,
    metavar="[COMMAND...]",
    help="A command such as plan register, or the word errors and the name of an error.",
)
def show_help(session: Session, words: tuple[str, ...]) -> None:
    """Show the help of the program, of a command or of an error."""
    text = _describe_errors(words[1:]) if words[:1] == (ERRORS,) else _describe_command(words)
    session.progress.stop()
    if session.as_json:
        session.answer({"command": " ".join(words), "help": text}, [])
    else:
        click.echo(text)


def _describe_command(words: tuple[str, ...]) -> str:
    """Return the help of a command. Raises click.UsageError if the command is unknown."""
    context = click.get_current_context().find_root()
    for word in words:
        context = _enter(context, word)
    return context.command.get_help(context)


def _describe_errors(names: tuple[str, ...]) -> str:
    """Return the help of the named errors, or the list of all errors. Raises click.UsageError for an unknown name."""
    found = [(name, error_help.find_text(name)) for name in names]
    unknown = next((name for name, text in found if text is None), None)
    if unknown is not None:
        nearest = suggest(unknown, error_help.list_names())
        raise click.UsageError(f"No error is called {unknown!r}.{nearest} All of them: `nvm-chain help {ERRORS}`.")
    return "\n\n".join(text for _, text in found if text) if names else error_help.list_errors()


def _enter(context: click.Context, word: str) -> click.Context:
    """Return the context of a command within a group. Raises click.UsageError if the command is unknown."""
    group = context.command
    command = group.get_command(context, word) if isinstance(group, click.Group) else None
    if command is None:
        raise (
            group.refuse(context, word)
            if isinstance(group, Group)
            else click.UsageError(f"{context.command_path} has no command {word!r}.", context)
        )
    return click.Context(command, parent=context, info_name=word, **command.context_settings)
