"""Proves what symbolic execution reaches: the checks of tests/assurance/symbolic with halmos, the claims of tests/assurance/smt with the compiler's own.

A proof counts only if it is whole, and as a proof only if it calls the code: what restates an expression of it is a lemma, and counted
apart. A counterexample, a time-out, an error, a warning, a check that never gets past its own
assumptions and a check that is there but did not run are all failures; a loop that was not followed to its end is told apart as
"bounded". What is written to be refuted must be refuted, or none of it means anything.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.assurance.deep import planted
from tests.assurance.deep.halmos import (
    NOTHING_REACHED,
    OUT,
    RESULTS,
    Run,
    ask_smt_checker,
    build,
    find_missing,
    run_halmos,
)
from tests.assurance.deep.kept import Kept
from tests.assurance.deep.step import ROOT, Options, Outcome, Table, run_step

SYMBOLIC = ROOT / "tests" / "assurance" / "symbolic"
SMT = ROOT / "tests" / "assurance" / "smt"

SECONDS = 3_600
"""What one contract of checks may take before it is given up: ten times what it takes on a machine with nothing else to do."""
AT_ONCE = 2
SHORT = 2.0
"""Asked for fewer minutes than this, only the checks of :data:`FAST` run, and the claims."""
LONG = 20.0
"""Given this many minutes, the bugs of tests/assurance/symbolic/planted.toml are planted too."""
LEMMAS = ("ArithmeticLemmas", "DistancesClaims", "ProductsClaims")
"""Contracts whose properties restate expressions of the code."""
FAST = (
    "ArithmeticLemmas",
    "ConservationProofs",
    "ExpiryProofs",
    "FlagsProofs",
    "HoldingProofs",
    "LotsProofs",
    "ReferenceProofs",
    "RuleHolderProofs",
    "RuleOwnerProofs",
    "SettlementDigestProofs",
    "TrialProofs",
    "WindowProofs",
)

# What the compiler says of an assertion.
SAFE, VIOLATED = "2961", "4661"
ENGINE_IS_OLD = "3993"


@dataclass(frozen=True)
class Check:
    """One property, as its file states it."""

    contract: str
    signature: str
    words: str
    invariants: str
    bound: str

    @property
    def name(self) -> str:
        """Its function, without arguments."""
        return self.signature.split("(")[0]


@dataclass
class Proof:
    """What became of one property."""

    check: Check
    how: str
    result: str
    parts: int = 0
    seconds: float = 0.0
    log: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        if not self.is_wrong_on_purpose:
            return self.result in ("proved", "bounded")
        never_reached = self.check.name.endswith("__provesNothing")
        return self.result == (RESULTS[NOTHING_REACHED] if never_reached else "refuted")

    @property
    def is_wrong_on_purpose(self) -> bool:
        """Whether it must be refuted."""
        return self.check.contract == "RefutedClaims"

    @property
    def is_lemma(self) -> bool:
        """Whether it is about an expression that the code has too, and calls nothing of the code."""
        return self.check.contract in LEMMAS


def prove(options: Options) -> Outcome:
    """Run halmos and the SMT checker over every property, judge each, and in a long run plant the bugs that they must find."""
    if problem := find_missing():
        return Outcome("Proofs", passed=False, figures={"proofs": 0}, notes=[problem])
    print("compiling", flush=True)
    if problem := build(ROOT):
        sys.exit(f"forge build failed:\n{problem}")
    checks = list(_checks())
    contracts = sorted({check.contract for check in checks})
    if options.minutes < SHORT:
        contracts = [name for name in contracts if name in (*FAST, "RefutedClaims")]
        checks = [check for check in checks if check.contract in contracts]
    proofs, kept = [], Kept(options.folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for contract, run in zip(contracts, pool.map(lambda name: _run(name, options, kept), contracts), strict=True):
            found = [_judge(check, run) for check in checks if check.contract == contract]
            _say(found)
            proofs += found
    claims = _prove_claims()
    _say(claims)
    proofs += claims
    return _outcome(proofs, _plant(kept) if options.minutes >= LONG else None)


def _run(contract: str, options: Options, kept: Kept) -> Run:
    if (found := kept.find(contract)) is not None:
        return Run(**found)
    print(f"halmos: {contract}", flush=True)
    run = run_halmos(contract, options.folder, SECONDS)
    if run.is_whole:
        kept.keep(contract, asdict(run))
    return run


def _plant(kept: Kept) -> list[planted.Finding]:
    bugs = planted.read_bugs()
    findings = {}
    for bug in bugs:
        if (found := kept.find(bug.name)) is not None:
            findings[bug.name] = planted.Finding(bug, **found)
    for finding in planted.try_bugs([bug for bug in bugs if bug.name not in findings]):
        print(f"  {'ok' if finding.ok else 'FAILED'}: {finding.words}", flush=True)
        findings[finding.bug.name] = finding
        if finding.ok:
            kept.keep(finding.bug.name, {"result": finding.result, "seconds": finding.seconds})
    return [findings[bug.name] for bug in bugs]


def _checks() -> Iterator[Check]:
    for file in sorted(SYMBOLIC.glob("*.sol")):
        for artifact in sorted((ROOT / OUT / file.name).glob("*.json")):
            data = json.loads(artifact.read_text("utf-8"))
            if not (data.get("bytecode") or {}).get("object", "0x")[2:]:
                continue  # abstract: its checks are those of who inherits it
            methods = [signature for signature in data["methodIdentifiers"] if signature.startswith("check_")]
            documented = data["metadata"]["output"]
            for signature in methods:
                words = documented["userdoc"].get("methods", {}).get(signature, {}).get("notice", "")
                about = documented["devdoc"].get("methods", {}).get(signature, {})
                if not words:
                    sys.exit(f"{artifact.stem}.{signature} does not say in a @notice what it proves")
                yield Check(
                    artifact.stem, signature, words, about.get("details", ""), _bound(about.get("custom:halmos", ""))
                )


def _bound(options: str) -> str:
    lengths = re.findall(r"--default-(array|bytes)-lengths (\S+)", options)
    return ", ".join(f"{'arrays' if kind == 'array' else 'bytes'} of {length}" for kind, length in lengths)


def _judge(check: Check, run: Run) -> Proof:
    result = run.results.get(check.signature)
    if result is None:
        return Proof(check, "halmos", "did not run", log=run.log[-3000:])
    verdict = RESULTS.get(result["exitcode"], "error")
    if verdict == "proved" and result["num_bounded_loops"]:
        verdict = "bounded"
    elif verdict == "proved" and (warning := _warning(check, run.log)):
        verdict = f"warning: {warning}"
    proof = Proof(check, "halmos", verdict, result["num_paths"][0], result["time"][0])
    if not proof.ok:
        proof.log = run.log[-3000:]
    return proof


def _warning(check: Check, log: str) -> str:
    """Return what halmos warns of, in the lines that follow a check's result or name it."""
    own = log.partition(f" {check.signature} (paths")[2].partition("(paths")[0]
    found = re.search(r"^(?:WARNING|ERROR)\s+(.*)", own, re.MULTILINE)
    return found.group(1).strip() if found else ""


