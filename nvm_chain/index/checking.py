"""Logs of new blocks, checked against the blooms of their headers: what a bloom promises, and what it excludes."""

from collections.abc import Sequence
from typing import Any, Final

from nvm_chain.errors import IndexIncomplete, LogsRefused, RpcFailed
from nvm_chain.index.headers import Header
from nvm_chain.index.logs import Log
from nvm_chain.index.receipts import compute_receipts_root, list_logs
from nvm_chain.index.source import Source

LIKELY: Final = 100
"""The odds at which the promise of a bloom is worth another look."""
CERTAIN: Final = 10**9
"""The odds at which the promise of a bloom is believed without receipts."""


def read_checked(source: Source, headers: Sequence[Header]) -> list[Log]:
    """Return the logs of blocks, each read by its hash. What does not fit the bloom of its block is read again.

    Raises:
        IndexIncomplete: A block has logs of our contracts, but the node gives none.
        LogsRefused: The bloom of a block excludes the logs that the node gives.
        NetworkError: The node does not give a usable answer.
    """
    found = source.read_logs_of(headers)
    odd = [place for place, logs in enumerate(found) if not _fits(source, headers[place], logs)]
    if odd:
        for place, logs in zip(odd, source.read_logs_of([headers[place] for place in odd]), strict=True):
            _judge(source, headers[place], logs)
            found[place] = logs
    return [log for logs in found for log in logs]


def _fits(source: Source, header: Header, logs: Sequence[Log]) -> bool:
    if logs:
        return source.bloom_test.may_have(header.bloom)
    return not source.bloom_test.promises(header.bloom, LIKELY)


def _judge(source: Source, header: Header, logs: Sequence[Log]) -> None:
    if _fits(source, header, logs):
        return
    if logs:
        raise LogsRefused(header.number, "the bloom filter in the block's header excludes them")
    answers = source.find_receipts([header])
    proven = None if answers is None else read_proven(source, header, answers[0])
    if proven or (proven is None and source.bloom_test.promises(header.bloom, CERTAIN)):
        told = "its receipts have" if proven else "the bloom filter in its header promises"
        raise IndexIncomplete(header.number, f"{told} logs of the contracts, and the node gives none")


def read_proven(source: Source, header: Header, receipts: Sequence[Any]) -> list[Log] | None:
    """Return our logs in the receipts of a block, or None if the receipts do not have the root in the block's header.

    A node without the block's receipts may answer with an empty list, which has another root too.
    """
    try:
        if compute_receipts_root(receipts) != header.receipts_root:
            return None
        return source.parse_logs_of(header, list_logs(receipts))
    except (AttributeError, LookupError, TypeError, ValueError):
        raise RpcFailed(f"its receipts of block {header.number} cannot be read") from None
