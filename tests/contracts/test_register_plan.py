"""registerPlan: terms become a plan under an id that only their creator can take.

Which terms go together is in test_terms_rules.
"""

from typing import Any

import pytest

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    FeeAboveMax,
    InvalidRedeemRange,
    InvalidSplit,
    PlanAlreadyRegistered,
    TokenWithoutCode,
    TooManySplits,
    ZeroCredits,
)
from nvm_chain.types.ids import compute_plan_id
from nvm_chain.types.plans import Terms
from nvm_chain.types.prices import Split
from tests.support.events import plan_registered, uri_set
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, ZERO, World

SALT = b"\x07" * 32
MAX_32 = 2**32 - 1
MAX_96 = 2**96 - 1


def _register(world: World, terms: Terms, salt: bytes = SALT, uri: str = "ipfs://plan", max_fee_bps: int = 1000) -> Any:
    function = world.credits.functions.registerPlan(terms.as_tuple(), salt, uri, max_fee_bps)
    return world.send(world.builder, function)


def _splits(world: World, count: int) -> tuple[Split, ...]:
    return tuple(Split(world.builder.address, index + 1) for index in range(count))


def test_register_plan__with_valid_terms__stores_and_emits(world: World) -> None:
    terms = world.terms()
    creator = world.builder.address
    plan_id = compute_plan_id(world.chain.chain_id, world.credits.address, creator, terms, SALT)
    receipt = _register(world, terms)
    assert world.events(receipt) == [
        plan_registered(plan_id, creator, terms, SALT, 0),
        uri_set(plan_id, "ipfs://plan"),
    ]
    assert world.read(world.credits.functions.termsOf(plan_id)) == terms.as_tuple()
    assert world.read(world.credits.functions.stateOf(plan_id)) == (creator, ZERO, True, 0)
    assert world.read(world.credits.functions.uri(plan_id)) == "ipfs://plan"


def test_register_plan__as_a_call__returns_the_id(world: World) -> None:
    function = world.credits.functions.registerPlan(world.terms().as_tuple(), SALT, "", MAX_FEE_BPS)
    expected = world.read(world.credits.functions.planIdOf(world.builder.address, world.terms().as_tuple(), SALT))
    assert world.read(function, world.builder.address) == expected


def test_register_plan__with_a_protocol_fee__freezes_it(world: World) -> None:
    world.set_fee(123)
    name, arguments = world.events(_register(world, world.terms()))[0]
    assert (name, arguments["feeBps"]) == ("PlanRegistered", 123)


@pytest.mark.parametrize(
    "changes",
    [
        {"credits": 1},
        {"credits": MAX_32},
        {"min_redeem": 1, "max_redeem": 1},
        {"min_redeem": MAX_32, "max_redeem": MAX_32},
        {"min_redeem": 1, "max_redeem": MAX_32},
        {"rule": RedemptionRule.REDEEMER},
        {"rule": RedemptionRule.OWNER},
        {"trial": True},
        {"transferable": True},
        {"trial": True, "transferable": True},
        {"splits": ()},
        {"token": ZERO},
        {"token": ZERO, "splits": ()},
    ],
    ids=str,
)
def test_register_plan__at_the_edges_of_terms__keeps_them(world: World, changes: dict[str, Any]) -> None:
    """I5; C31: 2^32 - 1 is the most that a field of credits holds, and nothing is narrowed on the way."""
    terms = world.terms(**changes)
    plan_id = world.register(**changes)
    assert world.read(world.credits.functions.termsOf(plan_id)) == terms.as_tuple()


@pytest.mark.parametrize("amount", [1, MAX_96 - 1, MAX_96])
def test_register_plan__with_any_amount__keeps_it(world: World, amount: int) -> None:
    """C31: 2^96 - 1 is the most that one split holds."""
    plan_id = world.register(splits=(Split(world.builder.address, amount),))
    assert world.read(world.credits.functions.quote(plan_id, ZERO, 1)) == amount


