"""session_terms: the text and its hash are those of the vectors; a text has one spelling, and a voucher one text."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import (
    InvalidAddress,
    InvalidAgentId,
    InvalidAmount,
    InvalidConfig,
    InvalidMessage,
    VoucherMismatch,
)
from nvm_chain.meter.session_terms import (
    LAST_END,
    MAX_TERMS,
    PeriodLimit,
    SessionTerms,
    build_session_terms,
    check_session_voucher,
    parse_session_terms,
)
from nvm_chain.signing.vouchers import Voucher
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import format_did
from tests.support.accounts import HOLDER, NOW, PLAN, REDEEMER
from tests.support.meter_vectors import SESSION_TERMS, read_terms
from tests.support.reverts import reverts
from tests.support.vectors import name, read_hex

VECTORS: list[dict[str, Any]] = SESSION_TERMS["vectors"]
TERMS = build_session_terms(
    PLAN, holder=HOLDER, user=REDEEMER, limit=100, end=NOW, per_request=5, per_period=(20, 86_400), services=(7, 10)
)
VOUCHER = Voucher(PLAN, HOLDER, REDEEMER, 100, TERMS.context, NOW)


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_terms__of_each_vector__have_its_text_and_its_context(vector: dict[str, Any]) -> None:
    terms = read_terms(vector)
    assert terms.text == vector["text"]
    assert terms.context == read_hex(vector["context"])
    assert parse_session_terms(vector["text"]) == terms


def test_vectors__are_all_different() -> None:
    assert len({vector["context"] for vector in VECTORS}) == len({vector["name"] for vector in VECTORS}) == len(VECTORS)


credits = st.integers(1, 2**64 - 1)


@given(
    st.builds(
        SessionTerms,
        plan_id=st.integers(0, 2**256 - 1),
        holder=st.just(HOLDER),
        user=st.sampled_from([HOLDER, REDEEMER]),
        limit=credits,
        end=st.integers(0, LAST_END),
        per_request=st.none() | credits,
        per_period=st.none() | st.builds(PeriodLimit, credits, st.integers(1, 2**32 - 1)),
        services=st.sets(st.integers(1, 2**256 - 1).map(format_did), max_size=3).map(
            lambda found: tuple(sorted(found))
        ),
    )
)
def test_parse_session_terms__of_any_terms__is_what_was_written(terms: SessionTerms) -> None:
    assert parse_session_terms(terms.text) == terms
    assert terms.context == keccak(terms.text.encode("ascii"))


def test_build_session_terms__with_services_in_any_order__writes_them_once_in_order() -> None:
    terms = build_session_terms(PLAN, holder=HOLDER.lower(), limit=1, end=NOW, services=(10, 7, "7"))
    assert terms.services == (format_did(7), format_did(10))
    assert terms.holder == terms.user == HOLDER


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("version 1", "version 2"),
        ("at most 100", "at most 0100"),
        ("at most 100", "at most +100"),
        ("at most 100", "at most 18446744073709551616"),
        ("at most 100", "at most 0"),
        ("at most 100", "no other limit"),
        ("at most 5", "at most 5 credits"),
        ("at most 20 in 1 day", "at most 20 in 24 hours"),
        ("(86400 seconds)", "(86401 seconds)"),
        ("(1800000000)", "(1800000001)"),
        ("2027-01-15", "2028-01-15"),
        (HOLDER, HOLDER.lower()),
        (HOLDER, "0x" + "0" * 40),
        (REDEEMER, HOLDER),
        ("did:nv:" + "0" * 62 + "ff", "255"),
        (", did", ",did"),
        (" seconds)\n", " seconds)\r\n"),
        ("Session", " Session"),
        ("promise of the seller.", "promise of the seller.\n"),
        ("The seller", "The buyer"),
        ("\n\n", "\n"),
    ],
)
def test_parse_session_terms__of_another_spelling__is_refused(was: str, becomes: str) -> None:
    assert was in TERMS.text
    with pytest.raises(InvalidMessage):
        parse_session_terms(TERMS.text.replace(was, becomes, 1))


def test_parse_session_terms__of_services_in_another_order__is_refused() -> None:
    first, second = TERMS.services
    with reverts(InvalidMessage("session's terms", "one of its values has another spelling")):
        parse_session_terms(TERMS.text.replace(f"{first}, {second}", f"{second}, {first}"))


@pytest.mark.parametrize("text", ["", "Session", "é" * 50, "x" * (MAX_TERMS + 1)])
def test_parse_session_terms__of_other_texts__is_refused(text: str) -> None:
    with reverts(InvalidMessage("session's terms", "its lines are not those of a session")):
        parse_session_terms(text)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"limit": 0}, InvalidAmount),
        ({"limit": 2**64}, InvalidAmount),
        ({"per_request": 0}, InvalidAmount),
        ({"per_period": (0, 60)}, InvalidAmount),
        ({"per_period": (1, 0)}, InvalidAmount),
        ({"end": LAST_END + 1}, InvalidConfig),
        ({"end": -1}, InvalidAmount),
        ({"user": "0x0"}, InvalidAddress),
        ({"services": (0,)}, InvalidAgentId),
        ({"services": tuple(range(1, 66))}, InvalidConfig),
    ],
)
def test_build_session_terms__of_other_values__is_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    values: dict[str, Any] = {"holder": HOLDER, "limit": 1, "end": NOW, **changes}
    with pytest.raises(error):
        build_session_terms(PLAN, **values)


def test_terms__with_services_out_of_order__are_refused() -> None:
    with pytest.raises(InvalidConfig):
        replace(TERMS, services=tuple(reversed(TERMS.services)))


def test_check_session_voucher__of_the_signed_terms__passes() -> None:
    check_session_voucher(VOUCHER, TERMS)
    check_session_voucher(replace(VOUCHER, deadline=NOW + 1), TERMS)


OTHER = replace(TERMS, limit=101)


@pytest.mark.parametrize(
    ("voucher", "error"),
    [
        (replace(VOUCHER, context=OTHER.context), ("context", f"0x{TERMS.context.hex()}", f"0x{OTHER.context.hex()}")),
        (replace(VOUCHER, plan_id=256), ("plan id", format_did(255), format_did(256))),
        (replace(VOUCHER, holder=REDEEMER), ("holder", HOLDER, REDEEMER)),
        (replace(VOUCHER, deadline=NOW - 1), ("deadline", f"{NOW} or later", str(NOW - 1))),
    ],
    ids=["context", "plan", "holder", "deadline"],
)
def test_check_session_voucher__of_other_terms__is_refused(voucher: Voucher, error: tuple[str, str, str]) -> None:
    with reverts(VoucherMismatch(*error)):
        check_session_voucher(voucher, TERMS)
