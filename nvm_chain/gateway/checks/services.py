"""Checks of services: whether the agent is registered, with endpoints that requests can match, and with plans."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import ERC721NonexistentToken, InvalidUrl, NvmChainError
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.checks.costs import RequestCosts, find_request_costs
from nvm_chain.gateway.checks.files import check_files
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, note
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata, parse_metadata
from nvm_chain.metadata.endpoint_costs import read_costs
from nvm_chain.metadata.endpoints import parse_request_url, parse_url_pattern
from nvm_chain.operations.agents import read_agent
from nvm_chain.storage.stores import load_metadata
from nvm_chain.types.agents import Agent, AttachedPlan

SHOWN: Final = 5
_AFTER_ORIGIN: Final = re.compile(r"https?://[^/{]*", re.IGNORECASE)
_PLAIN: Final = re.compile(r"[^:*{}()\\]*")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A plan that a service accepts, and the service. ``costs`` is None if the metadata cannot be read."""

    service: ServiceSettings
    plan: AttachedPlan
    costs: RequestCosts | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The plans of a service's agent, and what was found."""

    attachments: tuple[Attachment, ...]
    findings: tuple[Finding, ...]


def check_service(chain: Chain, service: ServiceSettings, base: str) -> Registered:
    """Read the agent of a service, and compare it with the settings. About three requests. ``base`` is the gateway's URL."""
    subject = f"service {service.did}"
    try:
        agent = read_agent(chain, service.did)
    except ERC721NonexistentToken:
        advice = (
            "Register it with `nvm-chain agent register`, and write the DID that is shown. Or name the right network."
        )
        return Registered((), (missing(subject, f"Chain {chain.chain_id} has no such agent.", advice),))
    except NvmChainError as error:
        return Registered((), (missing_by(subject, error),))
    findings = [good(subject, f"It is agent {agent.agent_id} of {agent.owner}.")]
    attachments = [Attachment(service, plan) for plan in agent.plans]
    try:
        metadata = parse_metadata(load_metadata(agent.uri, public_only=True))
        read_costs(metadata)
    except NvmChainError as error:
        findings.append(missing_by(subject, error))
    else:
        findings += check_metadata(subject, service, metadata, base)
        attachments = [
            Attachment(service, plan, find_request_costs(service, metadata, plan, base)) for plan in agent.plans
        ]
    findings += check_attachments(subject, agent)
    return Registered(tuple(attachments), tuple(findings))


def check_metadata(subject: str, service: ServiceSettings, metadata: AgentMetadata, base: str) -> Iterator[Finding]:
    """Yield whether requests through the gateway match the endpoints and the files of an agent."""
    if service.upstream and (metadata.endpoints or metadata.open_endpoints or not metadata.files):
        yield from check_endpoints(subject, service, metadata)
    yield from check_files(service, metadata, base)


def check_endpoints(subject: str, service: ServiceSettings, metadata: AgentMetadata) -> Iterator[Finding]:
    """Yield which endpoints no request can match, because they begin with another URL than the service's."""
    patterns = [*(each.url_pattern for each in metadata.endpoints), *metadata.open_endpoints]
    if not patterns:
        yield note(subject, "Its metadata has no endpoints, so every path of the upstream is sold.")
        return
    base = service.endpoint_base
    try:
        strange = [pattern for pattern in patterns if not _may_match(pattern, base)]
    except InvalidUrl as error:
        yield missing_by(subject, error)
        return
    if strange:
        yield missing(subject, *_explain_strange(strange, len(patterns), service))
    if len(strange) < len(patterns):
        yield good(subject, f"{count(len(patterns) - len(strange), 'endpoint')} at {base} can be asked for.")
    yield from _check_doubled(subject, service, patterns)
    if service.websocket is not None and not metadata.open_endpoints:
        yield from _check_sockets(subject, metadata)
    if not metadata.endpoints:
        yield note(
            subject, "All its endpoints are open, so no request is paid.", "Register a paid endpoint with --endpoint."
        )


def _check_sockets(subject: str, metadata: AgentMetadata) -> Iterator[Finding]:
    """Yield that no websocket can be opened, because a websocket begins with a request with the method GET."""
    if not any(each.method == "GET" for each in metadata.endpoints):
        yield missing(
            subject,
            "It sells websockets, and the agent has no endpoint with the method GET, with which a websocket begins.",
            "Add one with `nvm-chain agent update`, or leave out the key websocket.",
        )


def _explain_strange(strange: Sequence[str], number: int, service: ServiceSettings) -> tuple[str, str]:
    base = service.endpoint_base
    shown = ", ".join(strange[:SHOWN]) + (f" and {len(strange) - SHOWN} more" if len(strange) > SHOWN else "")
    text = f"No request can match {len(strange)} of {count(number, 'endpoint')}, because they do not begin with {base}: {shown}."
    origins = {found[0] for pattern in strange if (found := _AFTER_ORIGIN.match(pattern))}
    if len(strange) == number and len(origins) == 1:
        return (
            text,
            f'Write public_url = "{origins.pop()}" for this service, or change the endpoints with `nvm-chain agent update`.',
        )
    return text, f"Change these endpoints with `nvm-chain agent update`, so that they begin with {base}."


def _check_doubled(subject: str, service: ServiceSettings, patterns: Sequence[str]) -> Iterator[Finding]:
    """Yield whether the upstream's path stands in front of endpoints that have it already."""
    path = _AFTER_ORIGIN.sub("", service.upstream, count=1).rstrip("/")
    base = service.endpoint_base
    if path and all(pattern.startswith(f"{base}{path}/") for pattern in patterns):
        yield note(
            subject,
            f"`upstream` ends with {path}, and the endpoints begin with it too. So requests reach the service at {path}{path}.",
            f'Leave {path} out of `upstream`. Or write public_url = "{base}{path}", and buyers leave it out.',
        )


def _may_match(pattern: str, base: str) -> bool:
    """Return whether a URL that begins with a base may match a pattern. Raises InvalidUrl if the base is not a URL."""
    origin, _ = parse_request_url(base)
    if parse_url_pattern(pattern)[0] != origin:
        return False
    path = _AFTER_ORIGIN.sub("", base, count=1)
    wanted = _AFTER_ORIGIN.sub("", pattern, count=1)
    plain = _PLAIN.match(wanted)
    known = plain[0] if plain else ""
    size = min(len(known), len(path))
    return known[:size] == path[:size] and (len(known) >= len(path) or known != wanted)


def check_attachments(subject: str, agent: Agent) -> Iterator[Finding]:
    """Yield whether anything pays for requests to an agent."""
    if not agent.plans:
        advice = f"Attach one with `nvm-chain agent attach {agent.agent_id} PLAN --per-request 1`."
        yield missing(subject, "It accepts no plan, so nobody can pay for a request.", advice)
