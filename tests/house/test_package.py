"""What an index gets: a source archive with all that explains the package, and a README whose links are not dead."""

import doctest
import re
import subprocess
import sys
import tarfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from tests.support.documents import README, ROOT
from tools import index_readme

BUILD = "from hatchling.build import build_sdist; import sys; print(build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    done = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.strip()


@pytest.fixture(scope="module")
def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as files:
        return {name.partition("/")[2] for name in files.getnames()}


@pytest.fixture(scope="module")
def metadata(archive: Path) -> Message:
    with tarfile.open(archive) as files:
        (info,) = [member for member in files.getmembers() if member.name.endswith("/PKG-INFO")]
        content = files.extractfile(info)
        assert content is not None
        return message_from_string(content.read().decode("utf-8"))


def test_source_archive__has_what_explains_the_package(names: set[str]) -> None:
    expected = {"README.md", "SECURITY.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docs/README.md"}
    expected |= {"contracts/credits/Credits.sol", "contracts/agents/AgentRegistry.sol", "tests/vectors/vouchers.json"}
    assert expected - names == set()
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "contracts").rglob("*.sol")} <= names
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")} <= names


def test_source_archive__builds_without_the_repository(names: set[str]) -> None:
    assert {"pyproject.toml", "tools/index_readme.py", "nvm_chain/__init__.py", "nvm_chain/py.typed"} <= names


def test_source_archive__has_nothing_that_tools_leave_behind(names: set[str]) -> None:
    assert [
        name for name in names if re.search(r"(^|/)(\.venv|\.deep|\.build|build/|node_modules|__pycache__)", name)
    ] == []


def test_readme__on_an_index__has_no_link_that_is_dead_there(metadata: Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    body = metadata.get_payload()
    assert isinstance(body, str)
    assert body.startswith("# nvm_chain\n")
    targets = re.findall(r"\]\(([^)]*)\)", body)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_rewrite_readme__with_a_source__links_there() -> None:
    text = index_readme.rewrite_readme(README.read_text("utf-8"), "https://host.example/tree/main")
    assert "(https://host.example/tree/main/docs/README.md)" in text
    assert re.findall(r"\]\((?!https://)[^)]*\)", text) == []


def test_examples__of_the_hook__print_what_they_say() -> None:
    done = doctest.testmod(index_readme)
    assert (done.failed, done.attempted > 0) == (0, True)
