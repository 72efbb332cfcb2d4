"""What a seller may see: the services that belong to it, and the plans that no other seller's service has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from nvm_chain.errors.fields import PlanId
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.outlooks import Outlook
from nvm_chain.meter.store.plan_sums import PlanSums, read_plan_sums
from nvm_chain.meter.store.settlements import read_open
from nvm_chain.meter.store.writer import Writer

Look = Callable[[MeterSettings], Outlook]
"""Returns what would be settled with some settings, and sends nothing."""
LABEL: Final = "service"


@dataclass(frozen=True, slots=True)
class SellerView:
    """What a seller may see: its services, its plans, and plans that it shares, of which nobody sees the numbers here.

    A plan is known by its holders and not by services. So the numbers of a plan that services of two sellers have are not those of
    one of them. Agents and plans change hands, so such a plan is left out, and the gateway starts all the same.
    """

    services: frozenset[str]
    plans: frozenset[PlanId]
    shared: frozenset[PlanId]

    def narrow(self, settings: MeterSettings) -> MeterSettings:
        """Return the settings of a meter with the seller's services and plans only."""
        services = {
            did: replace(
                terms,
                policies={plan_id: policy for plan_id, policy in terms.policies.items() if plan_id in self.plans},
                windows={plan_id: policy for plan_id, policy in terms.windows.items() if plan_id in self.plans},
            )
            for did, terms in settings.services.items()
            if did in self.services
        }
        return replace(settings, services=services)

    def narrow_outlook(self, outlook: Outlook) -> Outlook:
        """Return an outlook of these settings without the openings of other sellers. They are known by plans, and not by settings."""
        openings = tuple(each for each in outlook.openings if each.opening.plan_id in self.plans)
        return replace(outlook, openings=openings)


def build_view(seller: str, services: Mapping[str, SoldService]) -> SellerView:
    """Return what a seller may see of all services of the gateway."""
    own = {did: service for did, service in services.items() if service.settings.seller == seller}
    plans = {plan_id for service in own.values() for plan_id in service.plans}
    others = {plan_id for did, service in services.items() if did not in own for plan_id in service.plans}
    return SellerView(frozenset(own), frozenset(plans - others), frozenset(plans & others))


def read_status(writer: Writer, view: SellerView) -> dict[str, Any]:
    """Return how the plans of a seller stand, and its transactions that are not final. Not for a thread with an event loop."""
    settlements = [each for each in writer.run(read_open) if each.plan_id in view.plans]
    return {
        "services": sorted(view.services),
        "plans": [_describe(plan_id, read_plan_sums(writer, plan_id)) for plan_id in sorted(view.plans)],
        "sharedPlans": [str(plan_id) for plan_id in sorted(view.shared)],
        "settlements": [
            {
                "transaction": each.hash,
                "planId": str(each.plan_id),
                "state": each.state.name.lower(),
                "holders": len(each.items),
                "credits": str(each.credits),
                "signedAt": each.signed_at,
            }
            for each in settlements
        ],
    }


def _describe(plan_id: PlanId, sums: PlanSums) -> dict[str, Any]:
    return {
        "planId": str(plan_id),
        "accounts": sums.accounts,
        "charged": str(sums.charged),
        "held": str(sums.held),
        "taken": str(sums.taken),
        "writtenOff": str(sums.written_off),
        "owed": str(sums.owed),
    }


def describe_outlook(outlook: Outlook) -> dict[str, Any]:
    """Return what would be settled, as JSON."""
    due = outlook.next_due
    return {
        "owed": str(outlook.owed),
        "takeable": str(outlook.takeable),
        "waiting": str(outlook.waiting),
        "holders": outlook.holders,
        "closes": str(outlook.closes),
        "gas": outlook.gas,
        "batches": [
            {"planId": str(batch.plan_id), "holders": len(batch.items), "credits": str(batch.credits)}
            for batch in outlook.batches
        ],
        "hindered": {why.value: str(credits) for why, credits in outlook.hindered.items()},
        "nextDue": None if due is None else {"reason": due.reason.value, "at": due.time},
    }


def write_metrics(registry: CollectorRegistry, services: frozenset[str]) -> bytes:
    """Return the numbers of some services, as Prometheus reads them. Numbers that are not of one service are left out."""
    return generate_latest(_Some(registry, services))


class _Some(Collector):
    """The numbers of a registry that belong to some services."""

    def __init__(self, registry: CollectorRegistry, services: frozenset[str]) -> None:
        """Take all numbers."""
        self._registry, self._services = registry, services

    def collect(self) -> Iterable[Metric]:
        """Yield each number with the samples of the services."""
        for family in self._registry.collect():
            samples = [sample for sample in family.samples if sample.labels.get(LABEL) in self._services]
            if samples:
                some = Metric(family.name, family.documentation, family.type, family.unit)
                some.samples = samples
                yield some
