"""Orders paid in Circle's own USDC: FiatToken v2.2 behind its proxy.

Each way to pay, blocked accounts, a paused token, and payers that delegate to code (EIP-7702), whose plain signatures the token does
not take.
"""

from collections.abc import Callable

import pytest
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.errors import AuthorizationFailed, NvmChainError, PaymentFailed
from nvm_chain.signing.permits import Permit, sign_permit
from nvm_chain.signing.signed_orders import OrderAuthorization, sign_order
from tests.support.delegated import delegate
from tests.support.fiat_token import deploy_fiat_token
from tests.support.reverts import reverts
from tests.support.signed import FOREVER, as_tuple, domain_of_token, order_of
from tests.support.world import CREDITS, PRICE, World

FUNDS = 10 * PRICE
WAYS = ("order", "orderWithPermit", "orderWithAuthorization")


@pytest.fixture
def token(world: World) -> Contract:
    """USDC, of which the subscriber has some; Credits is approved for nothing."""
    token = deploy_fiat_token(world)
    world.send(world.partner, token.functions.mint(world.subscriber.address, FUNDS))
    return token


@pytest.fixture
def plan_id(world: World, token: Contract) -> int:
    return world.register(token=token.address)


def _approve(world: World, token: Contract) -> None:
    world.send(world.subscriber, token.functions.approve(world.credits.address, FUNDS))


def _by_allowance(world: World, token: Contract, plan_id: int) -> ContractFunction:
    return world.credits.functions.order(plan_id, world.subscriber.address, 1, PRICE)


def _by_permit(world: World, token: Contract, plan_id: int) -> ContractFunction:
    payer = world.subscriber
    nonce = world.read(token.functions.nonces(payer.address))
    permit = Permit(payer.address, world.credits.address, PRICE, nonce, FOREVER)
    signature = sign_permit(payer, permit, token=domain_of_token(world, token))
    return world.credits.functions.orderWithPermit(plan_id, payer.address, 1, PRICE, (FOREVER, *signature))


def _by_authorization(world: World, token: Contract, plan_id: int) -> ContractFunction:
    order = _order(world, plan_id)
    signed = sign_order(world.subscriber, order, token=domain_of_token(world, token), contract=world.credits.address)
    return world.credits.functions.orderWithAuthorization(as_tuple(order), signed.signature)


def _order(world: World, plan_id: int) -> OrderAuthorization:
    return order_of(world, plan_id, max_cost=PRICE)


CALLS: dict[str, Callable[[World, Contract, int], ContractFunction]] = {
    "order": _by_allowance,
    "orderWithPermit": _by_permit,
    "orderWithAuthorization": _by_authorization,
}


def _call(world: World, token: Contract, plan_id: int, way: str) -> ContractFunction:
    """Return the order, ready to be sent; `order` with the allowance that it needs."""
    if way == "order":
        _approve(world, token)
    return CALLS[way](world, token, plan_id)


def _refusal(world: World, token: Contract, way: str, receiver: str | None = None) -> NvmChainError:
    if way == "orderWithAuthorization" and receiver is None:
        return AuthorizationFailed(token.address, world.subscriber.address, PRICE)
    payer = world.credits.address if way == "orderWithAuthorization" else world.subscriber.address
    return PaymentFailed(token.address, payer, receiver or world.builder.address, PRICE)


def _money(world: World, token: Contract) -> list[int]:
    people = (world.subscriber.address, world.builder.address, world.credits.address)
    return [world.read(token.functions.balanceOf(person)) for person in people]


@pytest.mark.parametrize("way", WAYS)
def test_order__in_usdc__pays_the_receiver_and_keeps_nothing(
    world: World, token: Contract, plan_id: int, way: str
) -> None:
    call = _call(world, token, plan_id, way)
    world.send(world.relayer if way == "orderWithAuthorization" else world.subscriber, call)
    assert _money(world, token) == [FUNDS - PRICE, PRICE, 0]
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("blocked", ["payer", "receiver", "credits"])
def test_order__with_a_blocked_account__moves_nothing(
    world: World, token: Contract, plan_id: int, way: str, blocked: str
) -> None:
    call = _call(world, token, plan_id, way)
    addresses = {"payer": world.subscriber.address, "receiver": world.builder.address, "credits": world.credits.address}
    world.send(world.fee_owner, token.functions.blacklist(addresses[blocked]))
    receiver = world.builder.address if blocked == "receiver" else None
    with reverts(_refusal(world, token, way, receiver)):
        world.send(world.relayer if way == "orderWithAuthorization" else world.subscriber, call)
    assert _money(world, token) == [FUNDS, 0, 0]
    assert world.balance(plan_id, world.subscriber.address) == 0


@pytest.mark.parametrize("way", WAYS)
def test_order__while_the_token_is_paused__moves_nothing_and_works_after(
    world: World, token: Contract, plan_id: int, way: str
) -> None:
    call = _call(world, token, plan_id, way)
    sender = world.relayer if way == "orderWithAuthorization" else world.subscriber
    world.send(world.fee_owner, token.functions.pause())
    with reverts(_refusal(world, token, way)):
        world.send(sender, call)
    assert _money(world, token) == [FUNDS, 0, 0]
    world.send(world.fee_owner, token.functions.unpause())
    world.send(sender, call)
    assert _money(world, token) == [FUNDS - PRICE, PRICE, 0]


@pytest.mark.parametrize("way", ["orderWithPermit", "orderWithAuthorization"])
def test_order__signed_by_a_delegated_payer__is_refused_and_an_allowance_works(
    world: World, token: Contract, plan_id: int, way: str
) -> None:
    """The token asks the code of a payer that has some, and this code does not answer for plain signatures."""
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    call = _call(world, token, plan_id, way)
    with reverts(_refusal(world, token, way)):
        world.send(world.relayer if way == "orderWithAuthorization" else world.subscriber, call)
    assert _money(world, token) == [FUNDS, 0, 0]
    world.send(world.subscriber, _call(world, token, plan_id, "order"))
    assert _money(world, token) == [FUNDS - PRICE, PRICE, 0]
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


@pytest.mark.parametrize("way", ["orderWithPermit", "orderWithAuthorization"])
def test_order__repeated__is_taken_once(world: World, token: Contract, plan_id: int, way: str) -> None:
    sender = world.relayer if way == "orderWithAuthorization" else world.subscriber
    call = _call(world, token, plan_id, way)
    world.send(sender, call)
    with reverts(_refusal(world, token, way)):
        world.send(sender, call)
    assert _money(world, token) == [FUNDS - PRICE, PRICE, 0]
