"""The ground on which sellers in other processes stand: a plan, holders with credits, an index, and vouchers that can be signed again."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.index.following import Follower
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.session_terms import SessionTerms, build_session_terms
from nvm_chain.meter.settings import MeterSettings, ServiceTerms
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.settler import Settler
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.operations.credits import mint_credits
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher
from nvm_chain.types.ids import format_did
from tests.support.index_worlds import open_for
from tests.support.world import World

SERVICE: Final = format_did(7)
REQUEST: Final = Request(SERVICE, "POST", "/ask", "-")
ACCOUNTS: Final = derive_dev_accounts()
REDEEMER: Final = ACCOUNTS[4]
HOLDERS: Final = ACCOUNTS[6:10]
MINTED: Final = 10**12
LEAST_CEILING: Final = 10**9
HOUR: Final = 3_600


@dataclass(frozen=True)
class Ground:
    """A plan whose holders have credits, and the path of an index that knows it. It can be given to another process."""

    index: str
    chain_id: int
    credits: ChecksumAddress
    plan_id: int
    end: int
    """The deadline of all vouchers, if it is not another one."""
    request_seconds: int = 600

    @property
    def settings(self) -> MeterSettings:
        """One service on the plan."""
        terms = ServiceTerms(SERVICE, {self.plan_id: Policy(MINTED)}, request_seconds=self.request_seconds)
        return MeterSettings(self.chain_id, self.credits, REDEEMER.address, {SERVICE: terms}, depth=0)

    @property
    def keys(self) -> list[AccountKey]:
        """The accounts of the holders."""
        return [AccountKey(self.plan_id, holder.address) for holder in HOLDERS]

    def _sign(self, holder: int, ceiling: int, context: bytes, end: int = 0) -> SignedVoucher:
        signer = HOLDERS[holder]
        names = {"holder": signer.address, "redeemer": REDEEMER.address}
        voucher = build_voucher(self.plan_id, ceiling=ceiling, context=context, deadline=end or self.end, **names)
        return sign_voucher(signer, voucher, chain_id=self.chain_id, contract=self.credits)

    def pay(self, number: int, end: int = 0) -> VoucherCredential:
        """Return the voucher of a request by its number: the same one each time."""
        binding = build_binding(SERVICE, REQUEST.method, REQUEST.target, "-", f"request-{number}")
        signed = self._sign(number % len(HOLDERS), LEAST_CEILING + number % LEAST_CEILING, binding.context, end)
        return VoucherCredential(signed, binding)

    def open_terms(self, holder: int, seller: int = 0) -> tuple[SignedVoucher, SessionTerms]:
        """Return the terms of a session of a holder, another one for each seller, and the voucher that opens it."""
        terms = build_session_terms(
            self.plan_id, holder=HOLDERS[holder].address, limit=MINTED - seller, end=self.end - HOUR, services=(7,)
        )
        return self._sign(holder, 2 * LEAST_CEILING, terms.context), terms


def build_settler(chain: Chain, meter: Meter, ground: Ground) -> Settler:
    """Return a settler for whom each credit is due at once."""
    return Settler(chain, REDEEMER, meter.writer, ground.settings, SettleRules(credits=1))


def make_ground(world: World, where: str | Path) -> Ground:
    """Register a plan on a chain, mint credits to its holders, and index all of it."""
    chain = world.chain
    plan_id = world.register()
    set_redeemer(chain, world.builder, plan_id, REDEEMER.address, True)
    for holder in HOLDERS:
        mint_credits(chain, world.builder, plan_id, holder.address, MINTED)
    with closing(open_for(chain, where)) as index:
        Follower(chain, index).sync()
    return Ground(str(where), chain.chain_id, chain.credits.address, plan_id, chain.read_block().timestamp + 10 * HOUR)
