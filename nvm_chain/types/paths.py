"""Paths as people give them: a text or a path, of which ``~`` is the own folder, as in a shell."""

from os import PathLike, fspath
from pathlib import Path

from nvm_chain.errors import InvalidConfig


def parse_path(value: str | PathLike[str], name: str) -> Path:
    """Return a path that somebody gave as a text or as a path. A ``~`` at its beginning is the own folder.

    Args:
        value: The path.
        name: What it is the path of, for the error.

    Raises:
        InvalidConfig: It is of another type, is empty, or names the folder of somebody who is not known here.

    >>> parse_path("deployments/base", "folder of records").name
    'base'
    """
    given: object = value
    text = fspath(given) if isinstance(given, str | PathLike) else None
    if not isinstance(text, str):
        raise InvalidConfig(f"the {name} is {type(given).__name__}", "give a text or a `pathlib.Path`")
    if not text or "\0" in text:
        raise InvalidConfig(f"the {name} is empty, or has a zero byte in it", "give a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        user = text.partition("/")[0]
        raise InvalidConfig(f"the {name} begins with {user}, whose folder is not known", "write it out") from None
