"""Callers: a right belongs to whoever makes the call, never to the account that pays for the transaction's gas.

First a contract is builder, holder, minter, redeemer, operator, owner of everything, and an account that is nobody has it make each call:
all that is written and said is the contract's. Then it is the other way round: whoever has the right uses a contract that they should not
have trusted, and the contract gets nothing of it (C14; C15).
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import NotPlanOwner, PaymentFailed
from tests.contracts import test_every_function as credits_table
from tests.contracts.agents import test_every_function as agents_table
from tests.support import fixtures
from tests.support.agents import URI, Agents, attached, detached
from tests.support.agents import moved as agent_moved
from tests.support.events import granted, moved, moved_batch, ordered, plan_registered, redeemed, taken, uri_set
from tests.support.plans import usage
from tests.support.reentry import through
from tests.support.reverts import reverts
from tests.support.signed import (
    as_tuple,
    granted_external,
    order_of,
    paid,
    settled,
    sign,
    sign_item,
)
from tests.support.signed import settle as settle_items
from tests.support.world import CREDITS, FUNDS, MAX_FEE_BPS, MAX_UINT, NO_CONTEXT, PRICE, ZERO, World

Event = tuple[str, dict[str, Any]]
Deed = tuple[ContractFunction, list[Event]]
"""A call, and all that it emits if it is the contract's."""

NO_PERMIT = (0, 0, NO_CONTEXT, NO_CONTEXT)
REFERENCE = b"\7" * 32
SALT = b"\5" * 32
QUOTED = 1000
"""What DependsOnPayer asks of the contract; of the account behind it, more."""

crowd = credits_table.crowd
crowded, agent_id, plan_id = agents_table.crowded, fixtures.agent_id, fixtures.plan_id


class Scene:
    """A contract in every role, an account that is nobody behind it, and a receiver that remembers who gave it credits."""

    def __init__(self, world: World) -> None:
        """Deploy the contract, and give it nothing before it is needed."""
        self.world, self.f = world, world.credits.functions
        self.agents = Agents(world)
        self.actor: Contract = world.deploy("Actor")
        self.me: str = self.actor.address
        self.holder: str = world.subscriber.address

    @cached_property
    def hears(self) -> Contract:
        """The receiver that remembers."""
        return self.world.deploy("AcceptsCredits")

    def heard(self, event: str) -> list[Any]:
        """Return what the receiver was told of the last of these events."""
        told = self.hears.functions
        what = told.batch() if event == "TransferBatch" else None
        values = self.world.read(what) if what else [self.world.read(each()) for each in (told.id, told.value)]
        return [self.world.read(told.operator()), self.world.read(told["from"]()), *values]

    @cached_property
    def own(self) -> int:
        """The contract's plan: it and the subscriber, whose operator it is, hold 10 credits of it. They may be transferred."""
        plan = self.register(transferable=True)
        self.world.send(self.world.subscriber, self.f.setApprovalForAll(self.me, True))
        for holder in (self.me, self.holder):
            self.do(self.f.mint(plan, holder, 10))
        return plan

    @cached_property
    def ruled(self) -> int:
        """The contract's plan, where the owner redeems: the subscriber holds 10 credits of it."""
        plan = self.register(rule=RedemptionRule.OWNER)
        self.do(self.f.mint(plan, self.holder, 10))
        return plan

    @cached_property
    def staffed(self) -> int:
        """A plan of the builder's, with the contract as redeemer and minter: the subscriber holds 10 credits of it."""
        plan = self.world.register(rule=RedemptionRule.REDEEMER)
        self.world.send(self.world.builder, self.f.setRedeemer(plan, self.me, True))
        self.world.send(self.world.builder, self.f.setMinter(plan, self.me, True))
        self.world.grant(plan, self.holder, 10)
        return plan

    @cached_property
    def offered(self) -> int:
        """A plan of the builder's, offered to the contract."""
        plan = self.world.register()
        self.world.send(self.world.builder, self.f.transferPlanOwnership(plan, self.me))
        return plan

    def for_sale(self, **changes: Any) -> int:
        """Register a plan of the builder's, and give contract and subscriber money for it."""
        usdc = self.world.usdc
        self.world.send(self.world.other, usdc.functions.mint(self.me, FUNDS))
        self.do(usdc.functions.approve(self.world.credits.address, FUNDS))
        self.world.fund(self.world.subscriber)
        return self.world.register(**changes)

    def quoter(self) -> str:
        """Deploy a quoter that asks more of whoever is behind the contract."""
        quoter = self.world.deploy("DependsOnPayer")
        self.world.send(self.world.other, quoter.functions.dislike(self.world.stranger.address))
        return quoter.address

    def do(self, function: ContractFunction) -> TxReceipt:
        """Have the account that is nobody make the contract call."""
        return self.world.send(self.world.stranger, through(self.actor, function))

    def register(self, **changes: Any) -> int:
        """Register a plan of the contract's."""
        terms = self.world.terms(**changes).as_tuple()
        self.do(self.f.registerPlan(terms, SALT, "", MAX_FEE_BPS))
        return int(self.world.read(self.f.planIdOf(self.me, terms, SALT)))

    def own_credits(self) -> None:
        """Have the contract own the Credits contract."""
        self.world.send(self.world.fee_owner, self.f.transferOwnership(self.me))
        self.do(self.f.acceptOwnership())

    def own_agent(self) -> int:
        """Have the contract register an agent with a plan of its own, and return the agent's id."""
        self.do(self.agents.functions.register(URI, [(self.own, 1, 2)]))
        return int(self.world.read(self.agents.functions.agentCount()))


