"""Signed transfers against TestUSDC and Circle's FiatToken: checked, sent by a stranger, and found on the chain."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from web3.contract.contract import Contract

from nvm_chain import errors
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.operations.authorized_transfers import check_authorized_transfer, encode_authorized_transfer
from nvm_chain.operations.paid_transfers import WantedTransfer, find_authorized_transfer, read_authorized_transfer
from nvm_chain.operations.token_domains import is_authorization_used, read_token_domain
from nvm_chain.signing.authorizations import (
    SignedTransferAuthorization,
    build_transfer_authorization,
    sign_transfer_authorization,
)
from nvm_chain.signing.eip712 import MessageSigner, StructType, sign_struct
from tests.support.fiat_token import deploy_fiat_token
from tests.support.world import World
from tests.x402.facilitator.wallets import CREATE2, WalletSigner, sign_digest

VALUE = 10_000
FUNDS = 1_000_000
CANCEL = StructType("CancelAuthorization(address authorizer,bytes32 nonce)")


@pytest.fixture(scope="module")
def base_chain(anvil_chain: Chain) -> Chain:
    """Anvil, which has a factory from its start."""
    return anvil_chain


@pytest.fixture(params=["TestUSDC", "FiatToken"])
def token(world: World, request: pytest.FixtureRequest) -> Contract:
    """Each token."""
    return world.usdc if request.param == "TestUSDC" else deploy_fiat_token(world)


def sign(world: World, token: Contract, signer: MessageSigner, **changed: Any) -> SignedTransferAuthorization:
    """Sign a transfer to the builder, and give the payer what it needs."""
    world.send(world.partner, token.functions.mint(signer.address, FUNDS))
    given = {"payer": signer.address, "payee": world.builder.address, "value": VALUE}
    authorization = build_transfer_authorization(**{**given, "valid_before": int(time.time()) + 300, **changed})
    return sign_transfer_authorization(signer, authorization, token=read_token_domain(world.chain, token.address))


def check(world: World, signed: SignedTransferAuthorization, **options: Any) -> Any:
    return check_authorized_transfer(world.chain, signed, payee=world.builder.address, value=VALUE, **options)


def want(signed: SignedTransferAuthorization) -> WantedTransfer:
    given = signed.authorization
    return WantedTransfer(signed.token.address, given.payer, given.nonce, given.payee, given.value)


def test_transfer__of_a_key__is_made_by_a_stranger_and_found(world: World, token: Contract) -> None:
    signed = sign(world, token, world.subscriber)
    assert check(world, signed) is None
    assert find_authorized_transfer(world.chain, want(signed)) is None
    receipt = world.send(world.stranger, encode_authorized_transfer(world.chain, signed))
    assert world.tokens(world.builder.address, token) == VALUE
    found = find_authorized_transfer(world.chain, want(signed))
    assert found is not None
    assert (found.transaction, found.block_number) == (
        f"0x{receipt['transactionHash'].hex().removeprefix('0x')}",
        receipt["blockNumber"],
    )
    for other in ({"value": VALUE + 1}, {"payee": world.stranger.address}, {"nonce": bytes(32)}):
        assert read_authorized_transfer(world.chain, found.transaction, replace(want(signed), **other)) is None
    with pytest.raises(errors.TransferAlreadyUsed):
        check(world, signed)


def test_transfer__with_a_short_signature__is_made(world: World, token: Contract) -> None:
    signed = sign(world, token, world.subscriber)
    r, s, v = signed.signature[:32], signed.signature[32:64], signed.signature[64]
    short = r + bytes((s[0] | (v - 27) << 7,)) + s[1:]
    compact = replace(signed, signature=short)
    assert check(world, compact) is None
    world.send(world.stranger, encode_authorized_transfer(world.chain, compact))
    assert world.tokens(world.builder.address, token) == VALUE


def test_transfer__of_a_contract_wallet__is_made(world: World, token: Contract) -> None:
    signer = WalletSigner(world.subscriber)
    world.chain.send_data(world.stranger, f"0x{signer.deployment.hex()}", CREATE2)
    for wraps in (False, True):
        signed = sign(world, token, WalletSigner(world.subscriber, wraps=wraps))
        assert check(world, signed) is None
        world.send(world.stranger, encode_authorized_transfer(world.chain, signed))
    assert world.tokens(world.builder.address, token) == 2 * VALUE
    other = sign(world, token, WalletSigner(world.subscriber))
    stolen = replace(other, signature=sign_digest(world.stranger, other.digest))
    with pytest.raises(errors.TransferSignatureInvalid):
        check(world, stolen)


def test_transfer__of_an_undeployed_wallet__needs_an_allowed_factory(world: World, token: Contract) -> None:
    signed = sign(world, token, WalletSigner(world.subscriber, wraps=True))
    with pytest.raises(errors.FactoryNotAllowed):
        check(world, signed)
    deployment = check(world, signed, factories=(CREATE2,))
    assert deployment is not None
    assert deployment.target == CREATE2
    assert not world.chain.has_code(signed.authorization.payer)
    world.chain.send_data(world.stranger, f"0x{deployment.data.hex()}", deployment.target)
    assert check(world, signed) is None
    world.send(world.stranger, encode_authorized_transfer(world.chain, signed))
    assert world.tokens(world.builder.address, token) == VALUE


def test_transfer__of_an_undeployed_wallet_of_another__is_refused(world: World, token: Contract) -> None:
    theirs = WalletSigner(world.stranger, wraps=True)
    signed = sign(world, token, WalletSigner(world.subscriber, wraps=True))
    inner = sign_digest(world.stranger, signed.digest)
    for signature, error in (
        (WalletSigner(world.subscriber).wrap(inner), errors.TransferSignatureInvalid),
        (theirs.wrap(inner), errors.TransferSignatureInvalid),
        (WalletSigner(world.subscriber, factory=token.address).wrap(inner), errors.FactoryNotAllowed),
    ):
        with pytest.raises(error):
            check(world, replace(signed, signature=signature), factories=(CREATE2,))
    broken = WalletSigner(world.subscriber, factory=world.credits.address).wrap(inner)
    with pytest.raises(errors.WalletNotDeployable):
        check(world, replace(signed, signature=broken), factories=(world.credits.address,))
    with pytest.raises(errors.WalletNotDeployed):
        check(world, replace(signed, signature=bytes(200)))


def test_transfer__canceled__was_used_and_not_paid(world: World, token: Contract) -> None:
    signed = sign(world, token, world.subscriber)
    nonce, payer = signed.authorization.nonce, world.subscriber.address
    signature = sign_struct(world.subscriber, signed.token, CANCEL, (payer, nonce))
    cancel = token.get_function_by_signature("cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)")
    world.send(world.stranger, cancel(payer, nonce, signature[64], signature[:32], signature[32:64]))
    assert is_authorization_used(world.chain, token.address, payer, nonce)
    assert find_authorized_transfer(world.chain, want(signed)) is None
    with pytest.raises(errors.TransferAlreadyUsed):
        check(world, signed)


CHANGES: list[tuple[Callable[[World], dict[str, Any]], type[errors.NvmChainError]]] = [
    (lambda world: {"payee": world.stranger.address}, errors.TransferMismatch),
    (lambda _: {"value": VALUE + 1}, errors.TransferMismatch),
    (lambda _: {"valid_before": int(time.time()) + 2}, errors.TransferExpired),
    (lambda _: {"valid_after": int(time.time()) + 100}, errors.TransferNotYetValid),
]


@pytest.mark.parametrize(("change", "error"), CHANGES)
def test_check__of_other_terms__is_refused(
    world: World, token: Contract, change: Callable[[World], dict[str, Any]], error: type[errors.NvmChainError]
) -> None:
    with pytest.raises(error):
        check(world, sign(world, token, world.subscriber, **change(world)))


def test_check__of_another_signer_domain_or_balance__is_refused(world: World, token: Contract) -> None:
    signed = sign(world, token, world.subscriber)
    forged = replace(signed, signature=sign_digest(world.stranger, signed.digest))
    with pytest.raises(errors.TransferSignatureInvalid):
        check(world, forged)
    for domain in (
        replace(signed.token, name="Another"),
        replace(signed.token, version="9"),
        replace(signed.token, chain_id=1),
    ):
        with pytest.raises(errors.TransferMismatch):
            check(world, replace(signed, token=domain))
    world.send(world.subscriber, token.functions.transfer(world.other.address, FUNDS))
    with pytest.raises(errors.InsufficientFunds):
        check(world, signed)
    assert encode_call(encode_authorized_transfer(world.chain, signed)).startswith("0xe3ee160e")


def test_check__of_a_refusing_token__tells_the_tokens_words(world: World) -> None:
    token = deploy_fiat_token(world)
    signed = sign(world, token, world.subscriber)
    world.send(world.fee_owner, token.functions.blacklist(world.subscriber.address))
    with pytest.raises(errors.TransferRefused, match="blacklisted"):
        check(world, signed)


def test_check__without_coin_or_contract__is_refused(world: World) -> None:
    signed = sign(world, world.usdc, world.subscriber)
    nowhere = replace(signed, token=replace(signed.token, address=Account.create().address))
    with pytest.raises(errors.NoContract):
        check(world, nowhere)
    with pytest.raises(errors.TokenCannotSign):
        check(world, replace(signed, token=replace(signed.token, address=world.chain.agents.address)))
