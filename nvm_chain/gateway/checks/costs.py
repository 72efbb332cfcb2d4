"""Checks of costs: what requests to a service cost on a plan, with the costs of single endpoints, and what is held for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import CostOutOfRange
from nvm_chain.errors.formatting import count, format_range
from nvm_chain.gateway.checks.findings import Finding, good, missing, note
from nvm_chain.gateway.files import find_files
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoint_costs import CostRange, fit_cost_range, read_costs
from nvm_chain.types.agents import AttachedPlan

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class RequestCosts:
    """What requests to a service cost on one plan.

    ``ranges`` are the different costs. There is none if no request is paid on the plan. ``left_out`` are the endpoints for which
    the plan does not pay, because the agent does not take their cost on it.
    """

    ranges: tuple[CostRange, ...]
    left_out: tuple[str, ...] = ()


def find_request_costs(
    service: ServiceSettings, metadata: AgentMetadata, plan: AttachedPlan, base: str
) -> RequestCosts:
    """Return what requests to a service cost on a plan, as the gateway would charge them.

    Args:
        service: The settings of the service.
        metadata: The metadata of the agent.
        plan: The plan, as the agent accepts it.
        base: The URL of the gateway.

    Raises:
        InvalidMetadata: The costs of endpoints are malformed.
    """
    costs, ranges, left_out = read_costs(metadata), set(), []
    for endpoint in metadata.endpoints if service.upstream else ():  # without an upstream, only files are served
        try:
            ranges.add(fit_cost_range(costs.get(endpoint), plan))
        except CostOutOfRange:
            left_out.append(f"{endpoint.method} {endpoint.url_pattern}")
    sells_all = service.upstream and not (metadata.endpoints or metadata.open_endpoints or metadata.files)
    if sells_all or find_files(metadata.files, service, base):
        ranges.add(fit_cost_range(None, plan))
    return RequestCosts(tuple(sorted(ranges)), tuple(left_out))


def check_costs(subject: str, service: ServiceSettings, costs: RequestCosts) -> Iterator[Finding]:
    """Yield what requests cost, whether that fits into the exposure, and for which endpoints a plan does not pay."""
    if costs.ranges:
        yield _check_ranges(subject, service, costs.ranges)
    if costs.left_out:
        text = f"It does not pay for {_list(costs.left_out)}, because the agent accepts no such cost on this plan."
        yield note(
            subject, text, "Attach the plan with a range that has this cost, or change the cost of the endpoint."
        )


def _check_ranges(subject: str, service: ServiceSettings, ranges: Sequence[CostRange]) -> Finding:
    lowest, highest = min(least for least, _ in ranges), max(most for _, most in ranges)
    held = [most if service.dynamic else least for least, most in ranges]
    if max(held) > service.exposure:
        refused = "all" if min(held) > service.exposure else "the requests that cost more"
        text = f"A request to {service.did} costs up to {count(max(held), 'credit')}, but its exposure is {service.exposure:,}. So {refused} are refused."
        return missing(subject, text, f"Write exposure = {10 * max(held)} or more for this service.")
    shown = format_range(lowest, highest, "credit")
    if not service.dynamic and any(least < most for least, most in ranges):
        each = (
            count(lowest, "credit")
            if len(ranges) == 1
            else f"the lowest number of its endpoint, which is {format_range(lowest, max(held), 'credit')}"
        )
        text = f"A request costs {shown}, and `dynamic` is false. So each one costs {each}."
        advice = "Write dynamic = true for this service, if its header NVMCreditsConsumed says the cost."
        return note(subject, text, advice)
    depends = "" if len(ranges) == 1 else ", depending on the endpoint"
    return good(subject, f"A request to {service.did} costs {shown}{depends}.")


def _list(endpoints: Sequence[str]) -> str:
    """Return the names of some endpoints. Of many, the first ones."""
    more = len(endpoints) - SHOWN
    return ", ".join(endpoints[:SHOWN]) + (f" and {more} more" if more > 0 else "")
