"""Calls and transactions with too little gas, and with just enough."""

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
"""EIP-7825: no transaction may have a higher gas limit, from the osaka fork on."""


def simulate(
    chain: Chain, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int = 0, gas: int | None = None
) -> bytes:
    """Run a transaction without sending it, by default with a block's gas; return its answer or raise its error."""
    transaction: dict[str, Any] = {"from": sender, "data": data, "value": value}
    transaction |= {"to": to} if to else {}
    transaction |= {"gas": gas} if gas else {}
    try:
        return bytes(chain.web3.eth.call(cast(TxParams, transaction)))
    except Web3Exception as error:
        raise decode_revert(parse_revert_data(error) or b"") from None


def estimate_gas(function: ContractFunction, sender: ChecksumAddress, value: int = 0) -> int:
    """Return the gas limit that the node proposes."""
    return int(function.estimate_gas(cast(TxParams, {"from": sender, "value": value})))


def send_with_least_gas(
    world: World, signer: LocalAccount, function: ContractFunction, *, start: int, step: int, value: int = 0
) -> TxReceipt:
    """Send with a rising gas limit until it succeeds, and return that receipt."""
    for gas in range(start, TRANSACTION_GAS_CAP, step):
        receipt = world.send_with_gas(signer, function, gas, value)
        if receipt["status"] == 1:
            return receipt
    raise AssertionError("no gas limit was enough")
