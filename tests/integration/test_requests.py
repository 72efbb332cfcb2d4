"""How many requests each read takes, as its docstring says: every request is a round trip, and often money."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

import pytest
from eth_utils.crypto import keccak
from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint, RPCResponse

from nvm_chain.chain.client import Chain
from nvm_chain.operations.credits import (
    can_redeem,
    is_reference_used,
    mint_credits,
    read_access_until,
    read_account,
    read_balance,
    read_balances,
    read_lots,
)
from nvm_chain.operations.named_orders import order_once
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import (
    is_minter,
    is_redeemer,
    quote_plan,
    read_plan,
    read_plan_state,
    read_protocol_fee,
    read_terms,
    register_plan,
)
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.signed_orders import relay_order, sign_plan_order
from nvm_chain.operations.token_domains import is_authorization_used, read_permit_terms, read_token_domain
from nvm_chain.operations.tokens import check_funds, read_allowance, read_token_balance, read_token_info
from nvm_chain.operations.usage import pay_usage
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.types.credits import CreditsConfig, get_fixed_credits_config, get_pay_as_you_go_credits_config
from nvm_chain.types.events import EventFilter
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_free_price_config,
    get_native_token_price_config,
)
from tests.support.world import CREDITS, PRICE, World

NUMBERS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5, "Six": 6}
Read: TypeAlias = Callable[[World, int], Any]


def said(function: Any) -> int:
    """Return the number of requests that a docstring says it makes."""
    match = re.search(r"\b([A-Z][a-z]+) requests?\b", function.__doc__ or "")
    assert match, function
    return NUMBERS[match[1]]


READS: dict[Any, Read] = {
    read_plan: lambda world, plan_id: read_plan(world.chain, plan_id),
    read_plan_state: lambda world, plan_id: read_plan_state(world.chain, plan_id),
    read_terms: lambda world, plan_id: read_terms(world.chain, plan_id),
    read_protocol_fee: lambda world, plan_id: read_protocol_fee(world.chain),
    quote_plan: lambda world, plan_id: quote_plan(world.chain, world.other.address, plan_id),
    is_redeemer: lambda world, plan_id: is_redeemer(world.chain, plan_id, world.other.address),
    is_minter: lambda world, plan_id: is_minter(world.chain, plan_id, world.other.address),
    read_balance: lambda world, plan_id: read_balance(world.chain, plan_id, world.other.address),
    read_balances: lambda world, plan_id: read_balances(world.chain, [(plan_id, world.other.address)] * 9),
    read_account: lambda world, plan_id: read_account(world.chain, plan_id, world.other.address),
    can_redeem: lambda world, plan_id: can_redeem(world.chain, plan_id, world.other.address, 1),
    read_access_until: lambda world, plan_id: read_access_until(world.chain, plan_id, world.other.address),
    read_lots: lambda world, plan_id: read_lots(world.chain, plan_id, world.other.address),
    is_reference_used: lambda world, plan_id: is_reference_used(world.chain, plan_id, "invoice 1"),
    sign_next_voucher: lambda world, plan_id: sign_next_voucher(
        world.chain, world.other, plan_id, redeemer=world.builder.address, cost=1
    ),
    read_token_domain: lambda world, plan_id: read_token_domain(world.chain, world.usdc.address),
    read_permit_terms: lambda world, plan_id: read_permit_terms(world.chain, world.usdc.address, world.other.address),
    is_authorization_used: lambda world, plan_id: is_authorization_used(
        world.chain, world.usdc.address, world.other.address, bytes(32)
    ),
    check_funds: lambda world, plan_id: check_funds(world.chain, world.usdc.address, world.other.address, 0),
    Chain.read_block: lambda world, plan_id: world.chain.read_block(),
    Chain.read_logs: lambda world, plan_id: world.chain.read_logs(
        world.credits, EventFilter(("PlanRegistered",)), 0, 2
    ),
    Chain.read_time: lambda world, plan_id: world.chain.read_time(),
    read_token_info: lambda world, plan_id: read_token_info(world.chain, world.usdc.address),
    read_token_balance: lambda world, plan_id: read_token_balance(world.chain, world.usdc.address, world.other.address),
    read_allowance: lambda world, plan_id: read_allowance(world.chain, world.usdc.address, world.other.address),
    Chain.read_code: lambda world, plan_id: world.chain.read_code(world.credits.address),
    Chain.has_code: lambda world, plan_id: world.chain.has_code(world.other.address),
    Chain.read_coin_balance: lambda world, plan_id: world.chain.read_coin_balance(world.other.address),
    Chain.read_fees: lambda world, plan_id: world.chain.read_fees(),
    Chain.estimate_gas: lambda world, plan_id: world.chain.estimate_gas(
        world.other.address, "0x", world.builder.address
    ),
    Chain.build_transaction: lambda world, plan_id: world.chain.build_transaction(
        world.other.address, "0x", world.builder.address
    ),
}


@pytest.mark.parametrize(("function", "use"), READS.items(), ids=lambda value: getattr(value, "__qualname__", ""))
def test_read__makes_as_many_requests_as_it_says(
    world: World, plan: RegisteredPlan, requests_made: list[str], function: Any, use: Read
) -> None:
    use(world, plan.plan_id)
    assert len(requests_made) == said(function), requests_made


def test_send__makes_three_requests_if_it_is_mined_at_once(
    world: World, plan: RegisteredPlan, requests_made: list[str]
) -> None:
    mint_credits(world.chain, world.builder, plan.plan_id, world.other.address, 1)
    assert requests_made[:2] == [
        "[eth_getBalance, eth_getBlockByNumber, eth_maxPriorityFeePerGas, eth_estimateGas, eth_getTransactionCount]",
        "eth_sendRawTransaction",
    ]
    assert set(requests_made[2:]) == {"eth_getTransactionReceipt"}


RECEIPT = "eth_getTransactionReceipt"
ENOUGH = 10**9
Pay: TypeAlias = Callable[[World, "Plans", int], Any]


@dataclass(frozen=True)
class Plans:
    """Plans of the builder's, each of a kind that is paid in its own way."""

    token: int
    coin: int
    free: int
    trial: int
    usage: int
    signed: Sequence[SignedOrder]
    """Orders of the first."""


