"""Reorganisations: the attacker pays, is served, and has the chain take the payment back.

No index exists yet. The client remembers nothing of the chain: whatever it says it has just asked, so after a reorganisation it says what
is so then. A signed order or a voucher that was taken back can be brought again, and counts once in the history that stays (P4).
"""

from typing import Any

import pytest

from nvm_chain.errors import InsufficientCredits, RpcFailed, VoucherAlreadySettled
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from tests.support.world import CREDITS, FUNDS, PRICE, World


def reorganise(world: World, depth: int) -> None:
    """Put empty blocks in place of the latest ones."""
    answer: Any = world.chain.web3.provider.make_request("anvil_reorg", [depth, []])  # type: ignore[arg-type]
    assert "error" not in answer, answer
    world.chain.web3.provider.make_request("anvil_dropAllTransactions", [])  # type: ignore[arg-type]


def test_order__taken_back__is_nowhere_and_can_be_made_again(node: World) -> None:
    """P4: balance, account, receipt and money are those of the chain that is there."""
    plan_id, payer = node.register(), node.subscriber
    node.fund(payer)
    receipt = order_plan(node.chain, payer, plan_id, payment_method="approve")
    assert read_account(node.chain, plan_id, payer.address).balance == CREDITS
    reorganise(node, 1)
    assert read_account(node.chain, plan_id, payer.address).balance == 0
    with pytest.raises(RpcFailed):
        node.chain.read_transaction(receipt.transaction.hash)
    again = order_plan(node.chain, payer, plan_id, payment_method="approve")
    assert (again.credits_granted, node.tokens(payer.address)) == (CREDITS, FUNDS - PRICE)


def test_signed_order__taken_back__is_brought_again_by_anyone_and_paid_once(node: World) -> None:
    """P4: the payer need not sign anew, and cannot be charged for both histories."""
    plan_id, payer = node.register(), node.partner
    node.fund(payer)
    signed = sign_plan_order(node.chain, payer, plan_id)
    relay_order(node.chain, node.relayer, signed)
    reorganise(node, 1)
    assert node.balance(plan_id, payer.address) == 0
    relay_order(node.chain, node.stranger, signed)
    assert (node.balance(plan_id, payer.address), node.tokens(payer.address)) == (CREDITS, FUNDS - PRICE)


def test_voucher__whose_settlement_was_taken_back__is_good_again_up_to_its_ceiling(node: World) -> None:
    """P4, I4: a redeemer keeps vouchers until their settlement is final, and can take them to any history once."""
    plan_id, holder = node.register(), node.other
    node.grant(plan_id, holder.address, CREDITS)
    signed = sign_next_voucher(node.chain, holder, plan_id, redeemer=node.builder.address, cost=7)
    settle_vouchers(node.chain, node.builder, plan_id, [signed])
    with pytest.raises(VoucherAlreadySettled):
        check_voucher(node.chain, signed)
    reorganise(node, 1)
    assert check_voucher(node.chain, signed).available == 7
    settle_vouchers(node.chain, node.builder, plan_id, [signed, signed])
    assert node.balance(plan_id, holder.address) == CREDITS - 7


def test_voucher__over_credits_that_were_taken_back__is_worth_nothing(node: World) -> None:
    """P4: what was served before the purchase was final is lost to the builder; how long to wait is for who serves to say."""
    plan_id, holder = node.register(), node.stranger
    signed = sign_next_voucher(node.chain, holder, plan_id, redeemer=node.builder.address, cost=7)
    node.grant(plan_id, holder.address, CREDITS)
    assert check_voucher(node.chain, signed).available == 7
    reorganise(node, 1)
    with pytest.raises(InsufficientCredits):
        check_voucher(node.chain, signed)
