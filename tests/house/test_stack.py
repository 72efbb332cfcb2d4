"""The ranges in `pyproject.toml`, the locks and what `make stack` runs agree about what the package works with."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.support.documents import ROOT
from tools import stack

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RANGES = {found.name: found for found in map(Requirement, SETTINGS["project"]["dependencies"])}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def read_lock(name: str) -> dict[str, str]:
    """Return the versions in a lock, by package."""
    return dict(
        re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / f"{name}.lock").read_text("utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize(
    ("package", "oldest", "newest", "next_major"),
    [
        ("web3", "7.15.0", "8.0.0", "9.0.0b1"),
        ("eth-account", "0.13.7", "0.14.0", "0.15.0b1"),
        ("eth-tester", "0.13.0b1", "0.14.0b1", "0.15.0b1"),
    ],
)
def test_ranges__of_the_stack__allow_both_ends_and_nothing_untried(
    package: str, oldest: str, newest: str, next_major: str
) -> None:
    allowed = RANGES[package].specifier
    assert (oldest in allowed, newest in allowed, next_major in allowed) == (True, True, False)


@pytest.mark.parametrize("package", RANGES)
def test_ranges__of_any_dependency__have_both_ends(package: str) -> None:
    assert sorted(bound.operator for bound in RANGES[package].specifier) == ["<", ">="]


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_locks__lie_within_the_ranges(lock: str) -> None:
    versions = read_lock(lock)
    assert {name: versions[name] for name, range_ in RANGES.items() if versions[name] not in range_.specifier} == {}


def test_stack__runs_each_python_that_the_package_names() -> None:
    prefix = "Programming Language :: Python :: 3."
    named = [line.removeprefix(prefix[:-2]) for line in SETTINGS["project"]["classifiers"] if line.startswith(prefix)]
    assert list(stack.PYTHONS) == named
    assert SETTINGS["project"]["requires-python"] == f">={stack.PYTHONS[0]}"


def test_stack__shows_each_package_of_the_ranges_that_comes_from_this_field() -> None:
    field = {name for name in RANGES if name.startswith(("eth-", "web3"))}
    assert field - set(stack.SHOWN) == set()


def test_read_tools__has_each_tool_with_its_range() -> None:
    tools = {Requirement(line).name for line in stack.read_tools()}
    assert set(stack.TOOLS) - tools == set()


def test_list_tests__names_files_that_are_there_and_those_of_both_chains() -> None:
    tests = stack.list_tests()
    assert [name for name in tests if not (ROOT / name).exists()] == []
    assert len(tests) > len(stack.TESTS)
    assert len(tests) == len(set(tests))


def test_find_python__of_a_version_that_nobody_has__is_none() -> None:
    assert stack.find_python("3.0") is None


def test_make_stack__runs_the_tool_and_clean_removes_what_it_made() -> None:
    recipe = re.search(r"^stack:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    assert "-m tools.stack" in recipe[1]
    folder = stack.FOLDER.name
    assert folder in re.findall(r"rm -rf (.*)\\", MAKEFILE)[0].split()
    assert f"/{folder}/" in (ROOT / ".gitignore").read_text("utf-8").split()
