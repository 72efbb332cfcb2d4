"""Many calls of a contract's views in one request, without a contract for it: a short program makes them inside `eth_call`.

The program and its data are one piece of code. A node runs it as the code of an unused address, by a state override, which
most nodes take. Any other node runs it as the creation of a contract. That has limits: 24,576 bytes of answers (EIP-170)
and 49,152 bytes of code (EIP-3860). A node that takes neither is asked by batches, or one by one. Nothing is sent, and
nothing is deployed.

For 1,000 accounts an anvil takes 7.5 ms by a state override and 8.7 ms by creations. A batch of calls takes 36 ms, and
calls one after another over one connection take 230 ms.
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
"""Makes the parameters of `eth_call` from a program in hex and a block."""

PLACE: Final = "0x000000000000000000000000006d616e792d6361"
"""Where the program is said to lie: an address without code or key, which reads "many-ca"."""
SINGLE_AT_ONCE: Final = 100
"""Calls that go into batches together where a node runs no programs."""
_HEAD: Final = 4
"""Bytes before each answer: the highest bit says that the call succeeded, the others how long the answer is."""
_PROBE: Final = (bytes(4), bytes(4))
"""Two calls that every contract answers somehow, to see whether a node takes programs at all."""


class Multicall:
    """Calls of one contract. The way that a node takes is found once."""

    def __init__(self, chain: Chain, contract: ChecksumAddress) -> None:
        """Take the contract whose views are called. No request."""
        self._chain, self._contract = chain, contract
        self._ways: list[Way] = [_lie_at_a_place, _be_created]
        self._is_taken = False

    def ask(self, calls: Sequence[bytes], block: int | None = None, *, divides: bool = True) -> list[bytes]:
        """Return the answers to calls, in their order and of one block. One request if the node takes so many at once.

        Args:
            calls: The data of each call. All have the same length.
            block: The block in whose state they are called. The latest if not given.
            divides: Whether who asks will ask for fewer if these are refused as too many. If not, they are made one by one.

        Raises:
            TransactionError: The contract refuses one of the calls, with the contract's own error.
            NoContract: There is no code at the contract's address.
            AnswerUnreadable: The node's answer cannot be one to these calls.
            NetworkError: The node cannot be used, or takes fewer calls at once.
        """
        while len(calls) > 1 and self._ways:
            try:
                return self._accept(self._run(calls, block))
            except (RpcFailed, ConnectionFailed) as error:
                if not may_be_too_much(error):
                    raise
                if not self._takes_few(block):
                    del self._ways[0]
                elif divides:
                    raise
                else:
                    break
        return self._ask_singly(calls, block)

    def _ask_singly(self, calls: Sequence[bytes], block: int | None) -> list[bytes]:
        """Make the calls by themselves, in batches where the node takes them."""
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
        """Have the node run the program, and return of each call whether it succeeded, and what it gave."""
        parameters = self._ways[0](f"0x{build_program(self._contract, calls).hex()}", block)
        try:
            answer = call_raw(self._chain, *parameters)
        except TransactionError:  # the program reverts nowhere
            raise RpcFailed(f"it does not give gas for {len(calls)} calls at once") from None
        if not answer:
            raise RpcFailed("it calls no code that is given to it")
        results = list(_split(answer))
        if len(results) != len(calls):
            raise AnswerUnreadable(f"{len(calls)} calls are answered with {len(results)}")
        self._is_taken = True
        return results

    def _takes_few(self, block: int | None) -> bool:
        """Return whether the node runs programs at all. One request, unless it has run one already."""
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
                raise AnswerUnreadable("a call is answered with nothing")
            if not succeeded:
                error = decode_revert(data)
                if isinstance(error, RevertedWithoutReason):  # so calls end that get too little gas
                    raise RpcFailed(f"it does not give gas for {len(results)} calls at once")
                raise error
        return [data for _, data in results]


def _lie_at_a_place(code: str, block: int | None) -> list[object]:
    return [{"to": PLACE}, name_block(block), {PLACE: {"code": code}}]


def _be_created(code: str, block: int | None) -> list[object]:
    return [{"data": code}, name_block(block)]


def _split(answer: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield what the program returned of each call."""
    at = 0
    while at < len(answer):
        head = int.from_bytes(answer[at : at + _HEAD])
        begin, end = at + _HEAD, at + _HEAD + (head & 0x7FFFFFFF)
        if end > len(answer):
            raise AnswerUnreadable("the answer to many calls at once is cut off")
        yield head >> 31 == 1, answer[begin:end]
        at = end


def build_program(contract: ChecksumAddress, calls: Sequence[bytes]) -> bytes:
    """Return EVM code that calls a contract with each of some data, all of one length, and returns all answers.

    Before each answer are four bytes: whether the call succeeded, as the highest bit, and the answer's length. A call that
    fails does not end the others.
    """
    size = len(calls[0])
    room = (size + 31) // 32 * 32  # of memory, for the data of a call; the answers are behind it
    begin = len(_write(contract, size, room, 0, 0))
    return _write(contract, size, room, begin, begin + size * len(calls)) + b"".join(calls)


def _write(contract: ChecksumAddress, size: int, room: int, begin: int, end: int) -> bytes:
    """Write the program. On its stack are where the next data lie in the code and, on top, where the next answer goes."""
    start = _push(begin, 4) + _push(room, 2)
    loop = [
        *(b"\x5b",),  # the place to jump to
        *(_push(size, 2), b"\x82", _push(0), b"\x39"),  # copy the data of a call to memory
        *(
            _push(0),
            _push(0),
            _push(size, 2),
            _push(0),
            _push(int(contract, 16), 20),
            b"\x5a\xfa",
        ),  # call, with all gas
        *(_push(255), b"\x1b\x3d", _push(224), b"\x1b\x17"),  # whether it succeeded, and the answer's length
        *(b"\x81\x52", _push(_HEAD), b"\x01"),  # go before the answer,
        *(b"\x3d", _push(0), b"\x82\x3e\x3d\x01"),  # which is copied behind them
        *(b"\x90", _push(size, 2), b"\x01\x90"),  # on to the next data,
        *(_push(end, 4), b"\x82\x10", _push(len(start)), b"\x57"),  # and again, unless they were the last
    ]
    finish = (_push(room, 2), b"\x80\x91\x03\x90\xf3")  # return all answers
    return b"".join((start, *loop, *finish))


def _push(number: int, width: int = 1) -> bytes:
    """Return the instruction that puts a number of so many bytes on the stack."""
    return bytes((0x5F + width,)) + number.to_bytes(width)
