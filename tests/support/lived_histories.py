"""Histories of the real contract as a node's logs: random steps on the compiled Credits, and agents made up beside them."""

import random
from functools import cache

from eth_abi.abi import encode

from nvm_chain.index.kinds import EventKind
from nvm_chain.index.logs import CREDITS_TOPICS
from tests.assurance.invariants.comparison import Comparison
from tests.assurance.invariants.facts import RawEvent
from tests.assurance.invariants.histories import Historian
from tests.support.canned_logs import CannedBlock, LogWriter, address_of

Timed = list[tuple[int, RawEvent]]


@cache
def live(seed: int, length: int, mood: str = "usual") -> tuple[list[CannedBlock], Timed]:
    """Run a history on the contract. Return its blocks, and all events of Credits with their times."""
    comparison = Comparison()
    historian = Historian(comparison.model, comparison.engine, seed, mood)
    writer = _Blocks(seed)
    for step in historian.opening():
        comparison.run(step)
        writer.take(comparison.log)
    for _ in range(length):
        comparison.run(historian.next_step())
        writer.take(comparison.log)
    return writer.finish(), comparison.log


class _Blocks:
    """Blocks of one or a few transactions. Some blocks are empty, and some numbers are left out."""

    def __init__(self, seed: int) -> None:
        self._random, self._seen, self._blocks = random.Random(seed), 0, list[CannedBlock]()
        self._number, self._open = 10, list[LogWriter]()
        self._agents = Agents(self._random)
        self._plans: list[int] = []

    def take(self, log: Timed) -> None:
        """Add what one step emitted as one transaction."""
        new, self._seen = log[self._seen :], len(log)
        if not new:
            return
        second = new[0][0]
        writer = self._writer_at(second)
        writer.begin()
        for _, (topics, data) in new:
            kind = EventKind(CREDITS_TOPICS[f"0x{topics[0]:064x}"])
            if kind is EventKind.PlanRegistered:
                self._plans.append(topics[1])
            writer.emit(kind, topics[1:], data)
        if self._random.random() < 0.2 and self._plans:
            writer.begin()
            self._agents.do_something(writer, self._random.choice(self._plans))

    def _writer_at(self, second: int) -> LogWriter:
        if self._open and self._open[0].block.timestamp == second and self._random.random() < 0.5:
            return self._open[0]
        self._close()
        self._number += self._random.choice((1, 1, 1, 2))
        self._open = [LogWriter(self._number, time=second)]
        return self._open[0]

    def _close(self) -> None:
        for writer in self._open:
            self._blocks.append(writer.canned)
            while self._random.random() < 0.2:
                self._number += 1
                self._blocks.append(LogWriter(self._number, time=writer.block.timestamp).canned)

    def finish(self) -> list[CannedBlock]:
        """Return all blocks."""
        self._close()
        self._open = []
        return self._blocks


class Agents:
    """Agents made up by the rules of AgentRegistry, and what the catalogue should have of them."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self.owners: dict[int, int] = {}
        self.uris: dict[int, str] = {}
        self.links: dict[tuple[int, int], tuple[int, int]] = {}

    def do_something(self, writer: LogWriter, plan: int) -> None:
        """Emit one operation."""
        person, choice = address_of(f"owner {self._random.randrange(5)}"), self._random.random()
        if choice < 0.3 or not self.owners:
            self._register(writer, person, plan)
            return
        agent = self._random.choice(list(self.owners))
        if choice < 0.5:
            writer.emit(EventKind.Transfer, (self.owners[agent], person, agent), b"")
            self.owners[agent] = person
        elif choice < 0.65:
            self.uris[agent] = f"ipfs://{choice}"
            writer.emit(EventKind.URIUpdated, (agent, self.owners[agent]), encode(["string"], [self.uris[agent]]))
        elif (agent, plan) in self.links:
            writer.emit(EventKind.PlanDetached, (agent, plan, person), b"")
            del self.links[agent, plan]
        else:
            self._attach(writer, agent, plan)

    def _register(self, writer: LogWriter, owner: int, plan: int) -> None:
        agent = len(self.owners) + 1
        self.owners[agent], self.uris[agent] = owner, f"ipfs://agent{agent}"
        writer.emit(EventKind.Transfer, (0, owner, agent), b"")
        writer.emit(EventKind.Registered, (agent, owner), encode(["string"], [self.uris[agent]]))
        self._attach(writer, agent, plan)

    def _attach(self, writer: LogWriter, agent: int, plan: int) -> None:
        self.links[agent, plan] = (1, 2**32 - 1)
        writer.emit(EventKind.PlanAttached, (agent, plan), (1, 2**32 - 1))
