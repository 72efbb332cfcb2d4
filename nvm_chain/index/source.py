"""Reads of headers and logs for an index, through the connection of a chain with its patience, limits and endpoints."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from nvm_chain.chain.asking_many import ManyAsker, Question
from nvm_chain.chain.client import Chain
from nvm_chain.chain.transport.fast_json import is_shallow, parse_answer, parsing_with
from nvm_chain.errors import BlockReplaced, RpcFailed
from nvm_chain.index.blooms import BloomTest
from nvm_chain.index.headers import Header, parse_header
from nvm_chain.index.kinds import split_place
from nvm_chain.index.logs import AGENTS_TOPICS, CREDITS_TOPICS, Contracts, Log, RawLog, parse_logs
from nvm_chain.types.events import Block

LACKS: Final = "it does not have block {}"


class Source:
    """Reads what an index needs from a node: headers, and logs of Credits and AgentRegistry."""

    def __init__(self, chain: Chain, contracts: Contracts) -> None:
        """Take the connection, and the addresses of the contracts. No request."""
        self._chain, self._contracts = chain, contracts
        self._many = ManyAsker(chain)
        self._addresses = [address for address in contracts if address is not None]
        topics = zip(self._addresses, (CREDITS_TOPICS, AGENTS_TOPICS), strict=False)
        self.bloom_test = BloomTest({_unhex(address): [*map(_unhex, names)] for address, names in topics})

    # ------------------------------------------------------------------ headers

    def read_head(self) -> Header:
        """Return the header of the latest block. One request."""
        return self._parse_header(self._ask("eth_getBlockByNumber", "latest", False), None)

    def find_headers(self, numbers: Sequence[int], *, seals: bool = False) -> list[Header | None]:
        """Return the header of each block, or None if the node does not have the block. One request for each hundred.

        With ``seals`` the hash of each header is computed too.
        """
        answers = self._ask_many([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
        return [
            None if answer is None else self._parse_header(answer, number, seals=seals)
            for number, answer in zip(numbers, answers, strict=True)
        ]

    def read_headers(self, numbers: Sequence[int], *, seals: bool = False) -> list[Header]:
        """Return the header of each block, as `find_headers` does. Raises RpcFailed if the node lacks one."""
        found = self.find_headers(numbers, seals=seals)
        for number, header in zip(numbers, found, strict=True):
            if header is None:
                raise RpcFailed(LACKS.format(number))
        return cast(list[Header], found)

    def _parse_header(self, answer: Any, number: int | None, *, seals: bool = False) -> Header:
        """Return a header. Raises RpcFailed if it is malformed or of another block than the given one."""
        with self._chain.typed_errors():
            header = parse_header(answer, seals=seals)
            if number not in (None, header.number):
                raise ValueError("another block")
        return header

    # ------------------------------------------------------------------ logs

    def read_logs(self, first: int, last: int) -> list[Log]:
        """Return the logs from a first to a last block, both included, in order, each once. One request.

        Raises:
            BlockReplaced: The answer contradicts itself.
            RpcFailed: The node refuses the number of blocks, or its answer cannot be read.
            ConnectionFailed: The node does not answer.
        """
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": self._addresses}
        return put_in_order(self._parse_logs(self._ask_logs(query)), first, last)

    def read_logs_of(self, headers: Sequence[Header]) -> list[list[Log]]:
        """Return the logs of each block by its hash, so that no other block can answer. One request for each hundred.

        Raises RpcFailed if the node lacks a block, or gives logs of another one.
        """
        if not self._chain.takes_batches:
            found = [self.read_logs(header.number, header.number) for header in headers]
        else:
            answers = self._ask_hashes(headers)
            found = [self.parse_logs_of(*each) for each in zip(headers, answers, strict=True)]
        for header, logs in zip(headers, found, strict=True):
            _check_hashes(header, logs)
        return found

    def parse_logs_of(self, header: Header, answer: Sequence[Any]) -> list[Log]:
        """Return our logs among those of a block. Raises RpcFailed if they are malformed or of another block."""
        logs = put_in_order(self._parse_logs(answer), header.number, header.number)
        _check_hashes(header, logs)
        return logs

    def _ask_hashes(self, headers: Sequence[Header]) -> list[Any]:
        queries = [{"blockHash": f"0x{header.hash.hex()}", "address": self._addresses} for header in headers]
        if len(queries) == 1:
            return [self._ask_logs(queries[0])]
        return self._ask_many([("eth_getLogs", [query]) for query in queries])

    def _ask_logs(self, query: Mapping[str, Any]) -> Any:
        with parsing_with(_parse_log_answer):
            return self._ask("eth_getLogs", query)

    def _parse_logs(self, answer: Any) -> list[Log]:
        if not isinstance(answer, list | tuple):
            raise RpcFailed("its answer to eth_getLogs is not a list")
        return parse_logs(answer if self._chain.takes_batches else [*map(_spell, answer)], self._contracts)

    # ------------------------------------------------------------------ receipts

    def find_receipts(self, headers: Sequence[Header]) -> list[Any] | None:
        """Return the receipts of each block, or None if the node does not offer them. One request for each hundred."""
        try:
            answers = self._ask_many([("eth_getBlockReceipts", [hex(header.number)]) for header in headers])
        except RpcFailed:
            return None
        return answers if all(isinstance(answer, list) for answer in answers) else None

    # ------------------------------------------------------------------ requests

    def _ask(self, method: str, *parameters: object) -> Any:
        """Return the result of a request as the node's JSON has it. web3's formatting would copy each log."""
        if not self._chain.takes_batches:
            return self._chain.ask(method, *parameters)
        with self._chain.typed_errors():
            response = cast(Any, self._chain.web3.provider).make_request(method, list(parameters))
            error = response.get("error")
            if error is not None:
                raise RpcFailed(str(error["message"] or error))
            return response["result"]

    def _ask_many(self, questions: Sequence[Question]) -> list[Any]:
        """Return the result of each request. Raises the first error."""
        if len(questions) == 1 or not self._chain.takes_batches:
            return [self._ask(method, *parameters) for method, parameters in questions]
        answers = self._many.ask(questions)
        for answer in answers:
            if answer.error is not None:
                raise answer.error
        return [answer.result for answer in answers]


class _LogAnswer(msgspec.Struct, gc=False):
    """The answer to eth_getLogs."""

    id: int | str | None = None
    result: list[RawLog] | None = None
    error: Any = None


_DECODER: Final = msgspec.json.Decoder(_LogAnswer)


def _parse_log_answer(body: bytes) -> Any:
    """Read the answer to eth_getLogs straight into logs. Any other answer is read as usual."""
    try:
        answer = _DECODER.decode(body) if is_shallow(body) else None
    except (ValueError, RecursionError):
        answer = None
    if answer is None or answer.result is None or answer.error is not None:
        return parse_answer(body)
    return {"jsonrpc": "2.0", "id": answer.id, "result": answer.result}


def _spell(log: Mapping[str, Any]) -> dict[str, Any]:
    """Return a log of the embedded chain as nodes write it."""
    numbers = {name: hex(log[name]) for name in ("blockNumber", "logIndex")}
    return {"removed": False, **log, **numbers, "topics": [*log["topics"]]}


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _check_hashes(header: Header, logs: Iterable[Log]) -> None:
    if any(log.block_hash != header.hash for log in logs):
        raise BlockReplaced(header.number)


def put_in_order(logs: list[Log], first: int, last: int) -> list[Log]:
    """Return logs in order and each once, without those of other blocks than from ``first`` to ``last``.

    Raises BlockReplaced if two different logs have the same place, or two logs of a block have different hashes.
    """
    places = [log.place for log in logs]
    if any(place >= after for place, after in itertools.pairwise(places)):
        logs = _sort(logs)
    if logs and not first <= split_place(logs[0].place)[0] <= split_place(logs[-1].place)[0] <= last:
        logs = [log for log in logs if first <= split_place(log.place)[0] <= last]
    return logs


def _sort(logs: Iterable[Log]) -> list[Log]:
    found: dict[int, Log] = {}
    for log in logs:
        if found.setdefault(log.place, log) != log:
            raise BlockReplaced(split_place(log.place)[0])
    return [found[place] for place in sorted(found)]


def list_blocks(logs: Iterable[Log]) -> dict[int, tuple[bytes, int | None]]:
    """Return the hash and the time of each block that has logs, by number. The time is None if the logs do not tell it.

    Raises BlockReplaced if logs of one block have different hashes or times.
    """
    found: dict[int, tuple[bytes, int | None]] = {}
    seen: tuple[bytes, int | None] = (b"", None)
    for log in logs:
        if log.block_hash == seen[0] and log.time == seen[1]:
            continue
        number, seen = split_place(log.place)[0], (log.block_hash, log.time)
        if found.setdefault(number, seen) != seen:
            raise BlockReplaced(number)
    return found


def block_of(header: Header) -> Block:
    """Return the block of a header."""
    return Block(header.number, f"0x{header.hash.hex()}", header.time)
