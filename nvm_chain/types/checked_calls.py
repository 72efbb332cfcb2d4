"""Checks of the arguments of public functions: an argument of another kind is a typed error before anything is sent.

The checks follow the annotations. Classes of this package and sequences are checked before the call. The functions
themselves check ids, addresses and amounts; if one fails with a TypeError or an AttributeError instead, the error names
the argument of a wrong kind. An object of a class of the caller's own is always accepted.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from types import UnionType
from typing import Any, Final, NewType, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from nvm_chain.errors import InvalidArgument, NvmChainError
from nvm_chain.errors.fields import Quantity

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE: Final = "nvm_chain"
_WRONG_MODULES: Final = (_PACKAGE, "eth_account", "builtins")
"""Modules whose classes the checks judge. An object of any other class is accepted."""
_SOURCES: Final = {
    "Chain": ", from `connect`",
    "CreditsConfig": ", such as from `get_fixed_credits_config`",
    "PriceConfig": ", such as from `get_erc20_price_config`",
    "RegisteredPlan": ", from `register_plan`",
    "SignedOrder": ", such as from `sign_plan_order`",
    "SignedVoucher": ", such as from `sign_next_voucher`",
}
"""For some classes, the function that makes an object of it."""


@dataclass
class Kind:
    """What an annotation accepts."""

    classes: list[type] = field(default_factory=list)
    items: "list[Kind]" = field(default_factory=list)
    """For a sequence or a mapping, the kind of its items. An item has to fit one of them."""
    pair_length: Quantity = 0
    """The number of values if the annotation is a tuple of fixed length, else 0."""
    is_sequence: bool = False
    is_open: bool = False
    """Whether the annotation accepts more than this module can judge."""

    @property
    def is_checked(self) -> bool:
        """Return whether the annotation names a class of this package, or a sequence."""
        return self.is_sequence or any(item.__module__.startswith(_PACKAGE) for item in self.classes)

    def fits(self, value: object) -> bool:
        """Return whether a value is not of a wrong kind."""
        if isinstance(value, tuple(self.classes)) or self.is_open:
            return True
        if self.pair_length and isinstance(value, tuple | list):
            return len(value) == self.pair_length
        if self.is_sequence:
            return isinstance(value, Iterable) and not isinstance(value, str | bytes) and self._takes_items(value)
        return type(value).__module__.partition(".")[0] not in _WRONG_MODULES

    def _takes_items(self, values: Iterable[object]) -> bool:
        """Return whether the items of a list or tuple fit. Other iterables are not read, because some end by it."""
        if not self.items or not isinstance(values, list | tuple):
            return True
        return all(any(kind.fits(value) for kind in self.items) for value in values)

    def describe(self) -> str:
        """Return what to give, for a message."""
        names = dict.fromkeys("dict" if item is Mapping else item.__name__ for item in self.classes)
        told = " or ".join(f"{_add_article(name)}{_SOURCES.get(name, '')}" for name in names if name != "NoneType")
        if not self.is_sequence:
            return told
        items = " or ".join(name for item in self.items for name in item.name_items())
        return f"a list{f' of {items}' if items else ''}{f', or {told}' if told else ''}"

    def name_items(self) -> list[str]:
        """Return the names of the classes of an item, for a message."""
        return ["pairs"] if self.pair_length == 2 else [item.__name__ for item in self.classes]


def check_arguments(function: Function) -> Function:
    """Make a function refuse arguments of a wrong kind. If no parameter can be judged, the result is the function itself.

    >>> from nvm_chain.types.plans import build_terms
    >>> try:
    ...     check_arguments(build_terms)("20 USDC", None)
    ... except InvalidArgument as error:
    ...     print(error.problem)
    build_terms() got a str as the argument price.
    """
    kinds = read_kinds(function)
    if not kinds:
        return function
    names = list(inspect.signature(function).parameters)
    checked = [name for name, kind in kinds.items() if kind.is_checked]

    def check(judged: Iterable[str], arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        if named.keys() <= set(names):  # else the call itself raises, and may know a parameter's former name
            _check(function.__name__, judged, kinds, {**dict(zip(names, arguments, strict=False)), **named})

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        if checked:
            check(checked, arguments, named)
        try:
            return function(*arguments, **named)
        except NvmChainError:
            raise
        except (AttributeError, TypeError):
            check(kinds, arguments, named)
            raise

    return call  # type: ignore[return-value]  # it has the parameters of the function


def _check(function: str, names: Iterable[str], kinds: Mapping[str, Kind], given: Mapping[str, object]) -> None:
    """Raise InvalidArgument for the first of the named arguments that does not fit."""
    for name in names:
        if name in given and not kinds[name].fits(given[name]):
            raise InvalidArgument(function, name, _name_wrong(kinds[name], given[name]), _advise(name, kinds, given))


def read_kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """Return the kinds of the parameters that can be judged. Empty if the annotations cannot be read."""
    try:
        hints = get_type_hints(function)
    except NameError:  # a name that only type checkers import
        return {}
    parameters = inspect.signature(function).parameters
    flat = [name for name, item in parameters.items() if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]
    kinds = {name: read_kind(hints[name]) for name in flat if name in hints}
    return {name: kind for name, kind in kinds.items() if not kind.is_open}


def read_kind(annotation: Any) -> Kind:
    """Return what an annotation accepts.

    >>> read_kind(list[int] | None).is_sequence
    True
    """
    kind = Kind()
    for member in _flatten(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            kind.pair_length = len(arguments)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            kind.is_sequence = True
            kind.classes.append(Mapping)
        elif isinstance(origin, type) and issubclass(origin, Iterable) and arguments:
            kind.is_sequence = True
            kind.items.append(read_kind(arguments[0]))
        elif _is_plain_class(member):
            kind.classes.append(member)
        else:
            kind.is_open = True
    return kind


def _flatten(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, or the annotation itself. A `NewType` counts as the type below it."""
    if isinstance(annotation, NewType):
        annotation = annotation.__supertype__
    if get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _flatten(member)
    else:
        yield annotation


def _is_plain_class(member: Any) -> bool:
    is_special = member in (Any, object) or is_typeddict(member) or getattr(member, "_is_protocol", False)
    return isinstance(member, type) and not is_special


def _advise(name: str, kinds: Mapping[str, Kind], given: Mapping[str, object]) -> str:
    """Return what to do about an argument of a wrong kind."""
    kind, value = kinds[name], given[name]
    for other in kinds.keys() & given.keys() - {name}:
        if kinds[other].fits(value) and not kinds[other].fits(given[other]) and kind.fits(given[other]):
            return f"exchange `{name}` and `{other}`: they are in the wrong order"
    if kind.is_sequence and not isinstance(value, list | tuple) and any(item.fits(value) for item in kind.items):
        return f"give a list, even for one item: `{name}=[…]`"
    return f"give {kind.describe()}"


def _name_kind(value: object) -> str:
    """Return the kind of a value. The value itself is not shown, because it may be a key."""
    if value is None:
        return "None"
    return _add_article(type(value).__name__)


def _name_wrong(kind: Kind, value: object) -> str:
    """Return the kind of a value that does not fit, or the kind of its first item that does not fit."""
    if kind.is_sequence and isinstance(value, list | tuple):
        wrong = next(item for item in value if not any(each.fits(item) for each in kind.items))
        return f"{_add_article(type(value).__name__)} with {_name_kind(wrong)} in it"
    return _name_kind(value)


def _add_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


check_once: Final = cache(check_arguments)
"""`check_arguments`, with one result for each function."""
