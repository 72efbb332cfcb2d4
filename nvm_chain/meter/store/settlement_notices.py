"""Notices of settlements: one that took nothing from somebody, one that waited too long, and one that could not be sent."""

from collections.abc import Iterable

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import PlanId
from nvm_chain.index.pens import Pen
from nvm_chain.meter.notices import NoticeKind, build_settlement_notice
from nvm_chain.meter.store.notice_causes import add_notices
from nvm_chain.meter.store.notices import read_now
from nvm_chain.meter.store.settlements import Settlement, SettlementState
from nvm_chain.meter.store.store import Store
from nvm_chain.types.durations import DAY

MINED = (SettlementState.MINED, SettlementState.DONE)


def add_failed(store: Store, pen: Pen, settlements: Iterable[Settlement]) -> None:
    """Write a notice for each mined transaction that took nothing from some holder, with its outcome."""
    failed = [
        (settlement, sum(not item.taken for item in settlement.items))
        for settlement in settlements
        if settlement.state in MINED and has_rule(store, settlement.plan_id)
    ]
    if any(count for _, count in failed):
        now, kind = read_now(pen), NoticeKind.SETTLEMENT_FAILED
        add_notices(
            pen,
            [
                build_settlement_notice(kind, each.plan_id, each.redeemer, count, about=each.hash, now=now)
                for each, count in failed
                if count
            ],
        )


def note_stuck(store: Store, replaced: Settlement) -> None:
    """Write a notice for a transaction that waited too long. Its replacements by the same nonce are not told again."""
    if has_rule(store, replaced.plan_id):
        with store.asking() as pen:
            notice = build_settlement_notice(
                NoticeKind.SETTLEMENT_STUCK,
                replaced.plan_id,
                replaced.redeemer,
                len(replaced.items),
                about=replaced.hash,
                now=read_now(pen),
                cause=str(replaced.nonce),
            )
            add_notices(pen, [notice])


def note_unsent(store: Store, plan_id: PlanId, redeemer: ChecksumAddress, count: int, error: str) -> None:
    """Write a notice for a settlement that could not be sent, once a day for each kind of error."""
    if has_rule(store, plan_id):
        with store.asking() as pen:
            now = read_now(pen)
            notice = build_settlement_notice(
                NoticeKind.SETTLEMENT_FAILED,
                plan_id,
                redeemer,
                count,
                about=error,
                now=now,
                cause=f"{error} {now // DAY}",
            )
            add_notices(pen, [notice])


def has_rule(store: Store, plan_id: PlanId) -> bool:
    """Return whether settlements of a plan are noticed."""
    rule = store.notice_rules.get(plan_id)
    return rule is not None and rule.settlements
