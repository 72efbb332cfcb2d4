"""Settlements on the page of sellers: transactions and what came of them, what is due next, and what is lost."""

from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

from nvm_chain.enums import SettlementResult
from nvm_chain.errors.fields import PlanId
from nvm_chain.errors.formatting import count, format_utc
from nvm_chain.gateway.pages.seller_tables import Column, Fact, write_facts, write_hint, write_section, write_table
from nvm_chain.gateway.sellers.charges import Charges
from nvm_chain.meter.settling.outlooks import Outlook
from nvm_chain.meter.store.settlements import Settlement, SettlementState

STATES: Final[Mapping[SettlementState, str]] = {
    SettlementState.OPEN: "signed, and not in a block yet",
    SettlementState.MINED: "in a block that could still be replaced",
    SettlementState.LOST: "replaced by another transaction, as far as the node says",
    SettlementState.DONE: "final",
    SettlementState.GONE: "never mined. Nothing was taken",
}
RESULTS: Final[Mapping[SettlementResult, str]] = {
    SettlementResult.SHORT: "had too few credits",
    SettlementResult.EXPIRED: "had a voucher that was over",
    SettlementResult.ALREADY_SETTLED: "had been settled before",
    SettlementResult.NOT_SIGNED: "had no valid signature",
}
MINED: Final = (SettlementState.MINED, SettlementState.DONE)
COLUMNS: Final = (
    Column("Signed"),
    Column("Plan"),
    Column("Credits", is_number=True),
    Column("Holders", is_number=True),
    Column("State", is_long=True),
    Column("Transaction"),
)


def write_settlements(charges: Charges, names: Mapping[PlanId, str]) -> str:
    """Return the section about settlements. ``names`` are those of the plans, as HTML."""
    rows = [_write_settlement(each, names) for each in charges.settlements]
    table = write_table("Settlements, those that are not final first", COLUMNS, rows) if rows else ""
    parts = [table or write_hint("Nothing was settled yet."), *_list_losses(charges, names)]
    return write_section("settlements", "Settlements", *parts)


def _write_settlement(settlement: Settlement, names: Mapping[PlanId, str]) -> tuple[str, ...]:
    credits = "opens access" if settlement.opens_from is not None else f"{_find_credits(settlement):,}"
    return (
        escape(format_utc(settlement.signed_at)),
        names[settlement.plan_id],
        credits,
        f"{len(settlement.items):,}",
        escape(_describe(settlement)),
        f"<code>{escape(settlement.hash)}</code>",
    )


def _find_credits(settlement: Settlement) -> int:
    return settlement.credits if settlement.state in MINED else 0


def _describe(settlement: Settlement) -> str:
    """Return the state, and why some holders gave nothing or too little."""
    state = STATES[settlement.state]
    if settlement.state not in MINED:
        return state
    results = Counter(item.result for item in settlement.items)
    if results[None] and settlement.opens_from is None:
        return f"{state}, and reverted. Nothing was taken"
    told = [f"{count(results[each], 'holder')} {words}" for each, words in RESULTS.items() if results[each]]
    return ". ".join([state, *told])


def _list_losses(charges: Charges, names: Mapping[PlanId, str]) -> Iterator[str]:
    """Yield what is lost, by plans, with the reason."""
    ended = {plan_id: sums.written_off for plan_id, sums in charges.sums.items() if sums.written_off}
    lost: Counter[tuple[PlanId, str]] = Counter()
    for loss in charges.losses:
        lost[loss.key.plan_id, "a smart wallet does not accept its own signature any more"] += loss.credits
    lost.update({(plan_id, "they ended before a settlement could take them"): each for plan_id, each in ended.items()})
    if lost:
        columns = (Column("Plan"), Column("Credits", is_number=True), Column("Why", is_long=True))
        rows = [(names[plan_id], f"{credits:,}", escape(why)) for (plan_id, why), credits in sorted(lost.items())]
        yield write_table("Credits that were charged and are lost", columns, rows)


def write_outlook(outlook: Outlook) -> str:
    """Return what would be settled now, what is due next and when, and what hinders the rest."""
    facts = [_tell_due(outlook)]
    if outlook.waiting:
        facts.append(Fact("On the way", escape(count(outlook.waiting, "credit")), "in transactions that are not final"))
    if outlook.openings:
        facts.append(Fact("Access to open", f"{len(outlook.openings):,}", "Requests wait for it."))
    hindered = [
        (escape(count(credits, "credit")), escape(why.value)) for why, credits in outlook.hindered.items() if credits
    ]
    table = (
        write_table("What cannot be taken now", (Column("Owed"), Column("Why", is_long=True)), hindered)
        if hindered
        else ""
    )
    return write_section("next", "Next settlement", write_facts(facts), table)


def _tell_due(outlook: Outlook) -> Fact:
    if outlook.batches:
        holders = sum(len(batch.items) for batch in outlook.batches)
        note = f"of {count(holders, 'holder')}, in {count(len(outlook.batches), 'transaction')}"
        return Fact("Due now", escape(count(outlook.closes, "credit")), note)
    if outlook.next_due is not None:
        note = f"because {outlook.next_due.reason.value}. More requests can make it earlier."
        return Fact("Due next", escape(format_utc(outlook.next_due.time)), escape(note))
    return Fact("Due next", "Nothing", "Nothing that is owed can be taken." if outlook.owed else "Nothing is owed.")
