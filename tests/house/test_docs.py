"""docs/ has a page for everything that changes state, and its tables are what the contracts and the package say now."""

import functools
import re
from pathlib import Path

import pytest

import nvm_chain
from nvm_chain import errors, payments
from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.errors import CONTRACT_ERRORS
from nvm_chain.errors.templates import show_template
from nvm_chain.payments.hosted_names import TO_IMPORT
from tests.house.import_law import ROOMS
from tests.house.test_natspec import NAMES, reachable_errors
from tests.support.documents import DOCS, DOCUMENTS, PAGES, ROOT
from tools.reference.names import list_headings, list_pages
from tools.site.anchors import github_anchors
from tools.site.links import list_links, list_targets
from tools.write_docs import (
    MARKED,
    SAID_ONCE,
    STANDARD,
    format_raises,
    read_raises,
    read_reverts,
    split_name,
    write_tables,
)

PREFIXES: dict[ContractName, str] = {"Credits": "", "AgentRegistry": "AgentRegistry."}
WRITES = {
    prefix + item["name"]
    for contract, prefix in PREFIXES.items()
    for item in read_artifact(contract).abi
    if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
}
EVENTS = {
    contract: {
        item["name"]: [field["name"] for field in item["inputs"]]
        for item in read_artifact(contract).abi
        if item["type"] == "event"
    }
    for contract in PREFIXES
}
OPERATIONS = sorted((DOCS / "operations").glob("*.md"))
SECTIONS = ["Example", "Flow", "State", "Events", "Errors"]


def name(path: Path) -> str:
    """Name a document in test ids and messages."""
    return str(path.relative_to(ROOT))


def headings(path: Path) -> list[str]:
    """Return a document's headings below its title."""
    return re.findall(r"^##+ (.*)$", path.read_text("utf-8"), re.MULTILINE)


def section(path: Path, heading: str) -> str:
    """Return the text of a section."""
    return path.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def tables(path: Path, kind: str) -> list[str]:
    """Return the functions whose generated tables are in a document."""
    return [found[2] for found in MARKED.finditer(path.read_text("utf-8")) if found[1] == kind]


def contract_of(path: Path) -> ContractName:
    """Return the one contract whose functions a page is about."""
    (contract,) = {split_name(function)[0] for function in tables(path, "errors")}
    return contract


# ---------------------------------------------------------------------- what is generated


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_tables__written_again__are_as_committed(path: Path) -> None:
    text = path.read_text("utf-8")
    assert write_tables(text) == text, "run `make docs` and commit docs/"
    assert len(MARKED.findall(text)) == len(re.findall(r"<!-- (?:errors|raises)", text))


def test_read_reverts__as_another_function_does__brings_its_errors_along() -> None:
    assert read_reverts("orderWithPermit") == read_reverts("order")
    own = {"TokenWithoutCode", "AuthorizationFailed"}
    assert set(read_reverts("orderWithAuthorization")) == set(read_reverts("order")) | own
    assert (
        read_reverts("payUsage")["CostAboveMax"]
        == read_reverts("order")["CostAboveMax"]
        == "if the cost exceeds `maxCost`"
    )


def test_read_raises__as_another_function__brings_its_errors_along() -> None:
    assert set(read_raises("check_signed_order")) < set(read_raises("relay_order"))
    assert "| `NotMined` |" in format_raises("relay_order")


@pytest.mark.parametrize("error", CONTRACT_ERRORS)
def test_next_step__of_each_contract_error__is_a_sentence_with_fields_as_code(error: str) -> None:
    step = show_template(CONTRACT_ERRORS[error].next_step)
    assert step.endswith(".")
    assert not re.search(r"[{}]", step)


@pytest.mark.parametrize("function", ["safeTransferFrom", "safeBatchTransferFrom"])
def test_standard_errors__of_transfers__are_those_that_the_code_can_reach(function: str) -> None:
    assert reachable_errors("Credits", function) | {"ERC1155MissingApprovalForAll"} == set(read_reverts(function))


def test_standard_errors__are_of_functions_that_the_interface_says_nothing_of() -> None:
    assert set(STANDARD) <= WRITES
    assert all(name in CONTRACT_ERRORS for reverts in STANDARD.values() for name in reverts)


def test_errors_said_once__are_of_every_other_function_of_the_registry() -> None:
    registry = {function for function in WRITES if split_name(function)[0] == "AgentRegistry"}
    assert set(SAID_ONCE) == registry - set(STANDARD)


@pytest.mark.parametrize("function", SAID_ONCE)
def test_errors_said_once__are_those_that_the_arguments_and_the_code_can_cause(function: str) -> None:
    """An agent that has to be there is an argument; a plan is asked for wherever its owner is compared."""
    entries = [item for item in read_artifact("AgentRegistry").abi if item.get("name") == split_name(function)[1]]
    takes_agent = any(item["name"] == "agentId" for entry in entries for item in entry["inputs"])
    expected = {"ERC721NonexistentToken"} if takes_agent else set()
    asks_plan = "NotPlanOwner" in reachable_errors("AgentRegistry", split_name(function)[1])
    assert set(SAID_ONCE[function]) == expected | ({"UnknownPlan"} if asks_plan else set())


