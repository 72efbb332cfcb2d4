"""Accounts of Solady's ERC1271 answer more generously to a question without a gas price, by a path meant for log-ins."""

from nvm_chain.chain.client import Chain
from tests.support.world import World

HELPER = "0x000000000000378eDCD5B5B0A24f5342d8C10485"
"""Where Solady expects a contract that answers with the block's base fee. Not every chain has it."""
ANSWER_BASE_FEE = "0x485f5260205ff3"
"""BASEFEE, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN."""


def install_base_fee_helper(world: World) -> None:
    """Put the contract that answers with the base fee where Solady expects it."""
    _request(world.chain, "anvil_setCode", HELPER, ANSWER_BASE_FEE)


def _request(chain: Chain, method: str, *arguments: str) -> None:
    answer = chain.web3.provider.make_request(method, list(arguments))  # type: ignore[arg-type]
    assert "error" not in answer, answer
