"""Which test files are about a line: those of every external function from which the line can be reached."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.assurance.mutation.catalogue import FILES
from tests.assurance.mutation.compiler import AGENTS, ROOT, Target
from tests.assurance.mutation.syntax import Node, place_of, walk

_OUTSIDE: Final = {"external", "public"}
_TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "Credits._askQuoter": ("quoters",),
    "Credits._checkIsolatedGas": ("griefing", "receivers", "wallets"),
    "Credits._checkValue": ("coin",),
    "Credits._domainNameAndVersion": ("eip712_domain",),
    "Credits._domainNameAndVersionMayChange": ("deployed_code", "eip712_domain", "replay"),
    "Credits._mintTo": ("callers", "receivers"),
    "Credits._hasSigned": ("forged_vouchers", "wallets", "replay"),
    "Credits._order": ("reentrancy", "receivers", "museum"),
    "Credits._orderPlain": ("straight_path", "order", "coin", "museum", "receivers"),
    "Credits._pay": ("museum", "coin"),
    "Credits._payFee": ("protocol_fee", "museum", "coin"),
    "Credits._send": ("museum", "coin"),
    "Credits.ISOLATED_GAS": ("constants", "protocol_fee", "museum"),
    "Credits.mintBatch": ("receivers", "griefing"),
    "Credits.orderWithAuthorization": ("callers", "signed_orders"),
    "Credits.payUsage": ("usage_plans",),
    "Credits.redeem": ("time_",),
    "Credits._purchase": ("trial",),
    "Credits._settleOne": ("forged_vouchers", "wallets", "replay"),
    "Credits.sendFee": ("protocol_fee",),
    "Credits.settle": ("forged_vouchers", "wallets", "replay"),
    "HoldingWord": ("words", "widths", "expiring"),
    "Ledger._add": ("expiring", "expiring_history"),
    "Ledger._checkReceiver": ("callers", "receivers", "reentrancy"),
    "Ledger._compactLots": ("expiring", "expiring_history"),
    "Ledger._consume": ("time_",),
    "Ledger._extendAccess": ("time_",),
    "Ledger._grant": ("time_", "trial"),
    "Ledger._periodsLeft": ("time_",),
    "Ledger._shortenAccess": ("time_",),
    "Ledger._storeLastLot": ("expiring", "expiring_history"),
    "Ledger._takeTrial": ("trial",),
    "Ledger.safeBatchTransferFrom": ("erc1155", "receivers"),
    "Ledger.safeTransferFrom": ("erc1155", "receivers"),
    "Ledger._withoutExpired": ("expiring", "expiring_history"),
    "Lots": ("expiring", "expiring_history"),
    "OrderAuthorizations": ("signed_orders", "museum"),
    "RedeemTermsWord": ("words", "terms_of"),
    "SaleTermsWord": ("words", "terms_of", "straight_path"),
    "SettlementData": ("settle", "forged_vouchers", "wallets", "replay", "calldata"),
    "Splits": ("arithmetic", "coin"),
    "TermsRules": ("terms_rules",),
    "Vouchers": ("forged_vouchers", "wallets"),
}
"""Test files that are about a subject and not about one function, by what the subject is in the code."""
_FOLDERS: Final = {AGENTS: ("tests/contracts/agents",)}
_OF_CALLERS: Final = "tests/attacks/test_callers.py"
"""About every place that looks who calls."""


class Reach:
    """The calls of one contract, turned round."""

    def __init__(self, trees: Mapping[str, Mapping[str, Any]]) -> None:
        self._callers: dict[str, set[str]] = defaultdict(set)
        self._entries: set[str] = set()
        self._of_callers: set[str] = set()
        nodes = [node for path in FILES if path in trees for node in walk(dict(trees[path]))]
        names = {node.raw["id"]: place_of(node) for node in nodes if _is_part(node)}
        for node in nodes:
            place = place_of(node)
            if node.kind == "FunctionDefinition" and node.raw["visibility"] in _OUTSIDE:
                self._entries.add(place)
            if node.kind == "MemberAccess" and node.raw["memberName"] == "sender":
                self._of_callers.add(place)
            called = names.get(node.raw.get("referencedDeclaration"))
            if called:
                self._callers[called].add(place)

    def functions(self, place: str) -> list[str]:
        """Return the external functions that come to a place, as in `safeTransferFrom`; the nearest first."""
        seen, ordered, pending = {place}, [], [place]
        while pending:
            here = pending.pop(0)
            if here in self._entries:
                ordered.append(here.rpartition(".")[2])
            for caller in sorted(self._callers[here] - seen):
                seen.add(caller)
                pending.append(caller)
        return ordered

    def files(self, target: Target, place: str) -> list[str]:
        """Return the test files that are named after those functions, the nearest first, each once."""
        folders = [
            ROOT / folder for folder in _FOLDERS.get(target, ("tests/contracts", "tests/attacks", "tests/conformance"))
        ]
        words = [word for part in (place, place.partition(".")[0]) for word in _TOPICS.get(part, ())]
        words += [snake_case(function) for function in self.functions(place)]
        found = [path for word in words for folder in folders for path in sorted(folder.glob(f"test_{word}*.py"))]
        if target == AGENTS or place.endswith(".constructor"):
            found += [path for folder in folders for path in sorted(folder.glob("test_*.py"))]
        if place in self._of_callers:
            found.append(ROOT / _OF_CALLERS)
        return _each_once(str(path.relative_to(ROOT)) for path in found)


def snake_case(name: str) -> str:
    """Return `safe_transfer_from` for `safeTransferFrom`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _is_part(node: Node) -> bool:
    return node.kind in {"FunctionDefinition", "ModifierDefinition"} or bool(node.raw.get("stateVariable"))


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
