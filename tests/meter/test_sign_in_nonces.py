"""Nonces of sign-ins: recognized without being stored, for ten minutes, and by the books that gave them out only."""

import pytest

from nvm_chain.errors import NonceNotAccepted
from nvm_chain.meter.nonces import build_nonce, check_nonce
from nvm_chain.meter.sign_in import build_sign_in
from tests.support.accounts import HOLDER, NOW, SERVICE

SECRET = b"secret of these books"


@pytest.mark.parametrize("seconds", [-30, 0, 1, 599])
def test_check_nonce__within_ten_minutes__returns_the_second_of_its_issue(seconds: int) -> None:
    assert check_nonce(SECRET, build_nonce(SECRET, NOW), now=NOW + seconds) == NOW


@pytest.mark.parametrize("seconds", [-31, 600, 601, 10**9])
def test_check_nonce__too_early_or_too_late__is_refused(seconds: int) -> None:
    with pytest.raises(NonceNotAccepted, match="expired"):
        check_nonce(SECRET, build_nonce(SECRET, NOW), now=NOW + seconds)


@pytest.mark.parametrize(("since", "is_good"), [(NOW - 1, True), (NOW, False), (NOW + 1, False)])
def test_check_nonce__from_before_a_restored_backup__is_refused(since: int, is_good: bool) -> None:
    nonce = build_nonce(SECRET, NOW)
    if is_good:
        assert check_nonce(SECRET, nonce, now=NOW + 5, since=since) == NOW
    else:
        with pytest.raises(NonceNotAccepted):
            check_nonce(SECRET, nonce, now=NOW + 5, since=since)


def test_check_nonce__with_any_other_digit__is_refused() -> None:
    nonce = build_nonce(SECRET, NOW)
    for place, digit in enumerate(nonce):
        other = "0" if digit != "0" else "1"
        with pytest.raises(NonceNotAccepted, match="gave out"):
            check_nonce(SECRET, nonce[:place] + other + nonce[place + 1 :], now=NOW)


@pytest.mark.parametrize("change", [str.upper, lambda nonce: nonce[:-1], lambda nonce: nonce + "0", lambda _: ""])
def test_check_nonce__in_another_spelling__is_refused(change: object) -> None:
    nonce = "a" + build_nonce(SECRET, NOW)[1:]
    assert callable(change)
    with pytest.raises(NonceNotAccepted):
        check_nonce(SECRET, change(nonce), now=NOW)


def test_check_nonce__of_other_books__is_refused() -> None:
    with pytest.raises(NonceNotAccepted):
        check_nonce(b"another secret", build_nonce(SECRET, NOW), now=NOW)


def test_build_nonce__many__differ_and_stand_in_a_message() -> None:
    nonces = {build_nonce(SECRET, NOW) for _ in range(1_000)}
    assert len(nonces) == 1_000
    message = build_sign_in(
        HOLDER, origin="https://example.com", service=SERVICE, chain_id=1, nonce=nonces.pop(), now=NOW
    )
    assert check_nonce(SECRET, message.nonce, now=NOW) == NOW
