"""Signatures of many bytes: up to a limit they are checked as the chain checks them, and beyond it nothing is asked."""

from dataclasses import replace

import pytest

from nvm_chain.errors import AuthorizationSignatureInvalid, VoucherSignatureInvalid
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import WALLET_GAS
from nvm_chain.signing.signatures import MAX_SIGNATURE
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher
from nvm_chain.signing.wallets.plain import PlainSigner
from nvm_chain.signing.wallets.wrapping import MAX_SIZE
from tests.support.signed import FOREVER, SETTLED, register_with_redeemer
from tests.support.world import CREDITS, PRICE, World

GAS_OF_A_BYTE = 16
WRAPPING = bytes.fromhex("6492" * 16)
MEGABYTES = 3_000_000


def sign(world: World, plan_id: int, signature: bytes) -> SignedVoucher:
    """Give a wallet that accepts each signature credits, and return a voucher of it."""
    holder = world.deploy("EvilWallet").address
    world.grant(plan_id, holder, CREDITS)
    redeemer = world.redeemer.address
    return SignedVoucher(
        build_voucher(plan_id, holder=holder, redeemer=redeemer, ceiling=2, deadline=FOREVER), signature
    )


def wrap(inner: bytes, call: bytes) -> bytes:
    """Wrap a signature (ERC-6492)."""
    return bytes(64) + (96 + len(call)).to_bytes(32, "big") + call + len(inner).to_bytes(32, "big") + inner + WRAPPING


def test_max_signature__is_what_a_wallets_gas_would_pay_for() -> None:
    assert MAX_SIGNATURE * GAS_OF_A_BYTE == WALLET_GAS


@pytest.mark.parametrize("byte", [b"\0", b"\xff"], ids=["zeros", "other bytes"])
def test_check_voucher__with_the_most_bytes__says_what_the_settlement_does(world: World, byte: bytes) -> None:
    signed = sign(world, register_with_redeemer(world), byte * MAX_SIGNATURE)
    assert check_voucher(world.chain, signed).available == 2
    [outcome] = settle_vouchers(world.chain, world.redeemer, signed.voucher.plan_id, [signed]).outcomes
    assert (outcome.amount, outcome.result) == (2, SETTLED)


@pytest.mark.parametrize("size", [MAX_SIGNATURE + 1, MEGABYTES])
def test_check_voucher__with_more_bytes__is_refused_without_a_request(
    world: World, requests_made: list[str], size: int
) -> None:
    signed = sign(world, register_with_redeemer(world), b"\xff" * size)
    requests_made.clear()
    with pytest.raises(VoucherSignatureInvalid) as caught:
        check_voucher(world.chain, signed)
    assert str(caught.value) == (
        f"{signed.voucher.holder} did not sign the voucher. "
        f"Its signature has {size:,} bytes, more than 12,500. Ask for a new signature."
    )
    assert requests_made == []


def test_check_voucher__with_a_long_wrapping__counts_the_bytes_that_go_to_the_chain(
    world: World, requests_made: list[str]
) -> None:
    plan_id = register_with_redeemer(world)
    signed = sign(world, plan_id, wrap(b"\1" * 65, bytes(20_000)))
    assert check_voucher(world.chain, signed).available == 2
    requests_made.clear()
    for signature in (wrap(b"\1" * (MAX_SIGNATURE + 1), b""), wrap(b"\1" * 65, bytes(MAX_SIZE))):
        with pytest.raises(VoucherSignatureInvalid):
            check_voucher(world.chain, replace(signed, signature=signature))
    assert requests_made == []


def test_check_signed_order__with_more_bytes__is_refused_without_a_request(
    world: World, requests_made: list[str]
) -> None:
    payer = world.deploy("EvilWallet").address
    world.send(world.stranger, world.usdc.functions.mint(payer, PRICE))
    plan_id = world.register()
    signed = sign_plan_order(world.chain, PlainSigner(payer, [world.other]), plan_id)
    requests_made.clear()
    with pytest.raises(AuthorizationSignatureInvalid, match="Its signature has 12,501 bytes, more than 12,500"):
        relay_order(world.chain, world.relayer, replace(signed, signature=b"\xff" * (MAX_SIGNATURE + 1)))
    assert requests_made == []
    most = replace(signed, signature=b"\xff" * MAX_SIGNATURE)
    check_signed_order(world.chain, most)
    relay_order(world.chain, world.relayer, most)
    assert world.balance(plan_id, payer) == CREDITS
