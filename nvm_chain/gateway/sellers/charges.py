"""Charges of a seller from the books: what its plans' holders owe, its settlements, and what is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.gateway.sellers.views import SellerView
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.losses import Loss, list_losses
from nvm_chain.meter.store.plan_sums import PlanSums, read_plan_sums
from nvm_chain.meter.store.recent_settlements import read_recent
from nvm_chain.meter.store.settlements import Settlement
from nvm_chain.meter.store.writer import Writer

MOST_SETTLEMENTS: Final = 30


@dataclass(frozen=True, slots=True)
class Charges:
    """What the books say of some plans. ``exposures`` are the most credits that one holder of a plan may owe."""

    sums: Mapping[PlanId, PlanSums]
    exposures: Mapping[PlanId, Credits]
    settlements: tuple[Settlement, ...]
    losses: tuple[Loss, ...]


def read_charges(writer: Writer, settings: MeterSettings, view: SellerView) -> Charges:
    """Read what the books say of a seller's plans, in parts. Not for a thread with an event loop.

    Raises:
        IndexFailure: The books cannot be read.
    """
    sums = {plan_id: read_plan_sums(writer, plan_id) for plan_id in sorted(view.plans)}
    policies = view.narrow(settings).policies
    recent = writer.run(partial(read_recent, plan_ids=view.plans, most=MOST_SETTLEMENTS)) if view.plans else []
    losses = writer.run(partial(list_losses, now=writer.now)) if view.plans else []
    return Charges(
        sums,
        {plan_id: policy.exposure for plan_id, policy in policies.items()},
        tuple(recent),
        tuple(loss for loss in losses if loss.key.plan_id in view.plans),
    )
