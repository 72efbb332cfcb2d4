"""The receipts of a block: the root that they must have, and the logs in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.index.headers import read_bytes, write_number
from nvm_chain.index.tries import Item, compute_root, encode_rlp

DEPOSIT: Final = 0x7E
"""The type of the transactions that an OP chain, such as Base, takes over from its parent chain."""


def compute_receipts_root(receipts: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the root of a block's receipts, given in order.

    Raises ValueError, TypeError or KeyError if a receipt is malformed.
    """
    return compute_root([_encode(receipt) for receipt in receipts])


def _encode(receipt: Mapping[str, Any]) -> bytes:
    kind = check_number(read_number(receipt.get("type", "0x0")))
    fields: list[Item] = [
        write_number(_read(receipt["status"])),
        write_number(_read(receipt["cumulativeGasUsed"])),
        read_bytes(receipt["logsBloom"]),
        [_list_log(log) for log in receipt["logs"]],
    ]
    if kind == DEPOSIT and receipt.get("depositReceiptVersion") is not None:
        fields += [write_number(_read(receipt[name])) for name in ("depositNonce", "depositReceiptVersion")]
    return (bytes((kind,)) if kind else b"") + encode_rlp(fields)


def _list_log(log: Mapping[str, Any]) -> list[Item]:
    return [read_bytes(log["address"]), [read_bytes(topic) for topic in log["topics"]], read_bytes(log["data"])]


def _read(value: object) -> int:
    return check_number(read_number(value))


def list_logs(receipts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the logs of a block's receipts, in order. Raises ValueError unless they are numbered without gaps."""
    logs = [log for receipt in receipts for log in receipt["logs"]]
    if [_read(log["logIndex"]) for log in logs] != list(range(len(logs))):
        raise ValueError("logs are missing or out of order")
    return logs
