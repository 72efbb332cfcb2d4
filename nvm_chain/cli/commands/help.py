"""`nvm-chain help`: the help of the program or of a command, where --help does not come to mind."""

import click

from nvm_chain.cli.command import answer_options, argument, session_command
from nvm_chain.cli.session import Session


@session_command(
    "help",
    answer_options(),
    examples=("nvm-chain help", "nvm-chain help plan register", "nvm-chain help order --json"),
)
@argument("words", nargs=-1, metavar="[COMMAND...]", help="A command, such as order, or plan register.")
def show_help(session: Session, words: tuple[str, ...]) -> None:
    """Show the help of the program or of a command."""
    context = click.get_current_context().find_root()
    for word in words:
        context = _enter(context, word)
    text = context.command.get_help(context)
    session.progress.stop()
    if session.as_json:
        session.answer({"command": " ".join(words), "help": text}, [])
    else:
        click.echo(text)


def _enter(context: click.Context, word: str) -> click.Context:
    """Return the context of a command within a group. Raises click.UsageError if there is none."""
    group = context.command
    command = group.get_command(context, word) if isinstance(group, click.Group) else None
    if command is None:
        raise click.UsageError(f"No such command {word!r}.", context)
    return click.Context(command, parent=context, info_name=word, **command.context_settings)
