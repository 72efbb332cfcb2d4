"""Every external function has its own test file, and nobody but those meant can call it (C14)."""

import re
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    ContractError,
    ERC1155MissingApprovalForAll,
    NotMinter,
    NotPendingPlanOwner,
    NotPlanOwner,
    NotRedeemer,
    NotSelf,
    OwnableUnauthorizedAccount,
    RedeemNotAllowed,
)
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signed_orders import OrderAuthorization, sign_order
from tests.support.plans import usage
from tests.support.reverts import reverts
from tests.support.world import MAX_FEE_BPS, MAX_UINT, NO_CONTEXT, ZERO, World

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


@dataclass(frozen=True)
class Crowd:
    """Plans with somebody in every role: a free and transferable one, one that takes vouchers, one paid per use."""

    plan_id: int
    with_vouchers: int
    per_use: int


def _sign_order(world: World, plan_id: int) -> tuple[tuple[Any, ...], bytes]:
    """Return an order of a free plan that the subscriber signed, and the signature."""
    holder, usdc = world.subscriber, world.usdc
    name, version = (world.read(read) for read in (usdc.functions.name(), usdc.functions.version()))
    order = OrderAuthorization(plan_id, holder.address, holder.address, 1, 1, 0, MAX_UINT, NO_CONTEXT)
    world.send(holder, usdc.functions.mint(holder.address, order.max_cost))
    domain = Domain(name, version, world.chain.chain_id, usdc.address)
    return astuple(order), sign_order(holder, order, token=domain, contract=world.credits.address).signature


def functions_of(world: World, crowd: Crowd, caller: str) -> dict[str, ContractFunction]:
    """Return a call of every function that changes something, such that the right caller would succeed."""
    functions, holder, plan_id = world.credits.functions, world.subscriber.address, crowd.plan_id
    no_permit = (0, 0, NO_CONTEXT, NO_CONTEXT)
    return {
        "acceptOwnership": functions.acceptOwnership(),
        "acceptPlanOwnership": functions.acceptPlanOwnership(plan_id),
        "burn": functions.burn(plan_id, holder, 1),
        "grantExternal": functions.grantExternal(plan_id, caller, 1, NO_CONTEXT),
        "mint": functions.mint(plan_id, caller, 1),
        "mintBatch": functions.mintBatch(plan_id, [caller], [1]),
        "mintItem": functions.mintItem(plan_id, world.builder.address, caller, 1),
        "order": functions.order(plan_id, caller, 1, MAX_UINT),
        "orderWithAuthorization": functions.orderWithAuthorization(*_sign_order(world, plan_id)),
        "orderWithPermit": functions.orderWithPermit(plan_id, caller, 1, MAX_UINT, no_permit),
        "payUsage": functions.payUsage(crowd.per_use, 1, MAX_UINT, NO_CONTEXT),
        "redeem": functions.redeem(plan_id, holder, 1, NO_CONTEXT),
        "registerPlan": functions.registerPlan(world.terms().as_tuple(), NO_CONTEXT, "", MAX_FEE_BPS),
        "renounceOwnership": functions.renounceOwnership(),
        "safeBatchTransferFrom": functions.safeBatchTransferFrom(holder, caller, [plan_id], [1], b""),
        "safeTransferFrom": functions.safeTransferFrom(holder, caller, plan_id, 1, b""),
        "sendFee": functions.sendFee(ZERO, caller, caller, 0),
        "setApprovalForAll": functions.setApprovalForAll(caller, True),
        "settle": functions.settle(crowd.with_vouchers, []),
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
    "grantExternal": frozenset({"builder", "minter"}),
    "mint": frozenset({"builder", "minter"}),
    "mintBatch": frozenset({"builder", "minter"}),
    "mintItem": frozenset(),
    "order": ANYONE,
    "orderWithAuthorization": ANYONE,
    "orderWithPermit": ANYONE,
    "payUsage": ANYONE,
    "redeem": frozenset({"subscriber", "redeemer"}),
    "registerPlan": ANYONE,
    "renounceOwnership": frozenset({"fee_owner"}),
    "safeBatchTransferFrom": frozenset({"subscriber", "partner"}),
    "safeTransferFrom": frozenset({"subscriber", "partner"}),
    "sendFee": frozenset(),
    "setApprovalForAll": ANYONE,
    "settle": frozenset({"builder", "redeemer"}),
    "setMinter": frozenset({"builder"}),
    "setPlanActive": frozenset({"builder"}),
    "setPlanUri": frozenset({"builder"}),
    "setProtocolFee": frozenset({"fee_owner"}),
    "setRedeemer": frozenset({"builder"}),
    "transferOwnership": frozenset({"fee_owner"}),
    "transferPlanOwnership": frozenset({"builder"}),
}


