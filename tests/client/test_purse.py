"""The purse and its state: which ceiling is signed next, what counts against the limits, and what is given back."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nvm_chain.client.ceilings import CeilingFile, Ceilings, MemoryCeilings
from nvm_chain.client.limits import build_limits
from nvm_chain.client.places import Place, find_origin, find_place
from nvm_chain.client.purse import AboveLimit, Purse
from nvm_chain.client.states import Ceiling, Orders, State, format_state, parse_state
from nvm_chain.errors import InvalidUrl
from nvm_chain.types.accounts import Account

DEADLINE = 1_800_000_000
DID = f"did:nv:{7:064x}"


def make_purse(ceilings: Ceilings | None = None, *, in_all: int = 100, settled: int = 0, balance: int = 100) -> Purse:
    """Return a purse, for an account that stands on the chain as given."""
    limits = build_limits(per_request=10, in_all=in_all)
    return Purse(ceilings or MemoryCeilings(), limits, lambda _: Account(balance, settled, 0, False))


# ---------------------------------------------------------------------- ceilings


def test_reserve__of_requests_in_flight__builds_on_the_ones_before() -> None:
    purse = make_purse(settled=40)
    assert [purse.reserve(7, 5, DEADLINE).ceiling for _ in range(3)] == [45, 50, 55]


def test_give_back__of_what_a_request_did_not_cost__is_for_the_next_one() -> None:
    ceilings = MemoryCeilings()
    purse = make_purse(ceilings)
    first, second = (purse.reserve(7, 5, DEADLINE) for _ in range(2))
    purse.give_back(first, 2)
    assert purse.reserve(7, 3, DEADLINE).ceiling == second.ceiling
    assert ceilings.sum_signed() == 10


@pytest.mark.parametrize(("cost", "expected"), [(4, 9), (5, 10), (6, 10), (10**9, 10)])
def test_give_back__of_a_cost_above_the_reserved__gives_nothing(cost: int, expected: int) -> None:
    purse = make_purse()
    purse.give_back(purse.reserve(7, 5, DEADLINE), cost)
    assert purse.reserve(7, 5, DEADLINE).ceiling == expected


def test_take_back__of_a_lost_request__is_only_of_the_highest_ceiling() -> None:
    purse = make_purse()
    first, second = (purse.reserve(7, 5, DEADLINE) for _ in range(2))
    purse.take_back(first)
    assert purse.reserve(7, 1, DEADLINE).ceiling == 11
    purse.take_back(second)
    assert purse.reserve(7, 1, DEADLINE).ceiling == 12


def test_reserve__with_a_ceiling_that_a_gateway_wants__counts_what_the_chain_does_not_show() -> None:
    ceilings = MemoryCeilings()
    purse = make_purse(ceilings, settled=40, in_all=12)
    assert purse.reserve(7, 2, DEADLINE, least=52).ceiling == 52
    assert ceilings.sum_signed() == 12
    with pytest.raises(AboveLimit):
        purse.reserve(7, 2, DEADLINE)


def test_give_back__of_what_a_gateway_has_counted_without__lowers_nothing() -> None:
    purse = make_purse(in_all=200)
    early = [purse.reserve(7, 2, DEADLINE) for _ in range(3)]
    assert purse.reserve(7, 2, DEADLINE, least=102).ceiling == 108
    for reserved in early:
        purse.give_back(reserved, 0)
    assert purse.reserve(7, 2, DEADLINE, least=102).ceiling == 110


@pytest.mark.parametrize(("in_all", "is_allowed"), [(9, False), (10, True), (11, True)])
def test_reserve__at_the_limit_in_all__stops_above_it(in_all: int, is_allowed: bool) -> None:
    ceilings = MemoryCeilings()
    purse = make_purse(ceilings, in_all=in_all)
    purse.reserve(7, 5, DEADLINE)
    if is_allowed:
        assert purse.reserve(8, 5, DEADLINE).ceiling == 5
    else:
        with pytest.raises(AboveLimit, match="5 credits are signed, 5 more are wanted, and the limit in all is 9"):
            purse.reserve(8, 5, DEADLINE)
        assert ceilings.read(8) is None


@pytest.mark.parametrize("is_file", [False, True])
def test_reserve__of_eight_threads__gives_each_ceiling_once(is_file: bool, tmp_path: Path) -> None:
    purse = make_purse(CeilingFile(tmp_path / "s", "a") if is_file else None)
    with ThreadPoolExecutor(8) as pool:
        ceilings = list(pool.map(lambda _: purse.reserve(7, 2, DEADLINE).ceiling, range(40)))
    assert sorted(ceilings) == list(range(2, 82, 2))


@pytest.mark.parametrize(("credits", "is_covered"), [(89, True), (90, True), (91, False)])
def test_is_covered__with_requests_in_flight__counts_them(credits: int, is_covered: bool) -> None:
    purse = make_purse(settled=40, balance=100)
    purse.reserve(7, 10, DEADLINE)
    assert purse.is_covered(7, credits) is is_covered


# ---------------------------------------------------------------------- the state


def test_state__written_and_read__is_the_same() -> None:
    state = State(
        {"a": {DID: Ceiling(2**64 - 1, DEADLINE, 5, 9, 4)}, "b": {DID: Ceiling(1, 2)}}, {"a": {DID: Orders(3, 4)}}
    )
    assert parse_state(json.loads(format_state(state))) == state


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(version=2),
        lambda state: state.update(orders=[]),
        lambda state: state["orders"]["a"].update({DID: {"count": "1"}}),
        lambda state: state["orders"]["a"].update({DID: {"count": 1, "last": "2"}}),
        lambda state: state["accounts"]["a"][DID].update(more="1"),
        lambda state: state["accounts"]["a"][DID].update(used="-1"),
        lambda state: state["accounts"]["a"][DID].pop("deadline"),
    ],
)
def test_state__of_another_form__is_refused(change: Callable[..., object]) -> None:
    state = {
        "version": 1,
        "accounts": {"a": {DID: {"ceiling": "1", "deadline": "2", "used": "1"}}},
        "orders": {"a": {DID: {"count": "1", "last": "2"}}},
    }
    parse_state(state)
    change(state)
    with pytest.raises(ValueError, match=r"^not "):
        parse_state(state)


def test_orders__in_a_file__outlive_the_store(tmp_path: Path) -> None:
    one = CeilingFile(tmp_path / "s", "a")
    with one.lock_orders(), one.lock():
        one.write_orders(7, Orders(2, DEADLINE))
        one.write(7, Ceiling(5, DEADLINE))
    other = CeilingFile(tmp_path / "s", "a")
    assert (other.read_orders(7), other.read(7)) == (Orders(2, DEADLINE), Ceiling(5, DEADLINE))
    assert CeilingFile(tmp_path / "s", "b").read_orders(7) == Orders(0, 0)


# ---------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("target", "base", "service", "rest"),
    [
        (f"/services/{DID}/ask?x=/services/y", "", DID, "/ask?x=/services/y"),
        (f"/gw/services/{DID}/a%20b", "/gw", DID, "/a%20b"),
        (f"/services/{DID}", "", DID, ""),
        (f"/ask?to=/services/{DID}/x", "", None, f"/ask?to=/services/{DID}/x"),
        ("/services/did:nv:07/ask", "", None, "/services/did:nv:07/ask"),
    ],
)
def test_find_place__of_a_target__splits_it_byte_for_byte(
    target: str, base: str, service: str | None, rest: str
) -> None:
    origin = "https://gw.example.com"
    assert find_place(f"{origin}{target}", target) == Place(origin, origin + base, service, rest)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://H.example:80/x", "http://h.example"),
        ("https://h.example:8443", "https://h.example:8443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://user:secret@h.example/", "https://h.example"),
    ],
)
def test_find_origin__of_a_url__has_one_spelling(url: str, origin: str) -> None:
    assert find_origin(url) == origin


@pytest.mark.parametrize("url", ["ftp://h.example", "http://", "h.example", "http://h.example:port"])
def test_find_origin__of_no_server__is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl):
        find_origin(url)
