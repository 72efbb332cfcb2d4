"""The oracle: chain, books and rule of admission in the plainest form, written from the design and not from the package.

Nothing is kept as a sum. Every number is added up from single events whenever somebody asks for it.
"""

from dataclasses import dataclass, field
from itertools import count


@dataclass
class Piece:
    """Credits of one grant that are left. ``end`` is None if they never end."""

    end: int | None
    credits: int


@dataclass
class Block:
    """A block: when it was made, and what happened in it, in order."""

    time: int
    events: list[tuple[str, int, int | None]] = field(default_factory=list)
    name: int = field(default_factory=count(1).__next__)


@dataclass
class State:
    """What the chain says of the account after a block."""

    number: int
    time: int
    pieces: list[Piece]
    granted: int = 0
    burned: int = 0
    ours: int = 0
    others: int = 0
    lapsed: list[tuple[int, int]] = field(default_factory=list)
    name: int = 0

    @property
    def balance(self) -> int:
        return sum(piece.credits for piece in self.pieces)

    @property
    def settled(self) -> int:
        return self.ours + self.others

    def let_lapse(self) -> None:
        """Credits end exactly at their second, whoever owns them."""
        for piece in self.pieces:
            if piece.end is not None and piece.end <= self.time and piece.credits:
                self.lapsed.append((piece.end, piece.credits))
                piece.credits = 0

    def consume(self, credits: int) -> int:
        """Take credits, the earliest end first. Return how many there were."""
        taken = 0
        for piece in sorted(self.pieces, key=lambda piece: piece.end or 10**12):
            part = min(piece.credits, credits - taken)
            piece.credits -= part
            taken += part
        return taken

    def apply(self, kind: str, number: int, end: int | None) -> None:
        if kind == "grant":
            self.pieces.append(Piece(end, number))
            self.granted += number
        elif kind == "burn":
            self.burned += self.consume(number)
        elif kind == "ours":  # the total to reach, never an increment
            self.ours += self.consume(max(0, number - self.settled))
        elif kind == "others":
            self.others += self.consume(max(0, number - self.settled))


def replay(blocks: list[Block]) -> State:
    """Return what the chain says after its last block, from the first block on."""
    state = State(0, 0, [])
    for number, block in enumerate(blocks, 1):
        state.number, state.time, state.name = number, block.time, block.name
        state.let_lapse()
        for event in block.events:
            state.apply(*event)
    return state


@dataclass
class Work:
    """One request that was admitted: when, for how much at most, and what became of it."""

    credits: int
    period: int
    cost: int | None = None  # None as long as the hold is open
    is_released: bool = False
    counts_as_use: bool = True


@dataclass
class Terms:
    """What an authority allows, and the requests that used it."""

    start: int
    end: int
    uses: int | None = None
    limit: int | None = None
    per_request: int | None = None
    per_period: tuple[int, int] | None = None
    services: tuple[str, ...] = ()
    context: bytes = bytes(32)
    is_revoked: bool = False
    works: list[Work] = field(default_factory=list)

    def period_at(self, now: int) -> int:
        begun = 0 if self.per_period is None else (now - self.start) // self.per_period[1]
        return max([begun, *(work.period for work in self.works)])

    def allows(self, credits: int, service: str, context: bytes, now: int) -> bool:
        """Term 4 of the rule: use left, limit, per request, per period, end, binding, and the services."""
        open_or_charged = [
            (work, work.credits if work.cost is None else work.cost) for work in self.works if not work.is_released
        ]
        used = sum(amount for _, amount in open_or_charged)
        in_period = sum(amount for work, amount in open_or_charged if work.period == self.period_at(now))
        return (
            not self.is_revoked
            and now <= self.end
            and (self.uses is None or sum(work.counts_as_use for work in self.works) < self.uses)
            and (self.limit is None or used + credits <= self.limit)
            and (self.per_request is None or credits <= self.per_request)
            and (self.per_period is None or in_period + credits <= self.per_period[0])
            and (not self.services or service in self.services)
            and self.context in (bytes(32), context)
        )


@dataclass
class Seen:
    """What the meter was told of a block, and what it had to write off by then."""

    state: State
    written_off: int


