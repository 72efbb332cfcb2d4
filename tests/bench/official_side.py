"""The official middleware of x402 for FastAPI, with a facilitator in its process, as the other side of a bench.

The facilitator is the official one for ``exact``: it checks the signature, the balance, the nonce and a simulation with the node.
Everything else is as cheap as it can be. It runs in threads, so that requests do not wait for each other's node. A settlement
only remembers the nonce: no transaction is sent, and nothing is written. The handler answers by itself, without an upstream.
"""

import asyncio
from typing import Any, Final

from eth_account import Account
from fastapi import FastAPI, Request, Response
from x402.http import PaymentOption
from x402.http.middleware.fastapi import payment_middleware
from x402.http.types import RouteConfig
from x402.mechanisms.evm.exact.facilitator import ExactEvmScheme
from x402.mechanisms.evm.exact.server import ExactEvmScheme as ServerScheme
from x402.mechanisms.evm.signers import FacilitatorWeb3Signer
from x402.schemas import AssetAmount, SettleResponse, SupportedKind, SupportedResponse
from x402.server import x402ResourceServer

NETWORK: Final = "eip155:31337"
PRICE: Final = "10000"
"""A cent."""
SETTINGS: Final = (
    "uvicorn, one worker; official ExactEvmScheme (signature, balance, nonce, simulation by eth_call) in threads; "
    "settlements send nothing and write nothing; no upstream"
)


class InProcess:
    """A facilitator in the server's process. It settles each nonce once, in memory."""

    def __init__(self, scheme: ExactEvmScheme) -> None:
        self._scheme = scheme
        self._used: set[str] = set()

    async def verify(self, payload: Any, requirements: Any) -> Any:
        """Check a payment in a thread."""
        return await asyncio.to_thread(self._scheme.verify, payload, requirements)

    async def settle(self, payload: Any, requirements: Any) -> SettleResponse:
        """Remember a payment. The second one with its nonce fails."""
        nonce = payload.payload["authorization"]["nonce"]
        is_new = nonce not in self._used
        self._used.add(nonce)
        return SettleResponse(success=is_new, transaction=nonce, network=requirements.network)

    def get_supported(self) -> SupportedResponse:
        """Return the one kind."""
        return SupportedResponse(kinds=[SupportedKind(x402_version=2, scheme="exact", network=NETWORK)])


def build_official(node: str, token: str, pay_to: str) -> FastAPI:
    """Return the application. Its facilitator reads from a node, and never sends."""
    app, answer = FastAPI(), b"x" * 200
    scheme = ExactEvmScheme(FacilitatorWeb3Signer(Account.create().key.hex(), node))
    server = x402ResourceServer(InProcess(scheme))
    server.register(NETWORK, ServerScheme())  # type: ignore[arg-type]  # its own two declarations differ
    price = AssetAmount(asset=token, amount=PRICE, extra={"name": "USDC", "version": "2"})
    option = PaymentOption(scheme="exact", pay_to=pay_to, price=price, network=NETWORK)
    protect = payment_middleware({"POST /services/*": RouteConfig(accepts=option)}, server)

    @app.middleware("http")
    async def check(request: Request, call_next: Any) -> Response:
        return await protect(request, call_next)

    @app.post("/services/{rest:path}")
    async def serve(rest: str) -> Response:
        return Response(answer, media_type="text/plain")

    return app
