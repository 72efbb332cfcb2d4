"""The compiled contracts inside the package: ABI, bytecode, compiler settings and NatSpec."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

from eth_abi.abi import encode
from eth_utils.crypto import keccak

ContractName = Literal["Credits", "AgentRegistry", "TestUSDC"]

FOLDER: Traversable = files("nvm_chain") / "chain" / "data"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract. ``creation_code`` deploys the contract. ``runtime_code`` is its code on the chain."""

    name: str
    abi: tuple[dict[str, Any], ...]
    creation_code: bytes
    runtime_code: bytes
    compiler: dict[str, Any]
    natspec: dict[str, Any]

    def encode_creation(self, *arguments: object) -> bytes:
        """Return the creation code, followed by the ABI-encoded constructor arguments."""
        types = [item["type"] for entry in self.abi if entry["type"] == "constructor" for item in entry["inputs"]]
        return self.creation_code + encode(types, arguments)

    @property
    def runtime_code_hash(self) -> str:
        """The keccak-256 hash of the runtime code, as ``0x`` and 64 hex digits."""
        return "0x" + keccak(self.runtime_code).hex()


@cache
def read_artifact(name: ContractName) -> Artifact:
    """Return a contract of the package. No request. Its file is read only once."""
    data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return Artifact(
        name=name,
        abi=tuple(data["abi"]),
        creation_code=bytes.fromhex(data["creation_code"].removeprefix("0x")),
        runtime_code=bytes.fromhex(data["runtime_code"].removeprefix("0x")),
        compiler=data["compiler"],
        natspec=data["natspec"],
    )
