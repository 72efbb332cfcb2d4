"""orderWithAuthorization: the payer signs an order (EIP-3009), and whoever brings it can change nothing.

Wallets, tokens and re-entry that mean harm are in tests/attacks/test_signed_orders.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_typing import Hash32
from web3.logs import DISCARD

from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    AuthorizationFailed,
    CostAboveMax,
    ERC1155InvalidReceiver,
    InvalidQuantity,
    PaidExternally,
    PlanNotActive,
    TokenWithoutCode,
    TrialAlreadyTaken,
    UnknownPlan,
    WrongKind,
)
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.signed_orders import OrderAuthorization, authorization_digest, sign_order
from tests.support.books import Books, open_books_of_sale
from tests.support.events import fee_forgone, granted, ordered
from tests.support.reverts import reverts
from tests.support.signed import (
    bring,
    domain_of_token,
    nonce_on_chain,
    order_of,
    plan_of_two,
    send_at,
    sign,
    sign_cancelation,
    usage,
)
from tests.support.world import CREDITS, MAX_UINT, PRICE, ZERO, World


@pytest.fixture
def rich(world: World) -> World:
    """A world where the subscriber has 1,000 USDC and has approved nobody for it."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, 1_000_000_000))
    return world


def _books(world: World) -> Books:
    return open_books_of_sale(world, world.usdc, relayer=world.relayer.address)


def _refused(world: World, value: int = PRICE) -> AuthorizationFailed:
    return AuthorizationFailed(world.usdc.address, world.subscriber.address, value)


# ---------------------------------------------------------------- success


def test_order_with_authorization__brought_by_a_stranger__is_the_signers_order(rich: World) -> None:
    plan_id, payer, relayer = rich.register(), rich.subscriber.address, rich.relayer
    order = order_of(rich, plan_id, max_cost=PRICE)
    books = _books(rich)
    receipt = rich.send(relayer, bring(rich, order, sign(rich, order)))
    assert books.changes() == {"payer": -PRICE, "first": PRICE}
    assert rich.events(receipt) == [
        granted(relayer.address, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, PRICE),
    ]


def test_order_with_authorization__brought_by_the_payer__is_the_same(rich: World) -> None:
    plan_id, payer = rich.register(), rich.subscriber
    order = order_of(rich, plan_id, max_cost=PRICE)
    receipt = rich.send(payer, bring(rich, order, sign(rich, order)))
    assert rich.events(receipt)[1] == ordered(plan_id, payer.address, payer.address, 1, PRICE)


def test_order_with_authorization__for_someone_else__grants_to_them(rich: World) -> None:
    plan_id, receiver = rich.register(), rich.other.address
    order = order_of(rich, plan_id, max_cost=3 * PRICE, receiver=receiver, quantity=3)
    receipt = rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert rich.events(receipt) == [
        granted(rich.relayer.address, receiver, plan_id, 3 * CREDITS),
        ordered(plan_id, rich.subscriber.address, receiver, 3, 3 * PRICE),
    ]


def test_order_with_authorization__as_a_call__returns_the_cost(rich: World) -> None:
    order = order_of(rich, rich.register(), max_cost=3 * PRICE + 7, quantity=3)
    assert rich.read(bring(rich, order, sign(rich, order)), rich.relayer.address) == 3 * PRICE


@pytest.mark.parametrize("too_much", [0, 1, 500, 10**18, 2**64, 2**96, 2**128])
def test_order_with_authorization__of_more_than_the_cost__gives_the_rest_back(rich: World, too_much: int) -> None:
    """I1, C30: what was signed for and not needed is with the payer again at the end of the call, however much it is."""
    rich.send(rich.subscriber, rich.usdc.functions.mint(rich.subscriber.address, too_much + 1))
    order = order_of(rich, rich.register(**plan_of_two(rich)), max_cost=1000 + too_much)
    books = _books(rich)
    rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert books.changes() == {"payer": -1000, "first": 700, "second": 300}


@pytest.mark.parametrize("price", [0, 1, 999, 1000])
def test_order_with_authorization__at_a_quoted_price__pays_the_quote_and_gives_the_rest_back(
    rich: World, price: int
) -> None:
    """I1, I6."""
    plan_id = rich.register(**plan_of_two(rich), quoter=rich.deploy("ChangesPrice", price).address)
    order = order_of(rich, plan_id, max_cost=1000)
    books = _books(rich)
    receipt = rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    second = price * 3 // 10
    expected = {"payer": -price, "first": price - second, "second": second}
    assert books.changes() == {name: change for name, change in expected.items() if change}
    assert rich.events(receipt)[1][1]["cost"] == price


