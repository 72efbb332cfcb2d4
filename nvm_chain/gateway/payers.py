"""What a request brings to be paid for, read from its headers."""

from dataclasses import dataclass, replace

from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.meter.credentials import TOKEN_PREFIX, Credential, TokenCredential, VoucherCredential
from nvm_chain.meter.idempotency import check_key
from nvm_chain.signing.service_tokens import read_service_token
from nvm_chain.x402.payments import read_payment


@dataclass(frozen=True, slots=True)
class Payer:
    """A credential, and the idempotency key of its request if it has one."""

    credential: Credential
    key: str | None = None


def read_payer(incoming: Incoming) -> Payer | None:
    """Return what a request brings to be paid for. None if it brings nothing.

    Raises:
        InvalidMessage: It brings something that is malformed, or two things.
    """
    if incoming.payment is not None and incoming.bearer is not None:
        raise InvalidMessage("request", "it has a payment and a token, so who pays is not certain")
    payer = _read_credential(incoming)
    if payer is None or incoming.idempotency_key is None:
        return payer
    key = check_key(incoming.idempotency_key)
    if payer.key not in (None, key):
        raise InvalidMessage("request", "its Idempotency-Key is not the id of its payment")
    return replace(payer, key=key)


def _read_credential(incoming: Incoming) -> Payer | None:
    if incoming.payment is not None:
        payment = read_payment(incoming.payment)
        return Payer(VoucherCredential(payment.signed, payment.binding), payment.payment_id)
    if incoming.bearer is None:
        return None
    if incoming.bearer.startswith(TOKEN_PREFIX):
        return Payer(TokenCredential(incoming.bearer))
    return Payer(VoucherCredential(read_service_token(incoming.bearer)))
