"""Read-only re-entrancy: the attacker reads Credits in the middle of somebody's call, for another contract that trusts what it reads.

A lender, a gateway or a vote asks Credits who has what. Called from a token's callback, a receiver's hook, a payee's receive function
or a wallet's signature check, it must hear what will be so at the end, for every read there is (C11). A quoter, which is asked
before anything has happened, hears what was so before, in every read alike.
"""

from collections.abc import Callable
from typing import Any

import pytest
from eth_abi.abi import encode as encode_abi
from web3.contract.contract import Contract, ContractFunction

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.types.prices import Split
from tests.support.batches import BALANCE, register_for_two, settle_batch, wallet_item
from tests.support.gas import simulate
from tests.support.plans import expiring, from_purchase
from tests.support.probes import deploy_probe
from tests.support.reentry import Outcome, arm, encode, outcome_of, send_coin, through_many
from tests.support.signed import NOT_SIGNED, SETTLED, sign_item
from tests.support.world import MAX_UINT, ZERO, World

DAY = 86_400
PLENTY_OF_GAS = 5_000_000
ERC1271_YES = bytes.fromhex("1626ba7e")
Reads = dict[str, ContractFunction]


def every_read(world: World, plan_id: int, holder: str) -> Reads:
    """Return a call of each read of Credits that says something of a plan or a holder."""
    functions = world.credits.functions
    terms = world.terms().as_tuple()
    voucher = (plan_id, holder, holder, 1, bytes(32), 1)
    order = (plan_id, holder, holder, 1, 1, 0, 1, bytes(32))
    return {
        "accessUntil": functions.accessUntil(plan_id, holder),
        "accountOf": functions.accountOf(plan_id, holder),
        "authorizationNonceOf": functions.authorizationNonceOf(order),
        "balanceOf": functions.balanceOf(holder, plan_id),
        "balanceOfBatch": functions.balanceOfBatch([holder, world.other.address], [plan_id] * 2),
        "canRedeem": functions.canRedeem(plan_id, holder, 10),
        "eip712Domain": functions.eip712Domain(),
        "isApprovedForAll": functions.isApprovedForAll(holder, world.other.address),
        "isMinter": functions.isMinter(plan_id, holder),
        "isRedeemer": functions.isRedeemer(plan_id, holder),
        "isReferenceUsed": functions.isReferenceUsed(plan_id, bytes(32)),
        "lotsOf": functions.lotsOf(plan_id, holder, 0, 10),
        "owner": functions.owner(),
        "pendingOwner": functions.pendingOwner(),
        "planIdOf": functions.planIdOf(holder, terms, bytes(32)),
        "protocolFee": functions.protocolFee(),
        "quote": functions.quote(plan_id, holder, 1),
        "stateOf": functions.stateOf(plan_id),
        "supportsInterface": functions.supportsInterface(bytes.fromhex("d9b67a26")),
        "termsOf": functions.termsOf(plan_id),
        "uri": functions.uri(plan_id),
        "voucherDigestOf": functions.voucherDigestOf(voucher),
    }


CONSTANTS = {"ISOLATED_GAS", "MAX_FEE_BPS", "MAX_QUANTITY", "MAX_SPLITS"}


def test_every_read__is_every_view_of_the_contract(world: World) -> None:
    """A view that is added to Credits has to be added above."""
    views = {
        entry["name"] for entry in read_artifact("Credits").abi if entry.get("stateMutability") in ("view", "pure")
    }
    assert set(every_read(world, 0, ZERO)) == views - CONSTANTS


def answer_now(world: World, function: ContractFunction) -> bytes:
    """Return what a read answers."""
    return simulate(world.chain, world.other.address, encode(function), world.credits.address)


def check_heard(world: World, reader: Contract, reads: Reads, times: int) -> None:
    """Compare what was heard in the middle with what is said now."""
    heard: Outcome = outcome_of(world, reader)
    assert (heard.count, heard.success) == (times, True)
    afterwards = encode_abi(["bytes[]"], [[answer_now(world, function) for function in reads.values()]])
    assert heard.answer == afterwards


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "credits": dict,
    "expiring": lambda: expiring(DAY),
    "time": lambda: from_purchase(DAY),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after_move", [False, True], ids=["before", "after"])
