"""A seller on anvil whose plans cost TestUSDC, buyers who sign transfers, and the books of a gateway that takes them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.errors import NvmChainError
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.payment_rows import NewPayment, Payment, PaymentPurpose
from nvm_chain.meter.store.payments import read_payment
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.credits import read_balance
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import read_token_balance
from nvm_chain.signing.authorizations import (
    SignedTransferAuthorization,
    build_transfer_authorization,
    sign_transfer_authorization,
)
from nvm_chain.x402.settling.grants import Grants
from nvm_chain.x402.settling.jobs import PaymentJobs
from nvm_chain.x402.settling.transfers import Taken, Transfers, build_payment
from tests.support.world import World

PRICE = 20_000_000
FUNDS = 100_000_000
CREDITS = 100
SECONDS = 300


@dataclass
class Market:
    """A plan of 100 credits for 20 USDC, with a minter, and a usage plan of 20 USDC for a request."""

    world: World
    url: str
    plan_id: int
    usage_id: int
    errors: list[NvmChainError] = field(default_factory=list)

    @property
    def chain(self) -> Chain:
        """The tests' own connection."""
        return self.world.chain

    @property
    def payee(self) -> str:
        """Who is paid."""
        return str(self.world.builder.address)

    @property
    def token(self) -> str:
        """The address of TestUSDC."""
        return str(self.world.usdc.address)

    def connect(self) -> Chain:
        """Connect again: each thread has a connection of its own."""
        chain = connect(self.url, credits=self.chain.credits.address, agents=self.chain.agents.address)
        chain.timeout_seconds = 20
        return chain

    def new_buyer(self, funds: int = FUNDS) -> LocalAccount:
        """Return an account with USDC that nobody has used. It has no coin."""
        buyer = Account.create()
        self.world.send(self.world.fee_owner, self.world.usdc.functions.mint(buyer.address, funds))
        return buyer

    def sign(self, buyer: LocalAccount, value: int = PRICE, **changes: Any) -> SignedTransferAuthorization:
        """Sign a transfer to the seller."""
        usual = {"payer": buyer.address, "payee": self.payee, "value": value}
        valid_before = self.chain.read_time() + SECONDS
        made = build_transfer_authorization(
            **{"valid_before": valid_before, "nonce": secrets.token_bytes(32), **usual, **changes}
        )
        return sign_transfer_authorization(buyer, made, token=read_token_domain(self.chain, self.token))

    def order(self, signed: SignedTransferAuthorization, **changes: Any) -> NewPayment:
        """Return the payment for the plan."""
        return build_payment(self.chain, signed, PaymentPurpose.ORDER, **{"plan_id": self.plan_id, **changes})

    def request(self, signed: SignedTransferAuthorization, **changes: Any) -> NewPayment:
        """Return the payment for a request."""
        usual = {"plan_id": self.usage_id, "resource": b"r" * 32}
        return build_payment(self.chain, signed, PaymentPurpose.REQUEST, **{**usual, **changes})

    def transfer(self, signed: SignedTransferAuthorization) -> Any:
        """Return the call of the token that makes a transfer."""
        transfer, by_hand = signed.authorization, signed.signature
        parts = (by_hand[64], by_hand[:32], by_hand[32:64])
        return self.world.usdc.functions.transferWithAuthorization(*transfer.values, *parts)

    def read_credits(self, buyer: LocalAccount) -> int:
        """Return the credits of a buyer on the plan."""
        return read_balance(self.chain, self.plan_id, buyer.address)

    def read_paid(self, buyer: LocalAccount) -> int:
        """Return what a buyer has paid."""
        return FUNDS - read_token_balance(self.chain, self.token, buyer.address)

    def mine(self, blocks: int = 1) -> None:
        """Mine empty blocks."""
        self.chain.web3.provider.make_request("anvil_mine", [blocks])  # type: ignore[arg-type]

    def ask(self, method: str, *params: Any) -> Any:
        """Ask the node something of its own."""
        answer = self.chain.web3.provider.make_request(method, list(params))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def undo(self, blocks: int) -> None:
        """Replace the last blocks by empty ones, and drop their transactions."""
        self.ask("anvil_reorg", blocks, [])
        self.ask("anvil_dropAllTransactions")
        self.chain.facts.forget()


@dataclass
class Desk:
    """The books of a gateway with its keys: what one process of it does, one step at a time."""

    market: Market
    where: str
    writer: Writer
    depth: int = 1

    @property
    def transfers(self) -> Transfers:
        """What sends, with a connection of its own."""
        return Transfers(self.market.connect(), self.market.world.relayer, self.writer)

    def take(self, signed: SignedTransferAuthorization, new: NewPayment, **changes: Any) -> Taken:
        """Take a payment."""
        usual: dict[str, Any] = {"payee": self.market.payee, "value": PRICE, "seconds": SECONDS}
        return self.transfers.take(signed, new, **{**usual, **changes})

    def work(self) -> int:
        """Take one step with each unfinished payment."""
        chain, minter = self.market.connect(), self.market.world.minter
        transfers = Transfers(chain, self.market.world.relayer, self.writer)
        grants = Grants(chain, minter, self.writer)
        return PaymentJobs(chain, transfers, grants, self.writer, depth=self.depth).work(self.market.errors.append)

    def read(self, new: NewPayment) -> Payment:
        """Return a payment as it is in the books."""
        found = self.writer.run(lambda store: read_payment(store, new.payment_id))
        assert found is not None
        return found

    def finish(self, new: NewPayment) -> Payment:
        """Mine and work until a payment is final."""
        for _ in range(4):
            self.work()
            self.market.mine(self.depth)
        self.market.mine(64)
        self.work()
        found = self.read(new)
        assert found.is_final, found
        return found

    def restart(self) -> None:
        """End without a word, as a process that is killed, and open the books again."""
        self.writer.close()
        self.writer = open_writer(self.market, self.where)


def open_writer(market: Market, where: str) -> Writer:
    """Open books."""
    return Writer(open_store(where, chain_id=market.chain.chain_id, credits=market.chain.credits.address))


@contextmanager
def open_desk(market: Market, folder: Path) -> Iterator[Desk]:
    """Open the books of a gateway for the block of a ``with``."""
    where = str(folder / "meter.db")
    desk = Desk(market, where, open_writer(market, where))
    try:
        yield desk
    finally:
        desk.writer.close()


def build_market(world: World, url: str) -> Market:
    """Register what the seller sells."""
    chain, builder = world.chain, world.builder
    price = nvm.get_erc20_price_config(PRICE, str(chain.usdc), builder.address)
    plan = nvm.register_plan(chain, builder, price, nvm.get_fixed_credits_config(CREDITS))
    usage = nvm.register_plan(chain, builder, price, nvm.get_pay_as_you_go_credits_config())
    nvm.set_minter(chain, builder, plan.plan_id, world.minter.address, True)
    return Market(world, url, plan.plan_id, usage.plan_id)
