"""The generated reference has every public name once, with what its docstring says, and every error has an anchor."""

import ast
import doctest
import re
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

from nvm_chain import errors, payments
from nvm_chain.errors.templates import read_slots, show_template
from tools.reference import signatures
from tools.reference.entries import format_entry
from tools.reference.errors import describe, escape, list_error_classes, write_error_pages
from tools.reference.names import (
    ALIASES,
    ELSEWHERE,
    HOMES,
    SPREAD,
    Function,
    Page,
    list_entries,
    list_headings,
    list_pages,
    name_entry,
    page_of,
    parse,
)
from tools.reference.pages import write_pages
from tools.reference.samples import OWN, build_sample
from tools.reference.signatures import format_signature
from tools.reference.text import Linker, format_docstring
from tools.site.anchors import github_anchors, read_headings

WRITTEN = write_pages()
PAGES = list_pages()
ERRORS = list_error_classes()


# ---------------------------------------------------------------------- complete


@pytest.mark.parametrize("module", [module for module in ALIASES.values() if module not in (*SPREAD, ELSEWHERE)])
def test_public_module__has_a_page(module: str) -> None:
    assert f"# nvm_chain.{page_of(module)}\n" in WRITTEN[f"{page_of(module)}.md"]


@pytest.mark.parametrize("room", SPREAD)
def test_room__that_is_public__has_every_class_and_function_that_it_exports_on_a_page(room: str) -> None:
    module = import_module(f"nvm_chain.{room}")
    told = {heading for page in PAGES for heading in list_headings(page)} | set(ERRORS)
    exported = {name: getattr(module, name) for name in module.__all__}
    assert {name for name, item in exported.items() if isinstance(item, type | FunctionType)} - told == set()


@pytest.mark.parametrize("name", HOMES)
def test_public_name__is_told_on_the_page_of_its_home_and_in_the_index(name: str) -> None:
    if HOMES[name] == ELSEWHERE:
        assert f"[`{name}`](../errors.md#{name.lower()})" in WRITTEN["README.md"]
        return
    assert f"\n## {name}\n" in WRITTEN[f"{HOMES[name]}.md"]
    assert re.search(rf"\[`{name}`\]\({re.escape(HOMES[name])}\.md#{name.lower()}(-1)?\)", WRITTEN["README.md"])


@pytest.mark.parametrize("name", payments.__all__)
def test_name_of_payments__is_told_on_its_page_or_linked(name: str) -> None:
    page = WRITTEN["payments.md"]
    assert f"\n## {name}\n" in page or re.search(rf"\[`{name}`\]\([\w./]+\.md#|`{name}` \(which is \[", page)


def test_errors__of_the_package__have_an_anchor_each_on_one_page() -> None:
    public = {name for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, Exception)}
    assert public == set(ERRORS)
    headings = read_headings(write_error_pages())
    assert sorted(headings) == sorted(ERRORS)
    assert github_anchors(write_error_pages()) == [heading.lower() for heading in headings]


@pytest.mark.parametrize("name", ERRORS)
def test_error__on_its_page__has_what_it_says(name: str) -> None:
    text = describe(ERRORS[name], "##")
    assert text.startswith(f"## {name}\n\n")
    assert not re.search(r"[{}]|``", text)


@pytest.mark.parametrize("name", [name for name, error in ERRORS.items() if error.problem])
def test_error__on_its_page__has_an_example_of_its_message_with_every_value(name: str) -> None:
    sample = build_sample(ERRORS[name])
    assert not [value for value in sample.fields.values() if value in (None, "", ())]
    assert escape(sample.message()) in describe(ERRORS[name], "##")
    if sample.field_names and read_slots(ERRORS[name].problem):
        assert sample.describe()[0] != show_template(ERRORS[name].problem)


