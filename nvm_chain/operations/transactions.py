"""Transactions by their hash: their status, and their events of Credits and AgentRegistry."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.chain.replays import explain_failure
from nvm_chain.errors import InvalidConfig, NoDeployment, NvmChainError
from nvm_chain.errors.fields import Quantity
from nvm_chain.types.receipts import Transaction

_HASH: Final = re.compile("0x[0-9a-fA-F]{64}")


class TransactionStatus(Enum):
    """The status of a transaction, as one node knows it."""

    DONE = "done"
    """The transaction is mined, and succeeded."""
    FAILED = "failed"
    """The transaction is mined, and failed. The sender paid for the gas, and nothing else changed."""
    PENDING = "pending"
    """The node has the transaction, but it is not mined yet."""
    UNKNOWN = "unknown"
    """The node does not know the transaction."""


@dataclass(frozen=True, slots=True)
class ContractEvent:
    """An event of Credits or AgentRegistry."""

    contract: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransactionReport:
    """A transaction's status and details. ``error`` is the cause of a failure.

    ``mined`` is None until the transaction is mined.
    """

    status: TransactionStatus
    sender: ChecksumAddress | None = None
    mined: Transaction | None = None
    confirmations: Quantity = 0
    events: tuple[ContractEvent, ...] = ()
    error: NvmChainError | None = None


def look_up_transaction(chain: Chain, transaction_hash: str) -> TransactionReport:
    """Look up a transaction by its hash, mined or not. Two to four requests.

    Use this function after OutcomeUnknown and NotMined. A transaction with status UNKNOWN may still be mined later,
    unless another transaction with the same sender and nonce is mined first.

    Raises:
        InvalidConfig: The hash is malformed. The message does not show it, because it may be a private key.
    """
    if not _HASH.fullmatch(transaction_hash):
        problem = "the hash of a transaction is 0x and 64 hexadecimal digits"
        raise InvalidConfig(problem, "copy it again from where it was shown")
    receipt, sent = chain.find_receipt(transaction_hash), chain.find_transaction(transaction_hash)
    if receipt is None:
        status = TransactionStatus.UNKNOWN if sent is None else TransactionStatus.PENDING
        return TransactionReport(status, None if sent is None else sent["from"])
    mined = summarize(receipt)
    depth = max(chain.read_block().number - mined.block_number + 1, 1)
    if receipt["status"] != 1:
        error = None if sent is None else explain_failure(chain, sent, receipt)
        return TransactionReport(TransactionStatus.FAILED, receipt["from"], mined, depth, error=error)
    events = tuple(_read_events(chain, receipt))
    return TransactionReport(TransactionStatus.DONE, receipt["from"], mined, depth, events)


def _read_events(chain: Chain, receipt: Any) -> Iterator[ContractEvent]:
    """Yield the events of Credits and AgentRegistry in a receipt, in their order."""
    found: list[tuple[int, ContractEvent]] = []
    for name in ("Credits", "AgentRegistry"):
        with suppress(NoDeployment):
            contract = chain.credits if name == "Credits" else chain.agents
            for entry in read_artifact(name).abi:
                if entry["type"] == "event":
                    found += [
                        (event["logIndex"], ContractEvent(name, entry["name"], event["args"]))
                        for event in chain.read_events(contract, entry["name"], receipt)
                    ]
    yield from (event for _, event in sorted(found, key=lambda item: item[0]))
