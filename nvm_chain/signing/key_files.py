"""Key files: make a private key, and keep it encrypted under a password in a file that only its owner can read."""

import json
import os
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.errors import KeyFailure

OWNER_ONLY: Final = 0o600
WRITABLE: Final = "give a path in a folder that is there and that you can write to"


def write_new_keyfile(path: Path | str, password: str) -> ChecksumAddress:
    """Make a key, keep it encrypted in a new file, and return its address.

    The file is an eth-account (Web3 Secret Storage v3) key file, as `nvm_chain.read_keyfile` takes it. The key is in no other
    place: who loses the file or the password loses the account. Encrypting takes about a second on purpose.

    Args:
        path: Where the file goes. An existing one is never replaced.
        password: What encrypts it.

    Raises:
        KeyFailure: The password is empty, there is a file already, or it cannot be written.
    """
    source = f"key file {path}"
    if not password:
        raise KeyFailure(source, "its password is empty", "choose one that nobody guesses")
    if os.path.lexists(path):
        raise KeyFailure(source, "there is a file already, and it is not replaced", "give another path")
    account: LocalAccount = Account.create()
    _write_new(Path(path), json.dumps(Account.encrypt(account.key, password)), source)
    return account.address


def _write_new(path: Path, text: str, source: str) -> None:
    """Write a file that was not there, whole or not at all."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY)
    except OSError as error:
        raise KeyFailure(source, f"it cannot be written ({error.strerror})", WRITABLE) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise KeyFailure(source, f"it cannot be written ({error.strerror})", WRITABLE) from None
