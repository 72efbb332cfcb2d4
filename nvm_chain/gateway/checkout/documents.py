"""What other hosts say of plans, read in threads of its own: a host that is slow keeps no page, and no other seller's buyers."""

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from nvm_chain.errors import InvalidMetadata, SecretInMetadata, StorageError
from nvm_chain.metadata.data_uris import is_data_uri
from nvm_chain.metadata.documents import PlanMetadata, parse_plan_metadata
from nvm_chain.storage.stores import load_metadata

LOAD_SECONDS: Final = 4
"""How long the host of a plan's metadata may take, and how long a page waits for it. The terms are shown without it."""
AGAIN_SECONDS: Final = 60
"""How long later a document is asked for again that could not be had."""
MOST_AT_ONCE: Final = 8
MOST_KEPT: Final = 512


@dataclass(slots=True)
class _Reading:
    """A document that is being read, or was."""

    found: "Future[PlanMetadata | None]" = field(default_factory=Future)
    began: int = field(default_factory=lambda: int(time.monotonic()))

    @property
    def is_worthless(self) -> bool:
        """Whether the document could not be had, a while ago."""
        return self.found.done() and self.found.result() is None and int(time.monotonic()) > self.began + AGAIN_SECONDS


class Documents:
    """Reads documents of plans, each once. A URI names the hash of its document, so a document never changes. Threads may share it."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Reading] = OrderedDict()
        self._running = 0

    def read(self, uri: str) -> PlanMetadata | None:
        """Return the document of a URI. None if it is not one, or cannot be had in time."""
        if is_data_uri(uri):
            return _read(uri)
        reading = self._begin(uri)
        if reading is None:
            return None
        with suppress(TimeoutError):
            return reading.found.result(max(0, reading.began + LOAD_SECONDS - int(time.monotonic())))
        return None

    def _begin(self, uri: str) -> _Reading | None:
        """Return the reading of a document. None if too many are read at the moment."""
        with self._lock:
            reading = self._kept.get(uri)
            if reading is not None and not reading.is_worthless:
                self._kept.move_to_end(uri)
                return reading
            if self._running >= MOST_AT_ONCE:
                return None
            self._running += 1
            reading = self._kept[uri] = _Reading()
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        threading.Thread(target=self._load, args=(uri, reading), name="nvm-chain metadata", daemon=True).start()
        return reading

    def _load(self, uri: str, reading: _Reading) -> None:
        found = None
        try:
            found = _read(uri)
        finally:
            with self._lock:
                self._running -= 1
            reading.found.set_result(found)


def _read(uri: str) -> PlanMetadata | None:
    with suppress(StorageError, InvalidMetadata, SecretInMetadata):
        return parse_plan_metadata(load_metadata(uri, timeout_seconds=LOAD_SECONDS, public_only=True))
    return None
