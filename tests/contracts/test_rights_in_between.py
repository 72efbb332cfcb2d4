"""Rights in between: who may do what while a plan, an agent or the contract goes from one owner to another and is offered back.

Each function with an owner's right, of both contracts, at each stage of A -> B -> offered back to A -> A, by each party: the owner, the
pending owner, the former owner, the minters and redeemers of both, and a stranger. A party may exactly what the table says for the owner
at that stage: an offer gives nothing, a transfer takes all, and what an owner allowed counts while they own.
"""

from collections.abc import Callable
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3.contract.contract import ContractFunction

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    ContractError,
    DetachNotAllowed,
    NotAgentOwner,
    NotMinter,
    NotPendingPlanOwner,
    NotPlanOwner,
    NotRedeemer,
    OwnableUnauthorizedAccount,
    RedeemNotAllowed,
)
from tests.support.agents import Agents
from tests.support.reverts import reverts
from tests.support.signed import settle, unsigned_item
from tests.support.world import NO_CONTEXT, ZERO, World

A, B = "builder", "partner"
A_MINTER, B_MINTER, A_REDEEMER, B_REDEEMER = "minter", "relayer", "redeemer", "other"
STRANGER, HOLDER = "stranger", "subscriber"
PARTIES = (A, B, A_MINTER, B_MINTER, A_REDEEMER, B_REDEEMER, STRANGER)

MINTER = {A: A_MINTER, B: B_MINTER}
REDEEMER = {A: A_REDEEMER, B: B_REDEEMER}

STAGES: dict[str, tuple[str, str | None]] = {
    "A": (A, None),
    "A, offered to B": (A, B),
    "A, offer withdrawn": (A, None),
    "A, offered to B and then to a stranger": (A, STRANGER),
    "B": (B, None),
    "B, offered back to A": (B, A),
    "B, offer back withdrawn": (B, None),
    "A again": (A, None),
    "A again, offered to B": (A, B),
}
"""Who owns and who may accept, at each stage."""

stages = pytest.mark.parametrize("stage", STAGES)


class Passing:
    """Something with an owner that is offered and accepted."""

    def __init__(self, world: World, offer: Callable[[str], ContractFunction], accept: Callable[[], ContractFunction]):
        """Say how it is offered to an address, and accepted."""
        self.world, self._offer, self._accept = world, offer, accept

    def offer(self, owner: str, to: str | None) -> None:
        """Offer it, or withdraw the offer."""
        address = getattr(self.world, to).address if to else ZERO
        self.world.send(getattr(self.world, owner), self._offer(address))

    def accept(self, party: str) -> None:
        """Accept it."""
        self.world.send(getattr(self.world, party), self._accept())

    def reach(self, stage: str, between: Callable[[], None] = lambda: None) -> None:
        """Go from A to a stage; what is to be done whenever B owns is done then."""
        if stage in ("A, offered to B", "A, offer withdrawn", "A, offered to B and then to a stranger"):
            self.offer(A, B)
            if stage != "A, offered to B":
                self.offer(A, STRANGER if "stranger" in stage else None)
        if stage.startswith(("B", "A again")):
            self.offer(A, B)
            self.accept(B)
            between()
            if stage != "B":
                self.offer(B, A)
            if stage == "B, offer back withdrawn":
                self.offer(B, None)
        if stage.startswith("A again"):
            self.accept(A)
            if stage != "A again":
                self.offer(A, B)


# ---------------------------------------------------------------- a plan's rights in Credits


@pytest.fixture
def plan_id(world: World) -> int:
    """A's plan under the rule of the owner, with A's minter and redeemer; a holder has 10 credits."""
    plan_id = world.register(rule=RedemptionRule.OWNER)
    _allow(world, plan_id, A)
    world.grant(plan_id, world.subscriber.address, 10)
    return plan_id


