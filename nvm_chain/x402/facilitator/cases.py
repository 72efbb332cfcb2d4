"""The cases of a facilitator: a payment by ``exact`` or by ``nvm-order``, with what the books and the chain need to know of it."""

from dataclasses import dataclass
from typing import Protocol

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import OrderAlreadyMade, PaymentRefused, TransferAlreadyUsed
from nvm_chain.errors.fields import Quantity
from nvm_chain.meter.store.payments import NewPayment
from nvm_chain.operations.paid_transfers import PaidTransfer, WantedTransfer, find_authorized_transfer
from nvm_chain.operations.signed_orders import check_signed_order
from nvm_chain.operations.wallet_deployments import RawCall
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.x402.exact import EXACT_SCHEME
from nvm_chain.x402.facilitating import FacilitatorRequest
from nvm_chain.x402.facilitator.callers import Caller
from nvm_chain.x402.facilitator.exact import Demand, check_demand, find_payment_by_others, read_demand
from nvm_chain.x402.facilitator.orders import ORDER_GAS, claim_order, read_demanded_order
from nvm_chain.x402.facilitator.reasons import UNSUPPORTED_SCHEME
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.orders import ORDER_SCHEME


class Case(Protocol):
    """A payment that a caller presents."""

    @property
    def new(self) -> NewPayment:
        """What the books are to have of it."""

    @property
    def gas(self) -> Quantity:
        """The most gas of its transaction."""

    def check(self, chain: Chain, sender: ChecksumAddress) -> RawCall | None:
        """Check it against the chain. Return a call that has to be sent before, or None. Raises the error that it has."""

    def find_by_others(self, chain: Chain) -> PaidTransfer:
        """Return its payment, which somebody else has sent. Raises the error of a payment that was canceled."""


@dataclass(frozen=True, slots=True)
class ExactCase:
    """A signed transfer."""

    demand: Demand
    new: NewPayment
    settings: FacilitatorSettings

    @property
    def gas(self) -> Quantity:
        """The most gas of its transaction."""
        return self.settings.gas

    def check(self, chain: Chain, sender: ChecksumAddress) -> RawCall | None:
        """Check it against the chain. Return the call that deploys the payer's wallet, or None."""
        return check_demand(chain, self.demand, self.settings, sender)

    def find_by_others(self, chain: Chain) -> PaidTransfer:
        """Return the payment, which somebody else has sent. Raises TransferAlreadyUsed if it was canceled."""
        return find_payment_by_others(chain, self.demand)


@dataclass(frozen=True, slots=True)
class OrderCase:
    """A signed order."""

    signed: SignedOrder
    new: NewPayment
    gas: Quantity = ORDER_GAS

    def check(self, chain: Chain, sender: ChecksumAddress) -> RawCall | None:
        """Check it against the chain. Raises the errors of `check_signed_order`, and TransferAlreadyUsed if it was made."""
        try:
            check_signed_order(chain, self.signed, relayer=sender)
        except OrderAlreadyMade:
            raise TransferAlreadyUsed(self.new.payer, self.new.nonce) from None
        return None

    def find_by_others(self, chain: Chain) -> PaidTransfer:
        """Return the payment of the order, which somebody else has sent. Raises TransferAlreadyUsed if it was canceled."""
        new = self.new
        paid = find_authorized_transfer(chain, WantedTransfer(new.token, new.payer, new.nonce, new.payee, new.value))
        if paid is None:
            raise TransferAlreadyUsed(new.payer, new.nonce)
        return paid


def read_case(
    chain: Chain, caller: Caller, request: FacilitatorRequest, key: bytes, settings: FacilitatorSettings
) -> Case:
    """Return the case of a request. No request to the node, or one that is made once for each token.

    Args:
        chain: The connection to the chain.
        caller: Who presents the payment.
        request: What the caller has sent.
        key: The hash of an idempotency key, or empty.
        settings: The rules.

    Raises:
        PaymentMalformed: The payload or the requirements cannot be read.
        PaymentRefused: The payment is not one that is taken here.
    """
    scheme = request.required.scheme
    if scheme == EXACT_SCHEME:
        demand = read_demand(chain, request, settings, caller)
        return ExactCase(demand, demand.claim(chain, caller.submitter, key), settings)
    if scheme == ORDER_SCHEME:
        signed = read_demanded_order(chain, request)
        return OrderCase(signed, claim_order(chain, signed, caller.submitter, key))
    raise PaymentRefused(UNSUPPORTED_SCHEME, f"the scheme {ascii(scheme)[:40]} is not taken here")
