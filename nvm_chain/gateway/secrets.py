"""The secrets of a gateway: read where references say, and read again when their files change."""

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from nvm_chain.errors import InvalidConfig, KeyFailure, NvmChainError
from nvm_chain.gateway.sealing.references import MAX_VALUE, Reference, Where, check_value, decode_text, parse_reference
from nvm_chain.gateway.sealing.sealed_files import SealedContent, SealedFile, SecretPlaces
from nvm_chain.types.atomic_files import open_regular

Stamp: TypeAlias = tuple[int, int, int, int] | None
"""What changes with a file: its inode, its size and its times, also that of its rights. None if it cannot be looked at."""

Read = TypeVar("Read")


class Secrets:
    """The secrets of a gateway, for any thread.

    A secret of the environment stays as it was when the process began. Sealed secrets, and secrets in files, are read
    once, and again if `reload_if_changed` finds that their files have changed. A file that cannot be read any more has no secrets,
    and the secrets of the other files do not depend on it.
    """

    def __init__(self, places: SecretPlaces, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """Take the places of sealed secrets. Reads nothing.

        Args:
            places: The file of sealed secrets, and its key file.
            folder: The folder to which paths in references belong.
            environment: The variables. Those of the process if not given.
        """
        self._environment = os.environ if environment is None else environment
        self._folder, self._file = folder, SealedFile(places, self._environment)
        self._lock = threading.RLock()
        self._content: SealedContent | NvmChainError | None = None
        self._texts: dict[Path, str | NvmChainError] = {}
        self._stamps: dict[Path, Stamp] = {}
        self.version = 0
        """How often the secrets were read again."""

    def __repr__(self) -> str:
        """Return the place of the sealed secrets, and none of the secrets."""
        return f"<Secrets {self._file.places.sealed}>"

    @property
    def answer_key(self) -> bytes | None:
        """The key of answers that are kept. None if there is no file of sealed secrets. Raises KeyFailure or InvalidConfig."""
        return self._read_sealed().answer_key if self._file.exists() else None

    def resolve(self, text: str) -> str:
        """Return the secret that a reference names: ``env:NAME``, ``file:PATH`` or ``sealed:NAME``.

        Raises:
            InvalidConfig: The reference is malformed, or there is no such secret. The error never shows a secret.
            KeyFailure: There is no key for the sealed secrets, or it does not open them.
        """
        reference = parse_reference(text)
        with self._lock:
            if reference.where is Where.ENVIRONMENT:
                return self._read_variable(reference.name)
            if reference.where is Where.FILE:
                return self._read_text(self._folder / Path(reference.name).expanduser())
            return self._find_sealed(reference)

    def reload_if_changed(self) -> bool:
        """Read all secrets again if one of their files has changed, or cannot be read. Return whether they were read again.

        From then on, `resolve` raises for each secret whose file cannot be read.
        """
        with self._lock:
            stamps = {path: _look(path) for path in self._stamps}
            if stamps == self._stamps and not self._is_lacking():
                return False
            if self._content is not None:
                self._content = _try(self._file.read)
            self._texts = {path: _try(partial(_read_file, path)) for path in self._texts}
            self._stamps = stamps
            self.version += 1
            return True

    def _is_lacking(self) -> bool:
        return any(isinstance(each, NvmChainError) for each in (self._content, *self._texts.values()))

    # ------------------------------------------------------------------ each kind

    def _read_variable(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            raise InvalidConfig(f"the environment variable {name} is not set", "set it before the gateway starts")
        return check_value(value, f"the environment variable {name}")

    def _read_text(self, path: Path) -> str:
        if path not in self._texts:
            stamp = _look(path)
            self._texts[path] = _read_file(path)
            self._stamps[path] = stamp
        return _give(self._texts[path])

    def _read_sealed(self) -> SealedContent:
        with self._lock:
            if self._content is None:
                places = self._file.places
                stamps = {path: _look(path) for path in (places.sealed, places.key_file)}
                self._content = self._file.read()
                self._stamps |= stamps
            return _give(self._content)

    def _find_sealed(self, reference: Reference) -> str:
        try:
            return self._read_sealed().secrets[reference.name]
        except KeyError:
            raise InvalidConfig(
                f"there is no sealed secret {reference.name} in {self._file.places.sealed}",
                f"store it with `nvm-chain gateway secret set {reference.name}`",
            ) from None


def _look(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _try(read: Callable[[], Read]) -> Read | NvmChainError:
    """Return what is read, or why it cannot be read."""
    try:
        return read()
    except (InvalidConfig, KeyFailure) as error:
        return error


def _give(found: Read | NvmChainError) -> Read:
    """Return what was read. Raises the reason why it could not be read."""
    if isinstance(found, NvmChainError):
        raise found.with_traceback(None)
    return found


def _read_file(path: Path) -> str:
    source = f"the file {path}"
    try:
        with open_regular(path, follow_links=True) as file:
            content = file.read(4 * MAX_VALUE + 2)
    except OSError as error:
        raise InvalidConfig(f"{source} cannot be read ({error.strerror})", "let this user read it") from None
    text = decode_text(content)
    if text is None:
        raise InvalidConfig(f"{source} is not text in UTF-8", "put the secret there as one line of text")
    return check_value(text.rstrip("\r\n"), source)
