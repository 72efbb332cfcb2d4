"""AgentRegistry beside a plain model of it: which agent accepts which plan at what cost, over random histories."""

import random
from dataclasses import dataclass, field
from typing import Final

from nvm_chain.chain.artifacts import read_artifact
from tests.assurance.invariants.abi import Value, encode, selector, topic, words
from tests.assurance.invariants.comparison import Disagreement
from tests.assurance.invariants.engine import GAS, Engine, Reverted, _reverted, checksummed
from tests.assurance.invariants.facts import CREDITS, Terms

MAX_PLANS: Final = 64
MAX_COST: Final = 2**32 - 1
PLANS: Final = 70
EVERYTHING_EACH: Final = 25
ATTACHED: Final = "(uint256,uint32,uint32)"
SIGNATURES: Final = {
    "register": f"register(string,{ATTACHED}[])",
    "set_uri": "setAgentUri(uint256,string)",
    "attach": "attachPlan(uint256,uint256,uint32,uint32)",
    "detach": "detachPlan(uint256,uint256)",
    "replace": f"replacePlans(uint256,{ATTACHED}[])",
    "transfer": "transferFrom(address,address,uint256)",
    "allow": "setApprovalForAll(address,bool)",
}
Attached = tuple[int, int, int]
Event = tuple[tuple[int, ...], bytes]


@dataclass
class Agent:
    """One agent as the model keeps it."""

    owner: int
    uri: str
    plans: dict[int, tuple[int, int]] = field(default_factory=dict)


class Refusal(Exception):
    """The model refuses, with one of these."""

    def __init__(self, *faults: tuple[str, tuple[int, ...]]) -> None:
        super().__init__(str(faults))
        self.data = {selector(signature) + encode(*arguments) for signature, arguments in faults}


class RegistryModel:
    """What the documentation says that the registry does."""

    def __init__(self, plan_owners: dict[int, int]) -> None:
        self.agents: dict[int, Agent] = {}
        self.plan_owners = plan_owners
        self.operators: set[tuple[int, int]] = set()

    def apply(self, caller: int, name: str, arguments: tuple) -> list[Event]:
        """Do it and return the events, or raise Refusal and leave everything as it was."""
        before = {agent_id: dict(agent.plans) for agent_id, agent in self.agents.items()}
        try:
            events: list[Event] = getattr(self, f"_{name}")(caller, *arguments)
        except Refusal:
            for agent_id in list(self.agents):
                if agent_id not in before:
                    del self.agents[agent_id]
                else:
                    self.agents[agent_id].plans = before[agent_id]
            raise
        return events

    def _register(self, caller: int, uri: str, plans: list[Attached]) -> list[Event]:
        agent_id = len(self.agents) + 1
        self.agents[agent_id] = Agent(caller, uri)
        moved = _event("Transfer(address,address,uint256)", 0, caller, agent_id)
        made = _event("Registered(uint256,string,address)", agent_id, caller, data=encode(uri))
        return [moved, made, *self._attach_all(caller, agent_id, plans)]

    def _set_uri(self, caller: int, agent_id: int, uri: str) -> list[Event]:
        self._owned(caller, agent_id).uri = uri
        return [_event("URIUpdated(uint256,string,address)", agent_id, caller, data=encode(uri))]

    def _attach(self, caller: int, agent_id: int, plan_id: int, least: int, most: int) -> list[Event]:
        agent = self._owned(caller, agent_id)
        faults: list[tuple[str, tuple[int, ...]]] = []
        if least > most:
            faults.append(("InvalidCreditsRange(uint256,uint256,uint256)", (plan_id, least, most)))
        if plan_id in agent.plans:
            faults.append(("PlanAlreadyAttached(uint256,uint256)", (agent_id, plan_id)))
        if len(agent.plans) == MAX_PLANS:
            faults.append(("TooManyPlans(uint256,uint256)", (MAX_PLANS + 1, MAX_PLANS)))
        if plan_id not in self.plan_owners:
            faults.append(("UnknownPlan(uint256)", (plan_id,)))
        elif self.plan_owners[plan_id] != caller:
            faults.append(("NotPlanOwner(uint256,address)", (plan_id, caller)))
        if faults:
            raise Refusal(*faults)
        agent.plans[plan_id] = (least, most)
        signature = "PlanAttached(uint256,uint256,uint32,uint32)"
        return [_event(signature, agent_id, plan_id, data=encode(least, most))]

    def _attach_all(self, caller: int, agent_id: int, plans: list[Attached]) -> list[Event]:
        if len(plans) > MAX_PLANS:
            raise Refusal(("TooManyPlans(uint256,uint256)", (len(plans), MAX_PLANS)))
        return [event for plan in plans for event in self._attach(caller, agent_id, *plan)]

    def _detach(self, caller: int, agent_id: int, plan_id: int) -> list[Event]:
        agent = self._existing(agent_id)
        if plan_id not in agent.plans:
            raise Refusal(("PlanNotAttached(uint256,uint256)", (agent_id, plan_id)))
        if caller not in {agent.owner, self.plan_owners[plan_id]}:
            raise Refusal(("DetachNotAllowed(uint256,uint256,address)", (agent_id, plan_id, caller)))
        return [self._drop(caller, agent_id, plan_id)]

    def _replace(self, caller: int, agent_id: int, plans: list[Attached]) -> list[Event]:
        agent = self._owned(caller, agent_id)
        dropped = [self._drop(caller, agent_id, plan_id) for plan_id in list(agent.plans)]
        return [*dropped, *self._attach_all(caller, agent_id, plans)]

    def _transfer(self, caller: int, sender: int, receiver: int, agent_id: int) -> list[Event]:
        agent = self._existing(agent_id)
        faults: list[tuple[str, tuple[int, ...]]] = []
        if sender != agent.owner:
            faults.append(("ERC721IncorrectOwner(address,uint256,address)", (sender, agent_id, agent.owner)))
        if caller != agent.owner and (agent.owner, caller) not in self.operators:
            faults.append(("ERC721InsufficientApproval(address,uint256)", (caller, agent_id)))
        if faults:
            raise Refusal(*faults)
        agent.owner = receiver
        return [_event("Transfer(address,address,uint256)", sender, receiver, agent_id)]

    def _allow(self, caller: int, operator: int, allowed: int) -> list[Event]:
        (self.operators.add if allowed else self.operators.discard)((caller, operator))
        return [_event("ApprovalForAll(address,address,bool)", caller, operator, data=encode(allowed))]

    def _drop(self, caller: int, agent_id: int, plan_id: int) -> Event:
        del self.agents[agent_id].plans[plan_id]
        return _event("PlanDetached(uint256,uint256,address)", agent_id, plan_id, caller)

    def _existing(self, agent_id: int) -> Agent:
        if agent_id not in self.agents:
            raise Refusal(("ERC721NonexistentToken(uint256)", (agent_id,)))
        return self.agents[agent_id]

    def _owned(self, caller: int, agent_id: int) -> Agent:
        agent = self._existing(agent_id)
        if agent.owner != caller:
            raise Refusal(("NotAgentOwner(uint256,address)", (agent_id, caller)))
        return agent