@pytest.mark.parametrize("count", [0, 1, 15, 16])
def test_register_plan__up_to_most_splits__keeps_their_order(world: World, count: int) -> None:
    splits = _splits(world, count)
    plan_id = world.register(splits=splits)
    stored = world.read(world.credits.functions.termsOf(plan_id))[3]
    assert stored == [(split.receiver, split.amount) for split in splits]


@pytest.mark.parametrize("count", [17, 300])
def test_register_plan__with_too_many_splits__reverts(world: World, count: int) -> None:
    """C33; 300 does not become 44 in eight bits."""
    with reverts(TooManySplits(count, 16)):
        world.register(splits=_splits(world, count))


def test_register_plan__without_credits__reverts(world: World) -> None:
    with reverts(ZeroCredits()):
        world.register(credits=0)


@pytest.mark.parametrize(("least", "most"), [(0, 0), (0, 5), (2, 1), (MAX_32, MAX_32 - 1)])
def test_register_plan__with_an_empty_range__reverts(world: World, least: int, most: int) -> None:
    with reverts(InvalidRedeemRange(least, most)):
        world.register(min_redeem=least, max_redeem=most)


@pytest.mark.parametrize("index", [0, 1, 15])
@pytest.mark.parametrize("bad", ["nothing", "zero address", "credits"])
def test_register_plan__with_a_bad_split__names_it(world: World, index: int, bad: str) -> None:
    """I1: a split paid to the contract itself would be stuck there."""
    wrong = {
        "nothing": Split(world.builder.address, 0),
        "zero address": Split(ZERO, 5),  # type: ignore[arg-type]
        "credits": Split(world.credits.address, 5),
    }[bad]
    splits = (*_splits(world, index), wrong)
    with reverts(InvalidSplit(index, wrong.receiver, wrong.amount)):
        world.register(splits=splits)


def test_register_plan__priced_in_an_account__reverts(world: World) -> None:
    """C6: a call to an address without code succeeds and moves nothing."""
    with reverts(TokenWithoutCode(world.stranger.address)):
        world.register(token=world.stranger.address)


@pytest.mark.parametrize("number", [1, 2, 4, 9])
def test_register_plan__priced_in_a_precompile__reverts(world: World, number: int) -> None:
    """C6: precompiles answer any call and have no code."""
    token = "0x" + number.to_bytes(20, "big").hex()
    with reverts(TokenWithoutCode(token)):
        world.register(token=token)


def test_register_plan__free_with_an_account_as_token__registers(world: World) -> None:
    """Without splits nobody is paid, so nobody calls the token."""
    plan_id = world.register(token=world.stranger.address, splits=())
    assert world.order(plan_id, world.stranger)["status"] == 1
    assert world.balance(plan_id, world.stranger.address) == 100


def test_register_plan__twice__reverts(world: World) -> None:
    terms = world.terms()
    plan_id = compute_plan_id(world.chain.chain_id, world.credits.address, world.builder.address, terms, SALT)
    _register(world, terms)
    with reverts(PlanAlreadyRegistered(plan_id)):
        _register(world, terms)


def test_register_plan__twice_with_another_uri__reverts(world: World) -> None:
    """The uri is no part of the id, so registering again cannot change it."""
    terms = world.terms()
    plan_id = compute_plan_id(world.chain.chain_id, world.credits.address, world.builder.address, terms, SALT)
    _register(world, terms)
    with reverts(PlanAlreadyRegistered(plan_id)):
        _register(world, terms, uri="ipfs://other")
    assert world.read(world.credits.functions.uri(plan_id)) == "ipfs://plan"


def test_register_plan__after_giving_the_plan_away__reverts(world: World) -> None:
    """I10: the creator of a plan cannot take it back by registering it again."""
    terms = world.terms()
    plan_id = compute_plan_id(world.chain.chain_id, world.credits.address, world.builder.address, terms, SALT)
    _register(world, terms)
    world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, world.other.address))
    world.send(world.other, world.credits.functions.acceptPlanOwnership(plan_id))
    with reverts(PlanAlreadyRegistered(plan_id)):
        _register(world, terms)


