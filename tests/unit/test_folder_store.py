"""folder_store: documents are files named by their hash, written whole, and removed only by whom they belong to."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.errors import InvalidConfig, MetadataMismatch, MetadataNotSaved, MetadataUnavailable, UnverifiableUri
from nvm_chain.metadata.data_uris import MAX_JSON
from nvm_chain.storage.folder_store import FolderStore
from nvm_chain.storage.stores import load_metadata
from tests.support.reverts import reverts

TEXT = '{"name":"Écho"}'
NAME = sha256(TEXT.encode()).hexdigest() + ".json"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------- save, load


def test_save__in_a_new_folder__writes_one_file_with_the_text(tmp_path: Path) -> None:
    folder = tmp_path / "a folder" / "below"
    store = FolderStore(folder)
    uri = store.save(TEXT)
    assert uri == (folder / NAME).as_uri()
    assert (folder / NAME).read_bytes() == TEXT.encode()
    assert names(folder) == [NAME]
    assert store.load(uri) == load_metadata(uri, [store]) == TEXT


def test_save__twice__gives_the_same_uri_and_one_file(tmp_path: Path) -> None:
    store = FolderStore(str(tmp_path))
    assert store.save(TEXT) == store.save(TEXT)
    assert names(tmp_path) == [NAME]


def test_save__for_a_folder_that_is_served__gives_its_url_and_loads_from_the_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "https://example.com/metadata/")
    uri = store.save(TEXT)
    assert uri == f"https://example.com/metadata/{NAME}"
    assert load_metadata(uri, [store]) == TEXT
    assert store.load((tmp_path / NAME).as_uri()) == TEXT


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "http://example.com",
        "https://",
        "https://u@example.com",
        "https://example.com/?a",
        "https://example.com/#",
        "file:///a",
    ],
)
def test_base_url__of_another_form__is_refused(tmp_path: Path, base_url: str) -> None:
    with reverts(InvalidConfig("a base URL is https://host/path, without a user name, query or fragment")):
        FolderStore(tmp_path, base_url)


def test_save__over_a_damaged_document__mends_it(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{}")
    store = FolderStore(tmp_path)
    assert store.load(store.save(TEXT)) == TEXT


def test_save__over_a_symbolic_link__leaves_what_it_points_at(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / NAME).symlink_to(outside)
    FolderStore(folder).save(TEXT)
    assert outside.read_text() == "mine"
    assert not (folder / NAME).is_symlink()


def test_save__where_a_file_is_in_the_way__says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with reverts(MetadataNotSaved(str(tmp_path / "file"), "File exists")):
        FolderStore(tmp_path / "file").save(TEXT)


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_save__with_a_disk_that_fails__leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    store = FolderStore(tmp_path)
    with reverts(MetadataNotSaved(str(tmp_path), "No space left on device")):
        store.save(TEXT)
    assert names(tmp_path) == []


def test_save__interrupted__leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        FolderStore(tmp_path).save(TEXT)
    assert names(tmp_path) == []


def test_save__by_many_threads_and_two_stores__leaves_one_whole_file(tmp_path: Path) -> None:
    stores = [FolderStore(tmp_path), FolderStore(tmp_path)]
    with ThreadPoolExecutor(8) as pool:
        uris = set(pool.map(lambda number: stores[number % 2].save(TEXT), range(64)))
    assert uris == {(tmp_path / NAME).as_uri()}
    assert names(tmp_path) == [NAME]
    assert stores[0].load(uris.pop()) == TEXT


# ---------------------------------------------------------------------- what is not loaded


def outside_uris(folder: Path) -> list[str]:
    return [
        (folder.parent / NAME).as_uri(),
        f"{folder.as_uri()}/../{NAME}",
        f"{folder.as_uri()}/%2e%2e/{NAME}",
        f"{folder.as_uri()}//{NAME}",
        f"{folder.as_uri()}/sub/{NAME}",
        f"file://localhost{folder}/{NAME}",
        f"{folder.as_uri()}/notes.json",
        f"{folder.as_uri()}/{NAME.upper()}",
        f"{folder.as_uri()}/{NAME}?",
        f"{folder.as_uri()}/{NAME}\n",
        f"{folder}/{NAME}",
        NAME,
        f"https://example.com/{NAME}",
    ]


@pytest.mark.parametrize("number", range(13))
def test_load__of_a_uri_that_is_not_of_the_folder__is_refused(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "folder"
    store = FolderStore(folder)
    store.save(TEXT)
    (tmp_path / NAME).write_text(TEXT)
    (folder / "sub").mkdir()
    (folder / "sub" / NAME).write_text(TEXT)
    (folder / "notes.json").write_text(TEXT)
    uri = outside_uris(folder)[number]
    with reverts(UnverifiableUri(uri, f"it is not a document of {folder.as_uri()}")):
        store.load(uri)


def test_load__of_changed_content__is_a_mismatch(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    (tmp_path / NAME).write_text("{}")
    with reverts(MetadataMismatch(uri, NAME[:64], sha256(b"{}").hexdigest())):
        store.load(uri)


def test_load__of_a_file_that_is_too_long__stops_at_the_limit(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(1 << 40)  # sparse: there are no such bytes on the disk
    with reverts(MetadataUnavailable(uri, f"it has more than {MAX_JSON} bytes")):
        store.load(uri)


def link(path: Path) -> None:
    target = path.parent.parent / "outside"
    target.write_text(TEXT)
    path.symlink_to(target)


def test_load__of_a_document_that_is_gone__is_unavailable(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    (tmp_path / NAME).unlink()
    with reverts(MetadataUnavailable(uri, "No such file or directory")):
        store.load(uri)


@pytest.mark.parametrize(
    ("put", "problem"),
    [
        (link, "It is a symbolic link"),
        (Path.mkdir, "It is not a regular file"),
        (os.mkfifo, "It is not a regular file"),
    ],
    ids=["link", "folder", "pipe"],
)
def test_load__of_what_is_no_regular_file__is_unavailable(
    tmp_path: Path, put: Callable[[Path], None], problem: str
) -> None:
    folder = tmp_path / "folder"
    store = FolderStore(folder)
    uri = store.save(TEXT)
    (folder / NAME).unlink()
    put(folder / NAME)
    with reverts(MetadataUnavailable(uri, problem)):
        store.load(uri)


def test_folder__that_is_a_link__is_loaded_under_both_names(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = FolderStore(tmp_path / "link")
    assert store.load(store.save(TEXT)) == TEXT
    assert store.load((tmp_path / "link" / NAME).as_uri()) == TEXT


# ---------------------------------------------------------------------- discard


def test_discard__of_a_new_document__removes_it_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    store.discard(uri)
    assert names(tmp_path) == []
    store.discard(uri)


def test_discard__of_one_of_two_saves__keeps_it_for_the_other(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    store.save(TEXT)
    store.discard(uri)
    assert names(tmp_path) == [NAME]
    store.discard(uri)
    assert names(tmp_path) == []


def test_discard__of_what_was_there_before__keeps_it(tmp_path: Path) -> None:
    FolderStore(tmp_path).save(TEXT)
    store = FolderStore(tmp_path)
    store.discard(store.save(TEXT))
    assert names(tmp_path) == [NAME]


def test_discard__of_what_another_saved_since__keeps_it(tmp_path: Path) -> None:
    mine, other = FolderStore(tmp_path), FolderStore(tmp_path)
    uri = mine.save(TEXT)
    other.save(TEXT)
    mine.discard(uri)
    assert names(tmp_path) == [NAME]


def test_discard__of_saves_with_another_between__keeps_it(tmp_path: Path) -> None:
    mine, other = FolderStore(tmp_path), FolderStore(tmp_path)
    uri = mine.save(TEXT)
    other.save(TEXT)
    mine.save(TEXT)
    mine.discard(uri)
    mine.discard(uri)
    assert names(tmp_path) == [NAME]


def test_discard__of_what_was_removed_and_saved_again__removes_it_with_the_last(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    (tmp_path / NAME).unlink()
    store.save(TEXT)
    store.discard(uri)
    assert names(tmp_path) == [NAME]
    store.discard(uri)
    assert names(tmp_path) == []


@pytest.mark.parametrize("uri", [f"file:///elsewhere/{NAME}", "data:,", "", NAME])
def test_discard__of_another_uri__does_nothing(tmp_path: Path, uri: str) -> None:
    store = FolderStore(tmp_path)
    store.save(TEXT)
    store.discard(uri)
    assert names(tmp_path) == [NAME]


def test_discard__of_a_file_that_is_gone__does_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)
    (tmp_path / NAME).unlink()
    store.discard(uri)
    assert names(tmp_path) == []


def test_discard__that_the_disk_refuses__is_logged_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = FolderStore(tmp_path)
    uri = store.save(TEXT)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", refuse)
    with caplog.at_level(logging.WARNING, "nvm_chain"):
        store.discard(uri)
    monkeypatch.undo()
    assert f"{NAME} could not be removed: Operation not permitted" in caplog.text
    assert names(tmp_path) == [NAME]
