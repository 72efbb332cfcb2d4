"""Holders of a plan on the page of sellers, fifty at a time."""

from collections.abc import Mapping
from html import escape
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Time
from nvm_chain.errors.formatting import clip, count, format_utc
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.foreign_text import MAX_NAME
from nvm_chain.gateway.pages.checkout import name_plan
from nvm_chain.gateway.pages.seller_tables import Column, write_hint, write_table
from nvm_chain.index.results import IndexedAccount
from nvm_chain.meter.store.holder_charges import HolderCharges

COLUMNS: Final = (
    Column("Account"),
    Column("Has"),
    Column("Charged", is_number=True),
    Column("Owed", is_number=True),
)


def write_holders(
    card: PlanCard,
    accounts: list[IndexedAccount],
    charges: Mapping[ChecksumAddress, HolderCharges] | None,
    at: Time,
) -> str:
    """Return a table of holders.

    Args:
        card: The plan.
        accounts: The holders.
        charges: What they were charged. None if it is not shown.
        at: The second of the index's block.
    """
    if not accounts:
        return write_hint("Nobody has anything of this plan here.")
    rows = [_write_holder(each, charges, at) for each in accounts]
    title = f"Holders of {clip(name_plan(card), MAX_NAME)}, in the order of their addresses"
    return write_table(title, COLUMNS, rows, name="holder-table")


def _write_holder(
    account: IndexedAccount, charges: Mapping[ChecksumAddress, HolderCharges] | None, at: Time
) -> tuple[str, ...]:
    own = None if charges is None else charges.get(account.holder, HolderCharges())
    charged, owed = ("not shown", "not shown") if own is None else (f"{own.charged:,}", f"{own.owed:,}")
    return f"<code>{account.holder}</code>", escape(_describe(account, at)), charged, owed


def _describe(account: IndexedAccount, at: Time) -> str:
    if account.kind is not PlanKind.TIME:
        end = f", the first to end on {format_utc(account.lots[0].expires_at)}" if account.lots else ""
        return count(account.balance, "credit") + end
    parts = [f"access until {format_utc(account.access_until)}"] if account.access_until > at else []
    return ", ".join([*parts, *([count(account.balance, "period")] if account.balance else [])])
