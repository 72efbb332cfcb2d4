"""Books of a statement: every fact is applied to its holder's ledger, in the order of time, up to the latest block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from nvm_chain.errors import StatementMismatch
from nvm_chain.statements.movements import Fact
from nvm_chain.statements.periods import Point
from nvm_chain.statements.types import Movement, MovementKind
from nvm_chain.types.events import Block
from nvm_chain.types.ledgers import Expired, Ledger, open_ledger
from nvm_chain.types.plans import Terms

HolderKey = tuple[int, ChecksumAddress]
"""Key of a ledger: a plan and a holder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Movement with its point in the chain's history. The movement's balance is 0, and is filled in later."""

    point: Point
    order: tuple[int, ...]
    movement: Movement


@dataclass
class Books:
    """Entries of all holders, and their ledgers at the latest block."""

    terms: Mapping[int, Terms]
    head: Block
    ledgers: dict[HolderKey, Ledger] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def write(self, facts: Sequence[Fact], stops: Sequence[Point]) -> None:
        """Apply facts in order. At each stop, write the expiries up to it, so that no entry spans it.

        The stops are both ends of the period.
        """
        waiting = sorted(stops)
        for number, fact in enumerate(facts):
            point = Point(_time_of(fact), fact.event.block_number)
            while waiting and waiting[0] < point:
                self._advance_all(waiting.pop(0).second)
            self._apply(number, fact, point)
        for stop in (*waiting, Point(self.head.timestamp, self.head.number)):
            self._advance_all(stop.second)
        self.entries.sort(key=lambda entry: entry.order)

    def _advance_all(self, second: int) -> None:
        for key, ledger in self.ledgers.items():
            self._expire(key, ledger.advance(second))

    def _expire(self, key: HolderKey, expired: Sequence[Expired]) -> None:
        for second, amount in expired:
            movement = Movement(MovementKind.EXPIRY, *key, -amount, 0, second)
            # An expiry comes first in its second, because the credits are usable only before that second.
            self.entries.append(Entry(Point(second, -1), (second, 0, int(key[1], 16), key[0]), movement))

    def _apply(self, number: int, fact: Fact, point: Point) -> None:
        key, second = (fact.plan_id, fact.holder), point.second
        ledger = self.ledgers.setdefault(key, open_ledger(self.terms[fact.plan_id]))
        self._expire(key, ledger.advance(second))
        before = ledger.access_until
        _change(ledger, fact, second, self.head)
        self._check_access(fact, before, ledger.access_until)
        self.entries.append(Entry(point, (second, 1, number), _describe(fact, second, self.terms[fact.plan_id])))

    def _check_access(self, fact: Fact, before: int, after: int) -> None:
        """Compare the ledger's end of access with the event. Without such an event, the end must not have changed."""
        said = before if fact.access_until is None else fact.access_until
        if said != after:
            what = f"end of the access of {fact.holder} on plan {fact.plan_id:#066x} in block {fact.event.block_number}"
            raise StatementMismatch(what, after, said, self.head.number)


def _time_of(fact: Fact) -> int:
    return fact.event.timestamp or 0


def _change(ledger: Ledger, fact: Fact, second: int, head: Block) -> None:
    """Apply a fact to a ledger with the rules of the contract."""
    if fact.amount > 0:
        ledger.grant(second, fact.amount)
        ledger.is_granted |= fact.kind is not MovementKind.TRANSFER_IN
    elif fact.amount < 0:
        available = ledger.balance
        try:
            ledger.take(second, -fact.amount)
        except ValueError:
            what = f"credits of {fact.holder} on plan {fact.plan_id:#066x} in block {fact.event.block_number}"
            raise StatementMismatch(what, available, f"at least {-fact.amount}", head.number) from None
    if fact.kind is MovementKind.REDEMPTION and fact.access_until is not None:
        ledger.open(second, -fact.amount)
    if fact.kind is MovementKind.SETTLEMENT:
        ledger.settled -= fact.amount


def _describe(fact: Fact, second: int, terms: Terms) -> Movement:
    event = fact.event
    return Movement(
        kind=fact.kind,
        plan_id=fact.plan_id,
        holder=fact.holder,
        amount=fact.amount,
        balance=0,
        timestamp=second,
        block_number=event.block_number,
        transaction=event.transaction_hash,
        log_index=event.log_index,
        party=fact.party,
        quantity=fact.quantity,
        cost=fact.cost,
        token=terms.token if fact.cost else None,
        context=fact.context,
        access_until=fact.access_until,
    )
