"""The page of a 402: what is sold, what a request costs on each plan, and how a program pays."""

from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from nvm_chain.enums import PlanKind
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.formatting import clip, count, format_plan_id
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.gateway.incoming import Headers
from nvm_chain.types.ids import format_did

MAX_NAME: Final = 200
MAX_DESCRIPTION: Final = 2_000
HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
"""What the page may do: nothing but to be shown."""


def build_page(
    service: SoldService, endpoint: SoldEndpoint, error: NvmChainError, most: dict[int, int], own: str
) -> bytes:
    """Return the page as HTML.

    Args:
        service: The service.
        endpoint: The endpoint of the request.
        error: Why the request was not served.
        most: The highest cost of a request on each plan of credits, by the plan's id.
        own: The URL in front of the gateway's own paths, which leads to the pages of the plans.
    """
    return (
        _read_page()
        .substitute(
            name=escape(clip(service.metadata.name, MAX_NAME)),
            description=escape(clip(service.metadata.description, MAX_DESCRIPTION)),
            reason=escape(error.message()),
            rows="".join(_build_row(plan, most, own) for plan in endpoint.plans.values()),
            compare=escape(f"{own}/checkout/{service.did}"),
        )
        .encode()
    )


@cache
def _read_page() -> Template:
    return Template(files("nvm_chain.gateway.pages").joinpath("payment_required.html").read_text("utf-8"))


def _build_row(plan: SoldPlan, most: dict[int, int], own: str) -> str:
    if plan.kind is PlanKind.TIME:
        cost = "free while access is open"
    elif plan.min_credits == most[plan.plan_id]:
        cost = count(plan.min_credits, "credit")
    else:
        cost = f"{plan.min_credits:,} to {count(most[plan.plan_id], 'credit')}"
    paid_by = "a signed voucher" if plan.by_vouchers else "signing in"
    page = escape(f"{own}/checkout/{format_did(plan.plan_id)}")
    name = f'<a href="{page}"><code>{format_plan_id(plan.plan_id)}</code></a>'
    return f"<tr><td>{name}</td><td>{cost}</td><td>{paid_by}</td></tr>"
