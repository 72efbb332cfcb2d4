"""Payment methods: transactions, allowances and receipts of each, which one is chosen, and what fails says what to do next."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import pytest
from eth_account.signers.local import LocalAccount
from web3.contract.contract import Contract
from web3.logs import DISCARD

from nvm_chain.errors import (
    CostAboveMax,
    InsufficientAllowance,
    InsufficientFunds,
    InvalidConfig,
    PaidExternally,
    PaymentFailed,
    QuoteFailed,
    TokenCannotSign,
    WrongKind,
)
from nvm_chain.operations import orders
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.payment_methods import permit as permit_method
from nvm_chain.operations.plans import check_cost, register_plan
from nvm_chain.operations.tokens import approve_token_spending, read_allowance
from nvm_chain.signing.permits import sign_permit
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import (
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_pay_as_you_go_credits_config,
)
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_external_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_quoted_price_config,
    get_split_price_config,
)
from nvm_chain.types.receipts import OrderReceipt
from tests.integration.raw import deploy_quoter, deploy_raw, set_quote
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, PRICE, World

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]
WAYS = ["allowance", "approve", "permit", "authorization"]


class TransactionSigner:
    """Whoever signs transactions and nothing else."""

    def __init__(self, account: LocalAccount) -> None:
        self.address = account.address
        self.sign_transaction = account.sign_transaction


class TypedDataWallet(TransactionSigner):
    """Whoever signs no hash, and typed data only."""

    def __init__(self, account: LocalAccount) -> None:
        super().__init__(account)
        self.sign_typed_data = account.sign_typed_data


def sell(world: World, price: PriceConfig) -> int:
    """Register a plan of the builder's with 100 credits at a price, and return its id."""
    credits = get_fixed_credits_config(CREDITS)
    return register_plan(world.chain, world.builder, price, credits, allow_tiny_price=True).plan_id


def give(world: World, amount: int = FUNDS, *, approved: int = 0, token: Contract | None = None) -> None:
    """Give the subscriber tokens, and approve Credits for some of them."""
    token = token or world.usdc
    world.send(world.subscriber, token.functions.mint(world.subscriber.address, amount))
    if approved:
        approve_token_spending(world.chain, world.subscriber, token.address, approved)


def allowance(world: World, token: Contract | None = None) -> int:
    """Return what Credits may take of the subscriber's tokens."""
    return read_allowance(world.chain, (token or world.usdc).address, world.subscriber.address)


def order(world: World, plan_id: int, **options: Any) -> tuple[OrderReceipt, int]:
    """Order for the subscriber; return the receipt, and how many transactions that took."""
    nonce = world.chain.web3.eth.get_transaction_count(world.subscriber.address)
    receipt = order_plan(world.chain, world.subscriber, plan_id, **options)
    return receipt, world.chain.web3.eth.get_transaction_count(world.subscriber.address) - nonce


# ---------------------------------------------------------------------- each method


@pytest.mark.parametrize(
    ("pay", "approved", "transactions", "left"),
    [
        ("allowance", 3 * PRICE, 1, PRICE),
        ("allowance", 2 * PRICE, 1, 0),
        ("approve", 0, 2, 0),
        ("approve", 3 * PRICE, 1, PRICE),
        ("permit", 0, 1, 0),
        ("permit", 3 * PRICE, 1, 0),  # a permit sets the allowance
        ("authorization", 0, 1, 0),
        ("authorization", PRICE, 1, PRICE),
    ],
)
def test_order_plan__by_each_method__takes_exactly_the_cost(
    world: World, plan: RegisteredPlan, pay: str, approved: int, transactions: int, left: int
) -> None:
    give(world, approved=approved)
    receipt, sent = order(world, plan.plan_id, quantity=2, payment_method=pay, receiver=world.other.address)
    assert receipt == OrderReceipt(
        plan_id=plan.plan_id,
        payer=world.subscriber.address,
        receiver=world.other.address,
        quantity=2,
        token=world.usdc.address,
        paid=2 * PRICE,
        receivers={world.builder.address: 2 * PRICE},
        credits_granted=2 * CREDITS,
        transaction=receipt.transaction,
        approval=receipt.approval,
    )
    assert (receipt.approval is not None) is (sent == 2)
    assert (sent, allowance(world)) == (transactions, left)
    assert (world.tokens(world.subscriber.address), world.tokens(world.builder.address)) == (
        FUNDS - 2 * PRICE,
        2 * PRICE,
    )
    assert world.balance(plan.plan_id, world.other.address) == 2 * CREDITS
    assert world.tokens(world.credits.address) == 0


