"""The campaign of random histories against both contracts (I1 to I10), as long as there is time: forge with seed after seed."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from eth_utils.abi import abi_to_signature, function_signature_to_4byte_selector

from nvm_chain.chain.artifacts import read_artifact
from tests.assurance.deep.step import CONTRACTS, FORGE, ROOT, Options, Outcome, Table, run_step
from tools.write_invariants import INVARIANTS

COUNTS = ROOT / ".forge" / "counts"
PROFILE = "deep"
DEPTH = 400
"""Calls of one history, as in foundry.toml."""
FIRST_RUNS = 4
"""Histories per invariant of the first round, by which the others are measured."""
MOST_RUNS = 200
FUZZ_RUNS_A_MINUTE = 1_000
MOST_FUZZ_RUNS = 20_000
LEAST_SHARE = 50
"""Percent of the calls of a function that must have succeeded, for the campaign to mean something."""
MUST_FAIL = {"sendFee", "mintItem", "order, unpaid", "order, wrongly", "registerPlan twice", "a plan that is not there"}
"""What must fail whoever calls it."""
FUNCTION = re.compile(r"(\w+) (0x[0-9a-f]{8})")
"""How the campaign names a function in its counts: contract and selector."""


def changing_functions() -> dict[str, str]:
    """Return every function of both contracts that is no read, from their ABIs: the name in the counts, and the signature."""
    return {
        f"{name} 0x{function_signature_to_4byte_selector(signature).hex()}": f"{name}.{signature}"
        for name in CONTRACTS
        for entry in read_artifact(name).abi
        if entry["type"] == "function" and entry["stateMutability"] not in {"view", "pure"}
        for signature in [abi_to_signature(entry)]  # type: ignore[arg-type]
    }


def check_interval() -> int:
    """Return after how many calls forge looks for the properties, once."""
    settings = tomllib.loads((ROOT / "foundry.toml").read_text("utf-8"))
    return int(settings["profile"][PROFILE]["invariant"]["check_interval"])


@dataclass
class Tally:
    """What all rounds together have come to."""

    histories: int = 0
    handled: int = 0
    fuzz_cases: int = 0
    tries: Counter[str] = field(default_factory=Counter)
    successes: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)
    """Calls of each function, by its name in the counts."""
    functions_done: Counter[str] = field(default_factory=Counter)
    """Of these, the calls that succeeded."""
    held: dict[str, int] = field(default_factory=dict)
    """How often each property was looked for: after so many calls of handlers, or of so many cases."""
    failures: list[str] = field(default_factory=list)

    def add_counts(self, path: Path) -> None:
        """Add what the histories of a round wrote about their calls. forge ends the last one of each property twice, and may go
        through one for several properties: equal lines count once."""
        if not path.exists():
            return
        for line in sorted(set(path.read_text("utf-8").splitlines())):
            self.histories += 1
            for name, (tries, successes) in json.loads(line).items():
                is_function = FUNCTION.fullmatch(name)
                (self.functions if is_function else self.tries)[name] += tries
                (self.functions_done if is_function else self.successes)[name] += successes

    def add_results(self, report: dict[str, object], repeat: str) -> None:
        """Add forge's report of a round."""
        for suite in report.values():
            assert isinstance(suite, dict)
            for signature, result in suite["test_results"].items():
                self._add_result(signature.partition("(")[0], result, repeat)

    def _add_result(self, name: str, result: dict[str, object], repeat: str) -> None:
        if result["status"] != "Success":
            self.failures.append(f"{name}: {result['reason']}\n  again: {repeat} --match-test {name}")
        kind = result["kind"]
        assert isinstance(kind, dict)
        if "Invariant" in kind:
            calls = kind["Invariant"]["calls"]
            self.handled += calls
            self.held[name] = self.held.get(name, 0) + calls // check_interval()
        elif "Fuzz" in kind:
            runs = kind["Fuzz"]["runs"]
            self.fuzz_cases += runs
            self.held[name] = self.held.get(name, 0) + runs

    def shares(self) -> dict[str, int]:
        """Return the percentage of calls that succeeded, by function."""
        return {name: 100 * self.successes[name] // tries for name, tries in sorted(self.tries.items())}

    def gaps(self) -> list[str]:
        """Say what the campaign left out: functions of the contracts that were not called or never succeeded, invariants not looked for."""
        found = [f"never called: {name}" for name in sorted(MUST_FAIL - set(self.tries))]
        for name, signature in changing_functions().items():
            if not self.functions[name]:
                found.append(f"never called: {signature}")
            elif not self.functions_done[name] and signature.partition(".")[2].partition("(")[0] not in MUST_FAIL:
                found.append(f"never succeeded: {signature}")
        looked_for = {
            name.split("_")[1] for name, times in self.held.items() if name.startswith("invariant_") and times
        }
        return found + [f"never looked for: {name}" for name in INVARIANTS if name not in looked_for]


def run_campaign(options: Options) -> Outcome:
    """Run rounds of random histories until the time is over or something is found."""
    end = time.monotonic() + 60 * options.minutes
    tally = Tally()
    fuzz_runs = max(1, min(MOST_FUZZ_RUNS, int(FUZZ_RUNS_A_MINUTE * options.minutes)))
    print("compiling, and fuzzing the libraries", flush=True)
    _run_round(options.seed, 1, fuzz_runs, "--no-match-contract", tally)
    runs, number = FIRST_RUNS, 0
    while not tally.failures and runs > 0:
        seed = options.seed + 1_000_003 * number
        started = time.monotonic()
        _run_round(seed, runs, 1, "--match-contract", tally)
        seconds = time.monotonic() - started
        print(f"seed {seed}: {runs} histories of each property in {seconds:.0f} s", flush=True)
        left = end - time.monotonic()
        number += 1
        runs = min(MOST_RUNS, int(runs * left / max(seconds, 1)))
    return _outcome(tally, number)


def _run_round(seed: int, runs: int, fuzz_runs: int, which: str, tally: Tally) -> None:
    COUNTS.mkdir(parents=True, exist_ok=True)
    counts = COUNTS / f"{seed}.jsonl"
    counts.unlink(missing_ok=True)
    settings = {
        "FOUNDRY_PROFILE": PROFILE,
        "FOUNDRY_INVARIANT_RUNS": str(runs),
        "FOUNDRY_INVARIANT_DEPTH": str(DEPTH),
        "FOUNDRY_FUZZ_RUNS": str(fuzz_runs),
    }
    command = [str(FORGE), "test", "--offline", "--json", "--fuzz-seed", str(seed), which, "CampaignTest"]
    environment = os.environ | settings | {"CAMPAIGN_COUNTS": str(counts.relative_to(ROOT))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    words = " ".join(f"{key}={value}" for key, value in settings.items())
    repeat = f"{words} .venv/bin/forge test --offline --fuzz-seed {seed} {which} CampaignTest"
    report = _report_in(done.stdout)
    if report is None:
        tally.failures.append(f"forge did not run the tests: {(done.stderr or done.stdout)[-2000:]}\n  again: {repeat}")
        return
    tally.add_results(report, repeat)
    tally.add_counts(counts)
    counts.unlink(missing_ok=True)


def _report_in(output: str) -> dict[str, object] | None:
    """Find the line of the report among those about progress."""
    for line in output.splitlines():
        if re.match(r'\{"tests/', line):
            report: dict[str, object] = json.loads(line)
            return report
    return None


def _outcome(tally: Tally, rounds: int) -> Outcome:
    shares = tally.shares()
    low = [name for name, share in shares.items() if share < LEAST_SHARE and name not in MUST_FAIL]
    notes = list(tally.failures)
    notes += [f"too few calls succeed to mean something: {name}, {shares[name]} %" for name in low]
    notes += tally.gaps()
    meant = [name for name in shares if name not in MUST_FAIL]
    figures: dict[str, int | float | str] = {
        "rounds": rounds,
        "histories": tally.histories,
        "calls of handlers": tally.handled,
        "calls of the contracts": sum(tally.tries.values()),
        "fuzz cases": tally.fuzz_cases,
        "kinds of call": len(shares),
        "functions that change something": len(changing_functions()),
        "of these called": len(changing_functions().keys() & tally.functions.keys()),
        "share of calls that succeeded, in percent": round(
            100 * sum(tally.successes[name] for name in meant) / max(1, sum(tally.tries[name] for name in meant)), 1
        ),
        "lowest share of a function, in percent": min((shares[name] for name in meant), default=0),
        "properties held": len(tally.held) - len({failure.partition(":")[0] for failure in tally.failures}),
    }
    calls = [[name, tally.tries[name], tally.successes[name], _share(name, shares)] for name in shares]
    held: list[list[str | int]] = [[name, count] for name, count in sorted(tally.held.items())]
    tables = [
        Table("Calls of the campaign", ["function", "calls", "succeeded", "%"], calls),
        Table("Properties of the campaign", ["property", "times looked for, or cases"], held),
    ]
    return Outcome("Fuzz campaign", not notes, figures, tables, notes)


def _share(name: str, shares: dict[str, int]) -> str | int:
    return "must fail" if name in MUST_FAIL else shares[name]


if __name__ == "__main__":
    sys.exit(run_step("campaign", run_campaign))
