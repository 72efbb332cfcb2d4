"""Payments by ``exact`` as a facilitator checks them: a signed transfer, against what the resource server requires."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import InvalidMessage, NvmChainError, PaymentMalformed, PaymentRefused, TransferAlreadyUsed
from nvm_chain.meter.store.payments import NewPayment, PaymentPurpose
from nvm_chain.operations.authorized_transfers import (
    check_authorized_transfer,
    check_domain,
    check_terms,
    encode_authorized_transfer,
)
from nvm_chain.operations.paid_transfers import PaidTransfer, WantedTransfer, find_authorized_transfer
from nvm_chain.operations.wallet_deployments import RawCall
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.types.addresses import parse_address
from nvm_chain.x402.accepted import Accepted, read_integer
from nvm_chain.x402.exact import EXACT_SCHEME, read_transfer
from nvm_chain.x402.facilitating import INVALID_REQUIREMENTS, FacilitatorRequest
from nvm_chain.x402.facilitator.callers import Caller
from nvm_chain.x402.facilitator.reasons import NETWORK_MISMATCH, UNSUPPORTED_SCHEME
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.networks import format_network

NO_DOMAIN = "missing_eip712_domain"


@dataclass(frozen=True, slots=True)
class Demand:
    """A signed transfer, and what a resource server requires of it."""

    signed: SignedTransferAuthorization
    payee: ChecksumAddress
    value: int

    @property
    def payer(self) -> ChecksumAddress:
        """Who pays."""
        return self.signed.authorization.payer

    @property
    def wanted(self) -> WantedTransfer:
        """The payment that it makes."""
        return WantedTransfer(
            self.signed.token.address, self.payer, self.signed.authorization.nonce, self.payee, self.value
        )

    def claim(self, chain: Chain, submitter: bytes, key: bytes) -> NewPayment:
        """Return what the books are to have of it. ``key`` is the hash of an idempotency key, or empty. No request."""
        call = encode_authorized_transfer(chain, self.signed)
        return NewPayment(
            chain_id=chain.chain_id,
            token=self.signed.token.address,
            payer=self.payer,
            nonce=self.signed.authorization.nonce,
            purpose=PaymentPurpose.FACILITATOR,
            payee=self.payee,
            value=self.value,
            valid_before=self.signed.authorization.valid_before,
            call_to=call.address,
            call_data=bytes.fromhex(encode_call(call)[2:]),
            submitter=submitter,
            resource=key,
        )


def check_network(chain: Chain, request: FacilitatorRequest, scheme: str) -> None:
    """Check that a payment and its requirements name a scheme and the chain. Raises PaymentRefused."""
    required, network = request.required, format_network(chain.chain_id)
    for given in (required, request.accepted):
        if given.scheme != scheme:
            raise PaymentRefused(UNSUPPORTED_SCHEME, f"the scheme is {ascii(given.scheme)[:40]}, and not {scheme}")
        if given.network != network:
            raise PaymentRefused(NETWORK_MISMATCH, f"the network is {ascii(given.network)[:40]}, and not {network}")


def read_demand(chain: Chain, request: FacilitatorRequest, settings: FacilitatorSettings, caller: Caller) -> Demand:
    """Read the transfer of a request and what is required of it. No request to the node.

    Raises:
        PaymentMalformed: The payload or the requirements cannot be read.
        PaymentRefused: The scheme, the chain, the token, the amount or the payee is not one that is taken of this caller.
    """
    check_network(chain, request, EXACT_SCHEME)
    authorization, signature = read_transfer(request.payload)
    token, payee, value = _read_required(chain, request.required)
    if token.address not in settings.tokens:
        raise PaymentRefused(INVALID_REQUIREMENTS, f"the token {token.address} is not one that is taken here")
    if value < settings.least:
        raise PaymentRefused(
            INVALID_REQUIREMENTS, f"the amount is below {settings.least}, the smallest one that is settled"
        )
    if caller.pay_to and payee not in caller.pay_to:
        raise PaymentRefused(INVALID_REQUIREMENTS, f"{payee} is not an account that this server may have paid")
    return Demand(SignedTransferAuthorization(authorization, token, signature), payee, value)


def _read_required(chain: Chain, required: Accepted) -> tuple[Domain, ChecksumAddress, int]:
    extra = required.extra or {}
    name, version = extra.get("name"), extra.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        raise PaymentRefused(NO_DOMAIN, "the requirements do not name the token's domain, by name and version in extra")
    try:
        token = Domain(name, version, chain.chain_id, parse_address(required.asset or "", "asset"))
        return token, parse_address(required.pay_to or "", "payee address"), read_integer(required.amount, "amount")
    except PaymentMalformed as error:
        raise PaymentRefused(INVALID_REQUIREMENTS, error.reason) from None
    except InvalidMessage:
        raise
    except NvmChainError as error:
        raise PaymentRefused(INVALID_REQUIREMENTS, error.problem) from None


def check_demand(
    chain: Chain, demand: Demand, settings: FacilitatorSettings, sender: ChecksumAddress | None
) -> RawCall | None:
    """Check a transfer against the chain. Return the call that deploys the payer's wallet, or None.

    Two round trips for a good one. Raises what `check_authorized_transfer` raises.
    """
    return check_authorized_transfer(
        chain,
        demand.signed,
        payee=demand.payee,
        value=demand.value,
        factories=settings.factories,
        relayer=sender,
        gas=settings.gas,
    )


def find_payment_by_others(chain: Chain, demand: Demand) -> PaidTransfer:
    """Return the payment of a transfer that somebody else has sent. Raises TransferAlreadyUsed if it was canceled.

    The signature is not checked, because the token has done so.
    """
    check_terms(demand.signed, payee=demand.payee, value=demand.value)
    check_domain(chain, demand.signed)
    paid = find_authorized_transfer(chain, demand.wanted)
    if paid is None:
        raise TransferAlreadyUsed(demand.payer, demand.signed.authorization.nonce)
    return paid
