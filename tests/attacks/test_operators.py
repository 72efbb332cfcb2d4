"""Operators: the attacker was approved once, for one thing, and uses the approval for everything else.

An ERC-1155 approval is for all ids, those of the future among them. An operator here is a market that a holder approved to sell credits of one
plan. It may burn and move what the standard says, and can neither redeem, nor sign, nor spend the holder's money, nor pass it on (C15; I3).
"""

from collections.abc import Callable

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import ERC1155MissingApprovalForAll, NotRedeemer, NotTransferable, PaymentFailed, RedeemNotAllowed
from tests.support.batches import register_for_two, settle_batch
from tests.support.reverts import reverts
from tests.support.signed import NOT_SIGNED, settle, sign_item
from tests.support.world import MAX_UINT, NO_CONTEXT, PRICE, World


@pytest.fixture
def approved(funded: World) -> World:
    """The same world, where the subscriber has approved the other as operator and Credits as spender of money."""
    functions = funded.credits.functions
    funded.send(funded.subscriber, functions.setApprovalForAll(funded.other.address, True))
    return funded


@pytest.mark.parametrize("rule", RedemptionRule)
def test_redeem__by_an_operator__is_refused_under_every_rule(approved: World, rule: RedemptionRule) -> None:
    """C15: for a request that the holder did not make, credits are not spent."""
    plan_id, holder = approved.register(rule=rule), approved.subscriber.address
    approved.grant(plan_id, holder, 10)
    with reverts(RedeemNotAllowed(plan_id, holder, approved.other.address)):
        approved.send(approved.other, approved.credits.functions.redeem(plan_id, holder, 1, NO_CONTEXT))


def test_settle__of_a_voucher_that_an_operator_signed__is_not_signed(approved: World) -> None:
    """C15: an approval is no signature, whoever brings it."""
    plan_id = register_for_two(approved)
    item = sign_item(approved, plan_id, approved.other, 5, holder=approved.subscriber.address)
    assert settle_batch(approved, plan_id, item) == [(0, NOT_SIGNED)]
    with reverts(NotRedeemer(plan_id, approved.other.address)):
        approved.send(approved.other, settle(approved, plan_id, item))


def test_order__by_an_operator__is_paid_by_the_operator(approved: World) -> None:
    """C15, I6: the holder's allowance to Credits is for the holder's own orders."""
    plan_id = approved.register()
    with reverts(PaymentFailed(approved.usdc.address, approved.other.address, approved.builder.address, PRICE)):
        approved.send(
            approved.other, approved.credits.functions.order(plan_id, approved.subscriber.address, 1, MAX_UINT)
        )


def test_transfer__by_an_operator_of_credits_that_may_not_move__is_refused(approved: World) -> None:
    """C15: the plan decides about transfers, and no approval changes a plan."""
    plan_id, functions = approved.register(), approved.credits.functions
    approved.grant(plan_id, approved.subscriber.address, 10)
    call = functions.safeTransferFrom(approved.subscriber.address, approved.other.address, plan_id, 1, b"")
    with reverts(NotTransferable(plan_id)):
        approved.send(approved.other, call)


Act = Callable[[World, int], ContractFunction]
MAY: dict[str, Act] = {
    "burn": lambda world, plan_id: world.credits.functions.burn(plan_id, world.subscriber.address, 1),
    "transfer": lambda world, plan_id: world.credits.functions.safeTransferFrom(
        world.subscriber.address, world.other.address, plan_id, 1, b""
    ),
    "batch": lambda world, plan_id: world.credits.functions.safeBatchTransferFrom(
        world.subscriber.address, world.other.address, [plan_id], [1], b""
    ),
}


@pytest.mark.parametrize("name", MAY)
def test_operator__whose_approval_was_taken_back__can_do_nothing_more(approved: World, name: str) -> None:
    """C15: what the standard lets an operator do ends with the approval, on plans of every age."""
    functions, holder = approved.credits.functions, approved.subscriber
    plan_id = approved.register(transferable=True)
    approved.grant(plan_id, holder.address, 10)
    approved.send(approved.other, MAY[name](approved, plan_id))
    approved.send(holder, functions.setApprovalForAll(approved.other.address, False))
    with reverts(ERC1155MissingApprovalForAll(approved.other.address, holder.address)):
        approved.send(approved.other, MAY[name](approved, plan_id))
    assert approved.balance(plan_id, holder.address) == 9


@pytest.mark.parametrize("name", MAY)
def test_operator__of_one_holder__is_nobody_to_another(approved: World, name: str) -> None:
    """C15: nor does an operator's operator inherit anything."""
    plan_id = approved.register(transferable=True)
    approved.grant(plan_id, approved.subscriber.address, 10)
    approved.send(approved.other, approved.credits.functions.setApprovalForAll(approved.stranger.address, True))
    missing = ERC1155MissingApprovalForAll(approved.stranger.address, approved.subscriber.address)
    with reverts(missing):
        approved.send(approved.stranger, MAY[name](approved, plan_id))


def test_credits__approved_by_a_holder_as_operator__gives_nobody_anything(approved: World) -> None:
    """C15: whoever approves the contract itself gives it no power: it makes no call in the holder's name."""
    plan_id, functions = approved.register(transferable=True), approved.credits.functions
    approved.grant(plan_id, approved.subscriber.address, 10)
    approved.send(approved.subscriber, functions.setApprovalForAll(approved.credits.address, True))
    batch = functions.mintBatch(plan_id, [approved.stranger.address], [1])
    approved.send(approved.builder, batch)
    assert approved.balance(plan_id, approved.subscriber.address) == 10
