"""Balances of thousands in few calls at one block: encoded and decoded as plain words, and split by what a node takes."""

from collections.abc import Callable, Sequence
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.ranges import read_ranges
from nvm_chain.errors import AnswerUnreadable, RevertedWithoutReason, RpcFailed

WORD: Final = 32
MOST_AT_ONCE: Final = 5_000
"""Pairs in one call, at first: about 320 kB of data, and the gas of a busy block."""
LEAST_AT_ONCE: Final = 64
"""A refusal of so few is not about their number."""
BALANCE_OF_BATCH: Final = bytes.fromhex("4e1273f4")
"""The selector of ERC-1155's `balanceOfBatch(address[],uint256[])`."""


def read_balances_of(
    chain: Chain,
    holders: Sequence[bytes],
    plan_ids: Sequence[int],
    on_read: Callable[[int], object] | None = None,
) -> list[int]:
    """Return the balances of pairs of holder and plan, in their order, all of one block.

    One request for up to 5,000 pairs, and one more than parts above. A part that the node refuses is halved.

    Args:
        chain: Where to read.
        holders: Addresses as 20 bytes.
        plan_ids: As many plan ids.
        on_read: Called after each part with how many have been read.

    Raises:
        NetworkError: The node cannot be used, refuses small parts too, or answers with what cannot be balances.
    """
    newest = len(holders) - 1
    blocks: list[int] = []

    def read_part(first: int, last: int) -> list[int]:
        if (first, last) != (0, newest) and not blocks:
            blocks.append(chain.read_block().number)
        part = slice(first, last + 1)
        return _read_part(chain, holders[part], plan_ids[part], blocks[0] if blocks else None)

    balances: list[int] = []
    for part in read_ranges(read_part, 0, newest, most=MOST_AT_ONCE, least=LEAST_AT_ONCE):
        balances += part
        if on_read is not None:
            on_read(len(balances))
    return balances


def _read_part(chain: Chain, holders: Sequence[bytes], plan_ids: Sequence[int], block: int | None) -> list[int]:
    try:
        answer = chain.call(chain.credits.address, _encode(holders, plan_ids), block)
    except RevertedWithoutReason:  # the contract's own errors have a reason
        raise RpcFailed(f"it does not give gas for {len(holders)} balances at once") from None
    count = len(holders)
    if len(answer) != (2 + count) * WORD or int.from_bytes(answer[WORD : 2 * WORD]) != count:
        raise AnswerUnreadable(f"balanceOfBatch of {count} answered with {len(answer)} bytes")
    return [int.from_bytes(answer[at : at + WORD]) for at in range(2 * WORD, len(answer), WORD)]


def _encode(holders: Sequence[bytes], plan_ids: Sequence[int]) -> bytes:
    """Encode the call of `balanceOfBatch`: two dynamic arrays, whose elements are a word each."""
    count = len(holders).to_bytes(WORD)
    second = (3 + len(holders)) * WORD
    padding = bytes(WORD - 20)
    return b"".join(
        (
            BALANCE_OF_BATCH,
            (2 * WORD).to_bytes(WORD),
            second.to_bytes(WORD),
            count,
            *(padding + holder for holder in holders),
            count,
            *(plan_id.to_bytes(WORD) for plan_id in plan_ids),
        )
    )
