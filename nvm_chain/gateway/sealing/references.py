"""References to secrets: `env:NAME`, `file:PATH` and `sealed:NAME`. A configuration file has them in place of secrets."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.errors import InvalidConfig

HOW: Final = "write `env:NAME`, `file:PATH` or `sealed:NAME`, and keep the secret itself out of the file"
MAX_VALUE: Final = 8_192
"""The largest number of characters in a secret."""
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Where(Enum):
    """Where a secret is. The values are the beginnings of references."""

    ENVIRONMENT = "env"
    FILE = "file"
    SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is, and the name of its variable, its file, or its entry among the sealed secrets."""

    where: Where
    name: str

    def __str__(self) -> str:
        """Return the reference as a configuration file has it."""
        return f"{self.where.value}:{self.name}"


def is_reference(text: str) -> bool:
    """Return whether a text begins as a reference does.

    >>> is_reference("env:TOKEN"), is_reference("https://node.example")
    (True, False)
    """
    return text.partition(":")[0] in {where.value for where in Where} and ":" in text


def parse_reference(text: str) -> Reference:
    """Read a reference. Raises InvalidConfig, which does not show the text, because it may be a secret.

    >>> parse_reference("sealed:weather").name
    'weather'
    """
    kind, _, name = text.partition(":")
    if not is_reference(text):
        raise InvalidConfig("it is not a reference to a secret", HOW)
    where = Where(kind)
    if where is Where.SEALED:
        return Reference(where, check_name(name))
    if where is Where.ENVIRONMENT and not _VARIABLE.fullmatch(name):
        raise InvalidConfig("what follows env: is not the name of a variable", "write a name such as env:WEATHER_TOKEN")
    if not name or "\0" in name:
        raise InvalidConfig("what follows file: is not a path", "write a path such as file:/run/secrets/weather")
    return Reference(where, name)


def check_name(name: str) -> str:
    """Return the name of a sealed secret. Raises InvalidConfig, which does not show the name."""
    if not _NAME.fullmatch(name):
        raise InvalidConfig(
            "the name of a sealed secret has 1 to 64 letters, digits, dots, hyphens and underscores",
            "give a name such as weather",
        )
    return name


def check_value(value: str, source: str) -> str:
    """Return a secret if it is one line that can be printed. ``source`` says where it is from, for errors. Raises InvalidConfig."""
    if not value:
        raise InvalidConfig(f"{source} is empty", "put the secret there")
    if len(value) > MAX_VALUE:
        raise InvalidConfig(f"{source} has more than {MAX_VALUE:,} characters", "put the secret alone there")
    if not value.isprintable():
        raise InvalidConfig(f"{source} has several lines, or a control character", "put the secret on one line")
    return value


def decode_text(content: bytes) -> str | None:
    """Return the text in UTF-8, or None if it is not one. No error keeps the bytes, which may be a secret."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
