"""Reads of thousands of balances at one block, in parts as large as the node accepts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from nvm_chain.chain.client import Chain
from nvm_chain.chain.ranges import PartSize
from nvm_chain.chain.raw_calls import call_raw, name_block
from nvm_chain.errors import AnswerUnreadable, BlockReplaced, RevertedWithoutReason, RpcFailed
from nvm_chain.types.events import Block

Item = TypeVar("Item")
Result = TypeVar("Result")
Pair: TypeAlias = tuple[bytes, bytes]
"""A plan's id and a holder's address, each as an ABI word of 32 bytes."""

WORD: Final = 32
BALANCES_AT_ONCE: Final = 5_000
"""The number of pairs in the first call: about 320 kB of data, and the gas of a busy block."""
LEAST_AT_ONCE: Final = 64
"""A part with this number of pairs or fewer is not divided further after a refusal."""
BALANCE_OF_BATCH: Final = bytes.fromhex("4e1273f4")
"""The selector of ERC-1155's `balanceOfBatch(address[],uint256[])`."""


def read_in_parts(
    chain: Chain,
    items: Iterable[Item],
    read_part: Callable[[Sequence[Item], int | None], Sequence[Result]],
    *,
    most: int,
    least: int = 1,
    at: Block | None = None,
) -> Iterator[Sequence[Result]]:
    """Read something of many items in parts, all at one block, and yield the results of each part.

    Items that fit into one part are read at the latest block. For several parts there are two more requests: one finds
    the block at the beginning, and one checks at the end that the block was not replaced.

    Args:
        chain: The connection to the chain.
        items: The items. They are taken from the iterable as needed.
        read_part: A function that reads the results of one part. It gets the items and the block's number, or None for
            the latest block.
        most: The largest number of items in a part. A part that the node refuses is halved.
        least: A refused part with this number of items or fewer is not halved: the refusal is raised.
        at: The block to read at. Then the first of the two requests is not needed. Default: the latest block.

    Raises:
        BlockReplaced: The block was replaced while the parts were read.
        NetworkError: The node does not give a usable answer, refuses small parts too, or no longer has the block.
    """
    source, size, pinned = iter(items), PartSize(most, least, most), at
    waiting: list[Item] = []
    while True:
        # One item more than a part has tells whether another part follows.
        waiting += islice(source, max(size.now + 1 - len(waiting), 0))
        if not waiting:
            break
        part = waiting[: size.now]
        if pinned is None and len(part) < len(waiting):
            pinned = chain.read_block()
        with size.asking(len(part)):
            results = read_part(part, pinned.number if pinned else None)
        if size.was_refused:
            continue
        yield results
        del waiting[: len(part)]
    if pinned is not None:
        _check_pinned(chain, pinned)


def _check_pinned(chain: Chain, pinned: Block) -> None:
    """Raise BlockReplaced unless the block is still part of the chain. One request."""
    if chain.read_block(pinned.number).hash != pinned.hash:
        raise BlockReplaced(pinned.number)


def read_balances_of(chain: Chain, pairs: Iterable[Pair]) -> Iterator[Sequence[int]]:
    """Yield the balances of pairs of plan id and holder, in order and in parts, as `read_in_parts` does.

    One request for up to 5,000 pairs.
    """

    def read_part(part: Sequence[Pair], block: int | None) -> list[int]:
        return _read_balances(chain, part, block)

    return read_in_parts(chain, pairs, read_part, most=BALANCES_AT_ONCE, least=LEAST_AT_ONCE)


def _read_balances(chain: Chain, pairs: Sequence[Pair], block: int | None) -> list[int]:
    count, address = len(pairs), chain.credits.address
    try:
        answer = call_raw(chain, {"to": address, "data": f"0x{_encode_balances(pairs).hex()}"}, name_block(block))
    except RevertedWithoutReason:  # errors of the contract itself carry a reason
        raise RpcFailed(f"it gives too little gas for {count} balances at once") from None
    if not answer:
        chain.read_code(address)
    if len(answer) != (2 + count) * WORD or int.from_bytes(answer[WORD : 2 * WORD]) != count:
        raise AnswerUnreadable(f"balanceOfBatch of {count} pairs answered with {len(answer)} bytes")
    return [int.from_bytes(answer[at : at + WORD]) for at in range(2 * WORD, len(answer), WORD)]


def _encode_balances(pairs: Sequence[Pair]) -> bytes:
    """Encode a call of `balanceOfBatch`. Its two arguments are dynamic arrays of 32-byte words."""
    count = len(pairs).to_bytes(WORD)
    first, second = (2 * WORD).to_bytes(WORD), ((3 + len(pairs)) * WORD).to_bytes(WORD)
    plan_ids, holders = zip(*pairs, strict=True)
    return b"".join((BALANCE_OF_BATCH, first, second, count, *holders, count, *plan_ids))
