"""What can be wrong with a line: each operator takes a node and says what could stand in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.assurance.mutation.syntax import Node, walk


@dataclass(frozen=True)
class Edit:
    """A change of one node's text: some bytes of the file are replaced."""

    node: Node
    """What is shown of it."""
    pieces: tuple[tuple[int, int, bytes], ...]
    """First byte, one more than the last, what comes there."""


Operator = Callable[[Node, bytes], Iterator[Edit]]

_BOUNDARY: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_NEGATION: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_ARITHMETIC: Final = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "**": "*"}
_BITS: Final = {"&": "|", "|": "&", "^": "&", "<<": ">>", ">>": "<<"}
_LOGIC: Final = {"&&": "||", "||": "&&"}
_ASSIGNED: Final = {"+=": ("=", "-="), "-=": ("=", "+="), "|=": ("=", "&="), "&=": ("=", "|=")}
_STATEMENTS: Final = {"ExpressionStatement", "EmitStatement", "RevertStatement", "Return"}
_NOTHING: Final = b"{}"


def text_of(node: Node, source: bytes) -> bytes:
    """Return what a node stands on."""
    return source[node.start : node.end]


def _replace(node: Node, new: bytes) -> Edit:
    return Edit(node, ((node.start, node.end, new),))


def _sides(node: Node) -> tuple[Node, Node]:
    names = ("leftHandSide", "rightHandSide") if node.kind == "Assignment" else ("leftExpression", "rightExpression")
    return node.child(names[0]), node.child(names[1])


def _with_sign(node: Node, source: bytes, new: str) -> Edit:
    """Return a binary operation or an assignment with another sign between its sides."""
    left, right = _sides(node)
    between = source[left.end : right.start]
    sign = node.raw["operator"].encode()
    at = left.end + between.index(sign)
    return Edit(node, ((at, at + len(sign), new.encode()),))


def _changed_sign(signs: dict[str, str]) -> Operator:
    def change(node: Node, source: bytes) -> Iterator[Edit]:
        if node.kind == "BinaryOperation" and node.raw["operator"] in signs:
            yield _with_sign(node, source, signs[node.raw["operator"]])

    return change


def _negated_comparison(node: Node, source: bytes) -> Iterator[Edit]:
    # Where it is a whole condition, forcing it both ways asks more.
    if node.role != "condition" or (node.parent and node.parent.kind in {"ForStatement", "WhileStatement"}):
        yield from _changed_sign(_NEGATION)(node, source)


def _one_side(node: Node, source: bytes) -> Iterator[Edit]:
    signs = {*_ARITHMETIC, *_BITS, *_LOGIC}
    if node.kind == "BinaryOperation" and node.raw["operator"] in signs:
        left, right = _sides(node)
        yield _replace(node, text_of(left, source))
        yield _replace(node, text_of(right, source))


def _conditions(node: Node) -> Iterator[Node]:
    if node.kind in {"IfStatement", "WhileStatement", "ForStatement", "Conditional"} and node.has("condition"):
        yield node.child("condition")


def _negated(node: Node, source: bytes) -> Iterator[Edit]:
    for condition in _conditions(node):
        # Of a simple one, forcing it both ways asks more.
        if condition.raw.get("operator") in _LOGIC:
            yield _replace(condition, b"!(" + text_of(condition, source) + b")")


def _forced(node: Node, source: bytes) -> Iterator[Edit]:
    for condition in _conditions(node):
        # A check that always fails is found by the first call that comes to it.
        if node.kind == "Conditional" or (node.kind == "IfStatement" and not _is_check(node)):
            yield _replace(condition, b"true")
        yield _replace(condition, b"false")


def _is_check(node: Node) -> bool:
    body = node.child("trueBody")
    while body.kind == "Block" and len(body.raw["statements"]) == 1:
        body = body.children("statements")[0]
    return body.kind == "RevertStatement"


def _deleted(node: Node, source: bytes) -> Iterator[Edit]:
    # A condition that is never true deletes what hangs on it.
    if node.kind in _STATEMENTS and not (node.kind == "RevertStatement" and _is_branch(node)):
        yield Edit(node, ((*_whole(node, source), _NOTHING),))


def _refused(node: Node, source: bytes) -> Iterator[Edit]:
    """Ask of each branch that some test takes it. Deleting shows it of what is not in a branch."""
    if node.kind in {"ExpressionStatement", "EmitStatement", "Return"} and _is_branch(node):
        yield _replace(node, b"revert()")


def _is_branch(node: Node) -> bool:
    """Return whether it is all that is done under a condition."""
    for outer in node.above():
        if outer.kind not in {"Block", "UncheckedBlock"}:
            return outer.kind == "IfStatement"
        if len(outer.raw["statements"]) > 1:
            return False
    return False


