"""Refused orders: what a refusal costs, and an order that came too late says so and blames nobody's code."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from web3.contract.contract import Contract

from nvm_chain.chain.client import Chain
from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    NvmChainError,
    TokenCannotSign,
)
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.relays import relay_orders
from nvm_chain.operations.signed_orders import check_signed_order, relay_order, send_signed_order, sign_for_plan
from nvm_chain.signing.eip712 import MessageSigner
from nvm_chain.signing.signed_orders import SignedOrder
from tests.support.odd_node import SEND, OddNode, open_odd_chain
from tests.support.world import PRICE, World
from tests.wallets.artifacts import deploy, read_double
from tests.wallets.safes import deploy_safe_of_one
from tests.wallets.wallet import OWNER

LATE = 5_000
"""Seconds after the end of an order's time."""


@pytest.fixture(params=["key", "wallet"])
def payer(world: World, request: pytest.FixtureRequest) -> MessageSigner:
    """A key, or a Safe of one owner."""
    return OWNER if request.param == "key" else deploy_safe_of_one(world, version="1.4.1").signer


@pytest.fixture
def odd_chain(world: World) -> Iterator[tuple[OddNode, Chain]]:
    """A node before the world's, and a connection that knows nothing yet."""
    with open_odd_chain(world, timeout_seconds=5) as opened:
        yield opened


def sign(world: World, payer: MessageSigner, token: Contract) -> SignedOrder:
    """Give the payer the price of a plan in a token, and have the order of it signed."""
    give = token.functions.mint if token is world.usdc else token.functions.transfer
    world.send(world.fee_owner, give(payer.address, PRICE))
    plan = read_plan_state(world.chain, world.register(token=token.address))
    return sign_for_plan(world.chain, payer, plan, receiver=payer.address, quantity=1, max_cost=PRICE)


def delay(world: World, node: OddNode, seconds: int) -> None:
    """Have the next transaction mined in a block of this many seconds later."""

    def wait(method: str, params: list[Any], forward: Any) -> None:
        if method == SEND:
            node.ask("evm_setNextBlockTimestamp", world.now + seconds)

    node.hook = wait


def test_relay_order__that_is_mined_too_late__says_so(
    world: World, payer: MessageSigner, odd_chain: tuple[OddNode, Chain]
) -> None:
    """The check was good, so neither the signature nor the payer's code is the cause."""
    (node, chain), signed = odd_chain, sign(world, payer, world.usdc)
    delay(world, node, signed.order.valid_before - world.now + LATE)
    with pytest.raises(AuthorizationExpired) as caught:
        relay_order(chain, world.relayer, signed)
    assert caught.value.now >= signed.order.valid_before + LATE
    assert caught.value.mined is not None
    receipt = world.chain.find_receipt(caught.value.mined)
    assert receipt is not None
    assert receipt["status"] == 0


def test_relay_orders__that_are_mined_too_late__say_so(
    world: World, payer: MessageSigner, odd_chain: tuple[OddNode, Chain]
) -> None:
    (node, chain), signed = odd_chain, sign(world, payer, world.usdc)
    delay(world, node, signed.order.valid_before - world.now + LATE)
    (error,) = relay_orders(chain, world.relayer, [signed])
    assert isinstance(error, AuthorizationExpired)
    assert error.mined is not None


def test_send_signed_order__before_its_time__says_so(world: World, payer: MessageSigner) -> None:
    signed = sign(world, payer, world.usdc)
    early = replace(
        signed, order=replace(signed.order, valid_after=world.now + LATE, valid_before=world.now + 2 * LATE)
    )
    with pytest.raises(AuthorizationNotYetValid):
        send_signed_order(world.chain, world.relayer, read_plan_state(world.chain, early.order.plan_id), early)


# ---------------------------------------------------------------------- what a refusal costs


def refuse(node: OddNode, chain: Chain, signed: SignedOrder) -> tuple[type[NvmChainError], int]:
    """Check an order that is refused, and return the type of the error and the number of round trips."""
    trips, serve = [0], node.serve

    def count(request: Any, body: Any) -> None:
        trips[0] += 1
        serve(request, body)

    node.serve = count  # type: ignore[method-assign]
    try:
        with pytest.raises(NvmChainError) as caught:
            check_signed_order(chain, signed)
    finally:
        node.serve = serve  # type: ignore[method-assign]
    return caught.type, trips[0]


@pytest.mark.parametrize("change", ["signature", "time"])
def test_check_signed_order__that_is_refused__costs_what_it_says(
    world: World, payer: MessageSigner, odd_chain: tuple[OddNode, Chain], change: str
) -> None:
    """Anybody can send a bad order to a seller, so the first one of a token pays for all others."""
    signed, is_key = sign(world, payer, world.usdc), payer is OWNER
    bad = replace(signed, signature=b"\1" * 65) if change == "signature" else _expire(signed)
    kind = AuthorizationSignatureInvalid if change == "signature" else AuthorizationExpired
    (first, most), again = refuse(*odd_chain, bad), [refuse(*odd_chain, bad) for _ in range(2)]
    limit = 2 if is_key or change == "time" else 5
    assert (first, most <= (3 if is_key else 12)) == (kind, True), most
    assert again == [(kind, limit)] * 2


def test_check_signed_order__by_a_wallet_in_a_token_of_keys__costs_what_it_says(
    world: World, odd_chain: tuple[OddNode, Chain]
) -> None:
    """The token tells its domain in a second question, and has no list of blocked accounts."""
    wallet = deploy_safe_of_one(world, version="1.4.1")
    signed = sign(world, wallet.signer, deploy(world, read_double("DomainToken")))
    first, again = refuse(*odd_chain, signed), refuse(*odd_chain, signed)
    assert (first[0], first[1] <= 20) == (TokenCannotSign, True), first
    assert again == (TokenCannotSign, 12)


def _expire(signed: SignedOrder) -> SignedOrder:
    return replace(signed, order=replace(signed.order, valid_before=2))
