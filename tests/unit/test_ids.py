"""ids: every spelling of a plan id is the same number, anything else is refused; ids depend on every term."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import InvalidAgentId, InvalidPlanId
from nvm_chain.errors.secrets import hide_keys
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.ids import compute_plan_id, format_did, parse_agent_id, parse_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split

MAX_ID = 2**256 - 1
plan_ids = st.integers(0, MAX_ID)
ALICE, BOB, CREDITS = (parse_address("0x" + digit * 40) for digit in "123")
TERMS = Terms(
    kind=PlanKind.CREDITS,
    activation=Activation.ON_PURCHASE,
    token=BOB,
    splits=(Split(ALICE, 20_000_000),),
    quoter=ZERO_ADDRESS,
    paid_externally=False,
    credits=100,
    duration=0,
    min_redeem=1,
    max_redeem=5,
    rule=RedemptionRule.HOLDER,
    trial=False,
    transferable=False,
)
SALT = bytes(31) + b"\1"


@given(plan_ids)
def test_parse_plan_id__of_every_spelling__is_the_number(plan_id: int) -> None:
    digits = f"{plan_id:064x}"
    for spelling in (
        plan_id,
        str(plan_id),
        f"0x{digits}",
        f"0x{digits.upper()}",
        f"did:nv:{digits}",
        f"DID:NV:{digits.upper()}",
        f" {plan_id}\n",
        f"\t0x{digits}\r\n",
        f"did:nv:{digits} ",
        format_did(plan_id),
    ):
        assert parse_plan_id(spelling) == plan_id
        if plan_id:
            assert parse_agent_id(spelling) == plan_id


def test_format_did__of_edges__has_64_digits() -> None:
    assert format_did(0) == "did:nv:" + "0" * 64
    assert format_did(MAX_ID) == "did:nv:" + "f" * 64
    assert format_did("0x" + "0" * 63 + "a") == "did:nv:" + "0" * 63 + "a"  # type: ignore[arg-type]


@given(st.integers(0, 2**64 - 1))
def test_parse_plan_id__of_a_small_number_in_hexadecimal__is_the_number(number: int) -> None:
    assert parse_plan_id(hex(number)) == parse_plan_id(hex(number).upper()) == number


@pytest.mark.parametrize("prefix", ["0x", "0X", "did:nv:"])
@pytest.mark.parametrize(("count", "told"), [(17, "47 too few"), (63, "1 too few"), (65, "1 too many")])
@pytest.mark.parametrize(("parse", "kind"), [(parse_plan_id, InvalidPlanId), (parse_agent_id, InvalidAgentId)])
def test_parse_id__that_was_not_copied_whole__says_how_many_digits_it_has(
    prefix: str, count: int, told: str, parse: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        parse(prefix + "1" * count)
    assert f"It has {count} hexadecimal digits, {told}." in str(caught.value)
    assert str(caught.value).endswith("Copy all of it: an id has 64 digits, with its zeros in front.")


NO_IDS: list[Any] = [
    -1,
    2**256,
    10**5000,
    str(2**256),
    "9" * 78,
    "9" * 79,
    "9" * 5000,
    "",
    " ",
    "1 0",
    "0x 1",
    "\u00a01",
    "+1",
    "-1",
    "1_0",
    "1.0",
    "0x",
    "0x" + "0" * 63,
    "0x" + "0" * 17,
    "0x" + "0" * 65,
    "0x" + "g" * 64,
    "did:nv:" + "0" * 63,
    "did:nv:1",
    "did: nv:" + "0" * 64,
    "did:ethr:" + "0" * 64,
    "f" * 64,
    "٣",
    True,
    False,
    None,
    1.0,
    b"1",
    [1],
]


@pytest.mark.parametrize("value", NO_IDS, ids=range(len(NO_IDS)))
def test_parse_plan_id__of_anything_else__raises(value: Any) -> None:
    with pytest.raises(InvalidPlanId) as caught:
        parse_plan_id(value)
    assert caught.value.args == (hide_keys(value) if isinstance(value, str) else value,)
    assert str(caught.value).endswith(
        ("64 hexadecimal digits after 0x or did:nv:.", "64 digits, with its zeros in front.")
    )
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [*NO_IDS, 0, "0", "0x" + "0" * 64], ids=range(len(NO_IDS) + 3))
def test_parse_agent_id__of_anything_else_or_zero__raises(value: Any) -> None:
    with pytest.raises(InvalidAgentId) as caught:
        parse_agent_id(value)
    assert caught.value.args == (hide_keys(value) if isinstance(value, str) else value,)
    assert len(str(caught.value)) < 300


# ---------------------------------------------------------------------- compute_plan_id

OTHERS = [
    replace(TERMS, kind=PlanKind.TIME),
    replace(TERMS, kind=PlanKind.USAGE),
    replace(TERMS, activation=Activation.ON_FIRST_USE),
    replace(TERMS, quoter=ALICE),
    replace(TERMS, paid_externally=True),
    replace(TERMS, duration=1),
    replace(TERMS, duration=100, credits=0),
    replace(TERMS, token=ALICE),
    replace(TERMS, splits=()),
    replace(TERMS, splits=(Split(ALICE, 20_000_001),)),
    replace(TERMS, splits=(Split(ALICE, 2**96 - 1),)),
    replace(TERMS, splits=(Split(BOB, 20_000_000),)),
    replace(TERMS, splits=TERMS.splits * 2),
    replace(TERMS, credits=101),
    replace(TERMS, min_redeem=2),
    replace(TERMS, max_redeem=6),
    replace(TERMS, credits=1, min_redeem=100),
    replace(TERMS, rule=RedemptionRule.REDEEMER),
    replace(TERMS, trial=True),
    replace(TERMS, transferable=True),
]


def test_compute_plan_id__with_one_thing_changed__is_another() -> None:
    base = (84532, CREDITS, ALICE, TERMS, SALT)
    assert compute_plan_id(*base) == compute_plan_id(*base)
    changed: list[tuple[Any, ...]] = [
        (8453, *base[1:]),
        (84532, BOB, *base[2:]),
        (84532, CREDITS, BOB, TERMS, SALT),
        (84532, CREDITS, ALICE, TERMS, bytes(32)),
        *((84532, CREDITS, ALICE, terms, SALT) for terms in OTHERS),
    ]
    ids = {compute_plan_id(*arguments) for arguments in [base, *changed]}
    assert len(ids) == 1 + len(changed)
