"""Everything public in Solidity is documented, and what is said of errors is what the code does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import collapse_if_tuple

from nvm_chain.chain.artifacts import ContractName, read_artifact

CONTRACTS = Path(__file__).parent.parent.parent / "contracts"
NAMES: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
HOMES: dict[str, Path] = {"Credits": CONTRACTS / "credits", "AgentRegistry": CONTRACTS / "agents"}
PARTS = [CONTRACTS / "credits" / f"{name}.sol" for name in ("Ledger", "Plans")]
LIBRARIES = sorted((CONTRACTS / "credits" / "libraries").glob("*.sol"))

DECLARATION = re.compile(
    r"((?:^ *///[^\n]*\n)*)^ *(function|event|error|struct|enum|library|interface) (\w+)([^;{]*)[;{]", re.MULTILINE
)
WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Declaration:
    """One documented thing of a source file: its doc comment as one text, and its head."""

    home: str
    path: Path
    doc: str
    kind: str
    name: str
    head: str

    @property
    def is_private(self) -> bool:
        """Whether nobody outside its file can use it."""
        return " private" in self.head

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters, those returned left out."""
        inside = self.head.partition(" returns ")[0]
        listed = inside[inside.find("(") + 1 : inside.rfind(")")]
        return [part.split()[-1] for part in listed.split(",") if len(part.split()) > 1]

    @property
    def returned(self) -> int:
        """Number of values returned."""
        _, found, listed = self.head.partition("returns (")
        return listed.count(",") + 1 if found else 0

    @property
    def is_field(self) -> bool:
        """Whether it only reads or changes one field of a value type, which the type's own text explains."""
        return bool(re.match(r"\((?:SaleTerms|RedeemTerms|Holding|PackedSplit|LotMark) \w+", self.head.strip()))

    @property
    def errors(self) -> set[str]:
        """Errors that the text says it reverts with."""
        return set(re.findall(r"[Rr]everts with \{?(\w+)", self.doc))


def declarations(path: Path) -> Iterator[Declaration]:
    """Yield what a source file declares."""
    home = path.stem.removeprefix("I")
    for doc, kind, name, head in DECLARATION.findall(path.read_text("utf-8")):
        text = " ".join(line.strip().removeprefix("///").strip() for line in doc.splitlines())
        yield Declaration(home, path, text, kind, name, " ".join(head.split()))


def interface_path(contract: str) -> Path:
    """Return the file with all the public surface of a contract."""
    return HOMES[contract] / f"I{contract}.sol"


@cache
def interface(contract: str) -> dict[str, Declaration]:
    """Return what a contract's interface declares, by name."""
    return {item.name: item for item in declarations(interface_path(contract))}


FILES = (*map(interface_path, NAMES), *LIBRARIES)
PUBLIC = [item for path in FILES for item in declarations(path) if not item.is_private]
FUNCTIONS = [item for name in NAMES for item in interface(name).values() if item.kind == "function"]
ERRORS: dict[str, set[str]] = {
    name: {item.name for item in interface(name).values() if item.kind == "error"} for name in NAMES
}
ALL_ERRORS = {entry["name"] for name in NAMES for entry in read_artifact(name).abi if entry["type"] == "error"}


# ---------------------------------------------------------------------- completeness


@pytest.mark.parametrize("name", NAMES)
def test_interface__declares__everything_that_the_contract_adds_to_its_standards(name: str) -> None:
    source = (HOMES[name] / f"{name}.sol").read_text("utf-8")
    assert not re.findall(r"^    (?:error|event) ", source, re.MULTILINE)
    # The standards document what they bring; the constructor and struct are internal to the contract.
    functions = re.findall(r"@inheritdoc (\w+)\n +function (\w+)|^ +function ([a-z]\w*)", source, re.MULTILINE)
    assert not [plain for _, _, plain in functions if plain]
    declared = {item.name for item in interface(name).values() if item.kind == "function"}
    assert {function for home, function, _ in functions if home == f"I{name}"} <= declared


@pytest.mark.parametrize(
    "item", [item for item in PUBLIC if not item.is_field], ids=lambda item: f"{item.home}.{item.name}"
)
def test_declaration__has_a_notice_of_one_sentence(item: Declaration) -> None:
    if item.kind in ("library", "interface"):
        assert "@title " in item.doc
        return
    notice = item.doc.partition("@notice ")[2].partition(" @")[0]
    assert notice[:1].isupper()
    assert notice.endswith(".")
    starts = {"error": "Thrown when ", "event": "Emitted "}
    assert notice.startswith(starts.get(item.kind, ""))


@pytest.mark.parametrize(
    "item", [item for item in PUBLIC if "(" in item.head], ids=lambda item: f"{item.home}.{item.name}"
)
def test_declaration__says_of_parameters_and_return_values_what_their_names_do_not(item: Declaration) -> None:
    documented = dict(re.findall(r"@param (\w+) (.*?)(?= @|$)", item.doc))
    assert list(documented) == [name for name in item.parameters if name in documented]
    for name, text in documented.items():
        assert WORD.search(text), name
        assert text.endswith("."), name
        assert not only_repeats(name, text), f"{name}: {text}"
    returns = re.findall(r"@return (.*?)(?= @|$)", item.doc)
    assert len(returns) in {0, item.returned}
    assert all(WORD.search(text) and text.endswith(".") for text in returns)


def only_repeats(name: str, text: str) -> bool:
    """Tell whether a text says no more than the name that it is about, as "The plan." of `planId`."""
    words = set(re.findall(r"[a-z]+", text.lower())) - {"a", "an", "the", "its", "id", "of"}
    return words <= {word.lower() for word in re.findall(r"[a-z]+|[A-Z][a-z]*", name)}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("planId", "The plan.", True), ("planId", "Plan whose credits they are.", False), ("amount", "The amount.", True)],
)
def test_only_repeats__a_text_about_a_name__is_told(name: str, text: str, expected: bool) -> None:
    assert only_repeats(name, text) is expected