@pytest.fixture
def scene(world: World) -> Scene:
    """A contract in every role."""
    return Scene(world)


# ---------------------------------------------------------------------- what the contract does is the contract's


def register(s: Scene) -> Deed:
    terms = s.world.terms()
    plan = int(s.world.read(s.f.planIdOf(s.me, terms.as_tuple(), b"\6" * 32)))
    call = s.f.registerPlan(terms.as_tuple(), b"\6" * 32, "there", MAX_FEE_BPS)
    return call, [plan_registered(plan, s.me, terms, b"\6" * 32, 0), uri_set(plan, "there")]


def bring_order(s: Scene) -> Deed:
    plan, receiver = s.for_sale(), s.hears.address
    order = order_of(s.world, plan, max_cost=PRICE, receiver=receiver)
    call = s.f.orderWithAuthorization(as_tuple(order), sign(s.world, order))
    return call, [granted(s.me, receiver, plan, CREDITS), ordered(plan, s.holder, receiver, 1, PRICE)]


def settle_as(s: Scene, plan: int) -> Deed:
    item = sign_item(s.world, plan, s.world.subscriber, 3, redeemer=s.me)
    return settle_items(s.world, plan, item), [taken(s.me, s.holder, plan, 3), settled(plan, s.me, 1, 3)]


def own_credits_then(s: Scene, call: ContractFunction, event: Event) -> Deed:
    s.own_credits()
    return call, [event]


def accept_credits(s: Scene) -> Deed:
    owner = s.world.fee_owner
    s.world.send(owner, s.f.transferOwnership(s.me))
    return s.f.acceptOwnership(), [("OwnershipTransferred", {"previousOwner": owner.address, "newOwner": s.me})]


def order(s: Scene, cost: int, *permit: Any, **changes: Any) -> Deed:
    plan, receiver = s.for_sale(**changes), s.hears.address
    name = "orderWithPermit" if permit else "order"
    call = s.f[name](plan, receiver, 1, MAX_UINT, *permit)
    return call, [granted(s.me, receiver, plan, CREDITS), ordered(plan, s.me, receiver, 1, cost)]


def pay(s: Scene, cost: int, **changes: Any) -> Deed:
    plan = s.for_sale(**usage(**changes))
    return s.f.payUsage(plan, 1, MAX_UINT, NO_CONTEXT), [paid(plan, s.me, 1, cost, NO_CONTEXT)]


def rights(s: Scene, whose: str) -> dict[str, Any]:
    return {"planId": s.own, "owner": s.me, whose: s.world.other.address, "allowed": True}


