"""Buyers with a session of requests whose adapter counts what it sends."""

import base64
import json
import socket
from dataclasses import dataclass, field
from typing import Any

import requests
from eth_account.signers.local import LocalAccount

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.requests_adapter import PayingAdapter
from tests.gateway.shop import Gate

WIDE = {"per_request": 10, "in_all": 100_000}


class CountingAdapter(PayingAdapter):
    """An adapter that keeps every request as it goes out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without requests."""
        super().__init__(*args, **kwargs)
        self.sent: list[requests.PreparedRequest] = []

    def send_plain(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as it is, and keep it."""
        self.sent.append(request)
        return super().send_plain(request, *args, **kwargs)


@dataclass
class Client:
    """A buyer, and the session that it pays for."""

    gate: Gate
    buyer: Buyer
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Mount the adapter."""
        self.adapter = CountingAdapter(self.buyer, self.gate.url)
        self.session.mount(f"{self.gate.url}/", self.adapter)

    @property
    def sent(self) -> list[requests.PreparedRequest]:
        """Every request as it went out."""
        return self.adapter.sent

    def ask(self, method: str, target: str, **more: Any) -> requests.Response:
        """Send an ordinary request to the service."""
        return self.session.request(method, self.gate.service_url + target, timeout=60, **more)

    def vouchers(self) -> list[dict[str, Any]]:
        """Return the vouchers that went out."""
        return [voucher for request in self.sent if (voucher := read_voucher(request)) is not None]

    def account(self) -> dict[str, Any]:
        """Return the account of the buyer, as the gateway tells it."""
        signer = self.buyer.wallet
        return self.gate.account(self.gate.token(0, buyer=signer, ceiling=1))


def read_voucher(request: requests.PreparedRequest) -> dict[str, Any] | None:
    """Return the voucher of a request, or None."""
    header = request.headers.get("payment-signature")
    if header is None:
        return None
    voucher: dict[str, Any] = json.loads(base64.b64decode(header))["payload"]["voucher"]
    return voucher


def open_client(gate: Gate, *, signer: LocalAccount | None = None, limits: Any = None, **changes: Any) -> Client:
    """Return a client with a connection of its own to the chain."""
    chain = gate.shop.connect()
    buyer = Buyer(
        chain,
        signer or gate.buyer,
        build_limits(**{**WIDE, "plans": [gate.shop.credits_plan], **(limits or {})}),
        **changes,
    )
    return Client(gate, buyer)


def find_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
