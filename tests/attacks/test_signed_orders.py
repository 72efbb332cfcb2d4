"""orderWithAuthorization under attack: stolen signatures, evil wallets, tokens that lie or call back, relayers that save gas.

The contract holds a payer's money for the length of one call. Whatever happens, it ends with what it had before (I1).
"""

from dataclasses import replace
from typing import Any

import pytest
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.errors import AuthorizationFailed, PaymentFailed, RevertedWithReason
from nvm_chain.signing.signed_orders import OrderAuthorization
from nvm_chain.types.prices import Split
from tests.support.books import Books, open_books_of_sale
from tests.support.gas import TRANSACTION_GAS_CAP
from tests.support.reentry import arm, encode, outcome_of, through, through_many
from tests.support.reverts import reverts
from tests.support.signed import (
    TRANSACTION_GAS,
    as_tuple,
    bring,
    nonce_on_chain,
    order_of,
    plan_of_two,
    sign,
)
from tests.support.world import CREDITS, MAX_UINT, PRICE, World

ANY_SIGNATURE = b"\1" * 65
WEALTH = 10_000
STUCK = 5_000
YES, NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS, REENTER = range(8)


@pytest.fixture
def rich(world: World) -> World:
    """A world where the subscriber has 1,000 USDC and has approved nobody for it."""
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, 1_000_000_000))
    return world


class Stage:
    """A plan of two receivers in a token that looks at no signature; an actor with tokens; tokens stuck in Credits."""

    def __init__(self, world: World, token: str, *, stuck: int = STUCK, fee_bps: int = 250) -> None:
        """Deploy, register, and give out tokens."""
        self.world = world
        self.token = world.deploy(token)
        self.actor: Contract = world.deploy("Actor")
        world.set_fee(fee_bps)
        self.plan_id = world.register(**plan_of_two(world), token=self.token.address)
        mint = self.token.functions.mint
        world.send(world.subscriber, mint(world.subscriber.address, WEALTH))
        world.send(world.subscriber, mint(self.actor.address, WEALTH))
        if stuck:
            world.send(world.subscriber, mint(world.credits.address, stuck))
        approve = self.token.functions.approve(world.credits.address, MAX_UINT)
        world.send(world.subscriber, through(self.actor, approve))

    def bring(self, **changes: Any) -> ContractFunction:
        """Return the call that brings an order of 1000 with 200 too much, changed as given."""
        values = {"max_cost": 1200, **changes}
        return bring(self.world, order_of(self.world, self.plan_id, **values), ANY_SIGNATURE)

    def open_books(self) -> Books:
        """Start to watch everybody's tokens."""
        return open_books_of_sale(self.world, self.token, actor=self.actor.address)

    def refused(self, value: int = 1200) -> AuthorizationFailed:
        """Return the error of an authorization that did not bring its money."""
        return AuthorizationFailed(self.token.address, self.world.subscriber.address, value)


def _times(orders: int, **others: int) -> dict[str, int]:
    """Return what the receivers get of so many orders of 1000 with a fee of 2.5 %."""
    return {"first": 683 * orders, "second": 293 * orders, "protocol": 24 * orders, **others}


def _is_used(world: World, order: OrderAuthorization) -> bool:
    nonce = nonce_on_chain(world, order)
    return bool(world.read(world.usdc.functions.authorizationState(order.payer, nonce)))


# ---------------------------------------------------------------- a stolen authorization


def _steal(world: World, order: OrderAuthorization, name: str, to: str, *signature: Any) -> ContractFunction:
    where = (order.payer, to, order.max_cost, order.valid_after, order.valid_before, nonce_on_chain(world, order))
    form = "bytes" if len(signature) == 1 else "uint8,bytes32,bytes32"
    types = f"{name}(address,address,uint256,uint256,uint256,bytes32,{form})"
    call: ContractFunction = world.usdc.get_function_by_signature(types)(*where, *signature)
    return call


def _forms(signature: bytes) -> list[tuple[Any, ...]]:
    return [(signature,), (signature[64], signature[:32], signature[32:64])]