@pytest.mark.parametrize("pay", WAYS)
@pytest.mark.parametrize("fee_bps", [0, 333])
def test_order_plan__by_each_method__pays_three_receivers_and_the_fee(world: World, pay: str, fee_bps: int) -> None:
    world.set_fee(fee_bps)
    amounts = {world.builder.address: 9_999, world.partner.address: 1, world.other.address: 123_457}
    plan_id = sell(world, get_split_price_config(world.usdc.address, amounts))
    give(world, approved=10**6 if pay == "allowance" else 0)
    receipt, _ = order(world, plan_id, quantity=7, payment_method=pay)
    due = {receiver: 7 * amount for receiver, amount in amounts.items()}
    fees = {receiver: amount * fee_bps // 10_000 for receiver, amount in due.items()}
    expected = {receiver: amount - fees[receiver] for receiver, amount in due.items()}
    if fee_bps:
        expected[world.fee_receiver.address] = sum(fees.values())
    assert receipt.receivers == expected
    assert {receiver: world.tokens(receiver) for receiver in expected} == expected
    assert receipt.paid == sum(expected.values()) == FUNDS - world.tokens(world.subscriber.address)


@pytest.mark.parametrize("pay", WAYS)
def test_order_plan__by_each_method_by_one_of_its_receivers__counts_what_they_pay_themselves(
    world: World, pay: str
) -> None:
    amounts = {world.subscriber.address: 3_000, world.builder.address: 4_000}
    plan_id = sell(world, get_split_price_config(world.usdc.address, amounts))
    give(world, approved=7_000 if pay == "allowance" else 0)
    receipt, _ = order(world, plan_id, payment_method=pay)
    assert (receipt.paid, receipt.receivers) == (7_000, amounts)
    assert world.tokens(world.subscriber.address) == FUNDS - 4_000


@pytest.mark.parametrize("pay", WAYS)
def test_order_plan__by_each_method_whose_fee_cannot_be_delivered__tells_that_the_first_receiver_got_it(
    world: World, pay: str
) -> None:
    world.set_fee(1000)
    plan_id = sell(
        world, get_split_price_config(world.usdc.address, {world.builder.address: 5_000, world.partner.address: 5_000})
    )
    give(world, approved=10_000 if pay == "allowance" else 0)
    world.send(world.fee_owner, world.usdc.functions.blacklist(world.fee_receiver.address))
    receipt, _ = order(world, plan_id, payment_method=pay)
    assert receipt.receivers == {world.builder.address: 4_500 + 1_000, world.partner.address: 4_500}


# ---------------------------------------------------------------------- the choice


@pytest.mark.parametrize(
    ("approved", "signed_by", "transactions"),
    [
        (PRICE, LocalAccount, 1),
        (PRICE + 1, TransactionSigner, 1),
        (PRICE - 1, LocalAccount, 1),
        (0, LocalAccount, 1),
        (0, TypedDataWallet, 1),
        (0, TransactionSigner, 2),
        (PRICE - 1, TransactionSigner, 2),
    ],
)
def test_order_plan__of_usdc_without_a_method__takes_the_one_with_the_fewest_transactions(
    world: World, plan: RegisteredPlan, approved: int, signed_by: Any, transactions: int
) -> None:
    give(world, approved=approved)
    signer = world.subscriber if signed_by is LocalAccount else signed_by(world.subscriber)
    nonce = world.chain.web3.eth.get_transaction_count(signer.address)
    receipt = order_plan(world.chain, signer, plan.plan_id)
    assert world.chain.web3.eth.get_transaction_count(signer.address) == nonce + transactions
    permitted = len(world.usdc.events.Approval().process_receipt(mined(world, receipt), errors=DISCARD)) > 0
    assert permitted is (approved < PRICE and signed_by is not TransactionSigner)
    assert (receipt.approval is not None) is (transactions == 2)
    assert allowance(world) == max(approved - PRICE, 0)


def mined(world: World, receipt: OrderReceipt) -> Any:
    """Return the receipt of an order's transaction as the node has it."""
    return world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["HonestToken", "PhantomPermit", "NameIsBytes32", "SilentAuthorization", "HostileName", "PermitsOtherwise"]
)
def test_order_plan__of_a_token_without_permits__approves(world: World, name: str) -> None:
    token = world.deploy(name)
    give(world, token=token)
    plan_id = sell(world, get_erc20_price_config(PRICE, token.address, world.builder.address))
    receipt, sent = order(world, plan_id)
    assert (sent, receipt.approval is not None, allowance(world, token)) == (2, True, 0)
    assert receipt.receivers == {world.builder.address: PRICE}


