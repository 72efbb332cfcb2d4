"""Copies of the contract with one mistake each, to see that the comparison would notice."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CREDITS = "contracts/Credits.sol"
LEDGER = "contracts/parts/Ledger.sol"
LOTS = "contracts/libraries/Lots.sol"


@dataclass(frozen=True)
class Mutant:
    """A mistake: what is written in its place, wherever it is written in one file."""

    name: str
    path: str
    right: str
    wrong: str


MUTANTS = (
    Mutant("forgets what has expired", LEDGER, "if (grantedLater < left) left = grantedLater;", ""),
    Mutant("settles above the ceiling", CREDITS, "if (taken > ceiling - settled) taken = ceiling - settled;", ""),
    Mutant("expires a second late", LOTS, "expiresAt > block.timestamp", "expiresAt >= block.timestamp"),
    Mutant(
        "takes vouchers that ended", CREDITS, "block.timestamp > item.deadline", "block.timestamp > item.deadline + 1"
    ),
    Mutant("leaves the dust with the payer", CREDITS, "i == 0 ? left :", "total == 0 ? left :"),
    Mutant("adds to a window that is over", LEDGER, "if (end < block.timestamp) end = block.timestamp;", ""),
    Mutant("gives the place of a live lot away", LEDGER, " end = holding.endLot;", " end = 0;"),
)


def compile_mutant(mutant: Mutant) -> bytes:
    """Return the creation code of Credits with the mistake, compiled as the package's own is."""
    source = (ROOT / mutant.path).read_text("utf-8")
    assert mutant.right in source, f"{mutant.path} has changed: {mutant.right!r} is not there"
    settings = json.loads((ROOT / "nvm_chain/data/Credits.json").read_text("utf-8"))["compiler"]["settings"]
    sources: dict[str, dict[str, object]] = {CREDITS: {"urls": [CREDITS]}}
    sources[mutant.path] = {"content": source.replace(mutant.right, mutant.wrong)}
    wanted = {CREDITS: {"Credits": ["evm.bytecode.object"]}}
    asked = {
        "language": "Solidity",
        "sources": sources,
        "settings": {**settings, "outputSelection": wanted},
    }
    compilers = sorted((ROOT / ".solc").glob("solc-v*"))
    done = subprocess.run(
        [str(compilers[-1]), "--standard-json", "--base-path", str(ROOT)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    answer = json.loads(done.stdout)
    problems = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    assert not problems, problems
    return bytes.fromhex(answer["contracts"][CREDITS]["Credits"]["evm"]["bytecode"]["object"])
