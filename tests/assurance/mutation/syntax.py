"""The syntax tree of one source file, as solc gives it: what stands where, and in what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

Raw = dict[str, Any]

_NOT_MUTATED: Final = {
    "ErrorDefinition",
    "EventDefinition",
    "ImportDirective",
    "InheritanceSpecifier",
    "InlineAssembly",
    "OverrideSpecifier",
    "PragmaDirective",
    "StructDefinition",
    "StructuredDocumentation",
    "UsingForDirective",
    "ElementaryTypeName",
    "ArrayTypeName",
    "Mapping",
    "UserDefinedTypeName",
}


@dataclass(frozen=True)
class Node:
    """One node, the bytes it stands on, and what it stands in."""

    raw: Raw = field(repr=False)
    parent: "Node | None" = field(repr=False)
    role: str
    """The field of the parent that it is."""

    @property
    def kind(self) -> str:
        """Its type, as solc calls it."""
        kind: str = self.raw["nodeType"]
        return kind

    @property
    def start(self) -> int:
        """Its first byte."""
        return int(self.raw["src"].split(":")[0])

    @property
    def end(self) -> int:
        """One more than its last byte."""
        start, length, _ = self.raw["src"].split(":")
        return int(start) + int(length)

    @property
    def type(self) -> str:
        """The type of its value."""
        return str((self.raw.get("typeDescriptions") or {}).get("typeString") or "")

    def child(self, role: str) -> "Node":
        """Return the node that is this field."""
        return Node(self.raw[role], self, role)

    def children(self, role: str) -> list["Node"]:
        """Return the nodes of a list."""
        return [Node(raw, self, role) for raw in self.raw.get(role) or () if raw is not None]

    def has(self, role: str) -> bool:
        """Return whether this field is filled."""
        return isinstance(self.raw.get(role), dict)

    def above(self) -> Iterator["Node"]:
        """Yield what it stands in, from the inside out."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent

    def enclosing(self, kind: str) -> "Node | None":
        """Return the innermost node of a kind that it stands in."""
        return next((node for node in self.above() if node.kind == kind), None)


def walk(raw: Raw, parent: Node | None = None, role: str = "") -> Iterator[Node]:
    """Yield every node that may be mutated, outer before inner, in the order of the text."""
    node = Node(raw, parent, role)
    yield node
    for key, value in raw.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and item.get("nodeType", "InlineAssembly") not in _NOT_MUTATED:
                yield from walk(item, node, key)


def place_of(node: Node) -> str:
    """Return where a node stands, as in `Ledger._add`."""
    names = [
        str(each.raw.get("name") or each.raw.get("kind"))
        for each in (node, *node.above())
        if each.kind in {"ContractDefinition", "FunctionDefinition", "ModifierDefinition"}
        or (each.kind == "VariableDeclaration" and each.raw.get("stateVariable"))
    ]
    return ".".join(reversed(names))
