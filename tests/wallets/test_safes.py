"""Safes beyond their owners' keys: approvals on chain, owners that are Safes, and a Safe without its handler."""

import pytest
from eth_abi.abi import encode

from nvm_chain.errors import NvmChainError
from nvm_chain.signing.eip712 import MessageSigner
from nvm_chain.signing.vouchers import Voucher
from nvm_chain.signing.wallets.coinbase import CoinbaseWalletSigner
from nvm_chain.signing.wallets.safe import ApprovedOwner, ApprovedSafeSigner, SafeOwner, SafeSigner
from nvm_chain.signing.wallets.safe_messages import build_safe_approval
from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import World
from tests.wallets.artifacts import deploy, read_double
from tests.wallets.catalogue import ACCOUNTS
from tests.wallets.safes import (
    VERSIONS,
    approve_by_owner,
    approve_by_safe,
    deploy_safe,
    deploy_safe_of_many,
    deploy_safe_with_approvals,
    owner_keys,
    send_by_safe,
)
from tests.wallets.signing import (
    CEILING,
    Disguised,
    digest_of,
    is_accepted,
    register_for,
    settle_voucher,
    sign_anyway,
    voucher_of,
)
from tests.wallets.wallet import OWNER


def new_voucher(world: World, holder: str) -> Voucher:
    """Return a voucher of a holder who has credits."""
    return voucher_of(world, register_for(world, holder), holder)


@pytest.mark.parametrize("version", VERSIONS)
def test_settle__of_a_voucher_that_the_safe_approved__takes_the_credits(world: World, version: str) -> None:
    wallet = deploy_safe_with_approvals(world, version)
    voucher = new_voucher(world, wallet.address)
    signed = sign_anyway(world, wallet.signer, voucher)
    assert signed.signature == b""
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    approve_by_safe(world, version, wallet.address, digest_of(world, voucher))
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


@pytest.mark.parametrize("version", VERSIONS)
def test_settle__of_a_voucher_that_one_owner_approved__takes_the_credits(world: World, version: str) -> None:
    approving = world.partner
    safe = deploy_safe(world, version, [OWNER.address, approving.address]).address
    voucher = new_voucher(world, safe)
    owners: list[SafeOwner] = [OWNER, ApprovedOwner(approving.address)]
    signed = sign_anyway(world, SafeSigner(safe, owners, world.chain.chain_id), voucher)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    approve_by_owner(world, safe, approving, digest_of(world, voucher))
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


def test_settle__for_a_safe_whose_owner_is_a_newer_safe__needs_an_approval(world: World) -> None:
    """A Safe 1.4.1 asks in a form that a Safe 1.5.0 does not answer, so the owner calls approveHash."""
    chain_id = world.chain.chain_id
    inner = deploy_safe(world, "1.5.0", [OWNER.address])
    outer = deploy_safe(world, "1.4.1", [inner.address]).address
    voucher = new_voucher(world, outer)
    owner = SafeSigner(inner.address, [OWNER], chain_id, version="1.4.1")  # which is not its version
    asked = SafeSigner(outer, [owner], chain_id, version="1.4.1")
    assert settle_voucher(world, sign_anyway(world, asked, voucher)) == (0, NOT_SIGNED)
    signed = sign_anyway(world, SafeSigner(outer, [ApprovedOwner(inner.address)], chain_id), voucher)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    approval = build_safe_approval(digest_of(world, voucher), address=outer, chain_id=chain_id)
    send_by_safe(world, inner, outer, approval.approve_hash)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


@pytest.mark.parametrize(("version", "inner"), [("1.4.1", "1.4.1"), ("1.5.0", "1.4.1"), ("1.5.0", "1.5.0")])
def test_settle__for_a_safe_whose_owner_is_a_safe_that_approves__takes_the_credits(
    world: World, version: str, inner: str
) -> None:
    """The inner Safe approves what the outer one asks it, which depends on the outer one's version."""
    chain_id = world.chain.chain_id
    owner = deploy_safe(world, inner, [OWNER.address]).address
    outer = deploy_safe(world, version, [owner]).address
    voucher = new_voucher(world, outer)
    signer = SafeSigner(outer, [ApprovedSafeSigner(owner, version=inner)], chain_id, version=version)
    signed = sign_anyway(world, signer, voucher)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
    approval = build_safe_approval(digest_of(world, voucher), address=outer, chain_id=chain_id)
    approve_by_safe(world, inner, owner, approval.message_hash if version == "1.5.0" else approval.message_data)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


