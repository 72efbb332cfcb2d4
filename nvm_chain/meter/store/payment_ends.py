"""Payments in the long run: which are forgotten, and whether those in the books are what they say."""

from typing import Final

from nvm_chain.errors.fields import Quantity, Seconds
from nvm_chain.index.pens import Pen
from nvm_chain.index.raw_events import name_address
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import unpack_key
from nvm_chain.meter.store.payment_rows import PaymentPurpose, PaymentState, name_payment
from nvm_chain.meter.store.payments import read_clock
from nvm_chain.meter.store.store import Store

MOST_AT_ONCE: Final[Quantity] = 500
PAID, GRANTED, SERVED = int(PaymentState.PAID), int(PaymentState.GRANTED), int(PaymentState.SERVED)
OLD: Final = f"""
SELECT payment_id FROM payments WHERE is_final = 1 AND changed_at < ?
AND (state <> {PAID} OR purpose <> {int(PaymentPurpose.REQUEST)}) ORDER BY asked_at LIMIT {MOST_AT_ONCE}
"""  # noqa: S608
"""A paid request that was never served is owed, so it is kept."""
WRONG: Final = f"""
SELECT plan, payer, CASE WHEN state = {SERVED} AND served_at = 0 THEN 'served payment without its time'
WHEN state = {GRANTED} AND grant_block = 0 THEN 'granted payment without its grant'
WHEN state = {GRANTED} AND purpose <> {int(PaymentPurpose.ORDER)} THEN 'granted payment of something else than a plan'
WHEN state = {SERVED} AND purpose <> {int(PaymentPurpose.REQUEST)} THEN 'served payment of something else than a request'
WHEN state = {PAID} AND block_number = 0 THEN 'paid payment without its block' ELSE '' END AS what FROM payments
"""  # noqa: S608
NAMES: Final = "SELECT p.payment_id, p.token, p.payer, p.nonce, p.plan, b.chain_id FROM payments p, books b"


def forget_payments(store: Store, seconds: Seconds) -> Quantity:
    """Forget payments that ended some seconds ago. Return how many, at most `MOST_AT_ONCE`.

    A transfer that is presented again afterwards has expired, or was made long ago, and is refused for that. Raises IndexFailure.
    """
    with store.asking() as pen:
        found = pen.ask(OLD, (read_clock(store, pen) - seconds,))
        pen.change_each("DELETE FROM payments WHERE payment_id = ?", found)
    return len(found)


def find_wrong_payments(pen: Pen) -> list[tuple[AccountKey, str]]:
    """Return the payments that are not what they say, by plan and payer, each with what is wrong."""
    wrong = [
        (unpack_key(bytes(row[0]), bytes(row[1])), str(row[2]))
        for row in pen.ask(f"SELECT * FROM ({WRONG}) looked WHERE what <> ''")  # noqa: S608
    ]
    for name, token, payer, nonce, plan, chain_id in pen.ask(NAMES):
        expected = name_payment(chain_id, name_address(bytes(token)), name_address(bytes(payer)), bytes(nonce))
        if bytes(name) != expected:
            wrong.append((unpack_key(bytes(plan), bytes(payer)), "payment under another name"))
    return wrong
