"""The sender of signed transfers: each is claimed in the books, written down before it is sent, and looked up on the chain.

This is all that a server needs to take a payment by EIP-3009, in a thread with a connection and the books::

    transfers = Transfers(chain, signer, writer)
    new = build_payment(chain, signed, PaymentPurpose.REQUEST, plan_id=plan_id)
    taken = transfers.take(signed, new, payee=payee, value=value, seconds=300)

After `Transfers.take`, the money has moved, whoever sent it. An error of the family `nvm_chain.errors.PaymentClaimed` says that
money may have moved, so nobody may be told to pay again. After any other error nothing was sent, and the same transfer may be
given again. `Transfers.settle` does the same for a caller that has checked the transfer in its own way.

A transfer is paid if the token says that its nonce is used, and directly after that moves the whole amount to the payee. Who sent
the transaction makes no difference. Each thread has a connection of its own, and any number of threads send with one key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import (
    AccountBusy,
    NetworkError,
    NotSent,
    NvmChainError,
    PaymentForOther,
    PaymentNotMade,
    PaymentUnderWay,
    TooManyPayments,
    TransferAlreadyUsed,
    TransferMismatch,
)
from nvm_chain.errors.fields import Number, PlanId, Quantity, Seconds, Time
from nvm_chain.meter.store.payment_rows import NO_PLAN, NewPayment, Payment, PaymentPurpose, PaymentState
from nvm_chain.meter.store.payments import (
    Claimed,
    LimitReached,
    PaymentLimit,
    PaymentLimits,
    claim_payment,
    give_payment_back,
    leave_payment,
    read_payment,
    take_payment,
)
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.authorized_transfers import (
    TRANSFER_GAS,
    check_authorized_transfer,
    encode_authorized_transfer,
)
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.order_simulations import encode_signed_order
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.types.durations import DAY, MINUTE
from nvm_chain.x402.settling.looking import Looks
from nvm_chain.x402.settling.signing import PaymentSigner

STUCK_SECONDS: Final[Seconds] = 60
"""How long a transaction waits before it is sent again with a higher fee."""
LATE_SECONDS: Final[Seconds] = 10 * MINUTE
"""How long a transfer that somebody else has sent may be presented first. An older one may have paid for something else."""
LEEWAY_SECONDS: Final[Seconds] = 2 * MINUTE
"""How much longer than the offer says a transfer may be valid. Clocks differ."""
UNPAID: Final = (PaymentState.CLAIMED, PaymentState.SENT)


@dataclass(frozen=True, slots=True)
class TransferRules:
    """How much gas a transfer may use, and when a transaction that waits is sent again, and at what fee."""

    most_gas: Number = TRANSFER_GAS
    stuck_seconds: Seconds = STUCK_SECONDS
    max_fee_percent: Number = 300


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment that was made. ``turn`` is the turn to serve a request of whoever has claimed it, and 0 for all others."""

    payment: Payment
    turn: Time


def build_payment(
    chain: Chain,
    signed: SignedTransferAuthorization,
    purpose: PaymentPurpose,
    *,
    plan_id: PlanId = NO_PLAN,
    quantity: Quantity = 1,
    submitter: bytes = b"",
    resource: bytes = b"",
    service: str = "",
) -> NewPayment:
    """Return the payment of a signed transfer for the books. No request.

    Args:
        chain: The connection to the token's chain.
        signed: The transfer.
        purpose: What it pays for.
        plan_id: The plan, if it pays for one.
        quantity: The number of purchases.
        submitter: A hash that says who presents it, if the payment belongs to whoever does.
        resource: The digest of what is bought. The same transfer is refused for another one.
        service: The DID of the service, if there is one.
    """
    function, transfer = encode_authorized_transfer(chain, signed), signed.authorization
    return NewPayment(
        chain_id=chain.chain_id,
        token=signed.token.address,
        payer=transfer.payer,
        nonce=transfer.nonce,
        purpose=purpose,
        payee=transfer.payee,
        value=transfer.value,
        valid_before=transfer.valid_before,
        call_to=function.address,
        call_data=bytes.fromhex(encode_call(function)[2:]),
        plan_id=plan_id,
        quantity=quantity,
        submitter=submitter,
        resource=resource,
        service=service,
    )


