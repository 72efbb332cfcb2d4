"""Readers of the receipts in answers of nodes, and what a receipt leaves open.

The readers check only the fields that the package uses.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address
from hexbytes import HexBytes
from web3.datastructures import AttributeDict
from web3.types import TxReceipt

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.errors import OutcomeUnknown
from nvm_chain.types.receipts import Transaction

SUCCEEDED = 1
FAILED = 0
NO_RECEIPT: Final = "it is mined, and the node does not show its receipt"
NOT_IN_CHAIN: Final = "the block that its receipt names is not in the chain"


def read_receipt(answer: Mapping[str, Any], transaction_hash: str) -> TxReceipt | None:
    """Return the receipt in a node's answer, or None if it names no block. Some nodes give a receipt before its block.

    The fields ``gasUsed``, ``effectiveGasPrice``, ``status`` and ``l1Fee`` are None if they cannot be read, so that
    they do not hide the outcome of a mined transaction.

    Raises:
        ValueError: The receipt is that of another transaction, or its block or events cannot be read.
    """
    if answer.get("blockHash") is None or answer.get("blockNumber") is None:
        return None
    if HexBytes(answer.get("transactionHash", transaction_hash)) != HexBytes(transaction_hash):
        raise ValueError("the receipt of another transaction")
    place = {
        "transactionHash": HexBytes(transaction_hash),
        "blockHash": HexBytes(answer["blockHash"]),
        "blockNumber": check_number(read_number(answer["blockNumber"])),
        "transactionIndex": _number_or_none(answer.get("transactionIndex")) or 0,
    }
    created = answer.get("contractAddress")
    receipt = {
        **place,
        "status": _number_or_none(answer.get("status")),
        "gasUsed": _number_or_none(answer.get("gasUsed")),
        "effectiveGasPrice": _number_or_none(answer.get("effectiveGasPrice")),
        "l1Fee": _number_or_none(answer.get("l1Fee")),
        "contractAddress": None if created is None else _checksum(created),
        **{name: _checksum(answer[name]) for name in ("from", "to") if is_address(answer.get(name))},
        "logs": [_read_log(log, place) for log in answer.get("logs") or ()],
    }
    return cast(TxReceipt, AttributeDict(receipt))


def summarize(receipt: TxReceipt) -> Transaction:
    """Return the hash, block number, gas and fee of a receipt.

    ``fee_wei`` is None if the node does not tell the fee.
    """
    found = cast(Mapping[str, Any], receipt)
    gas_used, price = found.get("gasUsed"), found.get("effectiveGasPrice")
    known = isinstance(gas_used, int) and isinstance(price, int)
    return Transaction(
        hash=f"0x{bytes(receipt['transactionHash']).hex()}",
        block_number=receipt["blockNumber"],
        gas_used=gas_used,
        fee_wei=cast(int, gas_used) * cast(int, price) + (found.get("l1Fee") or 0) if known else None,
    )


def report_lost_event(name: str, receipt: TxReceipt) -> OutcomeUnknown:
    """Return the error for a receipt that lacks an event.

    The event must be one that every mined call of this kind emits.
    """
    return OutcomeUnknown(f"0x{bytes(receipt['transactionHash']).hex()}", f"its receipt has no {name} event")


def describe_shallow(confirmations: int) -> str:
    """Return why the outcome of a mined transaction is not known yet: its block has too few blocks on top."""
    return f"it is mined, and has fewer than {confirmations} blocks on top of its block"


def write_hash(block_hash: bytes) -> str:
    """Return the hash of a block as hex text in small letters."""
    return f"0x{bytes(block_hash).hex()}"


def _read_log(log: Mapping[str, Any], place: Mapping[str, Any]) -> AttributeDict[str, Any]:
    return AttributeDict(
        {
            **place,
            "address": _checksum(log["address"]),
            "topics": [HexBytes(topic) for topic in log["topics"]],
            "data": HexBytes(log["data"]),
            "logIndex": _number_or_none(log.get("logIndex")) or 0,
            "removed": bool(log.get("removed")),
        }
    )


@lru_cache(maxsize=4096)
def _checksum(address: str) -> ChecksumAddress:
    """Return an address with its checksum. Results are cached, because receipts repeat the same few addresses."""
    return to_checksum_address(address)


def _number_or_none(value: object) -> int | None:
    try:
        return check_number(read_number(value))
    except (TypeError, ValueError):
        return None