def test_order_with_authorization__with_a_fee__pays_it_out_of_the_price(rich: World) -> None:
    """I1, I6: fee and shares come out of what the contract holds for the length of the call."""
    rich.set_fee(999)
    order = order_of(rich, rich.register(**plan_of_two(rich)), max_cost=1001)
    books = _books(rich)
    rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert books.changes() == {"payer": -1000, "first": 631, "second": 271, "protocol": 98}


def test_order_with_authorization__with_a_fee_that_cannot_be_delivered__gives_it_to_the_first_receiver(
    rich: World,
) -> None:
    """I1, I8."""
    rich.set_fee(1000)
    plan_id, payer = rich.register(**plan_of_two(rich)), rich.subscriber.address
    rich.send(rich.fee_owner, rich.usdc.functions.blacklist(rich.fee_receiver.address))
    order = order_of(rich, plan_id, max_cost=1000)
    books = _books(rich)
    receipt = rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert books.changes() == {"payer": -1000, "first": 730, "second": 270}
    assert rich.events(receipt) == [
        granted(rich.relayer.address, payer, plan_id, CREDITS),
        ordered(plan_id, payer, payer, 1, 1000),
        fee_forgone(plan_id, rich.fee_receiver.address, 100),
    ]


def test_order_with_authorization__for_less_than_was_signed__pays_receivers_before_the_rest_goes_back(
    rich: World,
) -> None:
    """DESIGN 3.2: what is owed comes first."""
    order = order_of(rich, rich.register(**plan_of_two(rich)), max_cost=1001)
    receipt = rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    logs = rich.usdc.events.Transfer().process_receipt(receipt, DISCARD)
    assert [log["args"]["value"] for log in logs][1:] == [300, 700, 1]


@pytest.mark.parametrize("stuck", [1, 10**9])
def test_order_with_authorization__of_a_contract_that_holds_stuck_tokens__leaves_them(rich: World, stuck: int) -> None:
    """I1: tokens that somebody sent to the contract by mistake pay nobody's order and go to nobody."""
    rich.set_fee(250)
    rich.send(rich.other, rich.usdc.functions.mint(rich.credits.address, stuck))
    plan_id = rich.register(**plan_of_two(rich))
    books = _books(rich)
    for number in range(2):
        order = order_of(rich, plan_id, max_cost=1234, salt=number.to_bytes(32, "big"))
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert books.changes() == {"payer": -2000, "first": 1366, "second": 586, "protocol": 48}
    assert rich.tokens(rich.credits.address) == stuck


def test_order_with_authorization__for_nothing__reverts(rich: World) -> None:
    """Nothing would come with or without a signature, so a token that takes every call would vouch for anybody."""
    order = order_of(rich, rich.register(splits=()), max_cost=0)
    with reverts(AuthorizationFailed(rich.usdc.address, order.payer, 0)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_a_free_plan_with_money__gives_all_of_it_back(rich: World) -> None:
    order = order_of(rich, rich.register(splits=()), max_cost=77)
    books = _books(rich)
    rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert (books.changes(), rich.balance(order.plan_id, order.receiver)) == ({}, CREDITS)


def test_order_with_authorization__of_an_expiring_or_a_time_plan__grants_as_order_does(rich: World) -> None:
    time: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 1, "duration": 3600, "min_redeem": 0, "max_redeem": 0}
    expiring: dict[str, Any] = {"duration": 3600}
    for terms in (expiring, time):
        order = order_of(rich, rich.register(**terms), max_cost=PRICE)
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
        assert rich.balance(order.plan_id, order.receiver) == terms.get("credits", CREDITS)


