"""The facilitator: verifies payments for callers, and settles each of them once, for whoever submitted it first.

| asked again | by the same caller | by another caller |
|---|---|---|
| while it is being settled | ``duplicate_settlement`` | ``duplicate_settlement`` |
| after an answer that it is pending, or no answer at all | goes on, also after a restart | ``duplicate_settlement`` |
| after the answer that it is settled | ``duplicate_settlement`` with the transaction | ``duplicate_settlement`` |
| the same with the ``Idempotency-Key`` of the first time | the same answer | ``duplicate_settlement`` |

One payment gets one answer that it is settled. A stock server serves a request for each such answer, so a second one would
serve two requests for one payment.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import SUCCEEDED, summarize
from nvm_chain.errors import (
    FundsError,
    IndexFailure,
    MeterClosed,
    NetworkError,
    NoContract,
    NvmChainError,
    PaymentForOther,
    PaymentNotMade,
    PaymentRefused,
    PaymentUnderWay,
    TransactionError,
    TransferAlreadyUsed,
    TransferMismatch,
)
from nvm_chain.meter.store.payment_answers import take_answer
from nvm_chain.meter.store.payments import (
    Claimed,
    NewPayment,
    Payment,
    PaymentLimits,
    PaymentState,
    claim_payment,
    give_payment_back,
    leave_payment,
    read_payment,
)
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.wallet_deployments import DEPLOY_GAS, RawCall
from nvm_chain.signing.keys import Signer
from nvm_chain.types.durations import DAY
from nvm_chain.x402.exact import EXACT_SCHEME
from nvm_chain.x402.facilitating import FacilitatorRequest, SettleAnswer, SupportedKind, VerifyAnswer, build_supported
from nvm_chain.x402.facilitator.callers import Caller
from nvm_chain.x402.facilitator.cases import Case, read_case
from nvm_chain.x402.facilitator.limits import Limits
from nvm_chain.x402.facilitator.reasons import DUPLICATE, FAILED, PENDING, USED, find_reason
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.networks import format_network
from nvm_chain.x402.orders import ORDER_SCHEME
from nvm_chain.x402.settling.transfers import TransferRules, Transfers

MOST_VERIFIED: Final = 100_000
"""How many verified payments a process remembers. Without the memory, one that others have sent is refused."""
LONGEST_SECONDS: Final = DAY
"""How long from now on a payment may be valid at most. Until its end, what was sent for it is followed."""
IsGone = Callable[[], bool]
"""Returns whether nobody waits for the answer any more."""


class Facilitator:
    """Verifies and settles. Any thread may call it with a connection of its own."""

    def __init__(self, settings: FacilitatorSettings, signer: Signer, writer: Writer) -> None:
        """Take the rules, the key that pays the gas, and the books."""
        self.settings, self.limits = settings, Limits(settings)
        self._signer, self._writer = signer, writer
        self._door = threading.Lock()
        self._running: set[bytes] = set()
        self._verified: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()

    @property
    def sender(self) -> ChecksumAddress:
        """The account that sends."""
        return self._signer.address

    def support(self, chain_id: int, more: tuple[SupportedKind, ...] = ()) -> dict[str, Any]:
        """Return what ``/supported`` answers. ``more`` are kinds that others settle."""
        network = format_network(chain_id)
        kinds = (SupportedKind(EXACT_SCHEME, network), SupportedKind(ORDER_SCHEME, network), *more)
        return build_supported(kinds, (self.sender,))

    # ------------------------------------------------------------------ verify

    def verify(self, chain: Chain, caller: Caller, request: FacilitatorRequest) -> VerifyAnswer:
        """Return whether a payment would be settled for a caller. Nothing is sent, and nothing is held for the caller.

        Raises an error of `is_own_fault` if that cannot be said now.
        """
        payer: ChecksumAddress | None = None
        try:
            case = read_case(chain, caller, request, b"", self.settings)
            payer = case.new.payer
            known = self._find(case.new)
            if known is None:
                self._check(chain, caller, case)
                self._remember(case.new)
            else:
                self._check_verifiable(known, case.new)
        except NvmChainError as error:
            if is_own_fault(error, self.sender):
                raise
            return VerifyAnswer(payer, find_reason(error), error.message())
        return VerifyAnswer(payer)

    def _check(self, chain: Chain, caller: Caller, case: Case) -> RawCall | None:
        """Check a payment that is not in the books. Return a call that has to be sent before it, or None.

        One that somebody else has sent is good for a caller that verified it before, or that alone may have the payee paid.
        """
        new, now = case.new, chain.read_time()
        if new.valid_before > now + LONGEST_SECONDS:
            raise TransferMismatch("validBefore", f"{now + LONGEST_SECONDS} at most", new.valid_before)
        try:
            return case.check(chain, self.sender)
        except TransferAlreadyUsed:
            is_expected = bool(caller.pay_to) or (new.submitter, new.payment_id) in self._verified
            if not is_expected or new.valid_before <= now:
                raise
            case.find_by_others(chain)
            return None

    def _check_verifiable(self, known: Payment, new: NewPayment) -> None:
        _check_submitter(known, new)
        if known.served_at:
            raise PaymentRefused(USED, "it was settled before")
        if known.state is PaymentState.REFUSED:
            raise PaymentRefused(FAILED, known.reason)

    def _find(self, new: NewPayment) -> Payment | None:
        return self._writer.run(lambda store: read_payment(store, new.payment_id))

    def _remember(self, new: NewPayment) -> None:
        with self._door:
            self._verified[new.submitter, new.payment_id] = None
            while len(self._verified) > MOST_VERIFIED:
                self._verified.popitem(last=False)

    # ------------------------------------------------------------------ settle

    def settle(
        self, chain: Chain, caller: Caller, request: FacilitatorRequest, key: str | None, is_gone: IsGone
    ) -> SettleAnswer:
        """Settle a payment for a caller, once. Wait until its transaction is in a block, or the time is over.

        Args:
            chain: A connection of this thread. It waits for a receipt as long as its own time limit says.
            caller: Who submits the payment.
            request: What the caller has sent.
            key: The caller's idempotency key, with which the same answer is given again.
            is_gone: Whether nobody waits for the answer any more. Then the answer may be given later.

        Raises:
            NvmChainError: An error of `is_own_fault`. Nothing is known, and the caller may ask again.
        """
        network = format_network(chain.chain_id)
        payer: ChecksumAddress | None = None
        try:
            hashed = b"" if key is None else sha256(key.encode()).digest()
            case = read_case(chain, caller, request, hashed, self.settings)
            payer = case.new.payer
            with self._alone(case.new):
                payment = self._settle(chain, caller, case)
                return self._answer(payment, case.new, network, is_gone)
        except PaymentUnderWay as error:
            return SettleAnswer(network, error.transaction or "", payer, PENDING, error.message())
        except NvmChainError as error:
            if is_own_fault(error, self.sender):
                raise
            return SettleAnswer(network, "", payer, _find_settling_reason(error), error.message())

    @contextmanager
    def _alone(self, new: NewPayment) -> Iterator[None]:
        """Work on a payment alone in this process. Raises PaymentRefused if another request does."""
        with self._door:
            if new.payment_id in self._running:
                raise PaymentRefused(DUPLICATE, "another request settles it now")
            self._running.add(new.payment_id)
        try:
            yield
        finally:
            with self._door:
                self._running.discard(new.payment_id)

    def _settle(self, chain: Chain, caller: Caller, case: Case) -> Payment:
        known, new = self._find(case.new), case.new
        if known is not None:
            _check_submitter(known, new)
            if known.served_at:
                return known
        else:
            self.limits.check(caller.name, new.payer, chain.read_fees()[0])
            deployment = self._check(chain, caller, case)
            if deployment is not None:
                self._deploy(chain, caller, new, deployment)
        limits = PaymentLimits(self.settings.per_account, self.settings.per_day)
        transfers = Transfers(chain, self._signer, self._writer, TransferRules(most_gas=case.gas))
        try:
            payment = transfers.settle(new, limits)
        except PaymentUnderWay as error:
            self._count(chain, caller, new, error.transaction)
            raise
        if known is None or not known.is_paid:
            self._count(chain, caller, new, payment.transaction)
        return payment

    def _deploy(self, chain: Chain, caller: Caller, new: NewPayment, deployment: RawCall) -> None:
        """Deploy the wallet of a payer whose payment is claimed. Whether that worked shows when the transfer is made."""
        limits = PaymentLimits(self.settings.per_account, self.settings.per_day)
        claim = self._writer.run(lambda store: claim_payment(store, new, limits))
        if not isinstance(claim, Claimed):
            return  # the settlement says why
        try:
            data = f"0x{deployment.data.hex()}"
            receipt = chain.send_data(self._signer, data, deployment.target, most_gas=DEPLOY_GAS)
            self.limits.note_gas(caller.name, summarize(receipt).gas_used or 0)
        except NvmChainError:
            self._writer.run(lambda store: give_payment_back(store, new.payment_id))
            raise
        self._writer.run(lambda store: leave_payment(store, new.payment_id))

    def _count(self, chain: Chain, caller: Caller, new: NewPayment, transaction: str | None) -> None:
        """Count the gas of a transaction, and its failure. What is not counted changes no answer."""
        receipt = None
        with suppress(NvmChainError):
            receipt = chain.find_receipt(transaction) if transaction else None
        if receipt is not None and receipt["from"] == self.sender:
            self.limits.note_gas(caller.name, summarize(receipt).gas_used or 0)
            if receipt["status"] != SUCCEEDED:
                self.limits.note_failure(new.payer)

    def _answer(self, payment: Payment, new: NewPayment, network: str, is_gone: IsGone) -> SettleAnswer:
        """Return the answer for a payment that is made. Only one says so, unless it is asked for by its key again."""
        told = SettleAnswer(network, payment.transaction, payment.payer, amount=payment.value)
        is_repeated = payment.resource != b"" and payment.resource == new.resource
        try:
            is_first = is_gone() or self._writer.run(lambda store: take_answer(store, payment.payment_id))
        except (IndexFailure, MeterClosed) as error:  # the money has moved, so this may not look like a failure
            return SettleAnswer(network, payment.transaction, payment.payer, PENDING, error.message())
        if is_first or is_repeated:
            return told
        message = "It was settled before, and answered. One payment pays for one request."
        return SettleAnswer(network, payment.transaction, payment.payer, DUPLICATE, message)


def is_own_fault(error: NvmChainError, sender: ChecksumAddress) -> bool:
    """Return whether an error says nothing of a payment: the node or the books fail, or the sender has no coin for gas."""
    if isinstance(error, FundsError):
        return error.fields.get("account") == sender
    return isinstance(error, NetworkError | IndexFailure | MeterClosed) and not isinstance(error, NoContract)


def _check_submitter(known: Payment, new: NewPayment) -> None:
    """Check that a payment of the books belongs to whoever presents it. Raises PaymentRefused."""
    mine = (new.submitter, new.purpose, new.payee, new.value)
    if (known.submitter, known.purpose, known.payee, known.value) != mine:
        raise PaymentRefused(DUPLICATE, "another server has submitted it")


def _find_settling_reason(error: NvmChainError) -> str:
    """Return the reason for a settlement that was refused. Nothing was sent, or it can never be paid."""
    if isinstance(error, PaymentForOther):
        return DUPLICATE
    if isinstance(error, PaymentNotMade):
        return FAILED
    reason = find_reason(error)
    return FAILED if isinstance(error, TransactionError) and reason.startswith("nvm_") else reason
