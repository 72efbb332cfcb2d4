"""Official resource servers that use a facilitator: FastAPI in this process, and express in a process of its own."""

import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from x402.http import FacilitatorConfig, HTTPFacilitatorClient, PaymentOption
from x402.http.facilitator_client_base import AuthHeaders
from x402.http.middleware.fastapi import payment_middleware
from x402.http.types import RouteConfig
from x402.mechanisms.evm.exact.server import ExactEvmScheme
from x402.schemas import AssetAmount
from x402.server import x402ResourceServer

from tests.gateway.serving import served
from tests.x402.facilitator.desks import PRICE

NETWORK = "eip155:31337"
ROOT = Path(__file__).parent.parent.parent.parent
EXPRESS = Path(__file__).parent / "programs" / "express_shop.mjs"


class Bearer:
    """Gives the official client the token of a caller."""

    def __init__(self, token: str) -> None:
        self.headers = {"Authorization": f"Bearer {token}"}

    def get_auth_headers(self) -> AuthHeaders:
        """Return the headers of each path."""
        return AuthHeaders(verify=self.headers, settle=self.headers, supported=self.headers)


@asynccontextmanager
async def _closing(client: HTTPFacilitatorClient) -> AsyncIterator[None]:
    yield
    await client.aclose()


@contextmanager
def open_fastapi_shop(facilitator: str, token: str, usdc: str, pay_to: str, flow: str = "") -> Iterator[str]:
    """Run the official FastAPI middleware before ``/answer``, and yield the shop's URL."""
    client = HTTPFacilitatorClient(FacilitatorConfig(url=facilitator, auth_provider=Bearer(token)))
    app, server = FastAPI(lifespan=lambda _: _closing(client)), x402ResourceServer(client)
    server.register(NETWORK, ExactEvmScheme())  # type: ignore[arg-type]  # its own two declarations differ
    domain = {"name": "USDC", "version": "2", **({"paymentFlow": flow} if flow else {})}
    price = AssetAmount(asset=usdc, amount=str(PRICE), extra=domain)
    option = PaymentOption(scheme="exact", pay_to=pay_to, price=price, network=NETWORK)
    protect = payment_middleware({"GET /answer": RouteConfig(accepts=option)}, server)

    @app.middleware("http")
    async def check(request: Request, call_next: Any) -> Response:
        return await protect(request, call_next)

    @app.get("/answer")
    async def serve() -> Response:
        return Response(b"42", media_type="text/plain")

    with served(app) as url:
        yield url


@contextmanager
def open_express_shop(facilitator: str, token: str, usdc: str, pay_to: str) -> Iterator[str]:
    """Run the official express middleware before ``/answer``, and yield the shop's URL."""
    settings = {"facilitator": facilitator, "token": token, "usdc": usdc, "payTo": pay_to, "amount": str(PRICE)}
    environment = {**os.environ, "SETTINGS": json.dumps(settings), "NODE_NO_WARNINGS": "1"}
    process = subprocess.Popen(["node", str(EXPRESS)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
