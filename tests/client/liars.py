"""Servers that ask for more than they should, for tests of what a client does not sign."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from nvm_chain.client.buyer import Buyer
from nvm_chain.x402.headers import PAYMENT_REQUIRED, write_header
from nvm_chain.x402.offers import CreditsAccount, CreditsOffer
from nvm_chain.x402.required import build_required, build_resource
from tests.gateway.serving import served
from tests.gateway.shop import Shop


@dataclass
class Liar:
    """A server that answers every request with a 402, whose offer a test has changed. ``redirects`` leads paid requests on, and ``moves`` others."""

    shop: Shop
    changes: dict[str, Any] = field(default_factory=dict)
    next_ceiling: int | None = None
    sign_in: str | None = None
    challenge: dict[str, Any] = field(default_factory=dict)
    redirects: str | None = None
    moves: str | None = None
    status_when_paid: int = 402
    error_when_paid: str = "CeilingTooLow"
    seen: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append(headers)
        self.paths.append(scope["path"])
        status, body, more = self._answer(scope["path"], headers)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length, *more]})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        if path == "/sign-in":
            return 200, json.dumps(self.challenge).encode(), []
        is_paid = "payment-signature" in headers
        to = self.redirects if is_paid else self.moves
        if to is not None:
            return 307, b"", [(b"location", to.encode())]
        if is_paid and self.status_when_paid != 402:
            return self.status_when_paid, b"", []
        required = self._require(is_paid)
        return 402, json.dumps(required).encode(), [(PAYMENT_REQUIRED.encode(), write_header(required).encode())]

    def _require(self, is_paid: bool) -> dict[str, Any]:
        shop, account = self.shop, None
        if is_paid and self.next_ceiling is not None:
            account = CreditsAccount(shop.buyers[0].address, self.next_ceiling)
        offer = CreditsOffer(
            shop.chain.chain_id,
            shop.chain.credits.address,
            shop.credits_plan,
            shop.redeemer.address,
            2,
            60,
            shop.did,
            "full",
            account,
        )
        extensions = None
        offers = [replace(offer, **self.changes)]
        if self.sign_in is not None:
            plans = [{"planId": str(shop.time_plan), "kind": "time"}]
            extensions = {"nvm-sign-in": {"info": {"challenge": self.sign_in, "plans": plans}}}
            offers = []
        required = build_required(build_resource("http://x"), offers, error="Pay", extensions=extensions)
        return required | {"nvm": {"type": self.error_when_paid if is_paid else "PaymentMissing"}}

    @property
    def signatures(self) -> list[str]:
        """The payments that arrived."""
        return [headers["payment-signature"] for headers in self.seen if "payment-signature" in headers]


@contextmanager
def lying(shop: Shop, **changes: Any) -> Iterator[tuple[Liar, str]]:
    """Run a server that lies, and yield it with its URL."""
    liar = Liar(shop, **changes)
    with served(liar) as url:
        yield liar, url


def is_untouched(buyer: Buyer, plan_id: int) -> bool:
    """Return whether nothing was signed."""
    return buyer.ceilings.read(plan_id) is None and buyer.ceilings.sum_signed() == 0


@contextmanager
def hanging_up(first: bytes) -> Iterator[str]:
    """Run a server that answers once, and closes every later connection after it has read the head of a request."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        stop = threading.Event()

        def serve() -> None:
            answers = [first]
            while not stop.is_set():
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(10)
                    connection.recv(65_536)
                    if answers:
                        connection.sendall(answers.pop())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield url
        finally:
            stop.set()
            with socket.create_connection(listener.getsockname()):
                thread.join(10)
