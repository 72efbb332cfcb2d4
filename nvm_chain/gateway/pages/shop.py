"""The page of all that a gateway sells: its agents, each with a link to its plans."""

from collections.abc import Iterable
from html import escape

from nvm_chain.errors.formatting import count
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.foreign_text import MAX_TEXT, write_foreign
from nvm_chain.gateway.pages.assets import read_template
from nvm_chain.gateway.pages.checkout import SCRIPT
from nvm_chain.gateway.pages.frame import write_page


def build_shop_page(services: Iterable[SoldService]) -> bytes:
    """Return the page as HTML: the agents in the order of their names."""
    ordered = sorted(services, key=lambda service: (service.metadata.name.casefold(), service.did))
    cards = "".join(_write_card(service) for service in ordered)
    body = read_template("checkout_shop.html").substitute(cards=cards or "<p>Nothing is sold here at the moment.</p>")
    return write_page("What is sold here", body, SCRIPT)


def _write_card(service: SoldService) -> str:
    text = service.metadata.description
    return read_template("checkout_shop_card.html").substitute(
        name=write_foreign(service.metadata.name),
        text=write_foreign(text, MAX_TEXT // 10) if text else "",
        plans=count(len(service.plans), "plan"),
        did=escape(service.did),
    )
