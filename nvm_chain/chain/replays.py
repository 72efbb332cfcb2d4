"""The reason why a mined transaction failed: repeat it as a call."""

from collections.abc import Mapping
from typing import Any

from web3.types import TxData, TxReceipt

from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.chain.node import Node
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.chain.purses import PRICES
from nvm_chain.errors import NetworkError, NvmChainError, OutOfGas, RevertedWithoutReason, WouldSucceedNow


def find_reason(node: Node, transaction: Mapping[str, Any], receipt: TxReceipt) -> NvmChainError:
    """Return the error of a mined transaction that failed. Mostly two or three requests, which repeat it as a call.

    Returns:
        The contract's own error. OutOfGas if the call succeeds with the most gas that a transaction may have.
        WouldSucceedNow if the call succeeds with the transaction's own gas limit and price. RevertedWithoutReason if the
        node does not answer the calls, or not with a price. The error's ``mined`` is the transaction's hash.
    """
    transaction_hash = f"0x{bytes(receipt['transactionHash']).hex()}"
    found = _find_reason(node, transaction, transaction_hash, receipt["blockNumber"])
    found.mined = transaction_hash
    return found


def _find_reason(node: Node, transaction: Mapping[str, Any], transaction_hash: str, place: int) -> NvmChainError:
    try:
        # The state after the block has all transactions before this one. The state before the block has none after it.
        for block in (place, place - 1):
            # The base fee of the block before may be above the highest price of the transaction.
            replayed = transaction if block == place else {**transaction, **dict.fromkeys(PRICES)}
            error = _call(node, replayed, block)
            if error is not None:
                return _try_more_gas(node, replayed, block, error) or OutOfGas(transaction_hash)
    except NetworkError as unclear:
        failed = f"the transaction {transaction_hash} is mined and failed, and the node does not say why ({unclear})"
        return RevertedWithoutReason("0x").explain(failed, "Look at it in a block explorer.")
    return WouldSucceedNow(transaction_hash)


def _try_more_gas(node: Node, transaction: Mapping[str, Any], block: int, error: NvmChainError) -> NvmChainError | None:
    """Return the error of a failed call with the most gas, or None if that succeeds. The first error if it is unclear."""
    gas = transaction["gas"]
    try:
        return _call(node, {**transaction, "gas": max(MOST_GAS, gas)}, block, least_gas=gas)
    except NetworkError:
        return error


def explain_failure(node: Node, sent: TxData, receipt: TxReceipt) -> NvmChainError:
    """Return the error of a mined transaction that failed, as `find_reason` does, from the node's own record of it."""
    fields = {**sent, "data": sent["input"]}
    if fields.get("maxFeePerGas") is not None:
        del fields["gasPrice"]  # the node adds the price that was paid
    return find_reason(node, fields, receipt)


def _call(
    node: Node, transaction: Mapping[str, Any], block: int, *, least_gas: int | None = None
) -> NvmChainError | None:
    """Return the error with which a call fails, or None if it succeeds. Raises a NetworkError."""
    try:
        call_priced(node, transaction, block, least_gas=least_gas)
    except NetworkError:
        raise
    except NvmChainError as error:
        return error
    return None
