"""The words of the account page: what is open, what is owed, and what happened."""

from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account as Key

from nvm_chain.gateway.checkout.authority_words import tell_authority
from nvm_chain.gateway.checkout.movement_words import _WHAT, PAGE, _describe, tell_page
from nvm_chain.gateway.checkout.own_books import describe_owed
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.statements.types import Movement, MovementKind
from nvm_chain.types.ids import format_did

HOLDER, USER = Key.create().address, Key.create().address
NOW = 1_800_000_000
CARD: Any = None  # movements without money need no card


def build_authority(kind: AuthorityKind = AuthorityKind.SESSION, **values: Any) -> Authority:
    return Authority(b"\1" * 32, kind, 7, HOLDER, values.pop("user", HOLDER), start=NOW - 60, end=NOW + 60, **values)


def list_terms(authority: Authority) -> list[str]:
    terms: list[str] = tell_authority(authority, {}, NOW)["terms"]
    return terms


def test_authority__with_every_limit__is_told_in_sentences() -> None:
    limits: dict[str, Any] = {"limit": 100, "per_request": 1, "per_period": PeriodLimit(20, 3_600)}
    told = list_terms(build_authority(**limits, spent=1_000, held=1, period_used=3))
    assert told == [
        "At most 100 credits in all. 1,000 credits are used, and 1 credit is held.",
        "Each request costs at most 1 credit.",
        "At most 20 credits in each period of 1 hour. The present one ends on 2027-01-15 08:59:00 UTC, and has used 3.",
        "It ends on 2027-01-15 08:01:00 UTC.",
    ]


def test_authority__of_somebody_else__has_its_user() -> None:
    authority = build_authority(AuthorityKind.ALLOWANCE, user=USER, services=(format_did(7), format_did(8)))
    told = tell_authority(authority, {format_did(7): "Tea"}, NOW)
    assert (told["kind"], told["user"], told["services"]) == ("allowance", USER, ["Tea", format_did(8)])
    assert told["terms"][0] == "It has no limit. 0 credits are used."
    assert tell_authority(build_authority(), {}, NOW)["user"] is None


def test_sign_in__says_what_the_seller_may_open() -> None:
    told = list_terms(build_authority(AuthorityKind.SIGN_IN, used=1, max_periods=2, opened=1))
    assert told[0] == "It is good for any number of requests that your plan allows. 1 request so far."
    assert told[1] == "The seller may open at most 2 access periods by it, and has opened 1."


@pytest.mark.parametrize(
    ("charged", "held", "words"),
    [
        (0, 0, ""),
        (1, 0, "1 credit is charged, and the seller will take it from what you have."),
        (2, 0, "2 credits are charged, and the seller will take them from what you have."),
        (0, 1, "1 credit is held by requests that run now."),
        (
            2,
            3_000,
            "2 credits are charged, and the seller will take them from what you have. 3,000 credits are held by requests that run now.",
        ),
    ],
)
def test_account__is_told_what_is_charged_and_held(charged: int, held: int, words: str) -> None:
    assert describe_owed(Account(7, HOLDER, committed=charged, held=held)) == words


def test_movement__of_every_kind__has_words() -> None:
    assert set(_WHAT) == set(MovementKind)
    movement = Movement(MovementKind.REDEMPTION, 7, HOLDER, -1, 4, NOW, party=USER, context=b"tea\x1b".ljust(32, b"\0"))
    assert _describe(movement) == f"by {USER}"
    named = replace(movement, context=b"<b>tea</b>".ljust(32, b"\0"), access_until=NOW, party=HOLDER)
    assert _describe(named) == "<b>tea</b>, access until 2027-01-15 08:00:00 UTC"


def test_page__of_movements__ends_where_the_oldest_is() -> None:
    movements = [Movement(MovementKind.GRANT, 7, HOLDER, 1, number, NOW) for number in range(1, PAGE + 2)]
    first = tell_page(CARD, movements, None)
    assert (len(first["movements"]), first["movements"][0]["balance"], first["more"]) == (PAGE, str(PAGE + 1), "1")
    assert tell_page(CARD, movements, 1)["movements"][0]["balance"] == "1"
    assert tell_page(CARD, movements, 1)["more"] is None
    assert tell_page(CARD, movements[:PAGE], None)["more"] is None
    assert tell_page(CARD, [], None) == {"movements": [], "more": None}
