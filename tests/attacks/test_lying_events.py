"""Events that lie: the attacker wants whoever reads logs to believe what is not in the books.

They re-enter so that events interleave, have items of a batch fail after their events, and emit events that look like those of Credits from
contracts of their own. Whoever takes the events of Credits alone, by address, has its books to the unit (C37); the client does.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.abi import encode as encode_abi
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from web3.types import TxReceipt

from nvm_chain.operations.orders import order_plan
from nvm_chain.types.prices import Split
from tests.assurance.invariants.rebuilt import Rebuilt
from tests.support.plans import expiring, from_first_use, from_purchase
from tests.support.reentry import arm, through, through_many
from tests.support.signed import settle, sign_item
from tests.support.world import CREDITS, MAX_FEE_BPS, MAX_UINT, NO_CONTEXT, World

DAY = 86_400
PLENTY_OF_GAS = 8_000_000


class Log:
    """Every event of Credits from here on, with its second, as an indexer would have it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[tuple[int, tuple[tuple[int, ...], bytes]]] = []

    def read(self, receipt: TxReceipt) -> TxReceipt:
        """Take the events of one transaction."""
        timestamp = self.world.chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"]
        for event in receipt["logs"]:
            if event["address"] == self.world.credits.address:
                topics = tuple(int.from_bytes(topic, "big") for topic in event["topics"])
                self.events.append((timestamp, (topics, bytes(event["data"]))))
        return receipt

    def send(self, account: Any, function: Any) -> TxReceipt:
        """Send with gas for whatever happens, and take the events."""
        receipt = self.world.send_with_gas(account, function, PLENTY_OF_GAS)
        assert receipt["status"] == 1
        return self.read(receipt)

    def check(self, plan_ids: list[int], holders: Sequence[str]) -> None:
        """Compare books made of the events alone with what the contract says."""
        rebuilt, now = Rebuilt(self.events), self.world.now
        functions = self.world.credits.functions
        for plan_id in plan_ids:
            for holder in holders:
                account = self.world.read(functions.accountOf(plan_id, holder))
                key = (plan_id, int(holder, 16))
                found = (rebuilt.balance(*key, now), rebuilt.settled[key], rebuilt.until[key])
                assert found == tuple(account[:3])


def register(log: Log, **terms: Any) -> int:
    """Register a plan and take its events."""
    world = log.world
    function = world.credits.functions.registerPlan(
        world.terms(**terms).as_tuple(), len(log.events).to_bytes(32, "big"), "", MAX_FEE_BPS
    )
    receipt = log.send(world.builder, function)
    return int(world.chain.read_events(world.credits, "PlanRegistered", receipt)[0]["args"]["planId"])


KINDS = {
    "credits": lambda: {"transferable": True},
    "expiring": lambda: expiring(DAY),
    "from purchase": lambda: from_purchase(DAY),
    "from first use": lambda: from_first_use(DAY),
}


@pytest.mark.parametrize("kind", KINDS)
def test_events__of_orders_re_entered_in_every_transfer_and_hook__make_the_same_books(world: World, kind: str) -> None:
    """C10, C11, C37: a hostile token and a greedy receiver order, mint and burn in each other's middle."""
    log, functions = Log(world), world.credits.functions
    token, actor, greedy = world.deploy("CallsBack"), world.deploy("Actor"), world.deploy("ReentersInHook")
    splits = (Split(world.builder.address, 700), Split(world.partner.address, 300))
    plan_id = register(log, **{**KINDS[kind](), "token": token.address, "splits": splits})
    other = register(log, splits=())
    for account in (actor.address, greedy.address):
        log.send(world.builder, functions.setMinter(plan_id, account, True))
    world.fund(world.subscriber, token, 10_000)
    world.send(world.subscriber, token.functions.mint(actor.address, 10_000))
    world.send(world.subscriber, through(actor, token.functions.approve(world.credits.address, 10_000)))
    inner = [
        functions.order(plan_id, actor.address, 1, 1000),
        functions.mint(plan_id, world.other.address, 2),
        functions.burn(plan_id, actor.address, 1),
        functions.order(other, world.subscriber.address, 3, 0),
    ]
    arm(world, token, through_many(actor, *inner))
    arm(world, greedy, functions.burn(plan_id, greedy.address, 1))
    log.send(world.subscriber, functions.order(plan_id, greedy.address, 2, MAX_UINT))
    refusing = world.deploy("RejectsCredits").address
    targets = [world.other.address, refusing, greedy.address, world.other.address]
    log.send(world.builder, functions.mintBatch(plan_id, targets, [1, 2, 3, 0]))
    holders = [actor.address, greedy.address, world.other.address, world.subscriber.address, refusing]
    log.check([plan_id, other], holders)
    world.mine_at(world.now + DAY)
    log.check([plan_id, other], holders)


