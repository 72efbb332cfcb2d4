"""Checks of file names from others. A safe name is valid on every system."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from nvm_chain.errors import InvalidConfig, UnsafeFileName

MAX_NAME_BYTES: Final = 200
"""Length limit of a name in bytes of UTF-8. File systems allow 255, and the temporary name of a download needs some."""
_FORBIDDEN: Final = '/\\:<>"|?*'
"""Characters that separate folders or streams, or are wildcards, on some system."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of invisible characters: control, format (such as reversed text), surrogates, unassigned, line ends."""
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)


def safe_file_name(name: str) -> str:
    """Return a name if it is a safe file name. Raises UnsafeFileName.

    The name is never changed, because a change could make two names equal.

    >>> safe_file_name("weights-v2.bin")
    'weights-v2.bin'
    >>> try:
    ...     safe_file_name("../.ssh/authorized_keys")
    ... except UnsafeFileName as error:
    ...     print(error.reason)
    it has '/' in it
    """
    if problem := _find_problem(name):
        raise UnsafeFileName(name, problem)
    return name


def _find_problem(name: str) -> str:
    """Return the problem of a name, or an empty text."""
    for character in name:
        if character in _FORBIDDEN:
            return f"it has {character!r} in it"
        if unicodedata.category(character) in _INVISIBLE:
            return f"it has the invisible character U+{ord(character):04X} in it"
    if not name or name != name.strip():
        return "it is empty, or begins or ends with a space"
    if name.startswith(".") or name.endswith("."):
        return "it begins or ends with a dot"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME_BYTES} bytes"
    return "Windows has a device of that name" if _DEVICE.fullmatch(name) else ""


def check_file_names(names: Iterable[str]) -> list[str]:
    """Return the names if all are safe and different. Raises UnsafeFileName, or InvalidConfig if two names are equal.

    Names that differ only in letter case count as equal.

    >>> check_file_names(["a.csv", "b.csv"])
    ['a.csv', 'b.csv']
    """
    safe = [safe_file_name(name) for name in names]
    if len({unicodedata.normalize("NFC", name).casefold() for name in safe}) < len(safe):
        raise InvalidConfig(
            "two files of one asset have the same name, letter case aside",
            "ask the seller to give the files different names",
        )
    return safe