CREDITS_DEEDS: dict[str, Callable[[Scene], Deed]] = {
    "registerPlan": register,
    "setPlanUri": lambda s: (s.f.setPlanUri(s.own, "new"), [uri_set(s.own, "new")]),
    "setPlanActive": lambda s: (
        s.f.setPlanActive(s.own, False),
        [("PlanActiveSet", {"planId": s.own, "active": False})],
    ),
    "setRedeemer": lambda s: (
        s.f.setRedeemer(s.own, s.world.other.address, True),
        [("RedeemerSet", rights(s, "redeemer"))],
    ),
    "setMinter": lambda s: (
        s.f.setMinter(s.own, s.world.other.address, True),
        [("MinterSet", rights(s, "minter"))],
    ),
    "transferPlanOwnership": lambda s: (
        s.f.transferPlanOwnership(s.own, s.holder),
        [("PlanOwnershipOffered", {"planId": s.own, "owner": s.me, "pendingOwner": s.holder})],
    ),
    "acceptPlanOwnership": lambda s: (
        s.f.acceptPlanOwnership(s.offered),
        [
            (
                "PlanOwnershipTransferred",
                {"planId": s.offered, "previousOwner": s.world.builder.address, "newOwner": s.me},
            )
        ],
    ),
    "order": lambda s: order(s, PRICE),
    "order quoted": lambda s: order(s, QUOTED, quoter=s.quoter()),
    "orderWithPermit": lambda s: order(s, PRICE, NO_PERMIT),
    "orderWithAuthorization": bring_order,
    "payUsage": lambda s: pay(s, PRICE),
    "payUsage quoted": lambda s: pay(s, QUOTED, quoter=s.quoter()),
    "mint as owner": lambda s: (
        s.f.mint(s.own, s.hears.address, 2),
        [granted(s.me, s.hears.address, s.own, 2)],
    ),
    "mint as minter": lambda s: (
        s.f.mint(s.staffed, s.hears.address, 2),
        [granted(s.me, s.hears.address, s.staffed, 2)],
    ),
    "mintBatch as minter": lambda s: (
        s.f.mintBatch(s.staffed, [s.hears.address], [2]),
        [granted(s.me, s.hears.address, s.staffed, 2)],
    ),
    "grantExternal as owner": lambda s: (
        s.f.grantExternal(s.own, s.hears.address, 1, REFERENCE),
        [
            granted_external(s.own, s.hears.address, 1, REFERENCE),
            granted(s.me, s.hears.address, s.own, CREDITS),
        ],
    ),
    "redeem as holder": lambda s: (
        s.f.redeem(s.own, s.me, 1, NO_CONTEXT),
        [taken(s.me, s.me, s.own, 1), redeemed(s.own, s.me, s.me, 1)],
    ),
    "redeem as redeemer": lambda s: (
        s.f.redeem(s.staffed, s.holder, 1, NO_CONTEXT),
        [taken(s.me, s.holder, s.staffed, 1), redeemed(s.staffed, s.holder, s.me, 1)],
    ),
    "redeem as owner": lambda s: (
        s.f.redeem(s.ruled, s.holder, 1, NO_CONTEXT),
        [taken(s.me, s.holder, s.ruled, 1), redeemed(s.ruled, s.holder, s.me, 1)],
    ),
    "settle as redeemer": lambda s: settle_as(s, s.staffed),
    "settle as owner": lambda s: settle_as(s, s.ruled),
    "burn as holder": lambda s: (s.f.burn(s.own, s.me, 1), [taken(s.me, s.me, s.own, 1)]),
    "burn as operator": lambda s: (s.f.burn(s.own, s.holder, 1), [taken(s.me, s.holder, s.own, 1)]),
    "safeTransferFrom as holder": lambda s: (
        s.f.safeTransferFrom(s.me, s.hears.address, s.own, 1, b""),
        [moved(s.me, s.me, s.hears.address, s.own, 1)],
    ),
    "safeTransferFrom as operator": lambda s: (
        s.f.safeTransferFrom(s.holder, s.hears.address, s.own, 1, b""),
        [moved(s.me, s.holder, s.hears.address, s.own, 1)],
    ),
    "safeBatchTransferFrom as holder": lambda s: (
        s.f.safeBatchTransferFrom(s.me, s.hears.address, [s.own], [1], b""),
        [moved_batch(s.me, s.me, s.hears.address, [s.own], [1])],
    ),
    "safeBatchTransferFrom as operator": lambda s: (
        s.f.safeBatchTransferFrom(s.holder, s.hears.address, [s.own], [1], b""),
        [moved_batch(s.me, s.holder, s.hears.address, [s.own], [1])],
    ),
    "setApprovalForAll": lambda s: (
        s.f.setApprovalForAll(s.holder, True),
        [("ApprovalForAll", {"account": s.me, "operator": s.holder, "approved": True})],
    ),
    "acceptOwnership": accept_credits,
    "transferOwnership": lambda s: own_credits_then(
        s,
        s.f.transferOwnership(s.holder),
        ("OwnershipTransferStarted", {"previousOwner": s.me, "newOwner": s.holder}),
    ),
    "renounceOwnership": lambda s: own_credits_then(
        s, s.f.renounceOwnership(), ("OwnershipTransferred", {"previousOwner": s.me, "newOwner": ZERO})
    ),
    "setProtocolFee": lambda s: own_credits_then(
        s, s.f.setProtocolFee(5, s.holder), ("ProtocolFeeSet", {"feeBps": 5, "receiver": s.holder})
    ),
}
ONLY_CREDITS_ITSELF = {"mintItem", "sendFee"}


