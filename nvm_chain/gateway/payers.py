"""What a request brings to be paid for, read from its headers."""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from nvm_chain.errors import InvalidMessage, PaymentMalformed
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.meter.credentials import TOKEN_PREFIX, Credential, TokenCredential, VoucherCredential
from nvm_chain.meter.idempotency import check_key
from nvm_chain.signing.service_tokens import read_service_token
from nvm_chain.x402.accepted import INVALID_PAYLOAD, Accepted
from nvm_chain.x402.exact import ExactPayment
from nvm_chain.x402.orders import OrderPayment
from nvm_chain.x402.payments import CreditsPayment, read_payment
from nvm_chain.x402.sign_ins import read_sign_in


@dataclass(frozen=True, slots=True)
class Payer:
    """A credential, and the idempotency key of its request if it has one.

    ``accepted`` is the offer that a payment accepts. A token accepts none.
    """

    credential: Credential
    key: str | None = None
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class BuyingPayer:
    """A payment by which money moves before the request is served, and the idempotency key of the request if it has one."""

    payment: ExactPayment | OrderPayment
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SigningPayer:
    """A message that an account has signed for the request, and the idempotency key of the request if it has one."""

    text: str
    signature: bytes
    key: str | None = None


AnyPayer: TypeAlias = Payer | BuyingPayer | SigningPayer
"""What a request can bring to be paid for."""
_NOUN: Final = "request"


def read_payer(incoming: Incoming) -> Payer | None:
    """Return the credential of a request. None if it brings nothing.

    Raises:
        InvalidMessage: It brings something that is malformed or is not a credential, or two things.
    """
    payer = read_any_payer(incoming)
    if payer is None or isinstance(payer, Payer):
        return payer
    raise InvalidMessage(
        _NOUN, "it brings a payment or a sign-in that is for a service, and not for the gateway itself"
    )


def read_any_payer(incoming: Incoming) -> AnyPayer | None:
    """Return what a request brings to be paid for. None if it brings nothing.

    Beside a payment, a sign-in is ignored: some clients go on sending the one that was not enough.

    Raises:
        PaymentMalformed: It brings a payment that cannot be read.
        InvalidMessage: It brings something else that is malformed, or two things.
    """
    if incoming.bearer is not None and (incoming.payment is not None or incoming.sign_in is not None):
        raise InvalidMessage(_NOUN, "it has a token, and a payment or a sign-in, so who pays is not certain")
    payer = _read(incoming)
    return payer if payer is None else _take_key(payer, incoming)


def _take_key(payer: AnyPayer, incoming: Incoming) -> AnyPayer:
    if incoming.idempotency_key is None:
        return payer
    key = check_key(incoming.idempotency_key)
    if payer.key not in (None, key):
        raise InvalidMessage(_NOUN, "its Idempotency-Key is not the id of its payment")
    return replace(payer, key=key)


def _read(incoming: Incoming) -> AnyPayer | None:
    if incoming.payment is not None:
        payment = read_payment(incoming.payment)
        if not isinstance(payment, CreditsPayment):
            return BuyingPayer(payment, payment.payment_id)
        return Payer(VoucherCredential(payment.signed, payment.binding), payment.payment_id, payment.accepted)
    if incoming.sign_in is not None:
        return SigningPayer(*_read_sign_in(incoming.sign_in))
    if incoming.bearer is None:
        return None
    if incoming.bearer.startswith(TOKEN_PREFIX):
        return Payer(TokenCredential(incoming.bearer))
    return Payer(VoucherCredential(read_service_token(incoming.bearer)))


def _read_sign_in(header: str) -> tuple[str, bytes]:
    try:
        return read_sign_in(header)
    except InvalidMessage as error:
        raise PaymentMalformed(error.kind, error.reason, INVALID_PAYLOAD) from None
