"""Operations of an OpenAPI document: methods and paths, with what a seller can choose them by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.errors import InvalidOpenApi
from nvm_chain.metadata.openapi.references import read_path_item

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The fields of a path item that are operations."""
MAX_OPERATIONS: Final = 5_000
"""The largest number of operations in a document."""
INTERNAL: Final = "x-internal"
"""The field of an operation or a path item that its author does not want to publish."""


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """A server as a document names it: the template of its URL, and the default and the choices of each variable.

    ``is_shared`` says that the document has the server for all operations, and not a path or an operation for itself.
    """

    url: str
    variables: Mapping[str, tuple[str | None, tuple[str, ...]]]
    place: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a document. ``server`` is None if no server is named, which means the URL of the document."""

    method: str
    path: str
    operation_id: str
    tags: tuple[str, ...]
    server: ServerEntry | None
    is_internal: bool

    @property
    def name(self) -> str:
        """The method and the path, as messages show them."""
        return f"{self.method} {self.path}"


def read_operations(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Return the operations of a document in its order. Webhooks and callbacks are left out. No network.

    Of several servers the first counts. Servers of an operation come before those of its path, and these before those
    of the document.

    Raises:
        InvalidOpenApi: The document has no operations or too many, or a part of it does not have the form of OpenAPI.
    """
    paths = document.get("paths")
    if not isinstance(paths, Mapping):
        raise InvalidOpenApi("paths", "it has no paths")
    shared = read_servers(document, "servers", is_shared=True)
    found: list[Operation] = []
    for path, item in paths.items():
        if path.startswith("x-"):
            continue
        if not read_text(path, "paths").startswith("/"):
            raise InvalidOpenApi(f"paths.{path}", "a path begins with /")
        found += _read_path(path, read_path_item(document, item, f"paths.{path}"), shared[:1])
        if len(found) > MAX_OPERATIONS:
            raise InvalidOpenApi("paths", f"it has more than {MAX_OPERATIONS:,} operations")
    if not found:
        raise InvalidOpenApi("paths", "it has no operations")
    return tuple(found)


def _read_path(path: str, item: Mapping[str, Any], shared: tuple[ServerEntry, ...]) -> Iterator[Operation]:
    place = f"paths.{path}"
    own = read_servers(item, f"{place}.servers")
    for method in item:
        operation = item[method]
        if method not in METHODS:
            continue
        where = f"{place}.{method}"
        if not isinstance(operation, Mapping):
            raise InvalidOpenApi(where, "it is not an object")
        servers = read_servers(operation, f"{where}.servers") or own or shared
        yield Operation(
            method.upper(),
            path,
            read_text(operation.get("operationId", ""), f"{where}.operationId"),
            _read_tags(operation, where),
            servers[0] if servers else None,
            bool(operation.get(INTERNAL) or item.get(INTERNAL)),
        )


def _read_tags(operation: Mapping[str, Any], place: str) -> tuple[str, ...]:
    return tuple(read_text(tag, f"{place}.tags") for tag in _read_list(operation, "tags", f"{place}.tags"))


def _read_list(value: Mapping[str, Any], name: str, place: str) -> list[Any]:
    found = value.get(name)
    if found is not None and not isinstance(found, list):
        raise InvalidOpenApi(place, "it is not a list")
    return found or []


def read_text(value: object, place: str) -> str:
    """Return a text of a document. A number counts as its decimal digits, because YAML lets authors omit quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InvalidOpenApi(place, "it is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidOpenApi(place, "it has half a character, which no text in UTF-8 has") from None
    return value


def read_servers(value: Mapping[str, Any], place: str, *, is_shared: bool = False) -> tuple[ServerEntry, ...]:
    """Return the servers in the field ``servers`` of a document, a path item or an operation.

    Raises InvalidOpenApi if a server or a variable of it is malformed.
    """
    found = []
    for index, server in enumerate(_read_list(value, "servers", place)):
        where = f"{place}[{index}]"
        if not isinstance(server, Mapping):
            raise InvalidOpenApi(where, "it is not an object")
        url = read_text(server.get("url"), f"{where}.url")
        found.append(ServerEntry(url, _read_variables(server, where), where, is_shared))
    return tuple(found)


def _read_variables(server: Mapping[str, Any], place: str) -> dict[str, tuple[str | None, tuple[str, ...]]]:
    variables = server.get("variables")
    if variables is not None and not isinstance(variables, Mapping):
        raise InvalidOpenApi(f"{place}.variables", "it is not an object")
    found = {}
    for name, variable in (variables or {}).items():
        where = f"{place}.variables.{name}"
        if not isinstance(variable, Mapping):
            raise InvalidOpenApi(where, "it is not an object")
        default = variable.get("default")
        choices = tuple(read_text(choice, f"{where}.enum") for choice in _read_list(variable, "enum", f"{where}.enum"))
        found[name] = (None if default is None else read_text(default, f"{where}.default"), choices)
    return found
