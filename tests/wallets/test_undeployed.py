"""A wallet that is not deployed yet: its signature comes wrapped (ERC-6492), and counts without it after the deployment."""

import pytest
from eth_abi.abi import encode

from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.signing.wallets.wrapping import unwrap
from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import World
from tests.wallets.accounts import deploy_coinbase, deploy_kernel, deploy_openzeppelin
from tests.wallets.catalogue import Deploy
from tests.wallets.signing import CEILING, is_accepted, register_for, settle_voucher, sign_anyway, voucher_of

MAGIC = bytes.fromhex("6492" * 16)


@pytest.mark.parametrize("deploy", [deploy_coinbase, deploy_kernel, deploy_openzeppelin])
def test_settle__of_a_wrapped_voucher__needs_the_deployment_and_the_inner_signature(
    world: World, deploy: Deploy
) -> None:
    snapshot = world.take_snapshot()
    wallet = deploy(world)  # at the same address as below
    world.revert_to(snapshot)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    inner = sign_anyway(world, wallet.signer, voucher)
    call = world.usdc.address, b"what would deploy it", inner.signature
    wrapped = SignedVoucher(voucher, encode(["address", "bytes", "bytes"], call) + MAGIC)
    for signed in (wrapped, inner):
        assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    assert deploy(world).address == wallet.address
    assert settle_voucher(world, wrapped) == (0, NOT_SIGNED)
    unwrapped = SignedVoucher(voucher, unwrap(wrapped.signature))
    assert is_accepted(world, unwrapped)
    assert settle_voucher(world, unwrapped) == (CEILING, SETTLED)
