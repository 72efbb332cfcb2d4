"""Errors of payments over x402 that do not fit an offer: malformed ones, and ones for another offer than today's."""

from nvm_chain.errors.families import SignatureError
from nvm_chain.errors.fields import Compared, Name, Phrase
from nvm_chain.errors.inputs import InvalidMessage


class PaymentMalformed(InvalidMessage):
    """Raised when a payment over x402 cannot be read. ``code`` is the protocol's word for the reason."""

    kind: Name
    reason: Phrase
    code: Name

    problem = "This is not a {kind} that this server takes: {reason}."
    next_step = "Send a payment for an offer of the 402, in the form of x402 version 2."


class OfferDiffers(SignatureError):
    """Raised when a payment accepts something else than what a server offers now. What it allows may be unused still."""

    field: Name
    accepted: Compared
    offered: Compared

    problem = "The payment accepts an offer whose {field} is {accepted}, but this server offers {offered}."
    next_step = "Pay by an offer of this answer."
