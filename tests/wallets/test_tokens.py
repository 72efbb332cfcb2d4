"""Tokens of OpenZeppelin with signatures: their domains and their nonces."""

from typing import Any

import pytest
from eth_abi.abi import encode

from nvm_chain.chain.client import Chain
from nvm_chain.errors import PaymentFailed, TokenCannotSign
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, sign_plan_order
from nvm_chain.operations.token_domains import read_token_domain
from tests.integration.raw import deploy_raw
from tests.support.delegated import delegate
from tests.support.world import CREDITS, PRICE, World
from tests.wallets.artifacts import deploy as deploy_artifact
from tests.wallets.artifacts import read_double


def deploy(world: World, name: str) -> Any:
    """Deploy a token, and give the subscriber the price of a plan in it."""
    token = deploy_artifact(world, read_double(name))
    world.send(world.fee_owner, token.functions.transfer(world.subscriber.address, PRICE))
    return token


@pytest.mark.parametrize(
    ("name", "domain"), [("DomainToken", ("Signed Domain", "7")), ("PermitDomainToken", ("Domain Token", "1"))]
)
def test_read_token_domain__of_a_token_that_tells_it__is_that(world: World, name: str, domain: tuple[str, str]) -> None:
    token = deploy(world, name)
    found = read_token_domain(world.chain, token.address)
    assert (found.name, found.version, found.address) == (*domain, token.address)


@pytest.mark.parametrize("name", ["DomainToken", "PermitDomainToken"])
@pytest.mark.parametrize("method", [None, "authorization"])
def test_order_plan__in_a_token_that_tells_its_domain__is_paid(world: World, name: str, method: Any) -> None:
    token = deploy(world, name)
    plan_id = world.register(token=token.address)
    order_plan(world.chain, world.subscriber, plan_id, payment_method=method)
    assert (world.balance(plan_id, world.subscriber.address), world.tokens(world.subscriber.address, token)) == (
        CREDITS,
        0,
    )


def test_relay_order__in_a_token_that_tells_its_domain__is_paid(world: World) -> None:
    plan_id = world.register(token=deploy(world, "DomainToken").address)
    relay_order(world.chain, world.relayer, sign_plan_order(world.chain, world.subscriber, plan_id))
    assert world.balance(plan_id, world.subscriber.address) == CREDITS


def test_check_signed_order__in_a_token_with_nonces_in_sequence__says_so_before_it_is_sent(world: World) -> None:
    plan_id = world.register(token=deploy(world, "KeyedToken").address)
    signed = sign_plan_order(world.chain, world.subscriber, plan_id)
    with pytest.raises(TokenCannotSign) as caught:
        check_signed_order(world.chain, signed)
    assert "nonces in sequence" in caught.value.problem
    assert caught.value.next_step == "Order with `payment_method='approve'`."


def test_order_plan__in_a_token_with_nonces_in_sequence__approves(world: World) -> None:
    plan_id = world.register(token=deploy(world, "KeyedToken").address)
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert (receipt.paid, receipt.approval is not None) == (PRICE, True)


def test_order_plan__in_a_token_whose_permit_does_nothing__approves(world: World) -> None:
    """The token accepts the permit as it accepts every call, so only the allowance shows that nothing is allowed."""
    plan_id = world.register(token=deploy(world, "IdlePermitToken").address)
    receipt = order_plan(world.chain, world.subscriber, plan_id)
    assert (receipt.paid, receipt.approval is not None) == (PRICE, True)


def test_order_plan__by_a_permit_that_does_nothing__says_so(world: World) -> None:
    plan_id = world.register(token=deploy(world, "IdlePermitToken").address)
    with pytest.raises(PaymentFailed) as caught:
        order_plan(world.chain, world.subscriber, plan_id, payment_method="permit")
    assert caught.value.problem.endswith("The token accepted the permit, but does not allow the payment by it.")
    assert caught.value.next_step == "Order with `payment_method='approve'`."


@pytest.mark.parametrize("has_code", [False, True])
def test_order_plan__by_a_permit_in_a_token_without_permits__does_not_blame_the_payer(
    world: World, has_code: bool
) -> None:
    """The token has a domain and nonces for its authorizations. A new key's permit is refused too."""
    plan_id = world.register(token=deploy(world, "KeyedToken").address)
    if has_code:
        delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    with pytest.raises(PaymentFailed) as caught:
        order_plan(world.chain, world.subscriber, plan_id, payment_method="permit")
    assert caught.value.problem.endswith("either, so it accepts no permits, or none now.")
    assert caught.value.next_step == "Order with `payment_method='approve'`."


@pytest.mark.parametrize(
    "change",
    [
        {"fields": 0b11111},
        {"fields": 0b00111},
        {"chain": 1},
        {"contract": "0x" + "11" * 20},
        {"extensions": 1},
    ],
    ids=str,
)
def test_read_token_domain__of_another_form__is_refused(world: World, change: dict[str, Any]) -> None:
    """Every answer of the contract is the same bytes: those of a domain that is not for this token, or has more in it."""
    address = "0x" + "00" * 20
    for _ in range(2):  # the address is known after the first deployment only, and is the next one for the second
        snapshot = world.take_snapshot()
        token = deploy_raw(world, tell_domain(world.chain, address, change), reverting=False)
        address = token.address
        if _ == 0:
            world.revert_to(snapshot)
    with pytest.raises(TokenCannotSign):
        read_token_domain(world.chain, token.address)


def tell_domain(chain: Chain, contract: str, change: dict[str, Any]) -> bytes:
    """Encode an answer of `eip712Domain`."""
    told = {"fields": 0b01111, "chain": chain.chain_id, "contract": contract, "extensions": 0, **change}
    return encode(
        ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"],
        [bytes((told["fields"],)), "A", "1", told["chain"], told["contract"], bytes(32), [1] * told["extensions"]],
    )
