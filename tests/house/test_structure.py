"""Every file says what it is for, and the habits that the house does without are nowhere in it."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("nvm_chain", "contracts", "scripts", "tests", "tools")
GENERATED = {"__pycache__", "node_modules", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".ape", ".build"}


def find(suffix: str, *folders: str) -> list[Path]:
    """Return the project's own files with a suffix, below some folders."""
    found = (path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))
    return sorted(path for path in found if not GENERATED & set(path.parts))


def name(path: Path) -> str:
    """Name a file in test ids and messages."""
    return str(path.relative_to(ROOT))


PYTHON = find(".py", *FOLDERS)
SOLIDITY = find(".sol", "contracts")
JAVASCRIPT = [*find(".mjs", *FOLDERS), *find(".js", *FOLDERS)]
SOURCES = [*PYTHON, *SOLIDITY, *JAVASCRIPT]


@cache
def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text("utf-8")


def parse(path: Path) -> ast.Module:
    """Return the tree of a Python file."""
    return ast.parse(read(path))


def breakers(breaks: Callable[[Path], object], paths: Iterable[Path]) -> list[str]:
    """Return the files that break a rule. Each rule is one test over all files."""
    return [name(path) for path in paths if breaks(path)]


# ---------------------------------------------------------------------- purpose


def begins_without_purpose(path: Path) -> bool:
    """Tell whether a Python file does not begin with a sentence of what it is for."""
    first = (ast.get_docstring(parse(path)) or "").partition("\n")[0]
    return len(first.split()) <= 2 or not first.endswith((".", "`"))


def test_python_file__begins_with_what_it_is_for() -> None:
    assert breakers(begins_without_purpose, [path for path in PYTHON if path.stat().st_size]) == []


def test_python_files_without_content__are_only_package_markers() -> None:
    assert {path.name for path in PYTHON if not path.stat().st_size} <= {"__init__.py"}


def has_no_title(path: Path) -> bool:
    """Tell whether a Solidity file has no licence, or something in it has no title or notice."""
    declared = r"((?:^///.*\n)*)^(?:abstract )?(?:contract|library|interface) "
    comments = re.findall(declared, read(path), re.MULTILINE)
    is_titled = all(re.match(r"/// @(title|notice) [A-Z].*", comment) for comment in comments)
    return not is_titled or not read(path).startswith("// SPDX-License-Identifier: Apache-2.0\npragma solidity ")


def test_solidity_file__says_what_it_is_for() -> None:
    assert breakers(has_no_title, SOLIDITY) == []


def has_other_compiler(path: Path) -> bool:
    """Tell whether a Solidity file does not name its compiler: one version if it is deployed."""
    folders = [ROOT / "contracts" / name for name in ("credits", "agents", "examples")]
    is_interface = re.match(r"I[A-Z]", path.name)
    deployed = (path.parent in folders and not is_interface) or path.name == "TestUSDC.sol"
    version = "0.8.37" if deployed else "^0.8.30"
    return f"\npragma solidity {version};\n" not in read(path)


def test_solidity_file__pins_the_compiler_if_it_is_deployed() -> None:
    assert breakers(has_other_compiler, SOLIDITY) == []


def begins_without_comment(path: Path) -> bool:
    """Tell whether a JavaScript file does not begin with what it is for."""
    lines = [line for line in read(path).splitlines() if not line.startswith("#!")]
    return not re.match(r"// [A-Z]", lines[0])


def test_javascript_file__begins_with_what_it_is_for() -> None:
    assert breakers(begins_without_comment, JAVASCRIPT) == []


# ---------------------------------------------------------------------- length

MAX_LINES = 30
"""Lines of a function's code. Its signature and its docstring are not counted."""