TOLD = {"TransferSingle": ("id", "value"), "TransferBatch": ("ids", "values")}
"""The events of which a receiver is told, and what of them besides who and from whom."""


@pytest.mark.parametrize("name", CREDITS_DEEDS)
def test_credits__called_by_a_contract_with_the_right__takes_it_for_the_contracts(scene: Scene, name: str) -> None:
    """C14: the right, the money, the events and what a receiver is told are the contract's, with nobody behind it."""
    world = scene.world
    call, events = CREDITS_DEEDS[name](scene)
    before = world.tokens(world.stranger.address)
    assert world.events(scene.do(call)) == events
    assert world.tokens(world.stranger.address) == before
    for event, told in events:
        if told.get("to") == scene.hears.address and event in TOLD:
            assert scene.heard(event) == [told["operator"], told["from"], *(told[each] for each in TOLD[event])]


def test_credits__plan_registered_through_a_contract__has_the_contract_as_owner(scene: Scene) -> None:
    state = scene.world.read(scene.f.stateOf(scene.own))
    assert state[0] == scene.me
    scene.do(scene.f.acceptPlanOwnership(scene.offered))
    assert scene.world.read(scene.f.stateOf(scene.offered))[0] == scene.me


def test_credits__right_given_through_a_contract__is_of_the_contracts_plan(scene: Scene) -> None:
    other, world = scene.world.other.address, scene.world
    scene.do(scene.f.setMinter(scene.own, other, True))
    scene.do(scene.f.setRedeemer(scene.own, other, True))
    assert world.read(scene.f.isMinter(scene.own, other)) is True
    assert world.read(scene.f.isRedeemer(scene.own, other)) is True


AgentDeed = Callable[[Scene, int], Deed]
AGENT_DEEDS: dict[str, AgentDeed] = {
    "register": lambda s, agent: (
        s.agents.functions.register(URI, [(s.own, 1, 2)]),
        [
            agent_moved(ZERO, s.me, agent + 1),
            ("Registered", {"agentId": agent + 1, "agentUri": URI, "owner": s.me}),
            attached(agent + 1, s.own, 1, 2),
        ],
    ),
    "setAgentUri": lambda s, agent: (
        s.agents.functions.setAgentUri(agent, "new"),
        [("URIUpdated", {"agentId": agent, "agentUri": "new", "owner": s.me})],
    ),
    "attachPlan": lambda s, agent: (
        s.agents.functions.attachPlan(agent, s.ruled, 3, 4),
        [attached(agent, s.ruled, 3, 4)],
    ),
    "detachPlan": lambda s, agent: (s.agents.functions.detachPlan(agent, s.own), [detached(agent, s.own, s.me)]),
    "replacePlans": lambda s, agent: (
        s.agents.functions.replacePlans(agent, [(s.ruled, 3, 4)]),
        [detached(agent, s.own, s.me), attached(agent, s.ruled, 3, 4)],
    ),
    "approve": lambda s, agent: (
        s.agents.functions.approve(s.holder, agent),
        [("Approval", {"owner": s.me, "approved": s.holder, "tokenId": agent})],
    ),
    "setApprovalForAll": lambda s, agent: (
        s.agents.functions.setApprovalForAll(s.holder, True),
        [("ApprovalForAll", {"owner": s.me, "operator": s.holder, "approved": True})],
    ),
    "transferFrom": lambda s, agent: (
        s.agents.functions.transferFrom(s.me, s.holder, agent),
        [agent_moved(s.me, s.holder, agent)],
    ),
    "safeTransferFrom": lambda s, agent: (
        s.agents.functions.safeTransferFrom(s.me, s.holder, agent),
        [agent_moved(s.me, s.holder, agent)],
    ),
}


