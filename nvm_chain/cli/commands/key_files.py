"""`nvm-chain key`: make and show key files. A key file keeps a private key under a password."""

import os
import sys

import click

from nvm_chain.cli.command import answer_options, argument, session_command
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import errors, key_files
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session
from nvm_chain.cli.signing import PASSWORD_VARIABLE, read_keyfile_address, read_password_file

key_group = Group("key", help="Make and show key files. A key file keeps a private key under a password.")


@session_command(
    "new",
    answer_options(),
    examples=(
        "nvm-chain key new builder.json",
        "nvm-chain key new subscriber.json --password-file password.txt --json",
    ),
)
@argument("path", type=Text(), help="Path of the new key file. The command never replaces an existing file.")
@click.option(
    "--password-file",
    type=Text(),
    metavar="PATH",
    help=f"File with the password. Default: {PASSWORD_VARIABLE}, else a prompt.",
)
def new(session: Session, path: str, password_file: str | None) -> None:
    """Make a new private key, and write it encrypted to a file that only you can read.

    The file is the only copy of the key. If you lose the file or its password, you lose the account. Other commands
    take the file as --keyfile PATH. The new account has no coins. Send coins for gas to the address that this command
    prints.
    """
    if os.path.lexists(path):
        raise errors.KeyFailure(f"key file {path}", "a file with this path exists already", "give another path")
    password = _choose_password(path, password_file)
    session.say("Encrypting the key")
    address = key_files.write_new_keyfile(path, password)
    rows: Rows = [("address", address), ("key file", path)]
    session.answer({"address": address, "keyfile": path}, rows)


@session_command(
    "show",
    answer_options(),
    examples=("nvm-chain key show builder.json", "nvm-chain key show builder.json --json"),
)
@argument("path", type=Text(), help="Path of the key file.")
def show(session: Session, path: str) -> None:
    """Show the address of a key file. The command needs no password, and does not decrypt the key."""
    address = read_keyfile_address(path)
    session.answer({"address": address, "keyfile": path}, [("address", address), ("key file", path)])


def _choose_password(path: str, password_file: str | None) -> str:
    if password_file is not None:
        return read_password_file(path, password_file)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        advice = f"give --password-file, or set {PASSWORD_VARIABLE}"
        raise errors.KeyFailure(f"key file {path}", "it needs a password", advice)
    password: str = click.prompt(f"Password for {path}", hide_input=True, confirmation_prompt=True, err=True)
    return password


for command in (new, show):
    key_group.add_command(command)
