"""registerPlan: which terms go together. A term that has no meaning with the others must be left at zero."""

from collections.abc import Callable
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import (
    InvalidRedeemRange,
    InvalidSplit,
    QuoterWithoutCode,
    QuoteWithoutReceivers,
    TermNotAllowed,
    TokenWithoutCode,
    TooManySplits,
    ZeroCredits,
    ZeroDuration,
)
from nvm_chain.types.prices import Split
from tests.support.plans import expiring, from_first_use, from_purchase, outside, usage
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, ZERO, World

DAY = 86_400
MAX_32 = 2**32 - 1
KINDS: dict[str, dict[str, Any]] = {
    "credits": {},
    "expiring": expiring(DAY),
    "from purchase": from_purchase(DAY),
    "from first use": from_first_use(DAY),
    "usage": usage(),
    "outside": outside(),
}


def _not_allowed(term: str) -> TermNotAllowed:
    return TermNotAllowed(term.encode().ljust(32, b"\0"))


# ---------------------------------------------------------------- what goes together

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("credits", {}),
    ("credits", {"transferable": True}),
    ("credits", {"trial": True, "transferable": True, "rule": RedemptionRule.OWNER}),
    ("expiring", {"duration": 1}),
    ("expiring", {"duration": MAX_32}),
    ("expiring", {"trial": True, "rule": RedemptionRule.REDEEMER}),
    ("expiring", {"credits": MAX_32, "min_redeem": MAX_32, "max_redeem": MAX_32}),
    ("from purchase", {"duration": 1}),
    ("from purchase", {"duration": MAX_32, "credits": MAX_32}),
    ("from purchase", {"trial": True}),
    ("from first use", {"duration": 1}),
    ("from first use", {"duration": MAX_32, "credits": MAX_32, "max_redeem": MAX_32}),
    ("from first use", {"trial": True, "rule": RedemptionRule.OWNER, "min_redeem": 2, "max_redeem": 2}),
    ("usage", {}),
    ("usage", {"splits": ()}),
    ("usage", {"token": ZERO}),
    ("outside", {}),
    ("outside", {"transferable": True, "trial": True, "rule": RedemptionRule.REDEEMER}),
    ("outside", expiring(DAY)),
    ("outside", from_purchase(DAY)),
    ("outside", from_first_use(DAY)),
]


@pytest.mark.parametrize(("kind", "changes"), GOOD, ids=str)
def test_register_plan__with_terms_that_go_together__keeps_each(
    world: World, kind: str, changes: dict[str, Any]
) -> None:
    """I5: what was registered is what is read."""
    terms = {**KINDS[kind], **changes}
    plan_id = world.register(**terms)
    assert world.read(world.credits.functions.termsOf(plan_id)) == world.terms(**terms).as_tuple()


@pytest.mark.parametrize("kind", ["credits", "expiring", "from purchase", "from first use", "usage"])
def test_register_plan__with_a_quoter__keeps_it(world: World, kind: str) -> None:
    """Whether the contract answers is looked at by orders; here it has code, which is all that is asked."""
    terms = {**KINDS[kind], "quoter": world.usdc.address, "splits": (Split(world.builder.address, 1),)}
    plan_id = world.register(**terms)
    assert world.read(world.credits.functions.termsOf(plan_id)) == world.terms(**terms).as_tuple()


# ---------------------------------------------------------------- what does not

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("usage", {"credits": 1}, "credits"),
    ("usage", {"trial": True}, "trial"),
    ("usage", {"duration": 1}, "duration"),
    ("usage", {"transferable": True}, "transferable"),
    ("usage", {"max_redeem": 1}, "redeem range"),
    ("usage", {"min_redeem": 1}, "redeem range"),
    ("usage", {"min_redeem": 1, "max_redeem": 1}, "redeem range"),
    ("usage", {"rule": RedemptionRule.REDEEMER}, "rule"),
    ("usage", {"rule": RedemptionRule.OWNER}, "rule"),
    ("usage", {"activation": Activation.ON_FIRST_USE}, "activation"),
    ("usage", {"token": ZERO, "splits": (), "paid_externally": True}, "paidExternally"),
    ("credits", {"activation": Activation.ON_FIRST_USE}, "activation"),
    ("expiring", {"activation": Activation.ON_FIRST_USE}, "activation"),
    ("expiring", {"transferable": True}, "transferable"),
    ("expiring", {"transferable": True, "duration": 1}, "transferable"),
    ("from purchase", {"transferable": True}, "transferable"),
    ("from purchase", {"max_redeem": 1}, "redeem range"),
    ("from purchase", {"min_redeem": 1, "max_redeem": 1}, "redeem range"),
    ("from purchase", {"rule": RedemptionRule.REDEEMER}, "rule"),
    ("from purchase", {"rule": RedemptionRule.OWNER}, "rule"),
    ("from first use", {"transferable": True}, "transferable"),
]


