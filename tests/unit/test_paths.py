"""paths: a text or a path, with ~ for the own folder, and a typed error for all else."""

from pathlib import Path

import pytest

from nvm_chain.client.ceilings import Ceiling, CeilingFile
from nvm_chain.errors import InvalidConfig
from nvm_chain.storage.folder_store import FolderStore
from nvm_chain.types.paths import parse_path
from tests.support.reverts import reverts


@pytest.mark.parametrize("value", ["~/x", Path("~/x")])
def test_parse_path__with_a_tilde__is_in_the_own_folder(value: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert parse_path(value, "state file") == Path("/home/me/x")


def test_parse_path__of_any_other_path__is_left_as_it_is() -> None:
    assert [parse_path(text, "file") for text in ("a/b", "/a", "a~", "x/~")] == [*map(Path, ("a/b", "/a", "a~", "x/~"))]


@pytest.mark.parametrize(
    ("value", "problem", "advice"),
    [
        (7, "the file is int", "give a text or a `pathlib.Path`"),
        (b"a", "the file is bytes", "give a text or a `pathlib.Path`"),
        ("", "the file is empty, or has a zero byte in it", "give a path"),
        ("a\0b", "the file is empty, or has a zero byte in it", "give a path"),
        ("~nobody-here/x", "the file begins with ~nobody-here, whose folder is not known", "write the whole path"),
    ],
)
def test_parse_path__of_what_is_no_path__is_refused(value: object, problem: str, advice: str) -> None:
    with reverts(InvalidConfig(problem, advice)):
        parse_path(value, "file")  # type: ignore[arg-type]


def test_ceiling_file__in_the_own_folder__is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    CeilingFile("~/state.json", "a").write(1, Ceiling(2, 3))
    assert CeilingFile(tmp_path / "state.json", "a").read(1) == Ceiling(2, 3)


def test_ceiling_file__behind_links_in_a_circle__is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InvalidConfig, match="cannot be used"):
        CeilingFile(tmp_path / "a", "x")


def test_folder_store__in_the_own_folder__keeps_documents_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FolderStore("~/documents").save("{}").startswith(tmp_path.as_uri())
