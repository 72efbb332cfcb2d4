"""Private keys: where they come from, and that they go nowhere else."""

import json
import os
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.errors import KeyFailure


class Signer(Protocol):
    """Whoever can sign a transaction: an eth-account account, or one of Ape's in a script."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign a complete transaction."""


def read_key_from_environment(variable: str) -> LocalAccount:
    """Return the account whose private key, ``0x`` and 64 hex digits, is in an environment variable.

    Raises KeyFailure if it is not set or is no key; the error does not show the value.
    """
    value = os.environ.get(variable)
    if value is None:
        raise KeyFailure(f"environment variable {variable}", "it is not set")
    return _account_from(value.strip(), f"environment variable {variable}")


def read_keyfile(path: Path | str, password: str) -> LocalAccount:
    """Return the account of an encrypted eth-account (Web3 Secret Storage v3) key file.

    Decrypting takes about a second on purpose. Raises KeyFailure for a missing or malformed file
    and for a wrong password.
    """
    source = f"key file {path}"
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise KeyFailure(source, f"cannot read it ({error.strerror})") from None
    except ValueError:
        raise KeyFailure(source, "it is not JSON; expected an eth-account key file") from None
    if not isinstance(content, dict) or "crypto" not in {key.lower() for key in content}:
        raise KeyFailure(source, "it has no 'crypto' section; expected an eth-account key file")
    try:
        key = Account.decrypt(content, password)
    except ValueError as error:
        problem = "the password is wrong" if "MAC mismatch" in str(error) else "its 'crypto' section is malformed"
        raise KeyFailure(source, problem) from None
    except (KeyError, TypeError, AttributeError):
        raise KeyFailure(source, "its 'crypto' section is malformed") from None
    return _account_from(bytes(key), source)


def _account_from(key: str | bytes, source: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(key)
    except Exception:  # noqa: BLE001  eth-account raises many types, some of which quote the key
        raise KeyFailure(source, "it is no private key; expected 0x and 64 hexadecimal digits") from None
    return account
