"""Reading about thousands at one block: in parts that a node takes, encoded and decoded as plain words."""

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
"""A plan's id and a holder's address, each as the 32 bytes that the ABI has."""

WORD: Final = 32
BALANCES_AT_ONCE: Final = 5_000
"""Pairs in one call, at first: about 320 kB of data, and the gas of a busy block."""
LEAST_AT_ONCE: Final = 64
"""A refusal of so few balances is not about their number."""
BALANCE_OF_BATCH: Final = bytes.fromhex("4e1273f4")
"""The selector of ERC-1155's `balanceOfBatch(address[],uint256[])`."""


def read_in_parts(
    chain: Chain,
    items: Iterable[Item],
    read_part: Callable[[Sequence[Item], int | None], Sequence[Result]],
    *,
    most: int,
    least: int = 1,
) -> Iterator[Sequence[Result]]:
    """Yield what a function reads of one part of some items after another, all of one block.

    What fits into one part is read of the latest block. Else the latest block is asked for first, and after the last part
    it is looked at again: two requests more.

    Args:
        chain: Where to read.
        items: What to read of. Taken as they are needed.
        read_part: Reads of some items, at a block or at the latest.
        most: Most items of a part. A part that the node refuses is halved.
        least: Fewest items for which a refusal may be about their number.

    Raises:
        BlockReplaced: The chain has another block in its place when all is read.
        NetworkError: The node cannot be used, refuses small parts too, or has forgotten the block.
    """
    source, size, pinned = iter(items), PartSize(most, least, most), None
    waiting: list[Item] = []
    while True:
        waiting += islice(source, max(size.now + 1 - len(waiting), 0))  # one more says whether this is all
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
    """Raise BlockReplaced unless the chain still has the block of which was read."""
    if chain.read_block(pinned.number).hash != pinned.hash:
        raise BlockReplaced(pinned.number)


def read_balances_of(chain: Chain, pairs: Iterable[Pair]) -> Iterator[Sequence[int]]:
    """Yield the balances of one part of some pairs after another, in their order, as `read_in_parts` does.

    One request for up to 5,000 pairs.
    """

    def read_part(part: Sequence[Pair], block: int | None) -> list[int]:
        return _read_balances(chain, part, block)

    return read_in_parts(chain, pairs, read_part, most=BALANCES_AT_ONCE, least=LEAST_AT_ONCE)


def _read_balances(chain: Chain, pairs: Sequence[Pair], block: int | None) -> list[int]:
    count, address = len(pairs), chain.credits.address
    try:
        answer = call_raw(chain, {"to": address, "data": f"0x{_encode_balances(pairs).hex()}"}, name_block(block))
    except RevertedWithoutReason:  # the contract's own errors have a reason
        raise RpcFailed(f"it does not give gas for {count} balances at once") from None
    if not answer:
        chain.read_code(address)
    if len(answer) != (2 + count) * WORD or int.from_bytes(answer[WORD : 2 * WORD]) != count:
        raise AnswerUnreadable(f"balanceOfBatch of {count} answered with {len(answer)} bytes")
    return [int.from_bytes(answer[at : at + WORD]) for at in range(2 * WORD, len(answer), WORD)]


def _encode_balances(pairs: Sequence[Pair]) -> bytes:
    """Encode the call of `balanceOfBatch`: two dynamic arrays, whose elements are a word each."""
    count = len(pairs).to_bytes(WORD)
    first, second = (2 * WORD).to_bytes(WORD), ((3 + len(pairs)) * WORD).to_bytes(WORD)
    plan_ids, holders = zip(*pairs, strict=True)
    return b"".join((BALANCE_OF_BATCH, first, second, count, *holders, count, *plan_ids))
