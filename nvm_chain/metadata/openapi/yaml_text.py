"""YAML within limits: text keys, no duplicate keys, and no aliases that multiply the size of a document.

Values become what JSON has: null, true, false, lists, dictionaries with text keys, and text. A number stays text, as it
is written. PyYAML reads the text, with its C parser where that is installed, and this module builds the values. So no
tag of a document creates an object, and an alias is counted with everything that it stands for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import InvalidOpenApi, MissingExtra
from nvm_chain.types.json_text import MOST_LEVELS

MAX_VALUES: Final = 1_000_000
"""The largest number of values in a document. What an alias stands for counts again for each alias."""
EXTRA: Final = "gateway"
"""The extra that installs PyYAML."""
MERGE: Final = "<<"
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TAGS: Final = frozenset({"str", "int", "float", "bool", "null", "timestamp", "map", "seq"})
_TAG_PREFIX: Final = "tag:yaml.org,2002:"


def parse_yaml(text: str) -> Any:
    r"""Read one YAML document.

    Raises:
        MissingExtra: PyYAML is not installed.
        InvalidOpenApi: The text is not YAML, or goes beyond a limit.

    >>> parse_yaml("servers: [{url: /v1}]\nport: 8443")
    {'servers': [{'url': '/v1'}], 'port': '8443'}
    """
    try:
        import yaml
    except ImportError:
        raise MissingExtra("An OpenAPI document in YAML", EXTRA) from None
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidOpenApi(f"line {line}", f"it is not YAML, because {error.problem}") from None
    except yaml.YAMLError:
        raise InvalidOpenApi("as YAML", "it has a character that YAML does not allow") from None
    return builder.root


@dataclass(slots=True)
class _Container:
    """A list or a dictionary whose end is not read yet. ``key`` waits for its value, ``start`` is a count of values."""

    value: Any
    anchor: str | None
    start: int
    key: str | None = None


class _Builder:
    """Builds the value of a document from the events of a parser, without recursion."""

    def __init__(self) -> None:
        self.root: Any = None
        self.count = 0
        self.documents = 0
        self.open: list[_Container] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.takers: Mapping[str, Callable[[Any], None]] = {
            "DocumentStartEvent": self.begin_document,
            "ScalarEvent": self.take_scalar,
            "AliasEvent": self.take_alias,
            "MappingStartEvent": lambda event: self.begin(event, {}),
            "SequenceStartEvent": lambda event: self.begin(event, []),
            "MappingEndEvent": self.end,
            "SequenceEndEvent": self.end,
        }

    def take(self, event: Any) -> None:
        """Take the next event. Events without a value in them, such as the end of the text, are ignored."""
        taker = self.takers.get(type(event).__name__)
        if taker is not None:
            taker(event)

    def begin_document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise _fail(event, "a second document begins there")

    def take_scalar(self, event: Any) -> None:
        self.grow(event, 1)
        value = event.value if self.waits_for_key() else _resolve(event)
        self.add(event, value)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def take_alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            raise _fail(event, f"the alias *{event.anchor} has no complete value before it")
        value, size = self.anchors[event.anchor]
        self.grow(event, size)
        self.add(event, value)

    def begin(self, event: Any, value: Any) -> None:
        _check_tag(event)
        if self.waits_for_key():
            raise _fail(event, "a key is not a text")
        if len(self.open) == MOST_LEVELS:
            raise _fail(event, f"lists and mappings nest deeper than {MOST_LEVELS} levels")
        start = self.count
        self.grow(event, 1)
        self.add(event, value)
        self.open.append(_Container(value, event.anchor, start))

    def end(self, event: Any) -> None:
        done = self.open.pop()
        if isinstance(done.value, dict) and MERGE in done.value:
            _merge(event, done.value)
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.count - done.start)

    def waits_for_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].value, dict) and self.open[-1].key is None

    def grow(self, event: Any, size: int) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            reason = f"it has more than {MAX_VALUES:,} values, with those that aliases repeat"
            raise InvalidOpenApi(_place(event), reason, "Import a smaller document, or the same in JSON")

    def add(self, event: Any, value: Any) -> None:
        """Put a value into the innermost list or dictionary."""
        if not self.open:
            self.root = value
            return
        inner = self.open[-1]
        if isinstance(inner.value, list):
            inner.value.append(value)
        elif inner.key is not None:
            inner.value[inner.key], inner.key = value, None
        elif not isinstance(value, str):
            raise _fail(event, "a key is not a text")
        elif value in inner.value:
            raise _fail(event, f"the key {value[:60]} is there twice")
        else:
            inner.key = value


def _merge(event: Any, value: dict[str, Any]) -> None:
    """Replace the key ``<<`` by the pairs of the mappings that it names. The mapping's own keys have priority."""
    named = value.pop(MERGE)
    for other in named if isinstance(named, list) else [named]:
        if not isinstance(other, dict):
            raise _fail(event, "what << names is not a mapping")
        for key, item in other.items():
            value.setdefault(key, item)


def _resolve(event: Any) -> Any:
    """Return the value of a scalar by the core schema of YAML 1.2, with a number as text."""
    _check_tag(event)
    is_plain, is_tagged = event.implicit[0], event.tag not in (None, "!")
    kind = event.tag.removeprefix(_TAG_PREFIX) if is_tagged else ""
    if event.value in _NULLS and (is_plain or kind == "null"):
        return None
    if event.value in _BOOLEANS and (is_plain or kind == "bool"):
        return _BOOLEANS[event.value]
    return event.value


def _check_tag(event: Any) -> None:
    """Refuse every tag except those of YAML's own simple types."""
    if event.tag not in (None, "!") and event.tag.removeprefix(_TAG_PREFIX) not in _TAGS:
        raise _fail(event, f"the tag {event.tag[:60]} has no meaning in OpenAPI")


def _fail(event: Any, reason: str) -> InvalidOpenApi:
    return InvalidOpenApi(_place(event), reason)


def _place(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"
