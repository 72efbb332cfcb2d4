"""Grants of plans for paid transfers, by the seller's minter. The reference of a grant is the payment's name, so a plan is granted once.

A plan takes each reference once. So a grant that is sent twice, or by two processes, grants once.
"""

from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.events import find_newest_event
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.receipts import SUCCEEDED
from nvm_chain.errors import (
    AccountBusy,
    NotMined,
    NotSent,
    NvmChainError,
    OutcomeUnknown,
    ReferenceUsed,
    TransactionError,
    TransactionReplaced,
)
from nvm_chain.errors.fields import PlanId
from nvm_chain.meter.store.payment_rows import Payment, Place
from nvm_chain.meter.store.payments import note_by_hand, note_granted, note_ungranted
from nvm_chain.meter.store.writer import Writer
from nvm_chain.operations.credits import grant_external, is_reference_used
from nvm_chain.signing.keys import Signer
from nvm_chain.types.events import Event, EventFilter

PASSING: Final = (NotMined, OutcomeUnknown, AccountBusy, NotSent, TransactionReplaced)
"""Errors after which a grant is tried again, because they say nothing about the plan."""
_OTHER_GRANT: Final = "the plan has granted {quantity} purchases to {to} under the payment's name"


class Grants:
    """Grants plans for payments with the minter's key."""

    def __init__(self, chain: Chain, minter: Signer, writer: Writer) -> None:
        """Take a connection for this thread, a key that may mint credits of the plans, and the books. No request."""
        self._chain, self._minter, self._writer = chain, minter, writer

    def grant(self, payment: Payment) -> Payment:
        """Grant the plan of a payment that is deep enough, and return the payment as it is then.

        Where the plan refuses, a person has to end the payment, and the reason is in the books.

        Raises:
            NetworkError: The node does not give a usable answer. Try again.
            FundsError: The minter cannot pay the gas. Try again when it can.
            TransactionError: It is not certain whether the grant was made. Try again.
        """
        found = self.find(payment)
        if found is not payment:
            return found
        try:
            receipt = grant_external(
                *(self._chain, self._minter, payment.plan_id, payment.payer),
                reference=payment.payment_id,
                quantity=payment.quantity,
            )
        except PASSING:
            raise
        except ReferenceUsed:
            return self.find(payment)
        except TransactionError as error:
            return self._put_aside(payment, error)
        made = receipt.transaction
        place = Place(bytes.fromhex(made.hash[2:]), made.block_number)
        return self._writer.run(lambda store: note_granted(store, payment.payment_id, place))

    def _put_aside(self, payment: Payment, error: NvmChainError) -> Payment:
        reason = error.message()
        return self._writer.run(lambda store: note_by_hand(store, payment.payment_id, reason))

    def find(self, payment: Payment) -> Payment:
        """Return a payment as granted, if the plan has granted it. The same object if it is still to do. One request, or four.

        If the plan has granted something else under its name, a person has to end it.
        """
        if not is_reference_used(self._chain, payment.plan_id, payment.payment_id):
            return payment
        event = self._find_event(payment)
        if event is None:  # the node that searches is behind the one that has answered
            raise OutcomeUnknown(payment.name, "the plan has used its reference, and no event is found")
        to, quantity = event.arguments["to"], event.arguments["quantity"]
        if (to, quantity) != (payment.payer, payment.quantity):
            other = _OTHER_GRANT.format(quantity=quantity, to=to)
            return self._writer.run(lambda store: note_by_hand(store, payment.payment_id, other))
        place = Place(bytes.fromhex(event.transaction_hash[2:]), event.block_number)
        return self._writer.run(lambda store: note_granted(store, payment.payment_id, place))

    def look(self, payment: Payment) -> Payment:
        """Return a granted payment as it is now. One whose grant is in no block any more is to be granted again."""
        receipt = self._chain.find_receipt(payment.grant)
        is_there = receipt is not None and receipt["status"] == SUCCEEDED
        if is_there and receipt is not None and receipt["blockNumber"] == payment.grant_block:
            return payment
        found = self.find(payment)
        if found is not payment:
            return found
        return self._writer.run(lambda store: note_ungranted(store, payment.payment_id))

    def _find_event(self, payment: Payment) -> Event | None:
        wanted = EventFilter(("GrantedExternal",), ((payment.plan_id,), (), (int.from_bytes(payment.payment_id),)))
        return find_newest_event(self._chain, partial(self._chain.read_logs, self._chain.credits, wanted))


def check_grant(chain: Chain, minter: ChecksumAddress, plan_id: PlanId, payer: ChecksumAddress, name: bytes) -> None:
    """Try a grant without a transaction, before a payer pays for it. Two requests.

    Raises:
        TransactionError: The plan refuses it. The error is the contract's own.
        FundsError: The minter cannot pay the gas.
        NetworkError: The node does not give a usable answer.
    """
    function = chain.credits.functions.grantExternal(plan_id, payer, 1, name)
    chain.build_transaction(minter, encode_call(function), function.address)
