"""`nvm-chain gateway secret`: keep the secrets of a gateway in a sealed file. No secret is an argument, and none is shown."""

import sys
from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.command import argument
from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import gateway_config, sealed_files, sealing_references
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.gateway.sealing.sealed_files import SealedFile

secret_group = Group("secret", help="Keep the secrets of a gateway in a sealed file.")
NAME_HELP: Final = "Name of the secret, as in sealed:NAME."


def _open(config: str) -> "SealedFile":
    """Return the sealed file of a configuration. The rest of the configuration may be wrong."""
    found: SealedFile = sealed_files.SealedFile(gateway_config.read_places(config))
    return found


@gateway_command(
    "set",
    examples=(
        "nvm-chain gateway secret set service < token.txt",
        "nvm-chain gateway secret set service --config gateway.toml --json < token.txt",
    ),
)
@argument("name", type=Text(), help=NAME_HELP)
@config_option
def set_secret(session: Session, name: str, config: str) -> None:
    """Store a secret under a name, or replace the one that is there.

    The secret comes from standard input, or from a prompt that does not show it. A gateway that runs uses it within a second or two.
    """
    sealed = _open(config)
    sealing_references.check_name(name)
    is_new = sealed.put(name, _read_value(name))
    rows: Rows = [("secret", name), ("", "stored" if is_new else "replaced"), ("in the file as", f'"sealed:{name}"')]
    session.answer({"name": name, "is_new": is_new, "sealed": str(sealed.places.sealed)}, rows)


def _read_value(name: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read(sealing_references.MAX_VALUE + 3).rstrip("\r\n")
    value: str = click.prompt(f"Secret {name}", hide_input=True, confirmation_prompt=True, err=True)
    return value


@gateway_command("list", examples=("nvm-chain gateway secret list", "nvm-chain gateway secret list --json"))
@config_option
def list_secrets(session: Session, config: str) -> None:
    """List the names of the sealed secrets. The secrets themselves are never shown."""
    sealed = _open(config)
    names = sorted(sealed.read().secrets) if sealed.exists() else []
    rows: Rows = [("secret", name) for name in names] or [("secret", "none yet")]
    session.answer({"names": names, "sealed": str(sealed.places.sealed)}, rows)


@gateway_command("remove", examples=("nvm-chain gateway secret remove service",))
@argument("name", type=Text(), help=NAME_HELP)
@config_option
def remove(session: Session, name: str, config: str) -> None:
    """Remove a sealed secret."""
    sealed = _open(config)
    sealing_references.check_name(name)
    sealed.remove(name)
    session.answer({"name": name, "sealed": str(sealed.places.sealed)}, [("removed", name)])


@gateway_command("rotate", examples=("nvm-chain gateway secret rotate",))
@config_option
def rotate(session: Session, config: str) -> None:
    """Seal the secrets with a new key, and forget the old one. Without a sealed file, make one.

    A key file gets the new key, and a gateway that runs goes on. If the key is in NVM_CHAIN_GATEWAY_KEY, put a new one and a comma
    before the old one first. The command then seals with the new one, and you can take the old one away. Secrets that somebody has
    seen have to be changed where they are used: a new key does not help them.
    """
    sealed = _open(config)
    is_new = sealed.make()
    keys = sealed.read_keys() if is_new else sealed.rotate()
    data = {"sealed": str(sealed.places.sealed), "key_file": None if keys.path is None else str(keys.path)}
    session.answer(data, [("secrets", sealed.places.sealed), ("their key", keys.source)])


for command in (set_secret, list_secrets, remove, rotate):
    secret_group.add_command(command)
