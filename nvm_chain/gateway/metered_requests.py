"""What the meter has to know of a request that is paid by a voucher or a token."""

from nvm_chain.gateway.forwarding import Passage
from nvm_chain.gateway.payers import Payer
from nvm_chain.meter.bodies import UNSIGNED
from nvm_chain.meter.credentials import VoucherCredential
from nvm_chain.meter.requests import Request


def find_signed_body(payer: Payer, passage: Passage) -> str | None:
    """Return the digest that was signed for a long body, which is compared while it is handed on."""
    if passage.body.is_short or not isinstance(payer.credential, VoucherCredential):
        return None
    binding = payer.credential.binding
    return None if binding is None or binding.body == UNSIGNED else binding.body


def build_request(payer: Payer, passage: Passage) -> Request:
    """Return the request for the meter. Its body is known if it is short, or signed. Without a binding or a key, nobody asks."""
    credential = payer.credential
    is_bound = isinstance(credential, VoucherCredential) and credential.binding is not None
    is_asked = is_bound or payer.key is not None
    body = (passage.signed_body or passage.body.digest) if is_asked else None
    return Request(passage.service.did, passage.incoming.method, passage.target, body, payer.key)
