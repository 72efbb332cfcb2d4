"""The page in an app: a visitor logs in with a wallet, and the app gets a token.

The page can be in a frame of the apps that the seller names, and of no other one. What metadata says is text on it.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from msgspec import json

from nvm_chain.errors.formatting import clean
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.foreign_text import write_foreign
from nvm_chain.gateway.incoming import Headers
from nvm_chain.gateway.pages.assets import read_template
from nvm_chain.gateway.pages.checkout import name_network, name_plan
from nvm_chain.gateway.pages.frame import write_page
from nvm_chain.types.ids import format_did

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors {apps}"
)


def build_streamlit_headers(apps: Sequence[str]) -> Headers:
    """Return the headers of the page. ``apps`` are the origins that may have it in a frame."""
    policy = _POLICY.format(apps=" ".join(apps) or "'none'")
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]


def build_streamlit_page(service: SoldService, cards: Sequence[PlanCard], *, url: str, chain_id: int) -> bytes:
    """Return the page as HTML.

    Args:
        service: The agent.
        cards: Its plans.
        url: The URL of the service, which the app gets.
        chain_id: The chain of the plans.
    """
    body = read_template("streamlit.html").substitute(
        name=write_foreign(service.metadata.name),
        did=escape(service.did),
        url=escape(url),
        apps=escape(json.encode(service.settings.embedded_in).decode()),
        chain_id=chain_id,
        network=escape(name_network(chain_id)),
        plans="".join(map(_write_plan, cards)),
    )
    return write_page(service.metadata.name, body, "streamlit.js", styles=("streamlit.css",), folder="streamlit/assets")


def _write_plan(card: PlanCard) -> str:
    did, name = escape(format_did(card.plan.plan_id)), escape(clean(name_plan(card)))
    return (
        f'<li data-plan="{did}"><h2>{write_foreign(name_plan(card))}</h2>'
        f"<p>{escape(card.price)}, {escape(card.grant)}. <span data-has></span></p>"
        f'<p class="actions"><button type="button" data-use hidden aria-label="Use this plan: {name}">Use this plan</button>'
        f'<a href="checkout/{did}" target="_blank" rel="noopener" aria-label="Terms and order: {name}">Terms and order</a>'
        "</p></li>"
    )
