"""Vouchers for the official client: which ceiling is signed for an offer, and what becomes of it after the answer."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from nvm_chain.client.buyer import VOUCHER_SECONDS, Buyer
from nvm_chain.client.credentials import find_problem, sign_ceiling
from nvm_chain.client.places import Place, find_origin
from nvm_chain.client.purse import Reserved
from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.integrations.x402.asked import Asked
from nvm_chain.meter.bindings import Binding, Level, build_binding
from nvm_chain.meter.bodies import UNSIGNED, hash_body
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.json_text import parse_json
from nvm_chain.x402.offers import CreditsOffer

UNKNOWN_ADDRESS: Final = "the official client did not say which request the offer is for"
OTHER_SERVER: Final = "the server is not one of those that the plug-in pays"
UNSEEN: Final = (
    "it wants payments that are bound to method and body: send the request by `open_session` or `open_client`"
)

_Key = tuple[int, int]
_sent: ContextVar[list["_Key"] | None] = ContextVar("nvm_chain_x402_sent", default=None)


class Vouchers:
    """Signs vouchers of a buyer, and remembers those whose answer is not there yet. Threads share one."""

    def __init__(self, buyer: Buyer, urls: tuple[str, ...]) -> None:
        """Take the buyer, and the URLs of the servers that are paid. Raises InvalidUrl."""
        self.buyer, self._origins = buyer, frozenset(map(find_origin, urls))
        self._lock = threading.Lock()
        self._open: dict[_Key, Reserved] = {}
        self._least: dict[int, Credits] = {}

    def find_problem(self, asked: Asked | None, offer: CreditsOffer) -> str | None:
        """Return why an offer may not be paid, in words. None if it may. The chain is asked once for each redeemer."""
        if asked is None:
            return UNKNOWN_ADDRESS
        if not self.pays(asked.place):
            return OTHER_SERVER
        if asked.noted is None and offer.level == Level.FULL:
            return UNSEEN
        return find_problem(self.buyer, asked.place, offer)

    def pays(self, place: Place) -> bool:
        """Return whether the server of an address is paid."""
        return place.origin in self._origins

    def sign(self, asked: Asked | None, offer: CreditsOffer) -> dict[str, Any]:
        """Sign a voucher for an offer, and return the payload of the payment.

        Raises:
            PaymentNotAllowed: The offer or the ceiling is not within the limits. Nothing was signed.
            InvalidTarget: Servers could read the path differently.
        """
        problem = self.find_problem(asked, offer)
        if asked is None or problem is not None:
            raise PaymentNotAllowed(offer.service, (problem or UNKNOWN_ADDRESS,))
        binding = bind(asked, offer)
        with self._lock:
            least = self._least.pop(offer.plan_id, 0)
        deadline = self.buyer.find_now() + VOUCHER_SECONDS
        reserved, signed = sign_ceiling(
            self.buyer, offer, offer.amount, context=binding.context, deadline=deadline, least=least
        )
        self._remember(reserved)
        return build_payload(signed, binding)

    def _remember(self, reserved: Reserved) -> None:
        key = (reserved.plan_id, reserved.ceiling)
        with self._lock:
            self._open[key] = reserved
        sent = _sent.get()
        if sent is not None:
            sent.append(key)

    def note_least(self, plan_id: PlanId, ceiling: Credits) -> None:
        """Note the ceiling that a gateway wants for the next voucher of a plan."""
        with self._lock:
            self._least[plan_id] = ceiling

    def note_answer(self, voucher: Any, cost: Credits) -> Reserved | None:
        """Give back what a request did not cost. Return what was reserved for its voucher, or None if it is not known."""
        try:
            key = (int(voucher["planId"]), int(voucher["ceiling"]))
        except (KeyError, TypeError, ValueError):
            return None
        with self._lock:
            reserved = self._open.pop(key, None)
        if reserved is not None:
            self.buyer.purse.give_back(reserved, cost)
        return reserved

    @contextmanager
    def taking_back(self) -> Iterator[list[_Key]]:
        """Take back the ceilings that were signed in the block for requests that got no answer about their payment.

        The block gets a list, which has an element for each voucher that was signed in it.
        """
        keys: list[_Key] = []
        token = _sent.set(keys)
        try:
            yield keys
        finally:
            _sent.reset(token)
            for key in keys:
                with self._lock:
                    reserved = self._open.pop(key, None)
                if reserved is not None:
                    self.buyer.purse.take_back(reserved)


def bind(asked: Asked, offer: CreditsOffer) -> Binding:
    """Return the binding of a request: to all of it if the plug-in has seen it, else to its path and query."""
    noted = asked.noted
    target = asked.place.target
    if noted is None:
        name = f"request_{secrets.token_hex(16)}"
        return build_binding(offer.service, UNSIGNED, target, UNSIGNED, name, level=Level.RESOURCE)
    name = noted.key or f"request_{secrets.token_hex(16)}"
    return build_binding(offer.service, noted.method, target, hash_body(noted.body), name)


def build_payload(signed: SignedVoucher, binding: Binding) -> dict[str, Any]:
    """Return the payload of a payment with a voucher."""
    return {"voucher": parse_json(signed.to_json()), "binding": parse_json(binding.to_json())}
