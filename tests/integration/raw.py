"""Contracts written in bytes: they answer every call with data of the test's choice, as a return value or as a revert."""

from web3.contract.contract import Contract

from nvm_chain.tokens import ERC20_ABI
from tests.support.world import World

# PUSH2 size, DUP1, PUSH2 11, PUSH0, CODECOPY, PUSH0, then RETURN or REVERT, then the data.
_PROGRAM = "61{size:04x}8061000b5f395f{end}"
_RETURN, _REVERT = "f3", "fd"


def _program(data: bytes, end: str) -> bytes:
    return bytes.fromhex(_PROGRAM.format(size=len(data), end=end)) + data


def deploy_raw(world: World, data: bytes, *, reverting: bool) -> Contract:
    """Deploy a contract that answers every call with ``data``, and give it the face of a token."""
    creation = _program(_program(data, _REVERT if reverting else _RETURN), _RETURN)
    return world.chain.bind(world.chain.deploy(world.stranger, creation), ERC20_ABI)
