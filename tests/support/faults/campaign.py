"""Runs of a call with one fault each: the node answers one request wrongly, and the outcome is judged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import NvmChainError
from tests.support.anvil import open_anvil, run_anvil
from tests.support.faults.behind_the_proxy import ask_all, wait_until_mined
from tests.support.faults.calls import WRITES, Call, Scene
from tests.support.faults.kinds import KINDS, Fault, find_faults
from tests.support.faults.proxy import FaultNode
from tests.support.faults.reads import READS
from tests.support.faults.stage import Stage, prepare_stage
from tests.support.faults.verdict import Calm, Told, Verdict, judge_again, judge_write, read_truth
from tests.support.odd_node import run_odd_node
from tests.support.world import World

TRIES: Final = 12
"""The number of tries for one counted fault. A fault may change nothing, and a request may not be made every time."""
CALLS: Final = {call.name: call for call in (*WRITES, *READS)}


@dataclass(frozen=True)
class Place:
    """A fault at one request of a call."""

    call: str
    label: str
    before: int
    """The number of earlier requests with this name."""
    fault: Fault

    @property
    def cell(self) -> tuple[str, str, str]:
        """The cell in the table: call, request and kind."""
        return self.call, self.label, self.fault.kind

    def __str__(self) -> str:
        """Return a line that identifies the run."""
        return f"{self.call}, {self.label} {self.before + 1}: {self.fault.kind} {self.fault.variant}".rstrip()


@dataclass(frozen=True)
class Run:
    """The outcome of one run. ``counted`` tells whether the request was made and its answer was changed."""

    call: str
    label: str
    kind: str
    counted: bool
    told: str
    wrong: tuple[str, ...] = ()
    """The mistakes, each with the run in which it occurred."""

    @property
    def cell(self) -> tuple[str, str, str]:
        """The cell in the table: call, request and kind."""
        return self.call, self.label, self.kind


@dataclass
class Campaign:
    """Runs on one stage. Each run begins in the prepared state of the stage."""

    stage: Stage
    calm: dict[str, Calm] = field(default_factory=dict)

    def watch(self, name: str) -> Calm:
        """Make a call once on a node without faults."""
        if name not in self.calm:
            with_reset = self._begin()
            before = read_truth(self.stage)
            told = self._act(CALLS[name], with_reset)
            if told.error is not None:
                raise told.error
            labels = list(self.stage.node.asked)
            self.calm[name] = Calm(labels, told.result, before, read_truth(self.stage))
            self.go_back()
        return self.calm[name]

    def find_cells(self, name: str) -> set[tuple[str, str, str]]:
        """Return all cells of the table that a call can fill."""
        return {place.cell for kind in KINDS for place in self.find_places(name, kind)}

    def find_places(self, name: str, kind: str) -> list[Place]:
        """Return all faults of a kind, one at each request of a call."""
        is_read, labels = CALLS[name] in READS, self.watch(name).labels
        return [
            Place(name, label, labels[:position].count(label), fault)
            for position, label in enumerate(labels)
            for fault in find_faults(label, kind, is_read=is_read)
        ]

    def run(self, place: Place, settle: Callable[[], object] = lambda: None, empty_blocks: int = 0) -> Run:
        """Make a call with one fault. Judge it after late requests have arrived and the chain has settled."""
        call, calm, node = CALLS[place.call], self.watch(place.call), self.stage.node
        scene = self._begin(empty_blocks)
        node.arm(place.fault.change, place.label, place.before)
        told = self._act(call, scene)
        counted, sent = node.changed, list(node.sent)
        node.release()
        settle()
        wait_until_mined(self.stage)
        verdict = _judge_read(told, calm) if call in READS else self._judge(call, scene, told, sent, calm)
        self.go_back()
        wrong = tuple(f"{place}: told {told.word}, and {words}" for words in verdict.wrong)
        return Run(place.call, place.label, place.fault.kind, counted, told.word, wrong)

    def _judge(self, call: Call, scene: Scene, told: Told, sent: Sequence[str], calm: Calm) -> Verdict:
        now = read_truth(self.stage)
        verdict = judge_write(call, scene, told, sent, calm, now)
        if verdict.wrong or (told.word != "refused" and call.repeats is None):
            return verdict
        self.stage.node.arm(None)
        again = self._act(call, Scene(self.stage, self.stage.connect(past_the_proxy=True), scene.folder))
        return judge_again(call, told, again, calm.after, read_truth(self.stage))

    def _begin(self, empty_blocks: int = 0) -> Scene:
        """Save the state, and connect as a new program does."""
        (self._snapshot,) = ask_all(self.stage, [("evm_snapshot", [])])
        self.stage.empty_blocks = empty_blocks
        if empty_blocks:
            ask_all(self.stage, [("anvil_mine", [hex(empty_blocks)])])
        folder = self.stage.open_run()
        self.stage.node.arm(None)
        scene = Scene(self.stage, self.stage.connect(), folder)
        self.stage.node.arm(None)
        return scene

    @contextmanager
    def away(self) -> Iterator[Scene]:
        """Save the state, and restore it when the block ends."""
        yield self._begin()
        self.go_back()

    def go_back(self) -> None:
        """Restore the saved state."""
        wait_until_mined(self.stage)
        ask_all(self.stage, [("evm_revert", [self._snapshot]), ("anvil_dropAllTransactions", [])])

    @staticmethod
    def _act(call: Call, scene: Scene) -> Told:
        try:
            return Told(call.act(scene))
        except Exception as error:  # noqa: BLE001  whatever comes out is judged
            return Told(error=error)


def _judge_read(told: Told, calm: Calm) -> Verdict:
    """Judge a read: its result must be the truth, or an error."""
    verdict = Verdict()
    if told.error is None:
        verdict.require(told.result == calm.result, f"read {told.result!r:.200}, and true is {calm.result!r:.200}")
    else:
        verdict.require(isinstance(told.error, NvmChainError), f"raised {told.error!r}")
    return verdict


def sweep(campaign: Campaign, name: str, random: Random, tries: int = TRIES) -> Iterator[Run]:
    """Yield runs of a call with faults of each kind at random places, until one of each kind has counted."""
    for kind in KINDS:
        places = campaign.find_places(name, kind)
        for place in (random.sample(places, len(places)) * tries)[:tries]:
            run = campaign.run(place)
            yield run
            if run.counted:
                break


@contextmanager
def open_campaign() -> Iterator[Campaign]:
    """Start an anvil with the contracts and a proxy in front of it, and prepare it."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        with run_odd_node(node := FaultNode(url)), prepare_stage(World(chain), node) as stage:
            yield Campaign(stage)
