"""Nobody but those meant can call a function that changes something, and every function has a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from web3.contract.contract import ContractFunction

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.errors import (
    ContractError,
    DetachNotAllowed,
    ERC721InsufficientApproval,
    ERC721InvalidApprover,
    NotAgentOwner,
)
from tests.support import agents as agents_support
from tests.support.agents import Agents
from tests.support.reverts import reverts
from tests.support.world import World

ROLES = ["fee_owner", "builder", "subscriber", "stranger", "redeemer", "minter", "partner", "other", "fee_receiver"]
"""The fee receiver owns the plan, the builder the agent; the partner is the builder's operator, the other is approved."""

ANYONE = frozenset(ROLES)
OWNER = frozenset({"builder"})
MOVERS = frozenset({"builder", "partner", "other"})
APPROVERS = frozenset({"builder", "partner"})
DETACHERS = frozenset({"builder", "fee_receiver"})


class Ids(NamedTuple):
    """An agent of the builder's, its plan that is the fee receiver's by now, and a plan of the builder's own."""

    agent: int
    plan: int
    own: int


Call = Callable[[Any, World, Ids, str], ContractFunction]
TABLE: dict[str, tuple[frozenset[str], Call]] = {
    "register(string,(uint256,uint32,uint32)[])": (ANYONE, lambda f, w, ids, who: f.register("", [])),
    "setAgentUri(uint256,string)": (OWNER, lambda f, w, ids, who: f.setAgentUri(ids.agent, "evil")),
    "attachPlan(uint256,uint256,uint32,uint32)": (OWNER, lambda f, w, ids, who: f.attachPlan(ids.agent, ids.own, 1, 1)),
    "detachPlan(uint256,uint256)": (DETACHERS, lambda f, w, ids, who: f.detachPlan(ids.agent, ids.plan)),
    "replacePlans(uint256,(uint256,uint32,uint32)[])": (OWNER, lambda f, w, ids, who: f.replacePlans(ids.agent, [])),
    "approve(address,uint256)": (APPROVERS, lambda f, w, ids, who: f.approve(who, ids.agent)),
    "setApprovalForAll(address,bool)": (ANYONE, lambda f, w, ids, who: f.setApprovalForAll(w.relayer.address, True)),
    "transferFrom(address,address,uint256)": (
        MOVERS,
        lambda f, w, ids, who: f.transferFrom(w.builder.address, who, ids.agent),
    ),
    "safeTransferFrom(address,address,uint256)": (
        MOVERS,
        lambda f, w, ids, who: f.safeTransferFrom(w.builder.address, who, ids.agent),
    ),
    "safeTransferFrom(address,address,uint256,bytes)": (
        MOVERS,
        lambda f, w, ids, who: f.safeTransferFrom(w.builder.address, who, ids.agent, b""),
    ),
}


@pytest.fixture
def crowded(world: World, agents: Agents, agent_id: int, plan_id: int) -> Ids:
    """Somebody in every role."""
    agents.pass_plan(plan_id, world.fee_receiver)
    return Ids(agent_id, plan_id, world.register())


def refusal(name: str, ids: Ids, caller: str) -> ContractError:
    """Return the error for a caller who may not."""
    if name.startswith("detach"):
        return DetachNotAllowed(ids.agent, ids.plan, caller)
    if name.startswith("approve"):
        return ERC721InvalidApprover(caller)
    if "ransferFrom" in name:
        return ERC721InsufficientApproval(caller, ids.agent)
    return NotAgentOwner(ids.agent, caller)


@pytest.mark.parametrize("name", TABLE)
def test_access__of_each_role__is_as_in_the_table(world: World, agents: Agents, crowded: Ids, name: str) -> None:
    """C14: all functions that change something, times everybody there is."""
    allowed, call = TABLE[name]
    for role in ROLES:
        caller = getattr(world, role).address
        function = call(agents.functions, world, crowded, caller)
        if role in allowed:
            world.read(function, caller)
            continue
        with reverts(refusal(name, crowded, caller)):
            world.read(function, caller)


def signature(entry: dict[str, Any]) -> str:
    """Write a function's name and types."""
    kinds = (
        item["type"].replace("tuple", f"({','.join(part['type'] for part in item['components'])})")
        if "components" in item
        else item["type"]
        for item in entry["inputs"]
    )
    return f"{entry['name']}({','.join(kinds)})"


FUNCTIONS = [entry for entry in read_artifact("AgentRegistry").abi if entry["type"] == "function"]


def test_access__table__has_every_function_that_changes_something() -> None:
    """A function that is added without a line here fails this test."""
    assert set(TABLE) == {signature(entry) for entry in FUNCTIONS if entry["stateMutability"] != "view"}


def test_abi__takes_no_coin_anywhere() -> None:
    assert {entry["stateMutability"] for entry in FUNCTIONS} == {"nonpayable", "view"}


def test_every_function__of_the_abi__is_called_in_a_test() -> None:
    support = Path(agents_support.__file__)
    conformance = Path(__file__).parents[2] / "conformance" / "test_erc721.py"
    paths = [
        support,
        conformance,
        *(path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__)),
    ]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    assert [entry["name"] for entry in FUNCTIONS if f".{entry['name']}(" not in text] == []
