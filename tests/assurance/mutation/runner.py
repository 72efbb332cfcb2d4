"""Takes the mutants through the judges, cheapest first, until one finds the mistake or the time is over."""

import hashlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pool
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Final

from tests.assurance.mutation.by_forge import ForgeCopy
from tests.assurance.mutation.by_histories import judge_by_histories
from tests.assurance.mutation.by_tests import LARGEST, BrokenRunner, all_test_files, judge_by_tests
from tests.assurance.mutation.catalogue import HAND, Mutant, Trees, read_mutants, read_trees
from tests.assurance.mutation.compiler import AGENTS, CREDITS, DoesNotCompile, Target, WarmCompiler
from tests.assurance.mutation.reach import Reach
from tests.assurance.mutation.results import (
    ALL_TESTS,
    FORGE,
    HISTORIES,
    JUDGES,
    KILLED,
    NO_CODE,
    SAME_CODE,
    SURVIVED,
    TESTS_OF_FUNCTION,
    Results,
    Verdict,
)

PROCESSES: Final = 2
KNOWN_BAD: Final[dict[Target, str]] = {CREDITS: "counts no voucher", AGENTS: "forgets where the last plan went"}
"""Each judge has to find these, or it is no judge."""
FORGE_KNOWS: Final = "Ledger._storeLastLot: end == type(uint24).max → end == type(uint24).max - 1 (2)"
"""What forge's tests have to find: they are about what no call brings about."""
TOO_LARGE: Final = "too large for a chain"
_SAY_EACH: Final = 30
Say = Callable[[str], None]
Raw = tuple[str, str, str, str]
"""Mutant, verdict, hash of its code, what found it."""
Ask = Callable[[Mutant, tuple[str, str]], str | None]
"""Returns what finds the mistake in a mutant, whose creation and runtime code are given; None if nothing does."""


