"""usage: each request is paid on its own, with its id in the event; nothing is granted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from nvm_chain.errors import (
    CostAboveMax,
    InsufficientAllowance,
    InsufficientFunds,
    InvalidAmount,
    InvalidConfig,
    InvalidContext,
    InvalidQuantity,
    NotRedeemable,
    NvmChainError,
    PaymentFailed,
    PlanNotActive,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.operations import usage
from nvm_chain.operations.credits import has_access, mint_credits, redeem_credits
from nvm_chain.operations.plans import check_cost, register_plan, set_plan_active
from nvm_chain.operations.tokens import approve_token_spending, read_allowance
from nvm_chain.operations.usage import pay_usage
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import get_pay_as_you_go_credits_config
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_quoted_price_config,
    get_split_price_config,
)
from nvm_chain.types.receipts import UsageReceipt
from tests.integration.raw import deploy_quoter, set_quote
from tests.support.reverts import reverts
from tests.support.world import FUNDS, World

EMBEDDED_TOO = True

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]
COST = 1_500
REQUEST = UUID("12345678-1234-5678-1234-567812345678")


def sell(world: World, price: PriceConfig) -> int:
    """Register a usage plan of the builder's at a price, and return its id."""
    credits = get_pay_as_you_go_credits_config()
    return register_plan(world.chain, world.builder, price, credits, allow_tiny_price=True).plan_id


@pytest.fixture
def plan_id(world: World) -> int:
    """A usage plan at 0.0015 USDC, for a subscriber with 1,000 USDC and no approval."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    return sell(world, get_erc20_price_config(COST, world.usdc.address, world.builder.address))


def pay(world: World, plan_id: int, **options: Any) -> tuple[UsageReceipt, int]:
    """Pay as the subscriber; return the receipt, and how many transactions that took."""
    nonce = world.chain.web3.eth.get_transaction_count(world.subscriber.address)
    receipt = pay_usage(world.chain, world.subscriber, plan_id, **options)
    return receipt, world.chain.web3.eth.get_transaction_count(world.subscriber.address) - nonce


def allowance(world: World) -> int:
    """Return what Credits may take of the subscriber's USDC."""
    return read_allowance(world.chain, world.usdc.address, world.subscriber.address)


@pytest.mark.parametrize("context", ["request-1", b"\x01\x02", REQUEST, b""])
def test_pay_usage__of_a_request__pays_and_grants_nothing(world: World, plan_id: int, context: Any) -> None:
    receipt, sent = pay(world, plan_id, quantity=4, context=context)
    raw = context.bytes if isinstance(context, UUID) else context.encode() if isinstance(context, str) else context
    assert receipt == UsageReceipt(
        plan_id=plan_id,
        payer=world.subscriber.address,
        quantity=4,
        context=raw.ljust(32, b"\0"),
        token=world.usdc.address,
        paid=4 * COST,
        receivers={world.builder.address: 4 * COST},
        transaction=receipt.transaction,
        approval=receipt.approval,
    )
    mined = world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]
    assert world.events(mined) == [
        (
            "UsagePaid",
            {
                "planId": plan_id,
                "payer": world.subscriber.address,
                "quantity": 4,
                "cost": 4 * COST,
                "context": receipt.context,
            },
        )
    ]
    assert (sent, receipt.approval is not None, allowance(world)) == (2, True, 0)
    assert world.tokens(world.subscriber.address) == FUNDS - 4 * COST
    assert world.balance(plan_id, world.subscriber.address) == 0


@pytest.mark.parametrize("way", ["approve", "allowance"])
def test_pay_usage__with_an_approval_for_many_requests__is_one_transaction_each(
    world: World, plan_id: int, way: Any
) -> None:
    approve_token_spending(world.chain, world.subscriber, world.usdc.address, 3 * COST)
    assert [pay(world, plan_id, payment_method=way)[1] for _ in range(3)] == [1, 1, 1]
    assert (allowance(world), world.tokens(world.builder.address)) == (0, 3 * COST)