def test_split_name__of_another_contract__fails() -> None:
    assert [split_name(name) for name in ("order", "AgentRegistry.register")] == [
        ("Credits", "order"),
        ("AgentRegistry", "register"),
    ]
    with pytest.raises(ValueError, match="only AgentRegistry"):
        split_name("Credits.order")


# ---------------------------------------------------------------------- pages


def test_pages__together__have_every_function_that_changes_state_once() -> None:
    documented = [function for path in OPERATIONS for function in tables(path, "errors")]
    assert sorted(documented) == sorted(WRITES)


@pytest.mark.parametrize("path", OPERATIONS, ids=name)
def test_page__has_its_parts_in_order(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert lines[2].endswith(".")
    assert lines[4].startswith("**Who may call:** ")
    assert [heading for heading in headings(path) if heading in SECTIONS] == SECTIONS


@pytest.mark.parametrize("path", OPERATIONS, ids=name)
def test_page__events__have_the_fields_that_the_contract_gives_them(path: Path) -> None:
    for event, fields in re.findall(r"`(\w+)\(([^)`]*)\)`", section(path, "Events")):
        assert EVENTS[contract_of(path)][event] == fields.split(", "), event


def test_contracts__of_the_pages__are_all_that_have_an_interface() -> None:
    assert set(PREFIXES) == set(NAMES)


@pytest.mark.parametrize("contract", PREFIXES)
def test_pages__together__name_every_event(contract: ContractName) -> None:
    text = "".join(section(path, "Events") for path in OPERATIONS if contract_of(path) == contract)
    assert {event for event in EVENTS[contract] if f"`{event}(" not in text} == set()


@functools.cache
def list_known() -> set[str]:
    """Return the errors, events and public names, and what has a heading in the reference."""
    return {
        *CONTRACT_ERRORS,
        *(event for contract in PREFIXES for event in EVENTS[contract]),
        *vars(errors),
        *nvm_chain.__all__,
        *payments.__all__,
        *PREFIXES,
        *(heading for page in list_pages() for heading in list_headings(page)),
        *TO_IMPORT,
    }


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_page__names_in_code_that_look_like_errors__are_errors_or_events(path: Path) -> None:
    """What is written like a class is one, so that no page outlives a renamed error."""
    prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    others = {
        "AuthorizationUsed",
        "CoinbaseSmartWalletMessage",
        "Kernel",
        "SafeMessage",
        "Name",
        "ReceiveWithAuthorization",
        "Permit",
        "Voucher",
        "VoucherVerifier",
    }
    found = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]*)*)[`(]", prose))
    assert found - list_known() - others == set()


# ---------------------------------------------------------------------- links


@pytest.mark.parametrize("path", sorted({*DOCUMENTS, *ROOT.glob("*.md")}), ids=name)
def test_links__to_files_of_this_repository__lead_somewhere(path: Path) -> None:
    for target, anchor in list_links(path.read_text("utf-8")):
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        assert not anchor or anchor in github_anchors(found.read_text("utf-8")), f"{target}#{anchor}"


def test_index__leads_to_every_page() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / target).resolve() for target in list_targets(index.read_text("utf-8"))}
    assert {name(path) for path in PAGES if path not in (index, *linked)} == set()


def test_readme__is_short_and_shows_first_how_to_begin() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 100
    head = "\n".join(lines[:20])
    assert all(command in head for command in ("pip install", "make demo", "make test"))


@pytest.mark.parametrize(
    "word", ["refund", "subscription", "webhook", "x402", "Streamlit", "Stripe", "gas", "testnet", "key file"]
)
def test_questions__people_search_for__have_an_answer_under_a_heading(word: str) -> None:
    page = DOCS / "faq.md"
    (heading,) = [each for each in headings(page) if re.search(rf"\b{word}\b", each)]
    assert len(section(page, heading).split()) > 30


# ---------------------------------------------------------------------- figures and files that pages name


def test_why_on_chain__figures_of_gas__are_those_of_the_table() -> None:
    measured = set(re.findall(r"[\d,]{5,}", (ROOT / "tests" / "bench" / "gas" / "table.md").read_text("utf-8")))
    rows = re.findall(r"^\|.* ([\d,]{5,}) \|$", section(DOCS / "why-on-chain.md", "Gas, side by side"), re.MULTILINE)
    assert len(rows) > 5
    assert set(rows) <= measured


def test_architecture__names_every_room_and_every_contract_outside_libraries() -> None:
    page = (DOCS / "architecture.md").read_text("utf-8")
    rooms = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert rooms == ROOMS
    contracts = [path for folder in ("credits", "agents") for path in (ROOT / "contracts" / folder).glob("*.sol")]
    assert [path.name for path in contracts if path.name not in page] == []
