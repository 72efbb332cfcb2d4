"""Templates of messages: sentences with slots for fields, and code in backticks.

``{holder}`` is the field as its type writes it. ``{required:short}`` is an amount without the token's address,
``{required:minus balance}`` is a difference, ``{least:to most}`` a range, ``{settled:number}`` the bare number, and
``{amount:decimal decimals}`` a number of base units in whole units.
"""

from collections.abc import Mapping
from typing import Any, Final

from nvm_chain.errors.fields import ANY, Form, write_money, write_money_short, write_number, write_range
from nvm_chain.errors.formatting import format_decimal

PYTHON: Final[Mapping[str, str]] = {}
"""Names of code in backticks, for readers who use Python. Empty, because templates contain the Python names."""


def fill(template: str, error: Any, names: Mapping[str, str] = PYTHON) -> str:
    """Fill the slots of a template with an error's fields, and replace code in backticks by its value in ``names``.

    >>> fill("Raise `max_cost`.", None, {"max_cost": "--max-cost"})
    'Raise --max-cost.'
    """
    return rename(template, names).format_map(_Slots(error, names))


def rename(text: str, names: Mapping[str, str]) -> str:
    """Replace each piece of code by its value in ``names``, if it has one. The backticks around it are replaced too."""
    if not names:
        return text
    pieces = text.split("`")
    return "".join(names.get(piece, f"`{piece}`") if index % 2 else piece for index, piece in enumerate(pieces))


def show_template(template: str) -> str:
    """Write a template for a page of documentation, with the names of the fields as code.

    >>> show_template("{holder} has {balance} and needs {required:minus balance} more.")
    '`holder` has `balance` and needs `required` - `balance` more.'
    >>> show_template("Look: `nvm-chain transaction {transaction_hash}`.")
    'Look: `nvm-chain transaction TRANSACTION_HASH`.'
    """
    pieces = enumerate(template.split("`"))
    return "`".join(piece.format_map(_Words() if index % 2 else _Names()) for index, piece in pieces)


def read_slots(template: str) -> list[str]:
    """Return the names of all fields in a template, in order."""
    names = _Names()
    template.format_map(names)
    return names.seen


class _Slots:
    """Gives a template the fields of an error."""

    def __init__(self, error: Any, names: Mapping[str, str]) -> None:
        self._error, self._names = error, names

    def __getitem__(self, name: str) -> "_Slot":
        return _Slot(self._error, name, self._names)


class _Slot:
    """A field of an error, to be written into a template."""

    def __init__(self, error: Any, name: str, names: Mapping[str, str]) -> None:
        self._error, self._value, self._names = error, getattr(error, name), names
        self._form: Form = error.forms.get(name, ANY)
        self._name = name

    def __format__(self, spec: str) -> str:
        word, _, other = spec.partition(" ")
        if word == "to":
            return write_range(self._error, self._form, self._name, other)
        if word == "number":
            return write_number(self._value)
        if word == "decimal":
            return format_decimal(self._value, getattr(self._error, other))
        value = self._value - getattr(self._error, other) if word == "minus" else self._value
        if word and self._form.write is write_money:
            return write_money_short(value, self._error)
        text = self._form.write(value, self._error)
        return rename(text, self._names) if self._form.has_code else text


class _Names:
    """Gives a template the names of its fields, and collects them in ``seen``."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getitem__(self, name: str) -> "_Name":
        self.seen.append(name)
        return _Name(name, self.seen)


class _Words:
    """Gives a piece of code the names of its fields in capitals, as the help of a shell command writes them."""

    def __getitem__(self, name: str) -> str:
        return name.upper()


class _Name:
    """The name of a field, to be written into a template."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self._name, self._seen = name, seen

    def __format__(self, spec: str) -> str:
        word, _, other = spec.partition(" ")
        if not other:
            return f"`{self._name}`"
        self._seen.append(other)
        if word == "decimal":
            return f"`{self._name}`"
        return f"`{self._name}` {'-' if word == 'minus' else 'to'} `{other}`"