def _allow(world: World, plan_id: int, owner: str) -> None:
    functions = world.credits.functions
    account: LocalAccount = getattr(world, owner)
    world.send(account, functions.setMinter(plan_id, getattr(world, MINTER[owner]).address, True))
    world.send(account, functions.setRedeemer(plan_id, getattr(world, REDEEMER[owner]).address, True))


def _pass_plan(world: World, plan_id: int, stage: str) -> None:
    functions = world.credits.functions
    passing = Passing(
        world,
        lambda to: functions.transferPlanOwnership(plan_id, to),
        lambda: functions.acceptPlanOwnership(plan_id),
    )
    passing.reach(stage, lambda: _allow(world, plan_id, B))


def _by_owner(owner: str, _pending: str | None) -> set[str]:
    return {owner}


def _by_minters(owner: str, _pending: str | None) -> set[str]:
    return {owner, MINTER[owner]}


def _by_redeemers(owner: str, _pending: str | None) -> set[str]:
    return {owner, REDEEMER[owner]}


def _by_pending(_owner: str, pending: str | None) -> set[str]:
    return {pending} if pending else set()


Right = Callable[[str, str | None], set[str]]

PLAN_RIGHTS: dict[str, Right] = {
    "setPlanUri": _by_owner,
    "setPlanActive": _by_owner,
    "setRedeemer": _by_owner,
    "setMinter": _by_owner,
    "transferPlanOwnership": _by_owner,
    "acceptPlanOwnership": _by_pending,
    "mint": _by_minters,
    "mintBatch": _by_minters,
    "grantExternal": _by_minters,
    "redeem": _by_redeemers,
    "settle": _by_redeemers,
}


def _plan_call(world: World, plan_id: int, name: str, caller: str) -> tuple[ContractFunction, ContractError]:
    """Return a call that whoever has the right can make, and the error for who has not."""
    functions, holder = world.credits.functions, world.subscriber.address
    not_owner, not_minter = NotPlanOwner(plan_id, caller), NotMinter(plan_id, caller)
    calls: dict[str, tuple[ContractFunction, ContractError]] = {
        "setPlanUri": (functions.setPlanUri(plan_id, "there"), not_owner),
        "setPlanActive": (functions.setPlanActive(plan_id, False), not_owner),
        "setRedeemer": (functions.setRedeemer(plan_id, caller, True), not_owner),
        "setMinter": (functions.setMinter(plan_id, caller, True), not_owner),
        "transferPlanOwnership": (functions.transferPlanOwnership(plan_id, caller), not_owner),
        "acceptPlanOwnership": (functions.acceptPlanOwnership(plan_id), NotPendingPlanOwner(plan_id, caller)),
        "mint": (functions.mint(plan_id, holder, 1), not_minter),
        "mintBatch": (functions.mintBatch(plan_id, [holder], [1]), not_minter),
        "grantExternal": (functions.grantExternal(plan_id, holder, 1, NO_CONTEXT), not_minter),
        "redeem": (functions.redeem(plan_id, holder, 1, NO_CONTEXT), RedeemNotAllowed(plan_id, holder, caller)),
        "settle": (settle(world, plan_id, unsigned_item(holder, 1)), NotRedeemer(plan_id, caller)),
    }
    return calls[name]


def _check(
    world: World,
    stage: str,
    right: Right,
    call: Callable[[str], tuple[ContractFunction, ContractError]],
    parties: tuple[str, ...] = PARTIES,
) -> None:
    """Check for each party that the call succeeds where they have the right, and is refused where not."""
    allowed = right(*STAGES[stage])
    for party in parties:
        caller = getattr(world, party).address
        function, refusal = call(caller)
        if party in allowed:
            world.read(function, caller)
            continue
        with reverts(refusal):
            world.read(function, caller)


@stages
@pytest.mark.parametrize("name", PLAN_RIGHTS)
def test_plan__at_each_stage__is_its_owners(world: World, plan_id: int, name: str, stage: str) -> None:
    _pass_plan(world, plan_id, stage)
    _check(world, stage, PLAN_RIGHTS[name], lambda caller: _plan_call(world, plan_id, name, caller))


