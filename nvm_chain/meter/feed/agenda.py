"""The agenda: accounts that have to be told again without a new movement, because a block got deep or a lot ended."""

import heapq

from nvm_chain.index.schema import KEPT_BLOCKS
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.types.events import Block


class Agenda:
    """Accounts with the block, or the Unix second, at which they are due."""

    def __init__(self) -> None:
        """Start without entries."""
        self._blocks: dict[int, set[AccountKey]] = {}
        self._passed: dict[int, set[AccountKey]] = {}
        self._ends: list[tuple[int, AccountKey]] = []
        self._next_ends: dict[AccountKey, int] = {}

    def note_block(self, key: AccountKey, number: int) -> None:
        """Note that an account is due at a block. It may be due at several ones."""
        self._blocks.setdefault(number, set()).add(key)

    def note_end(self, key: AccountKey, second: int | None) -> None:
        """Note when the next lot of an account ends. None if it has no lot with an end."""
        if second is None:
            self._next_ends.pop(key, None)
        elif self._next_ends.get(key) != second:
            self._next_ends[key] = second
            heapq.heappush(self._ends, (second, key))

    def note_first_end(self, key: AccountKey, second: int) -> None:
        """Note when a lot of an account ends, unless an end of it is noted already, which is earlier."""
        if key not in self._next_ends:
            self.note_end(key, second)

    def take(self, head: Block) -> set[AccountKey]:
        """Return the accounts that are due at a block, and drop their entries.

        If the head has gone back, accounts of which a block was deep enough before are due now, and once more when it is.
        """
        due = set[AccountKey]()
        for number in [number for number in self._passed if number > head.number]:
            due |= self._passed[number]
            self._blocks.setdefault(number, set()).update(self._passed.pop(number))
        for number in [number for number in self._blocks if number <= head.number]:
            due |= self._blocks[number]
            self._passed[number] = self._blocks.pop(number)
        for number in [number for number in self._passed if number <= head.number - KEPT_BLOCKS]:
            del self._passed[number]
        while self._ends and self._ends[0][0] <= head.timestamp:
            second, key = heapq.heappop(self._ends)
            if self._next_ends.get(key) == second:
                del self._next_ends[key]
                due.add(key)
        return due
