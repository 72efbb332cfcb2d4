"""Revenue of receivers: the cost of each sale, divided with the rules of the contract."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from eth_typing import ChecksumAddress

from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.events import Event
from nvm_chain.types.plans import Terms, share_cost
from nvm_chain.types.revenue import Revenue

Place = tuple[int, int]
SALES = frozenset({"Ordered", "UsagePaid"})


def sum_revenue(
    events: Sequence[Event],
    plans: Mapping[int, tuple[Terms, int]],
    counts: Callable[[Event], bool],
) -> tuple[Revenue, ...]:
    """Sum the revenue of each receiver on each plan, in the order of the first payments.

    Only sales for which ``counts`` returns True are included.

    ``events`` has all sales, FeeForgone and ProtocolFeeSet events, in order. ``plans`` has the terms and the fee in
    basis points.
    """
    undelivered = match_forgone(events, plans)
    paid: dict[tuple[int, ChecksumAddress], list[int]] = defaultdict(lambda: [0, 0, 0])
    sales: dict[tuple[int, ChecksumAddress], set[Place]] = defaultdict(set)
    fee_receiver = ZERO_ADDRESS
    for event in events:
        if event.name == "ProtocolFeeSet":
            fee_receiver = event.arguments["receiver"]
        if event.name not in SALES or not counts(event):
            continue
        plan_id = int(event.arguments["planId"])
        parts = _share(event, plans[plan_id], fee_receiver, event.place in undelivered)
        for receiver, column, amount in parts:
            paid[plan_id, receiver][column] += amount
            sales[plan_id, receiver].add(event.place)
    return tuple(
        Revenue(plan_id, plans[plan_id][0].token, receiver, shares, fees, forgone, len(sales[plan_id, receiver]))
        for (plan_id, receiver), (shares, fees, forgone) in paid.items()
    )


def _share(
    sale: Event, plan: tuple[Terms, int], fee_receiver: ChecksumAddress, is_forgone: bool
) -> list[tuple[ChecksumAddress, int, int]]:
    """Return each receiver's amount of a sale, and its kind: share (0), fee (1) or forgone fee (2)."""
    terms, fee_bps = plan
    shares, fees = share_cost(terms, sale.arguments["cost"], fee_bps)
    parts = [(receiver, 0, amount) for receiver, amount in shares if amount]
    if fees:
        parts.append((terms.splits[0].receiver, 2, fees) if is_forgone else (fee_receiver, 1, fees))
    return parts


def match_forgone(events: Iterable[Event], plans: Mapping[int, tuple[Terms, int]]) -> frozenset[Place]:
    """Return the places of the sales whose fee could not be delivered.

    For each FeeForgone event this is the last earlier sale with the same plan, transaction and fee. It is not always
    the sale directly before the event, because a token with callbacks can nest sales.
    """
    found: set[Place] = set()
    before: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if event.name in SALES:
            before[event.transaction_hash, event.arguments["planId"]].append(event)
        elif event.name == "FeeForgone":
            terms, fee_bps = plans[event.arguments["planId"]]
            sales = before[event.transaction_hash, event.arguments["planId"]]
            for sale in reversed(sales):
                fees = share_cost(terms, sale.arguments["cost"], fee_bps)[1]
                if sale.place not in found and fees == event.arguments["amount"]:
                    found.add(sale.place)
                    break
    return frozenset(found)
