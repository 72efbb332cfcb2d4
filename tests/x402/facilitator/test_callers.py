"""Callers of a facilitator: their file, their tokens, and where one without tokens may listen."""

from pathlib import Path

import pytest

from nvm_chain.errors import InvalidAddress, InvalidConfig
from nvm_chain.gateway.facilitator.running import read_place
from nvm_chain.x402.facilitator.callers import (
    LOOPBACK_CALLER,
    build_caller,
    find_caller,
    make_token,
    read_callers,
)
from nvm_chain.x402.facilitator.limits import Counter

SHOP = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
HASH = "sha256:" + "ab" * 32


def test_read_callers__of_made_lines__knows_each_by_its_token() -> None:
    first, second = make_token("shop"), make_token("other")
    callers = read_callers(f"# servers\n\n{first.line} {SHOP}\n{second.line}\n")
    found = find_caller(first.token, callers)
    assert found is not None
    assert (found.name, found.pay_to) == ("shop", frozenset({SHOP}))
    assert find_caller(second.token, callers) == callers[1]
    assert [find_caller(token, callers) for token in (None, "", first.line, first.token + "x")] == [None] * 4
    assert first.token not in first.line
    assert len({caller.submitter for caller in callers}) == 2


def test_find_caller__of_a_token_that_two_have__is_nobody() -> None:
    made = make_token("shop")
    assert find_caller(made.token, read_callers(f"{made.line}\n{made.line.replace('shop', 'other')}")) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", InvalidConfig),
        ("# nobody", InvalidConfig),
        ("shop", InvalidConfig),
        ("shop secret-in-plain-text", InvalidConfig),
        (f"shop {HASH}\nshop {HASH}", InvalidConfig),
        (f"sh/op {HASH}", InvalidConfig),
        (f"shop {HASH} 0x12", InvalidAddress),
    ],
)
def test_read_callers__of_a_malformed_file__is_refused_without_its_secrets(text: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        read_callers(text)
    assert "secret-in-plain-text" not in str(caught.value)


def test_read_place__without_tokens__is_on_this_machine_alone(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        place = read_place(store="books.db", token_file=None, host=host, port=1)
        assert place.callers == (LOOPBACK_CALLER,)
    for host in ("0.0.0.0", "192.168.1.5", "example.com", "::"):
        with pytest.raises(InvalidConfig):
            read_place(store="books.db", token_file=None, host=host, port=1)
    (tmp_path / "shops.txt").write_text(f"shop {HASH}\n", "utf-8")
    place = read_place(store="books.db", token_file=tmp_path / "shops.txt", host="0.0.0.0", port=1)
    assert place.callers == (build_caller("shop", HASH),)
    with pytest.raises(InvalidConfig):
        read_place(store="books.db", token_file=tmp_path / "missing.txt", host="0.0.0.0", port=1)


def test_counter__after_its_time__begins_again() -> None:
    now = [0.0]
    counter = Counter(60, lambda: now[0])
    assert [counter.add("shop"), counter.add("shop", 5), counter.add("other")] == [1, 6, 1]
    now[0] = 59.9
    assert counter.read("shop") == 6
    now[0] = 60.0
    assert (counter.read("shop"), counter.add("shop")) == (0, 1)
