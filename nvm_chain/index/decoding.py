"""Logs of a batch as rows: raw events, movements of credits, sales and fees.

The rules are those of statements: the interface of Credits says which events follow each other directly.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from nvm_chain.errors import IndexIncomplete, LogsRefused
from nvm_chain.index.kinds import PLACE_BITS, EventKind, MovementCode, SaleCode
from nvm_chain.index.logs import Log

Address: TypeAlias = bytes
NOBODY: Final = bytes(20)
_WORD: Final = 32
_PADDING: Final = bytes(12)
MAX_AMOUNT: Final = 1 << 64
"""One more than the most credits or periods that one event moves."""
MAX_QUANTITY: Final = 1 << 32
"""One more than the most purchases of one order."""
ACCESS_CHANGED, GRANTED_EXTERNAL = int(EventKind.AccessChanged), int(EventKind.GrantedExternal)
ORDERED, REDEEMED = int(EventKind.Ordered), int(EventKind.Redeemed)
_BEFORE_GRANT: Final = (ACCESS_CHANGED, GRANTED_EXTERNAL)
_AFTER_REDEMPTION: Final = (REDEEMED, ACCESS_CHANGED)
ORDER, GRANT, PAID_EXTERNALLY, TRANSFER_IN, REDEMPTION, SETTLEMENT, BURN, TRANSFER_OUT = map(int, MovementCode)
SALE_ORDER, SALE_USAGE, SALE_EXTERNAL = map(int, SaleCode)
CATALOGUE: Final = frozenset(
    {
        EventKind.PlanRegistered,
        EventKind.PlanActiveSet,
        EventKind.PlanOwnershipOffered,
        EventKind.PlanOwnershipTransferred,
        EventKind.URI,
        EventKind.RedeemerSet,
        EventKind.MinterSet,
        EventKind.Registered,
        EventKind.URIUpdated,
        EventKind.PlanAttached,
        EventKind.PlanDetached,
        EventKind.Transfer,
    }
)
"""Events that change plans, permissions, agents, or the plans of agents."""


class Rows(NamedTuple):
    """The rows that a batch adds, in the order of the columns. ``access`` is the end of access that events name.

    Its keys are a movement's place and item. ``catalogue`` are the logs that change plans and agents.
    """

    events: list[tuple[Any, ...]]
    movements: list[tuple[Any, ...]]
    sales: list[tuple[Any, ...]]
    fees: list[tuple[Any, ...]]
    forgone: list[tuple[Any, ...]]
    access: dict[tuple[int, int], int]
    catalogue: list[Log]


def decode_logs(logs: Sequence[Log]) -> Rows:
    """Return the rows of logs. The logs are in order, and have all logs of their blocks.

    The loop goes from the last log to the first, because a settlement's event comes after the transfers that it counts.

    Raises:
        LogsRefused: A log does not have the form of its event.
        IndexIncomplete: A settlement does not have the transfers that it counts.
    """
    rows = Rows([], [], [], [], [], {}, [])
    reader = _Reader(logs, rows)
    handlers = reader.handlers
    for number in range(len(logs) - 1, -1, -1):
        log = logs[number]
        handle = handlers.get(log.kind)
        if handle is not None:
            try:
                handle(log, number)
            except (TypeError, ValueError, IndexError) as error:
                reason = f"the event {EventKind(log.kind).event_name} is malformed ({error})"
                raise LogsRefused(log.place >> PLACE_BITS, reason) from None
    reader.check_settled()
    rows.events.extend([(log.place, log.kind, log.transaction, *log.topics, log.data) for log in logs])
    for added in (rows.movements, rows.sales, rows.fees, rows.forgone, rows.catalogue):
        added.reverse()
    return rows


# ---------------------------------------------------------------- words


def read_number(data: bytes, position: int) -> int:
    """Return the number in a word of data. Raises ValueError if the data is shorter."""
    word = data[position * _WORD : (position + 1) * _WORD]
    if len(word) != _WORD:
        raise ValueError("its data is too short")
    return int.from_bytes(word)


def read_address(topic: bytes | None) -> Address:
    """Return the address in a topic. Raises ValueError if the topic is missing, or is not an address."""
    if topic is None or topic[:12] != _PADDING:
        raise ValueError("a topic is not an address")
    return topic[12:]


class _Addresses(dict[bytes | None, bytes]):
    """The address in each topic, which is read once for all logs of a batch."""

    def __missing__(self, topic: bytes | None) -> bytes:
        address = self[topic] = read_address(topic)
        return address


def _read_list(data: bytes, position: int) -> list[bytes]:
    """Return the words of a list in ABI-encoded data."""
    start = read_number(data, position)
    count = read_number(data[start:], 0)
    words = data[start + _WORD : start + _WORD * (count + 1)]
    if len(words) != count * _WORD:
        raise ValueError("its data is too short")
    return [words[at : at + _WORD] for at in range(0, len(words), _WORD)]


def _read_id(log: Log) -> bytes:
    """Return the id of a plan or an agent in the first indexed argument."""
    if log.topics[0] is None:
        raise ValueError("its id is missing")
    return log.topics[0]


# ---------------------------------------------------------------- events


class _Due:
    """What is left to find of the transfers that a settlement counts."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.count, self.credits = read_number(log.data, 0), read_number(log.data, 1)

    def check(self) -> None:
        """Raise IndexIncomplete unless all is found."""
        if self.count or self.credits:
            what = f"a settlement misses {self.count} transfers, or {self.credits} credits of its transfers"
            raise IndexIncomplete(self.log.place >> PLACE_BITS, what)


