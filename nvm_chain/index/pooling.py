"""Connections to PostgreSQL that wait in a pool: one that has been lost is replaced before its next use.

A server ends all connections when it stops. Without this, each reader would fail once after a restart. A question to the
server before each use would take a third of the time of a small read. So the connection is asked only after a long wait.
Before that, its end is seen from what the server has sent, which needs no request.
"""

import time
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

IDLE_SECONDS: Final = 30
"""A connection that waited longer is asked. Something between may have dropped it, of which the server tells nothing."""
LOOKS: Final = 2
"""The first look takes the server's last words, and the next one finds the end."""
RETURNED: Final = "nvm_chain_returned"


def check_before_use(engine: Engine) -> None:
    """Check each connection of an engine when it is taken from the pool. A lost one is replaced by a new one."""

    def note(_: object, record: Any) -> None:
        record.info[RETURNED] = time.monotonic()

    def check(driver: Any, record: Any, _: object) -> None:
        since = record.info.get(RETURNED)
        if since is not None:  # else it is new
            _check(engine, driver, waited_long=time.monotonic() - since > IDLE_SECONDS)

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", check)


def _check(engine: Engine, driver: Any, *, waited_long: bool) -> None:
    """Raise InvalidatePoolError if a connection has been lost. The pool then makes a new one."""
    try:
        for _ in range(LOOKS):
            driver.pgconn.consume_input()
        if waited_long:
            engine.dialect.do_ping(driver)
    except engine.dialect.loaded_dbapi.Error:
        raise InvalidatePoolError from None