class Registry:
    """The real contract, with a Credits that has plans."""

    def __init__(self, creation_code: bytes | None = None) -> None:
        self.engine = Engine(large=creation_code is not None)
        code = creation_code or read_artifact("AgentRegistry").creation_code
        self.address = self.engine._deploy(code, encode(self.engine.credits))
        self.plan_owners: dict[int, int] = {}
        for salt in range(PLANS):
            owner = self.engine.parties[0 if salt < MAX_PLANS + 2 else 1]
            made = self.engine.apply("register_plan", owner, (_FREE, salt, "", 0))
            self.plan_owners[words(made)[0]] = owner

    def send(self, caller: int, name: str, arguments: tuple) -> tuple[list[int], list[Event]]:
        """Return what a call returned and emitted. Raises Reverted."""
        data = selector(SIGNATURES[name]) + encode(*arguments)
        try:
            answer = self.engine.evm.message_call(
                checksummed(caller), checksummed(self.address), calldata=data, gas=GAS
            )
        except RuntimeError as error:
            raise _reverted(error) from None
        result = self.engine.evm.result
        assert result is not None
        logs = [log for log in result.logs if log.address.lower() == checksummed(self.address)]
        return words(bytes(answer)), [
            (tuple(int(topic, 16) for topic in log.topics), bytes(log.data[1])) for log in logs
        ]

    def read(self, signature: str, *arguments: Value) -> list[int]:
        """Return the words of an answer. Raises Reverted."""
        return self.engine.read(signature, *arguments, address=self.address)

    def pass_plan(self, plan_id: int, new_owner: int) -> None:
        """Give a plan to somebody."""
        self.engine.apply("transfer_plan_ownership", self.plan_owners[plan_id], (plan_id, new_owner))
        self.engine.apply("accept_plan_ownership", new_owner, (plan_id,))
        self.plan_owners[plan_id] = new_owner


