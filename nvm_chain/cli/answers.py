"""What the answers of several commands have in common: plan ids, terms and transactions, as JSON and for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.amounts import format_amount
from nvm_chain.cli.lazy import ids
from nvm_chain.cli.output import Rows, count_credits, format_plan_id

if TYPE_CHECKING:
    from nvm_chain.chain import Chain
    from nvm_chain.types import Terms, Transaction

RULES: Final = {
    "holder": "the holder only",
    "redeemer": "the holder, and the owner's redeemers",
    "owner": "the owner and their redeemers",
}


def name_plan(plan_id: int) -> dict[str, str]:
    """Return a plan's two spellings, which every answer about a plan begins with."""
    return {"plan_id": format_plan_id(plan_id), "did": ids.format_did(plan_id)}


def transaction_rows(transaction: "Transaction") -> Rows:
    """Return what people want to know of a transaction."""
    return [("transaction", transaction.hash), ("gas", f"{transaction.gas_used:,}")]


def describe_terms(terms: "Terms") -> Mapping[str, Any]:
    """Return terms as JSON shows them, with the price of one purchase beside its parts."""
    return {"price": terms.price, **asdict(terms)}


def terms_rows(chain: "Chain", terms: "Terms") -> Iterator[tuple[str, object]]:
    """Yield terms as people read them."""
    yield "price", format_amount(chain, terms.token, terms.price) if terms.splits else "free"
    for split in terms.splits:
        yield "paid to", f"{split.receiver}  {format_amount(chain, terms.token, split.amount)}"
    least, most = terms.min_redeem, terms.max_redeem
    yield "grants", count_credits(terms.credits)
    yield "request", count_credits(most) if least == most else f"{least} to {count_credits(most)}"
    yield "redeemed by", RULES[terms.rule.name.lower()]
    if terms.trial:
        yield "trial", "one purchase per receiver"
    if terms.transferable:
        yield "transferable", "yes"