@pytest.mark.parametrize(
    "name", ["HonestToken", "PhantomPermit", "NameIsBytes32", "SilentAuthorization", "HostileName", "PermitsOtherwise"]
)
@pytest.mark.parametrize("pay", ["permit", "authorization"])
def test_order_plan__by_a_signature_that_the_token_does_not_take__says_so(
    world: World, unchanged: Unchanged, name: str, pay: Any
) -> None:
    token = world.deploy(name)
    give(world, token=token)
    plan_id = sell(world, get_erc20_price_config(PRICE, token.address, world.builder.address))
    with unchanged(world.subscriber, plan_ids=[plan_id], token=token), reverts(TokenCannotSign(token.address)):
        order_plan(world.chain, world.subscriber, plan_id, payment_method=pay)


# ---------------------------------------------------------------------- methods that do not fit


@pytest.mark.parametrize("pay", ["permit", "authorization"])
def test_order_plan__by_a_signature_of_who_signs_transactions_only__says_what_to_do(
    world: World, plan: RegisteredPlan, unchanged: Unchanged, pay: Any
) -> None:
    give(world)
    error = InvalidConfig(
        "TransactionSigner signs transactions only, and this needs a signed message",
        "use an account of eth-account, or order with `payment_method='approve'`",
    )
    with unchanged(world.subscriber, plan_ids=[plan.plan_id]), reverts(error):
        order_plan(world.chain, TransactionSigner(world.subscriber), plan.plan_id, payment_method=pay)


@pytest.mark.parametrize("pay", ["card", "", "APPROVE", 1])
def test_order_plan__with_an_unknown_method__names_the_known_ones(
    world: World, plan: RegisteredPlan, requests_made: list[str], pay: Any
) -> None:
    methods = "allowance, approve, permit, authorization"
    with reverts(InvalidConfig(f"{pay!r} is not a payment method", f"give one of {methods}")):
        order_plan(world.chain, world.subscriber, plan.plan_id, payment_method=pay)
    assert not requests_made


