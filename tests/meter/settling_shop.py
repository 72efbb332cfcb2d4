"""A shop for tests of the settler: a plan on a chain, its index, books, holders who sign, and views when a test wants them."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eth_account.signers.local import LocalAccount

from nvm_chain.enums import RedemptionRule
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.books import Account
from nvm_chain.meter.feed.accounts import AccountReader
from nvm_chain.meter.feed.asking import read_plans
from nvm_chain.meter.feed.store_sink import StoreSink
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.hold_ends import ChargeHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher
from nvm_chain.types.ids import format_did
from tests.support.meter_stores import admitted, present, read_account, run
from tests.support.world import World

SERVICE = format_did(7)
AT_ONCE = SettleRules(credits=1)
BALANCE = 100


@dataclass
class Shop:
    """A plan whose credits some holders have, and the books of a meter for it."""

    world: World
    plan_id: int
    index: Index
    writer: Writer
    where: str
    by_vouchers: bool = True
    former: tuple[str, ...] = ()
    redeemer: LocalAccount = field(init=False)

    def __post_init__(self) -> None:
        self.redeemer = self.world.redeemer

    @property
    def holders(self) -> list[LocalAccount]:
        """Those who have credits."""
        return [self.world.subscriber, self.world.other]

    @property
    def settings(self) -> MeterSettings:
        """One service on the plan."""
        terms = ServiceTerms(SERVICE, {self.plan_id: Policy(60, self.by_vouchers)})
        chain, former = self.world.chain, tuple(self.former)
        return MeterSettings(
            chain.chain_id,
            chain.credits.address,
            self.redeemer.address,
            {SERVICE: terms},
            depth=0,
            former_redeemers=former,  # type: ignore[arg-type]
        )

    def key(self, holder: LocalAccount | None = None) -> AccountKey:
        """Return the account of a holder."""
        return AccountKey(self.plan_id, (holder or self.world.subscriber).address)

    def feed(self) -> None:
        """Bring the index to the head of the chain, and the views of all holders to the head of the index."""
        head = self.index.state.head
        while head is not None and self.world.chain.read_block().number < head.number:
            self.world.mine_at(self.world.now + 1)
        Follower(self.world.chain, self.index, waits=True).sync()
        sink, keys = StoreSink(self.writer), [self.key(holder) for holder in self.holders]
        past = sink.find_past(keys)
        with self.index.snapshot() as connection:
            reader = AccountReader(self.settings.keys, 0, read_plans(connection, [self.plan_id]))
            told = reader.read(connection, "index", {key: past.get(key, ()) for key in keys})
        sink.see([each.change for each in told if each.change.views])
        self.index.read_state()
        assert self.index.state.head is not None
        sink.note_head(self.index.state.head, int(time.time()))

    def sign(
        self,
        ceiling: int,
        holder: LocalAccount | None = None,
        *,
        redeemer: LocalAccount | None = None,
        seconds: int = 7_200,
    ) -> SignedVoucher:
        """Return a voucher that a holder has signed."""
        signer, chain = holder or self.world.subscriber, self.world.chain
        voucher = build_voucher(
            self.plan_id,
            holder=signer.address,
            redeemer=(redeemer or self.redeemer).address,
            ceiling=ceiling,
            deadline=max(self.world.now, int(time.time())) + seconds,
        )
        return sign_voucher(signer, voucher, chain_id=chain.chain_id, contract=chain.credits.address)

    def charge(self, signed: SignedVoucher, credits: int) -> None:
        """Serve a request that a voucher pays."""

        def serve(store: object) -> None:
            hold = admitted(run(store, present(signed, credits)))  # type: ignore[arg-type]
            run(store, ChargeHold(hold, credits))  # type: ignore[arg-type]

        self.writer.run(serve)

    def account(self, holder: LocalAccount | None = None) -> Account:
        """Return the account of a holder in the books."""
        return self.writer.run(lambda store: read_account(store, self.key(holder)))

    def settler(self, signer: LocalAccount | None = None, rules: SettleRules = AT_ONCE) -> Settler:
        """Return a settler, of the current key if not given."""
        return Settler(self.world.chain, signer or self.redeemer, self.writer, self.settings, rules)


@contextmanager
def open_shop(
    world: World, folder: Path, where: str, *, rule: RedemptionRule = RedemptionRule.HOLDER, holders: int = 2
) -> Iterator[Shop]:
    """Register a plan, give its credits to some holders, and open an index and books of it."""
    chain = world.chain
    plan_id = world.register(rule=rule)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    for holder in [world.subscriber, world.other][:holders]:
        world.grant(plan_id, holder.address, BALANCE)
    origin = {"chain_id": chain.chain_id, "credits": chain.credits.address}
    with (
        closing(open_index(folder / "index.db", create=True, **origin)) as index,  # type: ignore[arg-type]
        closing(Writer(open_store(where, **origin))) as writer,  # type: ignore[arg-type]
    ):
        shop = Shop(world, plan_id, index, writer, where, by_vouchers=rule is RedemptionRule.HOLDER)
        shop.feed()
        yield shop
