"""The price in words: what a purchase costs, who is paid, and the protocol fee."""

from collections.abc import Iterator

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_decimal
from nvm_chain.terms.money import write_money, write_token
from nvm_chain.terms.term import Term, join_parts
from nvm_chain.types.plans import Terms, share_cost
from nvm_chain.types.token_labels import TokenLabel


def describe_price(terms: Terms, label: TokenLabel | None, fee_bps: int) -> Iterator[Term]:
    """Yield the terms of the price: the price, its receivers and the fee."""
    yield Term("price", "Price", _write_price(terms, label))
    if terms.splits:
        yield Term("receivers", "Who is paid", _write_receivers(terms, label, fee_bps))
        yield Term("fee", "Protocol fee", _write_fee(terms, label, fee_bps))


def summarize_price(terms: Terms, label: TokenLabel | None) -> str:
    """Return the price in a few words, such as ``20 USDC``."""
    if terms.paid_externally:
        return "paid outside the chain"
    if not terms.splits:
        return "free"
    if terms.is_quoted:
        return f"a price in {write_token(terms.token, label)} that a contract names"
    return write_money(terms.price, terms.token, label)


def _write_price(terms: Terms, label: TokenLabel | None) -> str:
    one = _name_sale(terms)
    if terms.paid_externally:
        return (
            "The price is paid outside the chain, for example by card. "
            "The seller, or an account that the seller names, then grants the purchase."
        )
    if not terms.splits:
        return f"{one} is free."
    if terms.is_quoted:
        return (
            f"The contract {terms.quoter} names the price of {one.lower()}, in {write_token(terms.token, label)}. "
            "The price can differ each time and for each buyer. The buyer says how much they pay at most."
        )
    return f"{one} costs {write_money(terms.price, terms.token, label)}."


def _name_sale(terms: Terms) -> str:
    return "Each unit of usage" if terms.kind is PlanKind.USAGE else "One purchase"


def _write_receivers(terms: Terms, label: TokenLabel | None, fee_bps: int) -> str:
    shares = _share_weights(terms) if terms.is_quoted else _share_price(terms, label, fee_bps)
    paid = join_parts([f"{receiver} gets {share}" for receiver, share in shares.items()])
    rest = ", after the protocol fee" if terms.is_quoted and fee_bps else ""
    return f"{paid}{rest}. The money goes straight from the buyer to the receivers."


def _share_price(terms: Terms, label: TokenLabel | None, fee_bps: int) -> dict[str, str]:
    """Return what each receiver gets of one purchase. A receiver may have several splits."""
    sums: dict[str, int] = {}
    for receiver, share in share_cost(terms, terms.price, fee_bps)[0]:
        sums[receiver] = sums.get(receiver, 0) + share
    return {receiver: write_money(share, terms.token, label) for receiver, share in sums.items()}


def _share_weights(terms: Terms) -> dict[str, str]:
    sums: dict[str, int] = {}
    for split in terms.splits:
        sums[split.receiver] = sums.get(split.receiver, 0) + split.amount
    total = sum(sums.values())
    if len(sums) == 1:
        return dict.fromkeys(sums, "the whole price")
    return {receiver: f"{weight:,} of {total:,} parts of the price" for receiver, weight in sums.items()}


def _write_fee(terms: Terms, label: TokenLabel | None, fee_bps: int) -> str:
    later = "The fee of this plan never changes."
    if fee_bps == 0:
        return f"The protocol takes nothing from the price. {later}"
    percent = f"{format_decimal(fee_bps, 2)} %"
    if terms.is_quoted:
        return f"The protocol takes {percent} of the price, and the buyer pays nothing on top. {later}"
    fee = write_money(share_cost(terms, terms.price, fee_bps)[1], terms.token, label)
    return f"The protocol takes {percent} of the price, which is {fee}. The buyer pays nothing on top. {later}"