@pytest.mark.parametrize("before", [0, PRICE - 1])
def test_order_plan__from_an_allowance_that_is_too_small__says_what_is_missing(
    world: World, plan: RegisteredPlan, unchanged: Unchanged, before: int
) -> None:
    give(world, approved=before)
    error = InsufficientAllowance(world.usdc.address, world.subscriber.address, world.credits.address, before, PRICE)
    with unchanged(world.subscriber, plan_ids=[plan.plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="allowance")
    assert "order with `payment_method='approve'`" in str(error)


@pytest.mark.parametrize("pay", [None, *WAYS])
@pytest.mark.parametrize("balance", [1, PRICE - 1])
def test_order_plan__by_any_method_without_the_funds__is_refused_before_anything_is_sent(
    world: World, plan: RegisteredPlan, unchanged: Unchanged, pay: Any, balance: int
) -> None:
    give(world, balance, approved=FUNDS)
    error = InsufficientFunds(world.usdc.address, world.subscriber.address, balance, PRICE)
    with unchanged(world.subscriber, plan_ids=[plan.plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan.plan_id, payment_method=pay)


@pytest.mark.parametrize("pay", ["permit", "authorization"])
@pytest.mark.parametrize("kind", ["free", "coin"])
def test_order_plan__by_a_signature_where_there_is_nothing_to_sign__is_refused(
    world: World, unchanged: Unchanged, pay: Any, kind: str
) -> None:
    price = get_free_price_config() if kind == "free" else get_native_token_price_config(10**15, world.builder.address)
    plan_id = sell(world, price)
    reason = "an order that is free or paid in the native coin needs no signature"
    error = InvalidConfig(reason, f"leave out `payment_method={pay!r}`")
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan_id, payment_method=pay)


@pytest.mark.parametrize("pay", [None, "allowance", "approve"])
@pytest.mark.parametrize("kind", ["free", "coin"])
def test_order_plan__of_a_free_or_coin_plan__is_one_transaction_by_any_other_method(
    world: World, pay: Any, kind: str
) -> None:
    price = get_free_price_config() if kind == "free" else get_native_token_price_config(10**15, world.builder.address)
    receipt, sent = order(world, sell(world, price), payment_method=pay)
    cost = price.total
    assert (sent, receipt.approval, receipt.token, receipt.paid) == (1, None, ZERO_ADDRESS, cost)
    assert receipt.receivers == ({world.builder.address: cost} if cost else {})


@pytest.mark.parametrize("pay", [None, *WAYS])
def test_order_plan__of_what_cannot_be_ordered__says_why_by_any_method(
    world: World, unchanged: Unchanged, pay: Any
) -> None:
    give(world, approved=FUNDS)
    outside = sell(world, get_external_price_config())
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    usage = register_plan(world.chain, world.builder, price, get_pay_as_you_go_credits_config()).plan_id
    for plan_id, error in ((outside, PaidExternally(outside)), (usage, WrongKind(usage, 2))):
        with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(error):
            order_plan(world.chain, world.subscriber, plan_id, payment_method=pay)


def test_order_plan__of_a_time_plan_by_permit__opens_the_window(world: World) -> None:
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    plan_id = register_plan(world.chain, world.builder, price, get_expirable_duration_config(60, 3)).plan_id
    give(world)
    receipt, sent = order(world, plan_id)
    assert (sent, receipt.credits_granted) == (1, 3)
    assert world.read(world.credits.functions.accessUntil(plan_id, world.subscriber.address)) == world.now + 180


# ---------------------------------------------------------------------- permits that others bring first


def test_order_plan__whose_permit_was_brought_before__uses_the_allowance_it_left(
    world: World, plan: RegisteredPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(world)

    def front_run(signer: Any, permit: Any, **named: Any) -> Any:
        signature = sign_permit(signer, permit, **named)
        bring = world.usdc.get_function_by_signature("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")
        world.send(world.stranger, bring(permit.owner, permit.spender, permit.value, permit.deadline, *signature))
        return signature

    monkeypatch.setattr(permit_method, "sign_permit", front_run)
    receipt, sent = order(world, plan.plan_id, payment_method="permit")
    assert (sent, receipt.paid, allowance(world)) == (1, PRICE, 0)


# ---------------------------------------------------------------------- quoted prices


def quoted(world: World, price: int) -> tuple[int, Any]:
    """Register a plan of which a contract names the price, three quarters for the builder; return its id and the contract."""
    quoter = deploy_quoter(world, price)
    weights = {world.builder.address: 3, world.partner.address: 1}
    return sell(world, get_quoted_price_config(world.usdc.address, quoter, weights)), quoter


@pytest.mark.parametrize(
    ("pay", "left"),
    [("allowance", 2 * PRICE - 101), ("approve", PRICE - 101), ("permit", PRICE - 101), ("authorization", 0)],
)
def test_order_plan__quoted_below_the_limit__pays_the_quote_and_keeps_the_rest(
    world: World, pay: str, left: int
) -> None:
    plan_id, _ = quoted(world, 101)
    give(world, approved=2 * PRICE if pay == "allowance" else 0)
    receipt, _ = order(world, plan_id, payment_method=pay, max_cost=PRICE, quantity=5)
    assert (receipt.paid, receipt.receivers) == (101, {world.builder.address: 76, world.partner.address: 25})
    assert (world.tokens(world.subscriber.address), allowance(world)) == (FUNDS - 101, left)
    assert world.tokens(world.credits.address) == 0


@pytest.mark.parametrize("pay", ["approve", "permit", None])
def test_order_plan__quoted_with_a_limit_above_the_balance__needs_the_cost_only(world: World, pay: Any) -> None:
    plan_id, _ = quoted(world, 101)
    give(world, 101)
    assert order(world, plan_id, payment_method=pay, max_cost=PRICE)[0].paid == 101


def test_order_plan__quoted_from_an_allowance_between_cost_and_limit__needs_the_cost_only(world: World) -> None:
    plan_id, _ = quoted(world, 101)
    give(world, approved=101)
    assert order(world, plan_id, payment_method="allowance", max_cost=PRICE)[0].paid == 101


def test_order_plan__by_authorization_with_a_limit_above_the_balance__is_refused(
    world: World, unchanged: Unchanged
) -> None:
    plan_id, _ = quoted(world, 101)
    give(world, 102)
    error = InsufficientFunds(world.usdc.address, world.subscriber.address, 102, 103)
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan_id, payment_method="authorization", max_cost=103)


@pytest.fixture
def raise_price(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, int], None]:
    """Let a quoter ask another price right after an order has looked at it."""

    def arrange(quoter: Any, price: int) -> None:
        def check(*arguments: Any) -> tuple[int, int]:
            found = check_cost(*arguments)
            set_quote(world, quoter, price)
            return found

        monkeypatch.setattr(orders, "check_cost", check)

    return arrange