def find_long_functions(source: str) -> list[tuple[str, int]]:
    """Return the functions of a source that are longer than the house has them, with their lines."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.name, count) for node in found if (count := count_lines(node)) > MAX_LINES]


def count_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from a function's first statement to its last."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("beginning", ["def work(\n    plan,\n):", "async def work():", "class A:\n  def work(self):"])
@pytest.mark.parametrize("docstring", ["", '    """Work.\n\n    At length.\n    """\n'])
@pytest.mark.parametrize(("count", "is_long"), [(MAX_LINES - 1, False), (MAX_LINES, False), (MAX_LINES + 1, True)])
def test_find_long_functions__of_a_function_of_some_lines__finds_a_long_one(
    beginning: str, docstring: str, count: int, is_long: bool
) -> None:
    source = f"{beginning}\n{docstring}" + "    plan = 1\n" * count
    assert find_long_functions(source) == ([("work", count)] if is_long else [])


def test_functions__of_each_file__are_of_thirty_lines_at_most() -> None:
    found = {name(path): find_long_functions(read(path)) for path in find(".py", "nvm_chain", "scripts", "tools")}
    assert {path: functions for path, functions in found.items() if functions} == {}


# ---------------------------------------------------------------------- what is nowhere

MARKS = "TO" + "DO|FIX" + "ME|X" + "XX"
SKIPS = r"pytest\.mark\.(?:skip|xfail)|pytest\.(?:skip|xfail|importorskip)\(|unittest\.skip"


def test_source__has_no_note_of_unfinished_work() -> None:
    assert breakers(lambda path: re.findall(rf"\b(?:{MARKS})\b", read(path)), SOURCES) == []


def test_test_file__skips_nothing_and_expects_no_failure() -> None:
    others = [path for path in find(".py", "tests") if path != Path(__file__)]
    assert breakers(lambda path: re.findall(SKIPS, read(path)), others) == []


def broad_handlers(path: Path) -> Iterator[str]:
    """Yield the source line of every `except` that catches everything."""
    lines = path.read_text("utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.ExceptHandler):
            kinds = (
                {item.id for item in ast.walk(node.type) if isinstance(item, ast.Name)} if node.type else {"Exception"}
            )
            if kinds & {"Exception", "BaseException"}:
                yield lines[node.lineno - 1].strip()


# eth-account raises many types, some of which quote the key; a program says of a bug that it is one; a broken contract breaks
# whatever looks at it; whatever comes out of a call on a node with faults is judged; a signer that raises must not hide what was sent;
# what works beside the serving begins again after any error, which is logged; a fuzzer looks for errors that are not ours, and
# what stands between a task and its coroutine hands on whatever was raised.
BROAD = {
    "nvm_chain/signing/keys.py": 1,
    "nvm_chain/cli": 1,
    "nvm_chain/chain/bulk_handover.py": 1,
    "nvm_chain/chain/progress.py": 1,
    "nvm_chain/gateway/workers.py": 2,
    "nvm_chain/meter/opening.py": 1,
    "nvm_chain/meter/store/writer.py": 2,
    "tests/assurance/mutation/by_histories.py": 1,
    "tests/gateway/fuzzing.py": 1,
    "tests/gateway/test_request_faults.py": 1,
    "tests/support/faults/campaign.py": 1,
}


def test_except_exception__is_where_it_is_justified_only() -> None:
    found: dict[str, list[str]] = {}
    for path in find(".py", "nvm_chain", "scripts", "tests"):
        folder = path.parent if path.parent.name == "cli" else path
        found.setdefault(name(folder), []).extend(broad_handlers(path))
    broad = {file: lines for file, lines in found.items() if lines}
    assert set(broad) <= set(BROAD)
    assert all(len(lines) <= BROAD[file] for file, lines in broad.items())
    assert all("# noqa: BLE001  " in line for lines in broad.values() for line in lines)  # with the reason behind


SECONDS_ONLY = {f"nvm_chain/chain/{name}.py" for name in ("repeating", "rpc", "sending")}
SECONDS_ONLY |= {f"nvm_chain/chain/transport/{name}.py" for name in ("failover", "limits", "line", "websocket")}
SECONDS_ONLY |= {"nvm_chain/chain/async_rpc.py", "nvm_chain/index/following.py"}
SECONDS_ONLY |= {f"nvm_chain/index/{name}.py" for name in ("signals", "waiting", "watching")}
SECONDS_ONLY |= {
    "nvm_chain/meter/session_tranches.py",
    "nvm_chain/gateway/metrics.py",
    "nvm_chain/x402/facilitator/limits.py",
    "nvm_chain/integrations/x402/signing_in.py",
}
SECONDS_ONLY |= {
    f"nvm_chain/gateway/{name}.py"
    for name in (
        "live_secrets",
        "time_limits",
        "watching",
        "workers",
        "webhooks/posting",
        "webhooks/sending",
        "facilitator/numbers",
    )
}
"""Files whose floats are pauses in seconds."""


def names(path: Path, wanted: str) -> bool:
    """Tell whether a Python file has a name in its code."""
    return any(isinstance(node, ast.Name) and node.id == wanted for node in ast.walk(parse(path)))


def test_money__is_never_a_float() -> None:
    counted = [path for path in find(".py", "nvm_chain") if name(path) not in SECONDS_ONLY]
    assert breakers(lambda path: names(path, "float"), counted) == []


def test_source__prints_only_in_the_faces() -> None:
    others = [path for path in find(".py", "nvm_chain") if "cli" not in path.parts and path.stem not in ("cli", "demo")]
    assert breakers(lambda path: names(path, "print"), others) == []


def test_tests__never_sleep_but_to_wait_for_a_process() -> None:
    sleeping = breakers(lambda path: "time.sleep(" in read(path).replace('"time.sleep("', ""), find(".py", "tests"))
    assert set(sleeping) <= {"tests/support/anvil.py", "tests/support/postgres.py"}