def test_order__read_from_the_tokens_callback__says_what_is_so_afterwards(
    world: World, kind: str, after_move: bool
) -> None:
    token, actor = world.deploy("CallsBack"), world.deploy("Actor")
    splits = (Split(world.builder.address, 700), Split(world.partner.address, 300))
    plan_id = world.register(**{**KINDS[kind](), "token": token.address, "splits": splits})
    world.fund(world.subscriber, token, 10_000)
    world.order(plan_id)
    world.send(world.fee_owner, token.functions.setAfterMove(after_move))
    reads = every_read(world, plan_id, world.subscriber.address)
    arm(world, token, through_many(actor, *reads.values()))
    function = world.credits.functions.order(plan_id, world.subscriber.address, 2, MAX_UINT)
    assert world.send_with_gas(world.subscriber, function, PLENTY_OF_GAS)["status"] == 1
    check_heard(world, token, reads, times=2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("give", ["order", "mint", "grantExternal"])
def test_grant__read_from_the_receivers_hook__says_what_is_so_afterwards(world: World, kind: str, give: str) -> None:
    reader, functions = world.deploy("ReentersInHook"), world.credits.functions
    plan_id = world.register(**{**KINDS[kind](), "splits": ()})
    reads = every_read(world, plan_id, reader.address)
    arm(world, reader, through_many(reader, *reads.values()))
    function = {
        "order": functions.order(plan_id, reader.address, 2, 0),
        "mint": functions.mint(plan_id, reader.address, 3),
        "grantExternal": functions.grantExternal(plan_id, reader.address, 2, bytes(32)),
    }[give]
    assert world.send_with_gas(world.builder, function, PLENTY_OF_GAS)["status"] == 1
    check_heard(world, reader, reads, times=1)


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_transfer__read_from_the_receivers_hook__says_what_is_so_afterwards(
    world: World, transferable_plan: int, batch: bool
) -> None:
    reader, functions, sender = world.deploy("ReentersInHook"), world.credits.functions, world.subscriber.address
    reads = every_read(world, transferable_plan, sender)
    arm(world, reader, through_many(reader, *reads.values()))
    single = functions.safeTransferFrom(sender, reader.address, transferable_plan, 4, b"")
    double = functions.safeBatchTransferFrom(sender, reader.address, [transferable_plan] * 2, [3, 1], b"")
    assert world.send_with_gas(world.subscriber, double if batch else single, PLENTY_OF_GAS)["status"] == 1
    check_heard(world, reader, reads, times=1)


def test_order__read_by_who_is_paid_in_coin__says_what_is_so_afterwards(world: World) -> None:
    reader, actor = world.deploy("ReentersOnCoin"), world.deploy("Actor")
    send_coin(world, reader, 1)
    plan_id = world.register(token=ZERO, splits=(Split(reader.address, 700), Split(reader.address, 300)))
    reads = every_read(world, plan_id, world.subscriber.address)
    arm(world, reader, through_many(actor, *reads.values()))
    function = world.credits.functions.order(plan_id, world.subscriber.address, 1, 1000)
    assert world.send_with_gas(world.subscriber, function, PLENTY_OF_GAS, 1000)["status"] == 1
    check_heard(world, reader, reads, times=2)


# ---------------------------------------------------------------- asked for a price, before


@pytest.mark.parametrize("name", ["balanceOf", "accessUntil"])
@pytest.mark.parametrize("kind", KINDS)
def test_order__read_by_the_quoter__says_what_was_so_before(world: World, kind: str, name: str) -> None:
    """The quoter asks the price that it hears as an answer, so the price tells what it heard."""
    quoter, holder = world.deploy("ReentersOnQuote"), world.subscriber
    splits = (Split(world.builder.address, 1),)
    plan_id = world.register(**{**KINDS[kind](), "splits": splits, "quoter": quoter.address})
    world.grant(plan_id, holder.address, 3)
    function = every_read(world, plan_id, holder.address)[name]
    before = int.from_bytes(answer_now(world, function), "big")
    world.send(world.other, quoter.functions.arm(function.address, encode(function)))
    world.fund(holder, amount=10**12)
    world.order(plan_id)
    assert world.tokens(world.builder.address) == before


# ---------------------------------------------------------------- asked for a signature


@pytest.mark.parametrize("right", [True, False])
def test_settle__read_by_a_wallet__says_what_those_before_it_have_left(world: World, right: bool) -> None:
    """The wallet's own credits are there still, and the voucher before it is settled: nothing is half done."""
    plan_id = register_for_two(world)
    functions, holder = world.credits.functions, world.subscriber
    before = sign_item(world, plan_id, holder, 7)
    seen = functions.balanceOf(holder.address, plan_id)
    wallet = deploy_probe(world, seen, BALANCE - 7 if right else BALANCE, ERC1271_YES)
    outcomes = settle_batch(world, plan_id, before, wallet_item(wallet), sign_item(world, plan_id, world.other, 7))
    _, middle, last = outcomes
    assert (middle[1] != NOT_SIGNED, last) == (right, (7, SETTLED))
    assert world.balance(plan_id, holder.address) == BALANCE - 7


def test_mint_batch__read_from_a_hook__says_what_those_before_it_got(world: World) -> None:
    """One item at a time: those before are granted, those behind are not."""
    plan_id, reader = world.register(splits=()), world.deploy("ReentersInHook")
    functions = world.credits.functions
    holders = [world.subscriber.address, reader.address, world.other.address]
    arm(world, reader, functions.balanceOfBatch(holders, [plan_id] * 3))
    world.send(world.builder, functions.mintBatch(plan_id, holders, [1, 2, 3]))
    assert outcome_of(world, reader).answer == encode_abi(["uint256[]"], [[1, 2, 0]])
    assert world.balance(plan_id, world.other.address) == 3
