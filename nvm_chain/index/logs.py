"""Logs of our contracts as a node sends them, and as the index keeps them. No network."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec
from eth_typing import ABIEvent, ChecksumAddress
from eth_utils.abi import event_abi_to_log_topic

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.errors import BlockReplaced, RpcFailed
from nvm_chain.index.collector import pausing_collector
from nvm_chain.index.kinds import MAX_BLOCK, MAX_LOG_INDEX, PLACE_BITS, EventKind


class Contracts(NamedTuple):
    """The addresses of the contracts whose logs the index keeps."""

    credits: ChecksumAddress
    agents: ChecksumAddress | None = None


class Log(NamedTuple):
    """An event of one of our contracts. ``time`` is None if the node did not send it with the log."""

    place: int
    kind: int
    topics: tuple[bytes | None, bytes | None, bytes | None]
    data: bytes
    transaction: bytes
    block_hash: bytes
    time: int | None


class RawLog(msgspec.Struct, gc=False, rename="camel"):
    """A log in a node's JSON. Other fields are ignored."""

    address: str
    topics: list[str]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    log_index: str
    removed: bool = False
    block_timestamp: str | None = None


class _Fault(msgspec.Struct):
    """The error in a node's answer."""

    message: str = "an error without a message"


class _Answer(msgspec.Struct, gc=False):
    """The answer to eth_getLogs."""

    result: list[RawLog] | None = None
    error: _Fault | None = None


_MISSING: Final = ((None, None, None), (None, None), (None,), ())
"""What a log with no, one, two or three indexed arguments lacks."""
_DECODER: Final = msgspec.json.Decoder(_Answer)


def parse_logs(answer: Sequence[Mapping[str, Any] | RawLog], contracts: Contracts) -> list[Log]:
    """Return the logs of our contracts in a node's answer, in the order of the answer. Other logs are left out.

    Args:
        answer: The result of eth_getLogs, as JSON values or as `RawLog` objects, which is twice as fast.
        contracts: The addresses of our contracts.

    Raises:
        BlockReplaced: The node marks a log as removed.
        RpcFailed: The answer is malformed.
    """
    try:
        with pausing_collector():
            return _read_logs(msgspec.convert(answer, list[RawLog]), contracts)
    except (ValueError, IndexError, KeyError) as error:  # msgspec's error is a ValueError
        raise RpcFailed(f"its logs cannot be read ({type(error).__name__}: {error})") from None


def parse_body(body: bytes, contracts: Contracts) -> list[Log]:
    """Return the logs of our contracts in the body of an answer to eth_getLogs.

    Raises:
        BlockReplaced: The node marks a log as removed.
        RpcFailed: The body is malformed, or is an error.
    """
    with pausing_collector():
        try:
            answer = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RpcFailed(f"its logs cannot be read ({error})") from None
        if answer.error is not None:
            raise RpcFailed(answer.error.message)
        return parse_logs(answer.result or [], contracts)


def _read_logs(raw: Iterable[RawLog], contracts: Contracts) -> list[Log]:
    """Return the logs. Raises ValueError, IndexError or KeyError for malformed ones.

    This loop runs for each log of a first sync, so it is one function. Texts that repeat are read once.
    """
    found: list[Log] = []
    known, words, numbers, indexes = _Known(contracts), _Words(), _Numbers(MAX_BLOCK), _Numbers(MAX_LOG_INDEX)
    for log in raw:
        kinds = known[log.address]
        if kinds is None:
            continue
        if log.removed:
            raise BlockReplaced(numbers[log.block_number])
        first, *others = log.topics
        data = bytes.fromhex(log.data[2:])
        if 2 * len(data) + 2 != len(log.data):
            raise ValueError(log.data[:32])
        indexed = [words[topic] for topic in others]
        time = log.block_timestamp
        fields = (
            numbers[log.block_number] << PLACE_BITS | indexes[log.log_index],
            kinds[first],
            (*indexed, *_MISSING[len(indexed)]),
            data,
            words[log.transaction_hash],
            words[log.block_hash],
            None if time is None else numbers[time],
        )
        found.append(tuple.__new__(Log, fields))
    return found


class _Words(dict[str, bytes]):
    """The 32 bytes of each text. Raises ValueError for another length."""

    def __missing__(self, text: str) -> bytes:
        word = self[text] = bytes.fromhex(text[2:])
        if len(word) != 32 or len(text) != 66:
            raise ValueError(text[:80])
        return word


class _Numbers(dict[str, int]):
    """The number in each text, up to a highest one. Raises ValueError for others."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, text: str) -> int:
        number = self[text] = int(text, 16) if text.isalnum() else -1
        if not 0 <= number <= self._most:
            raise ValueError(text[:80])
        return number


class _Known(dict[str, dict[str, int] | None]):
    """The kinds of each address by the first topic. None for another contract's address, in any spelling."""

    def __init__(self, contracts: Contracts) -> None:
        super().__init__({contracts.credits.lower(): CREDITS_TOPICS})
        if contracts.agents is not None:
            self[contracts.agents.lower()] = AGENTS_TOPICS

    def __missing__(self, text: str) -> dict[str, int] | None:
        self[text] = self.get(text.lower())
        return self[text]


def _read_topics(*, of_agents: bool) -> dict[str, int]:
    entries = read_artifact("AgentRegistry" if of_agents else "Credits").abi
    events = [cast(ABIEvent, entry) for entry in entries if entry["type"] == "event"]
    by_name = {entry["name"]: event_abi_to_log_topic(entry) for entry in events}
    ours = (kind for kind in EventKind if kind.is_of_agents is of_agents)
    return {f"0x{by_name[kind.event_name].hex()}": int(kind) for kind in ours}


CREDITS_TOPICS: Final = _read_topics(of_agents=False)
"""The kind of each event of Credits, by its first topic in hexadecimal digits."""
AGENTS_TOPICS: Final = _read_topics(of_agents=True)
"""The kind of each event of AgentRegistry, by its first topic in hexadecimal digits."""
