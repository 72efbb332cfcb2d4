"""The file of sealed secrets: all of them in one message of Fernet, from the package cryptography.

Fernet is a recipe that leaves nothing to choose: AES-128 in CBC mode, HMAC-SHA256 over the whole message, and a random
vector for each one. So no nonce can be used twice, which is what makes AES-GCM and ChaCha20-Poly1305 unsafe in careless
hands. `MultiFernet` opens what former keys have sealed, which is what a rotation needs. All secrets are in one message. So
whoever can write the file cannot give a secret the name of another one, to have it sent to another upstream. The names are
not readable either.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cryptography.fernet import InvalidToken
from msgspec import DecodeError, ValidationError, json

from nvm_chain.errors import InvalidConfig, KeyFailure
from nvm_chain.gateway.sealing.keys import MAKE_KEY, VARIABLE, SealingKeys, make_key, read_keys, write_keys
from nvm_chain.gateway.sealing.references import check_name, check_value
from nvm_chain.types.atomic_files import OWNER_ONLY, open_regular, write_whole
from nvm_chain.types.file_locks import unlock, wait_for_lock

VERSION: Final = 1
MAX_FILE: Final = 2**20
"""The largest number of bytes in the file."""
ANSWER_KEY_BYTES: Final = 32
_TRIES: Final = 3
"""How often the keys and the file are read, because a rotation may write one of them between the two reads."""


@dataclass(frozen=True, slots=True)
class SecretPlaces:
    """Where sealed secrets are: the file, and the key file, which counts if NVM_CHAIN_GATEWAY_KEY is not set."""

    sealed: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class SealedContent:
    """What a file of sealed secrets has: the secrets by their names, and the key of answers that are kept."""

    answer_key: bytes = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    version: int = VERSION


class SealedFile:
    """The sealed secrets of a gateway. Any number of processes may change them. Each change is whole, or not there."""

    def __init__(self, places: SecretPlaces, environment: Mapping[str, str] | None = None) -> None:
        """Take the places of the file and of its keys, and the variables. Reads nothing."""
        self.places = places
        self._environment = os.environ if environment is None else environment

    def exists(self) -> bool:
        """Return whether the file is there."""
        return self.places.sealed.exists()

    def read(self) -> SealedContent:
        """Return the secrets.

        Raises:
            KeyFailure: There is no key, or the keys do not open the file.
            InvalidConfig: The file is missing or damaged.
        """
        for _ in range(_TRIES):
            keys = self.read_keys()
            sealed = self._read_sealed()
            try:
                return _decode(keys.open_cipher().decrypt(sealed), self.places.sealed)
            except InvalidToken:
                continue
        advice = "give the key with which the file was sealed, or restore both from a backup"
        raise KeyFailure(keys.source, f"it does not open {self.places.sealed}", advice)

    def read_keys(self) -> SealingKeys:
        """Return the keys. Raises KeyFailure."""
        return read_keys(self.places.key_file, self._environment)

    def make(self) -> bool:
        """Make the file, and its key if there is none. Return whether the file is new. What is there stays as it is.

        Raises:
            KeyFailure: The key cannot be read or written.
            InvalidConfig: The file cannot be written.
        """
        with self._lock():
            self._make_keys()
            if self.exists():
                return False
            self._write(_make_content(), self.read_keys())
            return True

    def put(self, name: str, value: str) -> bool:
        """Store a secret, and return whether its name is new.

        Raises:
            KeyFailure: There is no key, or it does not open the file.
            InvalidConfig: The name or the value is malformed, or the file cannot be written.
        """
        check_name(name)
        check_value(value, f"the secret {name}")
        with self._lock():
            if self.exists():
                content = self.read()
            else:
                self._make_keys()
                content = _make_content()
            self._write(replace(content, secrets={**content.secrets, name: value}), self.read_keys())
            return name not in content.secrets

    def remove(self, name: str) -> None:
        """Remove a secret.

        Raises:
            KeyFailure: There is no key, or it does not open the file.
            InvalidConfig: There is no such secret, or the file cannot be written.
        """
        with self._lock():
            content = self.read()
            if name not in content.secrets:
                advice = "see their names with `nvm-chain gateway secret list`"
                raise InvalidConfig(f"there is no sealed secret with that name in {self.places.sealed}", advice)
            left = {other: value for other, value in content.secrets.items() if other != name}
            self._write(replace(content, secrets=left), self.read_keys())

    def rotate(self) -> SealingKeys:
        """Seal the file with a new key, and return the keys that open it now.

        A key file gets the new key first, and loses the old ones last. So its keys open the file at every moment, also after a
        crash. Keys of the environment stay as they are: the first one seals the file.

        Raises:
            KeyFailure: There is no key, or the variable has one key only.
            InvalidConfig: The file is missing, or cannot be written.
        """
        with self._lock():
            content, keys = self.read(), self.read_keys()
            if keys.path is None:
                if len(keys.keys) == 1:
                    raise KeyFailure(
                        keys.source, "it has one key only", f"put a new one and a comma before it; {MAKE_KEY}"
                    )
                self._write(content, keys)
                return keys
            both = replace(keys, keys=(make_key(), *keys.keys))
            write_keys(keys.path, both.keys, overwrite=True)
            self._write(content, both)
            write_keys(keys.path, both.keys[:1], overwrite=True)
            return replace(both, keys=both.keys[:1])

    # ------------------------------------------------------------------ the file

    def _make_keys(self) -> None:
        """Make a key file, if there is neither one nor a key in the environment."""
        if VARIABLE not in self._environment and not os.path.lexists(self.places.key_file):
            write_keys(self.places.key_file, (make_key(),), overwrite=False)

    def _read_sealed(self) -> bytes:
        path = self.places.sealed
        try:
            with open_regular(path, follow_links=True) as file:
                found = file.read(MAX_FILE + 1)
        except FileNotFoundError:
            advice = "store a secret with `nvm-chain gateway secret set NAME`"
            raise InvalidConfig(f"there is no file {path} with sealed secrets", advice) from None
        except OSError as error:
            raise InvalidConfig(f"{path} cannot be read ({error.strerror})", "let this user read it") from None
        if len(found) > MAX_FILE:
            raise InvalidConfig(f"{path} is larger than a file of sealed secrets", "restore it from a backup")
        return found.strip()

    def _write(self, content: SealedContent, keys: SealingKeys) -> None:
        sealed = keys.open_cipher().encrypt(json.encode(content)).decode("ascii")
        try:
            write_whole(self.places.sealed, f"{sealed}\n", mode=OWNER_ONLY)
        except OSError as error:
            raise InvalidConfig(
                f"{self.places.sealed} cannot be written ({error.strerror})", "make room, or let this user write there"
            ) from None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Wait until no other process changes the secrets, and keep others from it inside the block."""
        path = self.places.sealed.with_name(f".{self.places.sealed.name}.lock")
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY), "r+b")
        except OSError as error:
            raise InvalidConfig(
                f"{path} cannot be written ({error.strerror})", "let this user write in its folder"
            ) from None
        with file:
            try:
                wait_for_lock(file)
            except OSError as error:
                raise InvalidConfig(f"{path} cannot be locked ({error.strerror})", "put it on a local disk") from None
            try:
                yield
            finally:
                unlock(file)


def _make_content() -> SealedContent:
    return SealedContent(secrets.token_bytes(ANSWER_KEY_BYTES), {})


def _decode(text: bytes, path: Path) -> SealedContent:
    try:
        content = json.decode(text, type=SealedContent)
    except (DecodeError, ValidationError):
        raise InvalidConfig(f"{path} does not have the form of sealed secrets", "restore it from a backup") from None
    if content.version != VERSION:
        raise InvalidConfig(
            f"another version of nvm_chain sealed {path}", "install the version that did, or a later one"
        )
    return content
