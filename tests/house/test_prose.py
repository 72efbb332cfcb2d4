"""The house's English: rules that tell good from bad, texts that break none, and docstrings in sections where they are long."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvm_chain import errors
from tools.prose.check import Breach, find_all, is_accepted, read_accepted
from tools.prose.rules import MAX_WORDS, Rule, count_words, expand_contractions, find_breaches, read_rules
from tools.prose.sentences import split_sentences
from tools.prose.texts import ROOT, find_files, read_texts

RULES = read_rules()
FILES = find_files()
MAX_PLAIN_DOCSTRING = 300
"""Characters of a public function's docstring without sections."""
SECTIONS = re.compile(r"^ *(?:Args|Returns|Yields|Raises):$", re.MULTILINE)
NOT_OURS = {
    "ValueError",
    "TypeError",
    "KeyError",
    "OSError",
    "FileExistsError",
    "ModuleNotFoundError",
    "AttributeError",
}


def name(path: Path) -> str:
    """Name a file in test ids."""
    return path.relative_to(ROOT).as_posix()


# ---------------------------------------------------------------------- the rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule__of_its_samples__tells_them_apart(rule: Rule) -> None:
    assert rule.bad
    assert rule.good
    assert [sample for sample in rule.bad if rule.find(sample) is None] == []
    assert [sample for sample in rule.good if rule.find(sample) is not None] == []


@pytest.mark.parametrize(("count", "found"), [(MAX_WORDS - 1, False), (MAX_WORDS, False), (MAX_WORDS + 1, True)])
def test_find_breaches__of_a_sentence_of_some_words__finds_a_long_one(count: int, found: bool) -> None:
    assert any(name == "long sentence" for name, *_ in find_breaches("word " * count, RULES)) is found


def test_expand_contractions__of_short_forms__writes_their_words() -> None:
    assert expand_contractions("It's no plan, nobody can't tell, and I won’t.") == (
        "It is no plan, nobody cannot tell, and I will not."
    )
    assert expand_contractions("The plan's price") == "The plan's price"


def test_count_words__of_numbers_and_hyphens__counts_each_once() -> None:
    assert count_words("The ERC-20 token's 1,000 units cost 0.5 USDC.") == 8


def test_split_sentences__of_a_document__leaves_out_code_and_the_targets_of_links() -> None:
    text = "# Title\n\n```python\nThis is no code.\n```\n\nSee [the page](is-no.md), or `it is no x`. Next one.\n\n- An item."
    assert list(split_sentences(text)) == ["Title", "See the page, or CODE.", "Next one.", "An item."]


def test_split_sentences__of_a_docstring__leaves_out_examples_drawings_and_the_names_of_sections() -> None:
    text = "Read it.\n\nArgs:\n    chain: Where it is.\n\nA\n├── B is no C\n└── D\n\n>>> print('is no')\nis no\n"
    assert list(split_sentences(text)) == ["Read it.", "Where it is."]


def test_read_texts__of_python__has_docstrings_and_messages(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        '"""One sentence that says what this module is for."""\nmessage = f"the plan {1} is not open for orders now"\n'
    )
    texts = ["One sentence that says what this module is for.", "the plan `x` is not open for orders now"]
    assert [text for _, text in read_texts(path)] == texts


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ('class Refused(Error):\n    problem = "Plan {x} is no plan."', "is no"),
        ('class Refused(Error):\n    next_step: str = "It is none."', "is none"),
        ('option("--n", help="It is no number.")', "is no"),
        ('fail(reason=f"{x} is no id")', "is no"),
        ('fail(reason="no id" if x else "it\'s no id")', "is no"),
        ('self.problem = "It remains none."', "is none"),
        ('def f():\n    """Raises if bad."""', "raised"),
        ('class Refused(Error):\n    """Throws if bad."""', "raised"),
        ('"""It\'s no plan that anybody has ever ordered from here."""', "is no"),
        ('say("the plan isn\'t no plan that anybody has ever ordered")', "double negation"),
    ],
)
def test_find_all__of_a_planted_text__finds_it(tmp_path: Path, source: str, rule: str) -> None:
    path = tmp_path / "x.py"
    path.write_text(source, "utf-8")
    found = {
        name
        for _, text in read_texts(path)
        for each in split_sentences(text)
        for name, *_ in find_breaches(each, RULES)
    }
    assert found == {rule}


@pytest.mark.parametrize(
    "source",
    ['LABEL = "is no x"', 'option("--n", help="Not a number.")', 'key = names["it is no"]', "x.reason = WORDS"],
)
def test_find_all__of_a_label_or_a_right_text__finds_nothing(tmp_path: Path, source: str) -> None:
    path = tmp_path / "x.py"
    path.write_text(source, "utf-8")
    assert [
        text for _, text in read_texts(path) for each in split_sentences(text) if list(find_breaches(each, RULES))
    ] == []


# ---------------------------------------------------------------------- the texts


@pytest.fixture(scope="module")
def found() -> list[Breach]:
    """What breaks a rule, accepted or not."""
    return find_all(FILES)


def test_prose__of_all_files__breaks_no_rule(found: list[Breach]) -> None:
    accepted = read_accepted()
    assert [str(breach) for breach in found if not is_accepted(breach, accepted)] == []


def test_accepted__of_each_entry__is_still_there_and_says_why(found: list[Breach]) -> None:
    for entry in read_accepted():
        assert len(entry["reason"].split()) > 2
        assert any(is_accepted(breach, [entry]) for breach in found), entry["begins"]


# ---------------------------------------------------------------------- docstrings


def public_functions() -> Iterator[tuple[str, str]]:
    """Yield the place and the docstring of every public function and method of the package."""
    for path in sorted((ROOT / "nvm_chain").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in [*tree.body, *(item for each in tree.body if isinstance(each, ast.ClassDef) for item in each.body)]:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not is_command(node):
                yield f"{name(path)}:{node.lineno} {node.name}", ast.get_docstring(node) or ""


def is_command(node: ast.FunctionDef) -> bool:
    """Return whether a function is a command, whose docstring is its help."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_docstrings__that_are_long__have_sections() -> None:
    prose = {place: re.sub(r"^ *>>> (?:.|\n)*", "", text, flags=re.MULTILINE) for place, text in public_functions()}
    long = {place: len(text) for place, text in prose.items() if len(text) > MAX_PLAIN_DOCSTRING}
    assert {place: size for place, size in long.items() if not SECTIONS.search(prose[place])} == {}


def test_docstrings__raises_sections__name_real_errors() -> None:
    wrong = [(place, entry) for place, text in public_functions() for entry in raises_of(text) if not is_error(entry)]
    assert wrong == []


def raises_of(docstring: str) -> list[str]:
    """Return the names in a docstring's Raises section."""
    found = re.search(r"^Raises:\n((?: .*\n?|\n(?= ))*)", docstring, re.MULTILINE)
    return re.findall(r"^ {4}(\w+):", found[1], re.MULTILINE) if found else []


def is_error(entry: str) -> bool:
    """Return whether a name is one of the package's errors, or one of Python's that it raises on purpose."""
    found = getattr(errors, entry, None)
    return entry in NOT_OURS or (isinstance(found, type) and issubclass(found, errors.NvmChainError))