class Runner:
    """One run over all mutants. Verdicts go to a file and are taken from there the next time."""

    def __init__(self, folder: Path, seed: int, deadline: float, say: Say) -> None:
        self.results = Results(folder / "mutants.jsonl")
        self.say, self._deadline = say, deadline
        with WarmCompiler() as compiler:
            self._trees: Trees = read_trees(compiler)
            self._original = {target: _hash(compiler.compile(target, {})[0]) for target in (CREDITS, AGENTS)}
            self._optimized_original = {target: compiler.compile(target, {}, True)[0] for target in (CREDITS, AGENTS)}
        self.mutants = read_mutants(self._trees)
        self._reach = {target: Reach(trees) for target, trees in self._trees.items()}
        # Whatever part of them there is time for is a sample of all.
        self._order = random.Random(seed).sample(self.mutants, len(self.mutants))
        self._by_code: dict[str, list[Mutant]] | None = None
        self._order.sort(key=lambda mutant: mutant.operator != HAND)

    # ------------------------------------------------------------------ is the runner right

    def check_histories(self) -> None:
        """Insist that the histories find nothing in the contracts as they are, and a mistake where there is one."""
        with WarmCompiler() as compiler:
            for target, name in KNOWN_BAD.items():
                _insist(judge_by_histories(target, compiler.compile(target, {})[0]), False, f"histories of {target[1]}")
                bad = compiler.compile(target, self._named(name).files)[0]
                _insist(judge_by_histories(target, bad), True, f"histories of {target[1]}")
        self.say("histories find nothing in the contracts, and the mistake in a copy of each with one")

    def check_forge(self) -> None:
        """Insist on the same of forge's tests."""
        forge = ForgeCopy()
        _insist(forge.judge({}), False, "forge's tests")
        _insist(forge.judge(self._named(FORGE_KNOWS).files), True, "forge's tests")
        self.say("forge's tests do so too")

    def check_tests(self) -> None:
        """Insist on the same of the behaviour tests that are about the mistake."""
        with WarmCompiler() as compiler:
            for target, name in KNOWN_BAD.items():
                bad = self._named(name)
                files = self._reach[target].files(target, bad.place)
                whole, broken = compiler.compile(target, {}, True), compiler.compile(target, bad.files, True)
                _insist(judge_by_tests(target, whole, files, PROCESSES), False, f"tests of {target[1]}")
                _insist(judge_by_tests(target, broken, files, PROCESSES), True, f"tests of {target[1]}")
        self.say("the tests of the functions do so too")

    def check_all_tests(self) -> None:
        """Insist on the same of all behaviour tests together."""
        with WarmCompiler() as compiler:
            whole = compiler.compile(CREDITS, {}, True)
            broken = compiler.compile(CREDITS, self._named(KNOWN_BAD[CREDITS]).files, True)
        _insist(judge_by_tests(CREDITS, whole, all_test_files(), PROCESSES), False, "all tests")
        _insist(judge_by_tests(CREDITS, broken, all_test_files(), PROCESSES), True, "all tests")
        self.say("all tests together do so too")

    def _named(self, name: str) -> Mutant:
        return next(mutant for mutant in self.mutants if mutant.id == name)

    # ------------------------------------------------------------------ the judges

    def ask_histories(self) -> None:
        """Compile each mutant and run histories of it."""
        todo = [mutant for mutant in self._order if not self.results.find(mutant.id, HISTORIES)]
        self.say(f"histories: {len(todo)} mutants to try")
        if not todo:
            return
        with Pool(PROCESSES, _keep_original, (self._original,)) as pool:
            self._collect(HISTORIES, len(todo), pool.imap_unordered(_try_histories, todo))

    def ask_forge(self, mutants: Iterable[Mutant]) -> None:
        """Run forge's tests."""
        self._ask(FORGE, mutants, lambda mutant, code: _forge().judge(mutant.files), PROCESSES)

    def ask_tests(self, mutants: Iterable[Mutant]) -> None:
        """Run the tests of the functions that come to the mutated line."""
        self._ask(TESTS_OF_FUNCTION, mutants, self._ask_tests_of_function, PROCESSES)

    def ask_all_tests(self, mutants: Iterable[Mutant]) -> None:
        """Run all behaviour tests."""

        def ask(mutant: Mutant, code: tuple[str, str]) -> str | None:
            return judge_by_tests(mutant.target, code, all_test_files(), PROCESSES)

        self._ask(ALL_TESTS, mutants, ask, processes=1)

    def _ask(self, judge: str, mutants: Iterable[Mutant], ask: Ask, processes: int) -> None:
        """Have a judge look at the mutants that it has not seen, so many at once."""
        todo = [mutant for mutant in mutants if not self.results.find(mutant.id, judge)]
        self.say(f"{judge}: {len(todo)} mutants to try")
        with ThreadPool(processes) as pool:
            self._collect(judge, len(todo), pool.imap_unordered(lambda mutant: self._judge(mutant, ask), todo))

    def _collect(self, judge: str, count: int, verdicts: Iterator[Raw]) -> None:
        """Write verdicts down as they come, as long as there is time."""
        said = time.monotonic()
        for done, (mutant_id, verdict, code, by) in enumerate(verdicts, 1):
            self.results.add(mutant_id, judge, verdict, code, by)
            if time.monotonic() - said > _SAY_EACH:
                self.say(f"{judge}: {done} of {count}")
                said = time.monotonic()
            if not self.has_time():
                break

    def has_time(self) -> bool:
        """Return whether the time is not over."""
        return time.monotonic() < self._deadline

    def _ask_tests_of_function(self, mutant: Mutant, code: tuple[str, str]) -> str | None:
        files = self._reach[mutant.target].files(mutant.target, mutant.place)
        return judge_by_tests(mutant.target, code, files) if files else None

    def _judge(self, mutant: Mutant, ask: Ask) -> Raw:
        code = _compiler().compile(mutant.target, mutant.files, optimize=True)
        if code[0] == self._optimized_original[mutant.target]:
            return mutant.id, SAME_CODE, _hash(code[0]), "optimized"
        if len(code[1]) // 2 > LARGEST:
            return mutant.id, SURVIVED, _hash(code[0]), TOO_LARGE
        found = ask(mutant, code)
        return mutant.id, KILLED if found else SURVIVED, _hash(code[0]), found or ""

    # ------------------------------------------------------------------ what is known

    def last_verdict(self, mutant: Mutant) -> Verdict | None:
        """Return what the last judge said that was asked, or the one that found the mistake."""
        found = [self.results.find(mutant.id, judge) for judge in JUDGES]
        known = [verdict for verdict in found if verdict]
        return next((verdict for verdict in known if verdict.verdict != SURVIVED), known[-1] if known else None)

    def is_through(self, mutant: Mutant) -> bool:
        """Return whether the last judge has seen it, or one with the same code."""
        return any(self.results.find(each.id, ALL_TESTS) for each in self.same_code(mutant))

    def same_code(self, mutant: Mutant) -> list[Mutant]:
        """Return the mutants that compile to the same code, itself among them."""
        if self._by_code is None:
            self._by_code = defaultdict(list)
            for each in self.mutants:
                if verdict := self.results.find(each.id, HISTORIES):
                    self._by_code[verdict.code].append(each)
        verdict = self.results.find(mutant.id, HISTORIES)
        return self._by_code[verdict.code] if verdict and verdict.code else [mutant]

    def survivors(self) -> list[Mutant]:
        """Return the mutants that no judge found yet, in the order of this run; of those with equal code, one."""
        seen: set[str] = set()
        found = []
        for mutant in self._order:
            first, last = self.results.find(mutant.id, HISTORIES), self.last_verdict(mutant)
            if first and last and last.verdict == SURVIVED and first.code not in seen:
                seen.add(first.code)
                found.append(mutant)
        return found


_warm = threading.local()


def _compiler() -> WarmCompiler:
    """Return this thread's compiler. It ends when the process does and its input with it."""
    if not hasattr(_warm, "compiler"):
        _warm.compiler = WarmCompiler()
    compiler: WarmCompiler = _warm.compiler
    return compiler


def _forge() -> ForgeCopy:
    """Return this thread's copy of what forge needs."""
    if not hasattr(_warm, "forge"):
        _warm.forge = ForgeCopy()
    forge: ForgeCopy = _warm.forge
    return forge


_original: dict[Target, str] = {}


def _keep_original(original: dict[Target, str]) -> None:
    _original.update(original)


def _try_histories(mutant: Mutant) -> Raw:
    try:
        creation = _compiler().compile(mutant.target, mutant.files)[0]
    except DoesNotCompile as error:
        return mutant.id, NO_CODE, "", str(error).partition("\n")[0]
    code = _hash(creation)
    if code == _original[mutant.target]:
        return mutant.id, SAME_CODE, code, ""
    found = judge_by_histories(mutant.target, creation)
    return mutant.id, KILLED if found else SURVIVED, code, found or ""


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _insist(found: str | None, bad: bool, judge: str) -> None:
    if bool(found) is not bad:
        raise BrokenRunner(
            f"{judge}: " + ("finds no mistake where there is one" if bad else f"without a mistake: {found}")
        )