def test_events__of_a_batch_with_every_outcome__make_the_same_books(world: World) -> None:
    """C37: vouchers that bring all, some or nothing, twice and in one go with others."""
    log, functions = Log(world), world.credits.functions
    plan_id = register(log)
    log.send(world.builder, functions.setRedeemer(plan_id, world.redeemer.address, True))
    holders = [world.subscriber, world.other, world.partner]
    log.send(world.builder, functions.mintBatch(plan_id, [each.address for each in holders], [10, 3, 7]))
    items = [
        sign_item(world, plan_id, world.subscriber, 4),
        sign_item(world, plan_id, world.other, 5),
        sign_item(world, plan_id, world.partner, 5, deadline=1),
        sign_item(world, plan_id, world.stranger, 5, holder=world.partner.address),
        sign_item(world, plan_id, world.subscriber, 6, total=5),
        sign_item(world, plan_id, world.partner, 0),
    ]
    log.send(world.redeemer, settle(world, plan_id, *items, *items))
    log.send(world.subscriber, functions.burn(plan_id, world.subscriber.address, 1))
    log.check([plan_id], [each.address for each in holders])
    assert world.balance(plan_id, world.subscriber.address) == 10 - 5 - 1


# ---------------------------------------------------------------- look-alikes


def topic(text: str) -> bytes:
    """Return the first topic of an event."""
    return keccak(text=text)


def padded(address: str) -> bytes:
    """Return an address as a topic."""
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def deploy_forger(world: World, logs: list[tuple[list[bytes], bytes]]) -> ChecksumAddress:
    """Deploy a token that answers every call with 1, and in calls of transferFrom emits these logs first."""
    body, offset_of_data = "", b"".join(data for _, data in logs)
    program = "5f3560e01c6323b872dd1461{emit:04x}5760015f5260205ff35b"

    def assemble(start: int) -> str:
        text, position = "", start
        for topics, data in logs:
            text += f"61{len(data):04x}61{position:04x}5f39"
            text += "".join(f"7f{each.hex()}" for each in reversed(topics))
            text += f"61{len(data):04x}5f{0xA0 + len(topics):02x}"
            position += len(data)
        return text + "60015f5260205ff3"

    emit = len(bytes.fromhex(program.format(emit=0))) - 1
    start = emit + 1 + len(bytes.fromhex(assemble(0)))
    body = program.format(emit=emit) + assemble(start)
    runtime = bytes.fromhex(body) + offset_of_data
    creation = bytes.fromhex(f"61{len(runtime):04x}80600a5f395ff3")
    return world.chain.deploy(world.stranger, creation + runtime)


def test_order_plan__in_a_token_that_forges_events_of_credits__tells_what_credits_says(world: World) -> None:
    """C37: an order of a million purchases for somebody else, in the name of the payer, from the token's address."""
    payer, stranger = world.subscriber.address, world.stranger.address
    plan: list[int] = []
    token: ChecksumAddress | None = None
    for _ in range(2):  # the second token knows the id that the plan in the first would have had, the first a wrong one
        forged_id = plan[0] if plan else 7
        forged = [
            (
                [
                    topic("TransferSingle(address,address,address,uint256,uint256)"),
                    *map(padded, (payer, payer, stranger)),
                ],
                encode_abi(["uint256", "uint256"], [forged_id, 10**6]),
            ),
            (
                [
                    topic("Ordered(uint256,address,address,uint256,uint256)"),
                    forged_id.to_bytes(32, "big"),
                    padded(payer),
                    padded(stranger),
                ],
                encode_abi(["uint256", "uint256"], [10**6, 0]),
            ),
        ]
        token = deploy_forger(world, forged)
        plan = [world.register(token=token, splits=(Split(world.builder.address, 1),))]
    receipt = order_plan(world.chain, world.subscriber, plan[0], payment_method="allowance")
    told = (receipt.receiver, receipt.quantity, receipt.paid, receipt.credits_granted)
    assert told == (payer, 1, 1, CREDITS)
    raw = world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]
    assert [log["address"] for log in raw["logs"]] == [world.credits.address] * 2 + [token] * 2
    assert world.balance(plan[0], stranger) == 0


def test_grant__that_reverts_in_the_end__leaves_no_event(world: World) -> None:
    """C37: the hook spends, and then refuses; what was said in between is gone with what was done."""
    plan_id, greedy = world.register(splits=()), world.deploy("ReentersInHook")
    world.send(world.fee_owner, greedy.functions.setRefusing(True))
    arm(world, greedy, world.credits.functions.redeem(plan_id, greedy.address, 1, NO_CONTEXT))
    function = world.credits.functions.mint(plan_id, greedy.address, 5)
    receipt = world.send_with_gas(world.builder, function, 1_000_000)
    assert (receipt["status"], receipt["logs"]) == (0, [])
    batch = world.credits.functions.mintBatch(plan_id, [greedy.address], [5])
    assert [name for name, _ in world.events(world.send_with_gas(world.builder, batch, 2_000_000))] == ["MintSkipped"]
