"""What an address holds, and which plans it owns: found by the events of a range of blocks, and read as it is now."""

from collections.abc import Iterable
from dataclasses import dataclass

from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import read_events
from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Number
from nvm_chain.operations.bulk_parts import read_plan_states
from nvm_chain.operations.bulk_reads import read_accounts
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.events import Event, EventFilter
from nvm_chain.types.plans import PlanState

BLOCKS_AT_ONCE = 50_000
"""Blocks that are looked at if nobody says how many: about a day on a chain with a block every two seconds."""


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Blocks whose events are looked at, both included.

    ``is_complete`` says that Credits was not deployed before the first.
    """

    first_block: Number
    last_block: Number
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """What a holder has of a plan now."""

    plan: PlanState
    account: Account


def choose_blocks(
    chain: Chain, *, first_block: int | None = None, blocks: int | None = None, deployed: int = 0
) -> BlockRange:
    """Choose which blocks to look at: the latest ones, or those from a block on. One request.

    Args:
        chain: Where the blocks are.
        first_block: The first block. If not given, the range ends with the latest block.
        blocks: How many blocks at most. 50,000 if not given.
        deployed: The block in which Credits was deployed, before which nothing happened.

    Raises:
        InvalidConfig: There is no such block yet, or a number is negative or zero.
    """
    most = BLOCKS_AT_ONCE if blocks is None else blocks
    if most < 1 or (first_block is not None and first_block < 0):
        raise InvalidConfig("a range has at least 1 block, and its first block is 0 or more")
    head = chain.read_block().number
    if first_block is None:
        first = max(head - most + 1, deployed, 0)
        return BlockRange(first, head, first <= deployed)
    if first_block > head:
        raise InvalidConfig(f"the range begins at block {first_block}, and the latest block is {head}")
    last = min(first_block + most - 1, head)
    return BlockRange(first_block, last, first_block <= deployed and last == head)


def find_plans(chain: Chain, owner: str | None = None, *, blocks: BlockRange | None = None) -> list[PlanState]:
    """Find plans that were registered in a range of blocks. With ``owner``: plans that the owner got in the range and still owns.

    One request for each filter where the node answers for the whole range, and one for each 250 plans.

    Args:
        chain: Where the plans are.
        owner: Whose plans. All if not given.
        blocks: Which blocks to look at, from `choose_blocks`. The latest 50,000 if not given.

    Raises:
        InvalidAddress: The owner cannot be an address.
    """
    blocks = choose_blocks(chain) if blocks is None else blocks
    if owner is None:
        filters = [EventFilter(("PlanRegistered",))]
    else:
        address = parse_address(owner, "owner address")
        filters = [
            EventFilter(("PlanRegistered",), ((), (address,))),
            EventFilter(("PlanOwnershipTransferred",), ((), (), (address,))),
        ]
    found = read_plan_states(chain, _find_plan_ids(chain, filters, blocks))
    return [plan for plan in found if owner is None or plan.owner == parse_address(owner, "owner address")]


def find_holdings(chain: Chain, holder: str, *, blocks: BlockRange | None = None) -> list[Holding]:
    """Find the plans whose credits, periods or access a holder got in a range of blocks and still has.

    Two filters, then one request for each 2,000 plans, and one for each 250 that are held.

    Args:
        chain: Where the plans are.
        holder: Whose holdings.
        blocks: Which blocks to look at, from `choose_blocks`. The latest 50,000 if not given.

    Raises:
        InvalidAddress: The holder cannot be an address.
    """
    address = parse_address(holder, "holder address")
    blocks = choose_blocks(chain) if blocks is None else blocks
    filters = (
        EventFilter(("GrantedExternal", "AccessChanged"), ((), (address,))),
        EventFilter(("TransferSingle", "TransferBatch", "Ordered"), ((), (), (address,))),
    )
    now = chain.read_time()
    plan_ids = _find_plan_ids(chain, filters, blocks)
    accounts = read_accounts(chain, [(plan_id, address) for plan_id in plan_ids])
    held = {
        plan_id: account
        for plan_id, account in zip(plan_ids, accounts, strict=True)
        if account.balance > 0 or account.access_until > now
    }
    return list(map(Holding, read_plan_states(chain, held), held.values()))


def _find_plan_ids(chain: Chain, filters: Iterable[EventFilter], blocks: BlockRange) -> list[int]:
    """Return the plans of some events, each once, in the order they first appear."""
    events = read_events(chain, filters, blocks.first_block, blocks.last_block)
    return list(dict.fromkeys(plan_id for event in events for plan_id in _plans_of(event)))


def _plans_of(event: Event) -> tuple[int, ...]:
    arguments = event.arguments
    if event.name == "TransferBatch":
        return tuple(arguments["ids"])
    return (arguments["id"] if event.name == "TransferSingle" else arguments["planId"],)
