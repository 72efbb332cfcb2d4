"""Payments that are not finished: each is looked up, sent, granted, and followed until nothing can change it any more."""

from collections.abc import Callable

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import Number
from nvm_chain.meter.store.payment_rows import Payment, PaymentPurpose, PaymentState
from nvm_chain.meter.store.payments import (
    give_payment_back,
    leave_payment,
    list_unfinished,
    note_final,
    take_payment,
)
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.views import KEPT_BLOCKS
from nvm_chain.x402.settling.grants import Grants
from nvm_chain.x402.settling.transfers import Transfers

CLAIMED, PAID, GRANTED, BY_HAND = (
    *(PaymentState.CLAIMED, PaymentState.PAID, PaymentState.GRANTED),
    PaymentState.BY_HAND,
)


class PaymentJobs:
    """Goes on with the payments of the books. Any number of processes may do so: each payment is taken by one at a time.

    An order goes on after a restart: its payer was promised the plan. A request whose payment is only
    claimed is dropped, because nobody waits for its answer. Its payment may be presented again.
    """

    def __init__(
        self, chain: Chain, transfers: Transfers, grants: Grants | None, writer: Writer, *, depth: Number
    ) -> None:
        """Take what sends, and the books. Without ``grants``, no plan is granted. A plan is granted ``depth`` blocks after its payment."""
        self._chain, self._transfers, self._grants, self._writer = chain, transfers, grants, writer
        self._depth, self._head = depth, 0

    def work(self, tell: Callable[[NvmChainError], object]) -> int:
        """Take one step with each payment that nobody works on. Return how many are not finished.

        Args:
            tell: Called with each error after which a payment is tried again.

        Raises:
            NetworkError: The node does not answer.
            IndexFailure: The books cannot be read or written.
        """
        unfinished = self._writer.run(list_unfinished)
        if not unfinished:
            return 0
        self._transfers.looks.forget()
        self._head = self._chain.read_block().number
        for payment in unfinished:
            if not self._is_at_rest(payment):
                self.step(payment.payment_id, tell)
        return len(unfinished)

    def _is_at_rest(self, payment: Payment) -> bool:
        """Return whether a payment only waits until its block is deep enough. Mostly no request: many have the same block."""
        is_waiting = payment.is_paid and self._head - payment.block_number < KEPT_BLOCKS
        return is_waiting and payment.purpose is not PaymentPurpose.ORDER and self._transfers.looks.is_in_chain(payment)

    def step(self, payment_id: bytes, tell: Callable[[NvmChainError], object]) -> None:
        """Take one step with a payment, unless somebody works on it."""
        taken = self._writer.run(lambda store: take_payment(store, payment_id))
        if taken is None:
            return
        try:
            self._note_final(self._advance(taken))
        except NvmChainError as error:
            tell(error)
        finally:
            self._writer.run(lambda store: leave_payment(store, payment_id))

    def _advance(self, payment: Payment) -> Payment:
        if payment.state is BY_HAND:
            return self._look_by_hand(payment)
        if payment.purpose is PaymentPurpose.ORDER:
            return self._advance_order(payment)
        if payment.state is CLAIMED:
            return self._drop(payment)
        return self._transfers.advance(payment)

    def _drop(self, payment: Payment) -> Payment:
        """Give back a payment of which nothing was signed, unless somebody else has sent it."""
        looked = self._transfers.looks.look(payment)
        if not looked.is_paid:
            self._writer.run(lambda store: give_payment_back(store, payment.payment_id))
        return looked

    def _look_by_hand(self, payment: Payment) -> Payment:
        """Return a payment as granted if a person has granted its plan under its name."""
        is_order = payment.purpose is PaymentPurpose.ORDER and payment.is_paid
        return self._grants.find(payment) if is_order and self._grants is not None else payment

    def _advance_order(self, payment: Payment) -> Payment:
        payment = self._transfers.advance(payment)
        if self._grants is None:
            return payment
        if payment.state is GRANTED:
            payment = self._grants.look(payment)
        is_deep = payment.is_paid and self._read_head(payment) - payment.block_number >= self._depth
        return self._grants.grant(payment) if payment.state is PAID and is_deep else payment

    def _read_head(self, payment: Payment) -> Number:
        """Return the latest block. One that was read before the payment's block is read again."""
        if self._head < payment.block_number + self._depth:
            self._head = self._chain.read_block().number
        return self._head

    def _note_final(self, payment: Payment) -> None:
        """Note that nothing can change a payment any more: it is as deep as no block is replaced, and so is its grant."""
        last = payment.block_number
        if payment.purpose is PaymentPurpose.ORDER:
            if payment.state is not GRANTED or not payment.grant_block:
                return
            last = max(last, payment.grant_block)
        if payment.is_paid and not payment.is_final and self._head - last >= KEPT_BLOCKS:
            self._writer.run(lambda store: note_final(store, payment.payment_id))
