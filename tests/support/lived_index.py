"""A chain on which people did things to plans of every kind, and indexes of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

from eth_account.signers.local import LocalAccount
from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.operations.plans import accept_plan_ownership, transfer_plan_ownership
from nvm_chain.types.events import Block
from tests.support.agents import Agents
from tests.support.calls import encode_call
from tests.support.statement_histories import History
from tests.support.world import MAX_FEE, MAX_UINT, TIP, World

Call = tuple[LocalAccount, ContractFunction]


def live(world: World, seed: int, steps: int) -> History:
    """Let some people do things by chance, with undelivered fees, new owners and agents, and several in one block."""
    history = History(world, seed)
    history.run(steps // 2)
    change_fees(history)
    crowd(history)
    change_owners(history)
    history.run(steps - steps // 2)
    for name in ("expiring", "time"):  # so that some credits and access have not ended
        world.grant(history.plans[name], world.subscriber.address, 2)
    return history


def change_fees(history: History) -> None:
    """Change who receives fees, and let some fees not be delivered."""
    world, plan_id = history.world, history.plans["expiring"]
    world.set_fee(200, world.partner.address)
    functions = world.usdc.functions
    for function in (functions.blacklist(world.partner.address), None, functions.unBlacklist(world.partner.address)):
        if function is not None:
            world.send(world.fee_owner, function)
        with suppress(NvmChainError):
            world.order(plan_id, world.subscriber, receiver=world.stranger.address, quantity=2)
            world.order(history.plans["lasting"], world.subscriber)


def crowd(history: History) -> None:
    """Let several people order and get credits of several plans in one block, so that their events stand side by side."""
    world, functions, plans = history.world, history.world.credits.functions, history.plans
    buyers = [world.subscriber, world.stranger, world.other]
    orders: list[Call] = [
        (buyer, functions.order(plans[name], receiver.address, 1, MAX_UINT))
        for buyer, receiver, name in zip(
            [*buyers, *buyers], [*buyers, *buyers[::-1]], ["time", "expiring", "lasting"] * 2, strict=True
        )
    ]
    mints: list[Call] = [
        (world.builder, functions.mint(plans[name], buyer.address, 3))
        for name in ("on use", "time")
        for buyer in buyers
    ]
    both = [plans["transferable"], plans["lasting"]]
    zeros: list[Call] = [
        (
            world.other,
            functions.safeBatchTransferFrom(world.other.address, world.stranger.address, both[:1] * 2, [0, 0], b""),
        )
    ]
    send_together(world, [call for pair in zip(orders, mints, strict=True) for call in pair] + zeros)


def change_owners(history: History) -> None:
    """Give plans away and take one back, and register agents that accept plans."""
    world, plans = history.world, history.plans
    for name, owners in (
        ("coin", [world.builder, world.partner]),
        ("trial", [world.builder, world.partner, world.builder]),
    ):
        for owner, heir in pairwise(owners):
            transfer_plan_ownership(world.chain, owner, plans[name], heir.address)
            accept_plan_ownership(world.chain, heir, plans[name])
    transfer_plan_ownership(world.chain, world.builder, plans["lasting"], world.other.address)
    functions = world.credits.functions
    world.send(world.builder, functions.setPlanActive(plans["short"], False))
    world.send(world.builder, functions.setPlanUri(plans["time"], "https://example.com/zeit-ä.json"))
    for role in (functions.setRedeemer, functions.setMinter):
        world.send(world.builder, role(plans["time"], world.redeemer.address, True))
        world.send(world.builder, role(plans["time"], world.minter.address, True))
        world.send(world.builder, role(plans["time"], world.minter.address, False))
    agents = Agents(world)
    first = agents.register((plans["lasting"], 1, 5), (plans["time"], 0, 0))
    agents.transfer(agents.register((plans["lasting"], 2, 2)), world.partner)
    agents.attach(first, plans["expiring"])
    world.send(world.builder, agents.functions.detachPlan(first, plans["lasting"]))


def send_together(world: World, calls: Sequence[Call]) -> None:
    """Mine calls in one block, in their order. Some may fail."""
    provider: Any = world.chain.web3.provider
    provider.make_request("evm_setAutomine", [False])
    counts: dict[str, int] = {}
    for place, (signer, function) in enumerate(calls):
        nonce = counts.setdefault(signer.address, world.chain.count_sent(signer.address, "latest"))
        counts[signer.address] += 1
        fields: dict[str, Any] = {
            "to": function.address,
            "data": encode_call(function),
            "value": 0,
            "chainId": world.chain.chain_id,
        }
        # Anvil takes the transactions with the highest tips first.
        prices = {"gas": 400_000, "maxFeePerGas": MAX_FEE, "maxPriorityFeePerGas": TIP - place}
        signed = signer.sign_transaction({**fields, **prices, "nonce": nonce})
        world.chain.web3.eth.send_raw_transaction(signed.raw_transaction)
    provider.make_request("evm_mine", [])
    provider.make_request("evm_setAutomine", [True])


@contextmanager
def indexed(chain: Chain, url: str, *, to_block: int | None = None) -> Iterator[Index]:
    """Make an index of a chain, and close it at the end."""
    index = open_index(
        url, chain_id=chain.chain_id, credits=chain.credits.address, agents=chain.agents.address, create=True
    )
    try:
        head = Follower(chain, index).sync(to_block)
        assert isinstance(head, Block)
        yield index
    finally:
        index.close()
