"""Sign-ins for the official client: a signed message in place of a payment, for plans whose requests need no voucher.

The extension of the official package is not used. Its hook needs an event loop, it signs whatever a server states, and takes the
first chain that is offered. The header here is the same.
"""

import threading
import time
from typing import Any, Final

from nvm_chain.client.asking import sign_personal
from nvm_chain.client.credentials import find_service_problem
from nvm_chain.client.places import Place, find_origin, find_place
from nvm_chain.client.wire import read_sign_in
from nvm_chain.errors import InputError
from nvm_chain.integrations.x402.asked import find_target
from nvm_chain.integrations.x402.official import PaymentRequiredContext, PaymentRequiredHeadersResult
from nvm_chain.integrations.x402.purse import Vouchers
from nvm_chain.meter.sign_in import MAX_SECONDS, STATEMENT
from nvm_chain.meter.sign_in_messages import SignInMessage, parse_sign_in, read_second, write_periods
from nvm_chain.signing.eip712 import HashSigner
from nvm_chain.x402.extensions import SIGN_IN_WITH_X
from nvm_chain.x402.headers import write_header
from nvm_chain.x402.networks import format_network
from nvm_chain.x402.sign_ins import KIND

PAUSE_SECONDS: Final = 60
"""How long no sign-in is sent to a service that did not serve the last one."""


class SignIns:
    """An extension of the official client. Threads share one."""

    key = SIGN_IN_WITH_X
    hooks = None

    def __init__(self, vouchers: Vouchers) -> None:
        """Take what knows the buyer and its servers."""
        self._vouchers = vouchers
        self._lock = threading.Lock()
        self._tried: dict[tuple[str, str | None], Any] = {}
        self._refused: dict[tuple[str, str | None], float] = {}
        self.transport_hooks: Any = self
        self.http = self

    def enrich_payment_payload(self, payment_payload: Any, payment_required: Any) -> Any:
        """Return the payment as it is."""
        return payment_payload

    def on_payment_required(
        self, declaration: Any, context: PaymentRequiredContext
    ) -> PaymentRequiredHeadersResult | None:
        """Sign the message that a server declares, if the limits allow it. The official client calls this before it pays."""
        place = find_place(context.request_url, find_target(context.request_url))
        key = (place.base, place.service)
        if self._refused.get(key, 0) > time.monotonic() or not self._may_sign(context, place):
            return None
        message = self._build(declaration, place)
        if message is None:
            return None
        with self._lock:
            self._tried[key] = context.payment_required
        return PaymentRequiredHeadersResult({SIGN_IN_WITH_X: write_header(self._sign(message))})

    def note_paid(self, requirements: Any, place: Place) -> None:
        """Note that a request is paid for. If it was signed in before, the service is not asked so for a while."""
        key = (place.base, place.service)
        with self._lock:
            required = self._tried.pop(key, None)
            if required is not None and any(offer is requirements for offer in required.accepts):
                self._refused[key] = time.monotonic() + PAUSE_SECONDS

    def _may_sign(self, context: PaymentRequiredContext, place: Place) -> bool:
        """Return whether a server may have a sign-in: it is one of those that are paid, and all plans of sign-ins are allowed.

        The message names no plan, so the server takes the request from whichever it likes.
        """
        buyer = self._vouchers.buyer
        if not self._vouchers.pays(place) or not isinstance(buyer.signer, HashSigner):
            return False
        offered = read_sign_in(getattr(context.payment_required, "extensions", None))
        plans = {} if offered is None else offered.plans
        limits = buyer.limits
        is_dear = any(plan.credits > limits.per_request for plan in plans.values())
        return bool(plans) and not is_dear and (not limits.plans or limits.plans.issuperset(plans))

    def _build(self, declaration: Any, place: Place) -> SignInMessage | None:
        """Return the message to sign. None if it is malformed, for another server or chain, or not within the limits."""
        buyer = self._vouchers.buyer
        network = {"chainId": format_network(buyer.chain.chain_id), "type": KIND}
        try:
            info = declaration["info"]
            if not any(network.items() <= chain.items() for chain in declaration["supportedChains"]):
                return None
            if (find_origin(info["uri"]), info["domain"]) != (place.origin, place.origin.partition("://")[2]):
                return None
            message = self._fill(info)
            span = read_second(str(message.expiration_time)) - read_second(message.issued_at)
            services = message.services
            problems = [find_service_problem(buyer.limits, place, service) for service in services]
            is_allowed = 0 < span <= MAX_SECONDS and len(services) == 1 and problems == [None]
            return parse_sign_in(message.text) if is_allowed else None
        except (InputError, KeyError, TypeError, AttributeError):
            return None

    def _fill(self, info: Any) -> SignInMessage:
        """Return the message of a declaration. Its statement is ours, so it opens no more periods than the limits say."""
        periods = self._vouchers.buyer.limits.max_periods
        return SignInMessage(
            domain=info["domain"],
            address=self._vouchers.buyer.signer.address,
            uri=info["uri"],
            chain_id=self._vouchers.buyer.chain.chain_id,
            nonce=info["nonce"],
            issued_at=info["issuedAt"],
            expiration_time=info.get("expirationTime"),
            statement=f"{STATEMENT} {write_periods(periods)}" if periods else STATEMENT,
            resources=tuple(info.get("resources") or ()),
        )

    def _sign(self, message: SignInMessage) -> dict[str, Any]:
        return {
            "domain": message.domain,
            "address": message.address,
            "statement": message.statement,
            "uri": message.uri,
            "version": "1",
            "chainId": format_network(message.chain_id),
            "type": KIND,
            "nonce": message.nonce,
            "issuedAt": message.issued_at,
            "expirationTime": message.expiration_time,
            "resources": list(message.resources or ()),
            "signature": f"0x{sign_personal(self._vouchers.buyer, message.text).hex()}",
        }
