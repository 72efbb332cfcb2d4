"""The main job through Ape alone: compile, deploy, register, order, redeem; and what Ape compiles is what we ship."""

from typing import Any

import ape
import pytest

from nvm_chain.artifacts import read_artifact

PRICE = 20_000_000
CREDITS = 100
NOBODY = "0x" + "00" * 20


@pytest.fixture
def builder(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture
def subscriber(accounts: Any) -> Any:
    return accounts[2]


@pytest.fixture
def credits_contract(project: Any, accounts: Any) -> Any:
    return accounts[0].deploy(project.Credits, accounts[0])


@pytest.fixture
def usdc(project: Any, accounts: Any, subscriber: Any) -> Any:
    token = accounts[0].deploy(project.TestUSDC)
    token.mint(subscriber, PRICE, sender=subscriber)
    return token


@pytest.fixture
def plan_id(credits_contract: Any, usdc: Any, builder: Any) -> int:
    price = (usdc.address, [(builder.address, PRICE)], NOBODY, False)
    terms = (0, 0, *price, CREDITS, 0, 1, 10, 0, False, False)
    receipt = credits_contract.registerPlan(terms, bytes(32), "", sender=builder)
    (registered,) = receipt.decode_logs(credits_contract.PlanRegistered)
    return int(registered.planId)


def test_deploy__with_ape__puts_the_packaged_code_on_chain(credits_contract: Any) -> None:
    assert ape.chain.provider.get_code(credits_contract.address) == read_artifact("Credits").runtime_code


def test_order__with_ape__pays_builder_and_grants(
    credits_contract: Any, usdc: Any, builder: Any, subscriber: Any, plan_id: int
) -> None:
    usdc.approve(credits_contract, PRICE, sender=subscriber)
    receipt = credits_contract.order(plan_id, subscriber, 1, PRICE, sender=subscriber)
    assert usdc.balanceOf(builder) == PRICE
    assert usdc.balanceOf(subscriber) == usdc.balanceOf(credits_contract) == 0
    assert credits_contract.balanceOf(subscriber, plan_id) == CREDITS
    assert [event.event_name for event in receipt.decode_logs(credits_contract.Ordered)] == ["Ordered"]


def test_redeem__above_balance__reverts_with_the_contracts_error(
    credits_contract: Any, subscriber: Any, plan_id: int
) -> None:
    with ape.reverts(credits_contract.InsufficientCredits, available=0, required=1):
        credits_contract.redeem(plan_id, subscriber, 1, bytes(32), sender=subscriber)
