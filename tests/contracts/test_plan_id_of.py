"""planIdOf: the id that a plan has or would have, a hash over all that it is (C27)."""

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.types.ids import compute_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split
from tests.support.fuzz import on_chain
from tests.support.world import MAX_FEE_BPS, ZERO, World

SALT = b"\x05" * 32

addresses = st.integers(1, 2**160 - 1).map(lambda number: to_checksum_address(number.to_bytes(20, "big")))
splits = st.lists(st.builds(Split, addresses, st.integers(0, 2**96 - 1)), max_size=4).map(tuple)
numbers = st.integers(0, 2**32 - 1)
all_terms = st.builds(
    Terms,
    kind=st.sampled_from(PlanKind),
    activation=st.sampled_from(Activation),
    token=addresses,
    splits=splits,
    quoter=addresses,
    paid_externally=st.booleans(),
    credits=numbers,
    duration=numbers,
    min_redeem=numbers,
    max_redeem=numbers,
    rule=st.sampled_from(RedemptionRule),
    trial=st.booleans(),
    transferable=st.booleans(),
)
salts = st.binary(min_size=32, max_size=32)
inputs = st.tuples(addresses, all_terms, salts)


def _plan_id(world: World, creator: str, terms: Terms, salt: bytes) -> int:
    return int(world.read(world.credits.functions.planIdOf(creator, terms.as_tuple(), salt)))


@on_chain
@given(one=inputs, two=inputs)
def test_plan_id_of__any_two_inputs__differs_as_they_do(world: World, one: Any, two: Any) -> None:
    """C27: the same inputs give the same id, on chain and in Python; any others give another."""
    first, second = _plan_id(world, *one), _plan_id(world, *two)
    where = (world.chain.chain_id, world.credits.address)
    assert first == compute_plan_id(*where, *one)
    assert second == compute_plan_id(*where, *two)
    assert (first == second) == (one == two)


CHANGES: list[dict[str, Any]] = [
    {"kind": PlanKind.TIME},
    {"kind": PlanKind.USAGE},
    {"activation": Activation.ON_FIRST_USE},
    {"token": ZERO},
    {"splits": ()},
    {"quoter": "0x" + "00" * 19 + "01"},
    {"paid_externally": True},
    {"credits": 101},
    {"duration": 1},
    {"min_redeem": 2},
    {"max_redeem": 11},
    {"rule": RedemptionRule.REDEEMER},
    {"trial": True},
    {"transferable": True},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
def test_plan_id_of__with_one_term_changed__is_another(world: World, changes: dict[str, Any]) -> None:
    creator = world.builder.address
    assert _plan_id(world, creator, world.terms(), SALT) != _plan_id(world, creator, world.terms(**changes), SALT)


def test_plan_id_of__with_splits_in_another_order__is_another(world: World) -> None:
    """Order is part of the terms: the first receiver is the one who gets a fee that nobody takes."""
    one, two = Split(world.builder.address, 5), Split(world.partner.address, 7)
    creator = world.builder.address
    first = _plan_id(world, creator, world.terms(splits=(one, two)), SALT)
    assert first != _plan_id(world, creator, world.terms(splits=(two, one)), SALT)


def test_plan_id_of__with_another_creator_or_salt__is_another(world: World) -> None:
    terms, builder, stranger = world.terms(), world.builder.address, world.stranger.address
    ids = {
        _plan_id(world, builder, terms, SALT),
        _plan_id(world, stranger, terms, SALT),
        _plan_id(world, builder, terms, bytes(32)),
    }
    assert len(ids) == 3


def test_plan_id_of__before_and_after_registration__is_the_same(world: World) -> None:
    terms, creator = world.terms(), world.builder.address
    before = _plan_id(world, creator, terms, SALT)
    world.send(world.builder, world.credits.functions.registerPlan(terms.as_tuple(), SALT, "", MAX_FEE_BPS))
    assert _plan_id(world, creator, terms, SALT) == before
    assert world.read(world.credits.functions.stateOf(before))[0] == creator