@pytest.mark.parametrize("pay", ["allowance", "approve", "permit"])
def test_order_plan__whose_price_rises_up_to_the_limit__pays_the_new_price(
    world: World, raise_price: Callable[[Any, int], None], pay: Any
) -> None:
    plan_id, quoter = quoted(world, 100)
    give(world, approved=200 if pay == "allowance" else 0)
    raise_price(quoter, 200)
    receipt, _ = order(world, plan_id, payment_method=pay, max_cost=200)
    assert (receipt.paid, allowance(world)) == (200, 0)


@pytest.mark.parametrize("pay", ["allowance", "approve", "permit", "authorization"])
@pytest.mark.parametrize("max_cost", [None, 199])
def test_order_plan__whose_price_rises_above_the_limit__is_refused_and_leaves_nothing(
    world: World, raise_price: Callable[[Any, int], None], pay: Any, max_cost: int | None
) -> None:
    plan_id, quoter = quoted(world, 100)
    give(world, approved=200 if pay == "allowance" else 0)
    before = allowance(world)
    raise_price(quoter, 200)
    with reverts(CostAboveMax(200, max_cost or 100)):
        order_plan(world.chain, world.subscriber, plan_id, payment_method=pay, max_cost=max_cost)
    assert (world.tokens(world.subscriber.address), allowance(world)) == (FUNDS, before)
    assert world.balance(plan_id, world.subscriber.address) == 0


def test_order_plan__quoted_above_the_limit__is_refused(world: World, unchanged: Unchanged) -> None:
    plan_id, _ = quoted(world, 100)
    give(world)
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(CostAboveMax(100, 99)):
        order_plan(world.chain, world.subscriber, plan_id, max_cost=99)


def test_order_plan__quoted_at_zero__is_free_and_asks_nothing_of_the_token(world: World) -> None:
    plan_id, _ = quoted(world, 0)
    receipt, sent = order(world, plan_id)
    assert (sent, receipt.paid, receipt.receivers, receipt.credits_granted) == (1, 0, {}, CREDITS)


@pytest.mark.parametrize("answer", [b"", (2**128).to_bytes(32, "big")])
def test_order_plan__whose_quoter_names_no_price__is_refused(world: World, unchanged: Unchanged, answer: bytes) -> None:
    quoter = deploy_raw(world, answer, reverting=not answer).address
    plan_id = sell(world, get_quoted_price_config(world.usdc.address, quoter, {world.builder.address: 1}))
    give(world)
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(QuoteFailed(plan_id, quoter)):
        order_plan(world.chain, world.subscriber, plan_id)


def test_order_plan__quoted_in_coin__pays_the_quote(world: World) -> None:
    quoter = deploy_quoter(world, 10**15 + 1)
    weights = {world.builder.address: 1, world.partner.address: 1}
    plan_id = sell(world, get_quoted_price_config(ZERO_ADDRESS, quoter, weights))
    before = {receiver: world.coins(receiver) for receiver in weights}
    receipt, _ = order(world, plan_id, quantity=9)
    half = 10**15 // 2
    assert receipt.receivers == {world.builder.address: half + 1, world.partner.address: half}
    assert {receiver: world.coins(receiver) - before[receiver] for receiver in weights} == receipt.receivers


def test_order_plan__from_an_allowance_that_the_price_outgrows__fails_without_a_trace(
    world: World, raise_price: Callable[[Any, int], None], unchanged: Unchanged
) -> None:
    plan_id, quoter = quoted(world, 100)
    give(world, approved=100)
    raise_price(quoter, 200)
    error = PaymentFailed(world.usdc.address, world.subscriber.address, world.builder.address, 150)
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(error):
        order_plan(world.chain, world.subscriber, plan_id, payment_method="allowance", max_cost=200)
