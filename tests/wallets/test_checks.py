"""Checks of wallets' vouchers and orders: they say what the chain then does, and how the wallet's owner has to sign."""

import random
from dataclasses import replace
from functools import partial

import pytest
from eth_abi.abi import encode

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    AuthorizationFailed,
    AuthorizationSignatureInvalid,
    OrderAlreadyMade,
    VoucherSignatureInvalid,
)
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.settlement_forecast import forecast_outcomes
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, send_signed_order, sign_plan_order
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher
from tests.support.delegated import delegate
from tests.support.fiat_token import deploy_fiat_token
from tests.support.signed import NOT_SIGNED, SETTLED
from tests.support.world import CREDITS, PRICE, World
from tests.wallets.accounts import deploy_coinbase, deploy_kernel, deploy_nexus, deploy_openzeppelin, deploy_solady
from tests.wallets.askers import install_base_fee_helper
from tests.wallets.catalogue import WALLETS, Deploy
from tests.wallets.parity import WRAPPING, compare
from tests.wallets.safes import deploy_safe_of_one
from tests.wallets.signing import CEILING, Disguised, register_for, sign_anyway, sign_plainly, voucher_of


@pytest.mark.parametrize("name", WALLETS)
def test_check_voucher__of_any_signature__says_what_the_settlement_does(world: World, name: str) -> None:
    install_base_fee_helper(world)
    compared = list(compare(world, name, WALLETS[name](world), 16, random.Random(name)))
    assert [each for each in compared if each.checked != each.settled] == []
    assert {each.settled for each in compared} == {True, False}


@pytest.mark.parametrize(("deploy", "prefix"), [(deploy_solady, b""), (deploy_nexus, bytes(20))])
def test_check_voucher__of_a_signature_that_counts_only_without_a_price__is_refused(
    world: World, deploy: Deploy, prefix: bytes
) -> None:
    install_base_fee_helper(world)
    signed = sign_plainly(world, deploy(world), prefix)
    with pytest.raises(VoucherSignatureInvalid) as caught:
        check_voucher(world.chain, signed)
    assert "wallet with nested signatures (ERC-7739)" in caught.value.problem
    assert caught.value.next_step.startswith("Sign with `NestedSigner`")
    [outcome] = forecast_outcomes(world.chain, signed.voucher.plan_id, [signed], redeemer=signed.voucher.redeemer)
    assert (outcome.amount, outcome.result) == (0, NOT_SIGNED)


def test_check_voucher__of_a_signature_that_counts_if_credits_asks__is_good(world: World) -> None:
    deploy = partial(deploy_nexus, safe_senders=(world.credits.address,))
    signed = sign_plainly(world, deploy(world), bytes(20))
    assert check_voucher(world.chain, signed).available == CEILING
    [outcome] = forecast_outcomes(world.chain, signed.voucher.plan_id, [signed], redeemer=signed.voucher.redeemer)
    assert (outcome.amount, outcome.result) == (CEILING, SETTLED)


@pytest.mark.parametrize(
    ("deploy", "said", "signer"),
    [
        (partial(deploy_safe_of_one, version="1.4.1"), "a Safe 1.4.1", "SafeSigner"),
        (partial(deploy_safe_of_one, version="1.5.0"), "a Safe 1.5.0", "SafeSigner"),
        (deploy_coinbase, "a Coinbase Smart Wallet", "CoinbaseWalletSigner"),
        (deploy_kernel, "a Kernel", "KernelSigner"),
        (deploy_openzeppelin, "a wallet with nested signatures (ERC-7739)", "NestedSigner"),
    ],
)
def test_check_voucher__by_the_owners_key__names_the_wallet_and_its_form(
    world: World, deploy: Deploy, said: str, signer: str
) -> None:
    with pytest.raises(VoucherSignatureInvalid) as caught:
        check_voucher(world.chain, sign_plainly(world, deploy(world)))
    assert f"There is {said} at the address, and it does not accept the signature." in caught.value.problem
    assert f"`{signer}`" in caught.value.next_step


