"""Fast readers of receipts and events. web3's formatters take many times as long."""

from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from eth_utils.abi import event_abi_to_log_topic
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.contract.contract import Contract
from web3.datastructures import AttributeDict
from web3.types import TxReceipt

_NUMBERS = (
    "blockNumber",
    "transactionIndex",
    "logIndex",
    "status",
    "gasUsed",
    "cumulativeGasUsed",
    "effectiveGasPrice",
)
_BYTES = ("transactionHash", "blockHash", "data")
_ADDRESSES = ("address", "from", "to", "contractAddress")
_EVENTS: WeakKeyDictionary[Contract, dict[bytes, Any]] = WeakKeyDictionary()


def build_receipt(answer: Mapping[str, Any]) -> TxReceipt:
    """Return a node's receipt in the form of web3."""
    logs = [
        AttributeDict({**_parse(log), "topics": [HexBytes(topic) for topic in log["topics"]]}) for log in answer["logs"]
    ]
    return cast(TxReceipt, AttributeDict({**_parse(answer), "logs": logs}))


def _parse(answer: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(answer)
    for names, parse in ((_NUMBERS, _parse_number), (_BYTES, HexBytes), (_ADDRESSES, to_checksum_address)):
        found.update({name: parse(answer[name]) for name in names if answer.get(name) is not None})
    return found


def _parse_number(text: str) -> int:
    return int(text, 16)


def decode_events(contract: Contract, receipt: TxReceipt) -> list[tuple[str, dict[str, Any]]]:
    """Return every event that a contract emitted in a transaction, in order, as (name, arguments)."""
    events = _EVENTS.get(contract)
    if events is None:
        events = _EVENTS[contract] = {
            event_abi_to_log_topic(event().abi): event() for event in cast(Any, contract.events)
        }
    ours = sorted(
        (log for log in receipt["logs"] if log["address"] == contract.address), key=lambda log: log["logIndex"]
    )
    decoded = [events[bytes(log["topics"][0])].process_log(log) for log in ours]
    return [(event["event"], dict(event["args"])) for event in decoded]