def test_samples__of_classes__are_of_classes_that_there_are() -> None:
    assert set(OWN) - set(ERRORS) == set()
    assert {name: set(values) - set(ERRORS[name].field_names) for name, values in OWN.items() if name in ERRORS} == {
        name: set() for name in OWN
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.module)
def test_page__tells_each_name_and_each_method_once(page: Page) -> None:
    headings = re.findall(r"^##+ (.*)$", WRITTEN[page.name], re.MULTILINE)
    assert len(set(headings)) == len(headings)
    assert headings == list(list_headings(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.module)
def test_page__has_the_signature_of_each_function(page: Page) -> None:
    for node in list_entries(page):
        if isinstance(node, ast.FunctionDef):
            block = WRITTEN[page.name].partition(f"\n## {node.name}\n")[2].partition("\n```\n")[0]
            own = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            assert {name for name in own if not re.search(rf"\b{name}\b", block)} == set(), node.name


def test_pages__as_modules__have_names_that_import() -> None:
    for page in PAGES:
        if len(page.paths) == 1:
            module = import_module(f"nvm_chain.{page.module}")
            assert [name_entry(node) for node in list_entries(page) if not hasattr(module, name_entry(node))] == []


# ---------------------------------------------------------------------- how it is written


@pytest.mark.parametrize("module", ["errors", "signatures", "text"])
def test_examples__of_the_generator__print_what_they_say(module: str) -> None:
    done = doctest.testmod(import_module(f"tools.reference.{module}"))
    assert (done.failed, done.attempted > 0) == (0, True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def add(a: int, b: int = 1) -> int: ...", "def add(a: int, b: int = 1) -> int"),
        (
            "def pay(*, way: str = 'permit', **rest: object) -> None: ...",
            'def pay(*, way: str = "permit", **rest: object) -> None',
        ),
        ("def join(first, /, *others): ...", "def join(first, /, *others)"),
        ("def copy(self, other: 'Plan') -> 'Plan': ...", "def copy(other: Plan) -> Plan"),
        ("@property\n@cache\ndef chain(self) -> Chain: ...", "@property\ndef chain() -> Chain"),
    ],
)
def test_format_signature__of_samples__is_what_a_caller_has_to_know(source: str, expected: str) -> None:
    (node,) = ast.parse(source).body
    assert isinstance(node, Function)
    assert format_signature(node) == f"```py\n{expected}\n```"


def test_format_signature__that_is_too_long__has_a_line_for_each_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "LINE_LENGTH", 20)
    (node,) = ast.parse("def register(name: str, *, tags: list[str] = []) -> int: ...").body
    assert isinstance(node, ast.FunctionDef)
    lines = ["def register(", "    name: str,", "    *,", "    tags: list[str] = [],", ") -> int"]
    assert format_signature(node).splitlines()[1:-1] == lines


def test_format_entry__of_a_class__has_fields_and_own_methods_only(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        "@dataclass(frozen=True)\nclass Sample(NvmChainError):\n"
        '    """A sample | of all."""\n    size: int = 3\n    """In ``bytes``."""\n    _own: int = 0\n'
        '    def message(self) -> str:\n        """Return what went wrong and what to do next."""\n'
        '    def grow(self) -> None:\n        """Grow."""\n    def _shrink(self) -> None:\n        """Shrink."""\n',
        "utf-8",
    )
    page = Page("sample", (path,))
    (node,) = list_entries(page)
    assert "\n\n".join(block for block in format_entry(node, path, page, Linker([page])) if block) == (
        "## Sample\n\n```py\n@dataclass(frozen=True)\nclass Sample(NvmChainError)\n```\n\nA sample | of all.\n\n"
        "| name | type | default |  |\n|---|---|---|---|\n| `size` | `int` | `3` | In `bytes`. |\n\n"
        "### Sample.grow\n\n```py\ndef grow() -> None\n```\n\nGrow."
    )
    assert parse(path).body == [node]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Read\na plan.\n\nRaises UnknownPlan.",
            "Read a plan.\n\nRaises [`UnknownPlan`](../errors.md#unknownplan).",
        ),
        (
            "As `order_plan` or `nvm_chain.operations.plans.read_plan`.",
            "As [`order_plan`](#order_plan) or [`nvm_chain.operations.plans.read_plan`](operations.plans.md#read_plan).",
        ),
        ("See `payments.plans.get_plan`.", "See [`payments.plans.get_plan`](payments.md#plansapiget_plan)."),
        ("As ``order_plan``, at most 2**32 < 2**40.", r"As `order_plan`, at most 2\*\*32 &lt; 2\*\*40."),
        ("Add.\n\n>>> 1 + 1\n2", "Add.\n\n```pycon\n>>> 1 + 1\n2\n```"),
        ("See docs/payments.md.", "See [docs/payments.md](../payments.md)."),
        ("- one\n- two", "- one\n- two"),
        ("Root\n├── leaf", "```text\nRoot\n├── leaf\n```"),
        ("`nothing_known` stays, and so does USDC.", "`nothing_known` stays, and so does USDC."),
        ("", ""),
    ],
)
def test_format_docstring__of_samples__is_markdown_with_links(text: str, expected: str) -> None:
    orders = next(page for page in PAGES if page.module == "operations.orders")
    assert format_docstring(text, orders, Linker(PAGES)) == expected