def test_check_voucher__of_a_wallet__does_not_speak_of_keys_and_of_asking_the_chain(world: World) -> None:
    """A wallet's 65 bytes are the signature of no key for this voucher: they would name a random address."""
    wallet = deploy_safe_of_one(world, version="1.4.1")
    signed = sign_plainly(world, wallet)
    for signature in (signed.signature, signed.signature * 2, b"", wallet.address.encode()):
        with pytest.raises(VoucherSignatureInvalid) as caught:
            check_voucher(world.chain, SignedVoucher(signed.voucher, signature))
        assert str(caught.value) == (
            f"{wallet.address} did not sign the voucher. There is a Safe 1.4.1 at the address, and it does not accept the "
            "signature. Sign with `SafeSigner`: see the page 'Smart wallets' of the documentation."
        )


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        (None, "by {other}, or for another chain or contract"),
        (b"\0" * 65, "with a malformed signature"),
        (b"\1" * 130, "with a malformed signature"),
        (b"", "with a malformed signature"),
    ],
    ids=["of another key", "zeros", "too long", "empty"],
)
def test_check__of_an_account_without_code__says_who_signed_and_that_nobody_else_can(
    world: World, signature: bytes | None, said: str
) -> None:
    holder, other = world.subscriber.address, world.other
    said = f"It is signed {said.format(other=other.address)}, and there is no code at the address that could accept it."
    voucher = sign_anyway(world, other, voucher_of(world, register_for(world, holder), holder))
    world.fund(world.subscriber)
    order = sign_plan_order(world.chain, Disguised(holder, other), world.register())
    if signature is not None:
        voucher, order = replace(voucher, signature=signature), replace(order, signature=signature)
    with pytest.raises(VoucherSignatureInvalid) as caught:
        check_voucher(world.chain, voucher)
    assert str(caught.value) == f"{holder} did not sign the voucher. {said} Ask for a new signature."
    with pytest.raises(AuthorizationSignatureInvalid) as refused:
        check_signed_order(world.chain, order)
    assert refused.value.problem.startswith(f"{holder} did not sign the order. It is signed ")
    assert refused.value.problem.endswith(", and there is no code at the address that could accept it.")
    assert refused.value.next_step == "Ask for a new signature."


@pytest.mark.parametrize("deploy", [deploy_coinbase, deploy_openzeppelin])
def test_check_voucher__with_a_wrapped_signature__counts_from_the_wallets_deployment(
    world: World, deploy: Deploy
) -> None:
    snapshot = world.take_snapshot()
    wallet = deploy(world)  # at the same address as below
    world.revert_to(snapshot)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    inner = sign_anyway(world, wallet.signer, voucher).signature
    wrapped = SignedVoucher(
        voucher, encode(["address", "bytes", "bytes"], (world.other.address, b"", inner)) + WRAPPING
    )
    with pytest.raises(VoucherSignatureInvalid) as caught:
        check_voucher(world.chain, wrapped)
    assert caught.value.next_step == f"Deploy the wallet at {wallet.address}, and then try again."
    deploy(world)
    assert check_voucher(world.chain, wrapped).available == CEILING
    [outcome] = settle_vouchers(world.chain, world.redeemer, voucher.plan_id, [wrapped]).outcomes
    assert (outcome.amount, outcome.result) == (CEILING, SETTLED)


def test_settle_vouchers__with_nothing_in_a_wrapping__is_refused_as_an_empty_signature(world: World) -> None:
    """Otherwise a plan whose rule lets the redeemer settle without signatures would take it as one without a voucher."""
    wallet = deploy_coinbase(world)
    voucher = voucher_of(world, register_for(world, wallet.address), wallet.address)
    empty = SignedVoucher(voucher, encode(["address", "bytes", "bytes"], (world.other.address, b"", b"")) + WRAPPING)
    with pytest.raises(VoucherSignatureInvalid):
        settle_vouchers(world.chain, world.redeemer, voucher.plan_id, [empty])


@pytest.mark.parametrize("name", WALLETS)
def test_check_signed_order__of_a_wallet__takes_its_signature_and_no_other(world: World, name: str) -> None:
    wallet = WALLETS[name](world)
    token = deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(wallet.address, PRICE))
    good = sign_plan_order(world.chain, wallet.signer, plan_id)
    check_signed_order(world.chain, good)
    for signer in wallet.wrong.values():
        forged = sign_plan_order(world.chain, Disguised(wallet.address, signer), plan_id)
        with pytest.raises(AuthorizationSignatureInvalid) as caught:
            relay_order(world.chain, world.relayer, forged)
        assert "code" in caught.value.problem or "at the address" in caught.value.problem
    wrapping = encode(["address", "bytes", "bytes"], (world.other.address, b"", good.signature)) + WRAPPING
    relay_order(world.chain, world.relayer, SignedOrder(good.order, good.token, good.contract, wrapping))
    assert world.balance(plan_id, wallet.address) == CREDITS


