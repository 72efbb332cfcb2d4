"""Verification of an index: what it says is compared with the chain at its block, and each difference is named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nvm_chain.chain.client import Chain
from nvm_chain.errors import BlockReplaced, IndexBehind, IndexMismatch
from nvm_chain.errors.fields import Credits, Quantity
from nvm_chain.index.comparing import AccountComparison
from nvm_chain.index.comparing_catalogue import CatalogueComparison
from nvm_chain.index.database import Index, Origin, check_origin
from nvm_chain.index.store import load_state
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.events import Block

SAMPLE_BITS = 62


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a comparison of an index with the chain at a block.

    ``accounts``, ``lots``, ``plans`` and ``agents`` count what was compared, and ``credits`` are those of the accounts.
    ``differences`` are the errors that name what differs, with both values. ``is_complete`` is False for a sample.
    """

    block: Block
    accounts: Quantity
    credits: Credits
    lots: Quantity
    plans: Quantity
    agents: Quantity
    is_complete: bool
    differences: tuple[IndexMismatch, ...]

    def check(self) -> None:
        """Raise the first difference, if there is one."""
        for difference in self.differences:
            raise difference


def verify_index(
    index: Index,
    chain: Chain,
    *,
    sample: int | None = None,
    seed: int = 0,
    on_read: Callable[[int], object] | None = None,
) -> Verification:
    """Compare an index with the chain at the index's block, and return all differences.

    Compared are:

    - each account's credits, lots, end of access, settled credits and trial, and the sums of its movements
    - each plan's owner, state, URI, fee, terms, redeemers and minters
    - each agent's owner, URI and plans

    The contract does not count holders, so a missing holder is found only by a proof of completeness: see
    `nvm_chain.index.following.Follower.prove`.

    The node needs the state of the index's block. Most nodes have it for the last 128 blocks.

    Args:
        index: The index.
        chain: The connection to the chain.
        sample: The number of accounts to compare. All if not given. Plans and agents are always compared.
        seed: The number that chooses the sample. The same number chooses the same accounts.
        on_read: A function that gets the number of accounts so far, after each part of them.

    Raises:
        OtherChain: The index belongs to another chain.
        IndexBehind: The index is empty.
        BlockReplaced: The chain replaced the index's block.
        NetworkError: The node does not give a usable answer, or no longer has the state of the block.
    """
    size = None if sample is None else check_uint(sample, SAMPLE_BITS, "sample", minimum=1)
    differences: list[IndexMismatch] = []
    with index.snapshot() as connection:
        state = load_state(connection)
        agents = None if state.agents is None else chain.agents.address
        check_origin(index.label, state, Origin(chain.chain_id, chain.credits.address, agents))
        if state.head is None:
            raise IndexBehind(index.label, state.first_block - 1, state.first_block)
        head = state.head

        def report(what: str, by_index: Any, by_chain: Any) -> None:
            differences.append(IndexMismatch(what, by_index, by_chain, head.number))

        _check_block(chain, head)
        catalogue = CatalogueComparison(connection, chain, head, report)
        plans = catalogue.compare_plans()
        count = catalogue.compare_agents() if agents is not None else 0
        compared = AccountComparison(connection, chain, head, report).compare(size, seed, on_read)
        _check_block(chain, head)
    return Verification(head, *compared, plans, count, size is None, tuple(differences))


def _check_block(chain: Chain, head: Block) -> None:
    """Raise BlockReplaced unless the chain has the block."""
    if chain.read_block(head.number).hash != head.hash:
        raise BlockReplaced(head.number)
