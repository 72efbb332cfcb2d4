"""Orders that buyers have signed and the gateway sends, so that a buyer needs no coin for gas. Each is sent once."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import (
    AccountBusy,
    FundsError,
    InvalidMessage,
    NetworkError,
    NotMined,
    NotSent,
    NvmChainError,
    OrderAlreadyMade,
    OutcomeUnknown,
    TooMuchGas,
    TransactionReplaced,
)
from nvm_chain.errors.fields import Time
from nvm_chain.gateway.checkout.cards import PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.outcomes import FAILED, WAITING, read_outcome
from nvm_chain.gateway.checkout.refusing import refuse_order
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.own.asked import read_hex
from nvm_chain.gateway.refusals import Refusal, tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.meter.store.relays import Claim, claim_relay, find_relay_limit, give_relay_back
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.order_simulations import encode_signed_order
from nvm_chain.operations.order_steps import AUTHORIZED_SECONDS, complete_order
from nvm_chain.operations.signed_orders import check_signed_order, send_signed_order
from nvm_chain.operations.token_domains import find_authorization_use, is_authorization_used
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.types.plans import PlanState

MOST_KEPT: Final = 1_000
"""How many orders are remembered by this process. The chain tells of the others."""
MOST_GAS: Final = 600_000
"""The gas of the most expensive order that is sent. The code of a buyer or of a quoter could use up much more."""
LEEWAY_SECONDS: Final = 120
SENT_AT_ONCE: Final = 8
CLOSE_SECONDS: Final = 20
_LIMITS: Final = {
    Claim.ACCOUNT_LIMIT: "The seller has sent as many orders for this account as it sends in a day.",
    Claim.DAY_LIMIT: "The seller has sent as many orders as it sends in a day.",
}


class RelayBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /checkout/api/relays`` takes: the order as the page got it, and the signature of the wallet."""

    plan_id: str
    order: str
    signature: str


@dataclass(slots=True)
class Job:
    """An order that is being sent, or was."""

    transaction: str | None = None
    refusal: Refusal | None = None
    """Why it was not made. None as long as it may be."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A signed order that a page follows: the nonce of its authorization, who pays, and until when it can be made."""

    nonce: bytes
    payer: ChecksumAddress
    valid_before: Time

    @property
    def name(self) -> str:
        """The name of the order."""
        return f"0x{self.nonce.hex()}"


