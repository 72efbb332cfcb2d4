"""Vouchers of wallets: what a wallet's signer signs, the wallet accepts and the settlement takes, and nothing else."""

import pytest

from nvm_chain.signing.vouchers import SignedVoucher, sign_voucher
from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import World
from tests.wallets.catalogue import WALLETS
from tests.wallets.signing import (
    BALANCE,
    CEILING,
    is_accepted,
    register_for,
    settle_voucher,
    sign_anyway,
    voucher_of,
)
from tests.wallets.wallet import Wallet


@pytest.fixture(params=WALLETS)
def wallet(world: World, request: pytest.FixtureRequest) -> Wallet:
    """Each wallet."""
    return WALLETS[request.param](world)


def test_settle__of_a_wallets_voucher__takes_the_credits(world: World, wallet: Wallet) -> None:
    plan_id = register_for(world, wallet.address)
    voucher, where = voucher_of(world, plan_id, wallet.address), (world.chain.chain_id, world.credits.address)
    signed = sign_voucher(wallet.signer, voucher, chain_id=where[0], contract=where[1])
    assert SignedVoucher.from_json(signed.to_json()) == signed
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)
    assert world.balance(plan_id, wallet.address) == BALANCE - CEILING


def test_settle__of_a_voucher_by_a_wrong_signer__is_refused(world: World, wallet: Wallet) -> None:
    plan_id = register_for(world, wallet.address)
    voucher = voucher_of(world, plan_id, wallet.address)
    assert wallet.wrong
    for signer in wallet.wrong.values():
        signed = sign_anyway(world, signer, voucher)
        assert not is_accepted(world, signed)
        assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    assert world.balance(plan_id, wallet.address) == BALANCE
