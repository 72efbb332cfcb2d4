"""Deliveries: notices on their way to webhooks. Each webhook has its own attempts, pauses and end for each notice."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from nvm_chain.errors.fields import PlanId, Quantity, Time
from nvm_chain.meter.notices import Notice, NoticeKind

SHORT: Final = 16
"""How many bytes at the beginning of a notice's id are enough to name it."""


class DeliveryState(IntEnum):
    """What has become of a delivery. The values are stored."""

    WAITING = 0
    DELIVERED = 1
    GIVEN_UP = 2
    """All attempts failed, or the notice came too late to help. It can be sent again by hand."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook, as the outbox knows it: its name, what it hears of, and on which plans. None for all plans."""

    name: str
    kinds: frozenset[NoticeKind]
    plans: frozenset[PlanId] | None = None

    def wants(self, notice: Notice) -> bool:
        """Return whether the webhook hears of a notice."""
        return notice.kind in self.kinds and (self.plans is None or notice.plan_id in self.plans)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice that a webhook should get. ``attempt`` counts from 1. ``trouble`` is why the last attempt failed, or empty."""

    notice: Notice
    webhook: str
    attempt: Quantity
    trouble: str = ""
    done_at: Time = 0


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many deliveries of a webhook are waiting and given up, and since when the oldest has been waiting, or 0."""

    webhook: str
    waiting: Quantity
    given_up: Quantity
    oldest: Time
