"""What is forgotten: sessions and sign-ins long after their end, with their tokens, and answers whose time is over."""

from typing import Final

from nvm_chain.errors.fields import Quantity, Seconds
from nvm_chain.index.pens import Pen
from nvm_chain.meter.idempotency import ANSWER_SECONDS
from nvm_chain.meter.openings import OpeningState
from nvm_chain.meter.retention import SESSIONS_SECONDS
from nvm_chain.meter.store.forgetting_holds import raise_horizon
from nvm_chain.meter.store.group_rows import HoldState
from nvm_chain.meter.store.statements import READ_BOOKS
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

KEPT_SECONDS: Final[Seconds] = SESSIONS_SECONDS
"""How long an authority and its tokens are kept after its end. Until then, a request says that it has ended."""
SESSIONS: Final = "sessions"
"""The horizon of authorities: those that ended before it may have been forgotten."""
MOST_AT_ONCE: Final[Quantity] = 500
"""How many rows one transaction forgets. Between two of them, the writer stores what waits."""
ENDED: Final = f"""
SELECT authority_id FROM authorities WHERE ends_at < ?
AND authority_id NOT IN (SELECT authority_id FROM holds WHERE state = {int(HoldState.OPEN)})
AND authority_id NOT IN (SELECT authority_id FROM openings WHERE state = {int(OpeningState.WANTED)})
ORDER BY ends_at LIMIT {MOST_AT_ONCE}
"""  # noqa: S608
"""Nothing is charged, returned or opened under them any more. What was charged stays in the holds and the accounts."""
OLD_ANSWERS: Final = f"SELECT scope FROM requests WHERE answer IS NOT NULL AND answered_at <= ? ORDER BY answered_at LIMIT {MOST_AT_ONCE}"  # noqa: S608


def forget_authorities(store: Store, seconds: Seconds = KEPT_SECONDS) -> Quantity:
    """Forget authorities that have ended some seconds ago, and their tokens. Return how many, at most `MOST_AT_ONCE`.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock, *_ = _read_books(store, pen)
        found = pen.ask(ENDED, (clock - seconds,))
        for table in ("tokens", "authorities"):
            pen.change_each(f"DELETE FROM {table} WHERE authority_id = ?", found)  # noqa: S608
        if found:
            raise_horizon(pen, SESSIONS, clock - seconds)
    return len(found)


def forget_answers(store: Store) -> Quantity:
    """Forget answers whose time is over. That there was one stays known. Return how many, at most `MOST_AT_ONCE`.

    Raises:
        IndexFailure: The books cannot be written.
    """
    with store.asking() as pen:
        clock, head_time, *_ = _read_books(store, pen)
        found = pen.ask(OLD_ANSWERS, (find_now(head_time, clock) - ANSWER_SECONDS,))
        pen.change_each("UPDATE requests SET answer = NULL WHERE scope = ?", found)
    return len(found)


def _read_books(store: Store, pen: Pen) -> tuple[int, ...]:
    (books,) = pen.ask(READ_BOOKS[store.engine.dialect.name])
    return tuple(books)