def _without_modifier(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "ModifierInvocation" and node.raw.get("kind") == "modifierInvocation":
        yield _replace(node, b"")


def _other_number(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "Literal" and node.raw["kind"] == "number":
        written = text_of(node, source).decode()
        number = int(written.replace("_", ""), 0)
        others = {number + 1, number - 1, 0} - {number, -1}
        for other in sorted(others):
            shape = f"0x{other:0{len(written) - 2}x}" if written.startswith("0x") else str(other)
            yield _replace(node, shape.encode())
    if node.kind == "MemberAccess" and node.raw["memberName"] == "max" and node.type.startswith("uint"):
        yield _replace(node, text_of(node, source) + b" - 1")


def _other_literal(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "Literal" and node.raw["kind"] == "bool":
        yield _replace(node, b"false" if node.raw["value"] == "true" else b"true")
    if node.kind == "Literal" and node.raw["kind"] == "string":
        yield _replace(node, b'"other"' if node.raw["value"] else b'"x"')


def _swapped_arguments(node: Node, source: bytes) -> Iterator[Edit]:
    parts = []
    if node.kind == "FunctionCall":
        parts = node.children("arguments")
    elif node.kind == "TupleExpression":
        parts = node.children("components")
    for index, first in enumerate(parts):
        second = next((part for part in parts[index + 1 :] if _same_type(first, part)), None)
        if second is not None and text_of(first, source) != text_of(second, source):
            pieces = (
                (first.start, first.end, text_of(second, source)),
                (second.start, second.end, text_of(first, source)),
            )
            yield Edit(node, pieces)


def _same_type(first: Node, second: Node) -> bool:
    numbers = ("uint", "int_const")
    return bool(first.type) and (
        first.type == second.type or (first.type.startswith(numbers) and second.type.startswith(numbers))
    )


def _other_assignment(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "Assignment":
        for sign in _ASSIGNED.get(node.raw["operator"], ()):
            yield _with_sign(node, source, sign)


def _other_step(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "UnaryOperation" and node.raw["operator"] in {"++", "--"}:
        written = text_of(node, source)
        other = written.replace(b"++", b"--") if b"++" in written else written.replace(b"--", b"++")
        yield _replace(node, other)
        # Where only the step counts, before or after is the same.
        if node.parent is None or node.parent.kind != "ExpressionStatement":
            name = text_of(node.child("subExpression"), source)
            sign = node.raw["operator"].encode()
            yield _replace(node, name + sign if node.raw["prefix"] else sign + name)
            yield _replace(node, name)


def _without_unary(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "UnaryOperation" and node.raw["operator"] in {"!", "-", "~"}:
        yield _replace(node, text_of(node.child("subExpression"), source))


def _other_environment(node: Node, source: bytes) -> Iterator[Edit]:
    others = {
        b"msg.sender": (b"tx.origin",),
        b"msg.value": (b"0",),
        b"block.timestamp": (b"(block.timestamp + 1)", b"(block.timestamp - 1)"),
        b"block.chainid": (b"1",),
        b"address(this)": (b"msg.sender",),
        b"gasleft()": (b"30000",),
    }
    for other in others.get(text_of(node, source), ()):
        yield _replace(node, other)


def _swapped_statements(node: Node, source: bytes) -> Iterator[Edit]:
    """Swap neighbours of which one changes something. The order of checks decides only which of two faults is named."""
    if node.kind not in {"Block", "UncheckedBlock"}:
        return
    statements = node.children("statements")
    for first, second in pairwise(statements):
        if "Return" in {first.kind, second.kind} or _needs(second, first):
            continue
        if (_acts(first) and _asks(second)) or (_acts(second) and _asks(first)):
            one, other = _whole(first, source), _whole(second, source)
            pieces = ((one[0], one[1], source[slice(*other)]), (other[0], other[1], source[slice(*one)]))
            yield Edit(node, pieces)


def _needs(second: Node, first: Node) -> bool:
    """Return whether a statement names what the one before declares."""
    declared = {node.raw["id"] for node in walk(first.raw) if node.kind == "VariableDeclaration"}
    return any(node.raw.get("referencedDeclaration") in declared for node in walk(second.raw))


def _acts(statement: Node) -> bool:
    """Return whether a statement calls something that may change something."""
    return any(
        node.kind == "PlaceholderStatement" or (_is_call(node) and node.role != "eventCall" and not _only_reads(node))
        for node in walk(statement.raw)
    )


def _asks(statement: Node) -> bool:
    """Return whether a statement reads or keeps what another function may change."""
    return any(
        node.kind in {"IfStatement", "Assignment", "ForStatement", "WhileStatement"} or _is_call(node)
        for node in walk(statement.raw)
    )


def _is_call(node: Node) -> bool:
    return node.kind == "FunctionCall" and node.raw["kind"] == "functionCall"


def _only_reads(node: Node) -> bool:
    type_ = node.child("expression").type
    return " view " in type_ or " pure " in type_ or type_.endswith((" view", " pure"))


def _whole(statement: Node, source: bytes) -> tuple[int, int]:
    """Return a statement's range with its semicolon, which solc leaves out."""
    end = statement.end
    if not source[statement.start : end].endswith((b"}", b";")):
        end = source.index(b";", end) + 1
    return statement.start, end


def _later_start(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "ForStatement" and node.has("initializationExpression"):
        start = node.child("initializationExpression")
        if start.kind == "VariableDeclarationStatement" and not start.has("initialValue"):
            yield _replace(start, text_of(start, source).rstrip(b";") + b" = 1")


def _constant_return(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "Return" and node.has("expression"):
        value = node.child("expression")
        for other in _constants_of(value.type):
            if text_of(value, source) != other:
                yield _replace(value, other)


def _constants_of(type_: str) -> tuple[bytes, ...]:
    if type_ == "bool":
        return (b"true", b"false")
    if type_ == "address":
        return (b"address(0)",)
    if type_.startswith("bytes") and type_[5:].isdigit():
        return (f"{type_}(0)".encode(),)
    return (b"0", b"1") if type_.startswith("uint") else ()


def _other_name(node: Node, source: bytes) -> Iterator[Edit]:
    """Another member of the same enum, or another constant of the same library."""
    if node.kind != "MemberAccess" or node.child("expression").kind != "Identifier":
        return
    owner, name = text_of(node.child("expression"), source).decode(), node.raw["memberName"]
    names = _NAMES.get(owner, ())
    if name in names:
        yield _replace(node, f"{owner}.{names[(names.index(name) + 1) % len(names)]}".encode())


_NAMES: Final = {
    "Activation": ("ON_PURCHASE", "ON_FIRST_USE"),
    "PlanKind": ("CREDITS", "TIME", "USAGE"),
    "SettlementResult": ("SETTLED", "SHORT", "EXPIRED", "ALREADY_SETTLED", "NOT_SIGNED"),
    "RedemptionRule": ("HOLDER", "REDEEMER", "OWNER"),
    "PlanFlags": ("ACTIVE", "TRIAL", "TIME", "USAGE", "QUOTED", "PAID_EXTERNALLY", "STARTS_ON_USE"),
}


def _other_variable(node: Node, source: bytes) -> Iterator[Edit]:
    """Another variable of the function that has the same type: the last one declared before."""
    function = node.enclosing("FunctionDefinition")
    if node.kind != "Identifier" or function is None or _is_assigned_to(node) or _is_swapped(node):
        return
    declared = [each for each in _declarations(function) if _type_of(each) == node.type.removesuffix(" pointer")]
    here = next((each for each in declared if each.raw["id"] == node.raw.get("referencedDeclaration")), None)
    if here is None:
        return
    others = [each for each in declared if each is not here and each.end < node.start and each.raw["name"]]
    if others:
        at = declared.index(here)
        after = [each for each in others if declared.index(each) > at]
        yield _replace(node, (after or others)[0].raw["name"].encode())


def _is_swapped(node: Node) -> bool:
    """Return whether it is an argument that is swapped with another of its type."""
    if node.parent is None or node.role not in {"arguments", "components"}:
        return False
    others = [each for each in node.parent.children(node.role) if each.raw["id"] != node.raw["id"]]
    return any(_same_type(node, each) for each in others)


def _declarations(function: Node) -> list[Node]:
    found: list[Node] = []
    pending: list[Node] = [function]
    while pending:
        node = pending.pop()
        if node.kind == "VariableDeclaration":
            found.append(node)
            continue
        for key, value in node.raw.items():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and "nodeType" in item:
                    pending.append(Node(item, node, key))
    return sorted(found, key=lambda each: each.start)


def _type_of(declaration: Node) -> str:
    return declaration.type.removesuffix(" pointer")


def _is_assigned_to(node: Node) -> bool:
    inner = node
    for outer in node.above():
        if outer.kind == "Assignment":
            return inner.role == "leftHandSide"
        if outer.kind != "TupleExpression":
            return False
        inner = outer
    return False


def _checked(node: Node, source: bytes) -> Iterator[Edit]:
    if node.kind == "UncheckedBlock":
        yield Edit(node, ((node.start, source.index(b"{", node.start), b""),))


OPERATORS: Final[dict[str, Operator]] = {
    "comparison: boundary": _changed_sign(_BOUNDARY),
    "comparison: negated": _negated_comparison,
    "arithmetic": _changed_sign(_ARITHMETIC),
    "bits": _changed_sign(_BITS),
    "logic": _changed_sign(_LOGIC),
    "one side only": _one_side,
    "condition: negated": _negated,
    "condition: forced": _forced,
    "statement: deleted": _deleted,
    "statement: refused": _refused,
    "statements: swapped": _swapped_statements,
    "modifier: deleted": _without_modifier,
    "number": _other_number,
    "literal": _other_literal,
    "arguments: swapped": _swapped_arguments,
    "assignment": _other_assignment,
    "step": _other_step,
    "unary: removed": _without_unary,
    "environment": _other_environment,
    "loop: starts later": _later_start,
    "returns a constant": _constant_return,
    "name": _other_name,
    "variable": _other_variable,
    "unchecked: checked": _checked,
}
