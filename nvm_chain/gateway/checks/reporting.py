"""Checks of webhooks and sellers: whether what they should hear of is ever told, and whether they can see what is theirs."""

from collections.abc import Iterator, Mapping, Sequence

from nvm_chain.errors.fields import PlanId
from nvm_chain.gateway.checks.findings import Finding, good, name_plan, note
from nvm_chain.gateway.checks.services import Attachment
from nvm_chain.gateway.configuration.parts import GatewayConfig, WebhookPart
from nvm_chain.gateway.settings import ServiceSettings

LOW, ENDS = "low_balance", "soon"
NEEDED = {"balance.low": LOW, "credits.ending": ENDS, "access.ending": ENDS}
"""The warnings without which nothing is told of an event."""


def check_webhooks(config: GatewayConfig) -> Iterator[Finding]:
    """Yield, for each webhook, whether its events are told by the services of the file."""
    services = config.settings.services
    for name, part in config.webhooks.items():
        own = [each for did, each in services.items() if part.service in (None, did)]
        left = sorted({NEEDED[event] for event in part.events if event in NEEDED} - _list_warnings(own))
        subject = f"webhook {name}"
        if left:
            silent = ", ".join(event for event in part.events if NEEDED.get(event) in left)
            text = f"It hears of {silent}, and no service says when that is."
            advice = f"Write {' and '.join(f'`{each}`' for each in left)} into `warnings` of a service, or name other events."
            yield note(subject, text, advice)
        else:
            yield good(subject, _describe(part))


def _list_warnings(services: Sequence[ServiceSettings]) -> set[str]:
    found = {LOW} if any(each.low_balance is not None for each in services) else set()
    return found | ({ENDS} if any(each.soon_seconds is not None for each in services) else set())


def _describe(part: WebhookPart) -> str:
    return f"It hears of {', '.join(part.events)}."


def check_sellers(config: GatewayConfig) -> Iterator[Finding]:
    """Yield, for each seller, whether it has services and tokens."""
    for name, part in config.sellers.items():
        subject = f"seller {name}"
        count = sum(each.seller == name for each in config.settings.services.values())
        if not count:
            yield note(subject, "No service belongs to it.", f'Write seller = "{name}" at its services.')
        elif not part.tokens:
            yield note(subject, "It has no token, so it cannot see what is its own.", "Write `tokens` in its table.")
        else:
            yield good(subject, f"It has {count} of the services.")


def check_shared_plans(attachments: Mapping[PlanId, Sequence[Attachment]]) -> Iterator[Finding]:
    """Yield the plans that services of several sellers accept."""
    for plan_id, some in attachments.items():
        sellers = sorted({each.service.seller or "the operator" for each in some})
        if len(sellers) > 1:
            text = (
                f"Services of {' and '.join(sellers)} accept it, so `/seller/status` shows its numbers to none of them."
            )
            yield note(name_plan(plan_id), text, "Give each seller plans of its own, if it should see them.")