def build_order_payment(chain: Chain, signed: SignedOrder) -> NewPayment:
    """Return the payment of a signed order for the books. Its transaction pays and grants the plan. At most one request.

    The token moves the authorized amount to Credits, which pays the receivers and gives the rest back.
    """
    function, order = encode_signed_order(chain, signed), signed.order
    return NewPayment(
        chain_id=chain.chain_id,
        token=signed.token.address,
        payer=order.payer,
        nonce=find_nonce(chain, order),
        purpose=PaymentPurpose.SIGNED_ORDER,
        payee=chain.credits.address,
        value=order.max_cost,
        valid_before=order.valid_before,
        call_to=function.address,
        call_data=bytes.fromhex(encode_call(function)[2:]),
        plan_id=order.plan_id,
        quantity=order.quantity,
    )


class Transfers:
    """Sends signed transfers with one key, and finds out what became of them."""

    def __init__(self, chain: Chain, signer: Signer, writer: Writer, rules: TransferRules | None = None) -> None:
        """Take a connection for this thread, the key that pays the gas, and the books. No request."""
        self._chain, self._signer, self._writer = chain, signer, writer
        self._rules, self.looks = rules or TransferRules(), Looks(chain, writer)

    # ------------------------------------------------------------------ take

    def take(
        self,
        signed: SignedTransferAuthorization,
        new: NewPayment,
        *,
        payee: str,
        value: int,
        seconds: Seconds,
        limits: PaymentLimits | None = None,
    ) -> Taken:
        """Check a signed transfer, claim its payment, send it, and return when the money has moved. The same one is sent once.

        Args:
            signed: The transfer.
            new: The payment, see `build_payment`.
            payee: Who has to be paid.
            value: The amount that has to be paid, in base units.
            seconds: How long a transfer for the offer may be valid from now on.
            limits: How many payments of the purpose are taken in a day.

        Raises:
            PaymentClaimed: Money may have moved. See `settle`.
            TooManyPayments: A limit is reached. Nothing was sent.
            SignatureError: The transfer cannot be accepted. Nothing was sent.
            FundsError: The payer has too little, or the key cannot pay the gas. Nothing was sent.
            TransactionError: The token refuses the transfer now. Nothing was sent.
            NetworkError: The node does not give a usable answer. Nothing was sent.
            IndexFailure: The books cannot be read or written.
        """
        known = self._writer.run(lambda store: read_payment(store, new.payment_id))
        if known is None:
            self._check(signed, new, payee, value, seconds)
        return self._settle(new, limits)

    def _check(
        self, signed: SignedTransferAuthorization, new: NewPayment, payee: str, value: int, seconds: Seconds
    ) -> None:
        """Check a transfer that nobody has presented. One that somebody has sent just now is as good as one to send."""
        latest = self._chain.read_time() + seconds + LEEWAY_SECONDS
        if signed.authorization.valid_before > latest:
            raise TransferMismatch("validBefore", f"{latest} at most", signed.authorization.valid_before)
        try:
            check_authorized_transfer(
                self._chain, signed, payee=payee, value=value, relayer=self._signer.address, gas=self._rules.most_gas
            )
        except TransferAlreadyUsed:
            if self.looks.find_lately_paid(new, LATE_SECONDS) is None:
                raise

    def settle(self, new: NewPayment, limits: PaymentLimits | None = None) -> Payment:
        """Claim a payment, send its transfer if nobody has, and return it when it is in a block. The same one is sent once.

        The caller has checked the transfer. A payment that was granted or served before is returned as it is.

        Args:
            new: The payment.
            limits: How many payments of the purpose are taken in a day.

        Raises:
            PaymentForOther: It was claimed for something else, or with another signature.
            PaymentUnderWay: It was sent, and is not in a block yet.
            PaymentNotMade: It was not made, and cannot be made any more.
            TooManyPayments: A limit is reached. Nothing was sent.
            TransferAlreadyUsed: Its payer has canceled it. Nothing was sent.
            TransactionError: The token refuses it now. Nothing was sent.
            FundsError: The key cannot pay the gas. Nothing was sent.
            NetworkError: The node does not give a usable answer. Nothing was sent.
            IndexFailure: The books cannot be read or written.
        """
        return self._settle(new, limits).payment

    def _settle(self, new: NewPayment, limits: PaymentLimits | None) -> Taken:
        claim = self._writer.run(lambda store: claim_payment(store, new, limits))
        if isinstance(claim, LimitReached):
            raise _refuse_more(claim.limit, new, limits)
        if not claim.payment.is_for(new):
            raise PaymentForOther(claim.payment.name)
        if isinstance(claim, Claimed):
            turn = claim.payment.serving_until
            return Taken(self._work(claim.payment, turn), turn)
        return Taken(self.resume(claim.payment), 0)

    def resume(self, payment: Payment) -> Payment:
        """Go on with a payment of the books, unless somebody works on it. Return it when it is in a block. Raises as `settle` does."""
        if payment.state in UNPAID:
            taken = self._writer.run(lambda store: take_payment(store, payment.payment_id))
            if taken is not None:
                return self._work(taken)
            payment = self._read(payment)
        return _require_paid(payment)

    def _work(self, payment: Payment, turn: Time = 0) -> Payment:
        """Send a payment that this thread has taken. It is free for others afterwards, and so is a turn if it is not paid."""
        try:
            paid = _require_paid(self.advance(payment))
            turn = 0
        finally:
            self._writer.run(lambda store: leave_payment(store, payment.payment_id, turn=turn))
        return paid

    # ------------------------------------------------------------------ send

    def advance(self, payment: Payment) -> Payment:
        """Look a payment up, send its transfer if that is still to do, and return it as it is then. Take it before.

        If nothing was signed and nothing can be, the claim is given back, and the error is raised.
        """
        looked = self.looks.look(payment)
        if looked.is_paid or looked.is_final:
            return looked
        if looked.seen_at:
            return self._drop_unsigned(looked)
        return self._send(looked)

    def _drop_unsigned(self, payment: Payment) -> Payment:
        """Give back a payment of which nothing was signed, and which can never be made. Raises TransferAlreadyUsed for it."""
        if payment.state is PaymentState.CLAIMED:
            self._give_back(payment)
            raise TransferAlreadyUsed(payment.payer, payment.nonce)
        return payment

    def _send(self, payment: Payment) -> Payment:
        """Sign and send the transfer, and wait for its block. Return the payment as it is then.

        A transaction that has failed in a block is not followed by another one: each would cost gas, as often as the payer likes.
        """
        found = self._find_sent(payment)
        if found is not None:
            if found.get("blockNumber") is None:
                self._replace_stuck(payment)
            return self._read(payment)
        signer = PaymentSigner(self._signer, self._writer, payment)
        data = f"0x{payment.call_data.hex()}"
        try:
            self._chain.send_data(signer, data, to=payment.call_to, most_gas=self._rules.most_gas)
        except NvmChainError as error:
            return self._end_failed(payment, error)
        return self.looks.look(self._read(payment))

    def _end_failed(self, payment: Payment, error: NvmChainError) -> Payment:
        """Return a payment whose transaction was signed, or that somebody else has sent meanwhile. Else raise the error."""
        known = self._read(payment)
        try:
            known = self.looks.look(known)
        except NetworkError:
            if not known.was_sent:
                raise error from None
        if known.is_paid or known.was_sent:
            return known
        self._give_back(payment)
        raise error

    def _give_back(self, payment: Payment) -> None:
        self._writer.run(lambda store: give_payment_back(store, payment.payment_id))

    def _find_sent(self, payment: Payment) -> Mapping[str, Any] | None:
        """Return the transaction as a node has it. None if it has none of this key for the payment."""
        if not payment.hash or payment.sender != bytes.fromhex(self._signer.address[2:]):
            return None
        return self._chain.find_transaction(payment.transaction)

    def _replace_stuck(self, payment: Payment) -> None:
        """Send a transaction that has waited long again with a higher fee. While others send with the key, that can wait."""
        waited = self._chain.read_time() - payment.changed_at
        if waited < self._rules.stuck_seconds or not payment.raw:
            return
        signer = PaymentSigner(self._signer, self._writer, payment)
        try:
            self._chain.replace_transaction(signer, payment.raw, max_percent=self._rules.max_fee_percent)
        except (AccountBusy, NotSent):
            return

    def _read(self, payment: Payment) -> Payment:
        found = self._writer.run(lambda store: read_payment(store, payment.payment_id))
        return payment if found is None else found


def _require_paid(payment: Payment) -> Payment:
    if payment.state is PaymentState.REFUSED:
        raise PaymentNotMade(payment.name, payment.reason)
    if not payment.is_paid and payment.state in UNPAID:
        raise PaymentUnderWay(payment.name, payment.transaction or None)
    return payment


def _refuse_more(limit: PaymentLimit, new: NewPayment, limits: PaymentLimits | None) -> TooManyPayments:
    if limits is None:
        raise AssertionError("a limit was reached, so there is one")
    sent = limits.per_account if limit is PaymentLimit.ACCOUNT else limits.per_day
    return TooManyPayments(0, new.payer, sent, DAY)
