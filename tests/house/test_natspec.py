"""Everything public in Solidity is documented, and what is said of errors is what the code does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import collapse_if_tuple

from nvm_chain.artifacts import read_artifact

CONTRACTS = Path(__file__).parent.parent.parent / "contracts"
INTERFACE = CONTRACTS / "interfaces" / "ICredits.sol"
IMPLEMENTATION = CONTRACTS / "Credits.sol"
LIBRARIES = sorted((CONTRACTS / "libraries").glob("*.sol"))

DECLARATION = re.compile(
    r"((?:^ *///[^\n]*\n)*)^ *(function|event|error|struct|enum|library|interface) (\w+)([^;{]*)[;{]", re.MULTILINE
)
WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Declaration:
    """One documented thing of a source file: its doc comment as one text, and its head."""

    doc: str
    kind: str
    name: str
    head: str

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
    def errors(self) -> set[str]:
        """Errors that the text says it reverts with."""
        return set(re.findall(r"[Rr]everts with \{?(\w+)", self.doc))


def declarations(path: Path) -> Iterator[Declaration]:
    """Yield what a source file declares."""
    for doc, kind, name, head in DECLARATION.findall(path.read_text("utf-8")):
        text = " ".join(line.strip().removeprefix("///").strip() for line in doc.splitlines())
        yield Declaration(text, kind, name, " ".join(head.split()))


@cache
def interface() -> dict[str, Declaration]:
    """Return what the interface declares, by name."""
    return {item.name: item for item in declarations(INTERFACE)}


PUBLIC = [item for path in (INTERFACE, *LIBRARIES) for item in declarations(path)]
FUNCTIONS = [item for item in interface().values() if item.kind == "function"]
ERRORS = {item.name for item in interface().values() if item.kind == "error"}
ALL_ERRORS = {entry["name"] for entry in read_artifact("Credits").abi if entry["type"] == "error"}


# ---------------------------------------------------------------------- completeness


def test_interface__declares__everything_that_the_contract_adds_to_its_standards() -> None:
    source = IMPLEMENTATION.read_text("utf-8")
    assert not re.findall(r"^    (?:error|event) ", source, re.MULTILINE)
    # The standards document what they bring; the constructor and struct are internal to the contract.
    functions = re.findall(r"@inheritdoc (\w+)\n +function (\w+)|^ +function ([a-z]\w*)", source, re.MULTILINE)
    assert not [plain for _, _, plain in functions if plain]
    assert {name for home, name, _ in functions if home == "ICredits"} < {item.name for item in FUNCTIONS}


@pytest.mark.parametrize("item", PUBLIC, ids=lambda item: item.name)
def test_declaration__has_a_notice_of_one_sentence(item: Declaration) -> None:
    if item.kind in ("library", "interface"):
        assert "@title " in item.doc
        return
    notice = item.doc.partition("@notice ")[2].partition(" @")[0]
    assert notice[:1].isupper()
    assert notice.endswith(".")
    starts = {"error": "Thrown when ", "event": "Emitted "}
    assert notice.startswith(starts.get(item.kind, ""))


@pytest.mark.parametrize("item", [item for item in PUBLIC if "(" in item.head], ids=lambda item: item.name)
def test_declaration__says_what_every_parameter_and_return_value_is(item: Declaration) -> None:
    documented = dict(re.findall(r"@param (\w+) (.*?)(?= @|$)", item.doc))
    assert list(documented) == item.parameters
    for name, text in documented.items():
        assert WORD.search(text), name
        assert text.endswith("."), name
    returns = re.findall(r"@return (.*?)(?= @|$)", item.doc)
    assert len(returns) == item.returned
    assert all(WORD.search(text) and text.endswith(".") for text in returns)


@pytest.mark.parametrize("item", [item for item in PUBLIC if item.kind == "struct"], ids=lambda item: item.name)
def test_struct__says_what_every_field_is(item: Declaration) -> None:
    source = INTERFACE.read_text("utf-8")
    body = source[source.index(f"struct {item.name} {{") :].partition("\n}")[0].splitlines()[1:]
    comments, fields = body[::2], body[1::2]
    assert all(re.fullmatch(r"    /// .*\.", line) for line in comments)
    assert all(re.fullmatch(r"    [\w\[\]]+ \w+;", line) for line in fields)


# ---------------------------------------------------------------------- what is packaged


def signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(collapse_if_tuple(item) for item in entry['inputs'])})"


CONSTANTS = {item.name for item in FUNCTIONS if item.name.isupper()}
PACKAGED = [entry for entry in read_artifact("Credits").abi if entry.get("name") in interface()]


@pytest.mark.parametrize("entry", PACKAGED, ids=lambda entry: entry["name"])
def test_packaged_documentation__has_notice_and_parameters(entry: dict[str, Any]) -> None:
    section = {"function": "methods", "event": "events", "error": "errors"}[entry["type"]]
    user, dev = (read_artifact("Credits").natspec[who][section] for who in ("user", "dev"))
    texts = [user[signature(entry)], dev.get(signature(entry), {})]
    notices, details = [text[0] if isinstance(text, list) else text for text in texts]
    assert notices["notice"] in interface()[entry["name"]].doc
    named = {item["name"] for item in entry["inputs"]} - {""}
    assert named <= set(details.get("params", {}))
    if entry["type"] == "function" and entry["name"] not in CONSTANTS:  # solc leaves a constant's out
        assert len(details.get("returns", {})) == len(entry["outputs"])


def test_packaged_documentation__has_every_declaration_of_the_interface() -> None:
    expected = {item.name for item in interface().values() if item.kind in ("function", "event", "error")}
    assert {entry["name"] for entry in PACKAGED} == expected


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize("item", FUNCTIONS, ids=lambda item: item.name)
def test_reverts_with__names_errors_that_exist(item: Declaration) -> None:
    assert item.errors <= ALL_ERRORS
    braced = set(re.findall(r"[Rr]everts with \{(\w+)\}", item.doc))
    assert braced == item.errors & ERRORS  # a link only to what is declared here


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_error__is_named_by_a_function_or_met_in_every_transfer(name: str) -> None:
    standard = {"NotTransferable"}  # met in the two transfer functions, which ERC-1155 documents
    assert name in standard or any(name in item.errors for item in FUNCTIONS)


@cache
def bodies() -> dict[str, str]:
    """Return every function and modifier of the contract as text: head and body."""
    source = IMPLEMENTATION.read_text("utf-8")
    found = re.findall(r"^    (?:function|modifier) (\w+)(.*?\n    \})", source, re.MULTILINE | re.DOTALL)
    return dict(found)


def reachable_errors(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the errors that a function of the contract can revert with itself or by a function it calls within."""
    body = bodies()[name]
    called = set(re.findall(r"\b(_[a-z]\w*|only[A-Z]\w*)\b", body)) & set(bodies()) - seen
    errors = set(re.findall(r"revert (\w+)\(", body))
    return errors.union(*(reachable_errors(other, seen | {name}) for other in called))


def referred_errors(item: Declaration) -> set[str]:
    """Return the errors of the functions that a function's text says it reverts like."""
    referred = re.findall(r"as \{(\w+)\} does", item.doc)
    return set().union(*(interface()[name].errors for name in referred))


@pytest.mark.parametrize("item", [item for item in FUNCTIONS if item.name in bodies()], ids=lambda item: item.name)
def test_reverts_with__names_every_error_that_the_code_can_reach(item: Declaration) -> None:
    standard = {name for name in ALL_ERRORS if name.startswith(("ERC1155", "Ownable"))}  # said once, at the interface
    reachable = reachable_errors(item.name) - standard
    assert reachable - referred_errors(item) == item.errors - standard - referred_errors(item)
