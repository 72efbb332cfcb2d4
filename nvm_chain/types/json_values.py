"""Conversion of values to JSON. The type of a field decides its form in JSON, and money becomes text."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints, is_typeddict

from nvm_chain.errors.fields import Form
from nvm_chain.errors.formatting import keep_exact


def to_json(value: object) -> Any:
    r"""Convert a value to a JSON value.

    Plan ids and bytes become hexadecimal text. Money becomes decimal text of base units. An enum becomes its name in
    small letters. Other integers stay integers below 2**53, and become text from 2**53 on, because many parsers would
    round them.

    >>> to_json({"salt": b"\xff", "splits": (1, 2**53)})
    {'salt': '0xff', 'splits': [1, '9007199254740992']}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    if isinstance(value, Mapping):
        return {_name(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return keep_exact(value) if value is None or isinstance(value, bool | int | str) else str(value)


def fields_of(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields by name, each as its JSON value."""
    hints = _read_hints(cast(Hashable, type(value)))
    return {field.name: _write(hints[field.name], getattr(value, field.name)) for field in fields(value)}


def find_form(hint: object) -> Form | None:
    """Return the JSON form that a type annotation names, or None if it does not name a form.

    >>> from nvm_chain.errors.fields import Money
    >>> find_form(Money).to_json(5), find_form(int)
    ('5', None)
    """
    return next((item for item in getattr(hint, "__metadata__", ()) if isinstance(item, Form)), None)


@cache
def _read_hints(kind: Hashable) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _write(hint: Any, value: Any) -> Any:
    """Convert a value by the form that its type names. The items of a collection are converted by their own types."""
    form = find_form(hint)
    if value is None or form is not None:
        return None if value is None else keep_exact(form.to_json(value)) if form else value
    if get_origin(hint) is Annotated:
        return _write(get_args(hint)[0], value)
    if is_typeddict(hint):
        return {name: _write(kind, value[name]) for name, kind in _read_hints(hint).items()}
    parts = [part for part in get_args(hint) if part is not NoneType]
    if isinstance(value, Mapping) and len(parts) == 2:
        return {_name(key): _write(parts[1], item) for key, item in value.items()}
    if isinstance(value, list | tuple) and parts:
        return [_write(part, item) for part, item in zip(_spread(parts, len(value)), value, strict=True)]
    return _write(parts[0], value) if len(parts) == 1 else to_json(value)


def _spread(parts: list[Any], number: int) -> Iterable[Any]:
    """Return the type of each item of a sequence. ``parts`` are the arguments of the sequence's type."""
    return parts if len(parts) == number and ... not in parts else [parts[0]] * number


def _name(key: object) -> str:
    return key.name.lower() if isinstance(key, Enum) else str(key)
