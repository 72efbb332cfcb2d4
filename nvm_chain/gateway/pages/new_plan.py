"""The page of a new plan: templates, the terms that can be changed, the review in words, and the transactions of the wallet."""

from html import escape
from typing import Final

from msgspec import json

from nvm_chain.errors.formatting import clean
from nvm_chain.gateway.new_plans.choices import MAX_NAME, MAX_TEXT
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.pages.assets import read_template
from nvm_chain.gateway.pages.checkout import name_network
from nvm_chain.gateway.pages.frame import write_page
from nvm_chain.terms.templates import CUSTOM, FREE, TEMPLATES, Template

USUAL: Final = "month"
"""The template that is chosen when the page opens."""


def build_new_plan_page(place: Place, *, has_usdc: bool) -> bytes:
    """Return the page as HTML.

    Args:
        place: The gateway of the page.
        has_usdc: Whether a USDC is known on its network.
    """
    body = read_template("new_plan.html").substitute(
        chain_id=place.chain_id,
        network=escape(name_network(place.chain_id)),
        contract=escape(place.credits),
        redeemer=escape(place.redeemer),
        templates="".join(map(_write_template, TEMPLATES.values())),
        usdc='<option value="USDC">USDC</option>' if has_usdc else "",
        max_name=MAX_NAME,
        max_text=MAX_TEXT,
    )
    return write_page("New plan", body, "new_plan.js", styles=("checkout.css", "new_plan.css"), folder="new/assets")


def _write_template(template: Template) -> str:
    """Return the card of a template. Its terms are beside it for the script, which fills them in."""
    checked = " checked" if template.name == USUAL else ""
    known = json.encode(_describe(template)).decode()
    return (
        f'<div class="choice"><input type="radio" name="template" id="template-{template.name}" value="{template.name}"'
        f' data-terms="{escape(known)}" aria-describedby="template-{template.name}-text"{checked}>'
        f'<label for="template-{template.name}">{escape(clean(template.title))}</label>'
        f'<p id="template-{template.name}-text">{escape(clean(template.text))}</p></div>'
    )


def _describe(template: Template) -> dict[str, object]:
    price, _, unit = template.price.partition(" ")
    return {
        "kind": "" if template.name == CUSTOM else "credits" if template.period is None else "time",
        "isFree": template.price == FREE,
        "price": "" if template.price == FREE else price,
        "unit": unit,
        "grants": "" if template.grants is None else str(template.grants),
        "period": template.period or "",
        "trial": template.trial,
        "name": "" if template.name == CUSTOM else template.title,
    }
