"""Real wallets' compiled contracts, as their makers publish them on npm, and the deployment of contracts."""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.abi import collapse_if_tuple
from web3.contract.contract import Contract

from tests.support.world import World
from tests.wallets.compiled import read_contracts

MODULES = Path(__file__).parent.parent.parent / "node_modules"
SAFES = {"1.4.1": "@safe-global/safe-contracts", "1.5.0": "@safe-global/safe-smart-account"}


class Artifact(NamedTuple):
    """A compiled contract."""

    abi: list[dict[str, Any]]
    creation_code: str


@cache
def read_safe(version: str, path: str) -> Artifact:
    """Return a contract of a version of the Safe, such as ``proxies/SafeProxy``."""
    name = path.rpartition("/")[2]
    return _read_json(MODULES / SAFES[version] / "build/artifacts/contracts" / f"{path}.sol" / f"{name}.json")


@cache
def read_infinitism(name: str) -> Artifact:
    """Return a contract of eth-infinitism's account-abstraction 0.8, such as ``SimpleAccount``."""
    return _read_json(MODULES / "@account-abstraction/contracts/artifacts" / f"{name}.json")


@cache
def read_metamask(name: str) -> Artifact:
    """Return a contract of MetaMask's delegation framework, such as ``HybridDeleGator``."""
    folder = MODULES / "@metamask/delegation-abis/dist"
    code = re.search(r'const bytecode = "(0x[^"]+)"', (folder / "bytecode" / f"{name}.mjs").read_text("utf-8"))
    abi = re.search(r"const abi = (\[.*?\n\]);", (folder / "abis" / f"{name}.mjs").read_text("utf-8"), re.DOTALL)
    assert code is not None
    assert abi is not None
    return Artifact(json.loads(abi[1]), code[1])


def read_double(name: str) -> Artifact:
    """Return a contract of tests/wallets/contracts."""
    contract = read_contracts()[name]
    return Artifact(contract["abi"], contract["creation_code"])


def deploy(world: World, artifact: Artifact, *arguments: Any) -> Contract:
    """Deploy a contract from the fee owner's account."""
    inputs = [entry["inputs"] for entry in artifact.abi if entry["type"] == "constructor"]
    data = artifact.creation_code + _encode(inputs[0] if inputs else [], arguments).hex()
    receipt = world.chain.send_data(world.fee_owner, data)
    address = receipt["contractAddress"]
    assert address is not None
    return world.chain.bind(address, artifact.abi)


def deploy_behind_proxy(world: World, artifact: Artifact, implementation: ChecksumAddress, *initial: Any) -> Contract:
    """Deploy a proxy for an implementation, and initialize it."""
    call = world.chain.bind(implementation, artifact.abi).encode_abi("initialize", list(initial))
    proxy = deploy(world, read_double("AccountProxy"), implementation, bytes.fromhex(call[2:]))
    return world.chain.bind(proxy.address, artifact.abi)


def _read_json(path: Path) -> Artifact:
    artifact = json.loads(path.read_text("utf-8"))
    return Artifact(artifact["abi"], artifact["bytecode"])


def _encode(inputs: Sequence[Any], arguments: Sequence[Any]) -> bytes:
    return encode([collapse_if_tuple(entry) for entry in inputs], arguments)