def test_order_with_authorization__by_a_contract_wallet__takes_the_wallets_signature(rich: World) -> None:
    """ERC-1271: the wallet pays and is granted the credits, its key signs."""
    wallet = rich.deploy("SmartWallet", rich.subscriber.address)
    rich.send(rich.subscriber, rich.usdc.functions.mint(wallet.address, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE, payer=wallet.address, receiver=wallet.address)
    receipt = rich.send(rich.relayer, bring(rich, order, _sign_for(rich, order)))
    assert rich.events(receipt) == [
        granted(rich.relayer.address, wallet.address, order.plan_id, CREDITS),
        ordered(order.plan_id, wallet.address, wallet.address, 1, PRICE),
    ]


def test_order_with_authorization__by_a_wallet_of_two_keys__passes_the_whole_signature(rich: World) -> None:
    """ERC-1271: a signature has as many bytes as the wallet wants, here 130. One key alone is refused."""
    keys = (rich.subscriber, rich.other)
    wallet = rich.deploy("TwoKeyWallet", *[key.address for key in keys])
    rich.send(rich.subscriber, rich.usdc.functions.mint(wallet.address, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE, payer=wallet.address, receiver=wallet.address)
    digest = authorization_digest(order, token=domain_of_token(rich), contract=rich.credits.address)
    one, two = (bytes(key.unsafe_sign_hash(Hash32(digest)).signature) for key in keys)
    for wrong in (one, one + one, two + one, one + two + b"\0"):
        with reverts(AuthorizationFailed(rich.usdc.address, wallet.address, PRICE)):
            rich.send(rich.relayer, bring(rich, order, wrong))
    rich.send(rich.relayer, bring(rich, order, one + two))
    assert (rich.tokens(wallet.address), rich.balance(order.plan_id, wallet.address)) == (0, CREDITS)


def _sign_for(world: World, order: OrderAuthorization, token: Domain | None = None) -> bytes:
    """Have the subscriber's key sign an order whose payer is another account."""
    digest = authorization_digest(order, token=token or domain_of_token(world), contract=world.credits.address)
    return bytes(world.subscriber.unsafe_sign_hash(Hash32(digest)).signature)


def test_order_with_authorization__of_a_token_that_knows_no_bytes__gives_it_v_r_s(world: World) -> None:
    """USDC before version 2.2, and most others that have EIP-3009."""
    token, payer = world.deploy("VrsOnly"), world.subscriber
    plan_id = world.register(**plan_of_two(world), token=token.address)
    world.send(payer, token.functions.mint(payer.address, 1500))
    order = order_of(world, plan_id, max_cost=1200)
    signature = sign(world, order, token=domain_of_token(world, token))
    books = Books(world, token, payer=payer.address, first=world.builder.address, second=world.partner.address)
    world.send(world.relayer, bring(world, order, signature))
    assert books.changes() == {"payer": -1000, "first": 700, "second": 300}
    with reverts(AuthorizationFailed(token.address, payer.address, 1200)):
        world.send(world.relayer, bring(world, order, signature))


@pytest.mark.parametrize("cut", [slice(0, 64), slice(0, 0), slice(0, 32)])
def test_order_with_authorization__of_such_a_token_without_65_bytes__reverts(world: World, cut: slice) -> None:
    token, payer = world.deploy("VrsOnly"), world.subscriber
    world.send(payer, token.functions.mint(payer.address, PRICE))
    order = order_of(world, world.register(token=token.address), max_cost=PRICE)
    signature = sign(world, order, token=domain_of_token(world, token))
    for wrong in (signature[cut], signature + b"\0"):
        with reverts(AuthorizationFailed(token.address, payer.address, PRICE)):
            world.send(world.relayer, bring(world, order, wrong))


# ---------------------------------------------------------------- nothing can be changed

CHANGES: dict[str, Callable[[World], dict[str, Any]]] = {
    "receiver": lambda world: {"receiver": world.relayer.address},
    "more": lambda _: {"quantity": 4},
    "fewer": lambda _: {"quantity": 2},
    "higher": lambda _: {"max_cost": 4 * PRICE + 1},
    "lower": lambda _: {"max_cost": 3 * PRICE},
    "valid_after": lambda _: {"valid_after": 1},
    "valid_before": lambda _: {"valid_before": MAX_UINT},
    "salt": lambda _: {"salt": bytes(32)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_order_with_authorization__changed_by_who_brings_it__reverts(rich: World, name: str) -> None:
    """C24: nothing of the order is the relayer's to choose."""
    order = order_of(rich, rich.register(), max_cost=4 * PRICE, quantity=3)
    signature = sign(rich, order)
    changed = replace(order, **CHANGES[name](rich))
    with reverts(_refused(rich, changed.max_cost)):
        rich.send(rich.relayer, bring(rich, changed, signature))
    rich.send(rich.relayer, bring(rich, order, signature))


def test_order_with_authorization__for_another_plan__reverts(rich: World) -> None:
    """C24: a relayer with a plan of their own at the same price."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    other = rich.register(signer=rich.relayer)
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, replace(order, plan_id=other), sign(rich, order)))


def test_order_with_authorization__in_another_payers_name__reverts(rich: World) -> None:
    victim = rich.other.address
    rich.send(rich.other, rich.usdc.functions.mint(victim, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE)
    with reverts(AuthorizationFailed(rich.usdc.address, victim, PRICE)):
        rich.send(rich.relayer, bring(rich, replace(order, payer=victim), sign(rich, order)))


@pytest.mark.parametrize("signature", [b"", bytes(65), bytes(64), b"\xff" * 65, bytes(66)])
def test_order_with_authorization__without_a_signature__reverts(rich: World, signature: bytes) -> None:
    order = order_of(rich, rich.register(), max_cost=PRICE)
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, signature))


@pytest.mark.parametrize("signature", [b"", bytes(65)])
def test_order_with_authorization__of_a_free_plan_without_a_signature__reverts(rich: World, signature: bytes) -> None:
    """Nothing is to come and nothing comes, but nobody has signed: it is still not an order in their name."""
    order = order_of(rich, rich.register(splits=()), max_cost=0)
    with reverts(_refused(rich, 0)):
        rich.send(rich.relayer, bring(rich, order, signature))


def test_order_with_authorization__twice__reverts(rich: World) -> None:
    """C16."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    signature = sign(rich, order)
    rich.send(rich.relayer, bring(rich, order, signature))
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, signature))


def test_order_with_authorization__again_with_other_times__is_the_same_order(rich: World) -> None:
    """The nonce has no times in it, so an order signed a second time with a later end is still one order."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    later = replace(order, valid_before=order.valid_before - 1)
    rich.send(rich.relayer, bring(rich, later, sign(rich, later)))
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_two_salts__are_two_orders(rich: World) -> None:
    plan_id = rich.register()
    for number in range(2):
        order = order_of(rich, plan_id, max_cost=PRICE, salt=number.to_bytes(32, "big"))
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert rich.balance(plan_id, rich.subscriber.address) == 2 * CREDITS


def test_order_with_authorization__signed_for_another_credits__reverts(rich: World) -> None:
    """C17: the same code at another address has a nonce of its own, and is another payee."""
    twin = rich.deploy("Credits", rich.fee_owner.address)
    order = order_of(rich, rich.register(), max_cost=PRICE)
    signed = sign_order(rich.subscriber, order, token=domain_of_token(rich), contract=twin.address)
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, signed.signature))


def test_order_with_authorization__signed_for_another_chain__reverts(rich: World) -> None:
    """C17."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    elsewhere = replace(domain_of_token(rich), chain_id=rich.chain.chain_id + 1)
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order, token=elsewhere)))


