"""A shop for tests of access on first use: a time plan on a chain, its index, books, and holders who sign in and ask."""

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.feed.store_sink import StoreSink
from nvm_chain.meter.feed.store_windows import StoreWindowSink
from nvm_chain.meter.feed.windows import WindowReader
from nvm_chain.meter.first_uses import read_first_use
from nvm_chain.meter.openings import Opening
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.first_use import Opened
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.account_changes import OpenAuthority
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.opening_rows import unpack_opening
from nvm_chain.meter.store.settlements import SettlementState
from nvm_chain.meter.store.window_changes import AdmitToWindow, ReadWindow
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.windows import WindowAccount, WindowPolicy
from nvm_chain.types.ids import format_did
from tests.support.meter_stores import OWNER, run
from tests.support.world import World

SERVICE = format_did(7)
DAY = 86_400
PERIODS = 5
"""The periods that each holder has at first."""


@dataclass
class FirstUseShop:
    """A time plan whose access opens on first use, and the books of a meter for it."""

    world: World
    plan_id: int
    index: Index
    writer: Writer

    @property
    def policy(self) -> WindowPolicy:
        """What holders may do, with the plan's first use as the chain has it."""
        return WindowPolicy(5, first_use=read_first_use(self.world.chain, self.plan_id))

    @property
    def settings(self) -> MeterSettings:
        """One service on the plan."""
        chain, terms = self.world.chain, ServiceTerms(SERVICE, {}, windows={self.plan_id: self.policy})
        redeemer = self.world.redeemer.address
        return MeterSettings(chain.chain_id, chain.credits.address, redeemer, {SERVICE: terms}, depth=0)

    @property
    def now(self) -> int:
        """The second that everybody counts from."""
        return max(self.world.now, int(time.time()))

    def key(self, holder: LocalAccount | None = None) -> AccountKey:
        """Return the account of a holder."""
        return AccountKey(self.plan_id, (holder or self.world.subscriber).address)

    def feed(self) -> None:
        """Bring the index to the head of the chain, and the windows of all holders to the head of the index."""
        head = self.index.state.head
        while head is not None and self.world.chain.read_block().number < head.number:
            self.world.mine_at(self.world.now + 1)
        Follower(self.world.chain, self.index, waits=True).sync()
        sink, keys = StoreWindowSink(self.writer), [self.key(), self.key(self.world.other)]
        past = sink.find_past(keys)
        with self.index.snapshot() as connection:
            told = WindowReader(0).read(connection, "index", {key: past.get(key, ()) for key in keys})
        sink.see([each.change for each in told])
        self.index.read_state()
        assert self.index.state.head is not None
        StoreSink(self.writer).note_head(self.index.state.head, int(time.time()))

    def sign_in(self, periods: int = 0, holder: LocalAccount | None = None, *, seconds: int = 3_600) -> Authority:
        """Open the authority of a sign-in that lets the seller open some periods."""
        address = (holder or self.world.subscriber).address
        authority = Authority(
            secrets.token_bytes(32),
            AuthorityKind.SIGN_IN,
            self.plan_id,
            address,
            address,
            start=int(time.time()),
            end=self.now + seconds,
            services=(SERVICE,),
            max_periods=periods,
        )
        opened: Authority = self.writer.run(lambda store: run(store, OpenAuthority(authority)))
        return opened

    def build(self, authority: Authority) -> AdmitToWindow:
        """Return the admission of a request under a sign-in."""
        key = AccountKey(authority.plan_id, authority.holder)
        redeemer = self.world.redeemer.address
        hold_id = secrets.token_bytes(16)
        return AdmitToWindow(key, authority.authority_id, hold_id, SERVICE, self.policy, OWNER, 600, redeemer=redeemer)

    def ask(self, authority: Authority) -> Any:
        """Return the outcome of a request under a sign-in."""
        change = self.build(authority)
        return self.writer.run(lambda store: run(store, change))

    def settler(self, signer: LocalAccount | None = None) -> Settler:
        """Return a settler with the redeemer's key."""
        return Settler(self.world.chain, signer or self.world.redeemer, self.writer, self.settings)

    def settle(self) -> list[Opened]:
        """Let a settler look once, and return what it has opened."""
        told: list[Opened] = []
        assert self.settler().settle(told.append) == []
        return told

    def window(self, holder: LocalAccount | None = None) -> WindowAccount:
        """Return the window of a holder in the books."""
        return self.writer.run(lambda store: run(store, ReadWindow(self.key(holder))))

    def openings(self) -> list[Opening]:
        """Return all openings of the books, by the ends of the windows that they replace."""
        return [unpack_opening(row) for row in self.read("SELECT * FROM openings ORDER BY seen")]

    def states(self) -> list[SettlementState]:
        """Return the state of each transaction in the journal."""
        return [SettlementState(row[0]) for row in self.read("SELECT state FROM settlements ORDER BY signed_at, nonce")]

    def opened(self, authority: Authority) -> int:
        """Return how many periods openings have taken from a sign-in."""
        found = self.read("SELECT opened FROM authorities WHERE authority_id = ?", authority.authority_id)
        return int(found[0][0])

    def read(self, statement: str, *values: Any) -> list[Any]:
        """Return rows of the books."""

        def ask(store: Any) -> list[Any]:
            with store.asking() as pen:
                return [tuple(row) for row in pen.ask(statement, values)]

        return self.writer.run(ask)


@contextmanager
def open_first_use_shop(
    world: World, folder: Path, where: str, *, rule: RedemptionRule = RedemptionRule.REDEEMER, least: int = 1
) -> Iterator[FirstUseShop]:
    """Register a plan that starts on first use, give its periods to two holders, and open an index and books of it."""
    chain = world.chain
    plan_id = world.register(
        kind=PlanKind.TIME,
        activation=Activation.ON_FIRST_USE,
        credits=1,
        duration=DAY,
        min_redeem=least,
        max_redeem=max(3, least),
        rule=rule,
    )
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, PERIODS)
    origin = {"chain_id": chain.chain_id, "credits": chain.credits.address}
    with (
        closing(open_index(folder / "index.db", create=True, **origin)) as index,  # type: ignore[arg-type]
        closing(Writer(open_store(where, **origin))) as writer,  # type: ignore[arg-type]
    ):
        shop = FirstUseShop(world, plan_id, index, writer)
        shop.feed()
        yield shop
