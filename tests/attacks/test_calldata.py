"""Call data that does not fit its types is refused, never cut to size (C31).

Clients encode by the ABI and cannot make such calls; here the same call is encoded with wider types.
"""

from typing import Any

import pytest
from eth_abi.abi import encode

from nvm_chain.errors import RevertedWithoutReason
from tests.support.events import selector
from tests.support.gas import simulate
from tests.support.reentry import encode as encode_call
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, ZERO, World

WIDE_TERMS = f"(uint256,uint256,uint256,(uint256,uint256)[]{',uint256' * 9})"
TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
REGISTER = f"registerPlan({TERMS},bytes32,string,uint16)"


def _wide_terms(world: World, **changes: Any) -> tuple[Any, ...]:
    values = {
        "kind": 0,
        "activation": 0,
        "token": int(world.usdc.address, 16),
        "receiver": int(world.builder.address, 16),
        "amount": 5,
        "quoter": 0,
        "paid_externally": 0,
        "credits": 100,
        "duration": 0,
        "min_redeem": 1,
        "max_redeem": 10,
        "rule": 0,
        "trial": 0,
        "transferable": 0,
        **changes,
    }
    kind, activation, token, receiver, amount, *others = values.values()
    return (kind, activation, token, [(receiver, amount)], *others)


def _register_data(terms: tuple[Any, ...]) -> str:
    return (
        "0x" + (selector(REGISTER) + encode([WIDE_TERMS, "uint256", "string", "uint256"], [terms, 1, "", 1000])).hex()
    )


def test_calldata__encoded_wide_but_within_range__is_the_ordinary_call(world: World) -> None:
    """The check of the checks below: this encoding is accepted where every value fits."""
    terms = world.terms(splits=()).as_tuple()
    wide: tuple[Any, ...] = (0, 0, int(world.usdc.address, 16), [], 0, 0, 100, 0, 1, 10, 0, 0, 0)
    ordinary = world.credits.functions.registerPlan(terms, (1).to_bytes(32, "big"), "", MAX_FEE_BPS)
    assert _register_data(wide) == encode_call(ordinary)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", 3),
        ("kind", 2**8),
        ("activation", 2),
        ("activation", 2**8),
        ("paid_externally", 2),
        ("credits", 2**32),
        ("credits", 2**32 + 100),
        ("duration", 2**32),
        ("duration", 2**32 + 60),
        ("min_redeem", 2**32 + 1),
        ("max_redeem", 2**32 + 10),
        ("amount", 2**96),
        ("amount", 2**96 + 5),
        ("rule", 3),
        ("rule", 2**8),
        ("trial", 2),
        ("transferable", 2),
    ],
)
def test_register_plan__with_a_field_that_does_not_fit__reverts(world: World, field: str, value: int) -> None:
    """2^32 + 100 credits are not 100 credits, nor is a price of 2^96 + 5 base units one of 5."""
    data = _register_data(_wide_terms(world, **{field: value}))
    with reverts(RevertedWithoutReason("0x")):
        simulate(world.chain, world.builder.address, data, world.credits.address)


@pytest.mark.parametrize("field", ["token", "receiver", "quoter"])
def test_register_plan__with_a_dirty_address__reverts(world: World, field: str) -> None:
    address = {"token": world.usdc.address, "receiver": world.builder.address, "quoter": ZERO}[field]
    data = _register_data(_wide_terms(world, **{field: int(address, 16) + 2**160}))
    with reverts(RevertedWithoutReason("0x")):
        simulate(world.chain, world.builder.address, data, world.credits.address)


@pytest.mark.parametrize(
    ("signature", "position", "value"),
    [
        ("setProtocolFee(uint16,address)", 0, 2**16),
        ("setProtocolFee(uint16,address)", 1, 2**160),
        ("setPlanActive(uint256,bool)", 1, 2),
        ("setRedeemer(uint256,address,bool)", 1, 2**160),
        ("setRedeemer(uint256,address,bool)", 2, 2),
        ("setMinter(uint256,address,bool)", 2, 2),
        ("transferPlanOwnership(uint256,address)", 1, 2**160),
        ("order(uint256,address,uint256,uint256)", 1, 2**160),
        ("mint(uint256,address,uint256)", 1, 2**160),
        ("grantExternal(uint256,address,uint256,bytes32)", 1, 2**160),
        ("redeem(uint256,address,uint256,bytes32)", 1, 2**160),
        ("burn(uint256,address,uint256)", 1, 2**160),
        ("setApprovalForAll(address,bool)", 0, 2**160),
        ("setApprovalForAll(address,bool)", 1, 2),
        ("transferOwnership(address)", 0, 2**160),
    ],
)
def test_call__with_an_argument_that_does_not_fit__reverts(
    world: World, signature: str, position: int, value: int
) -> None:
    """Refused before anything is looked at, whoever calls."""
    words = [1] * (signature.count(",") + 1)
    words[position] += value - 1 if value == 2 else value
    data = "0x" + (selector(signature) + encode(["uint256"] * len(words), words)).hex()
    with reverts(RevertedWithoutReason("0x")):
        simulate(world.chain, world.builder.address, data, world.credits.address)


@pytest.mark.parametrize(
    "name", ["order", "payUsage", "mint", "grantExternal", "burn", "redeem", "setPlanActive", "acceptPlanOwnership"]
)
def test_call__cut_short__reverts(world: World, name: str) -> None:
    """A missing argument is not taken for zero."""
    functions, address = world.credits.functions, world.builder.address
    plan_id = world.register()
    function = {
        "order": functions.order(plan_id, address, 1, 0),
        "payUsage": functions.payUsage(plan_id, 1, 0, bytes(32)),
        "mint": functions.mint(plan_id, address, 1),
        "grantExternal": functions.grantExternal(plan_id, address, 1, bytes(32)),
        "burn": functions.burn(plan_id, address, 1),
        "redeem": functions.redeem(plan_id, address, 1, bytes(32)),
        "setPlanActive": functions.setPlanActive(plan_id, True),
        "acceptPlanOwnership": functions.acceptPlanOwnership(plan_id),
    }[name]
    with reverts(RevertedWithoutReason("0x")):
        simulate(world.chain, address, encode_call(function)[:-2], world.credits.address)
