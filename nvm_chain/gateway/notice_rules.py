"""Which notices the meter writes for the plans of a gateway, and which webhook hears of them."""

from collections.abc import Collection, Mapping

from nvm_chain.errors.fields import PlanId
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.meter.deliveries import Target
from nvm_chain.meter.notices import NoticeKind, NoticeRule

Plans = Mapping[str, Collection[PlanId]]
"""The plans of each service, by its DID."""
SETTLEMENTS = frozenset((NoticeKind.SETTLEMENT_FAILED, NoticeKind.SETTLEMENT_STUCK))


def build_targets(settings: GatewaySettings, plans: Plans) -> dict[str, Target]:
    """Return what each webhook hears of, by its name."""
    return {
        name: Target(name, hook.kinds, None if hook.service is None else frozenset(plans[hook.service]))
        for name, hook in settings.webhooks.items()
    }


def build_notice_rules(settings: GatewaySettings, plans: Plans) -> dict[PlanId, NoticeRule]:
    """Return the rule of each plan. A plan of several services has the earliest notices that one of them wants.

    Sessions and settlements are noticed where a webhook hears of them. The other notices have thresholds, and are written where
    a service has named one.
    """
    targets = build_targets(settings, plans).values()
    found: dict[PlanId, NoticeRule] = {}
    for plan_id in {plan_id for some in plans.values() for plan_id in some}:
        services = [settings.services[did] for did, some in plans.items() if plan_id in some]
        lows = [each.low_balance for each in services if each.low_balance is not None]
        soons = [each.soon_seconds for each in services if each.soon_seconds is not None]
        kinds = {kind for each in targets if each.plans is None or plan_id in each.plans for kind in each.kinds}
        rule = NoticeRule(
            max(lows, default=None),
            max(soons, default=None),
            sessions=NoticeKind.SESSION_OPENED in kinds,
            settlements=bool(kinds & SETTLEMENTS),
        )
        if rule != NoticeRule():
            found[plan_id] = rule
    return found
