"""Hostile receivers of credits against `order`, `mint`, `mintBatch`, `safeTransferFrom` and `safeBatchTransferFrom`.

A receiver may harm the one who chose it and nobody else (C11, C12, C13; I8).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode as encode_rlp
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.errors import ERC1155InvalidReceiver, NotTransferable, RevertedWithoutReason
from nvm_chain.types.prices import Split
from tests.support.books import COIN, Books
from tests.support.events import granted, ordered, selector, skipped
from tests.support.gas import simulate
from tests.support.plans import expiring, from_first_use, from_purchase
from tests.support.reentry import arm, encode, outcome_of, send_coin, through
from tests.support.reverts import reverts
from tests.support.world import CREDITS, FUNDS, NO_CONTEXT, PRICE, ZERO, World

INVALID_RECEIVER = selector("ERC1155InvalidReceiver(address)")
REJECTED = selector("CreditsRejected()")
BOMB = selector("Bomb()")
DAY = 86_400
NOT_ENOUGH_GAS = selector("NotEnoughGas(uint256,uint256)")

REFUSALS = {
    "RejectsCredits": REJECTED,
    "WrongMagic": INVALID_RECEIVER,
    "NoHook": INVALID_RECEIVER,
    "RejectsCoin": INVALID_RECEIVER,
    "BurnsGasInHook": INVALID_RECEIVER,
    "BombsInHook": BOMB,
}
"""Receivers that do not take credits, and the selector of the error that sending them some reverts with."""

hostile = pytest.mark.parametrize("name", REFUSALS)


@contextmanager
def _refused_by(name: str, receiver: Contract) -> Iterator[None]:
    """Expect the error of a receiver that refuses; a hook that reverts with data of its own has that passed on."""
    if REFUSALS[name] == INVALID_RECEIVER:
        with reverts(ERC1155InvalidReceiver(receiver.address)):
            yield
        return
    with pytest.raises(RevertedWithoutReason) as caught:
        yield
    assert caught.value.data.startswith("0x" + REFUSALS[name].hex())
    assert (len(caught.value.data) == 10) is (name == "RejectsCredits")


@pytest.fixture
def plan_id(funded: World) -> int:
    """A transferable plan for 20 USDC; the subscriber has 10 credits of it, and money for more."""
    plan_id = funded.register(transferable=True)
    funded.grant(plan_id, funded.subscriber.address, 10)
    return plan_id


# ---------------------------------------------------------------- receivers that do not take credits


@hostile
def test_order__for_a_receiver_that_refuses__takes_no_money(funded: World, plan_id: int, name: str) -> None:
    """C12, I8: the payer who named it pays gas and nothing else."""
    receiver = funded.deploy(name)
    books = Books(funded, funded.usdc, payer=funded.subscriber.address, builder=funded.builder.address)
    with _refused_by(name, receiver):
        funded.order(plan_id, receiver=receiver.address)
    assert books.changes() == {}
    assert funded.balance(plan_id, receiver.address) == 0


@hostile
def test_mint__to_a_receiver_that_refuses__grants_nothing(funded: World, plan_id: int, name: str) -> None:
    receiver = funded.deploy(name)
    with _refused_by(name, receiver):
        funded.grant(plan_id, receiver.address, 1)
    assert funded.balance(plan_id, receiver.address) == 0


@hostile
@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_transfer__to_a_receiver_that_refuses__moves_nothing(
    funded: World, plan_id: int, name: str, batch: bool
) -> None:
    receiver, sender = funded.deploy(name), funded.subscriber.address
    functions = funded.credits.functions
    single = functions.safeTransferFrom(sender, receiver.address, plan_id, 3, b"")
    double = functions.safeBatchTransferFrom(sender, receiver.address, [plan_id, plan_id], [1, 2], b"")
    with _refused_by(name, receiver):
        funded.send(funded.subscriber, double if batch else single)
    assert (funded.balance(plan_id, sender), funded.balance(plan_id, receiver.address)) == (10, 0)


@hostile
def test_mint_batch__with_a_receiver_that_refuses__leaves_out_that_one(funded: World, plan_id: int, name: str) -> None:
    """C12, I8: before it and after it everybody is granted; the event says why it was not."""
    receiver, minter = funded.deploy(name).address, funded.builder.address
    before, after = funded.other.address, funded.partner.address
    function = funded.credits.functions.mintBatch(plan_id, [before, receiver, after], [1, 2, 3])
    receipt = funded.send(funded.builder, function)
    assert funded.events(receipt) == [
        granted(minter, before, plan_id, 1),
        skipped(plan_id, receiver, 2, REFUSALS[name]),
        granted(minter, after, plan_id, 3),
    ]
    assert [funded.balance(plan_id, holder) for holder in (before, receiver, after)] == [1, 0, 3]


def test_mint_batch__with_all_of_them__costs_a_bounded_amount(funded: World, plan_id: int) -> None:
    """C12: a receiver can burn ISOLATED_GAS of the minter's and no more, whether it burns gas or throws data."""
    names = list(REFUSALS)
    receivers = [funded.deploy(name).address for name in names]
    function = funded.credits.functions.mintBatch(plan_id, [*receivers, funded.other.address], [1] * 7)
    receipt = funded.send(funded.builder, function)
    assert funded.balance(plan_id, funded.other.address) == 1
    assert len(funded.events(receipt)) == 7
    assert receipt["gasUsed"] < 7 * 210_000