def test_authorization__taken_to_the_token_by_a_stranger__moves_nothing(rich: World) -> None:
    """C24: the money cannot be sent to Credits without the order, so it cannot be front-run."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    signature = sign(rich, order)
    for form in _forms(signature):
        with reverts(RevertedWithReason("FiatTokenV2: caller must be the payee")):
            rich.send(rich.relayer, _steal(rich, order, "receiveWithAuthorization", rich.credits.address, *form))
        with reverts(RevertedWithReason("FiatTokenV2: invalid signature")):
            rich.send(rich.relayer, _steal(rich, order, "transferWithAuthorization", rich.credits.address, *form))
    rich.send(rich.relayer, bring(rich, order, signature))


def test_authorization__taken_to_the_token_by_another_payee__moves_nothing(rich: World) -> None:
    order = order_of(rich, rich.register(), max_cost=PRICE)
    thief = rich.relayer
    for form in _forms(sign(rich, order)):
        for name in ("receiveWithAuthorization", "transferWithAuthorization"):
            with reverts(RevertedWithReason("FiatTokenV2: invalid signature")):
                rich.send(thief, _steal(rich, order, name, thief.address, *form))
    assert rich.tokens(thief.address) == 0


def test_authorization__used_in_credits_name_through_a_plan__is_not_to_be_had(rich: World) -> None:
    """The thief's own plan names the token, but no call of Credits to a token is of the thief's making."""
    order = order_of(rich, rich.register(), max_cost=PRICE)
    mine = rich.register(signer=rich.relayer, splits=(Split(rich.relayer.address, PRICE),))
    stolen = replace(order, plan_id=mine, receiver=rich.relayer.address)
    with reverts(AuthorizationFailed(rich.usdc.address, order.payer, PRICE)):
        rich.send(rich.relayer, bring(rich, stolen, sign(rich, order)))


# ---------------------------------------------------------------- who is paid, and who is granted


@pytest.mark.parametrize("role", ["builder", "partner", "credits"])
def test_order_with_authorization__with_somebody_blocked__reverts_as_a_whole_and_passes_later(
    rich: World, role: str
) -> None:
    """C8: credits, money and authorization are as before."""
    plan_id, functions = rich.register(**plan_of_two(rich)), rich.usdc.functions
    order = order_of(rich, plan_id, max_cost=1000)
    signature, account = sign(rich, order), getattr(rich, role).address
    rich.send(rich.fee_owner, functions.blacklist(account))
    refusal: AuthorizationFailed | PaymentFailed = AuthorizationFailed(rich.usdc.address, order.payer, 1000)
    if role != "credits":
        share = {"builder": 700, "partner": 300}[role]
        refusal = PaymentFailed(rich.usdc.address, rich.credits.address, account, share)
    with reverts(refusal):
        rich.send(rich.relayer, bring(rich, order, signature))
    assert (_is_used(rich, order), rich.balance(plan_id, order.receiver)) == (False, 0)
    rich.send(rich.fee_owner, functions.unBlacklist(account))
    rich.send(rich.relayer, bring(rich, order, signature))
    assert (_is_used(rich, order), rich.balance(plan_id, order.receiver)) == (True, CREDITS)


@pytest.mark.parametrize("name", ["RejectsCredits", "NoHook", "WrongMagic", "BurnsGasInHook"])
def test_order_with_authorization__for_a_receiver_that_refuses__takes_no_money(rich: World, name: str) -> None:
    """C12, C13."""
    order = order_of(rich, rich.register(), max_cost=PRICE, receiver=rich.deploy(name).address)
    receipt = rich.send_with_gas(rich.relayer, bring(rich, order, sign(rich, order)), TRANSACTION_GAS)
    assert (receipt["status"], _is_used(rich, order)) == (0, False)
    assert rich.tokens(rich.credits.address) == 0


def test_order_with_authorization__re_entered_by_the_receivers_hook__finds_the_order_done(rich: World) -> None:
    """C11: the hook comes last: the authorization is used, everybody is paid, and the rest is back with the payer."""
    receiver = rich.deploy("ReentersInHook")
    order = order_of(rich, rich.register(), max_cost=PRICE + 5, receiver=receiver.address)
    function = bring(rich, order, sign(rich, order))
    arm(rich, receiver, function)
    receipt = rich.send_with_gas(rich.relayer, function, TRANSACTION_GAS)
    outcome = outcome_of(rich, receiver)
    assert (receipt["status"], outcome.count, outcome.success) == (1, 1, False)
    assert rich.balance(order.plan_id, receiver.address) == CREDITS
    assert rich.tokens(order.payer) == 1_000_000_000 - PRICE


@pytest.mark.parametrize("whose", ["payer", "contract"])
def test_order_with_authorization__in_the_receivers_hook__has_given_back_the_rest(rich: World, whose: str) -> None:
    """C11, I1: the contract holds nothing any more when somebody else's code runs last."""
    receiver = rich.deploy("ReentersInHook")
    order = order_of(rich, rich.register(), max_cost=PRICE + 5, receiver=receiver.address)
    account, left = {"payer": (order.payer, 1_000_000_000 - PRICE), "contract": (rich.credits.address, 0)}[whose]
    arm(rich, receiver, rich.usdc.functions.balanceOf(account))
    rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert int.from_bytes(outcome_of(rich, receiver).answer, "big") == left


