"""Random histories: a chain with reorganizations, requests, settlements and wrong clocks, on the package and on the model.

After each step, every number of the books is compared. A history is drawn by its seed alone.
"""

import random
from importlib import import_module
from types import ModuleType
from typing import Any

from msgspec.structs import replace

from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from tests.meter.model import Block, Model, State, Terms, Work, replay

PACKAGE = "nvm_chain.meter"
HOLDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
START = 1_800_000_000
SERVICES = ("did:nv:" + "0" * 63 + "7", "did:nv:" + "0" * 63 + "8")
CONTEXTS = (b"\1" * 32, b"\2" * 32)
LOT_SECONDS = 45


class Meter:
    """The modules of the meter, from the package or from a copy of it."""

    def __init__(self, package: str = PACKAGE) -> None:
        names = (
            "admission",
            "agreements",
            "authorities",
            "books",
            "session_terms",
            "view_changes",
            "views",
            "voucher_fronts",
        )
        self.modules = {name: import_module(f"{package}.{name}") for name in names}

    def __getattr__(self, name: str) -> Any:
        modules: dict[str, ModuleType] = self.__dict__["modules"]
        return next(vars(module)[name] for module in modules.values() if name in vars(module))


class Difference(AssertionError):
    """The package and the model disagree, or something happened that may never happen."""