@stages
def test_plan__at_each_stage__says_whose_rights_count(world: World, plan_id: int, stage: str) -> None:
    _pass_plan(world, plan_id, stage)
    owner, pending = STAGES[stage]
    functions = world.credits.functions
    state = world.read(functions.stateOf(plan_id))
    assert state[:2] == (getattr(world, owner).address, getattr(world, pending).address if pending else ZERO)
    for party in PARTIES:
        account = getattr(world, party).address
        assert world.read(functions.isMinter(plan_id, account)) == (party == MINTER[owner])
        assert world.read(functions.isRedeemer(plan_id, account)) == (party == REDEEMER[owner])


@stages
@pytest.mark.parametrize("party", PARTIES)
def test_settle__at_each_stage__takes_by_rule_for_who_owns(world: World, plan_id: int, stage: str, party: str) -> None:
    """In a transaction, and after a settlement at the stage before: nothing remembers who might."""
    world.send(world.redeemer, settle(world, plan_id, unsigned_item(world.subscriber.address, 2)))
    _pass_plan(world, plan_id, stage)
    call = settle(world, plan_id, unsigned_item(world.subscriber.address, 5))
    receipt = world.send_with_gas(getattr(world, party), call, 1_000_000)
    may = party in _by_redeemers(*STAGES[stage])
    assert (receipt["status"], world.balance(plan_id, world.subscriber.address)) == ((1, 5) if may else (0, 8))


# ---------------------------------------------------------------- a plan's rights in the registry


REGISTRY_RIGHTS = ("register", "attachPlan", "replacePlans", "detachPlan")


@stages
@pytest.mark.parametrize("name", REGISTRY_RIGHTS)
def test_plan_in_the_registry__at_each_stage__is_its_owners(
    world: World, agents: Agents, plan_id: int, name: str, stage: str
) -> None:
    """Each party has an agent of their own; the plan is attached to A's, which went to somebody without a right to the plan."""
    attached = agents.register((plan_id, 1, 1))
    agents.transfer(attached, world.fee_receiver)
    own = {getattr(world, party).address: agents.register(signer=getattr(world, party)) for party in PARTIES}
    _pass_plan(world, plan_id, stage)
    functions = agents.functions

    def call(caller: str) -> tuple[ContractFunction, ContractError]:
        not_owner = NotPlanOwner(plan_id, caller)
        calls: dict[str, tuple[ContractFunction, ContractError]] = {
            "register": (functions.register("", [(plan_id, 1, 1)]), not_owner),
            "attachPlan": (functions.attachPlan(own[caller], plan_id, 1, 1), not_owner),
            "replacePlans": (functions.replacePlans(own[caller], [(plan_id, 1, 1)]), not_owner),
            "detachPlan": (functions.detachPlan(attached, plan_id), DetachNotAllowed(attached, plan_id, caller)),
        }
        return calls[name]

    _check(world, stage, _by_owner, call)
    with reverts(NotAgentOwner(attached, getattr(world, STAGES[stage][0]).address)):
        world.read(functions.attachPlan(attached, plan_id, 1, 1), getattr(world, STAGES[stage][0]).address)


@stages
def test_plan_in_the_registry__at_each_stage__is_detached_by_the_agents_owner(
    world: World, agents: Agents, plan_id: int, stage: str
) -> None:
    """Whoever owns the agent may let go of a plan, whoever owns that."""
    agent_id = agents.register((plan_id, 1, 1))
    agents.transfer(agent_id, world.fee_receiver)
    _pass_plan(world, plan_id, stage)
    world.send(world.fee_receiver, agents.functions.detachPlan(agent_id, plan_id))
    assert agents.plans_of(agent_id) == []


# ---------------------------------------------------------------- an agent's rights

AGENT_STAGES = ("A", "A, approved B", "A, B operator", "B", "B, approved A", "B, A operator", "A again")


