"""All terms of a plan in words: for a page before a purchase, and for a seller before a plan is registered."""

from collections.abc import Iterator, Sequence

from nvm_chain.enums import PlanKind
from nvm_chain.terms.grants import describe_grant, summarize_grant
from nvm_chain.terms.prices import describe_price, summarize_price
from nvm_chain.terms.term import Term, join_parts
from nvm_chain.types.plans import Terms
from nvm_chain.types.token_labels import TokenLabel


def describe_terms(
    terms: Terms, label: TokenLabel | None, *, fee_bps: int, minters: Sequence[str] | None = None
) -> tuple[Term, ...]:
    """Return all terms of a plan in plain sentences, the most important first.

    The sentences name the buyer, the holder and the seller, so both sides of a purchase can read them. The amounts are exact.

    Args:
        terms: The terms as the chain has them.
        label: The symbol and decimals of the price's token. None if the token does not tell them, and then amounts are
            in base units. Ignored for a plan without a price.
        fee_bps: The protocol fee of the plan, in basis points.
        minters: The addresses that may grant credits without payment, beside the seller. None if they are not known.

    >>> from nvm_chain.types import build_terms, get_fixed_credits_config, get_free_price_config
    >>> terms = build_terms(get_free_price_config(), get_fixed_credits_config(3, trial=True))
    >>> for term in describe_terms(terms, None, fee_bps=0)[:2]:
    ...     print(f"{term.title}: {term.text}")
    Price: One purchase is free.
    What a purchase gives: One purchase gives 3 credits.
    """
    return (
        *describe_price(terms, label, fee_bps),
        *describe_grant(terms),
        *_describe_gifts(terms, minters),
        *_describe_ends(terms),
    )


def summarize_terms(terms: Terms, label: TokenLabel | None) -> str:
    """Return a plan's offer in a few words, for lists.

    >>> from nvm_chain.types import build_terms, get_expirable_duration_config, get_free_price_config
    >>> terms = build_terms(get_free_price_config(), get_expirable_duration_config(86_400, trial=True))
    >>> summarize_terms(terms, None)
    '1 day of access, free, once for each account'
    """
    parts = [summarize_grant(terms), summarize_price(terms, label)]
    return ", ".join([*parts, *(["once for each account"] if terms.trial else [])])


def _describe_gifts(terms: Terms, minters: Sequence[str] | None) -> Iterator[Term]:
    if terms.kind is PlanKind.USAGE:
        return
    what = "credits" if terms.kind is PlanKind.CREDITS else "periods"
    if minters is None:
        who = "The seller, and accounts that the seller names, may"
    elif minters:
        who = f"{join_parts(['The seller', *minters])} may"
    else:
        who = "Only the seller may"
    yield Term("gifts", "Grants without payment", f"{who} give {what} of this plan to anybody without payment.")


def _describe_ends(terms: Terms) -> Iterator[Term]:
    if terms.paid_externally:
        refunds = (
            "The contract makes no refunds. What was agreed with the seller applies to the payment outside the chain."
        )
        yield Term("refunds", "Refunds", refunds)
    elif terms.splits:
        refunds = (
            "There are no refunds. The contract does not keep the money, and cannot take it back from the receivers."
        )
        yield Term("refunds", "Refunds", refunds)
    yield Term(
        "changes",
        "Later changes",
        "Nobody can change these terms, not even the seller. The seller may stop new purchases, change the plan's name and "
        "description, choose which accounts act for the seller, and hand the plan to another seller. Holders keep what they "
        "have.",
    )
