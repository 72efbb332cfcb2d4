"""Paths from users. A path is a text or a path object, and ``~`` stands for the home folder."""

from os import PathLike, fspath
from pathlib import Path

from nvm_chain.errors import InvalidConfig


def parse_path(value: str | PathLike[str], name: str) -> Path:
    """Return a user's path as a `pathlib.Path`. A ``~`` at its beginning becomes the home folder.

    Args:
        value: The path, as a text or a path object.
        name: The name of the path in the error, such as "key file".

    Raises:
        InvalidConfig: The value has another type, is empty, has a zero byte, or names an unknown user's home folder.

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
        raise InvalidConfig(
            f"the {name} begins with {user}, whose folder is not known", "write the whole path"
        ) from None