@pytest.mark.parametrize("stage", AGENT_STAGES)
@pytest.mark.parametrize("name", ["setAgentUri", "attachPlan", "replacePlans", "detachPlan"])
def test_agent__at_each_stage__is_its_owners(world: World, agents: Agents, name: str, stage: str) -> None:
    """ERC-721 has one step: who is approved may take it, and has no owner's right before that; who gave it has none after."""
    mine, theirs = world.register(), world.register(signer=world.partner)
    stranger_plan = world.register(signer=world.fee_receiver)
    plans = {world.builder.address: mine, world.partner.address: theirs}
    agent_id = agents.register((mine, 1, 1))
    functions = agents.functions
    if stage[0] == "B" or stage == "A again":
        agents.transfer(agent_id, world.partner)
    if stage == "A again":
        back = functions.transferFrom(world.partner.address, world.builder.address, agent_id)
        world.send(world.partner, back)
    owner, other = (world.partner, world.builder) if stage[0] == "B" else (world.builder, world.partner)
    if "approved" in stage:
        world.send(owner, functions.approve(other.address, agent_id))
    if "operator" in stage:
        world.send(owner, functions.setApprovalForAll(other.address, True))
    for party in PARTIES:
        caller = getattr(world, party).address
        plan = plans.get(caller, stranger_plan)
        fresh = world.register(signer=owner) if caller == owner.address and name == "attachPlan" else plan
        call = {
            "setAgentUri": functions.setAgentUri(agent_id, "there"),
            "attachPlan": functions.attachPlan(agent_id, fresh, 1, 1),
            "replacePlans": functions.replacePlans(agent_id, [(plan, 2, 2)]),
            "detachPlan": functions.detachPlan(agent_id, mine),
        }[name]
        if caller == owner.address or (name == "detachPlan" and party == A):  # A owns the plan that is attached
            world.read(call, caller)
            continue
        refusal: ContractError = NotAgentOwner(agent_id, caller)
        with reverts(DetachNotAllowed(agent_id, mine, caller) if name == "detachPlan" else refusal):
            world.read(call, caller)


# ---------------------------------------------------------------- the rights of the contract's owner

CONTRACT_RIGHTS: dict[str, Right] = {
    "setProtocolFee": _by_owner,
    "transferOwnership": _by_owner,
    "renounceOwnership": _by_owner,
    "acceptOwnership": _by_pending,
}


@stages
@pytest.mark.parametrize("name", CONTRACT_RIGHTS)
def test_contract__at_each_stage__is_its_owners(world: World, name: str, stage: str) -> None:
    """The owner of the fee passes it in two steps too; A is who deployed it here, and has plans besides, which give no right."""
    functions = world.credits.functions
    world.send(world.fee_owner, functions.transferOwnership(world.builder.address))
    world.send(world.builder, functions.acceptOwnership())
    passing = Passing(world, functions.transferOwnership, functions.acceptOwnership)
    passing.reach(stage)

    def call(caller: str) -> tuple[ContractFunction, ContractError]:
        calls: dict[str, Any] = {
            "setProtocolFee": functions.setProtocolFee(5, caller),
            "transferOwnership": functions.transferOwnership(caller),
            "renounceOwnership": functions.renounceOwnership(),
            "acceptOwnership": functions.acceptOwnership(),
        }
        return calls[name], OwnableUnauthorizedAccount(caller)

    _check(world, stage, CONTRACT_RIGHTS[name], call, (*PARTIES, "fee_owner"))


@stages
@pytest.mark.parametrize("name", [*PLAN_RIGHTS])
def test_owner_of_the_contract__at_each_stage_of_a_plan__has_no_right_to_it(
    world: World, plan_id: int, name: str, stage: str
) -> None:
    _pass_plan(world, plan_id, stage)
    _check(world, stage, PLAN_RIGHTS[name], lambda caller: _plan_call(world, plan_id, name, caller), ("fee_owner",))