@pytest.mark.parametrize("bps", [0, 333])
@pytest.mark.parametrize("kind", ["token", "coin"])
def test_pay_usage__with_splits_and_fee__tells_each_receivers_part(
    world: World, plan_id: int, kind: str, bps: int
) -> None:
    world.set_fee(bps)
    amounts = {world.builder.address: 9_999, world.partner.address: 1, world.other.address: 123_457}
    token = world.usdc.address if kind == "token" else ZERO_ADDRESS
    fees = {receiver: 3 * amount * bps // 10_000 for receiver, amount in amounts.items()}
    expected = {receiver: 3 * amount - fees[receiver] for receiver, amount in amounts.items()}
    if bps:
        expected[world.fee_receiver.address] = sum(fees.values())
    read = world.tokens if kind == "token" else world.coins
    split_plan_id = sell(world, get_split_price_config(token, amounts))
    before = {receiver: read(receiver) for receiver in expected}
    receipt, _ = pay(world, split_plan_id, quantity=3)
    assert receipt.receivers == {receiver: read(receiver) - before[receiver] for receiver in expected} == expected
    assert receipt.paid == sum(expected.values())


@pytest.mark.parametrize("kind", ["coin", "free"])
def test_pay_usage__in_coin_or_free__is_one_transaction(world: World, kind: str) -> None:
    price = get_free_price_config() if kind == "free" else get_native_token_price_config(COST, world.builder.address)
    receipt, sent = pay(world, sell(world, price), quantity=2)
    assert (sent, receipt.approval, receipt.token, receipt.paid) == (1, None, ZERO_ADDRESS, 2 * price.total)


# ---------------------------------------------------------------------- quoted


@pytest.fixture
def quoted(world: World, plan_id: int) -> tuple[int, Any]:
    """A usage plan of which a contract names the price, 100 at first, and the contract."""
    quoter = deploy_quoter(world, 100)
    return sell(world, get_quoted_price_config(world.usdc.address, quoter, {world.builder.address: 1})), quoter


def test_pay_usage__quoted__approves_up_to_the_limit_and_pays_the_quote(world: World, quoted: tuple[int, Any]) -> None:
    receipt, sent = pay(world, quoted[0], max_cost=150)
    assert (sent, receipt.paid, allowance(world)) == (2, 100, 50)


@pytest.mark.parametrize(("raised", "paid"), [(150, 150), (151, None)])
def test_pay_usage__whose_price_rises__pays_up_to_the_limit(
    world: World, quoted: tuple[int, Any], monkeypatch: pytest.MonkeyPatch, raised: int, paid: int | None
) -> None:
    plan_id, quoter = quoted

    def check(*arguments: Any) -> tuple[int, int]:
        found = check_cost(*arguments)
        set_quote(world, quoter, raised)
        return found

    monkeypatch.setattr(usage, "check_cost", check)
    if paid is None:
        with reverts(CostAboveMax(151, 150)):
            pay(world, plan_id, max_cost=150)
        assert (allowance(world), world.tokens(world.subscriber.address)) == (0, FUNDS)
    else:
        assert pay(world, plan_id, max_cost=150)[0].paid == paid


def test_pay_usage__quoted_from_an_allowance_of_the_cost__needs_no_more(world: World, quoted: tuple[int, Any]) -> None:
    approve_token_spending(world.chain, world.subscriber, world.usdc.address, 100)
    assert pay(world, quoted[0], max_cost=FUNDS + 1, payment_method="allowance")[0].paid == 100


# ---------------------------------------------------------------------- refused before anything is sent


def test_pay_usage__of_what_is_no_usage_plan__is_refused(
    world: World, plan: RegisteredPlan, plan_id: int, unchanged: Unchanged
) -> None:
    closed = sell(world, get_erc20_price_config(COST, world.usdc.address, world.builder.address))
    set_plan_active(world.chain, world.builder, closed, False)
    cases: list[tuple[int, NvmChainError]] = [
        (7, UnknownPlan(7)),
        (plan.plan_id, WrongKind(plan.plan_id, 0)),
        (closed, PlanNotActive(closed)),
    ]
    for number, error in cases:
        with unchanged(world.subscriber), reverts(error):
            pay(world, number)


@pytest.mark.parametrize("way", ["permit", "authorization", "card", None])
def test_pay_usage__in_a_way_that_there_is_not__names_those_there_are(world: World, plan_id: int, way: Any) -> None:
    advice = "give `payment_method='approve'` or `payment_method='allowance'`"
    with reverts(InvalidConfig(f"usage cannot be paid with {way!r}", advice)):
        pay(world, plan_id, payment_method=way)


def test_pay_usage__with_arguments_that_do_not_fit__is_refused(
    world: World, plan_id: int, unchanged: Unchanged
) -> None:
    payer, spender, token = world.subscriber.address, world.credits.address, world.usdc.address
    cases: list[tuple[dict[str, Any], NvmChainError]] = [
        ({"quantity": 0}, InvalidAmount("quantity 0", f"must be from 1 to {2**32 - 1}")),
        ({"max_cost": COST - 1}, CostAboveMax(COST, COST - 1)),
        ({"context": "a" * 33}, InvalidContext(33)),
        ({"payment_method": "allowance"}, InsufficientAllowance(token, payer, spender, 0, COST)),
        ({"quantity": 10**6}, InsufficientFunds(token, payer, FUNDS, 10**6 * COST)),
    ]
    for options, error in cases:
        with unchanged(world.subscriber), reverts(error):
            pay(world, plan_id, **options)


def test_pay_usage__that_fails_after_approving__puts_the_allowance_back(world: World, plan_id: int) -> None:
    world.send(world.fee_owner, world.usdc.functions.blacklist(world.builder.address))
    error = PaymentFailed(world.usdc.address, world.subscriber.address, world.builder.address, COST)
    with reverts(error):
        pay(world, plan_id)
    assert (allowance(world), world.tokens(world.subscriber.address)) == (0, FUNDS)


# ---------------------------------------------------------------------- what a usage plan does not do


def test_usage_plan__grants_and_redeems_nothing(world: World, plan_id: int) -> None:
    assert not has_access(world.chain, plan_id, world.subscriber.address)
    with reverts(WrongKind(plan_id, 2)):
        mint_credits(world.chain, world.builder, plan_id, world.subscriber.address, 1)
    with reverts(NotRedeemable(plan_id)):
        redeem_credits(world.chain, world.subscriber, plan_id, 1)
    with reverts(InvalidQuantity(plan_id, 0)):
        world.read(world.credits.functions.payUsage(plan_id, 0, 0, bytes(32)))
