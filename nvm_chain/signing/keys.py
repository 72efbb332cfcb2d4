"""Private keys: where they come from, and that they go nowhere else."""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, KeyFailure
from nvm_chain.signing.eip712 import HashSigner, MessageSigner, TypedDataSigner
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.paths import parse_path

MAX_KEYFILE_SIZE = 16_384
"""Characters. A key file has about 500."""
KEY_LENGTH = 32
"""Bytes that are derived from the password. Deriving more is slow, and nobody does."""
MAX_WORK = 2**30
"""Product of all numbers in a key file (scrypt's n, r, p, key length and the version: under 2**28 as usual). Damaged ones can take years."""

_NO_KEY = ("it is not a private key", "give 0x and 64 hexadecimal digits")
_RESTORE = "restore the file from a copy that nobody has changed"
_MALFORMED = ("its 'crypto' section is malformed", _RESTORE)
_OTHER_KEY = ("it holds another key than that of the address in it", _RESTORE)
_WRONG_PASSWORD = ("the password is wrong", "try the password again")


class Signer(Protocol):
    """A signer of transactions, such as an eth-account account, or one of Ape's accounts in a script."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign a complete transaction."""


def check_message_signer(signer: Signer) -> MessageSigner:
    """Return a signer that can sign messages too. Raises InvalidConfig if it cannot."""
    check_signer(signer)
    if isinstance(signer, HashSigner | TypedDataSigner):
        return signer
    raise InvalidConfig(
        f"{type(signer).__name__} signs transactions only, and this needs a signed message",
        "use an account of eth-account, or order with `payment_method='approve'`",
    )


def read_key_from_environment(variable: str) -> LocalAccount:
    """Return the account whose private key, ``0x`` and 64 hex digits, is in an environment variable.

    Raises KeyFailure if the variable is missing or holds something else. The error never shows the value.
    """
    source = f"environment variable {_conceal(variable)}"
    value = os.environ.get(variable)
    if value is None:
        advice = f"set it first: `export {variable}=0x…`" if variable.isidentifier() else "give a variable's name"
        raise KeyFailure(
            source, "it is not set", advice if _conceal(variable) == variable else "give a variable's name"
        )
    if not re.fullmatch(r"\s*(0x)?[0-9a-fA-F]{64}\s*", value):
        raise KeyFailure(source, *_NO_KEY)
    return _account_from(value.strip(), source)


def read_keyfile(path: Path | str, password: str) -> LocalAccount:
    """Return the account of an encrypted eth-account (Web3 Secret Storage v3) key file.

    Decrypting takes about a second on purpose. Raises KeyFailure for a missing or malformed file
    and for a wrong password.
    """
    source, content = check_keyfile(path)
    try:
        key = Account.decrypt(content, password)
    except ValueError as error:
        raise KeyFailure(source, *(_WRONG_PASSWORD if "mismatch" in str(error) else _MALFORMED)) from None
    except (LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, NotImplementedError):
        raise KeyFailure(source, *_MALFORMED) from None
    account = _account_from(bytes(key), source)
    # The password's check does not cover all that the key is computed from. The address, which some wallets leave out, does.
    if content.get("address") and str(content["address"]).lower().removeprefix("0x") != account.address[2:].lower():
        raise KeyFailure(source, *_OTHER_KEY)
    return account


def check_keyfile(path: Path | str) -> tuple[str, dict[str, Any]]:
    """Return what a key file is called in errors, and its content. Needs no password.

    Raises:
        KeyFailure: The file is missing, or is not a key file.
        InvalidConfig: The path is not one.
    """
    source = f"key file {_conceal(str(path))}"
    content = _read_json(parse_path(path, "key file"), source)
    if not isinstance(content, dict) or "crypto" not in {key.lower() for key in content}:
        raise KeyFailure(source, "it has no 'crypto' section", "give a key file as eth-account writes it")
    numbers = list(_find_numbers(content))
    work = math.prod(number for _, number in numbers if number > 0)
    if work > MAX_WORK or any(number != KEY_LENGTH for name, number in numbers if name == "dklen"):
        raise KeyFailure(source, *_MALFORMED)
    return source, content


def _conceal(name: str) -> str:
    """Return a name, without the key that somebody may have given in its place."""
    return re.sub(r"[0-9a-fA-F]{64}", "(a key, not shown)", name)


def _read_json(path: Path, source: str) -> Any:
    try:
        with path.open(encoding="utf-8") as file:
            return parse_json(file.read(MAX_KEYFILE_SIZE))
    except OSError as error:
        raise KeyFailure(source, f"cannot read it ({error.strerror})", "give the path of a key file") from None
    except (ValueError, RecursionError):
        raise KeyFailure(source, "it is not JSON", "give a key file as eth-account writes it") from None


def _find_numbers(content: dict[Any, Any]) -> Iterator[tuple[str, int]]:
    """Yield every integer in nested dictionaries, with its name in lower case."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _find_numbers(value)
        elif isinstance(value, int):
            yield str(name).lower(), value


def _account_from(key: str | bytes, source: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(key)
    except Exception:  # noqa: BLE001  eth-account raises many types, some of which quote the key
        raise KeyFailure(source, *_NO_KEY) from None
    return account
