"""Official clients of x402 with the plug-in: both of ours that bind, and the stock wrappers of requests and httpx."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
from eth_account.signers.local import LocalAccount
from x402 import x402Client, x402ClientSync
from x402.http.clients import wrapHttpxWithPayment, x402_requests

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.integrations.x402.httpx_client import open_client
from nvm_chain.integrations.x402.plugin import pay_from_credits
from nvm_chain.integrations.x402.requests_session import open_session
from tests.client.clients import WIDE
from tests.gateway.shop import Gate

KINDS = ("session", "client", "stock session", "stock client")


@dataclass
class Official:
    """An official client, and what it sent."""

    gate: Any
    buyer: Buyer
    kind: str
    paying: Any
    http: Any
    payments: list[dict[str, Any]] = field(default_factory=list)
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        """Keep each payment as the official client made it."""
        self.paying.on_after_payment_creation(
            lambda context: self.payments.append(context.payment_payload.model_dump(by_alias=True))
        )

    def ask(self, method: str, target: str, **more: Any) -> Any:
        """Send an ordinary request to the service."""
        return self.send(method, self.gate.service_url + target, **more)

    def send(self, method: str, url: str, **more: Any) -> Any:
        """Send an ordinary request."""
        if isinstance(self.http, requests.Session):
            return self.http.request(method, url, timeout=60, **more)
        if isinstance(more.get("data"), bytes | str):
            more["content"] = more.pop("data")
        return self.runner.run(self._send(method, url, more))

    async def _send(self, method: str, url: str, more: dict[str, Any]) -> httpx.Response:
        answer: httpx.Response = await self.http.request(method, url, timeout=60, **more)
        return answer

    def vouchers(self) -> list[dict[str, Any]]:
        """Return the vouchers that were signed."""
        return [payment["payload"]["voucher"] for payment in self.payments]

    def close(self) -> None:
        """Close the connections."""
        if isinstance(self.http, requests.Session):
            self.http.close()
        else:
            self.runner.run(self.http.aclose())
        self.runner.close()


def open_official(
    gate: Gate,
    kind: str,
    *,
    signer: LocalAccount | None = None,
    limits: Any = None,
    controls: Any = None,
    options: Any = None,
    **changes: Any,
) -> Official:
    """Return an official client with the plug-in, and with a connection of its own to the chain."""
    own = {**WIDE, "plans": [gate.shop.credits_plan], **(limits or {})}
    buyer = Buyer(gate.shop.connect(), signer or gate.buyer, build_limits(**own), **changes)
    return open_buyer(gate, buyer, kind, controls=controls, options=options)


def open_buyer(gate: Any, buyer: Buyer, kind: str, *, controls: Any = None, options: Any = None) -> Official:
    """Return an official client that pays for a buyer."""
    paying: Any = x402ClientSync() if "session" in kind else x402Client()
    pay_from_credits(paying, buyer, gate.url, spend_controls=controls)
    http: Any = {
        "session": open_session,
        "client": open_client,
        "stock session": x402_requests,
        "stock client": wrapHttpxWithPayment,
    }[kind](paying, **(options or {}))
    return Official(gate, buyer, kind, paying, http)


def read_header(answer: Any, name: str) -> dict[str, Any]:
    """Return what a header of an answer says."""
    told: dict[str, Any] = json.loads(base64.b64decode(answer.headers[name]))
    return told
