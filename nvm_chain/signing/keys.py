"""Private keys from environment variables and key files. Errors never show a key."""

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
from nvm_chain.signing.eip712 import HashSigner, MessageSigner, StructSigner, TypedDataSigner
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.paths import parse_path

MAX_KEYFILE_SIZE = 16_384
"""The largest number of characters in a key file. A usual one has about 500."""
KEY_LENGTH = 32
"""The number of bytes that a key file derives from the password. Other numbers are refused, because more bytes take longer."""
MAX_WORK = 2**30
"""The largest product of all numbers in a key file: scrypt's n, r and p, the key length and the version.

The product of a usual file is below 2**28. A damaged file with larger numbers could take years to decrypt.
"""

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
    """Return the signer if it can sign messages too. Raises InvalidConfig if it cannot."""
    check_signer(signer)
    if isinstance(signer, HashSigner | TypedDataSigner | StructSigner):
        return signer
    raise InvalidConfig(
        f"{type(signer).__name__} signs transactions only, and this needs a signed message",
        "use an account of eth-account, or order with `payment_method='approve'`",
    )


def read_key_from_environment(variable: str) -> LocalAccount:
    """Return the account of a private key in an environment variable. The key is ``0x`` and 64 hexadecimal digits.

    Raises KeyFailure if the variable is missing, or does not hold a key. The error never shows the value.
    """
    source = f"environment variable {_conceal(variable)}"
    value = os.environ.get(variable)
    if value is None:
        advice = "give a variable's name"
        if variable.isidentifier() and _conceal(variable) == variable:
            advice = f"set it first: `read -rs {variable}; export {variable}` keeps it out of the shell's history"
        raise KeyFailure(source, "it is not set", advice)
    if not re.fullmatch(r"\s*(0x)?[0-9a-fA-F]{64}\s*", value):
        raise KeyFailure(source, *_NO_KEY)
    return _account_from(value.strip(), source)


def read_keyfile(path: Path | str, password: str) -> LocalAccount:
    """Return the account of an encrypted eth-account key file (Web3 Secret Storage v3).

    The decryption takes about a second on purpose. Raises KeyFailure if the file is missing or malformed, or if the
    password is wrong. Raises InvalidConfig if the path is malformed.
    """
    source, content = check_keyfile(path)
    try:
        key = Account.decrypt(content, password)
    except ValueError as error:
        raise KeyFailure(source, *(_WRONG_PASSWORD if "mismatch" in str(error) else _MALFORMED)) from None
    except (LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, NotImplementedError):
        raise KeyFailure(source, *_MALFORMED) from None
    account = _account_from(bytes(key), source)
    # The password's check does not protect every number that the key depends on. So the address is compared too, if
    # the file has one.
    if content.get("address") and str(content["address"]).lower().removeprefix("0x") != account.address[2:].lower():
        raise KeyFailure(source, *_OTHER_KEY)
    return account


def check_keyfile(path: Path | str) -> tuple[str, dict[str, Any]]:
    """Check a key file without its password. Return its name for errors, and its content.

    Raises:
        KeyFailure: The file is missing, or is not a key file.
        InvalidConfig: The path is malformed.
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
    """Return a name for an error, and hide 64 hexadecimal digits in it. A user may have given a key by mistake."""
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