@pytest.mark.parametrize("name", AGENT_DEEDS)
def test_agents__called_by_a_contract_with_the_right__takes_it_for_the_contracts(scene: Scene, name: str) -> None:
    """C14: of agents too."""
    agent = scene.own_agent()
    assert scene.world.read(scene.agents.functions.ownerOf(agent)) == scene.me
    call, events = AGENT_DEEDS[name](scene, agent)
    assert scene.agents.events(scene.do(call)) == events


def test_agents__of_an_agent_given_away__the_contract_detaches_as_the_plans_owner(scene: Scene) -> None:
    agent = scene.own_agent()
    scene.do(scene.agents.functions.transferFrom(scene.me, scene.holder, agent))
    receipt = scene.do(scene.agents.functions.detachPlan(agent, scene.own))
    assert scene.agents.events(receipt) == [detached(agent, scene.own, scene.me)]


def test_deeds__of_a_contract__are_all_that_changes_something() -> None:
    """A function that is added without a line here fails this test."""
    for artifact, names in (
        ("Credits", {name.split()[0] for name in CREDITS_DEEDS} | ONLY_CREDITS_ITSELF),
        ("AgentRegistry", set(AGENT_DEEDS)),
    ):
        functions = [entry for entry in read_artifact(artifact).abi if entry["type"] == "function"]
        writes = {entry["name"] for entry in functions if entry["stateMutability"] in {"payable", "nonpayable"}}
        assert names == writes


# ---------------------------------------------------------------------- whoever is behind a contract lends it no right


@pytest.mark.parametrize("name", [name for name, who in credits_table.ALLOWED.items() if who != credits_table.ANYONE])
def test_credits__called_by_a_contract_that_its_users_trust__gives_it_nothing(
    world: World, crowd: credits_table.Crowd, name: str
) -> None:
    """C14: everybody with a right, and everybody without, behind a contract that has none."""
    evil = world.deploy("Actor")
    call = through(evil, credits_table.functions_of(world, crowd, evil.address)[name])
    for role in credits_table.ROLES:
        with reverts(credits_table.refusal_of(name, world, crowd, evil.address)):
            world.read(call, getattr(world, role).address)


@pytest.mark.parametrize("name", [name for name, (who, _) in agents_table.TABLE.items() if who != agents_table.ANYONE])
def test_agents__called_by_a_contract_that_its_users_trust__gives_it_nothing(
    world: World, agents: Agents, crowded: agents_table.Ids, name: str
) -> None:
    """C14: of agents too."""
    evil, call_of = world.deploy("Actor"), agents_table.TABLE[name][1]
    call = through(evil, call_of(agents.functions, world, crowded, evil.address))
    for role in agents_table.ROLES:
        with reverts(agents_table.refusal(name, crowded, evil.address)):
            world.read(call, getattr(world, role).address)


@pytest.mark.parametrize("name", ["attachPlan", "register"])
def test_agents__called_by_a_contract_that_a_plans_owner_trusts__attach_no_plan_of_the_owners(
    world: World, agents: Agents, plan_id: int, name: str
) -> None:
    """Only who owns the plan attaches it, and behind the contract that has an agent that is not who calls."""
    evil = world.deploy("Actor")
    world.send(world.stranger, through(evil, agents.functions.register(URI, [])))
    agent = int(world.read(agents.functions.agentCount()))
    call = {
        "attachPlan": agents.functions.attachPlan(agent, plan_id, 1, 1),
        "register": agents.functions.register(URI, [(plan_id, 1, 1)]),
    }[name]
    with reverts(NotPlanOwner(plan_id, evil.address)):
        world.read(through(evil, call), world.builder.address)


@pytest.mark.parametrize("name", ["order", "orderWithPermit", "payUsage"])
def test_credits__called_by_a_contract_that_a_payer_trusts__takes_no_money_of_the_payers(
    funded: World, name: str
) -> None:
    """C15: the allowance of whoever is behind the contract is not the contract's to spend."""
    evil, functions = funded.deploy("Actor"), funded.credits.functions
    plan, per_use = funded.register(), funded.register(**usage())
    call = {
        "order": functions.order(plan, evil.address, 1, MAX_UINT),
        "orderWithPermit": functions.orderWithPermit(plan, evil.address, 1, MAX_UINT, NO_PERMIT),
        "payUsage": functions.payUsage(per_use, 1, MAX_UINT, NO_CONTEXT),
    }[name]
    with reverts(PaymentFailed(funded.usdc.address, evil.address, funded.builder.address, PRICE)):
        funded.read(through(evil, call), funded.subscriber.address)
