"""Key files: make a private key, and keep it encrypted under a password in a file that only its owner can read."""

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
    """Make a key, keep it encrypted in a new file, and return its address.

    The file is an eth-account (Web3 Secret Storage v3) key file, as `nvm_chain.read_keyfile` takes it. The key is in no other
    place: who loses the file or the password loses the account. Encrypting takes about a second on purpose.

    Args:
        path: Where the file goes. An existing one is never replaced.
        password: What encrypts it.

    Raises:
        KeyFailure: The password is empty, there is a file already, or it cannot be written.
        InvalidConfig: The path is not one.
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
