"""Histories: the events of a statement, with the plans that they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvm_chain.errors.fields import BasisPoints, Number, PlanId
from nvm_chain.types.events import Event
from nvm_chain.types.plans import Terms

Place = tuple[Number, Number]
"""The number of an event's block, and the event's index in the block."""


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Immutable facts of a plan from its registration."""

    terms: Terms
    fee_bps: BasisPoints


@dataclass(frozen=True, slots=True)
class History:
    """Events of a statement in order, their plans, and the places of the transfers that settlements made."""

    events: Sequence[Event]
    plans: Mapping[PlanId, PlanFacts]
    settled: frozenset[Place]
