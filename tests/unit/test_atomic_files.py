"""atomic_files: a file is there whole or not at all, with its rights, behind its link, and without drafts of others."""

from pathlib import Path
from stat import S_IMODE

import pytest

from nvm_chain.types.atomic_files import OWNER_ONLY, open_draft, write_whole
from tests.support.full_disk import full_disk


def rights(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_write_whole__of_a_secret__is_for_its_owner_from_the_start(tmp_path: Path) -> None:
    with open_draft(tmp_path / "key", OWNER_ONLY) as draft:
        assert rights(draft.path) == OWNER_ONLY
    assert rights(write_whole(tmp_path / "key", "k", mode=OWNER_ONLY)) == OWNER_ONLY


def test_write_whole__over_a_file__keeps_its_rights(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "f", "old")
    path.chmod(0o640)
    assert rights(write_whole(path, "new")) == 0o640
    assert path.read_text() == "new"


def test_write_whole__behind_a_link__replaces_what_it_leads_to(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    assert write_whole(link, "new") == real
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_write_whole__of_a_new_file_where_one_is__changes_nothing(tmp_path: Path) -> None:
    write_whole(tmp_path / "f", "old")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "f", "new", overwrite=False)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "old")]


@pytest.mark.parametrize("overwrite", [True, False])
def test_write_whole__on_a_full_disk__leaves_nothing(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(OSError, match="File too large"), full_disk():
        write_whole(tmp_path / "f", "text", overwrite=overwrite)
    assert list(tmp_path.iterdir()) == []


def test_open_draft__twice_of_one_place__is_two_files(tmp_path: Path) -> None:
    with open_draft(tmp_path / "f") as first, open_draft(tmp_path / "f") as second:
        assert first.path != second.path
