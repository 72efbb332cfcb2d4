"""The grant in words: what a purchase gives, how long it lasts, what a request costs, and who may redeem."""

from collections.abc import Iterator

from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors.fields import Quantity
from nvm_chain.errors.formatting import count, format_duration
from nvm_chain.terms.term import Term
from nvm_chain.types.credits import FOREVER
from nvm_chain.types.plans import Terms


def describe_grant(terms: Terms) -> Iterator[Term]:
    """Yield the terms of the grant, for every kind of plan."""
    yield Term("grant", "What a purchase gives", _write_grant(terms))
    if terms.kind is PlanKind.USAGE:
        return
    yield Term("request", "What a request costs", _write_request(terms))
    yield Term("expiry", "How long it lasts", _write_expiry(terms))
    if terms.is_redeemable:
        yield Term("rule", "Who may redeem", _write_rule(terms))
    if terms.trial:
        yield Term("trial", "Trial", "Each account gets this plan once, and orders it only for itself.")
    yield Term("transfer", "Transfer", _write_transfer(terms))


def summarize_grant(terms: Terms) -> str:
    """Return what a purchase gives in a few words, such as ``100 credits``."""
    if terms.kind is PlanKind.USAGE:
        return "each request"
    expires = terms.kind is PlanKind.CREDITS and terms.duration
    return write_granted(terms, 1) + (f" for {format_duration(terms.duration)}" if expires else "")


def write_granted(terms: Terms, quantity: Quantity) -> str:
    """Return what some purchases of a plan have given, in a few words."""
    if terms.kind is PlanKind.CREDITS:
        return count(terms.credits * quantity, "credit")
    if terms.starts_on_purchase:
        return f"{_write_length(terms.credits * terms.duration * quantity)} of access"
    return f"{count(terms.credits * quantity, 'period')} of access for {_write_length(terms.duration)}"


def _write_length(seconds: int) -> str:
    """Write how long access lasts. The longest period of a plan is written in years, because nobody counts its days."""
    return "136 years" if seconds == FOREVER else format_duration(seconds)


def _write_grant(terms: Terms) -> str:
    if terms.kind is PlanKind.USAGE:
        return "There are no purchases and no credits. Each request is paid on its own, for one or more units."
    if terms.kind is PlanKind.CREDITS:
        return f"One purchase gives {count(terms.credits, 'credit')}."
    if terms.starts_on_purchase:
        return f"One purchase gives access for {_write_length(terms.credits * terms.duration)}."
    periods, length = count(terms.credits, "period"), _write_length(terms.duration)
    each = length if terms.credits == 1 else f"{length} each"
    return f"One purchase gives {periods} of access for {each}."


def _write_request(terms: Terms) -> str:
    if terms.kind is PlanKind.TIME:
        return "A request costs nothing while access lasts."
    least, most = terms.min_redeem, terms.max_redeem
    if least == most:
        return f"A request costs {count(most, 'credit')}."
    return f"A request costs {least:,} to {count(most, 'credit')}. The service says how many."


def _write_expiry(terms: Terms) -> str:
    if terms.starts_on_purchase:
        later = ", or at the end of the access that was bought before. So an early renewal loses no time"
        return f"Access begins at the purchase{'' if terms.trial else later}."
    if terms.kind is PlanKind.TIME:
        begins = "A period begins when it is redeemed, or at the end of the access that was opened before."
        return f"{begins} A period that is not redeemed never expires."
    if terms.duration == 0:
        return "The credits never expire."
    later = " Another purchase does not make them last longer. The credits that expire first are used first."
    return f"The credits expire {format_duration(terms.duration)} after their purchase.{'' if terms.trial else later}"


def _write_rule(terms: Terms) -> str:
    what = "credits" if terms.kind is PlanKind.CREDITS else "periods"
    if terms.rule is RedemptionRule.OWNER:
        return (
            f"The seller, and accounts that the seller names, redeem the {what}. They need no signature of the holder, and may "
            "redeem up to all that the holder has. The holder cannot redeem."
        )
    if terms.rule is RedemptionRule.REDEEMER:
        return (
            f"The holder of the {what} redeems them, and so do accounts that the seller names. These accounts need no "
            "signature of the holder, and may redeem up to all that the holder has."
        )
    only = f"Only the holder of the {what} redeems them."
    if not terms.accepts_vouchers:
        return only
    return (
        f"{only} The seller, and accounts that the seller names, take {what} only with a voucher. The holder signs it, and it "
        "says how many may be taken at most."
    )


def _write_transfer(terms: Terms) -> str:
    if terms.transferable:
        return "The holder may send credits to others. The plan does not accept vouchers."
    return f"The holder cannot send {'credits' if terms.kind is PlanKind.CREDITS else 'access'} to others."