class _Reader:
    """A reader of logs from the last to the first. Each method reads one log, which has a number, and adds rows."""

    def __init__(self, logs: Sequence[Log], rows: Rows) -> None:
        self._logs, self._last, self._rows = logs, len(logs) - 1, rows
        self._addresses = _Addresses()
        self._due: list[_Due] = []
        self.handlers: dict[int, Callable[[Log, int], None]] = {
            int(EventKind.TransferSingle): self._read_single,
            int(EventKind.TransferBatch): self._read_batch,
            int(EventKind.Settled): self._read_settled,
            int(EventKind.Ordered): self._read_order,
            int(EventKind.UsagePaid): self._read_usage,
            int(EventKind.GrantedExternal): self._read_external,
            int(EventKind.ProtocolFeeSet): self._read_fee,
            int(EventKind.FeeForgone): self._read_forgone,
            **{int(kind): self._read_catalogue for kind in CATALOGUE},
        }

    def _read_settled(self, log: Log, _: int) -> None:
        self._due.append(_Due(log))

    def _is_settled(self, log: Log, plan: bytes, amount: int) -> bool:
        """Return whether a settlement after a transfer counts it. The last one without all of its transfers does."""
        for due in reversed(self._due):
            if due.log.transaction != log.transaction:
                self.check_settled()
                return False
            if due.count and (due.log.topics[0], due.log.topics[1]) == (plan, log.topics[0]):
                due.count, due.credits = due.count - 1, due.credits - amount
                return True
        return False

    def check_settled(self) -> None:
        """Raise IndexIncomplete unless all settlements have their transfers. Then forget them."""
        for due in self._due:
            due.check()
        self._due.clear()

    def _read_single(self, log: Log, number: int) -> None:
        data = log.data
        if len(data) != 2 * _WORD:
            raise ValueError("its data is not two words")
        self._add_transfer(log, number, data[:_WORD], int.from_bytes(data[_WORD:]), 0)

    def _read_batch(self, log: Log, number: int) -> None:
        items = list(zip(_read_list(log.data, 0), _read_list(log.data, 1), strict=True))
        for position in range(len(items) - 1, -1, -1):
            plan, amount = items[position]
            self._add_transfer(log, number, plan, int.from_bytes(amount), 2 * position)

    def _add_transfer(self, log: Log, number: int, plan: bytes, amount: int, item: int) -> None:
        """Add the movements of one transfer, the last first."""
        if amount >= MAX_AMOUNT:
            raise ValueError("it moves more credits than an account can have")
        topics, addresses = log.topics, self._addresses
        operator, sender, receiver = addresses[topics[0]], addresses[topics[1]], addresses[topics[2]]
        add = self._rows.movements.append
        if sender == NOBODY:
            code, payer = self._tell_grant(log, number, plan, topics[2], item)
            add((receiver, plan, log.place, item, code, amount, operator if payer is None else payer))
        elif receiver == NOBODY:
            add((sender, plan, log.place, item, self._tell_taking(log, number, plan, amount, item), -amount, operator))
        else:
            add((receiver, plan, log.place, item + 1, TRANSFER_IN, amount, sender))
            add((sender, plan, log.place, item, TRANSFER_OUT, -amount, receiver))

    def _tell_grant(
        self, log: Log, number: int, plan: bytes, holder: bytes | None, item: int
    ) -> tuple[int, Address | None]:
        """Return the kind of a grant, and the payer of an order. Note the end of access that the event before names."""
        logs = self._logs
        if number and logs[number - 1].kind in _BEFORE_GRANT:
            access = self._find(log, number, -1, ACCESS_CHANGED, plan, holder)
            if access is not None:
                self._rows.access[log.place, item] = read_number(access.data, 0)
            if self._find(log, number, -2 if access else -1, GRANTED_EXTERNAL, plan, holder):
                return PAID_EXTERNALLY, None
        if number < self._last and logs[number + 1].kind == ORDERED:
            order = self._find(log, number, 1, ORDERED, plan, holder)
            if order is not None:
                return ORDER, self._addresses[order.topics[1]]
        return GRANT, None

    def _tell_taking(self, log: Log, number: int, plan: bytes, amount: int, item: int) -> int:
        """Return the kind of a taking. Note the end of access that an event beside names."""
        logs, holder = self._logs, log.topics[1]
        if self._due and self._is_settled(log, plan, amount):
            return SETTLEMENT
        if number < self._last and logs[number + 1].kind in _AFTER_REDEMPTION:
            opened = self._find(log, number, 1, ACCESS_CHANGED, plan, holder)
            if self._find(log, number, 2 if opened else 1, REDEEMED, plan, holder):
                if opened is not None:
                    self._rows.access[log.place, item] = read_number(opened.data, 0)
                return REDEMPTION
        if number and logs[number - 1].kind == ACCESS_CHANGED:
            shortened = self._find(log, number, -1, ACCESS_CHANGED, plan, holder)
            if shortened is not None:
                self._rows.access[log.place, item] = read_number(shortened.data, 0)
        return BURN

    def _find(self, log: Log, number: int, distance: int, kind: int, plan: bytes, holder: bytes | None) -> Log | None:
        """Return a neighbour of a log if it has a kind, a plan and a holder."""
        at = number + distance
        if not 0 <= at <= self._last:
            return None
        found = self._logs[at]
        is_it = found.kind == kind and found.place == log.place + distance and found.topics[0] == plan
        return found if is_it and found.topics[2 if kind == ORDERED else 1] == holder else None

    def _read_order(self, log: Log, _: int) -> None:
        plan, payer, receiver = log.topics
        data, addresses = log.data, self._addresses
        if plan is None or len(data) != 2 * _WORD:
            raise ValueError("its data is not two words")
        quantity, cost = int.from_bytes(data[:_WORD]), int.from_bytes(data[_WORD:])
        _check_quantity(quantity)
        row = (log.place, SALE_ORDER, plan, addresses[payer], addresses[receiver], quantity, cost, None)
        self._rows.sales.append(row)

    def _read_usage(self, log: Log, _: int) -> None:
        quantity, cost = _check_quantity(read_number(log.data, 0)), read_number(log.data, 1)
        payer = self._addresses[log.topics[1]]
        row = (log.place, SALE_USAGE, _read_id(log), payer, None, quantity, cost, log.topics[2])
        self._rows.sales.append(row)

    def _read_external(self, log: Log, _: int) -> None:
        receiver, quantity = self._addresses[log.topics[1]], _check_quantity(read_number(log.data, 0))
        row = (log.place, SALE_EXTERNAL, _read_id(log), None, receiver, quantity, 0, log.topics[2])
        self._rows.sales.append(row)

    def _read_fee(self, log: Log, _: int) -> None:
        self._rows.fees.append((log.place, read_number(log.data, 0), self._addresses[log.topics[0]]))

    def _read_forgone(self, log: Log, _: int) -> None:
        receiver, amount = self._addresses[log.topics[1]], read_number(log.data, 0)
        self._rows.forgone.append((log.place, _read_id(log), receiver, amount))

    def _read_catalogue(self, log: Log, _: int) -> None:
        self._rows.catalogue.append(log)


def _check_quantity(quantity: int) -> int:
    if quantity >= MAX_QUANTITY:
        raise ValueError("its quantity is higher than any that the contract accepts")
    return quantity
