"""Payers that withdraw an order, or take code, between the check and the payment; and payers with exactly the amount."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from nvm_chain.chain.client import Chain
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.errors import AuthorizationFailed, OrderAlreadyMade, OutcomeUnknown, PaymentFailed
from nvm_chain.operations.named_orders import order_once
from nvm_chain.operations.order_nonces import find_order_nonce
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.signing.order_names import hash_order_name
from nvm_chain.types.plans import RegisteredPlan
from tests.support.delegated import delegate
from tests.support.odd_node import Forward, Hook, OddNode, Reply, open_odd_chain, refuse
from tests.support.world import FUNDS, PRICE, World

NAME = "invoice-17"
CANCELATION = {"CancelAuthorization": [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]}
Odd = tuple[World, OddNode, Chain]


@pytest.fixture
def turning(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    """A funded world, and a chain that goes through an odd node."""
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path_factory.mktemp("state")))
    world.fund(world.subscriber)
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        yield world, node, chain


def before_estimate(act: Callable[[], object]) -> Hook:
    """Have something happen once, after the checks and before the node tries the transaction."""
    done: list[object] = []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_estimateGas" and not done:
            done.append(True)
            act()
        return None

    return hook


def withdraw(world: World, plan_id: int) -> bytes:
    """Cancel the authorization of a named order of the subscriber, and return its nonce."""
    payer = world.subscriber
    nonce = find_order_nonce(
        world.chain,
        plan_id,
        payer.address,
        receiver=payer.address,
        quantity=1,
        max_cost=PRICE,
        salt=hash_order_name(NAME),
    )
    domain = read_token_domain(world.chain, world.usdc.address).as_data()
    message = encode_typed_data(domain, CANCELATION, {"authorizer": payer.address, "nonce": nonce})
    cancel = world.usdc.get_function_by_signature("cancelAuthorization(address,bytes32,bytes)")
    world.send(world.stranger, cancel(payer.address, nonce, bytes(payer.sign_message(message).signature)))
    return nonce


def test_order_once__withdrawn_after_it_was_looked_for__says_so(turning: Odd) -> None:
    """The failure of the payment alone would say to try again."""
    world, node, chain = turning
    plan_id, nonces = world.register(), []
    node.hook = before_estimate(lambda: nonces.append(withdraw(world, plan_id)))
    with pytest.raises(OrderAlreadyMade) as caught:
        order_once(chain, world.subscriber, plan_id, NAME)
    assert (caught.value.payer, [caught.value.nonce]) == (world.subscriber.address, nonces)
    assert world.tokens(world.subscriber.address) == FUNDS


def test_relay_orders__of_a_payer_who_takes_code_after_the_check__names_the_code(turning: Odd) -> None:
    world, node, chain = turning
    signed = sign_plan_order(world.chain, world.subscriber, world.register())
    code = world.deploy("AcceptsCredits").address
    node.hook = before_estimate(lambda: delegate(world, world.subscriber, code))
    [error] = relay_orders(chain, world.other, [signed])
    assert isinstance(error, AuthorizationFailed)
    assert error.problem.endswith("The payer has code, and that code may not accept the signature.")
    assert world.tokens(world.subscriber.address) == FUNDS


@pytest.mark.parametrize("has", [PRICE, PRICE + 1])
def test_order_plan__of_a_payer_with_exactly_the_amount__does_not_ask_for_more(
    world: World, plan: RegisteredPlan, has: int
) -> None:
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, has))
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    with pytest.raises(PaymentFailed) as caught:
        order_plan(world.chain, world.subscriber, plan.plan_id, payment_method="permit")
    assert "The payer has less than that" not in caught.value.problem
    assert caught.value.next_step == "Order with `payment_method='approve'`."


def test_order_plan__at_its_broadcast__is_in_the_journal(turning: Odd) -> None:
    """A process that ends right then leaves a note of what it sent."""
    world, node, chain = turning
    plan_id, noted = world.register(), []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_sendRawTransaction":
            noted.append([sent.hash for sent in chain.read_journal(world.subscriber.address)])
        return None

    node.hook = hook
    receipt = order_plan(chain, world.subscriber, plan_id)
    assert len(noted) == 1
    assert receipt.transaction.hash in noted[0]


def test_order_plan__refused_and_not_looked_for_again__is_of_unknown_outcome(turning: Odd) -> None:
    """Another machine of a gateway may have taken it, and the node no longer tells."""
    world, node, chain = turning
    plan_id, looks = world.register(), []

    def hook(method: str, params: list[Any], forward: Forward) -> Reply:
        if method == "eth_sendRawTransaction":
            return refuse("insufficient funds for gas * price + value")
        if method not in ("eth_getTransactionByHash", "eth_getTransactionReceipt"):
            return None
        looks.append(method)
        return {"result": None} if len(looks) <= 2 else refuse("internal error")

    node.hook = hook
    with pytest.raises(OutcomeUnknown) as caught:
        order_plan(chain, world.subscriber, plan_id)
    [sent] = chain.read_journal(world.subscriber.address)
    assert caught.value.transaction_hash == sent.hash
    assert len(looks) > 2
