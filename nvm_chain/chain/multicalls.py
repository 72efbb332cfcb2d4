"""Many calls of a contract's views in one request: a short EVM program makes the calls inside one `eth_call`.

The program and the data of the calls form one piece of code. Most nodes accept a state override, which places the code
at an unused address. Other nodes run the code as creation code of a contract. That way has limits: 24,576 bytes of
answers (EIP-170) and 49,152 bytes of code (EIP-3860). If a node accepts neither way, the calls go out in batches or one
by one. No transaction is sent, and no contract is deployed.

On anvil, 1,000 accounts take 7.5 ms with a state override and 8.7 ms with creation code. They take 36 ms in a batch of
calls, and 230 ms one by one over one connection.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.ranges import may_be_too_much
from nvm_chain.chain.raw_calls import call_raw, name_block
from nvm_chain.chain.reverts import decode_revert
from nvm_chain.errors import AnswerUnreadable, ConnectionFailed, RevertedWithoutReason, RpcFailed, TransactionError

Way: TypeAlias = Callable[[str, int | None], list[object]]
"""A function that builds the parameters of `eth_call` from a program as hex and the number of a block."""

PLACE: Final = "0x000000000000000000000000006d616e792d6361"
"""The address at which the state override places the program.

It has no code and no known key, and ends with "many-ca".
"""
SINGLE_AT_ONCE: Final = 100
"""The number of calls that are sent together if the node runs no programs."""
_HEAD: Final = 4
"""The number of bytes before each answer.

The highest bit tells whether the call succeeded. The other bits are the answer's length.
"""
_PROBE: Final = (bytes(4), bytes(4))
"""Two calls that test whether a node runs programs at all. Any answer of the contract to them will do."""


class Multicall:
    """Makes calls of one contract. The first calls find out which way the node accepts."""

    def __init__(self, chain: Chain, contract: ChecksumAddress) -> None:
        """Take the contract whose views are called. No request."""
        self._chain, self._contract = chain, contract
        self._ways: list[Way] = [_override_code, _run_as_creation]
        self._is_taken = False

    def ask(self, calls: Sequence[bytes], block: int | None = None, *, divides: bool = True) -> list[bytes]:
        """Return the answers to calls, in order and all at one block. One request if the node accepts them at once.

        Args:
            calls: The data of each call. All have the same length.
            block: The number of the block whose state the calls read. The latest block if not given.
            divides: Whether the caller repeats refused calls in smaller parts. If not, refused calls are made one by
                one.

        Raises:
            TransactionError: The contract refuses one of the calls. The error is the contract's own.
            NoContract: There is no code at the contract's address.
            AnswerUnreadable: The node's answer does not fit the calls.
            NetworkError: The node does not give a usable answer, or accepts fewer calls at once.
        """
        while len(calls) > 1 and self._ways:
            try:
                return self._accept(self._run(calls, block))
            except (RpcFailed, ConnectionFailed) as error:
                if not may_be_too_much(error):
                    raise
                if not self._runs_programs(block):
                    del self._ways[0]
                elif divides:
                    raise
                else:
                    break
        return self._ask_singly(calls, block)

    def _ask_singly(self, calls: Sequence[bytes], block: int | None) -> list[bytes]:
        """Make each call with its own `eth_call`. The requests go out in batches if the node accepts batches."""
        if block is None and len(calls) > 1:
            block = self._chain.read_block().number
        answers: list[bytes] = []
        for first in range(0, len(calls), SINGLE_AT_ONCE):
            part = calls[first : first + SINGLE_AT_ONCE]
            readers = [partial(self._chain.call, self._contract, data, block) for data in part]
            with self._chain.reading_ahead(*readers):
                answers += [read() for read in readers]
        return answers

    def _run(self, calls: Sequence[bytes], block: int | None) -> list[tuple[bool, bytes]]:
        """Let the node run the program. Return for each call whether it succeeded, and its answer. One request."""
        parameters = self._ways[0](f"0x{build_program(self._contract, calls).hex()}", block)
        try:
            answer = call_raw(self._chain, *parameters)
        except TransactionError:  # the program itself never reverts, so the gas is too little
            raise RpcFailed(f"it gives too little gas for {len(calls)} calls at once") from None
        if not answer:
            raise RpcFailed("it does not run code that is part of a call")
        results = list(_split(answer))
        if len(results) != len(calls):
            raise AnswerUnreadable(f"{len(calls)} calls have {len(results)} answers")
        self._is_taken = True
        return results

    def _runs_programs(self, block: int | None) -> bool:
        """Return whether the node runs programs at all. No request if it has run one before, else one request."""
        if not self._is_taken:
            try:
                self._run(_PROBE, block)
            except (RpcFailed, ConnectionFailed):
                return False
        return True

    def _accept(self, results: list[tuple[bool, bytes]]) -> list[bytes]:
        for succeeded, data in results:
            if succeeded and not data:
                self._chain.read_code(self._contract)
                raise AnswerUnreadable("the answer to a call is empty")
            if not succeeded:
                error = decode_revert(data)
                if isinstance(error, RevertedWithoutReason):  # a call with too little gas ends this way
                    raise RpcFailed(f"it gives too little gas for {len(results)} calls at once")
                raise error
        return [data for _, data in results]


def _override_code(code: str, block: int | None) -> list[object]:
    return [{"to": PLACE}, name_block(block), {PLACE: {"code": code}}]


def _run_as_creation(code: str, block: int | None) -> list[object]:
    return [{"data": code}, name_block(block)]


def _split(answer: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield from the program's output whether each call succeeded, and the call's answer."""
    at = 0
    while at < len(answer):
        head = int.from_bytes(answer[at : at + _HEAD])
        begin, end = at + _HEAD, at + _HEAD + (head & 0x7FFFFFFF)
        if end > len(answer):
            raise AnswerUnreadable("the answer to many calls at once is cut off")
        yield head >> 31 == 1, answer[begin:end]
        at = end


