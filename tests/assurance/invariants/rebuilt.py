"""The books as an indexer would keep them: from the events of Credits and their timestamps, and from nothing else."""

from collections import defaultdict
from dataclasses import dataclass

from tests.assurance.invariants.abi import topic, words
from tests.assurance.invariants.facts import CREDITS, EVENTS, NEVER, ON_PURCHASE, TIME, RawEvent

NAMES = {topic(signature): name for name, signature in EVENTS.items()}
TERMS_AT = 3
"""Words of PlanRegistered before its terms."""


@dataclass(frozen=True)
class Transfer:
    """Credits of one plan that moved."""

    plan_id: int
    sender: int
    receiver: int
    amount: int


class Rebuilt:
    """Balances, settled counters and access windows of everybody."""

    def __init__(self, log: list[tuple[int, RawEvent]]) -> None:
        self.durations: dict[int, int] = {}
        """Of the plans whose credits expire."""
        self.periods: dict[int, int] = {}
        """Of the time plans that start on purchase."""
        self.lots: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
        self.settled: dict[tuple[int, int], int] = defaultdict(int)
        self.until: dict[tuple[int, int], int] = defaultdict(int)
        self._singles: list[Transfer] = []
        previous = ""
        for now, ((first, *indexed), data) in log:
            name = NAMES[first]
            self._check_order(name, previous)
            handler = getattr(self, f"_on_{name}", None)
            if handler is not None:
                handler(now, indexed, words(data))
            previous = name
        assert previous != "GrantedExternal"

    def balance(self, plan_id: int, holder: int, now: int) -> int:
        """Return the balance that somebody has at a time."""
        if plan_id in self.periods:
            return -(-max(0, self.until[plan_id, holder] - now) // self.periods[plan_id])
        return sum(credits for credits, expiry in self.lots[plan_id, holder] if expiry > now)

    def _check_order(self, name: str, previous: str) -> None:
        """Some events are documented to stand right behind others."""
        if name in {"Ordered", "Redeemed"}:
            assert previous in {"TransferSingle", "AccessChanged"}, f"{name} behind {previous}"
        if previous == "GrantedExternal":
            assert name in {"TransferSingle", "AccessChanged"}, f"{name} behind {previous}"

    def _on_PlanRegistered(self, now: int, indexed: list[int], data: list[int]) -> None:  # noqa: N802
        terms = data[TERMS_AT:]
        kind, activation, duration = terms[0], terms[1], terms[7]
        if kind == TIME and activation == ON_PURCHASE:
            self.periods[indexed[0]] = duration
        if kind == CREDITS and duration:
            self.durations[indexed[0]] = duration

    def _on_TransferSingle(self, now: int, indexed: list[int], data: list[int]) -> None:  # noqa: N802
        transfer = Transfer(data[0], indexed[1], indexed[2], data[1])
        self._singles.append(transfer)
        self._move(now, transfer)

    def _on_TransferBatch(self, now: int, indexed: list[int], data: list[int]) -> None:  # noqa: N802
        count = data[2]
        for plan_id, amount in zip(data[3 : 3 + count], data[4 + count :], strict=True):
            self._move(now, Transfer(plan_id, indexed[1], indexed[2], amount))

    def _on_AccessChanged(self, now: int, indexed: list[int], data: list[int]) -> None:  # noqa: N802
        self.until[indexed[0], indexed[1]] = data[0]

    def _on_Settled(self, now: int, indexed: list[int], data: list[int]) -> None:  # noqa: N802
        count, credits = data
        theirs = self._singles[len(self._singles) - count :]
        assert sum(transfer.amount for transfer in theirs) == credits
        for transfer in theirs:
            assert (transfer.plan_id, transfer.receiver) == (indexed[0], 0)
            self.settled[transfer.plan_id, transfer.sender] += transfer.amount

    def _move(self, now: int, transfer: Transfer) -> None:
        plan_id = transfer.plan_id
        if plan_id in self.periods:
            return
        if transfer.sender:
            self._take(now, self.lots[plan_id, transfer.sender], transfer.amount)
        if transfer.receiver:
            expiry = now + self.durations[plan_id] if plan_id in self.durations else NEVER
            self.lots[plan_id, transfer.receiver].append([transfer.amount, expiry])

    def _take(self, now: int, lots: list[list[int]], amount: int) -> None:
        """Take from lots in the order they came: on one plan that is the order in which they expire."""
        for lot in lots:
            if lot[1] > now:
                part = min(lot[0], amount)
                lot[0] -= part
                amount -= part
        assert amount == 0, "more credits went than there were"
        lots[:] = [lot for lot in lots if lot[0]]
