"""Looking up a transaction: whether it is done, and what it did to our contracts."""

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
from nvm_chain.errors import InvalidConfig, NoDeployment, NvmChainError
from nvm_chain.errors.fields import Quantity
from nvm_chain.types.receipts import Transaction

_HASH: Final = re.compile("0x[0-9a-fA-F]{64}")


class TransactionStatus(Enum):
    """What became of a transaction, as far as a node knows."""

    DONE = "done"
    """It is mined, and did what it was to do."""
    FAILED = "failed"
    """It is mined, and changed nothing but the sender's coins, which paid for its gas."""
    PENDING = "pending"
    """The node has it, and no block does."""
    UNKNOWN = "unknown"
    """The node has never heard of it, or has forgotten it."""


@dataclass(frozen=True, slots=True)
class ContractEvent:
    """An event of Credits or AgentRegistry."""

    contract: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransactionReport:
    """What a node knows of a transaction. ``mined`` is None until the chain has mined it. ``error`` is the cause of a failure."""

    status: TransactionStatus
    sender: ChecksumAddress | None = None
    mined: Transaction | None = None
    confirmations: Quantity = 0
    events: tuple[ContractEvent, ...] = ()
    error: NvmChainError | None = None


def look_up_transaction(chain: Chain, transaction_hash: str) -> TransactionReport:
    """Look up a transaction, mined or not. One to four requests.

    Call it after OutcomeUnknown and NotMined. An unknown transaction may still reach the node and be mined, until
    another one with the same sender and nonce is mined.

    Raises:
        InvalidConfig: The hash is malformed. It is not shown, as it may be a key in the wrong place.
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
        error = None if sent is None else chain.explain_failure(sent, receipt)
        return TransactionReport(TransactionStatus.FAILED, receipt["from"], mined, depth, error=error)
    events = tuple(_read_events(chain, receipt))
    return TransactionReport(TransactionStatus.DONE, receipt["from"], mined, depth, events)


def _read_events(chain: Chain, receipt: Any) -> Iterator[ContractEvent]:
    """Yield the events of our contracts, in the order they happened."""
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