def test_order_with_authorization__by_who_is_paid_by_it__moves_nothing(rich: World) -> None:
    """C36: payer, receiver of the price, receiver of the credits and relayer are one."""
    plan_id = rich.register(splits=(Split(rich.subscriber.address, 1000),))
    order = order_of(rich, plan_id, max_cost=1500)
    books = Books(rich, rich.usdc, payer=rich.subscriber.address)
    rich.send(rich.subscriber, bring(rich, order, sign(rich, order)))
    assert (books.changes(), rich.balance(plan_id, order.receiver)) == ({}, CREDITS)


# ---------------------------------------------------------------- evil wallets


@pytest.mark.parametrize("answer", [NO, DIRTY, EMPTY, REVERT, BOMB, BURN_GAS, REENTER])
def test_order_with_authorization__of_a_wallet_that_does_not_say_yes__reverts(rich: World, answer: int) -> None:
    """C21: the wallet is the payer, so that it can harm itself only."""
    wallet = rich.deploy("EvilWallet")
    rich.send(rich.subscriber, rich.usdc.functions.mint(wallet.address, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE, payer=wallet.address, receiver=wallet.address)
    inner = rich.credits.functions.order(rich.register(splits=()), wallet.address, 1, 0)
    rich.send(rich.other, wallet.functions.arm(inner.address, encode(inner)))
    rich.send(rich.other, wallet.functions.setAnswer(answer))
    receipt = rich.send_with_gas(rich.relayer, bring(rich, order, b"whatever"), TRANSACTION_GAS)
    assert (receipt["status"], rich.tokens(wallet.address)) == (0, PRICE)
    rich.send(rich.other, wallet.functions.setAnswer(YES))
    rich.send(rich.relayer, bring(rich, order, b"whatever"))
    assert rich.tokens(wallet.address) == 0


def test_order_with_authorization__of_two_wallets_with_one_key__counts_for_the_payer_only(rich: World) -> None:
    """C20: the payer's address is part of what is signed."""
    one, two = (rich.deploy("SmartWallet", rich.subscriber.address).address for _ in range(2))
    for wallet in (one, two):
        rich.send(rich.subscriber, rich.usdc.functions.mint(wallet, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE)
    with reverts(AuthorizationFailed(rich.usdc.address, two, PRICE)):
        rich.send(rich.relayer, bring(rich, replace(order, payer=two), sign(rich, order)))


# ---------------------------------------------------------------- tokens that do not revert


def test_order_with_authorization__of_a_silent_token__grants_once(world: World) -> None:
    """C25: the token does not revert on a used nonce, and the contract holds enough to pay for what does not come."""
    stage = Stage(world, "SilentAuthorization")
    world.send(world.relayer, stage.bring())
    books = stage.open_books()
    with reverts(stage.refused()):
        world.send(world.relayer, stage.bring())
    assert (books.changes(), world.balance(stage.plan_id, world.subscriber.address)) == ({}, CREDITS)


@pytest.mark.parametrize("token", ["PhantomPermit", "PhantomAuthorization", "HonestToken"])
def test_order_with_authorization__of_a_token_that_moves_nothing__is_not_paid_out_of_stuck_tokens(
    world: World, token: str
) -> None:
    """C6: a fallback says yes to the authorization, or there is no such function at all."""
    stage = Stage(world, token)
    books = stage.open_books()
    with reverts(stage.refused()):
        world.send(world.relayer, stage.bring())
    assert (books.changes(), world.balance(stage.plan_id, world.subscriber.address)) == ({}, 0)


def test_order_with_authorization__of_a_token_that_takes_a_fee__reverts(world: World) -> None:
    """C4: 1 % less came, and the rest is not made up from elsewhere."""
    stage = Stage(world, "TakesFeeWithAuthorization")
    books = stage.open_books()
    with reverts(stage.refused()):
        world.send(world.relayer, stage.bring())
    assert books.changes() == {}


def test_order_with_authorization__in_the_name_of_credits_itself__cannot_spend_stuck_tokens(world: World) -> None:
    """I1: the token takes any signature, and from Credits to Credits nothing comes."""
    stage = Stage(world, "SilentAuthorization")
    with reverts(AuthorizationFailed(stage.token.address, world.credits.address, 1200)):
        world.send(world.relayer, stage.bring(payer=world.credits.address))
    assert world.tokens(world.credits.address, stage.token) == STUCK


@pytest.mark.parametrize("max_cost", [MAX_UINT, 2**255, 2**256 - STUCK])
def test_order_with_authorization__of_more_than_there_is__reverts(world: World, max_cost: int) -> None:
    """C30: a sum that would wrap around."""
    stage = Stage(world, "SilentAuthorization")
    with reverts(stage.refused(max_cost)):
        world.send(world.relayer, stage.bring(max_cost=max_cost))


# ---------------------------------------------------------------- tokens that call back

moves = pytest.mark.parametrize("after_move", [False, True], ids=["before", "after"])
TRANSFERS = 5
"""Of an order with too much money: the collection, two splits, the fee, the rest."""


def _send_and_count(stage: Stage, function: ContractFunction) -> tuple[int, int]:
    receipt = stage.world.send_with_gas(stage.world.relayer, function, 2 * TRANSACTION_GAS)
    return receipt["status"], outcome_of(stage.world, stage.token).count


@moves
@pytest.mark.parametrize("stuck", [0, STUCK])
def test_order_with_authorization__re_entered_by_orders__is_paid_for_each(
    world: World, after_move: bool, stuck: int
) -> None:
    """C10, I1: an inner order in each transfer of the outer one, while the contract holds the outer one's money."""
    stage = Stage(world, "CallsBackWithAuthorization", stuck=stuck)
    world.send(world.other, stage.token.functions.setAfterMove(after_move))
    order = world.credits.functions.order(stage.plan_id, stage.actor.address, 1, 1000)
    arm(world, stage.token, through(stage.actor, order))
    books = stage.open_books()
    assert _send_and_count(stage, stage.bring()) == (1, TRANSFERS)
    assert books.changes() == _times(TRANSFERS + 1, payer=-1000, actor=-1000 * TRANSFERS)
    assert world.balance(stage.plan_id, stage.actor.address) == TRANSFERS * CREDITS


@moves
def test_order_with_authorization__re_entered_by_another_signed_order__keeps_them_apart(
    world: World, after_move: bool
) -> None:
    """C10, I1: the inner one comes, pays and goes in the middle of the outer one's measuring of what has come."""
    stage = Stage(world, "CallsBackWithAuthorization")
    world.send(world.other, stage.token.functions.setAfterMove(after_move))
    inner = stage.bring(payer=stage.actor.address, receiver=stage.actor.address, max_cost=7000)
    arm(world, stage.token, inner)
    books = stage.open_books()
    assert _send_and_count(stage, stage.bring()) == (1, TRANSFERS)
    assert books.changes() == _times(2, payer=-1000, actor=-1000)
    assert world.balance(stage.plan_id, stage.actor.address) == CREDITS


@moves
def test_order_with_authorization__re_entered_by_itself__grants_once(world: World, after_move: bool) -> None:
    """C16."""
    stage = Stage(world, "CallsBackWithAuthorization")
    world.send(world.other, stage.token.functions.setAfterMove(after_move))
    arm(world, stage.token, stage.bring())
    books = stage.open_books()
    assert _send_and_count(stage, stage.bring()) == (1, TRANSFERS)
    assert outcome_of(world, stage.token).success is False
    assert books.changes() == _times(1, payer=-1000)
    assert world.balance(stage.plan_id, world.subscriber.address) == CREDITS


@moves
def test_order_with_authorization__in_whose_middle_tokens_are_thrown_in__reverts(
    world: World, after_move: bool
) -> None:
    """I1: what is too much is not taken for the payer's money."""
    stage = Stage(world, "CallsBackWithAuthorization")
    world.send(world.other, stage.token.functions.setAfterMove(after_move))
    arm(world, stage.token, through(stage.actor, stage.token.functions.transfer(world.credits.address, 1)))
    with reverts(stage.refused()):
        world.send(world.relayer, stage.bring())


def test_order_with_authorization__whose_credits_are_spent_before_it_is_paid__keeps_the_books(world: World) -> None:
    """I2: granted before the money has come, burned in its middle, and gone if it does not come."""
    stage = Stage(world, "CallsBackWithAuthorization")
    actor, functions = stage.actor.address, world.credits.functions
    burn = functions.burn(stage.plan_id, actor, CREDITS // TRANSFERS)
    arm(world, stage.token, through_many(stage.actor, burn))
    assert _send_and_count(stage, stage.bring(receiver=actor)) == (1, TRANSFERS)
    assert world.balance(stage.plan_id, actor) == 0
    world.send(world.subscriber, stage.token.functions.transfer(world.other.address, WEALTH - 1000))
    with reverts(stage.refused()):
        world.send(world.relayer, stage.bring(receiver=actor, salt=b"2" * 32))
    assert world.balance(stage.plan_id, actor) == 0


def test_order_with_authorization__twice_in_one_transaction__is_two_orders(rich: World) -> None:
    """C39: a relayer brings a batch; no guard is left behind by the first."""
    actor, plan_id = rich.deploy("Actor"), rich.register(**plan_of_two(rich))
    orders = [order_of(rich, plan_id, max_cost=1001, salt=bytes([number]) * 32) for number in range(2)]
    calls = [bring(rich, order, sign(rich, order)) for order in orders]
    rich.send(rich.relayer, through_many(actor, *calls))
    assert rich.balance(plan_id, rich.subscriber.address) == 2 * CREDITS
    assert rich.tokens(rich.subscriber.address) == 1_000_000_000 - 2000


# ---------------------------------------------------------------- a relayer that saves gas


def test_order_with_authorization__with_any_gas__pays_the_fee_or_reverts(rich: World) -> None:
    """I6: the fee has a call of its own, and a relayer cannot have just that one fail."""
    rich.set_fee(1000)
    plan_id = rich.register(**plan_of_two(rich))
    order = order_of(rich, plan_id, max_cost=1500)
    function = bring(rich, order, sign(rich, order))
    found = []
    for gas in range(200_000, 420_000, 4_000):
        snapshot = rich.take_snapshot()
        receipt = rich.send_with_gas(rich.relayer, function, gas)
        if receipt["status"] == 1:
            found.append((rich.tokens(rich.fee_receiver.address), rich.tokens(rich.builder.address)))
        rich.revert_to(snapshot)
    assert found
    assert set(found) == {(100, 630)}


def test_order_with_authorization__of_sixteen_receivers_and_a_fee__fits_in_a_transaction(rich: World) -> None:
    """C33."""
    rich.set_fee(1000)
    to_address = rich.chain.web3.to_checksum_address
    sixteen = tuple(Split(to_address(f"0x{0xABC00 + index:040x}"), 1000) for index in range(16))
    order = order_of(rich, rich.register(splits=sixteen), max_cost=16_001)
    receipt = rich.send(rich.relayer, bring(rich, order, sign(rich, order)))
    assert receipt["gasUsed"] < TRANSACTION_GAS_CAP // 10


def test_order_with_authorization__with_a_long_signature__is_the_tokens_matter(rich: World) -> None:
    """What the contract passes on is what it was given, 10 kB of it if need be."""
    wallet = rich.deploy("EvilWallet")
    rich.send(rich.subscriber, rich.usdc.functions.mint(wallet.address, PRICE))
    order = order_of(rich, rich.register(), max_cost=PRICE, payer=wallet.address, receiver=wallet.address)
    function = rich.credits.functions.orderWithAuthorization(as_tuple(order), b"x" * 10_000)
    rich.send(rich.relayer, function)
    assert rich.balance(order.plan_id, wallet.address) == CREDITS