class Model:
    """One holder on one plan, as the design says."""

    def __init__(self, depth: int, exposure: int) -> None:
        self.depth, self.exposure = depth, exposure
        self.charges: list[tuple[int, int]] = []  # second and credits of each
        self.works: list[Work] = []
        self.disputes: list[int] = []
        self.seen: list[Seen] = []
        self.vouchers: list[tuple[int, int]] = []  # ceiling and deadline of each
        self.noted: tuple[int, int] = (0, 0)
        self.backed_ends: dict[int, bool] = {}  # whether the lot was in the view when its end passed

    # ------------------------------------------------------------------ the sums of S10

    @property
    def committed(self) -> int:
        return sum(credits for _, credits in self.charges)

    @property
    def held(self) -> int:
        return sum(work.credits for work in self.works if work.cost is None and not work.is_released)

    @property
    def state(self) -> State:
        return self.seen[-1].state if self.seen else State(0, 0, [])

    @property
    def written_off(self) -> int:
        return self.seen[-1].written_off if self.seen else 0

    @property
    def owed(self) -> int:
        return self.committed - self.state.ours - self.written_off

    # ------------------------------------------------------------------ what happens

    def pass_time(self, now: int) -> None:
        """Notice which lots of the view have ended."""
        for piece in self.state.pieces:
            if piece.end is not None and piece.credits and piece.end <= now:
                self.backed_ends.setdefault(piece.end, True)

    def charge(self, work: Work, cost: int, now: int) -> None:
        self.pass_time(now)
        work.cost = cost
        self.charges.append((now, cost))

    def release(self, work: Work, was_sent: bool) -> None:
        work.is_released, work.counts_as_use = True, was_sent

    def see(self, state: State, now: int) -> None:
        """Take over what a block says, if it is a later one."""
        if state.number > self.state.number:
            self.pass_time(now)
            self._take_over(state, self.written_off, now, self.seen[-1].state.time if self.seen else state.time)

    def roll_back(self, state: State, now: int) -> None:
        """Go back to an ancestor, and to what was lost by then."""
        self.pass_time(now)
        known = [seen for seen in self.seen if seen.state.number < state.number or seen.state.name == state.name]
        lost = known[-1].written_off if known else self.written_off
        self.seen = [seen for seen in known if seen.state.number < state.number]
        self._take_over(state, lost, now, known[-1].state.time if known else state.time)

    def _take_over(self, state: State, lost: int, now: int, before: int) -> None:
        for end, credits in sorted(state.lapsed):
            if before < end <= state.time and self.backed_ends.get(end):
                charged = sum(cost for second, cost in self.charges if second < end)
                lost += max(0, min(charged - state.ours - lost, credits))
        self.seen.append(Seen(state, min(lost, max(0, self.committed - state.ours))))
        for piece in state.pieces:
            if piece.end is not None and piece.end <= now:
                self.backed_ends.setdefault(piece.end, False)

    # ------------------------------------------------------------------ the rule of admission

    def funds(self, now: int) -> int | None:
        """The least of balance + taken over the last blocks, by this second. None as long as no block is deep enough.

        A grant, a burn and others' settlements change the sum. Our settlements do not, and what lapsed is the same for all.
        """
        deep = [seen.state for seen in self.seen if seen.state.number <= self.state.number - self.depth]
        late = [seen.state for seen in self.seen if seen.state.number > self.state.number - self.depth]
        if not deep:
            return None
        lapsed = sum(credits for _, credits in self.state.lapsed)
        lapsed += sum(piece.credits for piece in self.state.pieces if piece.end is not None and piece.end <= now)
        return min(state.granted - state.burned - state.others for state in (deep[-1], *late)) - lapsed

    def total_to_reach(self, now: int) -> int | None:
        """What a settlement may name: all charges, without those that are lost with a lot, and others' final settlements.

        None as long as no block is deep enough.
        """
        deep = [seen.state for seen in self.seen if seen.state.number <= self.state.number - self.depth]
        if not deep:
            return None
        self.pass_time(now)
        lost = self.written_off
        for piece in sorted(self.state.pieces, key=lambda piece: piece.end or 0):
            if piece.end is not None and piece.end <= now and self.backed_ends.get(piece.end):
                charged = sum(cost for second, cost in self.charges if second < piece.end)
                lost += max(0, min(charged - self.state.ours - lost, piece.credits))
        return max(0, self.committed - lost + deep[-1].others)

    def note_ceiling(self, now: int) -> None:
        """Write the highest live ceiling into the account."""
        self.noted = max([voucher for voucher in self.vouchers if voucher[1] >= now], default=(0, 0))

    def next_ceiling(self, credits: int) -> int:
        return self.state.settled + self.owed + self.held + credits

    def allows(self, credits: int, now: int, by_vouchers: bool) -> bool:
        """Terms 1 to 3 of the rule."""
        funds = self.funds(now)
        if funds is None or self.committed < self.state.ours:
            return False
        ceiling = self.noted[0] if now <= self.noted[1] else 0
        return (
            self.committed + self.held + sum(self.disputes) + credits <= funds + self.written_off
            and self.owed + self.held + credits <= self.exposure
            and (not by_vouchers or self.next_ceiling(credits) <= ceiling)
        )