def refusal_of(name: str, world: World, crowd: Crowd, caller: str) -> ContractError:
    """Return the error for a caller who may not."""
    holder, plan_id = world.subscriber.address, crowd.plan_id
    not_owner = OwnableUnauthorizedAccount(caller)
    not_operator = ERC1155MissingApprovalForAll(caller, holder)
    others: dict[str, ContractError] = {
        "acceptOwnership": not_owner,
        "acceptPlanOwnership": NotPendingPlanOwner(plan_id, caller),
        "burn": not_operator,
        "grantExternal": NotMinter(plan_id, caller),
        "mint": NotMinter(plan_id, caller),
        "mintBatch": NotMinter(plan_id, caller),
        "mintItem": NotSelf(caller),
        "redeem": RedeemNotAllowed(plan_id, holder, caller),
        "renounceOwnership": not_owner,
        "safeBatchTransferFrom": not_operator,
        "safeTransferFrom": not_operator,
        "sendFee": NotSelf(caller),
        "setProtocolFee": not_owner,
        "settle": NotRedeemer(crowd.with_vouchers, caller),
        "transferOwnership": not_owner,
    }
    return others.get(name, NotPlanOwner(plan_id, caller))


@pytest.fixture
def crowd(world: World) -> Crowd:
    """Plans with somebody in every role."""
    functions = world.credits.functions
    free: dict[str, Any] = {"splits": (), "rule": RedemptionRule.REDEEMER}
    plan_id, with_vouchers = world.register(transferable=True, **free), world.register(**free)
    per_use = world.register(**usage(splits=()))
    for each in (plan_id, with_vouchers):
        world.send(world.builder, functions.setRedeemer(each, world.redeemer.address, True))
    world.send(world.builder, functions.setMinter(plan_id, world.minter.address, True))
    world.grant(plan_id, world.subscriber.address, 10)
    world.send(world.subscriber, functions.setApprovalForAll(world.partner.address, True))
    world.send(world.builder, functions.transferPlanOwnership(plan_id, world.other.address))
    world.send(world.fee_owner, functions.transferOwnership(world.other.address))
    return Crowd(plan_id, with_vouchers, per_use)


@pytest.mark.parametrize("name", ALLOWED)
def test_access__of_each_role__is_as_in_the_table(world: World, crowd: Crowd, name: str) -> None:
    """C14: all functions that change something, times everybody there is."""
    for role in ROLES:
        caller = getattr(world, role).address
        function = functions_of(world, crowd, caller)[name]
        if role in ALLOWED[name]:
            world.read(function, caller)
            continue
        with reverts(refusal_of(name, world, crowd, caller)):
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
    assert set(functions_of(world, Crowd(1, 2, 3), world.stranger.address)) == _writes()


def test_access__of_a_plan_that_is_not_there__opens_nothing(world: World, crowd: Crowd) -> None:
    """C19: a plan that nobody registered has no owner, and so nobody has a right to it."""
    nowhere = Crowd(crowd.plan_id + 1, crowd.plan_id + 2, crowd.plan_id + 3)
    functions = functions_of(world, nowhere, world.stranger.address)
    for name in sorted(_writes() - {"registerPlan", "setApprovalForAll"}):
        with pytest.raises(ContractError):
            world.read(functions[name], world.stranger.address)


def test_every_function__of_the_abi__has_its_test_file() -> None:
    """STYLE: one file per external function, named for it."""
    names = {entry["name"] for entry in read_artifact("Credits").abi if entry["type"] == "function"}
    words = {name: ELSEWHERE.get(name) or re.sub(r"([A-Z])", r"_\1", name).lower() for name in names}
    there = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert {name for name, word in words.items() if word not in there} == set()