@pytest.fixture
def plans(world: World) -> Plans:
    """Plans that the chain was never asked for, and a buyer with money and without an allowance."""
    world.fund(world.subscriber, amount=ENOUGH)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    fixed, usage = get_fixed_credits_config(CREDITS), get_pay_as_you_go_credits_config()
    coin = get_native_token_price_config(PRICE, world.builder.address)

    def register(price: PriceConfig, credits: CreditsConfig) -> int:
        sold = register_plan(world.chain, world.builder, price, credits, allow_tiny_price=True)
        return sold.plan_id

    token, trial = register(price, fixed), register(get_free_price_config(), replace(fixed, trial=True))
    signed = [sign_plan_order(world.chain, world.subscriber, token) for _ in range(2)]
    world.chain.facts.forget()
    return Plans(
        token, register(coin, fixed), register(get_free_price_config(), fixed), trial, register(price, usage), signed
    )


def order(method: Any, kind: str = "token") -> Pay:
    """Return an order of a kind of plan by a payment method."""
    return lambda world, plans, turn: order_plan(
        world.chain, world.subscriber, getattr(plans, kind), payment_method=method
    )


@dataclass(frozen=True)
class Payment:
    """A way to pay, with its round trips for a plan that is new to the connection, and then."""

    pay: Pay
    first: int
    again: int
    is_approved: bool = False


PAYMENTS: dict[str, Payment] = {
    "order_plan": Payment(order(None), 4, 4),
    "order_plan, approved before": Payment(order(None), 4, 4, is_approved=True),
    "order_plan by allowance": Payment(order("allowance"), 4, 4, is_approved=True),
    "order_plan by approve": Payment(order("approve"), 6, 5),
    "order_plan by approve, approved before": Payment(order("approve"), 5, 4, is_approved=True),
    "order_plan by permit": Payment(order("permit"), 4, 4),
    "order_plan by authorization": Payment(order("authorization"), 5, 4),
    "order_plan in the coin": Payment(order(None, "coin"), 4, 4),
    "order_plan for nothing": Payment(order(None, "free"), 4, 4),
    "order_once": Payment(
        lambda world, plans, turn: order_once(world.chain, world.subscriber, plans.token, f"order {turn}"), 6, 5
    ),
    "relay_order": Payment(lambda world, plans, turn: relay_order(world.chain, world.other, plans.signed[turn]), 4, 4),
    "pay_usage": Payment(lambda world, plans, turn: pay_usage(world.chain, world.subscriber, plans.usage), 6, 5),
    "pay_usage by allowance": Payment(
        lambda world, plans, turn: pay_usage(world.chain, world.subscriber, plans.usage, payment_method="allowance"),
        5,
        4,
        is_approved=True,
    ),
}


def count_trips(requests_made: list[str]) -> int:
    """Return the round trips; a receipt that is looked for again, alone or with more, while the block is made, does not count."""
    return sum(1 for before, method in pairwise(["", *requests_made]) if not (RECEIPT in method and method == before))


@pytest.mark.parametrize("payment", PAYMENTS.values(), ids=PAYMENTS)
def test_payment__takes_few_round_trips_and_asks_nothing_after_its_receipt(
    world: World, plans: Plans, requests_made: list[str], payment: Payment
) -> None:
    if payment.is_approved:
        world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, ENOUGH))
    for turn, trips in enumerate((payment.first, payment.again)):
        requests_made.clear()
        payment.pay(world, plans, turn)
        assert count_trips(requests_made) == trips <= 6, requests_made
        assert requests_made[-1] == RECEIPT


def test_order_plan__of_a_trial__takes_few_round_trips(world: World, plans: Plans, requests_made: list[str]) -> None:
    order(None, "trial")(world, plans, 0)
    assert count_trips(requests_made) == 5, requests_made
    assert requests_made[-1] == RECEIPT


