"""Store of metadata documents in a folder. The name of each file is its SHA-256."""

import logging
import os
import re
from pathlib import Path
from threading import Lock
from typing import Final

from nvm_chain.errors import InvalidConfig, MetadataNotSaved, MetadataUnavailable, UnverifiableUri
from nvm_chain.metadata.data_uris import MAX_JSON
from nvm_chain.storage.stores import encode_document, hash_document, verify_document
from nvm_chain.types.atomic_files import open_draft, open_regular
from nvm_chain.types.paths import parse_path

logger = logging.getLogger("nvm_chain")

_NAME: Final = re.compile(r"([0-9a-f]{64})\.json")
_BASE_URL: Final = re.compile(r"https://[^\s/?#\\@]+(?:/[^\s?#\\]*)?")


class FolderStore:
    """Store of documents as ``<sha256>.json`` in a folder. Their URIs are ``file:///…``, or below ``base_url`` (https).

    With a ``base_url`` your web server has to serve the folder. This object reads documents from the folder, and others
    read them with `load_metadata`. The first save creates the folder. Raises InvalidConfig if ``base_url`` is not an
    https URL, or if ``folder`` is not a path.
    """

    def __init__(self, folder: Path | str, base_url: str | None = None) -> None:
        if base_url is not None and not _BASE_URL.fullmatch(base_url):
            raise InvalidConfig("a base URL is https://host/path, without a user name, query or fragment")
        given = parse_path(folder, "folder of metadata")
        self.folder = given.resolve()
        self._places = [base_url.rstrip("/")] if base_url is not None else []
        self._places += [self.folder.as_uri(), given.absolute().as_uri()]
        self._saves: dict[str, tuple[int, tuple[int, int]]] = {}
        """Documents that this object saved first, by name: the number of saves, and the identity of the last written file."""
        self._lock = Lock()

    def save(self, text: str) -> str:
        """Write a document, and return its URI. A failed save leaves no file. Raises InvalidMetadata, MetadataNotSaved."""
        document = encode_document(text)
        path = self.folder / f"{hash_document(document)}.json"
        try:
            with self._lock:
                self._write(path, document)
        except OSError as error:
            raise MetadataNotSaved(str(self.folder), error.strerror or type(error).__name__) from None
        return f"{self._places[0]}/{path.name}"

    def _write(self, path: Path, document: bytes) -> None:
        """Write the file even if it exists. So its content is correct, and the `discard` of another object keeps it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        count, last = self._saves.get(path.name, (0, None))
        is_ours = not os.path.lexists(path) or _identify(path) == last
        with open_draft(path) as draft:
            draft.file.write(document)
            draft.seal()
            written = _identify(draft.path)
            draft.put(overwrite=True)
        self._saves.pop(path.name, None)
        if is_ours:
            self._saves[path.name] = (count + 1, written)

    def load(self, uri: str) -> str:
        """Read a document of this folder, and compare its hash with the file name.

        Raises UnverifiableUri, MetadataUnavailable, MetadataMismatch.
        """
        place, _, name = uri.rpartition("/")
        found = _NAME.fullmatch(name)
        if place not in self._places or not found:
            raise UnverifiableUri(uri, f"it is not a document of {self._places[0]}")
        try:
            with open_regular(self.folder / name, follow_links=False) as file:
                document = file.read(MAX_JSON + 1)
        except OSError as error:
            raise MetadataUnavailable(uri, error.strerror or type(error).__name__) from None
        return verify_document(uri, document, found[1])

    def discard(self, uri: str) -> None:
        """Undo one save of a document that this object saved first. After the last save is undone, remove the file.

        The file stays if another object or process has saved it since. A save within the same microseconds as the last
        save of this object may stay unnoticed.
        """
        place, _, name = uri.rpartition("/")
        with self._lock:
            if place not in self._places or name not in self._saves:
                return
            count, written = self._saves.pop(name)
            if count > 1:
                self._saves[name] = (count - 1, written)
            else:
                _remove(self.folder / name, written)


def _identify(path: Path) -> tuple[int, int]:
    """Return the identity of a file, which changes if another file replaces it."""
    status = path.lstat()
    return status.st_ino, status.st_mtime_ns


def _remove(path: Path, written: tuple[int, int]) -> None:
    try:
        if _identify(path) == written:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.warning("%s could not be removed: %s", path, error.strerror)