def build_program(contract: ChecksumAddress, calls: Sequence[bytes]) -> bytes:
    """Return EVM code that makes some calls of a contract and returns all answers. All calls have the same length.

    Four bytes stand before each answer: the highest bit tells whether the call succeeded, and the others are the
    answer's length. The program goes on after a failed call.
    """
    size = len(calls[0])
    room = (size + 31) // 32 * 32  # the memory for the data of one call; the answers follow it
    begin = len(_write(contract, size, room, 0, 0))
    return _write(contract, size, room, begin, begin + size * len(calls)) + b"".join(calls)


def _write(contract: ChecksumAddress, size: int, room: int, begin: int, end: int) -> bytes:
    """Return the program without the data of the calls.

    Two values stay on its stack: the place of the next call's data in the code and, on top, the place of the next
    answer in memory.
    """
    start = _push(begin, 4) + _push(room, 2)
    loop = [
        *(b"\x5b",),  # the start of the loop
        *(_push(size, 2), b"\x82", _push(0), b"\x39"),  # copy the data of a call to memory
        *(
            _push(0),
            _push(0),
            _push(size, 2),
            _push(0),
            _push(int(contract, 16), 20),
            b"\x5a\xfa",
        ),  # call the contract with all gas
        *(_push(255), b"\x1b\x3d", _push(224), b"\x1b\x17"),  # join the success bit and the answer's length
        *(b"\x81\x52", _push(_HEAD), b"\x01"),  # write both to memory as four bytes
        *(b"\x3d", _push(0), b"\x82\x3e\x3d\x01"),  # copy the answer behind them
        *(b"\x90", _push(size, 2), b"\x01\x90"),  # go to the data of the next call
        *(_push(end, 4), b"\x82\x10", _push(len(start)), b"\x57"),  # repeat the loop until the data end
    ]
    finish = (_push(room, 2), b"\x80\x91\x03\x90\xf3")  # return all answers
    return b"".join((start, *loop, *finish))


def _push(number: int, width: int = 1) -> bytes:
    """Return the EVM instruction that puts a number on the stack. ``width`` is the number of its bytes."""
    return bytes((0x5F + width,)) + number.to_bytes(width)
