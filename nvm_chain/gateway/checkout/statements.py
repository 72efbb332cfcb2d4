"""Statements of accounts from the gateway's index, for the account page: read by few threads, bounded in length, kept for seconds."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import PlanId, Quantity
from nvm_chain.gateway.checkout.desks import Desk
from nvm_chain.index.movement_counts import count_movements
from nvm_chain.index.store import Index
from nvm_chain.statements.reading import read_holder_statement
from nvm_chain.statements.types import Movement
from nvm_chain.types.events import Block

MOST_MOVEMENTS: Final = 5_000
"""The longest statement that a page shows. Each movement is applied to the books, so a longer one takes a while."""
THREADS: Final = 2
MOST_WAITING: Final = 16
FRESH_SECONDS: Final = 15
MOST_KEPT: Final = 8
BUSY: Final = "Too many statements are read at the moment. Try again in a few seconds."


@dataclass(frozen=True, slots=True)
class Movements:
    """The movements of an account on each plan that it ever had, oldest first, up to a block of the index.

    ``by_plan`` is None if the account has more movements than a page shows.
    """

    head: Block | None
    by_plan: dict[PlanId, list[Movement]] | None


class Statements:
    """Reads statements from the index. Threads may share it."""

    def __init__(self, open_index: Callable[[], Index], most: Quantity = MOST_MOVEMENTS) -> None:
        """Take a function that opens the index. It is opened for the first statement, and closed by `close`."""
        self._open, self._most = open_index, most
        self._index: Index | None = None
        self._opening = threading.Lock()
        self._desk: Desk[Index] = Desk(self._connect, threads=THREADS, most_waiting=MOST_WAITING, busy=BUSY)
        self._kept: OrderedDict[ChecksumAddress, tuple[int, Movements]] = OrderedDict()

    async def read(self, holder: ChecksumAddress) -> Movements:
        """Return the movements of an account. Raises IndexFailure, and Refused if too many statements are read."""
        kept = self._kept.get(holder)
        if kept is not None and int(time.monotonic()) - kept[0] <= FRESH_SECONDS:
            return kept[1]
        return await self.read_anew(holder)

    async def read_anew(self, holder: ChecksumAddress) -> Movements:
        """Return the movements of an account as they are now. Errors are those of `read`."""
        found = await self._desk.ask(lambda index: _read(index, holder, self._most))
        self._kept[holder] = (int(time.monotonic()), found)
        self._kept.move_to_end(holder)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    def _connect(self) -> Index:
        with self._opening:
            if self._index is None:
                self._index = self._open()
            return self._index

    def close(self) -> None:
        """Read no further statement, and close the index."""
        self._desk.close()
        with self._opening:
            if self._index is not None:
                self._index.close()


def _read(index: Index, holder: ChecksumAddress, most: Quantity) -> Movements:
    if count_movements(index, holder, most) > most:
        return Movements(index.read_state().head, None)
    statement = read_holder_statement(None, holder, index=index)
    by_plan: dict[PlanId, list[Movement]] = {balance.plan_id: [] for balance in statement.holders}
    for movement in statement.movements:
        by_plan.setdefault(movement.plan_id, []).append(movement)
    return Movements(statement.head, by_plan)