@pytest.mark.parametrize("change", [{"name": "USD Coin"}, {"version": "1"}])
def test_order_with_authorization__signed_for_another_token__reverts(rich: World, change: dict[str, Any]) -> None:
    order = order_of(rich, rich.register(), max_cost=PRICE)
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order, token=replace(domain_of_token(rich), **change))))


# ---------------------------------------------------------------- time, cancelation, money


@pytest.mark.parametrize(("seconds", "status"), [(-1, 0), (0, 0), (1, 1)])
def test_order_with_authorization__around_its_beginning__counts_after_it(
    rich: World, seconds: int, status: int
) -> None:
    """C32: EIP-3009 leaves out both ends."""
    start = rich.now + 1000
    order = order_of(rich, rich.register(), max_cost=PRICE, valid_after=start)
    receipt = send_at(rich, start + seconds, rich.relayer, bring(rich, order, sign(rich, order)))
    assert receipt["status"] == status


@pytest.mark.parametrize(("seconds", "status"), [(-1, 1), (0, 0), (1, 0)])
def test_order_with_authorization__around_its_end__counts_before_it(rich: World, seconds: int, status: int) -> None:
    """C32."""
    end = rich.now + 1000
    order = order_of(rich, rich.register(), max_cost=PRICE, valid_before=end)
    receipt = send_at(rich, end + seconds, rich.relayer, bring(rich, order, sign(rich, order)))
    assert receipt["status"] == status


