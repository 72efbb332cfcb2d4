"""solc, loaded once and kept: a compile takes half a second, where starting the compiler each time takes two."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parent.parent.parent.parent
CREDITS: Final = ("contracts/credits/Credits.sol", "Credits")
AGENTS: Final = ("contracts/agents/AgentRegistry.sol", "AgentRegistry")
Target = tuple[str, str]

_COMPILES_PER_PROCESS: Final = 400
"""WebAssembly gives no memory back."""


class DoesNotCompile(Exception):
    """What the compiler said."""


class WarmCompiler:
    """One compiler in a process of its own. Code comes without metadata, so equal code has equal bytes."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._compiles = 0

    def compile(
        self, target: Target, files: Mapping[str, str], optimize: bool = False, via_ir: bool = False
    ) -> tuple[str, str]:
        """Return a contract's creation and runtime code as hex, with these files in place of those in the folder."""
        answer = self._ask({"files": files, "target": target, "settings": _settings(optimize, via_ir), "trees": []})
        return answer["creation"], answer["runtime"]

    def read_trees(self, target: Target, paths: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the syntax trees of files that a contract is made of, by path."""
        answer = self._ask({"files": {}, "target": target, "settings": _settings(), "trees": paths})
        trees: dict[str, dict[str, Any]] = answer["trees"]
        return trees

    def _ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        self._compiles += 1
        if self._process is None or self._compiles % _COMPILES_PER_PROCESS == 0:
            self.close()
            command = ["node", str(Path(__file__).parent / "warm_solc.js"), str(ROOT)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the compiler ended"
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise DoesNotCompile(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _settings(optimize: bool = False, via_ir: bool = False) -> dict[str, Any]:
    packaged = json.loads((ROOT / "nvm_chain/chain/data/Credits.json").read_text("utf-8"))
    settings: dict[str, Any] = packaged["compiler"]["settings"]
    metadata = {"appendCBOR": False, "bytecodeHash": "none"}
    # For size where it is on: a mutant should not die of being a few bytes longer.
    optimizer = {"enabled": True, "runs": 1} if optimize else {"enabled": False}
    return {**settings, "metadata": metadata, "optimizer": optimizer, "viaIR": via_ir}