def _prove_claims() -> list[Proof]:
    proofs = []
    for file in sorted(SMT.glob("*.sol")):
        print(f"SMT checker: {file.name}", flush=True)
        started = time.monotonic()
        messages, complaint = ask_smt_checker(file.name, SECONDS)
        claims = list(_claims(file))
        for check, lines, asserts in claims:
            own = [message for message in messages if message["line"] in lines]
            proof = Proof(check, "SMT checker", _verdict_of(own, len(asserts)), len(asserts))
            proof.seconds = (time.monotonic() - started) / len(claims)
            if not proof.ok:
                proof.log = json.dumps(own, indent=1) + complaint
            proofs.append(proof)
    return proofs


def _verdict_of(messages: list[dict], asserts: int) -> str:
    codes = [message["code"] for message in messages]
    if VIOLATED in codes:
        return "refuted"
    if asserts and codes == [SAFE] * asserts:
        return "proved"
    unsettled = [message["message"] for message in messages if message["code"] not in (SAFE, ENGINE_IS_OLD)]
    return f"undecided: {'; '.join(unsettled) or 'the compiler said nothing'}"


def _claims(file: Path) -> Iterator[tuple[Check, range, list[int]]]:
    lines = file.read_text("utf-8").split("\n")
    starts = [number for number, line in enumerate(lines, 1) if line.startswith("    function ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        comment: list[str] = []
        for line in reversed(lines[: start - 1]):
            if not line.strip().startswith("///"):
                break
            comment.insert(0, line.strip().removeprefix("///").strip())
        words, _, invariants = " ".join(comment).removeprefix("@notice ").partition(" @dev ")
        name = lines[start - 1].split("function ")[1].split("(")[0]
        asserts = [number for number in range(start, end) if "assert(" in lines[number - 1]]
        yield Check(f"{file.stem}Claims", name, words, invariants, ""), range(start, end), asserts


def _say(proofs: list[Proof]) -> None:
    for proof in proofs:
        sign = "ok" if proof.ok else "FAILED"
        print(f"  {sign}: {proof.check.contract}.{proof.check.name}: {proof.result}, {proof.seconds:.0f} s", flush=True)


def _outcome(proofs: list[Proof], findings: list[planted.Finding] | None) -> Outcome:
    claims = [proof for proof in proofs if not proof.is_wrong_on_purpose]
    about_code = [proof for proof in claims if not proof.is_lemma]
    lemmas = [proof for proof in claims if proof.is_lemma]
    wrong = [proof for proof in proofs if proof.is_wrong_on_purpose]
    failed = [proof for proof in proofs if not proof.ok]
    figures: dict[str, int | float | str] = {
        "properties": len(about_code),
        "proofs": sum(proof.result == "proved" for proof in about_code),
        "proofs that are bounded": sum(proof.result == "bounded" for proof in about_code),
        "arithmetic lemmas": len(lemmas),
        "arithmetic lemmas proved": sum(proof.result == "proved" for proof in lemmas),
        "proofs that failed": len(failed),
        "wrong claims refuted": f"{sum(proof.ok for proof in wrong)} of {len(wrong)}",
        "paths": sum(proof.parts for proof in claims if proof.how == "halmos"),
        "assertions of the SMT checker": sum(proof.parts for proof in claims if proof.how != "halmos"),
        "seconds of proving": round(sum(proof.seconds for proof in proofs)),
    }
    notes = [f"{proof.check.contract}.{proof.check.name}: {proof.result}\n{proof.log}" for proof in failed]
    tables = [
        _table("What is proved", about_code),
        _table("Arithmetic lemmas: expressions of the code, by themselves", lemmas),
    ]
    passed = bool(about_code and wrong) and not failed
    if findings is not None:
        found = [finding for finding in findings if finding.ok]
        figures["planted bugs refuted"] = f"{len(found)} of {len(findings)}"
        figures["seconds of planting"] = round(sum(finding.seconds for finding in findings))
        notes += [finding.words for finding in findings if not finding.ok]
        passed = passed and bool(findings) and len(found) == len(findings)
    return Outcome("Proofs", passed, figures, tables, notes)


def _table(title: str, proofs: list[Proof]) -> Table:
    rows: list[list[str | int]] = [
        [proof.check.words, proof.check.invariants, proof.how, proof.check.bound or "none", proof.result]
        for proof in proofs
    ]
    return Table(title, ["Property", "Invariant", "How", "Bound", "Result"], rows)


if __name__ == "__main__":
    sys.exit(run_step("proofs", prove))
