"""Signed orders: a payer without coin signs, a stranger brings the order, and nothing of it can be changed on the way."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, Hash32

from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationMismatch,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    CostAboveMax,
    ERC1155InvalidReceiver,
    InsufficientFunds,
    InvalidConfig,
    NvmChainError,
    OrderAlreadyMade,
    PaidExternally,
    PlanNotActive,
    TokenCannotSign,
    TokenWithoutCode,
    TrialAlreadyTaken,
    TrialOrderedForOther,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.operations.plans import register_plan, set_plan_active
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.operations.token_domains import read_permit_terms, read_token_domain
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signed_orders import (
    SignedOrder,
    authorization_digest,
    authorization_nonce,
    build_order_authorization,
    sign_order,
)
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import get_quoted_price_config, get_split_price_config
from nvm_chain.types.receipts import OrderReceipt
from tests.integration.raw import deploy_permit_token, deploy_quoter, deploy_renamed_usdc, set_quote
from tests.support.events import granted, ordered
from tests.support.plans import usage
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, MAX_UINT, PRICE, ZERO, World

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]
PAYER: LocalAccount = Account.from_key("0x" + "5e" * 32)
"""Has USDC and never any coin."""


@pytest.fixture
def payer(world: World) -> LocalAccount:
    """The payer, with 1,000 USDC, no coin and no approval."""
    world.send(world.stranger, world.usdc.functions.mint(PAYER.address, FUNDS))
    assert world.coins(PAYER.address) == 0
    return PAYER


@pytest.fixture
def signed(world: World, plan: RegisteredPlan, payer: LocalAccount) -> SignedOrder:
    """An order of the plan that the payer signed for somebody else."""
    return sign_plan_order(world.chain, payer, plan.plan_id, receiver=world.other.address)


@pytest.fixture
def refused(
    world: World, payer: LocalAccount, requests_made: list[str], unchanged: Unchanged
) -> Callable[[NvmChainError, SignedOrder], None]:
    """Relay an order, expect an error, and insist that nothing was sent."""

    def refused(error: NvmChainError, signed: SignedOrder) -> None:
        requests_made.clear()
        with unchanged(payer, world.relayer, world.builder), reverts(error):
            relay_order(world.chain, world.relayer, signed)
        assert "eth_sendRawTransaction" not in requests_made

    return refused


# ---------------------------------------------------------------------- the way it is meant


def test_relay_order__of_a_payer_without_coin__pays_and_grants(
    world: World, plan: RegisteredPlan, payer: LocalAccount
) -> None:
    message = sign_plan_order(world.chain, payer, plan.plan_id, receiver=world.other.address, quantity=2).to_json()
    receipt = relay_order(world.chain, world.relayer, SignedOrder.from_json(message))
    assert receipt == OrderReceipt(
        plan_id=plan.plan_id,
        payer=payer.address,
        receiver=world.other.address,
        quantity=2,
        token=world.usdc.address,
        paid=2 * PRICE,
        receivers={world.builder.address: 2 * PRICE},
        credits_granted=2 * CREDITS,
        transaction=receipt.transaction,
        approval=None,
    )
    assert world.tokens(payer.address) == FUNDS - 2 * PRICE
    assert (world.coins(payer.address), world.chain.web3.eth.get_transaction_count(payer.address)) == (0, 0)
    mined = world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]
    assert mined["from"] == world.relayer.address
    assert world.events(mined) == [
        granted(world.relayer.address, world.other.address, plan.plan_id, 2 * CREDITS),
        ordered(plan.plan_id, payer.address, world.other.address, 2, 2 * PRICE),
    ]


def test_sign_plan_order__sends_nothing_and_counts_for_an_hour(
    world: World, plan: RegisteredPlan, payer: LocalAccount, requests_made: list[str]
) -> None:
    requests_made.clear()
    order = sign_plan_order(world.chain, payer, plan.plan_id).order
    assert set(re.findall(r"\w+", " ".join(requests_made))) == {"eth_call", "eth_getBlockByNumber"}
    assert len(requests_made) == 2
    assert (order.payer, order.receiver, order.quantity, order.max_cost) == (payer.address, payer.address, 1, PRICE)
    assert order.valid_after == 0
    assert 3601 - 5 <= order.valid_before - world.chain.read_time() <= 3601


def test_sign_plan_order__twice__is_two_orders(world: World, plan: RegisteredPlan, payer: LocalAccount) -> None:
    for signed in [sign_plan_order(world.chain, payer, plan.plan_id) for _ in range(2)]:
        relay_order(world.chain, world.relayer, signed)
    assert world.balance(plan.plan_id, payer.address) == 2 * CREDITS


def test_relay_order__that_costs_less_than_authorised__gives_the_rest_back_at_once(
    world: World, plan: RegisteredPlan, payer: LocalAccount
) -> None:
    signed = sign_plan_order(world.chain, payer, plan.plan_id, max_cost=PRICE + 7)
    receipt = relay_order(world.chain, world.relayer, signed)
    assert (receipt.paid, receipt.receivers) == (PRICE, {world.builder.address: PRICE})
    assert (world.tokens(payer.address), world.tokens(world.credits.address)) == (FUNDS - PRICE, 0)


@pytest.mark.parametrize("surplus", [0, 1, 5_000])
def test_relay_order__of_a_payer_among_the_receivers__tells_their_part_without_the_change(
    world: World, payer: LocalAccount, surplus: int
) -> None:
    world.set_fee(1000)
    amounts = {payer.address: 4_000, world.builder.address: 6_000}
    price = get_split_price_config(world.usdc.address, amounts)
    plan_id = register_plan(
        world.chain, world.builder, price, get_fixed_credits_config(1), allow_tiny_price=True
    ).plan_id
    signed = sign_plan_order(world.chain, payer, plan_id, max_cost=10_000 + surplus)
    receipt = relay_order(world.chain, world.relayer, signed)
    assert receipt.receivers == {
        payer.address: 3_600,
        world.builder.address: 5_400,
        world.fee_receiver.address: 1_000,
    }
    assert (receipt.paid, world.tokens(payer.address)) == (10_000, FUNDS - 6_400)


def test_relay_order__by_the_builder_or_the_payers_friend__is_the_same(
    world: World, plan: RegisteredPlan, payer: LocalAccount
) -> None:
    for relayer in (world.builder, world.other):
        relay_order(world.chain, relayer, sign_plan_order(world.chain, payer, plan.plan_id))
    assert world.balance(plan.plan_id, payer.address) == 2 * CREDITS


# ---------------------------------------------------------------------- tampering

TAMPERED: dict[str, Callable[[World, SignedOrder], Any]] = {
    "payer": lambda world, order: world.subscriber.address,
    "receiver": lambda world, order: world.relayer.address,
    "quantity": lambda world, order: 2,
    "max_cost": lambda world, order: PRICE + 1,
    "valid_after": lambda world, order: 1,
    "valid_before": lambda world, order: MAX_UINT,
    "salt": lambda world, order: bytes(32),
}


@pytest.mark.parametrize("field", TAMPERED)
def test_relay_order__with_one_field_changed__is_refused_before_it_is_sent(
    world: World, signed: SignedOrder, refused: Callable[..., None], field: str
) -> None:
    world.send(world.stranger, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    order = replace(signed.order, **{field: TAMPERED[field](world, signed)})
    digest = authorization_digest(order, token=signed.token, contract=signed.contract)
    signer = Account._recover_hash(digest, signature=signed.signature)
    refused(AuthorizationSignatureInvalid(order.payer, signer), replace(signed, order=order))


def test_relay_order__of_another_plan_at_the_same_price__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    order = replace(signed.order, plan_id=world.register())
    digest = authorization_digest(order, token=signed.token, contract=signed.contract)
    signer = Account._recover_hash(digest, signature=signed.signature)
    refused(AuthorizationSignatureInvalid(order.payer, signer), replace(signed, order=order))


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\x11" * 65, b"\x11" * 64, b"\x11" * 300])
def test_relay_order__with_no_signature_of_the_payer__is_refused(
    world: World, signed: SignedOrder, signature: bytes, unchanged: Unchanged
) -> None:
    forged = replace(signed, signature=signature)
    with unchanged(PAYER, world.relayer), pytest.raises(AuthorizationSignatureInvalid) as caught:
        relay_order(world.chain, world.relayer, forged)
    assert caught.value.payer == PAYER.address


def test_relay_order__signed_for_another_contract__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    error = AuthorizationMismatch("contract", world.credits.address, world.stranger.address)
    refused(error, replace(signed, contract=world.stranger.address))


@pytest.mark.parametrize(
    ("field", "shown"),
    [("name", "token name"), ("version", "token version"), ("chain_id", "chain id"), ("address", "token")],
)
def test_relay_order__signed_for_another_token_or_chain__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None], field: str, shown: str
) -> None:
    values: dict[str, Any] = {"name": "USDC Coin", "version": "3", "chain_id": 1, "address": world.stranger.address}
    token = replace(signed.token, **{field: values[field]})
    error = AuthorizationMismatch(shown, getattr(signed.token, field), values[field])
    refused(error, replace(signed, token=token))


def test_relay_order__in_a_token_of_another_name_and_version__counts_for_its_own_domain_only(
    world: World, payer: LocalAccount, refused: Callable[..., None]
) -> None:
    token = deploy_renamed_usdc(world)
    world.send(world.stranger, token.functions.mint(payer.address, FUNDS))
    signed = sign_plan_order(world.chain, payer, world.register(token=token.address))
    assert signed.token == Domain("EURC", "7", world.chain.chain_id, token.address)
    usdc = read_token_domain(world.chain, world.usdc.address)
    assert usdc == Domain("USDC", "2", world.chain.chain_id, world.usdc.address)
    wrong = sign_order(payer, signed.order, token=usdc, contract=world.credits.address)
    refused(AuthorizationMismatch("token", token.address, usdc.address), wrong)
    assert relay_order(world.chain, world.relayer, signed).token == token.address
    assert world.tokens(world.builder.address, token) == PRICE


# ---------------------------------------------------------------------- what the chain knows


def test_relay_order__a_second_time__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    relay_order(world.chain, world.relayer, signed)
    nonce = authorization_nonce(signed.order, chain_id=world.chain.chain_id, contract=world.credits.address)
    refused(OrderAlreadyMade(PAYER.address, nonce), signed)


def test_relay_order__that_the_payer_has_withdrawn__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    nonce = authorization_nonce(signed.order, chain_id=world.chain.chain_id, contract=world.credits.address)
    types = {"CancelAuthorization": [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]}
    withdrawal = PAYER.sign_typed_data(signed.token.as_data(), types, {"authorizer": PAYER.address, "nonce": nonce})
    cancel = world.usdc.get_function_by_signature("cancelAuthorization(address,bytes32,bytes)")
    world.send(world.stranger, cancel(PAYER.address, nonce, bytes(withdrawal.signature)))
    refused(OrderAlreadyMade(PAYER.address, nonce), signed)


@pytest.mark.parametrize(("late", "counts"), [(-1, True), (0, False), (1, False)])
def test_check_signed_order__around_its_end__counts_before_that_second(
    world: World, signed: SignedOrder, late: int, counts: bool
) -> None:
    end = signed.order.valid_before
    world.mine_at(end + late)
    if counts:
        assert check_signed_order(world.chain, signed).plan_id == signed.order.plan_id
        return
    with reverts(AuthorizationExpired(end, end + late)):
        check_signed_order(world.chain, signed)


@pytest.mark.parametrize(("early", "counts"), [(1, False), (0, False), (-1, True)])
def test_check_signed_order__around_its_start__counts_after_that_second(
    world: World, plan: RegisteredPlan, payer: LocalAccount, early: int, counts: bool
) -> None:
    start = max(world.now, int(time.time())) + 1000  # the later clock counts, and the chain's is behind in a long run
    token = read_token_domain(world.chain, world.usdc.address)
    order = build_order_authorization(
        plan.plan_id, payer=payer.address, max_cost=PRICE, valid_after=start, valid_before=start + 100_000
    )
    signed = sign_order(payer, order, token=token, contract=world.credits.address)
    world.mine_at(start - early)
    if counts:
        check_signed_order(world.chain, signed)
        return
    with reverts(AuthorizationNotYetValid(start, start - early)):
        check_signed_order(world.chain, signed)


def test_relay_order__whose_payer_has_spent_the_money__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    world.chain.send_data(world.stranger, "0x", PAYER.address, value=10**18)
    world.send(PAYER, world.usdc.functions.transfer(world.other.address, FUNDS - PRICE + 1))
    refused(InsufficientFunds(world.usdc.address, PAYER.address, PRICE - 1, PRICE), signed)


def test_relay_order__of_a_plan_that_takes_no_orders_any_more__is_refused(
    world: World, signed: SignedOrder, refused: Callable[..., None]
) -> None:
    set_plan_active(world.chain, world.builder, signed.order.plan_id, False)
    refused(PlanNotActive(signed.order.plan_id), signed)


@pytest.mark.parametrize(("raised", "paid"), [(150, 150), (151, None)])
def test_relay_order__whose_price_was_raised__is_made_up_to_what_was_signed(
    world: World, payer: LocalAccount, refused: Callable[..., None], raised: int, paid: int | None
) -> None:
    quoter = deploy_quoter(world, 100)
    price = get_quoted_price_config(world.usdc.address, quoter, {world.builder.address: 1})
    plan_id = register_plan(world.chain, world.builder, price, get_fixed_credits_config(1)).plan_id
    signed = sign_plan_order(world.chain, payer, plan_id, max_cost=150)
    set_quote(world, quoter, raised)
    if paid is None:
        refused(CostAboveMax(raised, 150), signed)
    else:
        assert relay_order(world.chain, world.relayer, signed).paid == paid


def test_relay_order__of_a_trial_that_was_taken__is_refused(
    world: World, payer: LocalAccount, refused: Callable[..., None]
) -> None:
    plan_id = world.register(trial=True)
    first, second = (sign_plan_order(world.chain, payer, plan_id) for _ in range(2))
    relay_order(world.chain, world.relayer, first)
    refused(TrialAlreadyTaken(plan_id, payer.address), second)


def test_sign_plan_order__of_a_trial_for_another__is_refused(world: World, payer: LocalAccount) -> None:
    plan_id, other = world.register(trial=True), world.other.address
    with reverts(TrialOrderedForOther(plan_id, payer.address, other)):
        sign_plan_order(world.chain, payer, plan_id, receiver=other)


def test_relay_order__of_a_trial_for_another__is_refused_before_it_is_sent(
    world: World, payer: LocalAccount, refused: Callable[..., None]
) -> None:
    """Such an order can be signed elsewhere."""
    plan_id, other = world.register(trial=True), world.other.address
    signed = sign_plan_order(world.chain, payer, plan_id)
    order = replace(signed.order, receiver=other)
    signed = sign_order(payer, order, token=signed.token, contract=signed.contract)
    refused(TrialOrderedForOther(plan_id, payer.address, other), signed)


def test_relay_order__for_a_contract_that_takes_no_credits__is_refused(
    world: World, plan: RegisteredPlan, payer: LocalAccount, refused: Callable[..., None]
) -> None:
    receiver = world.deploy("NoHook").address
    signed = sign_plan_order(world.chain, payer, plan.plan_id, receiver=receiver)
    refused(ERC1155InvalidReceiver(receiver), signed)


# ---------------------------------------------------------------------- what cannot be signed for


def test_sign_plan_order__of_what_cannot_be_ordered_so__says_why(world: World, payer: LocalAccount) -> None:
    coin, free = world.register(token=ZERO), world.register(splits=(), token=ZERO)
    paid_per_use, outside = world.register(**usage()), world.register(token=ZERO, splits=(), paid_externally=True)
    closed = world.register()
    set_plan_active(world.chain, world.builder, closed, False)
    cases: list[tuple[int, NvmChainError]] = [
        (7, UnknownPlan(7)),
        (coin, TokenWithoutCode(ZERO_ADDRESS)),
        (free, InvalidConfig("a free order needs no signature", "order it with `order_plan`")),
        (paid_per_use, WrongKind(paid_per_use, 2)),
        (outside, PaidExternally(outside)),
        (closed, PlanNotActive(closed)),
    ]
    for plan_id, error in cases:
        with reverts(error):
            sign_plan_order(world.chain, payer, plan_id)


def test_sign_plan_order__above_the_limit_or_the_balance__is_refused(
    world: World, plan: RegisteredPlan, payer: LocalAccount
) -> None:
    with reverts(CostAboveMax(PRICE, PRICE - 1)):
        sign_plan_order(world.chain, payer, plan.plan_id, max_cost=PRICE - 1)
    with reverts(InsufficientFunds(world.usdc.address, payer.address, FUNDS, FUNDS + 1)):
        sign_plan_order(world.chain, payer, plan.plan_id, max_cost=FUNDS + 1)


@pytest.mark.parametrize("name", ["HonestToken", "PhantomPermit", "SilentAuthorization"])
def test_sign_plan_order__in_a_token_without_a_domain__is_refused(world: World, payer: LocalAccount, name: str) -> None:
    token = world.deploy(name)
    world.send(world.stranger, token.functions.mint(payer.address, FUNDS))
    with reverts(TokenCannotSign(token.address)):
        sign_plan_order(world.chain, payer, world.register(token=token.address))


def test_sign_plan_order__in_a_token_that_takes_permits_only__is_refused(world: World, payer: LocalAccount) -> None:
    token = deploy_permit_token(world)
    world.send(world.stranger, token.functions.mint(payer.address, FUNDS))
    assert read_permit_terms(world.chain, token.address, payer.address).nonce == 0
    with reverts(TokenCannotSign(token.address)):
        sign_plan_order(world.chain, payer, world.register(token=token.address))


def test_sign_plan_order__by_no_signer__is_refused(world: World, plan: RegisteredPlan, payer: LocalAccount) -> None:
    class Nobody:
        address = payer.address

    nobody: Any = Nobody()
    with pytest.raises(InvalidConfig, match="A signer is an account that signs, not a value of type Nobody"):
        sign_plan_order(world.chain, nobody, plan.plan_id)


# ---------------------------------------------------------------------- contract wallets


@pytest.fixture
def wallet(world: World) -> ChecksumAddress:
    """A contract wallet of the stranger's key, with 1,000 USDC."""
    wallet = world.deploy("SmartWallet", world.stranger.address).address
    world.send(world.stranger, world.usdc.functions.mint(wallet, FUNDS))
    return wallet


