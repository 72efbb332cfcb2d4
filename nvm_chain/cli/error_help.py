"""The text of `nvm-chain help errors`: the list of all errors, or one error with its texts and fields."""

import re
from collections.abc import Iterator
from inspect import cleandoc
from textwrap import fill, indent

from nvm_chain import errors
from nvm_chain.cli.exit_codes import EXIT_INPUT, EXIT_UNEXPECTED
from nvm_chain.cli.failures import find_exit_code
from nvm_chain.cli.shell_names import SHELL_NAMES
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.templates import rename, show_template

WIDTH = 100
OTHERS = {
    **dict.fromkeys(
        ("UsageError", "NoSuchOption", "BadOptionUsage", "BadArgumentUsage", "BadParameter", "MissingParameter"),
        "The words of the command are not right. `nvm-chain help COMMAND` shows the command's arguments and options. "
        f"Nothing was sent. Exit code: {EXIT_INPUT}",
    ),
    "Aborted": "You stopped the command. The message says whether a transaction may still be mined. "
    f"Exit code: {EXIT_UNEXPECTED}",
}
"""Errors of the command line that are not errors of the package, and their help."""


def find_error(name: str) -> type[NvmChainError] | None:
    """Return the error class of a name, in upper or lower case. None if no error has the name."""
    return next((error for error in _list_all() if error.__name__.lower() == name.lower()), None)


def find_text(name: str) -> str | None:
    """Return the help of an error of the package or of the command line. None if no error has the name."""
    error = find_error(name)
    if error is not None:
        return describe_error(error)
    return next(
        (f"{other}\n\n{fill(text, WIDTH)}" for other, text in OTHERS.items() if other.lower() == name.lower()), None
    )


def list_names() -> list[str]:
    """Return the names of all errors and families, and of the errors of the command line."""
    return [*(error.__name__ for error in _list_all()), *OTHERS]


def list_errors() -> str:
    """Return the lines of the error list: each family with its members."""
    families = [error for error in _list_all() if NvmChainError in error.__bases__]
    parts = [
        "Every error of nvm-chain. `nvm-chain help errors NAME` explains one error.",
        *map(_list_family, families),
    ]
    return "\n\n".join(parts)


def describe_error(error: type[NvmChainError]) -> str:
    """Return the help lines of an error: its purpose, its two texts, its fields and its exit code."""
    parent = error.__bases__[0].__name__
    title = error.__name__ if error is NvmChainError else f"{error.__name__}, a kind of {parent}"
    return "\n\n".join([title, *(fill(part, WIDTH) for part in _list_parts(error))])


def _list_parts(error: type[NvmChainError]) -> Iterator[str]:
    yield _read_purpose(error)
    for label, template in (("Problem", error.problem), ("Next step", error.next_step)):
        if template:
            yield f"{label}: {show_template(rename(template, SHELL_NAMES))}"
    if error.field_names:
        yield f"Fields: {', '.join(error.field_names)}"
    code = find_exit_code(error.__new__(error))
    if code != EXIT_UNEXPECTED:
        yield f"Exit code: {code}"


def _list_family(family: type[NvmChainError]) -> str:
    members = [error.__name__ for error in _list_all() if issubclass(error, family) and error is not family]
    title = f"{family.__name__}: {_read_purpose(family).partition('. ')[0].rstrip('.')}."
    return "\n".join([fill(title, WIDTH), *filter(None, [indent(fill(", ".join(members), WIDTH - 2), "  ")])])


def _list_all() -> list[type[NvmChainError]]:
    """Return every error and family, in alphabetical order."""
    found = (getattr(errors, name) for name in errors.__all__)
    return [item for item in found if isinstance(item, type) and issubclass(item, NvmChainError)]


def _read_purpose(error: type[NvmChainError]) -> str:
    """Return the first paragraph of a class's docstring."""
    first = re.split(r"\n\s*\n", cleandoc(error.__doc__ or ""))[0]
    return " ".join(first.replace("``", "`").split())
