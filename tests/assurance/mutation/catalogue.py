"""Every mutant there is, in an order that does not change."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from tests.assurance.mutation.compiler import AGENTS, CREDITS, ROOT, Target, WarmCompiler
from tests.assurance.mutation.handwritten import HANDWRITTEN, Mistake
from tests.assurance.mutation.operators import OPERATORS, Edit, text_of
from tests.assurance.mutation.syntax import place_of, walk

HAND: Final = "by hand"
FILES: Final[dict[str, Target]] = {
    "contracts/credits/Credits.sol": CREDITS,
    "contracts/credits/Plans.sol": CREDITS,
    "contracts/credits/Ledger.sol": CREDITS,
    **{
        f"contracts/credits/libraries/{name}.sol": CREDITS
        for name in (
            "Holding",
            "Lots",
            "OrderAuthorizations",
            "PlanFlags",
            "PlanIds",
            "RedeemTerms",
            "SaleTerms",
            "SettlementData",
            "Splits",
            "TermsRules",
            "Vouchers",
        )
    },
    "contracts/agents/AgentRegistry.sol": AGENTS,
}
"""What is mutated, and the contract that it is part of."""
Pieces = tuple[tuple[int, int, bytes], ...]
_SHOWN: Final = 90
_AROUND: Final = 35


@dataclass(frozen=True)
class Mutant:
    """The contracts with one mistake."""

    id: str
    operator: str
    place: str
    """The function, as in `Ledger._add`."""
    changes: tuple[tuple[str, Pieces], ...]
    """What is replaced, by file."""

    @property
    def path(self) -> str:
        """The file, or the first of them."""
        return self.changes[0][0]

    @property
    def target(self) -> Target:
        """The contract to compile."""
        return FILES[self.path]

    @property
    def files(self) -> dict[str, str]:
        """The files as they are with the mistake, by path."""
        return {path: apply_pieces(read_source(path), pieces).decode() for path, pieces in self.changes}


@cache
def read_source(path: str) -> bytes:
    """Return a file of the project."""
    return (ROOT / path).read_bytes()


def apply_pieces(source: bytes, pieces: Pieces, start: int = 0) -> bytes:
    """Return a text that begins at this byte of its file with some of its bytes replaced."""
    for first, end, new in sorted(pieces, reverse=True):
        source = source[: first - start] + new + source[end - start :]
    return source


Trees = dict[Target, dict[str, dict[str, Any]]]


def read_trees(compiler: WarmCompiler) -> Trees:
    """Return the syntax trees of both contracts."""
    return {
        target: compiler.read_trees(target, [path for path, each in FILES.items() if each == target])
        for target in (CREDITS, AGENTS)
    }


def read_mutants(of: Trees) -> list[Mutant]:
    """Return all mutants, those by hand first. What they do to the code is not known before they are compiled."""
    found: list[tuple[str, Mutant]] = []
    trees = {path: of[target][path] for path, target in FILES.items()}
    for path in FILES:
        source = read_source(path)
        for node in walk(trees[path]):
            for name, operator in OPERATORS.items():
                for edit in operator(node, source):
                    place = place_of(edit.node)
                    found.append((f"{place}: {_shown(edit, source)}", Mutant("", name, place, ((path, edit.pieces),))))
    found = _distinct(found)
    seen: Counter[str] = Counter()
    mutants = read_handwritten(HANDWRITTEN)
    for label, mutant in found:
        seen[label] += 1
        full = label if seen[label] == 1 else f"{label} ({seen[label]})"
        mutants.append(replace(mutant, id=full))
    return mutants


def read_handwritten(mistakes: Iterable[Mistake]) -> list[Mutant]:
    """Return mistakes in words as mutants."""
    return [_from_hand(mistake) for mistake in mistakes]


def _distinct(found: list[tuple[str, Mutant]]) -> list[tuple[str, Mutant]]:
    """Leave out what two operators both make."""
    distinct: dict[tuple[str, bytes], tuple[str, Mutant]] = {}
    for label, mutant in found:
        path, pieces = mutant.changes[0]
        distinct.setdefault((path, apply_pieces(read_source(path), pieces)), (label, mutant))
    return list(distinct.values())


def _from_hand(mistake: Mistake) -> Mutant:
    pieces: dict[str, list[tuple[int, int, bytes]]] = {}
    for path, right, wrong in mistake.changes:
        places = [match.start() for match in re.finditer(re.escape(right.encode()), read_source(path))]
        assert places, f"{path} has changed: {right!r} is not there"
        pieces.setdefault(path, []).extend((at, at + len(right.encode()), wrong.encode()) for at in places)
    return Mutant(mistake.name, HAND, mistake.place, tuple((path, tuple(each)) for path, each in pieces.items()))


def _shown(edit: Edit, source: bytes) -> str:
    """Return what was there and what is there now, short enough for a line."""
    if edit.node.kind in {"Block", "UncheckedBlock"} and len(edit.pieces) == 2:
        first, second = (_short(_line(source[piece[0] : piece[1]]), 60) for piece in edit.pieces)
        return f"{first} ⇄ {second}"
    node = edit.node
    while node.parent is not None and node.kind in {"Identifier", "Literal", "MemberAccess", "UnaryOperation"}:
        node = node.parent
    if node.kind in {"Block", "UncheckedBlock", "FunctionDefinition", "ContractDefinition", "ForStatement"}:
        node = edit.node
    before = text_of(node, source)
    after = apply_pieces(before, edit.pieces, node.start)
    if node.kind == "UncheckedBlock":
        return "unchecked { → {"
    left, right = _line(before), _line(after)
    if len(left) <= _SHOWN and len(right) <= _SHOWN:
        return f"{left} → {right or 'nothing'}"
    same = next((i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), 0)
    cut = max(0, same - _AROUND)
    dots = "…" if cut else ""
    return f"{dots}{_short(left[cut:], 2 * _AROUND)} → {dots}{_short(right[cut:], 2 * _AROUND)}"


def _line(text: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"//[^\n]*", "", text.decode())).strip()


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + "…"