@pytest.fixture
def functions_called(world: World) -> Iterator[list[str]]:
    """The selectors of all calls of contracts that the chain is asked for from here on."""
    called: list[str] = []

    def note(method: str, params: Any) -> None:
        if method == "eth_call":
            called.append(params[0]["data"][:10])

    class Notes(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Any:
            def request(method: RPCEndpoint, params: Any) -> RPCResponse:
                note(method, params)
                response: RPCResponse = make_request(method, params)
                return response

            return request

        def wrap_make_batch_request(self, make_batch_request: Any) -> Any:
            def request(batch: list[tuple[RPCEndpoint, Any]]) -> Any:
                for each in batch:
                    note(*each)
                return make_batch_request(batch)

            return request

    world.chain.web3.middleware_onion.inject(Notes, "notes", layer=0)
    yield called
    world.chain.web3.middleware_onion.remove("notes")


NEVER_CHANGE = ("termsOf(uint256)", "name()", "version()", "PERMIT_TYPEHASH()", "decimals()")


@pytest.mark.parametrize("method", [None, "permit", "authorization", "approve"])
def test_order_plan__of_a_plan_that_was_ordered_before__asks_nothing_that_never_changes(
    world: World, plans: Plans, functions_called: list[str], method: Any
) -> None:
    selectors = [f"0x{keccak(text=text)[:4].hex()}" for text in NEVER_CHANGE]
    order(method)(world, plans, 0)
    assert selectors[0] in functions_called
    functions_called.clear()
    order(method)(world, plans, 1)
    assert not set(selectors) & set(functions_called)


@pytest.mark.parametrize(
    ("approved", "pay", "transactions"),
    [(True, None, 1), (False, None, 1), (True, "approve", 1), (False, "approve", 2), (False, "authorization", 1)],
)
def test_order_plan__sends_as_many_transactions_as_it_says(
    world: World, plan: RegisteredPlan, requests_made: list[str], approved: bool, pay: Any, transactions: int
) -> None:
    world.fund(world.subscriber, amount=10**9)
    if not approved:
        world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 0))
    requests_made.clear()
    order_plan(world.chain, world.subscriber, plan.plan_id, payment_method=pay)
    assert requests_made.count("eth_sendRawTransaction") == transactions


@pytest.fixture
def bytes_answered(world: World) -> Iterator[list[int]]:
    """The sizes of all answers of the chain from here on, as JSON."""
    sizes: list[int] = []

    class Scale(Web3Middleware):
        def wrap_make_request(self, make_request: Any) -> Callable[[RPCEndpoint, Any], RPCResponse]:
            def request(method: RPCEndpoint, params: Any) -> RPCResponse:
                response = make_request(method, params)
                sizes.append(len(json.dumps(response, default=repr)))
                return response

            return request

        def wrap_make_batch_request(self, make_batch_request: Any) -> Callable[[Any], Any]:
            def request(batch: list[tuple[RPCEndpoint, Any]]) -> Any:
                responses = make_batch_request(batch)
                sizes.extend(len(json.dumps(response, default=repr)) for response in responses)
                return responses

            return request

    world.chain.web3.middleware_onion.inject(Scale, "scale", layer=0)
    yield sizes
    world.chain.web3.middleware_onion.remove("scale")


DOCUMENT = 12_000
"""Characters of a plan's URI that holds its whole metadata."""


def test_read_plan__of_a_plan_with_its_document_in_the_uri__reads_it(world: World, bytes_answered: list[int]) -> None:
    plan_id = sell(world, f'data:,{{"name":"{"x" * DOCUMENT}"}}')
    bytes_answered.clear()
    assert len(read_plan(world.chain, plan_id).uri) > DOCUMENT
    assert sum(bytes_answered) > DOCUMENT


@pytest.mark.parametrize("payment_method", [None, "approve", "authorization"])
def test_order_plan__of_a_plan_with_its_document_in_the_uri__does_not_read_it(
    world: World, bytes_answered: list[int], payment_method: Any
) -> None:
    plan_id = sell(world, f'data:,{{"name":"{"x" * DOCUMENT}"}}')
    world.fund(world.subscriber, amount=10**9)
    bytes_answered.clear()
    order_plan(world.chain, world.subscriber, plan_id, payment_method=payment_method)
    assert max(bytes_answered) < DOCUMENT


def test_check_voucher__of_a_plan_with_its_document_in_the_uri__does_not_read_it(
    world: World, bytes_answered: list[int]
) -> None:
    plan_id = sell(world, f'data:,{{"name":"{"x" * DOCUMENT}"}}')
    mint_credits(world.chain, world.builder, plan_id, world.subscriber.address, 5)
    signed = sign_next_voucher(world.chain, world.subscriber, plan_id, redeemer=world.builder.address, cost=1)
    bytes_answered.clear()
    assert check_voucher(world.chain, signed).available == 1
    assert max(bytes_answered) < DOCUMENT


def sell(world: World, uri: str) -> int:
    """Register a plan of the builder's: 100 credits for 20 USDC, and return its id."""
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    return register_plan(world.chain, world.builder, price, get_fixed_credits_config(CREDITS), uri=uri).plan_id
