"""The base class of all errors. It stores the fields of an error, and composes the message from them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self, dataclass_transform

from nvm_chain.errors.fields import ANY, Form
from nvm_chain.errors.formatting import begin_sentence, keep_exact
from nvm_chain.errors.templates import PYTHON, fill, rename

HELP: Final = "nvm-chain help errors"
"""The command that describes an error. Its argument is the error's name."""


class Template:
    """A template as an attribute. A class returns the raw template, an instance the text with the values of its fields."""

    def __init__(self, template: str, position: int) -> None:
        self._template, self._position = template, position

    def __get__(self, error: "NvmChainError | None", owner: type | None = None) -> str:
        return self._template if error is None else error.describe()[self._position]


@dataclass_transform(eq_default=False)
class NvmChainError(Exception):
    """Base of every error that this package raises on purpose.

    A subclass declares fields, as a dataclass does, and two templates: ``problem`` says what went wrong, ``next_step``
    says what to do. On an instance, both are texts with the values of the fields.
    """

    problem: ClassVar[str] = ""
    next_step: ClassVar[str] = ""
    explained: ClassVar[str] = ""
    """The template that replaces ``problem`` once `explain` has added a cause. Empty if the problem stays the same.

    A class sets it if its problem says what may be the cause.
    """
    field_names: ClassVar[tuple[str, ...]] = ()
    """The fields, in the order of the constructor's arguments."""
    __match_args__: ClassVar[tuple[str, ...]] = ()
    forms: ClassVar[Mapping[str, Form]] = {}
    """For each field, how messages and JSON write it."""
    anchor: ClassVar[str] = "nvmchainerror"
    """The anchor of the error on the documentation site's page of errors."""
    link: ClassVar[str] = f"{HELP} NvmChainError"
    """The command that describes the error. A subclass outside this package has the command of its base class."""
    token_label: tuple[str, int] | None = None
    """The symbol and the decimals of the token in which amounts are given. None until `name_token` sets them."""
    explanation: tuple[str, str] | None = None
    """A cause that was found later, and its next step. None until `explain` sets them."""
    mined: str | None = None
    """The hash of the mined transaction that failed with this error. None if no transaction was mined."""
    _defaults: ClassVar[Mapping[str, object]] = {}

    def __init_subclass__(cls) -> None:
        """Read the fields and templates of a subclass. Compiles no code, because that is slow for so many classes."""
        cls.anchor = cls.__name__.lower()
        cls.link = f"{HELP} {cls.__name__}" if cls.__module__.startswith("nvm_chain.errors.") else cls.link
        kinds = cls.__annotations__
        if kinds:
            cls.forms = {name: _find_form(kind) for name, kind in kinds.items()}
            cls.field_names = tuple(kinds)
            cls.__match_args__ = cls.field_names  # type: ignore[misc]  # type checkers expect a dataclass to set it
            cls._defaults = {name: cls.__dict__[name] for name in kinds if name in cls.__dict__}
        for position, name in enumerate(("problem", "next_step")):
            if name in cls.__dict__:
                setattr(cls, name, Template(cls.__dict__[name], position))

    def __init__(self, *values: object, **named: object) -> None:
        """Take the fields in their order, or by name."""
        fields = self._bind(values, named) if type(self).problem else {}
        self.__dict__.update(fields)
        super().__init__(*(_drop_defaults(fields, self._defaults) if fields else values))
        self.add_note(self.note)

    def _bind(self, values: tuple[object, ...], named: Mapping[str, object]) -> dict[str, object]:
        """Return the value of each field, without secrets in texts. Raises TypeError for wrong arguments, as a call does."""
        given = {**dict(zip(self.field_names, values, strict=False)), **named}
        fields = {name: given.get(name, self._defaults.get(name)) for name in self.field_names}
        missing = [name for name in fields if name not in given and name not in self._defaults]
        if missing or len(given) != len(values) + len(named) or len(fields) != len({**fields, **given}):
            raise TypeError(f"{type(self).__name__} takes ({', '.join(self.field_names)})")
        return {
            name: self.forms[name].hide(value) if isinstance(value, str) else value for name, value in fields.items()
        }

    # ------------------------------------------------------------------ what is added later

    def name_token(self, symbol: str, decimals: int) -> Self:
        """Set the token of the amounts, so that messages show whole units. Returns the error."""
        self.token_label = (symbol, decimals)
        return self

    def explain(self, cause: str, next_step: str) -> Self:
        """Add a cause to the problem, and replace the next step. Both are sentences. Returns the error."""
        self.explanation = (cause, next_step)
        return self

    # ------------------------------------------------------------------ what the error says

    @property
    def fields(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(self, name) for name in self.field_names}

    def describe(self, names: Mapping[str, str] = PYTHON) -> tuple[str, str]:
        """Return the problem and the next step. In both texts, code in backticks is replaced by its value in ``names``."""
        kind = type(self)
        if self.explanation is None:
            return fill(kind.problem, self, names), fill(kind.next_step, self, names)
        cause, next_step = (f"{begin_sentence(text)}." for text in self.explanation)
        return f"{fill(kind.explained or kind.problem, self, names)} {rename(cause, names)}", rename(next_step, names)

    @property
    def note(self) -> str:
        """The last line of a traceback. It names the command that describes the error."""
        return f"See `{self.link}`."

    def message(self) -> str:
        """Return what went wrong and what to do next."""
        return " ".join(filter(None, self.describe())) if type(self).problem else super().__str__()

    def to_dict(self) -> dict[str, Any]:
        """Return the error as a JSON object. Plan ids and bytes are hexadecimal text, money is decimal text of base units."""
        problem, next_step = self.describe()
        told = {
            "type": type(self).__name__,
            "message": self.message(),
            "problem": problem,
            "next_step": next_step,
            "fields": {name: keep_exact(self.forms[name].to_json(value)) for name, value in self.fields.items()},
            "link": self.link,
        }
        if self.token_label is not None:
            told["token"] = dict(zip(("symbol", "decimals"), self.token_label, strict=True))
        return told

    def __str__(self) -> str:
        return self.message()

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self.fields.items()] or map(repr, self.args)
        return f"{type(self).__name__}({', '.join(shown)})"


def _find_form(kind: object) -> Form:
    """Return the form that a field's type names, or `ANY`."""
    return next((item for item in getattr(kind, "__metadata__", ()) if isinstance(item, Form)), ANY)


def _drop_defaults(fields: Mapping[str, object], defaults: Mapping[str, object]) -> tuple[object, ...]:
    """Return the values, without default values at the end."""
    names = list(fields)
    while names and names[-1] in defaults and fields[names[-1]] == defaults[names[-1]]:
        names.pop()
    return tuple(fields[name] for name in names)