def test_check_signed_order__by_the_key_of_an_account_whose_code_refuses_it__is_refused_before_it_is_sent(
    world: World,
) -> None:
    """Circle's USDC asks the code alone, so the key's own signature does not count."""
    token = deploy_fiat_token(world)
    plan_id = world.register(token=token.address)
    world.send(world.stranger, token.functions.mint(world.subscriber.address, PRICE))
    signed = sign_plan_order(world.chain, world.subscriber, plan_id)
    check_signed_order(world.chain, signed)
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    with pytest.raises(AuthorizationFailed) as caught:
        check_signed_order(world.chain, signed)
    assert caught.value.next_step == "Order with `payment_method='approve'`."


def test_check_signed_order__by_another_key_for_an_account_with_code__does_not_advise_its_key_alone(
    world: World,
) -> None:
    """Circle's USDC would refuse the key's own signature too."""
    world.fund(world.subscriber)
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    forged = sign_plan_order(world.chain, Disguised(world.subscriber.address, world.other), world.register())
    with pytest.raises(AuthorizationSignatureInvalid) as caught:
        check_signed_order(world.chain, forged)
    assert caught.value.next_step.startswith(
        "Sign in the form of its code, or with the account's key if the token does not ask the code: see the page"
    )


def test_relay_order__of_a_wallet_whose_order_another_relayer_made__says_that_it_was_made(world: World) -> None:
    """The token refuses the second as it refuses a wrong signature. Who believes that pays twice."""
    wallet = deploy_safe_of_one(world, version="1.4.1")
    plan_id = world.register()
    world.send(world.stranger, world.usdc.functions.mint(wallet.address, 2 * PRICE))
    signed = sign_plan_order(world.chain, wallet.signer, plan_id)
    plan = check_signed_order(world.chain, signed)
    relay_order(world.chain, world.relayer, signed)
    with pytest.raises(OrderAlreadyMade):
        send_signed_order(world.chain, world.other, plan, signed)
    assert world.balance(plan_id, wallet.address) == CREDITS


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "wrapped"])
def test_check_voucher__with_an_empty_signature__asks_as_the_settlement_does(world: World, wrapped: bool) -> None:
    """A Safe that approved nothing refuses it, whether or not the plan's rule lets the redeemer settle without vouchers."""
    wallet = deploy_safe_of_one(world, version="1.5.0")
    empty = encode(["address", "bytes", "bytes"], (world.other.address, b"", b"")) + WRAPPING if wrapped else b""
    for rule in RedemptionRule:
        plan_id = world.register(rule=rule)
        world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
        world.grant(plan_id, wallet.address, CEILING)
        with pytest.raises(VoucherSignatureInvalid):
            check_voucher(world.chain, SignedVoucher(voucher_of(world, plan_id, wallet.address), empty))


@pytest.mark.parametrize("cut", [1, 40])
def test_settle_vouchers__with_one_malformed_wrapping__settles_the_others(world: World, cut: int) -> None:
    wallet = deploy_coinbase(world)
    plan_id = register_for(world, wallet.address)
    voucher = voucher_of(world, plan_id, wallet.address)
    good = sign_anyway(world, wallet.signer, voucher)
    whole = encode(["address", "bytes", "bytes"], (world.other.address, b"", good.signature))
    bad = SignedVoucher(voucher, whole[cut:] + WRAPPING)
    receipt = settle_vouchers(world.chain, world.redeemer, plan_id, [bad, good])
    assert [outcome.result for outcome in receipt.outcomes] == [NOT_SIGNED, SETTLED]


def test_check_signed_order__by_a_key_in_a_wrapping__is_good(world: World) -> None:
    plan_id = world.register()
    world.fund(world.subscriber)
    signed = sign_plan_order(world.chain, world.subscriber, plan_id)
    wrapping = encode(["address", "bytes", "bytes"], (world.other.address, b"", signed.signature)) + WRAPPING
    relay_order(world.chain, world.relayer, SignedOrder(signed.order, signed.token, signed.contract, wrapping))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS
