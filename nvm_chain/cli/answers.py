"""Shared parts of the commands' answers: plan ids, terms and transactions, as JSON and as text."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nvm_chain.cli.amounts import find_label
from nvm_chain.cli.lazy import formatting, ids, json_values, terms_words
from nvm_chain.cli.output import Rows

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.vouchers import Voucher
    from nvm_chain.terms.term import Term
    from nvm_chain.types.plans import Terms
    from nvm_chain.types.receipts import SettlementOutcome, Transaction


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


def terms_rows(chain: "Chain", terms: "Terms", fee_bps: int) -> Iterator[tuple[str, object]]:
    """Yield all terms of a plan in words, as rows of a text answer."""
    for term in describe_in_words(chain, terms, fee_bps):
        yield term.title.lower(), term.text


def describe_in_words(chain: "Chain", terms: "Terms", fee_bps: int) -> "tuple[Term, ...]":
    """Return all terms of a plan in words. Makes requests if the price is in a token that is not known."""
    label = find_label(chain, terms.token) if terms.splits else None
    return terms_words.describe_terms(terms, label, fee_bps=fee_bps)
