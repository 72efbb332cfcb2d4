"""The keys that seal secrets: from the environment, or from a file that only its owner can read."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IMODE
from typing import Final

from cryptography.fernet import Fernet, MultiFernet

from nvm_chain.errors import KeyFailure
from nvm_chain.gateway.sealing.references import decode_text
from nvm_chain.types.atomic_files import OWNER_ONLY, open_regular, write_whole

VARIABLE: Final = "NVM_CHAIN_GATEWAY_KEY"
MAX_FILE: Final = 4_096
"""The largest number of bytes in a key file."""
MAKE_KEY: Final = "make one with `openssl rand -base64 32`"
_KEY: Final = re.compile(r"[A-Za-z0-9+/_-]{43}=")
_BETWEEN: Final = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """Keys in their order: the first one seals, and all of them open. ``source`` says where they are from.

    ``path`` is the key file, and None for keys of the environment.
    """

    source: str
    keys: tuple[str, ...] = field(repr=False)
    path: Path | None = None

    def open_cipher(self) -> MultiFernet:
        """Return the cipher of the keys."""
        return MultiFernet([Fernet(key) for key in self.keys])


def make_key() -> str:
    """Return a new key: 32 random bytes in base64."""
    return Fernet.generate_key().decode("ascii")


def read_keys(path: Path, environment: Mapping[str, str]) -> SealingKeys:
    """Return the keys of the variable NVM_CHAIN_GATEWAY_KEY. If it is not set, return those of a key file.

    Args:
        path: The key file.
        environment: The variables.

    Raises:
        KeyFailure: There is no key, or others can read the file. The error never shows a key.
    """
    given = environment.get(VARIABLE)
    if given is not None:
        source = f"environment variable {VARIABLE}"
        return SealingKeys(source, _parse(given, source))
    source = f"key file {path}"
    return SealingKeys(source, _parse(_read(path, source), source), path)


def write_keys(path: Path, keys: tuple[str, ...], *, overwrite: bool) -> None:
    """Write keys to a file that only its owner can read.

    Raises:
        KeyFailure: The file cannot be written, or exists and ``overwrite`` is False.
    """
    try:
        write_whole(path, "".join(f"{key}\n" for key in keys), overwrite=overwrite, mode=OWNER_ONLY)
    except FileExistsError:
        raise KeyFailure(f"key file {path}", "there is a file already, and it is not replaced", "keep it") from None
    except OSError as error:
        problem, advice = f"it cannot be written ({error.strerror})", "give a path in a folder that you can write to"
        raise KeyFailure(f"key file {path}", problem, advice) from None


def _read(path: Path, source: str) -> str:
    try:
        with open_regular(path, follow_links=True) as file:
            _check_rights(os.fstat(file.fileno()), path, source)
            content = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        advice = f"make it with `nvm-chain gateway init`, or set {VARIABLE}"
        raise KeyFailure(source, "the file does not exist", advice) from None
    except OSError as error:
        raise KeyFailure(source, f"it cannot be read ({error.strerror})", "let this user read it") from None
    return decode_text(content) or ""


def _check_rights(status: os.stat_result, path: Path, source: str) -> None:
    """Refuse a file that others can read. A file of another owner may be readable by the group, as this process needs it."""
    if os.name == "nt":
        return
    is_own = status.st_uid == os.getuid()
    if S_IMODE(status.st_mode) & (0o077 if is_own else 0o037):
        raise KeyFailure(source, "others can read the file", f"run `chmod 600 {path}`")


def _parse(text: str, source: str) -> tuple[str, ...]:
    keys = tuple(key for key in _BETWEEN.split(text) if key)
    if not keys:
        raise KeyFailure(source, "there is no key in it", MAKE_KEY)
    if not all(_KEY.fullmatch(key) for key in keys):
        raise KeyFailure(source, "it is not a key of 32 bytes in base64", MAKE_KEY)
    return tuple(key.replace("+", "-").replace("/", "_") for key in keys)
