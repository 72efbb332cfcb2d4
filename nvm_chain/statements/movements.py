"""Conversion of events to facts about holders: each movement of credits or money."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_typing import ChecksumAddress

from nvm_chain.statements.types import MovementKind
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.events import Event

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """Fact of an event about a holder. ``amount`` is a signed number of credits."""

    event: Event
    kind: MovementKind
    plan_id: int
    holder: ChecksumAddress
    amount: int = 0
    party: ChecksumAddress | None = None
    quantity: int = 0
    cost: int = 0
    context: bytes | None = None
    access_until: int | None = None


def build_facts(events: Sequence[Event], settled: Iterable[Place]) -> list[Fact]:
    """Return the facts of events, in order. An order or redemption has its fact at the transfer of its credits."""
    teller = _Teller({event.place: event for event in events}, frozenset(settled))
    return [fact for event in events for fact in teller.tell(event)]


@dataclass(frozen=True, slots=True)
class _Teller:
    """Reader of neighbouring events. The interface of Credits says which events follow each other directly."""

    events: Mapping[Place, Event]
    settled: frozenset[Place]

    def tell(self, event: Event) -> Iterator[Fact]:
        arguments = event.arguments
        if event.name == "TransferSingle":
            yield from self._tell_transfer(event, arguments["id"], arguments["value"])
        elif event.name == "TransferBatch":
            for plan_id, amount in zip(arguments["ids"], arguments["values"], strict=True):
                yield from self._tell_transfer(event, plan_id, amount)
        elif event.name == "Ordered" and arguments["payer"] != arguments["receiver"]:
            yield _describe_sale(event, MovementKind.GIFT, arguments["receiver"])
        elif event.name == "UsagePaid":
            yield _describe_sale(event, MovementKind.PAYMENT, None)

    def _tell_transfer(self, event: Event, plan_id: int, amount: int) -> Iterator[Fact]:
        sender, receiver = event.arguments["from"], event.arguments["to"]
        if sender == ZERO_ADDRESS:
            yield self._tell_grant(Fact(event, MovementKind.GRANT, plan_id, receiver, amount))
        elif receiver == ZERO_ADDRESS:
            yield self._tell_taking(Fact(event, MovementKind.BURN, plan_id, sender, -amount))
        else:
            yield Fact(event, MovementKind.TRANSFER_OUT, plan_id, sender, -amount, receiver)
            yield Fact(event, MovementKind.TRANSFER_IN, plan_id, receiver, amount, sender)

    def _tell_grant(self, fact: Fact) -> Fact:
        fact = replace(fact, party=fact.event.arguments["operator"])
        access = self._beside(fact, -1, "AccessChanged")
        outside = self._beside(fact, -2 if access else -1, "GrantedExternal")
        fact = replace(fact, access_until=access["accessUntil"]) if access else fact
        if outside:
            kind, context = MovementKind.PAID_EXTERNALLY, bytes(outside["paymentReference"])
            return replace(fact, kind=kind, quantity=outside["quantity"], context=context)
        order = self._beside(fact, 1, "Ordered")
        if not order:
            return fact
        bought = {"party": order["payer"], "quantity": order["quantity"], "cost": order["cost"]}
        return replace(fact, kind=MovementKind.ORDER, **bought)

    def _tell_taking(self, fact: Fact) -> Fact:
        fact = replace(fact, party=fact.event.arguments["operator"])
        if fact.event.place in self.settled:
            return replace(fact, kind=MovementKind.SETTLEMENT)
        opened = self._beside(fact, 1, "AccessChanged")
        redeemed = self._beside(fact, 2 if opened else 1, "Redeemed")
        if redeemed:
            until = opened["accessUntil"] if opened else None
            context = bytes(redeemed["context"])
            return replace(fact, kind=MovementKind.REDEMPTION, context=context, access_until=until)
        shortened = self._beside(fact, -1, "AccessChanged")
        return replace(fact, access_until=shortened["accessUntil"]) if shortened else fact

    def _beside(self, fact: Fact, distance: int, name: str) -> Mapping[str, Any] | None:
        """Return the arguments of a neighbouring event, if it has the given name and the fact's plan and holder."""
        block, index = fact.event.place
        event = self.events.get((block, index + distance))
        if event is None or event.name != name or event.arguments["planId"] != fact.plan_id:
            return None
        holder = event.arguments[{"Ordered": "receiver", "GrantedExternal": "to"}.get(name, "holder")]
        return event.arguments if holder == fact.holder else None


def _describe_sale(event: Event, kind: MovementKind, party: ChecksumAddress | None) -> Fact:
    arguments = event.arguments
    context = bytes(arguments["context"]) if "context" in arguments else None
    plan_id, payer, cost = arguments["planId"], arguments["payer"], arguments["cost"]
    return Fact(event, kind, plan_id, payer, 0, party, arguments["quantity"], cost, context)