@pytest.mark.parametrize(
    "item", [item for item in PUBLIC if item.kind == "struct"], ids=lambda item: f"{item.home}.{item.name}"
)
def test_struct__says_what_every_field_is(item: Declaration) -> None:
    source = item.path.read_text("utf-8")
    lines = re.split(r"\n *\}", source[source.index(f"struct {item.name} {{") :])[0].splitlines()[1:]
    body = "\n".join(line.strip() for line in lines if line.strip())
    assert re.fullmatch(r"(?:(?:/// .*\n)*/// .*\.\n[\w\[\]]+ \w+;\n?)+", body)


# ---------------------------------------------------------------------- what is packaged


def signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(collapse_if_tuple(item) for item in entry['inputs'])})"


PACKAGED = [
    (name, entry) for name in NAMES for entry in read_artifact(name).abi if entry.get("name") in interface(name)
]


@pytest.mark.parametrize(
    ("contract", "entry"), PACKAGED, ids=lambda each: each if isinstance(each, str) else each["name"]
)
def test_packaged_documentation__has_the_notice_of_the_interface(contract: ContractName, entry: dict[str, Any]) -> None:
    section = {"function": "methods", "event": "events", "error": "errors"}[entry["type"]]
    user, dev = (read_artifact(contract).natspec[who][section] for who in ("user", "dev"))
    texts = [user[signature(entry)], dev.get(signature(entry), {})]
    notices, details = [text[0] if isinstance(text, list) else text for text in texts]
    assert notices["notice"] in interface(contract)[entry["name"]].doc
    named = {item["name"] for item in entry["inputs"]}
    assert set(details.get("params", {})) <= named


@pytest.mark.parametrize("name", NAMES)
def test_packaged_documentation__has_every_declaration_of_the_interface(name: str) -> None:
    expected = {item.name for item in interface(name).values() if item.kind in ("function", "event", "error")}
    assert {entry["name"] for contract, entry in PACKAGED if contract == name} == expected


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize("item", FUNCTIONS, ids=lambda item: f"{item.home}.{item.name}")
def test_reverts_with__names_errors_that_exist(item: Declaration) -> None:
    assert item.errors <= ALL_ERRORS
    braced = set(re.findall(r"[Rr]everts with \{(\w+)\}", item.doc))
    assert braced == item.errors & ERRORS[item.home]  # a link only to what is declared here


@pytest.mark.parametrize("name", sorted(name for names in ERRORS.values() for name in names))
def test_error__is_named_by_a_function_or_met_elsewhere(name: str) -> None:
    # The transfer functions are documented by ERC-1155, the constructor by nobody.
    standard = {"NotTransferable", "CreditsWithoutCode"}
    assert name in standard or any(name in item.errors for item in FUNCTIONS)


UNREACHABLE = {
    "grantExternal": {"ZeroAmount"},  # a plan that is granted grants at least 1 credit, and the quantity is above 0
    "redeem": {"CreditsOverflow"},  # the range ends far below what an access window takes at once
}
"""Errors that a function shares the code of, and that its own arguments cannot cause."""


@cache
def bodies(contract: str) -> dict[str, str]:
    """Return every function and modifier of a contract and of all libraries as text, the latter as `Library.name`."""
    found = {}
    for path in (HOMES[contract] / f"{contract}.sol", *(PARTS if contract == "Credits" else ()), *LIBRARIES):
        home = f"{path.stem}." if path in LIBRARIES else ""
        source = path.read_text("utf-8")
        for name, body in re.findall(
            r"^    (?:function|modifier) (\w+)(.*?\n    \})", source, re.MULTILINE | re.DOTALL
        ):
            found[home + name] = re.sub(r"(?<![\w.])(_[a-z]\w*|only[A-Z]\w*)\b", rf"{home}\1", body)
    return found


def reachable_errors(contract: str, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the errors that a function of a contract can revert with itself or by a function it calls within."""
    body = bodies(contract)[name]
    called = set(re.findall(r"(?<![\w.])((?:[A-Z]\w*\.\w+)|_[a-z]\w*|only[A-Z]\w*)\b", body))
    errors = set(re.findall(r"revert (?:I\w+\.)?(\w+)\(", body))
    others = called & set(bodies(contract)) - seen
    return errors.union(*(reachable_errors(contract, other, seen | {name}) for other in others))


def test_reachable_errors__of_a_function_of_a_library__are_found() -> None:
    assert "TermNotAllowed" in reachable_errors("Credits", "registerPlan")
    assert "AuthorizationFailed" in reachable_errors("Credits", "orderWithAuthorization")


def referred_errors(item: Declaration) -> set[str]:
    """Return the errors of the functions that a function's text says it reverts like."""
    referred = re.findall(r"as \{(\w+)\} does", item.doc)
    return set().union(*(interface(item.home)[name].errors for name in referred))


WRITTEN = [item for item in FUNCTIONS if item.name in bodies(item.home)]


@pytest.mark.parametrize("item", WRITTEN, ids=lambda item: f"{item.home}.{item.name}")
def test_reverts_with__names_every_error_that_the_code_can_reach(item: Declaration) -> None:
    standard = {name for name in ALL_ERRORS if name.startswith(("ERC", "Ownable"))}  # said once, at the interface
    reachable = reachable_errors(item.home, item.name) - standard - UNREACHABLE.get(item.name, set())
    assert reachable - referred_errors(item) == item.errors - standard - referred_errors(item)