class Relays:
    """Sends signed orders, and says what became of them."""

    def __init__(
        self,
        connect: Callable[[], Chain],
        signer: Signer,
        writer: Writer,
        settings: CheckoutSettings,
        desk: ChainDesk,
        tell: Callable[[NvmChainError], object],
    ) -> None:
        """Take the key that sends, and what asks the chain. ``tell`` tells the operator of errors that are the gateway's."""
        self._sender = ChainDesk(connect, threads=SENT_AT_ONCE, most_waiting=4 * SENT_AT_ONCE)
        self._desk = desk
        self._signer, self._writer, self._settings, self._tell = signer, writer, settings, tell
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let what is being sent end. The chain tells of what takes longer."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        self._sender.close()

    async def explain_limit(self, payer: ChecksumAddress) -> str | None:
        """Return why no further order of an account is sent. Empty text if one may be. None if the operator sends none."""
        if not self._settings.relays:
            return None
        limits = self._limits
        reached = await asyncio.to_thread(self._writer.run, lambda store: find_relay_limit(store, payer, **limits))
        return "" if reached is None else _LIMITS[reached]

    @property
    def _limits(self) -> dict[str, int]:
        return {"per_account": self._settings.relays_per_account, "per_day": self._settings.relays_per_day}

    # ------------------------------------------------------------------ send

    async def relay(self, given: RelayBody, card: PlanCard) -> Any:
        """Check a signed order, claim it, and begin to send it. The same order again is not sent again.

        Raises Refused or the error of an order that would fail.
        """
        signed = complete_order(SignedOrder.from_json(given.order), read_hex(given.signature))
        order = signed.order
        if not self._settings.relays:
            raise Refused(
                tell_refusal(409, "NoRelays", "The seller sends no orders of buyers. Send the order yourself.")
            )
        asked, sold = (order.plan_id, order.receiver, signed.token.address), card.plan
        if asked != (sold.plan_id, order.payer, sold.terms.token):
            raise InvalidMessage("signed order", "it is for another plan, account or token")
        nonce, plan = await self._desk.ask(partial(self._check, signed=signed))
        followed = Followed(nonce, order.payer, order.valid_before)
        if plan is not None and await self._claim(nonce, order.payer):
            self._begin(followed, plan, signed)
        told = {"relay": followed.name, "payer": order.payer, "validBefore": str(order.valid_before)}
        return {**told, "state": WAITING}

    def _check(self, chain: Chain, signed: SignedOrder) -> tuple[bytes, PlanState | None]:
        """Return the nonce of an order, and its plan if it can be sent. None if it was sent before."""
        order, nonce = signed.order, find_nonce(chain, signed.order)
        if self._is_sending(nonce):
            return nonce, None
        if order.valid_before > chain.read_time() + AUTHORIZED_SECONDS + LEEWAY_SECONDS:
            raise InvalidMessage("signed order", "it is valid for longer than the orders of this page")
        try:
            plan = check_signed_order(chain, signed, relayer=self._signer.address)
            self._check_sending(chain, signed)
        except NvmChainError as error:
            # It may have been made while it was checked, by this gateway or by anybody else.
            if self._is_sending(nonce) or is_authorization_used(chain, signed.token.address, order.payer, nonce):
                return nonce, None
            raise self._explain(error) from None
        return nonce, plan

    def _is_sending(self, nonce: bytes) -> bool:
        job = self._jobs.get(f"0x{nonce.hex()}")
        return job is not None and job.refusal is None

    def _check_sending(self, chain: Chain, signed: SignedOrder) -> None:
        """Raise InsufficientCoin if the gateway's key cannot pay the gas of an order, and TooMuchGas if that is too much."""
        function = encode_signed_order(chain, signed)
        built = chain.build_transaction(self._signer.address, encode_call(function), function.address)
        if built["gas"] > MOST_GAS:
            raise TooMuchGas(built["gas"], MOST_GAS)

    def _explain(self, error: NvmChainError) -> Exception:
        """Return what the buyer is told of an error. If money of the gateway's own key is missing, that is for the operator."""
        if isinstance(error, TooMuchGas):
            return Refused(_refuse_gas(error.needed))
        if not isinstance(error, FundsError) or error.fields.get("account") != self._signer.address:
            return error
        self._tell(error)
        return Refused(_cannot_send())

    async def _claim(self, nonce: bytes, payer: ChecksumAddress) -> bool:
        """Return whether this process sends an order. Raises Refused at a limit."""
        limits = self._limits
        claim = await asyncio.to_thread(self._writer.run, lambda store: claim_relay(store, nonce, payer, **limits))
        if claim in _LIMITS:
            raise Refused(
                tell_refusal(429, "RelaysUsedUp", f"{_LIMITS[claim]} Send the order yourself, or come back tomorrow.")
            )
        return claim is Claim.TAKEN

    def _begin(self, followed: Followed, plan: PlanState, signed: SignedOrder) -> None:
        job = self._jobs[followed.name] = Job()
        while len(self._jobs) > MOST_KEPT:
            self._jobs.popitem(last=False)
        task = asyncio.ensure_future(self._send(job, followed, plan, signed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, job: Job, followed: Followed, plan: PlanState, signed: SignedOrder) -> None:
        """Send a claimed order. What certainly was not sent may be sent again later."""
        try:
            send = partial(send_signed_order, signer=self._signer, plan=plan, signed=signed, most_gas=MOST_GAS)
            receipt = await self._sender.ask(send)
        except TransactionReplaced:  # another machine sent with the same key, so this order was not sent
            await self._give_up(job, followed, _cannot_send())
        except NvmChainError as error:
            if isinstance(error, NotMined | OutcomeUnknown | OrderAlreadyMade):
                return  # it may still be made, or somebody else has sent it, so the chain is asked for it
            await self._give_up(job, followed, self._tell_failed(error), is_sent=error.mined is not None)
        except Refused:  # too many orders are being sent
            await self._give_up(job, followed, _cannot_send())
        else:
            job.transaction = receipt.transaction.hash

    def _tell_failed(self, error: NvmChainError) -> Refusal:
        """Return what the buyer is told of an order that was not sent. What is wrong with the gateway is for the operator.

        A page waits on while the node of the gateway is away. So an order that was given up has to be told in another way.
        """
        if isinstance(error, NetworkError | AccountBusy | NotSent):
            self._tell(error)
            return _cannot_send()
        own = self._explain(error)
        return own.refusal if isinstance(own, Refused) else refuse_order(error)

    async def _give_up(self, job: Job, followed: Followed, refusal: Refusal, *, is_sent: bool = False) -> None:
        if not is_sent:
            await asyncio.to_thread(self._writer.run, lambda store: give_relay_back(store, followed.nonce))
        job.refusal = refusal

    # ------------------------------------------------------------------ follow

    async def follow(self, followed: Followed, card: PlanCard, depth: int) -> Any:
        """Return what became of a signed order. The chain is asked if this process does not know.

        Raises Refused if it was not made.
        """
        job = self._jobs.get(followed.name)
        if job is not None and job.refusal is not None:
            raise Refused(job.refusal)
        made = None if job is None else job.transaction
        return await self._desk.ask(lambda chain: _look(chain, card, followed, depth, made))


def _look(chain: Chain, card: PlanCard, followed: Followed, depth: int, made: str | None) -> Any:
    token = card.plan.terms.token
    is_over = chain.read_time() >= followed.valid_before  # read first, so that no order was made after the look for it
    if made is None and is_authorization_used(chain, token, followed.payer, followed.nonce):
        made = find_authorization_use(chain, token, followed.payer, followed.nonce)
    if made is not None:
        return read_outcome(chain, card, made, depth)
    if is_over:
        return {"state": FAILED, "words": "The order was not made in time, and nothing was paid. You can order again."}
    return {"state": WAITING}


def _refuse_gas(needed: int) -> Refusal:
    message = f"The order needs {needed:,} gas, and the seller pays for {MOST_GAS:,} at most. Send the order yourself."
    return tell_refusal(409, "TooMuchGas", message)


def _cannot_send() -> Refusal:
    message = "The seller cannot send orders at the moment. Send the order yourself, or come back later."
    return tell_refusal(409, "CannotRelay", message)
