"""Tables of a configuration file, read key by key. Every refusal names the file, the table, the key and the next step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import Enum
from typing import Any, Final, TypeVar

from nvm_chain.errors import InputError, InvalidConfig
from nvm_chain.errors.formatting import format_range, list_choices
from nvm_chain.types.durations import parse_duration

_NEAR: Final = 0.7
_TYPES: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}
_EXAMPLES: Final[Mapping[type, str]] = {
    str: '"…"',
    int: "100, without quotes and without a point",
    bool: "true or false, without quotes",
    list: '["…", "…"]',
    dict: "{ key = … }",
}

Choice = TypeVar("Choice", bound=Enum)
Value = TypeVar("Value")


def find_nearest(typed: str, known: Sequence[str]) -> str | None:
    """Return the known name that is nearest to a typed one, or None if no name is near.

    >>> find_nearest("upstraem", ["upstream", "url"])
    'upstream'
    """
    found = get_close_matches(typed.lower(), known, n=1, cutoff=_NEAR)
    return found[0] if found else None


class Table:
    """A table of the file. Its keys are checked when it is made, so a mistyped key is found before a missing one."""

    def __init__(
        self, file: str, name: str, values: Any, known: Sequence[str], owners: Mapping[str, str] | None = None
    ) -> None:
        """Take a table.

        Args:
            file: The file, for errors.
            name: The table as the file has it, such as ``[chain]``.
            values: What the file has there.
            known: The keys that the table can have.
            owners: The names of other tables, by the keys that belong there.

        Raises:
            InvalidConfig: It is not a table, or a key is not known.
        """
        self._file, self.name = file, name
        if not isinstance(values, dict):
            raise InvalidConfig(
                f"{file}: {name} is {_name_type(values)}, and not a table", f"write {name}, and its keys below"
            )
        self._values: dict[str, Any] = values
        for key in values:
            if key not in known:
                raise self._refuse_key(key, known, (owners or {}).get(key))

    def _refuse_key(self, key: str, known: Sequence[str], owner: str | None) -> InvalidConfig:
        nearest = find_nearest(key, known)
        meant = f"did you mean `{nearest}`? " if nearest else ""
        meant = f"write it below {owner}. " if owner else meant
        problem = f"{self._file}, {self.name}: the key `{key[:40]}` is not known"
        return InvalidConfig(problem, f"{meant}The keys here are {list_choices(known, 'and')}")

    def refuse(self, key: str, problem: str, advice: str) -> InvalidConfig:
        """Return the error for a key. Neither text may show its value, which may be a secret."""
        return InvalidConfig(f"{self._file}, {self.name}: `{key}` {problem}", advice)

    @contextmanager
    def naming(self, key: str | None = None) -> Iterator[None]:
        """Within the block, name the file, the table and perhaps the key in each error for wrong input."""
        try:
            yield
        except InputError as error:
            problem, advice = error.describe()
            place = f"{self._file}, {self.name}" + (f": `{key}`" if key else "")
            raise InvalidConfig(f"{place}: {problem}", advice.removesuffix(".") or "correct it") from None

    def __contains__(self, key: str) -> bool:
        return key in self._values

    # ------------------------------------------------------------------ values

    def read_text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty. Raises InvalidConfig, also if it is missing and has no default."""
        value: str = self._take(key, str, default)
        if not value.strip():
            raise self.refuse(key, "is empty", f"give it a value, or leave `{key}` out")
        return value

    def find_text(self, key: str) -> str | None:
        """Return a text, or None if it is missing. Raises InvalidConfig."""
        return self.read_text(key) if key in self else None

    def read_number(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number within a range. Raises InvalidConfig."""
        value: int = self._take(key, int, default)
        if not least <= value <= most:
            raise self.refuse(key, "is out of range", f"give {format_range(least, most, '').strip()}")
        return value

    def read_flag(self, key: str, *, default: bool) -> bool:
        """Return true or false. Raises InvalidConfig."""
        return bool(self._take(key, bool, default))

    def read_texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of texts. Raises InvalidConfig."""
        values = self._take(key, list, list(default))
        if not all(isinstance(value, str) and value for value in values):
            raise self.refuse(key, "is not a list of texts", f"write {key} = {_EXAMPLES[list]}")
        return tuple(values)

    def read_duration(self, key: str, default: int) -> int:
        """Return a duration in seconds. The file has a text with a unit, or seconds as a number. Raises InvalidConfig."""
        given = self._values.get(key, default)
        if isinstance(given, str):
            with self.naming():
                return parse_duration(given, f"`{key}`")
        value: int = self._take(key, int, default)
        if not 0 < value < 2**32:
            raise self.refuse(key, "is not a duration", 'write one such as "10 minutes"')
        return value

    def read_choice(self, key: str, kinds: type[Choice], default: Choice) -> Choice:
        """Return a member of an enum by its value. Raises InvalidConfig."""
        typed = self._take(key, str, default.value)
        choices = [str(kind.value) for kind in kinds]
        if typed in choices:
            return kinds(typed)
        nearest = find_nearest(typed, choices)
        meant = f'did you mean "{nearest}"? ' if nearest else ""
        raise self.refuse(key, "has a value that is not known", f"{meant}Give {list_choices(choices)}")

    def read_table(self, key: str, known: Sequence[str]) -> "Table | None":
        """Return a table within this one, or None if it is missing. Raises InvalidConfig."""
        if key not in self:
            return None
        return Table(self._file, f"{self.name} {key}", self._take(key, dict, None), known)

    def read_tables(self, key: str, known: Sequence[str]) -> "list[Table]":
        """Return the tables in a list, which is empty if it is missing. Raises InvalidConfig."""
        found = self._take(key, list, [])
        return [
            Table(self._file, f"{self.name} {key} number {number}", each, known) for number, each in enumerate(found, 1)
        ]

    def require(self, key: str, advice: str) -> None:
        """Raise InvalidConfig if a key is missing."""
        if key not in self:
            raise InvalidConfig(f"{self._file}, {self.name}: `{key}` is missing", advice)

    def _take(self, key: str, kind: type, default: Any) -> Any:
        """Return a value of a type. A bool is not a number here, although Python says so."""
        value = self._values.get(key, default)
        if value is None:
            raise InvalidConfig(f"{self._file}, {self.name}: `{key}` is missing", f"write {key} = {_EXAMPLES[kind]}")
        if type(value) is not kind:
            raise self.refuse(
                key, f"is {_name_type(value)}, and not {_TYPES[kind]}", f"write {key} = {_EXAMPLES[kind]}"
            )
        return value


def _name_type(value: Any) -> str:
    return _TYPES.get(type(value), "a value of another type")


def read_if(table: Table | None, read: Callable[[Table], Value]) -> Value | None:
    """Return what is read from a table, or None if there is none."""
    return None if table is None else read(table)
