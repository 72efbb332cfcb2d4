"""The start of a session: what the service accepts is asked without a payment, and a session is opened for the best of it."""

from collections.abc import Generator

from nvm_chain.client.asking import open_session
from nvm_chain.client.buyer import Buyer, HeldToken
from nvm_chain.client.choosing import find_option
from nvm_chain.client.steps import Reply, Send, Step, Wanted
from nvm_chain.client.wire import Offered, Required, read_required
from nvm_chain.errors import GatewayRefused, PaymentNotAllowed
from nvm_chain.errors.fields import Credits, Seconds


def begin_session(
    buyer: Buyer, wanted: Wanted, *, limit: Credits, seconds: Seconds, per_request: Credits | None
) -> Generator[Step, Reply, HeldToken]:
    """Ask what a service accepts, and open a session for it. Two requests of HTTP.

    Raises:
        PaymentNotAllowed: The session is not within the limits of the buyer. Nothing was signed.
        GatewayRefused: The service does not offer credits that vouchers pay, or the gateway refused the session.
    """
    reply = yield Send({})
    required = read_required(reply.headers, reply.body) if reply.status == 402 else None
    offered = _choose(buyer, wanted, required)
    token = yield from open_session(buyer, wanted.place, offered, limit=limit, seconds=seconds, per_request=per_request)
    buyer.remember(wanted.place, token)
    return token


def _choose(buyer: Buyer, wanted: Wanted, required: Required | None) -> Offered:
    if required is None or not required.offers:
        place = wanted.place
        raise GatewayRefused(place.base, "a session", f"it asks for no credits at {place.target or '/'}")
    only_vouchers = Required(required.offers, None, required.error, required.message)
    option, reasons = find_option(buyer, wanted.place, only_vouchers)
    if option is None or option.offered is None:
        raise PaymentNotAllowed(wanted.place.service or wanted.place.origin, reasons)
    return option.offered