@pytest.mark.parametrize("burners", [1, 5])
def test_mint_batch__with_receivers_that_burn_gas__loses_their_share_each(
    funded: World, plan_id: int, burners: int
) -> None:
    """C12: each item has 200,000 gas to itself, and not the others'."""
    receiver = funded.deploy("BurnsGasInHook").address
    to = [*[receiver] * burners, funded.other.address]
    receipt = funded.send(funded.builder, funded.credits.functions.mintBatch(plan_id, to, [1] * len(to)))
    assert funded.balance(plan_id, funded.other.address) == 1
    assert burners * 190_000 < receipt["gasUsed"] < burners * 210_000 + 100_000


def test_mint_batch__with_data_thrown_at_it__costs_the_same_each_time(funded: World, plan_id: int) -> None:
    """C12: 100 kB of revert data are paid for by the item that makes them, and are not copied, or they would add up."""
    bomb = funded.deploy("BombsInHook").address
    mint = funded.credits.functions.mintBatch
    used = [funded.send(funded.builder, mint(plan_id, [bomb] * n, [1] * n))["gasUsed"] for n in (1, 2, 8, 9)]
    assert abs((used[3] - used[2]) - (used[1] - used[0])) < 1000


# ---------------------------------------------------------------- receivers that accept, and those without code


def test_order__for_a_receiver_that_accepts__shows_it_the_grant(funded: World, plan_id: int) -> None:
    receiver, payer = funded.deploy("AcceptsCredits"), funded.subscriber.address
    receipt = funded.order(plan_id, receiver=receiver.address, quantity=2)
    functions = receiver.functions
    seen = [funded.read(functions[name]()) for name in ("operator", "from", "id", "value", "data", "singleCount")]
    assert seen == [payer, ZERO, plan_id, 2 * CREDITS, b"", 1]
    assert funded.events(receipt) == [
        granted(payer, receiver.address, plan_id, 2 * CREDITS),
        ordered(plan_id, payer, receiver.address, 2, 2 * PRICE),
    ]


def _address_of_next_contract(world: World, deployer: LocalAccount) -> str:
    nonce = world.chain.web3.eth.get_transaction_count(deployer.address)
    return to_checksum_address(keccak(encode_rlp([bytes.fromhex(deployer.address[2:]), nonce]))[12:])


@pytest.mark.parametrize("price", ["free", "coin", "usdc"])
def test_order__by_a_contract_in_construction__grants_without_asking(world: World, price: str) -> None:
    """C13: it has no code yet, so by the ERC it is no contract and its hook is not called. It orders for itself."""
    changes: dict[str, dict[str, Any]] = {"free": {"splits": ()}, "coin": {"token": ZERO}, "usdc": {}}
    plan_id = world.register(**changes[price])
    buyer = _address_of_next_contract(world, world.subscriber)
    world.send(world.stranger, world.usdc.functions.mint(buyer, PRICE))
    token = world.usdc.address if price == "usdc" else ZERO
    arguments = (world.credits.address, token, plan_id, 1, PRICE)
    contract = world.deploy(
        "OrdersInConstructor", *arguments, value=PRICE if price == "coin" else 0, signer=world.subscriber
    )
    assert contract.address == buyer
    assert world.balance(plan_id, buyer) == CREDITS
    burn = world.credits.functions.burn(plan_id, buyer, 1)
    world.send(world.stranger, through(contract, burn))
    assert world.balance(plan_id, buyer) == CREDITS - 1


