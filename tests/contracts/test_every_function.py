"""Every external function has its own test file, and nobody but those meant can call it (C14)."""

import re
from pathlib import Path

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.artifacts import read_artifact
from nvm_chain.contract_errors import (
    ERC1155MissingApprovalForAll,
    NotMinter,
    NotPendingPlanOwner,
    NotPlanOwner,
    NotSelf,
    OwnableUnauthorizedAccount,
    RedeemNotAllowed,
)
from nvm_chain.errors import ContractError
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, NO_CONTEXT, ZERO, World

ELSEWHERE = {
    "MAX_FEE_BPS": "constants",
    "MAX_SPLITS": "constants",
    "MAX_QUANTITY": "constants",
    "ISOLATED_GAS": "constants",
    "owner": "transfer_ownership",
    "pendingOwner": "transfer_ownership",
}
"""Reads without anything to them, tested in the file of another function."""

ROLES = ["fee_owner", "builder", "redeemer", "minter", "subscriber", "partner", "other", "stranger"]
"""Contract owner, plan owner, redeemer, minter, holder, the holder's operator, whom both were offered to, nobody."""

ANYONE = frozenset(ROLES)


def _functions(world: World, plan_id: int, caller: str) -> dict[str, ContractFunction]:
    """Return a call of every function that changes something, such that the right caller would succeed."""
    functions, holder = world.credits.functions, world.subscriber.address
    return {
        "acceptOwnership": functions.acceptOwnership(),
        "acceptPlanOwnership": functions.acceptPlanOwnership(plan_id),
        "burn": functions.burn(plan_id, holder, 1),
        "mint": functions.mint(plan_id, caller, 1),
        "mintBatch": functions.mintBatch(plan_id, [caller], [1]),
        "mintItem": functions.mintItem(plan_id, world.builder.address, caller, 1),
        "order": functions.order(plan_id, caller, 1, MAX_UINT),
        "redeem": functions.redeem(plan_id, holder, 1, NO_CONTEXT),
        "registerPlan": functions.registerPlan(world.terms().as_tuple(), NO_CONTEXT, ""),
        "renounceOwnership": functions.renounceOwnership(),
        "safeBatchTransferFrom": functions.safeBatchTransferFrom(holder, caller, [plan_id], [1], b""),
        "safeTransferFrom": functions.safeTransferFrom(holder, caller, plan_id, 1, b""),
        "sendFee": functions.sendFee(ZERO, caller, caller, 0),
        "setApprovalForAll": functions.setApprovalForAll(caller, True),
        "setMinter": functions.setMinter(plan_id, caller, True),
        "setPlanActive": functions.setPlanActive(plan_id, False),
        "setPlanUri": functions.setPlanUri(plan_id, "evil"),
        "setProtocolFee": functions.setProtocolFee(1000, caller),
        "setRedeemer": functions.setRedeemer(plan_id, caller, True),
        "transferOwnership": functions.transferOwnership(caller),
        "transferPlanOwnership": functions.transferPlanOwnership(plan_id, caller),
    }


ALLOWED: dict[str, frozenset[str]] = {
    "acceptOwnership": frozenset({"other"}),
    "acceptPlanOwnership": frozenset({"other"}),
    "burn": frozenset({"subscriber", "partner"}),
    "mint": frozenset({"builder", "minter"}),
    "mintBatch": frozenset({"builder", "minter"}),
    "mintItem": frozenset(),
    "order": ANYONE,
    "redeem": frozenset({"subscriber", "redeemer"}),
    "registerPlan": ANYONE,
    "renounceOwnership": frozenset({"fee_owner"}),
    "safeBatchTransferFrom": frozenset({"subscriber", "partner"}),
    "safeTransferFrom": frozenset({"subscriber", "partner"}),
    "sendFee": frozenset(),
    "setApprovalForAll": ANYONE,
    "setMinter": frozenset({"builder"}),
    "setPlanActive": frozenset({"builder"}),
    "setPlanUri": frozenset({"builder"}),
    "setProtocolFee": frozenset({"fee_owner"}),
    "setRedeemer": frozenset({"builder"}),
    "transferOwnership": frozenset({"fee_owner"}),
    "transferPlanOwnership": frozenset({"builder"}),
}


def _refusal(name: str, world: World, plan_id: int, caller: str) -> ContractError:
    """Return the error for a caller who may not."""
    holder = world.subscriber.address
    not_owner = OwnableUnauthorizedAccount(caller)
    not_operator = ERC1155MissingApprovalForAll(caller, holder)
    others: dict[str, ContractError] = {
        "acceptOwnership": not_owner,
        "acceptPlanOwnership": NotPendingPlanOwner(plan_id, caller),
        "burn": not_operator,
        "mint": NotMinter(plan_id, caller),
        "mintBatch": NotMinter(plan_id, caller),
        "mintItem": NotSelf(caller),
        "redeem": RedeemNotAllowed(plan_id, holder, caller),
        "renounceOwnership": not_owner,
        "safeBatchTransferFrom": not_operator,
        "safeTransferFrom": not_operator,
        "sendFee": NotSelf(caller),
        "setProtocolFee": not_owner,
        "transferOwnership": not_owner,
    }
    return others.get(name, NotPlanOwner(plan_id, caller))


@pytest.fixture
def crowded_plan(world: World) -> int:
    """A free, transferable plan with somebody in every role."""
    functions = world.credits.functions
    plan_id = world.register(splits=(), transferable=True, rule=1)
    world.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, True))
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    world.grant(plan_id, world.subscriber.address, 10)
    world.send(world.subscriber, functions.setApprovalForAll(world.partner.address, True))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.other.address))
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    return plan_id


@pytest.mark.parametrize("name", ALLOWED)
def test_access__of_each_role__is_as_in_the_table(world: World, crowded_plan: int, name: str) -> None:
    """C14: all functions that change something, times everybody there is."""
    for role in ROLES:
        caller = getattr(world, role).address
        function = _functions(world, crowded_plan, caller)[name]
        if role in ALLOWED[name]:
            world.read(function, caller)
            continue
        with reverts(_refusal(name, world, crowded_plan, caller)):
            world.read(function, caller)


def _writes() -> set[str]:
    abi = read_artifact("Credits").abi
    return {
        entry["name"]
        for entry in abi
        if entry["type"] == "function" and entry["stateMutability"] in ("payable", "nonpayable")
    }


def test_access__table__has_every_function_that_changes_something(world: World) -> None:
    """A function that is added without a line here fails this test."""
    assert set(ALLOWED) == _writes()
    assert set(_functions(world, 1, world.stranger.address)) == _writes()


def test_access__of_a_plan_that_is_not_there__opens_nothing(world: World, crowded_plan: int) -> None:
    """C19: a plan that nobody registered has no owner, and so nobody has a right to it."""
    for name in sorted(_writes()):
        function = _functions(world, crowded_plan + 1, world.stranger.address)[name]
        if ALLOWED[name] != ANYONE or name == "order":
            with pytest.raises(ContractError):
                world.read(function, world.stranger.address)


def test_every_function__of_the_abi__has_its_test_file() -> None:
    """STYLE: one file per external function, named for it."""
    names = {entry["name"] for entry in read_artifact("Credits").abi if entry["type"] == "function"}
    words = {name: ELSEWHERE.get(name) or re.sub(r"([A-Z])", r"_\1", name).lower() for name in names}
    there = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert {name for name, word in words.items() if word not in there} == set()
