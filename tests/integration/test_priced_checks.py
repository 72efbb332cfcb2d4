"""Checks on both chains: wallets see a price, and a sender without coin is named where the chain needs its coin."""

import pytest
from eth_account import Account

from nvm_chain.chain.embedded import LABEL
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import InsufficientCoin
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.settlement_simulations import simulate_settlement
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import ask_wallets
from tests.integration.raw import deploy_code
from tests.support.signed import register_with_redeemer
from tests.support.world import World

EMBEDDED_TOO = True
ACCEPTS_WITH_PRICE = bytes.fromhex("3a1515" + "631626ba7e60e01b" + "02" + "5f5260205ff3")
"""A wallet that accepts every signature if there is a gas price, and none otherwise.

GASPRICE, ISZERO, ISZERO, PUSH4, PUSH1 224, SHL, MUL, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
"""
POOR = Account.from_key("0x" + "77" * 32)


def test_ask_wallets__of_a_wallet_that_looks_at_the_price__is_accepted_as_in_a_transaction(world: World) -> None:
    wallet = deploy_code(world, ACCEPTS_WITH_PRICE)
    assert ask_wallets(world.chain)(wallet, bytes(32), b"")
    assert not ask_wallets(world.chain)(deploy_code(world, ACCEPTS_WITH_PRICE[:1] + bytes(2)), bytes(32), b"")


def test_simulate_settlement__from_a_redeemer_without_coin__works_or_says_what_is_missing(world: World) -> None:
    plan_id = register_with_redeemer(world)
    world.grant(plan_id, world.subscriber.address, 5)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, POOR.address, True))
    signed = sign_next_voucher(world.chain, world.subscriber, plan_id, redeemer=POOR.address, cost=2)
    assert check_voucher(world.chain, signed).available == 2
    if world.chain.label != LABEL:
        assert simulate_settlement(world.chain, signed) == (2, SettlementResult.SETTLED)
        return
    with pytest.raises(InsufficientCoin) as caught:
        simulate_settlement(world.chain, signed)
    assert (caught.value.account, caught.value.balance) == (POOR.address, 0)
    assert caught.value.next_step.endswith(f"more to {POOR.address}, or use another node.")
    assert simulate_settlement(world.chain, signed, redeemer=world.redeemer.address).amount == 0