def test_mint__to_an_address_that_gets_code_later__grants(world: World) -> None:
    """C13: whoever holds credits keeps them, hook or no hook."""
    plan_id = world.register()
    future = _address_of_next_contract(world, world.subscriber)
    world.grant(plan_id, future, 5)
    world.deploy("NoHook", signer=world.subscriber)
    assert world.balance(plan_id, future) == 5
    with reverts(ERC1155InvalidReceiver(future)):
        world.grant(plan_id, future, 1)


# ---------------------------------------------------------------- receivers that re-enter


@pytest.fixture
def reenterer(funded: World) -> Contract:
    return funded.deploy("ReentersInHook")


def _refuse(world: World, receiver: Contract) -> None:
    world.send(world.fee_owner, receiver.functions.setRefusing(True))


Spend = Callable[[World, int, str], ContractFunction]
SPENDS: dict[str, Spend] = {
    "burn": lambda world, plan_id, holder: world.credits.functions.burn(plan_id, holder, 7),
    "redeem": lambda world, plan_id, holder: world.credits.functions.redeem(plan_id, holder, 7, NO_CONTEXT),
    "transfer": lambda world, plan_id, holder: world.credits.functions.safeTransferFrom(
        holder, world.stranger.address, plan_id, 7, b""
    ),
    "batch transfer": lambda world, plan_id, holder: world.credits.functions.safeBatchTransferFrom(
        holder, world.stranger.address, [plan_id, plan_id], [3, 4], b""
    ),
}
spending = pytest.mark.parametrize("spend", SPENDS)


def _arm_to_spend(world: World, receiver: Contract, plan_id: int, spend: str) -> None:
    arm(world, receiver, SPENDS[spend](world, plan_id, receiver.address))


Give = Callable[[World, int, str], object]
GIVES: dict[str, Give] = {
    "order": lambda world, plan_id, to: world.order(plan_id, receiver=to),
    "mint": lambda world, plan_id, to: world.grant(plan_id, to, 8),
    "mintBatch": lambda world, plan_id, to: world.send(
        world.builder, world.credits.functions.mintBatch(plan_id, [to], [8])
    ),
    "transfer": lambda world, plan_id, to: world.send(
        world.subscriber,
        world.credits.functions.safeTransferFrom(world.subscriber.address, to, plan_id, 8, b""),
    ),
}
giving = pytest.mark.parametrize("give", GIVES)


@giving
@spending
def test_hook__that_spends_what_it_just_got__has_spent_it(
    funded: World, plan_id: int, reenterer: Contract, give: str, spend: str
) -> None:
    """C11, I2: a grant stands before its hook is called, so its credits may be used there, once."""
    _arm_to_spend(funded, reenterer, plan_id, spend)
    GIVES[give](funded, plan_id, reenterer.address)
    got = CREDITS if give == "order" else 8
    assert outcome_of(funded, reenterer).success
    assert funded.balance(plan_id, reenterer.address) == got - 7


@giving
def test_hook__that_spends_more_than_it_got__cannot(
    funded: World, plan_id: int, reenterer: Contract, give: str
) -> None:
    arm(funded, reenterer, funded.credits.functions.burn(plan_id, reenterer.address, CREDITS + 1))
    GIVES[give](funded, plan_id, reenterer.address)
    assert (outcome_of(funded, reenterer).count, outcome_of(funded, reenterer).success) == (1, False)
    assert funded.balance(plan_id, reenterer.address) == (CREDITS if give == "order" else 8)


@pytest.mark.parametrize("give", ["order", "mint", "transfer"])
@spending
def test_hook__that_spends_and_then_refuses__undoes_everything(
    funded: World, plan_id: int, reenterer: Contract, give: str, spend: str
) -> None:
    """C11, I2: credits that were refused were never there to be spent, nor the money that paid for them."""
    _arm_to_spend(funded, reenterer, plan_id, spend)
    _refuse(funded, reenterer)
    books = Books(funded, funded.usdc, payer=funded.subscriber.address, builder=funded.builder.address)
    with reverts(ERC1155InvalidReceiver(reenterer.address)):
        GIVES[give](funded, plan_id, reenterer.address)
    assert books.changes() == {}
    assert funded.balance(plan_id, reenterer.address) == 0
    assert funded.balance(plan_id, funded.subscriber.address) == 10
    assert funded.balance(plan_id, funded.stranger.address) == 0


