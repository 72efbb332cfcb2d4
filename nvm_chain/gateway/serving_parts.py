"""What a server has beside its services: pages, and what serves payments by which money moves."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.forwarding import Passage, Send
from nvm_chain.gateway.incoming import Headers, Incoming
from nvm_chain.gateway.payers import BuyingPayer
from nvm_chain.gateway.refusals import Refusal
from nvm_chain.x402.offers import Offer

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Checkout(Protocol):
    """What answers on the pages of plans."""

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered."""


class Buying(Protocol):
    """What serves requests for payments by which money moves first."""

    async def serve(self, payer: BuyingPayer, offer: Offer, passage: Passage, send: Send, more: Headers) -> None:
        """Serve a request for a payment that accepts an offer of now, or answer why it is not served."""

    async def answer_known(self, payer: BuyingPayer, passage: Passage) -> Refusal | None:
        """Return the answer to a payment that accepts no offer of now, if something was signed for it. Otherwise None."""


class Charging(Protocol):
    """What serves requests for charges of MPP."""

    async def serve(self, text: str, passage: Passage, send: Send, more: Headers) -> None:
        """Serve a request for a credential, or raise Refused with the answer why it is not served."""

    async def offer(self, refusal: Refusal, passage: Passage) -> Refusal:
        """Return an answer that asks for a payment with challenges beside its other offers."""
