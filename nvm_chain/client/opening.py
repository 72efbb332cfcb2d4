"""The start of a session: what the service accepts is asked without a payment, and a session is opened for the best of it."""

from collections.abc import Generator

from nvm_chain.client.asking import SESSION, find_offer, open_session
from nvm_chain.client.buyer import Buyer, HeldToken
from nvm_chain.client.steps import Reply, Step, Wanted
from nvm_chain.errors.fields import Credits, Seconds


def begin_session(
    buyer: Buyer, wanted: Wanted, *, limit: Credits, seconds: Seconds, per_request: Credits | None
) -> Generator[Step, Reply, HeldToken]:
    """Ask what a service accepts, and open a session for it. Two requests of HTTP.

    Raises:
        PaymentNotAllowed: The session is not within the limits of the buyer. Nothing was signed.
        GatewayRefused: The service does not offer credits that vouchers pay, or the gateway refused the session.
    """
    offered = yield from find_offer(buyer, wanted, SESSION)
    token = yield from open_session(buyer, wanted.place, offered, limit=limit, seconds=seconds, per_request=per_request)
    buyer.remember(wanted.place, token)
    return token