@spending
def test_mint_batch__with_one_that_spends_and_then_refuses__undoes_that_item_alone(
    funded: World, plan_id: int, reenterer: Contract, spend: str
) -> None:
    """C11, I2: also what it sent on to others is gone again, and its neighbours have theirs."""
    _arm_to_spend(funded, reenterer, plan_id, spend)
    _refuse(funded, reenterer)
    minter, receiver = funded.builder.address, reenterer.address
    before, after = funded.other.address, funded.partner.address
    function = funded.credits.functions.mintBatch(plan_id, [before, receiver, after], [1, 8, 3])
    receipt = funded.send(funded.builder, function)
    assert funded.events(receipt) == [
        granted(minter, before, plan_id, 1),
        skipped(plan_id, receiver, 8, INVALID_RECEIVER),
        granted(minter, after, plan_id, 3),
    ]
    assert funded.balance(plan_id, receiver) == 0
    assert [funded.balance(plan_id, holder) for holder in (before, after)] == [1, 3]
    assert funded.balance(plan_id, funded.stranger.address) == 0


def test_mint_batch__with_one_that_buys_and_then_refuses__gives_the_price_back(
    funded: World, plan_id: int, reenterer: Contract
) -> None:
    """I1: an order placed in a hook that is rolled back moves no coin either."""
    paid = funded.register(token=ZERO, splits=(Split(funded.partner.address, 1000),))
    send_coin(funded, reenterer, 1000)
    arm(funded, reenterer, funded.credits.functions.order(paid, funded.stranger.address, 1, 1000), 1000)
    _refuse(funded, reenterer)
    books = Books(funded, COIN, reenterer=reenterer.address, partner=funded.partner.address)
    funded.send(funded.builder, funded.credits.functions.mintBatch(plan_id, [reenterer.address], [1]))
    assert books.changes() == {}
    assert funded.balance(paid, funded.stranger.address) == 0


def test_mint_batch__with_a_receiver_that_is_a_minter__cannot_start_a_batch_in_a_batch(
    funded: World, plan_id: int, reenterer: Contract
) -> None:
    """I8: one item has no gas to give away; the inner batch says so and the item itself stands."""
    functions = funded.credits.functions
    funded.send(funded.builder, functions.setMinter(plan_id, reenterer.address, True))
    arm(funded, reenterer, functions.mintBatch(plan_id, [funded.other.address], [1]))
    funded.send(funded.builder, functions.mintBatch(plan_id, [reenterer.address], [2]))
    assert outcome_of(funded, reenterer).answer[:4] == NOT_ENOUGH_GAS
    assert funded.balance(plan_id, reenterer.address) == 2
    assert funded.balance(plan_id, funded.other.address) == 0


@giving
def test_hook__that_sends_them_on__leaves_nothing_behind(
    funded: World, plan_id: int, reenterer: Contract, give: str
) -> None:
    """ERC-1155 allows a receiver to forward what it gets. Sum of balances as granted (I2)."""
    before = _everything(funded, plan_id, reenterer)
    arm(
        funded,
        reenterer,
        funded.credits.functions.safeTransferFrom(reenterer.address, funded.subscriber.address, plan_id, 8, b""),
    )
    GIVES[give](funded, plan_id, reenterer.address)
    minted = {"order": CREDITS, "mint": 8, "mintBatch": 8, "transfer": 0}[give]
    assert _everything(funded, plan_id, reenterer) == before + minted


def _everything(world: World, plan_id: int, receiver: Contract) -> int:
    return world.balance(plan_id, receiver.address) + world.balance(plan_id, world.subscriber.address)


def test_hook__on_a_plan_that_forbids_transfers__cannot_send_them_on(funded: World, reenterer: Contract) -> None:
    fixed = funded.register()
    function = funded.credits.functions.safeTransferFrom(reenterer.address, funded.other.address, fixed, 1, b"")
    arm(funded, reenterer, function)
    funded.grant(fixed, reenterer.address, 8)
    assert outcome_of(funded, reenterer).answer[:4] == selector("NotTransferable(uint256)")
    with reverts(NotTransferable(fixed)):
        funded.send(funded.stranger, through(reenterer, function))


