"""Holdings and plans of an address. Events in a range of blocks tell which plans to read in their present state."""

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
"""The default size of a range of blocks: about a day on a chain with a block every two seconds."""


@dataclass(frozen=True, slots=True)
class BlockRange:
    """A range of blocks to search for events, from ``first_block`` to ``last_block``, both included.

    ``is_complete`` is True if the range has all blocks from the deployment of Credits to the latest.
    """

    first_block: Number
    last_block: Number
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """A plan, and the present account of a holder on it."""

    plan: PlanState
    account: Account


def choose_blocks(
    chain: Chain, *, first_block: int | None = None, blocks: int | None = None, deployed: int = 0
) -> BlockRange:
    """Choose the range of blocks to search: the latest blocks, or the blocks from ``first_block`` on. One request.

    Args:
        chain: The connection to the chain.
        first_block: The first block. If not given, the range ends with the latest block.
        blocks: The largest number of blocks in the range. 50,000 if not given.
        deployed: The block of the deployment of Credits. Earlier blocks have no events of Credits.

    Raises:
        InvalidConfig: ``first_block`` is negative or not mined yet, or ``blocks`` is less than 1.
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
    """Find the plans that were registered in a range of blocks, and read their present state.

    With ``owner``, find the plans that this address registered or received in the range and still owns. One request for
    the events, or two with ``owner``, and more if the node limits the range. One request for each 250 plans. One more
    if ``blocks`` is not given.

    Args:
        chain: The connection to the plans' chain.
        owner: The address that owns the plans. If not given, plans of all owners are found.
        blocks: The range to search, from `choose_blocks`. The latest 50,000 blocks if not given.

    Raises:
        InvalidAddress: The owner's address is malformed or zero.
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
    """Find the credits, periods and access that a holder got in a range of blocks and still has.

    Two requests for the events, and more if the node limits the range. One request for each 2,000 plans that the events
    name, and one for each 250 plans that the holder still has. One for the time, and one if ``blocks`` is not given.

    Args:
        chain: The connection to the plans' chain.
        holder: The holder's address.
        blocks: The range to search, from `choose_blocks`. The latest 50,000 blocks if not given.

    Raises:
        InvalidAddress: The holder's address is malformed or zero.
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
    """Return the ids of the plans in the events of a range of blocks, each once, in the order of the events."""
    events = read_events(chain, filters, blocks.first_block, blocks.last_block)
    return list(dict.fromkeys(plan_id for event in events for plan_id in _plans_of(event)))


def _plans_of(event: Event) -> tuple[int, ...]:
    arguments = event.arguments
    if event.name == "TransferBatch":
        return tuple(arguments["ids"])
    return (arguments["id"] if event.name == "TransferSingle" else arguments["planId"],)
