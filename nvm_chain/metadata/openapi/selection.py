"""Selectors: the texts by which a seller chooses operations, by tag, path or operation id."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from nvm_chain.errors import InvalidConfig
from nvm_chain.metadata.endpoint_costs import CostRange
from nvm_chain.metadata.openapi.operations import Operation

TAG: Final = "tag:"
_PATH: Final = re.compile(r"(?:([A-Za-z]{1,20}) +)?(/.*)")
MAX_SELECTOR: Final = 500
"""The largest number of characters in a selector."""

Access = Literal["paid", "open", "private"]
"""Who may call an operation: whoever pays, everybody, or nobody through the agent."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A choice of operations by tag, path or operation id. ``*`` in the text stands for any characters, a slash included.

    ``tag:pets`` names a tag, ``/pets/*`` a path and ``DELETE /pets/*`` a method and a path, as the document writes
    them. Any other text is an operation id.
    """

    text: str

    def __post_init__(self) -> None:
        """Check that the text is a selector."""
        if not self.text.strip() or len(self.text) > MAX_SELECTOR:
            raise InvalidConfig(
                f"{self.text[:60]!r} does not choose operations",
                "give tag:NAME, a path such as /pets/*, a method and a path, or an operation id",
            )

    def selects(self, operation: Operation) -> bool:
        """Return whether this selector chooses an operation. No network.

        >>> Selector("/pets/*").selects(Operation("GET", "/pets/{id}/toys", "listToys", (), None, False))
        True
        """
        if self.text.startswith(TAG):
            return any(_matches(self.text.removeprefix(TAG), tag) for tag in operation.tags)
        found = _PATH.fullmatch(self.text)
        if found is None:
            return _matches(self.text, operation.operation_id)
        method, path = found.groups()
        return method in (None, operation.method, operation.method.lower()) and _matches(path, operation.path)


def _matches(pattern: str, text: str) -> bool:
    """Return whether a text is as a pattern says. The time grows with the length of the text, and no faster."""
    if "*" not in pattern:
        return pattern == text
    first, *middle, last = pattern.split("*")
    start, end = len(first), len(text) - len(last)
    if start > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in middle:
        found = text.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True


@dataclass(frozen=True, slots=True)
class Choice:
    """What a seller chooses: selectors of operations that are public, left out, or open, and the costs of operations.

    Without ``include`` all operations are public. ``exclude`` has priority over the others. Of several costs for an
    operation the last one counts.
    """

    include: Sequence[Selector] = ()
    exclude: Sequence[Selector] = ()
    open_operations: Sequence[Selector] = ()
    costs: Sequence[tuple[Selector, CostRange]] = ()

    def find_access(self, operation: Operation) -> Access:
        """Return who may call an operation. What its author marked as internal is private."""
        is_open = any(each.selects(operation) for each in self.open_operations)
        is_chosen = is_open or not self.include or any(each.selects(operation) for each in self.include)
        if operation.is_internal or not is_chosen or any(each.selects(operation) for each in self.exclude):
            return "private"
        return "open" if is_open else "paid"

    def find_cost(self, operation: Operation) -> CostRange | None:
        """Return the cost of an operation, or None if the seller did not choose one."""
        return next((cost for selector, cost in reversed(self.costs) if selector.selects(operation)), None)

    def check(self, operations: Sequence[Operation]) -> None:
        """Refuse a selector that chooses nothing, because it is probably mistyped. Raises InvalidConfig."""
        for selector in (*self.include, *self.exclude, *self.open_operations):
            if not any(selector.selects(operation) for operation in operations):
                raise InvalidConfig(
                    f"{selector.text!r} chooses no operation of the OpenAPI document",
                    "compare it with the tags, paths and operation ids of the document",
                )
        paid = [operation for operation in operations if self.find_access(operation) == "paid"]
        for selector, _ in self.costs:
            if not any(selector.selects(operation) for operation in paid):
                raise InvalidConfig(
                    f"the cost for {selector.text!r} is for no paid operation of the OpenAPI document",
                    "compare it with the tags, paths and operation ids of the paid operations",
                )