@pytest.mark.parametrize(("version", "most"), [("1.4.1", 25), ("1.5.0", 28)])
def test_settle__for_a_safe_of_many_owners__is_limited_by_the_gas_that_a_wallet_gets(
    world: World, version: str, most: int
) -> None:
    """A Safe of more owners accepts the voucher, but not within the 200,000 gas of a settlement."""
    for count, expected in ((most, (CEILING, SETTLED)), (most + 1, (0, NOT_SIGNED))):
        wallet = deploy_safe_of_many(world, version, count)
        signed = sign_anyway(world, wallet.signer, new_voucher(world, wallet.address))
        assert is_accepted(world, signed)
        assert settle_voucher(world, signed) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_settle__for_a_safe_of_all_kinds_of_owners__takes_the_credits(world: World, version: str) -> None:
    """Keys, an owner that approves on chain, and two Safes, one of which has three owners."""
    chain_id, keys, approving = world.chain.chain_id, owner_keys(5), world.partner
    one, three = (deploy_safe(world, version, [key.address for key in group]).address for group in (keys[:1], keys[2:]))
    owners: list[SafeOwner] = [
        keys[1],
        ApprovedOwner(approving.address),
        SafeSigner(one, keys[:1], chain_id, version=version),
        SafeSigner(three, keys[2:], chain_id, version=version),
    ]
    safe = deploy_safe(world, version, [owner.address for owner in owners]).address
    voucher = new_voucher(world, safe)
    approve_by_owner(world, safe, approving, digest_of(world, voucher))
    signed = sign_anyway(world, SafeSigner(safe, owners, chain_id, version=version), voucher)
    assert len(signed.signature) == 4 * 65 + 2 * 32 + 65 + 3 * 65
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


@pytest.mark.parametrize("version", VERSIONS)
def test_settle__for_a_safe_of_a_safe_of_a_safe__takes_the_credits(world: World, version: str) -> None:
    chain_id = world.chain.chain_id
    signer: MessageSigner = OWNER
    for _ in range(3):
        address = deploy_safe(world, version, [signer.address]).address
        signer = SafeSigner(address, [signer], chain_id, version=version)
    signed = sign_anyway(world, signer, new_voucher(world, signer.address))
    assert is_accepted(world, signed)
    assert settle_voucher(world, signed) == (CEILING, SETTLED)


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_settle__for_a_safe_whose_owner_is_another_wallet__takes_the_credits(world: World, kind: str) -> None:
    """A Safe 1.5.0 asks its owner as anybody does, so each wallet can own one."""
    owner = ACCOUNTS[kind](world)
    safe = deploy_safe(world, "1.5.0", [owner.address]).address
    voucher = new_voucher(world, safe)
    for signer, expected in [(owner.wrong["owner"], (0, NOT_SIGNED)), (owner.signer, (CEILING, SETTLED))]:
        owned = SafeSigner(safe, [Disguised(owner.address, signer)], world.chain.chain_id, version="1.5.0")
        assert settle_voucher(world, sign_anyway(world, owned, voucher)) == expected


def test_settle__for_a_coinbase_wallet_whose_owner_is_a_safe__takes_the_credits(world: World) -> None:
    chain_id = world.chain.chain_id
    safe = deploy_safe(world, "1.5.0", [OWNER.address]).address
    owners = [encode(["address"], [safe])]
    wallet = deploy(world, read_double("CoinbaseSmartWalletDouble"), owners).address
    signer = CoinbaseWalletSigner(wallet, SafeSigner(safe, [OWNER], chain_id), chain_id)
    assert settle_voucher(world, sign_anyway(world, signer, new_voucher(world, wallet))) == (CEILING, SETTLED)


@pytest.mark.parametrize("version", VERSIONS)
def test_settle__for_a_safe_without_handler__is_refused(world: World, version: str) -> None:
    """Such a Safe answers nothing to a question about a signature. It cannot receive credits either."""
    safe = deploy_safe(world, version, [OWNER.address], has_handler=False).address
    plan_id = register_for(world, world.subscriber.address)
    with pytest.raises(NvmChainError):
        world.grant(plan_id, safe, 1)
    signed = sign_anyway(world, SafeSigner(safe, [OWNER], world.chain.chain_id), voucher_of(world, plan_id, safe))
    assert not is_accepted(world, signed)
    assert settle_voucher(world, signed) == (0, NOT_SIGNED)
