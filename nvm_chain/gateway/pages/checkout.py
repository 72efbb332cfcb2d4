"""The pages of the checkout: one plan with all its terms, and the plans of an agent side by side.

What metadata says is text: it is escaped, isolated in its direction of writing, and shown beside the seller's address.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from nvm_chain.chain.dev_accounts import DEV_CHAINS
from nvm_chain.chain.networks import NETWORKS
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.foreign_text import MAX_TEXT, shorten, write_foreign
from nvm_chain.gateway.pages.assets import read_template
from nvm_chain.gateway.pages.frame import write_page
from nvm_chain.metadata.documents import Metadata
from nvm_chain.types.ids import format_did

SCRIPT: Final = "checkout.js"


def build_plan_page(card: PlanCard, agents: Sequence[SoldService], chain_id: int, credits: str) -> bytes:
    """Return the page of a plan as HTML.

    Args:
        card: The plan.
        agents: The agents that accept the plan.
        chain_id: The chain of the plan.
        credits: The address of the contract of the plans.
    """
    name = name_plan(card)
    body = read_template("checkout_plan.html").substitute(
        agents=_write_agents(agents),
        name=write_foreign(name),
        seller=_write_seller(card),
        description=_write_description(card.metadata),
        price=escape(card.price),
        grant=escape(card.grant),
        token=_write_token(card),
        badge=_write_badge(card),
        terms="".join(_write_term(term.title, term.text) for term in card.terms),
        order=_write_order(card, chain_id),
        plan=escape(format_did(card.plan.plan_id)),
        contract=escape(credits),
        network=escape(name_network(chain_id)),
    )
    return write_page(name, body, SCRIPT)


def build_agent_page(service: SoldService, cards: Sequence[PlanCard]) -> bytes:
    """Return the page of an agent as HTML: its plans side by side, trials and free ones first."""
    metadata, sellers = service.metadata, {card.plan.owner for card in cards}
    body = read_template("checkout_agent.html").substitute(
        name=write_foreign(metadata.name),
        author=f'<p class="by">By {write_foreign(metadata.author)}, as the agent says.</p>' if metadata.author else "",
        description=_write_description(metadata),
        seller=f'<p class="by">Sold by <code>{escape(min(sellers))}</code>.</p>' if len(sellers) == 1 else "",
        cards="".join(_write_card(card, names_seller=len(sellers) > 1) for card in sorted(cards, key=_rank))
        or "<p>This agent sells no plans at the moment.</p>",
        did=escape(service.did),
    )
    return write_page(metadata.name, body, SCRIPT)


# ---------------------------------------------------------------------- parts


def name_plan(card: PlanCard) -> str:
    """Return what a plan is called: by its metadata, or by its id."""
    if card.metadata is not None:
        return card.metadata.name
    number = format_plan_id(card.plan.plan_id)
    return f"Plan {number[:10]}…{number[-8:]}"


def name_network(chain_id: int) -> str:
    """Return how people call a network.

    >>> name_network(8453), name_network(31337), name_network(1)
    ('Base', 'a development chain (31337)', 'the network with the chain id 1')
    """
    for name, network in NETWORKS.items():
        if network.chain_id == chain_id:
            family, _, which = name.partition(":")
            return family.title() if which == "mainnet" else f"{family.title()} {which.title()}"
    return (
        f"a development chain ({chain_id})" if chain_id in DEV_CHAINS else f"the network with the chain id {chain_id}"
    )


def _write_description(metadata: Metadata | None) -> str:
    if metadata is None:
        return '<p class="note">The description of this plan could not be verified. The terms below are from the chain.</p>'
    lines = [shorten(line, MAX_TEXT) for line in metadata.description[:MAX_TEXT].splitlines()]
    return "".join(f'<p dir="auto" class="lead">{escape(line)}</p>' for line in lines if line)


def _write_seller(card: PlanCard) -> str:
    author = "" if card.metadata is None or not card.metadata.author else card.metadata.author
    says = f" The plan names {write_foreign(author)} as its author, which nobody has checked." if author else ""
    return f'<p class="by">Sold by <code>{escape(card.plan.owner)}</code>.{says}</p>'


def _write_agents(agents: Sequence[SoldService]) -> str:
    links = [f'<a href="./{escape(each.did)}">{write_foreign(each.metadata.name)}</a>' for each in agents]
    return f'<p class="eyebrow">Plan of {", ".join(links)}</p>'


def _write_badge(card: PlanCard) -> str:
    terms = card.plan.terms
    kind = "trial" if terms.trial else "free" if not terms.splits and not terms.paid_externally else "paid"
    return f'<span class="badge {kind}">{kind.title()}</span>'


def _write_token(card: PlanCard) -> str:
    return f'<p class="by">{escape(card.token_note)}</p>' if card.token_note else ""


def _write_term(title: str, text: str) -> str:
    return f"<div><dt>{escape(title)}</dt><dd>{escape(text)}</dd></div>"


def _write_order(card: PlanCard, chain_id: int) -> str:
    if card.problem:
        return f'<p class="note" role="note">{escape(card.problem)}</p>'
    return read_template("checkout_order.html").substitute(
        plan=format_did(card.plan.plan_id),
        chain_id=chain_id,
        network=escape(name_network(chain_id)),
        quantity=" hidden" if card.plan.terms.trial else "",
    )


def _rank(card: PlanCard) -> tuple[bool, bool, bool, int, int]:
    """Return the place of a plan: those that can be ordered first, then trials, then free ones, then the cheapest."""
    terms = card.plan.terms
    return (bool(card.problem), not terms.trial, bool(terms.splits), terms.price, card.plan.plan_id)


def _write_card(card: PlanCard, *, names_seller: bool) -> str:
    texts = {term.name: term.text for term in card.terms}
    return read_template("checkout_card.html").substitute(
        plan=escape(format_did(card.plan.plan_id)),
        name=write_foreign(name_plan(card)),
        badge=_write_badge(card),
        price=escape(card.price),
        grant=escape(card.grant),
        request=escape(texts.get("request", "")),
        expiry=escape(texts.get("expiry", "")),
        seller=f'<p class="by">Sold by <code>{escape(card.plan.owner)}</code></p>' if names_seller else "",
        token=_write_token(card),
        more=f'<p class="note">{escape(card.problem)}</p>' if card.problem else "",
    )