def sign_for_wallet(world: World, plan_id: int, wallet: ChecksumAddress, key: LocalAccount) -> SignedOrder:
    """Sign an order of a wallet's with a key, as its app would."""
    token = read_token_domain(world.chain, world.usdc.address)
    order = build_order_authorization(plan_id, payer=wallet, max_cost=PRICE, valid_before=world.now + 3600)
    digest = authorization_digest(order, token=token, contract=world.credits.address)
    return SignedOrder(order, token, world.credits.address, bytes(key.unsafe_sign_hash(Hash32(digest)).signature))


def test_relay_order__of_a_contract_wallet__asks_the_wallet(
    world: World, plan: RegisteredPlan, wallet: ChecksumAddress
) -> None:
    signed = sign_for_wallet(world, plan.plan_id, wallet, world.stranger)
    receipt = relay_order(world.chain, world.relayer, SignedOrder.from_json(signed.to_json()))
    assert (receipt.payer, receipt.receiver, receipt.paid) == (wallet, wallet, PRICE)
    assert (world.tokens(wallet), world.balance(plan.plan_id, wallet)) == (FUNDS - PRICE, CREDITS)


def test_relay_order__of_a_contract_wallet_by_another_key__is_refused(
    world: World, plan: RegisteredPlan, wallet: ChecksumAddress, refused: Callable[..., None]
) -> None:
    signed = sign_for_wallet(world, plan.plan_id, wallet, world.other)
    refused(AuthorizationSignatureInvalid(wallet, world.other.address), signed)


def test_relay_order__of_a_wallet_that_accepts_any_bytes__is_made(world: World, plan: RegisteredPlan) -> None:
    wallet = world.deploy("EvilWallet").address
    world.send(world.stranger, world.usdc.functions.mint(wallet, FUNDS))
    signed = replace(sign_for_wallet(world, plan.plan_id, wallet, world.other), signature=b"yes" * 100)
    assert relay_order(world.chain, world.relayer, signed).payer == wallet


def test_check_signed_order__of_nothing__is_refused(world: World, plan: RegisteredPlan, payer: LocalAccount) -> None:
    token = read_token_domain(world.chain, world.usdc.address)
    free = world.register(splits=())
    order = build_order_authorization(free, payer=payer.address, max_cost=0, valid_before=world.now + 3600)
    signed = sign_order(payer, order, token=token, contract=world.credits.address)
    with pytest.raises(InvalidConfig, match="needs no signature"):
        check_signed_order(world.chain, signed)
