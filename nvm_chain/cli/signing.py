"""Sources of the signer's key: a key file, an environment variable or a development account, never an argument."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.deferred import failures
from nvm_chain.cli.lazy import addresses, demo, dev_accounts, errors, keys

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.keys import Signer

PASSWORD_VARIABLE: Final = "NVM_CHAIN_PASSWORD"  # noqa: S105  the variable's name
_SOURCES: Final = ("keyfile", "key_env", "dev_account")


@dataclass(frozen=True, slots=True)
class KeySource:
    """Source of the signer's key. Exactly one of `keyfile`, `key_env` and `dev_account` is given."""

    keyfile: str | None
    password_file: str | None
    key_env: str | None
    dev_account: int | None

    @property
    def is_local(self) -> bool:
        """Whether the key can be read without a connection to a node."""
        return self.dev_account is None

    def read_local(self, say: Callable[[str], None]) -> "Signer":
        """Read the key from the key file or the environment variable. Raises KeyFailure."""
        if self.key_env is not None:
            return keys.read_key_from_environment(self.key_env)
        check_readable(str(self.keyfile))
        password = read_password(str(self.keyfile), self.password_file)
        say("Decrypting the key file")
        return keys.read_keyfile(str(self.keyfile), password)

    def find_address(self) -> str:
        """Return the address of a key that needs no node, without its password. Raises KeyFailure."""
        if self.key_env is not None:
            return keys.read_key_from_environment(self.key_env).address
        return read_keyfile_address(str(self.keyfile))

    def find_dev_account(self, chain: "Chain") -> "Signer":
        """Return a funded account of a development chain. Raises KeyFailure."""
        number = self.dev_account or 0
        source = f"--dev-account {number}"
        accounts = chain.accounts or dev_accounts.derive_dev_accounts()
        if not 0 <= number < len(accounts):
            raise errors.KeyFailure(source, "there is no such account", f"give 0 to {len(accounts) - 1}")
        if not demo.is_development_chain(chain):
            raise errors.KeyFailure(
                source,
                f"chain {chain.chain_id} is not a development chain, and the keys of development accounts are public",
                "give a key of your own",
            )
        return accounts[number]


def choose_source(context: click.Context) -> KeySource:
    """Return the given source of the key. The command line overrides the environment."""
    values = context.params
    given = [name for name in _SOURCES if values[name] is not None]
    typed = [name for name in given if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    chosen = typed or given
    if len(chosen) != 1:
        problem = "Give only one of" if chosen else "Who signs? Give"
        raise click.UsageError(f"{problem} --keyfile PATH, --key-env VARIABLE or --dev-account N.", context)
    sources = {name: values[name] if name in chosen else None for name in _SOURCES}
    return KeySource(password_file=values["password_file"], **sources)


def check_readable(keyfile: str) -> None:
    """Raise KeyFailure if a key file is missing or malformed. Call this before asking for the password."""
    try:
        keys.check_keyfile(keyfile)
    except errors.KeyFailure as error:
        if os.path.lexists(keyfile):
            raise
        advice = f"give --keyfile PATH, or make one: `nvm-chain key new {keyfile}`"
        raise errors.KeyFailure(error.source, error.reason, advice) from None


def read_keyfile_address(path: str) -> str:
    """Return the address that a key file names. Raises KeyFailure."""
    source = f"key file {path}"
    try:
        content = json.loads(Path(path).read_text("utf-8"))
        return str(addresses.parse_address(f"0x{str(content['address']).removeprefix('0x')}".lower(), "address"))
    except OSError as error:
        raise errors.KeyFailure(source, f"cannot read it ({error.strerror})", "give the path of a key file") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise errors.KeyFailure(
            source, "the file does not name an address", "give a key file as eth-account writes it"
        ) from None


def read_password(keyfile: str, password_file: str | None) -> str:
    """Return a key file's password from a file, from NVM_CHAIN_PASSWORD, or from a prompt."""
    if password_file is not None:
        return read_password_file(keyfile, password_file)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        raise errors.KeyFailure(
            f"key file {keyfile}", "it needs a password", f"give --password-file, or set {PASSWORD_VARIABLE}"
        )
    password: str = click.prompt(f"Password of {keyfile}", hide_input=True, err=True)
    return password


def read_password_file(keyfile: str, password_file: str) -> str:
    """Return a key file's password from a file. Raises KeyFailure."""
    try:
        return Path(password_file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot read the password file {password_file} ({failures.explain_unreadable(error)})"
        advice = "give --password-file the path of a text file"
        raise errors.KeyFailure(f"key file {keyfile}", problem, advice) from None
