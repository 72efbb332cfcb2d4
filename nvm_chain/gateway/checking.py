"""The check of a gateway before its first request: what is missing, and what to do about each thing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.checks.buying import check_buying
from nvm_chain.gateway.checks.chain import check_chain
from nvm_chain.gateway.checks.databases import check_books, check_index
from nvm_chain.gateway.checks.findings import Finding as Finding
from nvm_chain.gateway.checks.findings import Verdict as Verdict
from nvm_chain.gateway.checks.findings import good, missing, missing_by, note
from nvm_chain.gateway.checks.plans import Checked, check_other_redeemers, check_plan
from nvm_chain.gateway.checks.redeemer import check_coin, check_key
from nvm_chain.gateway.checks.reporting import check_sellers, check_shared_plans, check_webhooks
from nvm_chain.gateway.checks.services import Attachment, check_service
from nvm_chain.gateway.checks.settings import check_listening, check_secrets, check_url
from nvm_chain.gateway.checks.upstreams import check_upstream
from nvm_chain.gateway.config import open_secrets, read_config
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.secrets import Secrets


def check_gateway(
    path: Path | str, *, chain: Chain | None = None, on_step: Callable[[str], object] = str
) -> list[Finding]:
    """Look at everything that a gateway needs before its first request, and return what was found.

    Nothing is changed or made, and no transaction and no paid request is sent. What depends on something that is missing is
    left out, so the check is worth repeating after each step.

    Args:
        path: The configuration file.
        chain: A connection to use in place of a new one.
        on_step: Called with a sentence before each step.
    """
    try:
        config = read_config(path)
    except InvalidConfig as error:
        return [missing_by("configuration", error)]
    findings = [good("configuration", f"{config.path} can be read.")]
    findings += [*check_url(config), *check_listening(config), *check_webhooks(config), *check_sellers(config)]
    on_step("Looking for the secrets")
    secrets = open_secrets(config)
    filled = check_secrets(config, secrets)
    findings += filled.findings
    for service in (filled.config or config).settings.services.values():
        on_step(f"Looking at {service.files or service.upstream}")
        findings += check_upstream(service, config.listen)
    if filled.config is not None:
        findings += _check_chain(filled.config, secrets, chain, on_step)
    return findings


def find_missing(findings: Sequence[Finding]) -> list[Finding]:
    """Return what has to be done before requests are served."""
    return [finding for finding in findings if finding.verdict is Verdict.MISSING]


def _check_chain(
    config: GatewayConfig, secrets: Secrets, chain: Chain | None, on_step: Callable[[str], object]
) -> Iterator[Finding]:
    """Yield what the chain says of the redeemer, the services and the plans, and whether the databases belong to it."""
    on_step("Connecting to the node")
    connected = check_chain(config, chain)
    yield from connected.findings
    if connected.chain is None:
        return
    on_step("Reading the redeemer's key")
    opened = check_key(config, secrets, connected.chain)
    yield from opened.findings
    redeemer = None if opened.account is None else opened.account.address
    if redeemer is not None:
        yield from check_coin(connected.chain, redeemer, config.settings.checkout)
    attachments: dict[int, list[Attachment]] = {}
    for service in config.settings.services.values():
        on_step(f"Reading the agent {service.did}")
        registered = check_service(connected.chain, service, config.settings.url)
        yield from registered.findings
        for attachment in registered.attachments:
            attachments.setdefault(attachment.plan.plan_id, []).append(attachment)
    on_step("Reading the plans")
    asked = partial(check_plan, connected.chain, redeemer=redeemer, sells_usage=config.settings.buying.exact)
    checked = {plan_id: asked(plan_id, each) for plan_id, each in attachments.items()}
    yield from (finding for each in checked.values() for finding in each.findings)
    plans = [each.plan for each in checked.values() if each.plan is not None]
    yield from check_buying(config, secrets, connected.chain, redeemer, plans)
    yield from _check_served(attachments, checked)
    yield from check_shared_plans(attachments)
    plan_ids = [plan_id for plan_id, each in checked.items() if each.has_credits]
    yield from _check_databases(config, connected.chain, plan_ids, redeemer)


def _check_served(attachments: Mapping[int, Sequence[Attachment]], checked: Mapping[int, Checked]) -> Iterator[Finding]:
    """Yield the services that have plans of usage only."""
    kinds: dict[str, set[bool]] = {}
    for plan_id, accepted in attachments.items():
        for attachment in accepted:
            kinds.setdefault(attachment.service.did, set()).add(checked[plan_id].is_served)
    for did, served in kinds.items():
        if not any(served):
            text = "None of its plans pays for requests to a gateway."
            yield missing(f"service {did}", text, "Attach a plan of credits or of time with `nvm-chain agent attach`.")


def _check_databases(
    config: GatewayConfig, chain: Chain, plan_ids: Sequence[int], redeemer: ChecksumAddress | None
) -> Iterator[Finding]:
    yield from check_books(config.settings, chain)
    looked = check_index(config.settings, chain, plan_ids)
    yield from looked.findings
    own = (*config.redeemer.former, *((redeemer,) if redeemer else ()))
    for plan_id, others in looked.redeemers.items():
        yield from check_other_redeemers(plan_id, others, own)
    if plan_ids and not looked.redeemers:
        text = "Whether other keys may redeem on the plans is not known, because there is no index yet."
        yield note(
            "index", text, "Check again when the gateway has run, or after `nvm-chain index run --once --index PATH`."
        )
