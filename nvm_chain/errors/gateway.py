"""What a gateway answers if a request is not paid for, or if the service behind it does not answer."""

from nvm_chain.errors.families import InputError, UpstreamError
from nvm_chain.errors.fields import Name, Phrase, Quantity, Seconds


class PaymentMissing(InputError):
    """Raised when a request to a paid endpoint came without a payment, a token or a voucher."""

    service: Name

    problem = "This request to {service} has to be paid for."
    next_step = "Send a payment in the header PAYMENT-SIGNATURE, or a token in the header Authorization."


class SessionMissing(InputError):
    """Raised when a websocket of a paid endpoint came without the token of a session or a sign-in."""

    service: Name

    problem = "A websocket of {service} is paid for by a session or a sign-in, and not by a voucher for one request."
    next_step = (
        "Open a session with POST /sessions, or sign in with POST /sign-in. Send its token in the header Authorization, or "
        "as the subprotocol nvm.bearer.TOKEN."
    )


class NoWebsockets(InputError):
    """Raised when a websocket came to a service that is sold by requests only."""

    service: Name

    problem = "The service {service} has no websockets."
    next_step = "Send ordinary requests. The seller can sell websockets too, with the key websocket in the configuration of the gateway."


class UpstreamUnreachable(UpstreamError):
    """Raised when the service behind a gateway cannot be reached. The service did not see the request."""

    service: Name

    problem = "{service} cannot be reached behind the gateway. Nothing was charged."
    next_step = "Try again later, with the same payment."


class UpstreamBusy(UpstreamError):
    """Raised when the service behind a gateway has as many requests as it may have at the same time. It did not see this one."""

    service: Name
    most: Quantity

    problem = (
        "{service} behind the gateway has {most} requests running, and no other one ends in time. Nothing was charged."
    )
    next_step = "Try again later, with the same payment."


class UpstreamFailed(UpstreamError):
    """Raised when the service behind a gateway did not give a usable answer. It may have seen the request."""

    service: Name
    reason: Phrase

    problem = "The service {service} behind the gateway {reason}. Nothing was charged."
    next_step = "Try again with a new payment, or ask the seller."


class UpstreamTooSlow(UpstreamError):
    """Raised when the service behind a gateway did not answer in time. It may have seen the request."""

    service: Name
    limit: Seconds

    problem = "The service {service} behind the gateway did not answer within {limit}. Nothing was charged."
    next_step = "Try again with a new payment, or ask the seller."
