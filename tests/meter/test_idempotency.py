"""idempotency: a key counts for one authority at one service; another request under it is refused, an answer repeated."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InvalidMessage
from nvm_chain.meter.idempotency import MAX_ANSWER, KeyedRequest, Verdict, check_key, find_scope, judge
from tests.support.accounts import NOW, SERVICE
from tests.support.reverts import reverts

SCOPE, DIGEST = find_scope(b"\1" * 32, SERVICE, "order-1"), b"\2" * 32
RUNNING = KeyedRequest(SCOPE, DIGEST)
ANSWERED = replace(RUNNING, answered_at=NOW, size=MAX_ANSWER)


@pytest.mark.parametrize(
    ("kept", "digest", "now", "verdict"),
    [
        (None, DIGEST, NOW, Verdict.SERVE),
        (RUNNING, DIGEST, NOW, Verdict.WAIT),
        (RUNNING, b"\3" * 32, NOW, Verdict.REFUSE),
        (ANSWERED, DIGEST, NOW, Verdict.REPEAT),
        (ANSWERED, DIGEST, NOW + 599, Verdict.REPEAT),
        (ANSWERED, DIGEST, NOW + 600, Verdict.RECEIPT),
        (ANSWERED, DIGEST, NOW + 10**9, Verdict.RECEIPT),
        (ANSWERED, b"\3" * 32, NOW, Verdict.REFUSE),
        (ANSWERED, b"\3" * 32, NOW + 10**9, Verdict.REFUSE),
        (replace(ANSWERED, size=MAX_ANSWER + 1), DIGEST, NOW, Verdict.RECEIPT),
    ],
)
def test_judge__of_a_request_with_a_key__serves_it_once(
    kept: KeyedRequest | None, digest: bytes, now: int, verdict: Verdict
) -> None:
    assert judge(kept, digest, now) is verdict


parts = st.tuples(
    st.sampled_from([b"\1" * 32, b"\2" * 32]),
    st.sampled_from(["a", "ab", "did:nv:7"]),
    st.sampled_from(["b", "bb", "7b"]),
)


@given(parts, parts)
def test_find_scope__of_two_keys__is_the_same_for_the_same_only(
    one: tuple[bytes, str, str], other: tuple[bytes, str, str]
) -> None:
    assert (find_scope(*one) == find_scope(*other)) == (one == other)


def test_find_scope__of_parts_that_read_the_same__is_not_the_same() -> None:
    assert find_scope(b"", "a", "bc") != find_scope(b"", "ab", "c") != find_scope(b"a", "b", "c")


@pytest.mark.parametrize(
    "key", ["a", "a" * 128, "pay_7d5d747be160e280504c099d984bcfe0", "8e03978e-40d5-43e8-bc93-6894a57f9324"]
)
def test_check_key__of_a_usual_key__is_the_key(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize("key", ["", "a" * 129, "a b", "é", 'a"', "a\\", "a\n", "a\0"])
def test_check_key__of_another_text__is_refused(key: str) -> None:
    with reverts(InvalidMessage("idempotency key", "it is not 1 to 128 visible ASCII characters without quotes")):
        check_key(key)
