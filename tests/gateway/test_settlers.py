"""Who settles, as the leases in the books say, and books that a gateway has for itself."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nvm_chain.errors import IndexUnavailable, WrongDatabase
from nvm_chain.gateway.books import is_in_use, open_free_books
from nvm_chain.gateway.settlers import RunningSettler, list_settlers
from nvm_chain.meter.store.leases import give_lease_back, take_lease
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.store import Store
from tests.support.postgres import run_postgres
from tests.support.world import ZERO

CREDITS = ZERO[:-1] + "1"
ADDRESS = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_postgres() as server:
        yield server.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    where = str(tmp_path / "meter.db") if request.param == "sqlite" else request.getfixturevalue("url")
    with closing(open_store(where, chain_id=1, credits=CREDITS)) as store:
        yield store


def test_list_settlers__while_one_has_the_lease__names_its_key_and_the_seconds(store: Store) -> None:
    assert list_settlers(store) == []
    assert take_lease(store, f"settle with {ADDRESS}", b"o" * 16, 1_000) is None
    assert take_lease(store, "something else", b"o" * 16, 1_000) is None
    (found,) = list_settlers(store)
    assert found.redeemer == ADDRESS
    assert 900 < found.seconds <= 1_000
    assert isinstance(found, RunningSettler)
    give_lease_back(store, f"settle with {ADDRESS}", b"o" * 16)
    assert list_settlers(store) == []


def test_is_in_use__of_books_in_a_file__says_whether_a_process_has_them(tmp_path: Path) -> None:
    path = tmp_path / "meter.db"
    assert not is_in_use(str(path))
    with closing(open_store(path, chain_id=1, credits=CREDITS)):
        assert is_in_use(str(path))
        with pytest.raises(IndexUnavailable) as caught, open_free_books(str(path)):
            pass
        assert "one process alone" in caught.value.problem
    assert not is_in_use(str(path))
    with open_free_books(str(path)) as writer:
        assert writer.run(list_settlers) == []


def test_is_in_use__of_another_file__leaves_the_answer_to_whoever_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "meter.db"
    path.write_text("not a database, but a text of some length" * 50)
    assert not is_in_use(str(path))
    with pytest.raises(WrongDatabase), open_free_books(str(path)):
        pass
