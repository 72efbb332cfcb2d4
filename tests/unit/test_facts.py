"""Facts: kept by what they are about, dropped with what belongs to them, and shared by threads."""

import sys
import threading
from collections.abc import Iterator

import pytest

from nvm_chain.chain import facts
from nvm_chain.chain.facts import Facts


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Have threads take turns after each few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_forget__of_what_others_belong_to__drops_them_and_nothing_else() -> None:
    known = Facts()
    for about in (("token", "a"), ("token", "a", "name"), ("token", "b"), ("plan", 1)):
        assert known.keep("fact", *about) == "fact"
    known.forget("token", "a")
    found = [known.find(*about) for about in (("token", "a"), ("token", "a", "name"), ("token", "b"), ("plan", 1))]
    assert found == [None, None, "fact", "fact"]
    known.forget()
    assert known.find("plan", 1) is None


def test_keep__of_more_than_are_kept__drops_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_FACTS", 2)
    known = Facts()
    for number in range(3):
        known.keep(number, "plan", number)
    assert [known.find("plan", number) for number in range(3)] == [None, 1, 2]


def test_forget__while_another_thread_keeps__raises_nothing(hasty_threads: None) -> None:
    """It runs while a failed payment is told: another error would take the place of that one, and of its hash."""
    known = Facts()
    is_over = threading.Event()

    def keep() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            known.keep(number, "plan", number)

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        for _ in range(300):
            known.forget("plan")
    finally:
        is_over.set()
        keeper.join(10)
    assert not keeper.is_alive()
