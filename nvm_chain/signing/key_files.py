"""Key files: make a private key, encrypt it with a password, and save it in a file that only its owner can read."""

import json
import os
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.errors import KeyFailure
from nvm_chain.types.atomic_files import OWNER_ONLY, write_whole
from nvm_chain.types.paths import parse_path

REPLACED: Final = ("there is a file already, and it is not replaced", "give another path")
WRITABLE: Final = "give a path in a folder that is there and that you can write to"


def write_new_keyfile(path: Path | str, password: str) -> ChecksumAddress:
    """Make a private key, save it encrypted in a new file, and return its address.

    The file is an eth-account key file (Web3 Secret Storage v3), which `nvm_chain.read_keyfile` reads. The key is
    stored only in this file. If the file or the password is lost, the account is lost too. The encryption takes about a
    second on purpose.

    Args:
        path: The path of the new file. An existing file is never replaced.
        password: The password that encrypts the key.

    Raises:
        KeyFailure: The password is empty, the file exists already, or it cannot be written.
        InvalidConfig: The path is malformed.
    """
    place, source = parse_path(path, "key file"), f"key file {path}"
    if not password:
        raise KeyFailure(source, "its password is empty", "choose one that nobody guesses")
    if os.path.lexists(place):
        raise KeyFailure(source, *REPLACED)
    account: LocalAccount = Account.create()
    text = json.dumps(Account.encrypt(account.key, password)) + "\n"
    try:
        write_whole(place, text, overwrite=False, mode=OWNER_ONLY)
    except FileExistsError:
        raise KeyFailure(source, *REPLACED) from None
    except OSError as error:
        raise KeyFailure(source, f"it cannot be written ({error.strerror})", WRITABLE) from None
    return account.address