class History:
    """One holder, from the first grant on."""

    def __init__(self, seed: int, meter: Meter, *, is_honest: bool = False) -> None:
        self.random = random.Random(seed)
        self.meter, self.is_honest = meter, is_honest
        self.depth = self.random.choice((0, 1, 2, 4))
        self.by_vouchers = self.random.random() < 0.5
        exposure = self.random.choice((10, 40, 10_000))
        self.policy = meter.Policy(exposure, self.by_vouchers)
        self.model = Model(self.depth, exposure)
        self.account = meter.Account(255, HOLDER)
        self.front = meter.VoucherFront()
        self.authorities: list[tuple[Any, Terms]] = []
        self.open: list[tuple[int, Any, Work]] = []  # number of the authority, hold, and the same for the model
        self.totals: list[int] = []  # of our settlements that were sent
        self.blocks = [Block(START)]
        self.highest = 1
        self.clock, self.offset, self.last = START, self.random.choice((-50, 0, 0, 50)), START
        self.blocks[0].events.append(("grant", self.random.randint(5, 60), None))
        self.take_view(1)
        for event in (self.mine, self.open_authority, self.sign):
            event()

    # ------------------------------------------------------------------ running

    def run(self, steps: int) -> None:
        """Take some steps at random, and compare after each."""
        chosen = self.random.choices(list(self.weights), list(self.weights.values()), k=steps)
        for name in chosen:
            getattr(self, name)()
            self.compare(name)

    @property
    def weights(self) -> dict[str, float]:
        weights: dict[str, float] = {
            "admit": 20,
            "charge": 7,
            "release": 2,
            "mine": 5,
            "see": 5,
            "pass_time": 3,
            "sign": 3,
            "settle": 2,
        }
        weights |= {"note_ceiling": 2, "open_authority": 3, "revoke": 0.3, "dispute": 1, "see_older": 1}
        return weights if self.is_honest else {**weights, "reorganize": 2}

    @property
    def now(self) -> int:
        """The later of the latest block's time and the clock. It never goes back."""
        self.last = max(self.last, self.blocks[-1].time, self.clock + self.offset)
        return self.last

    # ------------------------------------------------------------------ the chain

    def mine(self) -> None:
        self.clock += self.random.randint(1, 12)
        block = Block(max(self.blocks[-1].time + 1, self.clock))
        self.blocks.append(block)
        self.highest = max(self.highest, len(self.blocks))
        if self.random.random() < 0.5:
            end = self.random.choice((None, block.time + LOT_SECONDS))
            block.events.append(("grant", self.random.randint(2, 20), end))
        for total in self.totals[-6:]:
            if self.random.random() < 0.5:  # in any order, some never, some twice
                block.events.append(("ours", total, None))
        if not self.is_honest and self.random.random() < 0.15:
            block.events.append(("burn", self.random.randint(1, 6), None))
        if not self.is_honest and self.random.random() < 0.15:
            block.events.append(("others", replay(self.blocks).settled + self.random.randint(1, 5), None))
        self.check_chain()

    def reorganize(self) -> None:
        """Replace some blocks that are not final. Their settlements may come again, and others' events may not."""
        fork = self.random.randint(max(1, self.highest - self.depth), len(self.blocks))
        dropped = self.blocks[fork:]
        self.blocks = self.blocks[:fork]
        for old in dropped[: self.random.randint(0, len(dropped))]:
            events = [event for event in old.events if self.random.random() < 0.5]
            self.blocks.append(Block(max(self.blocks[-1].time + 1, old.time + self.random.randint(-3, 3)), events))
        if self.account.view.block_number > fork:
            self.roll_back(self.random.randint(max(1, fork - 1), fork))
        self.check_chain()

    def check_chain(self) -> None:
        """S11: on no branch do our keys take more than was charged."""
        ours = replay(self.blocks).ours
        if ours > self.model.committed:
            raise Difference(f"taken {ours} of {self.model.committed}")

    def settle(self) -> None:
        total, wanted = self.account.find_total_to_reach(self.now), self.model.total_to_reach(self.now)
        if wanted not in (None, total):
            raise Difference(f"total to reach {total}, not {wanted}")
        self.totals.append(total)

    # ------------------------------------------------------------------ views

    def see(self) -> None:
        newest = len(self.blocks)
        number = newest if self.random.random() < 0.7 else self.random.randint(1, newest)
        self.take_view(number)

    def see_older(self) -> None:
        """A late answer of an older block. It changes nothing."""
        self.take_view(self.random.randint(1, max(1, min(len(self.blocks), self.account.view.block_number))))

    def take_view(self, number: int) -> None:
        state, now = replay(self.blocks[:number]), self.now
        self.account = self.meter.replace_view(self.account, self.build_view(state), depth=self.depth, now=now)
        self.model.see(state, now)

    def roll_back(self, number: int) -> None:
        state, now = replay(self.blocks[:number]), self.now
        self.account = self.meter.roll_back(self.account, self.build_view(state), depth=self.depth, now=now)
        self.model.roll_back(state, now)

    def build_view(self, state: State) -> Any:
        lot = self.meter.Lot
        return self.meter.View(
            block_number=state.number,
            block_hash=self.blocks[state.number - 1].name.to_bytes(32),
            time=state.time,
            balance=state.balance,
            settled=state.settled,
            taken=state.ours,
            lapsed=sum(credits for _, credits in state.lapsed),
            lots=tuple(
                lot(piece.end, piece.credits) for piece in state.pieces if piece.end is not None and piece.credits
            ),
            ended=tuple(lot(end, credits) for end, credits in state.lapsed),
        )

    # ------------------------------------------------------------------ credentials

    def sign(self) -> None:
        """The holder signs what the next request needs, or more, until some time."""
        ceiling = max(1, self.model.next_ceiling(self.random.randint(1, 60)))
        deadline = self.now + self.random.randint(0, 400)
        voucher = Voucher(255, HOLDER, REDEEMER, ceiling, bytes(32), deadline)  # type: ignore[arg-type]
        self.front = self.front.add(SignedVoucher(voucher, b""))
        self.model.vouchers.append((ceiling, deadline))
        self.note_ceiling()

    def note_ceiling(self) -> None:
        self.account = self.meter.put_ceiling(self.account, self.front, self.now)
        self.model.note_ceiling(self.now)

    def open_authority(self) -> None:
        chance, now, meter = self.random.random, self.now, self.meter
        terms = Terms(now, now + self.random.choice((10, 60, 1_000, 10_000)))
        if chance() < 0.4:
            terms.uses, terms.context = 1, self.random.choice(CONTEXTS)
        else:
            terms.limit = self.random.randint(5, 40) if chance() < 0.6 else None
            terms.per_request = self.random.randint(2, 6) if chance() < 0.4 else None
            terms.per_period = (self.random.randint(4, 12), self.random.randint(5, 40)) if chance() < 0.5 else None
            terms.services = (SERVICES[0],) if chance() < 0.4 else ()
        authority = meter.Authority(
            authority_id=len(self.authorities).to_bytes(32),
            kind=meter.AuthorityKind.REQUEST if terms.uses else meter.AuthorityKind.SESSION,
            plan_id=255,
            holder=HOLDER,
            user=HOLDER,
            start=terms.start,
            end=terms.end,
            uses=terms.uses,
            limit=terms.limit,
            per_request=terms.per_request,
            per_period=None if terms.per_period is None else meter.PeriodLimit(*terms.per_period),
            services=terms.services,
            context=terms.context,
        )
        self.authorities.append((authority, terms))

    def revoke(self) -> None:
        number = self.random.randrange(len(self.authorities))
        authority, terms = self.authorities[number]
        terms.is_revoked = True
        self.authorities[number] = replace(authority, revoked=True), terms

    def dispute(self) -> None:
        self.model.disputes.append(self.random.randint(1, 8))
        self.account = self.meter.block_credits(self.account, self.model.disputes[-1])
        if self.random.random() < 0.9:
            self.account = self.meter.block_credits(self.account, -self.model.disputes.pop(0))

    def pass_time(self) -> None:
        """Let some seconds pass, or let the end of a lot come to the second."""
        ends = [lot.end - self.offset for lot in self.account.view.lots if lot.end - self.offset > self.clock]
        is_short = ends and self.random.random() < 0.5
        self.clock = min(ends) if is_short else self.clock + self.random.randint(1, 30)

    # ------------------------------------------------------------------ requests

    def admit(self) -> None:
        number = self.random.randrange(max(0, len(self.authorities) - 4), len(self.authorities))
        authority, terms = self.authorities[number]
        now, model = self.now, self.model
        credits = self.random.randint(1, 7) if self.random.random() < 0.7 else self.draw_boundary(now)
        service, context = (SERVICES[0], terms.context) if self.random.random() < 0.8 else (SERVICES[1], CONTEXTS[0])
        ask = self.meter.Ask(credits, service, context)
        outcome = self.meter.admit(self.meter.Case(self.account, authority, ask, self.policy, now))
        is_admitted = isinstance(outcome, self.meter.Admitted)
        may = model.allows(credits, now, self.by_vouchers) and terms.allows(credits, service, context, now)
        if is_admitted != may:
            raise Difference(f"{outcome}, and the model says {may}")
        if not is_admitted:
            if model.committed >= model.state.ours and outcome.next_ceiling != model.next_ceiling(credits):
                raise Difference(f"next ceiling {outcome.next_ceiling}, not {model.next_ceiling(credits)}")
            return
        self.account = outcome.account
        self.authorities[number] = outcome.authority, terms
        work = Work(credits, terms.period_at(now))
        terms.works.append(work)
        model.works.append(work)
        self.open.append((number, outcome.hold, work))

    def draw_boundary(self, now: int) -> int:
        """Return as many credits as the books still have, or one more."""
        model = self.model
        left = (model.funds(now) or 0) + model.written_off - model.committed - model.held - sum(model.disputes)
        return max(1, left + self.random.randint(0, 1))

    def charge(self) -> None:
        if not self.open:
            return
        number, hold, work = self.open.pop(self.random.randrange(len(self.open)))
        authority, terms = self.authorities[number]
        cost, now = self.random.randint(0, work.credits), self.now
        self.account, charged = self.meter.charge_request(self.account, authority, hold, cost, now)
        self.authorities[number] = charged, terms
        self.model.charge(work, cost, now)

    def release(self) -> None:
        if not self.open:
            return
        number, hold, work = self.open.pop(self.random.randrange(len(self.open)))
        authority, terms = self.authorities[number]
        was_sent = self.random.random() < 0.5
        self.account, freed = self.meter.release_request(self.account, authority, hold, was_sent=was_sent)
        self.authorities[number] = freed, terms
        self.model.release(work, was_sent)

    # ------------------------------------------------------------------ comparing

    def compare(self, step: str) -> None:
        """S10: the sums of the row are the sums of the single events. S2 in honest histories: nothing is served twice."""
        account, model = self.account, self.model
        found = (
            account.committed,
            account.held,
            account.blocked,
            account.view.taken,
            account.written_off,
            account.owed,
        )
        owed = max(0, model.owed)
        wanted = (model.committed, model.held, sum(model.disputes), model.state.ours, model.written_off, owed)
        if found != wanted:
            raise Difference(f"after {step}: {found}, not {wanted}")
        for authority, terms in self.authorities:
            spent = sum(work.cost for work in terms.works if work.cost is not None)
            held = sum(work.credits for work in terms.works if work.cost is None and not work.is_released)
            if (authority.spent, authority.held) != (spent, held):
                raise Difference(f"after {step}: authority {authority}")
        if self.is_honest and account.committed + account.held > replay(self.blocks).granted:
            raise Difference(f"after {step}: served {account.committed + account.held} credits")

    def finish(self) -> None:
        """S4: after everything has come to rest, what was charged is taken, or lost with a lot, or there is nothing left."""
        while self.open:
            self.charge()
        for _ in range(2):
            self.totals = []
            for _ in range(self.depth + 1):
                self.clock += LOT_SECONDS
                self.blocks.append(Block(max(self.blocks[-1].time + 1, self.clock)))
                self.take_view(len(self.blocks))
            total = self.account.find_total_to_reach(self.now)
            self.blocks.append(Block(self.blocks[-1].time + 1, [("ours", total, None)]))
            self.check_chain()
            self.take_view(len(self.blocks))
        self.compare("the end")
        if self.account.owed and self.account.view.balance:
            raise Difference(f"{self.account.owed} is owed, and {self.account.view.balance} are there")
