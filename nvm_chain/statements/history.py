"""Events of a statement, read in as few requests as the indexed arguments allow."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import add_times, build_filters, read_events
from nvm_chain.errors import StatementMismatch
from nvm_chain.operations.plans import parse_terms, read_terms
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.events import Block, Event, EventFilter
from nvm_chain.types.histories import History, Place, PlanFacts

OF_PLAN = (
    "PlanRegistered",
    "Ordered",
    "UsagePaid",
    "GrantedExternal",
    "AccessChanged",
    "Redeemed",
    "Settled",
    "FeeForgone",
)
OF_HOLDER = ("Ordered", "UsagePaid", "GrantedExternal", "AccessChanged", "Redeemed")
"""Names of events with a holder or payer as second indexed argument."""
TRANSFERS = ("TransferSingle", "TransferBatch")


def read_plans_history(chain: Chain, plan_ids: Sequence[int], first_block: int, head: Block) -> History:
    """Read all events of some plans. Uses one filter for each 200 plans, and one more. Raises UnknownPlan."""
    filters = build_filters(OF_PLAN, plan_ids)
    if filters:
        filters.append(EventFilter((*TRANSFERS, "ProtocolFeeSet")))  # their plan is not indexed
    found = read_events(chain, filters, first_block, head.number)
    wanted = set(plan_ids)
    events = add_times(chain, [event for event in found if event.name == "ProtocolFeeSet" or _plans_of(event) & wanted])
    plans = _read_plans(chain, plan_ids, events, head)
    return History(events, plans, find_settled(events, head))


def read_builder_history(chain: Chain, builder: ChecksumAddress, first_block: int, head: Block) -> tuple[Event, ...]:
    """Read the events that made an account an owner of plans, or ended its ownership. Uses three filters."""
    filters = (
        EventFilter(("PlanRegistered",), ((), (builder,))),
        EventFilter(("PlanOwnershipTransferred",), ((), (builder,))),
        EventFilter(("PlanOwnershipTransferred",), ((), (), (builder,))),
    )
    return tuple(add_times(chain, read_events(chain, filters, first_block, head.number)))


def read_holder_history(chain: Chain, holder: ChecksumAddress, first_block: int, head: Block) -> History:
    """Read all events of a holder on every plan. Uses three filters, and two or three for plans and settlements."""
    filters = (
        EventFilter(OF_HOLDER, ((), (holder,))),
        EventFilter(TRANSFERS, ((), (holder,))),
        EventFilter((*TRANSFERS, "Ordered"), ((), (), (holder,))),
    )
    own = read_events(chain, filters, first_block, head.number)
    plan_ids = sorted({plan_id for event in own for plan_id in _plans_of(event)})
    about = [*build_filters(("PlanRegistered", "FeeForgone"), plan_ids), EventFilter(("ProtocolFeeSet",))]
    found = read_events(chain, about if plan_ids else (), first_block, head.number)
    plans = _read_plans(chain, plan_ids, found, head)
    settled = _read_settled(chain, own, first_block, head)
    others = [event for event in found if event.name != "PlanRegistered"]
    sales = _read_neighbours(chain, own, others)
    known = {event.place: event for event in (*own, *others, *sales)}
    return History(add_times(chain, [known[place] for place in sorted(known)]), plans, settled)


def _plans_of(event: Event) -> set[int]:
    """Return the plans of an event."""
    arguments = event.arguments
    if event.name == "TransferBatch":
        return set(arguments["ids"])
    if event.name == "TransferSingle":
        return {arguments["id"]}
    return {arguments["planId"]} if "planId" in arguments else set()


def _read_plans(chain: Chain, plan_ids: Iterable[int], events: Iterable[Event], head: Block) -> dict[int, PlanFacts]:
    """Return the facts of plans from their registration events."""
    plans = {}
    for event in events:
        if event.name == "PlanRegistered":
            fields = [*event.arguments["terms"].values()]
            fields[3] = [tuple(split.values()) for split in fields[3]]
            plans[int(event.arguments["planId"])] = PlanFacts(parse_terms(fields), event.arguments["feeBps"])
    for plan_id in set(plan_ids) - set(plans):
        read_terms(chain, plan_id)  # raises UnknownPlan
        raise StatementMismatch(f"registration of plan {plan_id:#066x}", "none", "one", head.number)
    return plans


# ---------------------------------------------------------------- settlements


def find_settled(events: Iterable[Event], head: Block) -> frozenset[Place]:
    """Return the places of the transfers that settlements made.

    A Settled event has only the number of the transfers directly before it. So all transfers of the plan are needed.
    """
    takes: dict[tuple[str, str, int], list[Event]] = defaultdict(list)
    found: set[Place] = set()
    for event in events:
        arguments = event.arguments
        if event.name == "TransferSingle" and arguments["to"] == ZERO_ADDRESS:
            takes[event.transaction_hash, arguments["operator"], arguments["id"]].append(event)
        elif event.name == "Settled":
            before = takes[event.transaction_hash, arguments["redeemer"], arguments["planId"]]
            theirs = before[max(0, len(before) - arguments["count"]) :]
            brought = len(theirs), sum(take.arguments["value"] for take in theirs)
            if brought != (arguments["count"], arguments["credits"]):
                what = f"items and credits settled in transaction {event.transaction_hash}"
                raise StatementMismatch(what, brought, (arguments["count"], arguments["credits"]), head.number)
            found.update(take.place for take in theirs)
    return frozenset(found)


def _read_settled(chain: Chain, own: Sequence[Event], first_block: int, head: Block) -> frozenset[Place]:
    """Return the places of the transfers that settled a holder's credits.

    One request, and one more for each block that may have such transfers.
    """
    redeemed = {event.place for event in own if event.name == "Redeemed"}
    takes = [
        event
        for event in own
        if event.name == "TransferSingle"
        and event.arguments["to"] == ZERO_ADDRESS
        and (event.block_number, event.log_index + 1) not in redeemed
    ]
    operators = tuple({str(event.arguments["operator"]) for event in takes})
    plan_ids = sorted({int(event.arguments["id"]) for event in takes})
    batches = read_events(chain, build_filters(("Settled",), plan_ids, more=[operators]), first_block, head.number)
    blocks = {event.block_number for event in takes} & {event.block_number for event in batches}
    events = {event.place: event for event in batches if event.block_number in blocks}
    everybody = EventFilter(("TransferSingle",), (operators, (), (ZERO_ADDRESS,)))
    for block in sorted(blocks):
        events |= {event.place: event for event in read_events(chain, [everybody], block, block)}
    return find_settled([events[place] for place in sorted(events)], head)


def _read_neighbours(chain: Chain, own: Sequence[Event], others: Sequence[Event]) -> list[Event]:
    """Read all sales beside each fee of the holder that could not be delivered: those of the same plan in that block.

    One request for each such block.
    """
    transactions = {event.transaction_hash for event in own if event.name in {"Ordered", "UsagePaid"}}
    forgone = [e for e in others if e.name == "FeeForgone" and e.transaction_hash in transactions]
    plan_ids = sorted({int(event.arguments["planId"]) for event in forgone})
    filters = build_filters(("Ordered", "UsagePaid"), plan_ids)
    blocks = sorted({event.block_number for event in forgone})
    return [event for block in blocks for event in read_events(chain, filters, block, block)]