@giving
@pytest.mark.parametrize("read", ["balanceOf", "balanceOfBatch", "accountOf", "canRedeem"])
def test_hook__that_reads__sees_what_is_so_afterwards(
    funded: World, plan_id: int, reenterer: Contract, give: str, read: str
) -> None:
    """C11: read-only re-entrancy finds nothing to exploit."""
    functions, holder = funded.credits.functions, reenterer.address
    function = {
        "balanceOf": functions.balanceOf(holder, plan_id),
        "balanceOfBatch": functions.balanceOfBatch([holder, funded.subscriber.address], [plan_id] * 2),
        "accountOf": functions.accountOf(plan_id, holder),
        "canRedeem": functions.canRedeem(plan_id, holder, 8),
    }[read]
    arm(funded, reenterer, function)
    GIVES[give](funded, plan_id, holder)
    outcome = outcome_of(funded, reenterer)
    afterwards = simulate(funded.chain, funded.other.address, encode(function), funded.credits.address)
    assert (outcome.count, outcome.answer) == (1, afterwards)


def test_hook__of_an_order__comes_after_the_payment(funded: World, plan_id: int, reenterer: Contract) -> None:
    """DESIGN 3.2: effects, then payment, then the hook, so a receiver sees an order that is paid for."""
    arm(funded, reenterer, funded.usdc.functions.balanceOf(funded.builder.address))
    funded.order(plan_id, receiver=reenterer.address)
    assert int.from_bytes(outcome_of(funded, reenterer).answer, "big") == PRICE


def test_hook__that_steals_from_the_payer__gets_nothing(funded: World, plan_id: int, reenterer: Contract) -> None:
    """C11, C14: the payer's allowance to Credits is still open when the hook runs, and is of no use to it."""
    another = funded.register(splits=(Split(reenterer.address, PRICE),))
    arm(funded, reenterer, funded.credits.functions.order(another, reenterer.address, 1, PRICE))
    funded.order(plan_id, receiver=reenterer.address)
    assert outcome_of(funded, reenterer).answer[:4] == selector("PaymentFailed(address,address,address,uint256)")
    assert funded.tokens(funded.subscriber.address) == FUNDS - PRICE
    assert funded.tokens(reenterer.address) == 0


# ---------------------------------------------------------------- credits that expire, and time


@pytest.mark.parametrize("terms", [expiring(DAY), from_first_use(DAY, credits=100), from_purchase(DAY, credits=100)])
@pytest.mark.parametrize("burned", [1, CREDITS - 1, CREDITS])
def test_hook__that_burns_what_expires__has_burned_it(world: World, terms: dict[str, Any], burned: int) -> None:
    """C11, I2: a count that begins anew in the middle of an order is the count that the order ends with."""
    plan_id, greedy = world.register(**terms), world.deploy("ReentersInHook")
    arm(world, greedy, world.credits.functions.burn(plan_id, greedy.address, burned))
    for number in range(1, 4):
        world.order(plan_id, receiver=greedy.address)
        assert (outcome_of(world, greedy).count, outcome_of(world, greedy).success) == (number, True)
        assert world.balance(plan_id, greedy.address) == (CREDITS - burned) * number


def test_hook__that_orders_what_expires_again__has_a_lot_for_each(world: World) -> None:
    """C11: ReentersInHook orders once more for somebody else while its own order is not over."""
    plan_id, greedy, other = world.register(**expiring(DAY)), world.deploy("ReentersInHook"), world.other.address
    world.order(plan_id, receiver=other)
    arm(world, greedy, world.credits.functions.order(plan_id, other, 2, 0))
    world.order(plan_id, receiver=greedy.address)
    lots = world.read(world.credits.functions.lotsOf(plan_id, other, 0, 10))
    assert [credits for credits, _ in lots] == [CREDITS, 2 * CREDITS]
    lots = world.read(world.credits.functions.lotsOf(plan_id, greedy.address, 0, 10))
    assert [credits for credits, _ in lots] == [CREDITS]


@pytest.mark.parametrize("terms", [expiring(DAY), from_first_use(DAY, credits=100), from_purchase(DAY, credits=100)])
def test_hook__that_refuses_what_expires__leaves_nothing(world: World, terms: dict[str, Any]) -> None:
    """C13: no lot and no access remain of an order that was refused."""
    plan_id, refusing = world.register(**terms), world.deploy("NoHook").address
    with reverts(ERC1155InvalidReceiver(refusing)):
        world.order(plan_id, receiver=refusing)
    assert list(world.read(world.credits.functions.accountOf(plan_id, refusing))) == [0, 0, 0, False]
    assert world.read(world.credits.functions.lotsOf(plan_id, refusing, 0, 10)) == []