def test_register_plan__same_terms_and_salt_of_another_creator__gets_another_id(world: World) -> None:
    """C27: nobody can take the id that another's plan will have."""
    function = world.credits.functions.registerPlan(world.terms().as_tuple(), SALT, "", MAX_FEE_BPS)
    first = world.events(world.send(world.stranger, function))[0][1]["planId"]
    second = world.events(world.send(world.builder, function))[0][1]["planId"]
    assert first != second
    assert world.read(world.credits.functions.stateOf(second))[0] == world.builder.address


def test_register_plan__on_another_contract__gets_another_id(world: World) -> None:
    """C17, C27: the id binds the contract."""
    other = world.deploy("Credits", world.fee_owner.address)
    call = (world.builder.address, world.terms().as_tuple(), SALT)
    assert world.read(other.functions.planIdOf(*call)) != world.read(world.credits.functions.planIdOf(*call))


@pytest.mark.parametrize("uri", ["", "a", "x" * 31, "x" * 32, "x" * 2000, "ipfs://ünï/{id}.json"], ids=len)
def test_register_plan__with_any_uri__keeps_it(world: World, uri: str) -> None:
    plan_id = world.register(uri=uri)
    assert world.read(world.credits.functions.uri(plan_id)) == uri


# ---------------------------------------------------------------- the fee that the creator accepts


@pytest.mark.parametrize("fee_bps", [1, 250, 1000])
def test_register_plan__with_a_fee_around_the_most_accepted__registers_up_to_it(world: World, fee_bps: int) -> None:
    """The owner of the fee can raise it in front of a registration, and not above what its creator says."""
    world.set_fee(fee_bps)
    with reverts(FeeAboveMax(fee_bps, fee_bps - 1)):
        _register(world, world.terms(), max_fee_bps=fee_bps - 1)
    for salt, max_fee_bps in enumerate((fee_bps, fee_bps + 1, 2**16 - 1)):
        receipt = _register(world, world.terms(), salt.to_bytes(32, "big"), max_fee_bps=max_fee_bps)
        assert world.events(receipt)[0][1]["feeBps"] == fee_bps


@pytest.mark.parametrize("max_fee_bps", [0, 1, 1000, 1001, 2**16 - 1])
def test_register_plan__without_a_fee__registers_whatever_is_accepted(world: World, max_fee_bps: int) -> None:
    assert world.events(_register(world, world.terms(), max_fee_bps=max_fee_bps))[0][1]["feeBps"] == 0


def test_register_plan__with_any_most_accepted__has_the_same_id(world: World) -> None:
    """What a creator accepts is no term: the second is there already, and says so only if the fee is accepted."""
    world.set_fee(5)
    terms = world.terms()
    plan_id = world.read(world.credits.functions.planIdOf(world.builder.address, terms.as_tuple(), SALT))
    _register(world, terms, max_fee_bps=5)
    with reverts(PlanAlreadyRegistered(plan_id)):
        _register(world, terms, max_fee_bps=6)
    with reverts(FeeAboveMax(5, 4)):
        _register(world, terms, max_fee_bps=4)


def test_register_plan__with_a_fee_above_the_most_accepted__leaves_nothing_and_can_be_done_later(world: World) -> None:
    terms = world.terms()
    world.set_fee(5)
    with reverts(FeeAboveMax(5, 0)):
        _register(world, terms, max_fee_bps=0)
    world.set_fee(0)
    assert world.events(_register(world, terms, max_fee_bps=0))[0][0] == "PlanRegistered"


def test_register_plan__with_bad_terms_and_too_high_a_fee__names_the_terms(world: World) -> None:
    world.set_fee(5)
    with reverts(ZeroCredits()):
        _register(world, world.terms(credits=0), max_fee_bps=4)