@pytest.mark.parametrize(("kind", "changes", "term"), BAD, ids=str)
def test_register_plan__with_a_term_that_means_nothing__names_it(
    world: World, kind: str, changes: dict[str, Any], term: str
) -> None:
    with reverts(_not_allowed(term)):
        world.register(**{**KINDS[kind], **changes})


OUTSIDE_PRICE: dict[str, Callable[[World], dict[str, Any]]] = {
    "token": lambda world: {"token": world.usdc.address},
    "splits": lambda world: {"splits": (Split(world.builder.address, 1),)},
    "quoter": lambda world: {"quoter": world.usdc.address},
}


@pytest.mark.parametrize("term", OUTSIDE_PRICE)
def test_register_plan__paid_externally_with_a_price__names_it(world: World, term: str) -> None:
    """What is paid outside the chain has no price on it."""
    with reverts(_not_allowed(term)):
        world.register(**outside(**OUTSIDE_PRICE[term](world)))


@pytest.mark.parametrize("kind", ["credits", "expiring", "from purchase", "from first use", "outside"])
def test_register_plan__that_would_grant_nothing__reverts(world: World, kind: str) -> None:
    with reverts(ZeroCredits()):
        world.register(**{**KINDS[kind], "credits": 0})


@pytest.mark.parametrize("kind", ["from purchase", "from first use"])
def test_register_plan__with_periods_of_no_length__reverts(world: World, kind: str) -> None:
    with reverts(ZeroDuration()):
        world.register(**{**KINDS[kind], "duration": 0})


@pytest.mark.parametrize("kind", ["credits", "expiring", "from first use", "outside"])
@pytest.mark.parametrize(("least", "most"), [(0, 0), (0, 1), (2, 1), (MAX_32, MAX_32 - 1)])
def test_register_plan__where_something_is_redeemed__needs_a_range(
    world: World, kind: str, least: int, most: int
) -> None:
    with reverts(InvalidRedeemRange(least, most)):
        world.register(**{**KINDS[kind], "min_redeem": least, "max_redeem": most})


# ---------------------------------------------------------------- the price


def test_register_plan__with_a_quote_that_goes_to_nobody__reverts(world: World) -> None:
    with reverts(QuoteWithoutReceivers()):
        world.register(quoter=world.usdc.address, splits=())


def test_register_plan__with_an_account_as_quoter__reverts(world: World) -> None:
    with reverts(QuoterWithoutCode(world.stranger.address)):
        world.register(quoter=world.stranger.address)


@pytest.mark.parametrize("number", [1, 4, 9])
def test_register_plan__with_a_precompile_as_quoter__reverts(world: World, number: int) -> None:
    """C6: a precompile answers anything, so some input's hash would be the price."""
    quoter = "0x" + number.to_bytes(20, "big").hex()
    with reverts(QuoterWithoutCode(quoter)):
        world.register(quoter=quoter)


@pytest.mark.parametrize("kind", ["credits", "expiring", "from purchase", "from first use", "usage"])
@pytest.mark.parametrize("quoted", [False, True])
def test_register_plan__of_any_kind__checks_its_splits(world: World, kind: str, quoted: bool) -> None:
    """I1, I6, C6, C33: with a quoter splits are weights, and there the same holds."""
    terms = {**KINDS[kind], "quoter": world.usdc.address if quoted else ZERO}
    good = Split(world.builder.address, 1)
    with reverts(TooManySplits(17, 16)):
        world.register(**{**terms, "splits": (good,) * 17})
    with reverts(InvalidSplit(1, world.builder.address, 0)):
        world.register(**{**terms, "splits": (good, Split(world.builder.address, 0))})
    with reverts(InvalidSplit(0, world.credits.address, 1)):
        world.register(**{**terms, "splits": (Split(world.credits.address, 1),)})
    with reverts(TokenWithoutCode(world.stranger.address)):
        world.register(**{**terms, "splits": (good,), "token": world.stranger.address})
    world.register(**{**terms, "splits": (good,) * 16})


def test_register_plan__with_one_term_of_the_kind_changed__gets_another_id(world: World) -> None:
    """C27: kinds that share all their numbers are different plans."""
    numbers: dict[str, Any] = {"splits": (), "credits": 1, "duration": DAY}
    changes: list[dict[str, Any]] = [
        {"kind": PlanKind.CREDITS},
        {"kind": PlanKind.TIME, "activation": Activation.ON_FIRST_USE},
        {"kind": PlanKind.TIME, "min_redeem": 0, "max_redeem": 0},
    ]
    salt, ids = bytes(32), set()
    for change in changes:
        terms = world.terms(**{**numbers, **change}).as_tuple()
        receipt = world.send(world.builder, world.credits.functions.registerPlan(terms, salt, "", MAX_FEE_BPS))
        ids.add(world.events(receipt)[0][1]["planId"])
    assert len(ids) == len(changes)
