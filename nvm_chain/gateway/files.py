"""Files behind a gateway: which requests an agent with files sells, and the place of a file in a request's target."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.metadata.file_entries import GATEWAY_SCHEME, FileEntry

METHODS = frozenset(("GET", "HEAD"))
"""How a file is asked for."""
_DROPPED: Final = "/. "
"""What some servers and file systems do not look at, at the end of a path."""


def find_files(entries: Iterable[FileEntry], settings: ServiceSettings, base: str) -> Mapping[str, FileEntry]:
    """Return the files that a service serves, by their paths in the target of a request, without percent signs.

    A file is served if its URL begins with ``gateway:``, or with an address at which the gateway serves the service.

    Args:
        entries: The files of the agent.
        settings: The settings of the service.
        base: The URL of the gateway.
    """
    bases = [
        f"{base}/services/{settings.did}",
        *(f"{scheme}://{host}" for host in settings.hosts for scheme in _SCHEMES),
    ]
    if settings.endpoint_base:
        bases.append(settings.endpoint_base)
    found = {}
    for entry in entries:
        path = find_path(entry, bases)
        if path is not None:
            found[path] = entry
    return found


_SCHEMES = ("https", "http")


def fold_path(path: str) -> str:
    """Return what all spellings of a path have in common that a server may take for the same file.

    >>> fold_path("/2026/Numbers%201.CSV/")
    '/2026/numbers 1.csv'
    """
    return unicodedata.normalize("NFKC", unquote(path)).casefold().rstrip(_DROPPED)


def find_path(entry: FileEntry, bases: Iterable[str]) -> str | None:
    """Return the path of a file below one of some URLs, without percent signs. None for a file at another place.

    >>> find_path(FileEntry("gateway:2026/numbers%201.csv"), ())
    '/2026/numbers 1.csv'
    """
    url = entry.url.partition("#")[0].partition("?")[0]
    if urlsplit(url).scheme == GATEWAY_SCHEME:
        return "/" + unquote(urlsplit(url).path).lstrip("/")
    for base in bases:
        if url.startswith(f"{base}/"):
            return unquote(url[len(base) :])
    return None
