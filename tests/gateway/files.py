"""Configuration files for tests: one that is right, and the same with a change."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nvm_chain.gateway.configuration.starting import Start, build_config_text
from nvm_chain.gateway.sealing.sealed_files import SealedFile, SecretPlaces
from nvm_chain.types.ids import format_did

DID = format_did(7)
UPSTREAM = "http://127.0.0.1:8000"
CANARY = "sk-canary-9c41e7d2"
"""A secret that nothing may show."""


def start_text(**known: Any) -> str:
    """Return the text that `gateway init` writes."""
    return build_config_text(Start(**{"did": DID, **known}))


def write_config(folder: Path, text: str | None = None, name: str = "gateway.toml") -> Path:
    """Write a configuration file, and return its path."""
    path = folder / name
    path.write_text(start_text() if text is None else text, "utf-8")
    return path


def change(text: str, was: str, now: str) -> str:
    """Return a text in which something that stands there once is replaced."""
    assert text.count(was) == 1, f"{was!r} stands there {text.count(was)} times"
    return text.replace(was, now)


def seal(folder: Path, **secrets: str) -> SealedFile:
    """Make a sealed file beside a configuration, with some secrets."""
    sealed = SealedFile(SecretPlaces(folder / "secrets.sealed", folder / "gateway.key"), {})
    sealed.make()
    for name, value in secrets.items():
        sealed.put(name, value)
    return sealed


def age(path: Path) -> None:
    """Give a file another time, as if it had been written at another moment."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


@contextmanager
def listening() -> Iterator[int]:
    """Take connections on a port of this machine, and yield it. Nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def find_free_port() -> int:
    """Return a port on which nobody listens now."""
    with listening() as port:
        return port