def test_order_with_authorization__canceled_by_the_payer__reverts(rich: World) -> None:
    """C26."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    nonce, cancelation = nonce_on_chain(rich, order), sign_cancelation(rich, order)
    functions = rich.usdc.functions
    rich.send(rich.relayer, functions.cancelAuthorization(order.payer, nonce, cancelation))
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__without_the_money__reverts_and_can_be_brought_later(rich: World) -> None:
    """C26: what fails leaves the authorization unused."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    signature, functions = sign(rich, order), rich.usdc.functions
    rich.send(rich.subscriber, functions.transfer(rich.other.address, 1_000_000_000 - PRICE + 1))
    with reverts(_refused(rich)):
        rich.send(rich.relayer, bring(rich, order, signature))
    rich.send(rich.other, functions.transfer(order.payer, 1))
    rich.send(rich.relayer, bring(rich, order, signature))
    assert rich.tokens(order.payer) == 0


# ---------------------------------------------------------------- refusals of every order


def test_order_with_authorization__above_the_signed_limit__reverts(rich: World) -> None:
    """C28: the price rose since it was signed."""
    order = order_of(rich, rich.register(), max_cost=PRICE - 1)
    with reverts(CostAboveMax(PRICE, PRICE - 1)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


@pytest.mark.parametrize("quantity", [0, 2**32, MAX_UINT])
def test_order_with_authorization__of_an_impossible_quantity__reverts(rich: World, quantity: int) -> None:
    order = order_of(rich, rich.register(), max_cost=PRICE, quantity=quantity)
    with reverts(InvalidQuantity(order.plan_id, quantity)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_unknown_plan__reverts(rich: World) -> None:
    order = order_of(rich, 7, max_cost=PRICE)
    with reverts(UnknownPlan(7)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_an_inactive_plan__reverts(rich: World) -> None:
    order = order_of(rich, rich.register(), max_cost=PRICE)
    rich.send(rich.builder, rich.credits.functions.setPlanActive(order.plan_id, False))
    with reverts(PlanNotActive(order.plan_id)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_a_usage_plan__reverts(rich: World) -> None:
    order = order_of(rich, rich.register(**usage(rich)), max_cost=PRICE)
    with reverts(WrongKind(order.plan_id, PlanKind.USAGE)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_a_plan_paid_externally__reverts(rich: World) -> None:
    order = order_of(rich, rich.register(paid_externally=True, token=ZERO, splits=()), max_cost=0)
    with reverts(PaidExternally(order.plan_id)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


@pytest.mark.parametrize("splits", [None, ()], ids=["priced", "free"])
def test_order_with_authorization__of_a_plan_in_coin__reverts(rich: World, splits: tuple[()] | None) -> None:
    terms: dict[str, Any] = {"token": ZERO} | ({} if splits is None else {"splits": splits})
    order = order_of(rich, rich.register(**terms), max_cost=PRICE)
    with reverts(TokenWithoutCode(ZERO)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__of_a_free_plan_whose_token_has_no_code__reverts(rich: World) -> None:
    token = rich.other.address
    order = order_of(rich, rich.register(splits=(), token=token), max_cost=0)
    with reverts(TokenWithoutCode(token)):
        rich.send(rich.relayer, bring(rich, order, sign(rich, order)))


def test_order_with_authorization__for_nobody__reverts(rich: World) -> None:
    """Our own Python does not sign such an order; the contract is asked without it."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    plan_id, payer, _, *others = bring(rich, order, b"").args[0]
    function = rich.credits.functions.orderWithAuthorization((plan_id, payer, ZERO, *others), bytes(65))
    with reverts(ERC1155InvalidReceiver(ZERO)):
        rich.send(rich.relayer, function)


def test_order_with_authorization__of_a_trial_twice__reverts_and_keeps_the_money(rich: World) -> None:
    """I7: two signed orders of one trial, and the second is not paid for nothing."""
    plan_id = rich.register(trial=True)
    first, second = (order_of(rich, plan_id, max_cost=PRICE, salt=bytes([n]) * 32) for n in range(2))
    rich.send(rich.relayer, bring(rich, first, sign(rich, first)))
    books = _books(rich)
    with reverts(TrialAlreadyTaken(plan_id, rich.subscriber.address)):
        rich.send(rich.relayer, bring(rich, second, sign(rich, second)))
    assert books.changes() == {}