class RegistryHistory:
    """Random operations on both, compared step by step."""

    def __init__(self, seed: int, creation_code: bytes | None = None) -> None:
        self.random = random.Random(seed)
        self.registry = Registry(creation_code)
        self.model = RegistryModel(self.registry.plan_owners)
        self.people = self.registry.engine.parties[:4]
        self.succeeded: set[str] = set()

    def run(self, length: int) -> None:
        """Do so many steps. Raises Disagreement."""
        for step in range(1, length + 1):
            if self.random.random() < 0.04:
                self.registry.pass_plan(self._plan(), self.random.choice(self.people[:2]))
            caller, name, arguments = self._next()
            self._step(caller, name, arguments)
            if step % EVERYTHING_EACH == 0 or step == length:
                self._compare_everything()

    def _step(self, caller: int, name: str, arguments: tuple) -> None:
        count = len(self.model.agents)
        try:
            expected = self.model.apply(caller, name, arguments)
        except Refusal as refusal:
            try:
                self.registry.send(caller, name, arguments)
            except Reverted as reverted:
                if reverted.data not in refusal.data:
                    raise Disagreement(
                        f"{name}: the model refuses with {refusal}, it reverts with {reverted}"
                    ) from None
                return
            raise Disagreement(f"{name}{arguments}: the model refuses with {refusal}, the contract does it") from None
        try:
            answer, events = self.registry.send(caller, name, arguments)
        except Reverted as reverted:
            raise Disagreement(f"{name}{arguments}: the model does it, the contract refuses: {reverted}") from None
        _same(f"events of {name}", sorted(events), sorted(expected))
        if name == "register":
            _same("agent id", answer, [count + 1])
        self.succeeded.add(name)

    # ------------------------------------------------------------------ choices

    def _next(self) -> tuple[int, str, tuple]:
        names = {"register": 2, "set_uri": 1, "attach": 8, "detach": 6, "replace": 2, "transfer": 2, "allow": 2}
        name = self.random.choices(list(names), list(names.values()))[0]
        agent_id = self._agent()
        owner = self.model.agents[agent_id].owner if agent_id in self.model.agents else self.people[0]
        operators = [each for each in self.people if (owner, each) in self.model.operators]
        caller = owner if self.random.random() < 0.8 else self.random.choice(operators or self.people)
        if name == "allow":
            return caller, name, (self.random.choice(self.people), int(self.random.random() < 0.7))
        return self._step_of(name, caller, agent_id, owner)

    def _step_of(self, name: str, caller: int, agent_id: int, owner: int) -> tuple[int, str, tuple]:
        if name == "register":
            caller = self.people[0] if self.random.random() < 0.8 else caller
            return caller, name, (self._uri(), self._plans(caller))
        if name == "set_uri":
            return caller, name, (agent_id, self._uri())
        if name == "attach":
            return caller, name, (agent_id, self._plan(caller), *self._cost())
        if name == "replace":
            return caller, name, (agent_id, self._plans(caller))
        if name == "transfer":
            sender = owner if self.random.random() < 0.9 else self.random.choice(self.people)
            return caller, name, (sender, self.random.choice(self.people), agent_id)
        held = list(self.model.agents[agent_id].plans) if agent_id in self.model.agents else []
        plan_id = self.random.choice(held) if held and self.random.random() < 0.9 else self._plan()
        if self.random.random() < 0.3:
            caller = self.model.plan_owners.get(plan_id, caller)
        return caller, name, (agent_id, plan_id)

    def _agent(self) -> int:
        known = list(self.model.agents)[-8:]
        return self.random.choice(known) if known and self.random.random() < 0.96 else self.random.choice((0, 10**6))

    def _plan(self, owner: int | None = None) -> int:
        own = [plan_id for plan_id, each in self.model.plan_owners.items() if each == owner]
        # A few plans are used much more than the others, so that each has several agents.
        few = (own or list(self.model.plan_owners))[: 6 if self.random.random() < 0.7 else None]
        return (
            self.random.choice(few) if owner is None or self.random.random() < 0.97 else self.random.randrange(2**256)
        )

    def _plans(self, owner: int) -> list[Attached]:
        count = self.random.choice((0, 1, 2, 3, 5, 63, 64, 65))
        own = [plan_id for plan_id, each in self.model.plan_owners.items() if each == owner][:count]
        self.random.shuffle(own)
        plans = [(plan_id, *self._cost()) for plan_id in own]
        if plans and self.random.random() < 0.05:
            plans[-1] = plans[0]
        return plans

    def _cost(self) -> tuple[int, int]:
        least = self.random.choice((0, 1, 1, 5, MAX_COST))
        most = self.random.choice((least, least, min(MAX_COST, least + 7), MAX_COST))
        return (least, most) if self.random.random() < 0.96 else (least, max(0, least - 1))

    def _uri(self) -> str:
        return self.random.choice(("", "ipfs://agent", "https://builder.example/agents/" + "x" * 40))

    # ------------------------------------------------------------------ state

    def _compare_everything(self) -> None:
        registry, agents = self.registry, self.model.agents
        _same("credits", registry.read("credits()"), [registry.engine.credits])
        _same("name", registry.read("name()"), words(encode("nvm_chain agents")))
        _same("symbol", registry.read("symbol()"), words(encode("AGENT")))
        _same("MAX_PLANS", registry.read("MAX_PLANS()"), [MAX_PLANS])
        _same("agentCount", registry.read("agentCount()"), [len(agents)])
        of_plan: dict[int, set[int]] = {plan_id: set() for plan_id in self.model.plan_owners}
        for agent_id, agent in agents.items():
            _same("owner", registry.read("ownerOf(uint256)", agent_id), [agent.owner])
            _same("uri", registry.read("tokenURI(uint256)", agent_id), words(encode(agent.uri)))
            flat = registry.read("plansOf(uint256)", agent_id)[2:]
            found = sorted(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
            _same("plans", found, sorted((plan_id, *cost) for plan_id, cost in agent.plans.items()))
            for plan_id, cost in agent.plans.items():
                of_plan[plan_id].add(agent_id)
                _same("cost", registry.read("costOf(uint256,uint256)", agent_id, plan_id), list(cost))
        for plan_id, expected in of_plan.items():
            self._compare_agents_of(plan_id, expected)
        self._compare_missing()

    def _compare_agents_of(self, plan_id: int, expected: set[int]) -> None:
        signature = "agentsOf(uint256,uint256,uint256)"
        found = self.registry.read(signature, plan_id, 0, 2**256 - 1)[2:]
        _same("agents", sorted(found), sorted(expected))
        _same("agentCountOf", self.registry.read("agentCountOf(uint256)", plan_id), [len(expected)])
        for offset, limit in ((0, 0), (0, 1), (1, 1), (1, 2**256 - 1), (len(found), 1), (len(found) + 1, 5)):
            page = self.registry.read(signature, plan_id, offset, limit)[2:]
            _same(f"agents from {offset}, at most {limit}", page, found[offset : offset + limit])

    def _compare_missing(self) -> None:
        missing = len(self.model.agents) + 1
        unknown = selector("ERC721NonexistentToken(uint256)") + encode(missing)
        plan_id = next(iter(self.model.plan_owners))
        for signature, arguments in (
            ("tokenURI(uint256)", (missing,)),
            ("plansOf(uint256)", (missing,)),
            ("costOf(uint256,uint256)", (missing, plan_id)),
        ):
            _same(f"{signature} of no agent", self._refusal(signature, *arguments), unknown)
        for agent_id, agent in list(self.model.agents.items())[-2:]:
            other = next((each for each in self.model.plan_owners if each not in agent.plans), 0)
            expected = selector("PlanNotAttached(uint256,uint256)") + encode(agent_id, other)
            _same("costOf", self._refusal("costOf(uint256,uint256)", agent_id, other), expected)

    def _refusal(self, signature: str, *arguments: int) -> bytes:
        try:
            return repr(self.registry.read(signature, *arguments)).encode()
        except Reverted as reverted:
            return reverted.data


def run_registry_history(seed: int, length: int, creation_code: bytes | None = None) -> set[str]:
    """Run one random history on both and return the operations that succeeded; a Disagreement tells the first difference."""
    history = RegistryHistory(seed, creation_code)
    history.run(length)
    return history.succeeded


def _event(signature: str, *indexed: int, data: bytes = b"") -> Event:
    return (topic(signature), *indexed), data


def _same(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise Disagreement(f"{what}: the model says {expected}, the contract {actual}")


_FREE: Final = Terms(
    kind=CREDITS,
    activation=0,
    token=0,
    splits=(),
    quoter=0,
    paid_externally=False,
    credits=1,
    duration=0,
    min_redeem=1,
    max_redeem=1,
    rule=0,
    trial=False,
    transferable=False,
)
