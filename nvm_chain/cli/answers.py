"""Shared parts of the commands' answers: plan ids, terms and transactions, as JSON and as text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.amounts import format_amount, format_token
from nvm_chain.cli.lazy import formatting, ids, json_values
from nvm_chain.cli.output import Rows

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.vouchers import Voucher
    from nvm_chain.types.plans import Terms
    from nvm_chain.types.receipts import SettlementOutcome, Transaction

RULES: Final = {
    "holder": "the holder only",
    "redeemer": "the holder, and the owner's redeemers",
    "owner": "the owner and their redeemers",
}


def name_plan(plan_id: int) -> dict[str, str]:
    """Return a plan's id and its did. Every answer about a plan begins with both."""
    return {"plan_id": formatting.format_plan_id(plan_id), "did": ids.format_did(plan_id)}


def transaction_rows(transaction: "Transaction") -> Rows:
    """Return the rows of a transaction in a text answer."""
    return [("transaction", transaction.hash), ("gas", format_gas(transaction.gas_used))]


def format_gas(gas: int | None) -> str:
    """Format an amount of gas. None means that the node did not tell the amount.

    >>> format_gas(51234), format_gas(None)
    ('51,234', 'not told by the node')
    """
    return "not told by the node" if gas is None else f"{gas:,}"


def describe_terms(terms: "Terms") -> Mapping[str, Any]:
    """Return a plan's terms as JSON, with the total price of one purchase."""
    return {"price": str(terms.price), **json_values.fields_of(terms)}


def voucher_rows(voucher: "Voucher") -> Rows:
    """Return the rows of a voucher in a text answer."""
    return [
        ("plan id", formatting.format_plan_id(voucher.plan_id)),
        ("holder", voucher.holder),
        ("redeemer", voucher.redeemer),
        ("ceiling", f"{formatting.count(voucher.ceiling, 'credit')} in all"),
        ("until", formatting.format_utc(voucher.deadline)),
    ]


def describe_outcome(outcome: "SettlementOutcome") -> Mapping[str, Any]:
    """Return the outcome of one item of a settlement as JSON."""
    return {"holder": outcome.holder, "credits": outcome.amount, "result": outcome.result}


def terms_rows(chain: "Chain", terms: "Terms") -> Iterator[tuple[str, object]]:
    """Yield the rows of a plan's terms in a text answer, for every kind of plan."""
    yield from _price_rows(chain, terms)
    kind = terms.kind.name.lower()
    if kind == "usage":
        yield "grants", "nothing: each request is paid on its own"
        return
    yield "grants", _describe_time(terms) if kind == "time" else _describe_credits(terms)
    least, most = terms.min_redeem, terms.max_redeem
    cost = formatting.count(most, "credit") if least == most else f"{least:,} to {formatting.count(most, 'credit')}"
    yield "request", "free while access lasts" if kind == "time" else cost
    if terms.is_redeemable:
        yield "redeemed by", RULES[terms.rule.name.lower()]
    if terms.trial:
        yield "trial", "one grant per holder"
    if terms.transferable:
        yield "transferable", "yes"


def _price_rows(chain: "Chain", terms: "Terms") -> Iterator[tuple[str, object]]:
    if terms.paid_externally:
        yield "price", "paid outside the chain; the seller grants the plan"
        return
    if terms.is_quoted:
        token = format_token(chain, terms.token)
        yield "price", f"in {token}; the contract {terms.quoter} sets the price of each order"
        total = sum(split.amount for split in terms.splits)
        for split in terms.splits:
            yield "paid to", f"{split.receiver}  {formatting.count(split.amount, 'part')} of {total}"
        return
    yield "price", format_amount(chain, terms.token, terms.price) if terms.splits else "free"
    for split in terms.splits:
        yield "paid to", f"{split.receiver}  {format_amount(chain, terms.token, split.amount)}"


def _describe_credits(terms: "Terms") -> str:
    expiry = (
        f", which expire {formatting.format_duration(terms.duration)} after each purchase" if terms.duration else ""
    )
    return formatting.count(terms.credits, "credit") + expiry


def _describe_time(terms: "Terms") -> str:
    if terms.starts_on_purchase:
        return f"access for {formatting.format_duration(terms.credits * terms.duration)}, from the purchase or the end of earlier access"
    periods = formatting.count(terms.credits, "period")
    return f"{periods} of access for {formatting.format_duration(terms.duration)}, from its redemption"
