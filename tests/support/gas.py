"""Calls and transactions with too little gas, or with just enough."""

from typing import Any, cast

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction
from web3.exceptions import Web3Exception
from web3.types import TxParams, TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.reverts import decode_revert, parse_revert_data
from tests.support.world import World

TRANSACTION_GAS_CAP = 2**24
"""The largest gas limit of a transaction since the osaka fork (EIP-7825)."""


def simulate(
    chain: Chain, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int = 0, gas: int | None = None
) -> bytes:
    """Simulate a transaction, by default with the gas of a block. Return its answer, or raise its error."""
    transaction: dict[str, Any] = {"from": sender, "data": data, "value": value}
    transaction |= {"to": to} if to else {}
    transaction |= {"gas": gas} if gas else {}
    try:
        return bytes(chain.web3.eth.call(cast(TxParams, transaction)))
    except Web3Exception as error:
        raise decode_revert(parse_revert_data(error) or b"") from None


def estimate_gas(function: ContractFunction, sender: ChecksumAddress, value: int = 0) -> int:
    """Return the node's gas estimate."""
    return int(function.estimate_gas(cast(TxParams, {"from": sender, "value": value})))


def send_with_least_gas(
    world: World, signer: LocalAccount, function: ContractFunction, *, start: int, step: int, value: int = 0
) -> TxReceipt:
    """Send a call with rising gas limits until it succeeds, and return the receipt."""
    for gas in range(start, TRANSACTION_GAS_CAP, step):
        receipt = world.send_with_gas(signer, function, gas, value)
        if receipt["status"] == 1:
            return receipt
    raise AssertionError("no gas limit was enough")
