"""Purchases of whole plans: by a signed order, which pays and grants at once, or by a transfer and a grant of the minter."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import OfferDiffers, PaymentUnderWay, PlanNotActive, TooManyPayments
from nvm_chain.errors.fields import Seconds
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.buying.tills import Till, Tills
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.meter.store.payment_rows import NewPayment, Payment, PaymentPurpose, PaymentState, name_payment
from nvm_chain.meter.store.payments import read_payment
from nvm_chain.meter.store.relays import Claim, claim_relay
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.signed_orders import check_signed_order
from nvm_chain.operations.token_domains import is_authorization_used
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.signed_orders import SignedOrder, authorization_nonce
from nvm_chain.types.durations import DAY
from nvm_chain.x402.exact import ExactOffer
from nvm_chain.x402.orders import OrderOffer
from nvm_chain.x402.settling.grants import check_grant
from nvm_chain.x402.settling.transfers import LEEWAY_SECONDS, build_order_payment, build_payment

PAY_WAIT_SECONDS: Final[Seconds] = 20
"""How long a purchase waits for the block of its payment, before it is told as a job."""
GRANT_WAIT_SECONDS: Final[Seconds] = 8
"""How long a purchase waits for its grant, before it is told as a job."""
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Keys:
    """Who sends the payments of buyers, and who grants plans for them. None where no plan is sold by transfers."""

    sender: ChecksumAddress
    minter: ChecksumAddress | None


class Purchases:
    """Takes the payments of plans, and waits for what they buy."""

    def __init__(
        self,
        tills: Tills,
        writer: Writer,
        keys: Keys,
        settings: BuyingSettings,
        relays: CheckoutSettings,
        hurry: Callable[[], object],
    ) -> None:
        """Take what sends, the books and the limits. ``hurry`` makes the worker look for what is to be granted."""
        self._tills, self._writer, self._keys, self._hurry = tills, writer, keys, hurry
        self._settings, self._relays = settings, relays
        self._tasks: set[asyncio.Task[Payment]] = set()

    # ------------------------------------------------------------------ by an order

    async def order(self, signed: SignedOrder, offer: OrderOffer) -> Payment:
        """Send a signed order, and return its payment when it is in a block. The same one is sent once.

        Raises:
            PaymentClaimed: Money may have moved.
            TooManyPayments: A limit of the relays is reached. Nothing was sent.
            NvmChainError: The order would fail, so it was not sent.
        """
        order = signed.order
        for field, given, offered in (
            ("quantity of purchases", order.quantity, 1),
            ("amount", order.max_cost, offer.amount),
        ):
            if given != offered:
                raise OfferDiffers(field, given, offered)
        work = partial(self._order, signed=signed, seconds=offer.max_seconds)
        return await self._wait(work, name_order(signed, offer))

    def _order(self, till: Till, signed: SignedOrder, seconds: Seconds) -> Payment:
        order, new = signed.order, build_order_payment(till.chain, signed)
        if self._read(new.payment_id) is None:
            latest = till.chain.read_time() + seconds + LEEWAY_SECONDS
            if order.valid_before > latest:
                raise OfferDiffers("last second of the order", order.valid_before, f"{latest} at most")
            nonce = find_nonce(till.chain, order)
            if not is_authorization_used(till.chain, signed.token.address, order.payer, nonce):
                check_signed_order(till.chain, signed, relayer=self._keys.sender)
                self._count(nonce, order.payer)
        return till.orders.settle(new)

    def _count(self, nonce: bytes, payer: ChecksumAddress) -> None:
        """Count an order among those that the gateway sends. Raises TooManyPayments."""
        limits = {"per_account": self._relays.relays_per_account, "per_day": self._relays.relays_per_day}
        claim = self._writer.run(lambda store: claim_relay(store, nonce, payer, **limits))
        if claim in (Claim.ACCOUNT_LIMIT, Claim.DAY_LIMIT):
            sent = limits["per_account" if claim is Claim.ACCOUNT_LIMIT else "per_day"]
            raise TooManyPayments(0, payer, sent, DAY)

    # ------------------------------------------------------------------ by a transfer

    async def transfer(self, signed: SignedTransferAuthorization, offer: ExactOffer) -> Payment:
        """Settle the transfer for a plan, and return its payment when the plan is granted, or a few seconds later.

        Raises:
            PaymentClaimed: Money may have moved.
            PlanNotActive: The plan takes no orders. Nothing was sent.
            NvmChainError: The payment or the grant would fail, so nothing was sent.
        """
        token, transfer = signed.token, signed.authorization
        name = name_payment(token.chain_id, token.address, transfer.payer, transfer.nonce)
        paid = await self._wait(partial(self._transfer, signed=signed, offer=offer), name)
        return await self._wait_for_grant(paid)

    def _transfer(self, till: Till, signed: SignedTransferAuthorization, offer: ExactOffer) -> Payment:
        if offer.plan_id is None:
            raise AssertionError("an offer of a plan names it")
        new = build_payment(till.chain, signed, PaymentPurpose.ORDER, plan_id=offer.plan_id)
        if self._read(new.payment_id) is None:
            self._check_grant(till, new)
        asked = {"payee": offer.pay_to, "value": offer.amount, "seconds": offer.max_seconds}
        return till.transfers.take(signed, new, limits=self._settings.order_limits, **asked).payment  # type: ignore[arg-type]

    def _check_grant(self, till: Till, new: NewPayment) -> None:
        """Check that a plan could be granted now, before anybody pays for it."""
        if not read_plan_state(till.chain, new.plan_id).active:
            raise PlanNotActive(new.plan_id)
        if self._keys.minter is None:
            raise AssertionError("a plan that is sold by transfers has a minter")
        check_grant(till.chain, self._keys.minter, new.plan_id, new.payer, new.payment_id)

    async def _wait_for_grant(self, payment: Payment) -> Payment:
        """Return a payment when it is granted or put aside, or as it is a few seconds later."""
        deadline = asyncio.get_running_loop().time() + GRANT_WAIT_SECONDS
        while payment.state is PaymentState.PAID and asyncio.get_running_loop().time() < deadline:
            self._hurry()
            await asyncio.sleep(LOOK_SECONDS)
            payment = await self.find(payment.payment_id) or payment
        return payment

    # ------------------------------------------------------------------ wait

    async def _wait(self, work: Callable[[Till], Payment], name: bytes) -> Payment:
        """Return what a till returns, or raise PaymentUnderWay after a while. The till goes on."""
        task = asyncio.ensure_future(self._tills.ask(work))
        self._tasks.add(task)
        task.add_done_callback(self._end)
        done, _ = await asyncio.wait([task], timeout=PAY_WAIT_SECONDS)
        if not done:
            found = await self.find(name)
            raise PaymentUnderWay(f"0x{name.hex()}", None if found is None else found.transaction or None)
        return task.result()

    def _end(self, task: "asyncio.Task[Payment]") -> None:
        """Forget a task. Whoever waited may have gone, so its error is looked at."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def find(self, payment_id: bytes) -> Payment | None:
        """Return a payment of the books, or None."""
        return await asyncio.to_thread(self._read, payment_id)

    def _read(self, payment_id: bytes) -> Payment | None:
        return self._writer.run(lambda store: read_payment(store, payment_id))


def name_order(signed: SignedOrder, offer: OrderOffer) -> bytes:
    """Return the name of a signed order's payment. No request."""
    nonce = authorization_nonce(signed.order, chain_id=offer.token.chain_id, contract=offer.contract)
    return name_payment(offer.token.chain_id, signed.token.address, signed.order.payer, nonce)
