"""The official FastAPI middleware of x402 with the official facilitator in its process, on anvil with TestUSDC."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from x402 import x402Facilitator, x402ResourceServer
from x402.http.middleware.fastapi import payment_middleware
from x402.http.types import PaymentOption, RouteConfig
from x402.mechanisms.evm.exact.facilitator import ExactEvmScheme as ExactEvmFacilitator
from x402.mechanisms.evm.exact.server import ExactEvmScheme as ExactEvmServer
from x402.mechanisms.evm.signers import FacilitatorWeb3Signer
from x402.schemas import AssetAmount

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.token_domains import read_token_domain
from tests.gateway.serving import served
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World

AMOUNT = 10_000
FUNDS = 1_000_000
WAIT_SECONDS = 20


@dataclass
class Kiosk:
    """A server whose requests cost 0.01 TestUSDC. ``faults`` are what a test does instead of an answer, by path."""

    url: str
    world: World
    payee: LocalAccount
    seen: list[Any] = field(default_factory=list)
    faults: dict[str, Callable[[], Any]] = field(default_factory=dict)
    customers: list[Any] = field(default_factory=list)

    @property
    def chain(self) -> Chain:
        """The connection to the chain."""
        return self.world.chain

    @property
    def token(self) -> str:
        """TestUSDC."""
        return str(self.world.usdc.address)

    def new_payer(self) -> LocalAccount:
        """Return an account with tokens and without coins."""
        account: LocalAccount = self.chain.web3.eth.account.create()
        self.world.send(self.world.builder, self.world.usdc.functions.mint(account.address, FUNDS))
        return account

    def balance(self, account: LocalAccount) -> int:
        """Return how much of the token an account has."""
        return int(self.world.usdc.functions.balanceOf(account.address).call())


class LocalFacilitator:
    """The official facilitator as a resource server in the same process asks it."""

    def __init__(self, facilitator: x402Facilitator) -> None:
        """Take the facilitator."""
        self._facilitator = facilitator

    def get_supported(self) -> Any:
        """Return what the facilitator settles."""
        return self._facilitator.get_supported()

    async def verify(self, payload: Any, requirements: Any) -> Any:
        """Verify a payment."""
        return await self._facilitator.verify(payload, requirements)

    async def settle(self, payload: Any, requirements: Any) -> Any:
        """Settle a payment."""
        return await self._facilitator.settle(payload, requirements)


def build_app(kiosk: Kiosk, url: str, routes: dict[str, RouteConfig]) -> FastAPI:
    """Return the application of a kiosk: each path answers with its body, or as the test says."""
    network = f"eip155:{kiosk.chain.chain_id}"
    key = kiosk.chain.accounts[6].key.hex()
    facilitator = x402Facilitator()
    signer = FacilitatorWeb3Signer(private_key=key, rpc_url=url, confirmation_timeout_seconds=WAIT_SECONDS)
    facilitator.register([network], ExactEvmFacilitator(signer))
    server = x402ResourceServer(LocalFacilitator(facilitator))
    server.register(network, ExactEvmServer())  # type: ignore[arg-type]  # as in its own examples
    server.on_after_settle(lambda context: kiosk.faults["hook"]() if "hook" in kiosk.faults else None)
    app = FastAPI()
    middleware = payment_middleware(routes, server)

    @app.middleware("http")
    async def pay(request: Request, call_next: Any) -> Any:
        fault = kiosk.faults.get("before " + request.url.path)
        if fault is not None and "payment-signature" in request.headers:
            return fault()
        answer = await middleware(request, call_next)
        after = kiosk.faults.get("after " + request.url.path)
        return after() if after is not None and "payment-signature" in request.headers else answer

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def serve(path: str, request: Request) -> Any:
        kiosk.seen.append(await request.body())
        if path == "moved":
            return RedirectResponse("/elsewhere")
        fault = kiosk.faults.get(f"/{path}")
        return fault() if fault is not None else JSONResponse({"path": path, "times": len(kiosk.seen)})

    return app


@contextmanager
def run_kiosk() -> Iterator[Kiosk]:
    """Run the server on an anvil of its own."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        kiosk = Kiosk("", world, chain.accounts[7])
        price = AssetAmount(amount=str(AMOUNT), asset=kiosk.token, extra=read_domain(world))
        option = PaymentOption("exact", kiosk.payee.address, price, f"eip155:{chain.chain_id}", 60)
        routes = {path: RouteConfig(accepts=[option], description="one answer") for path in ("GET /*", "POST /*")}
        with served(build_app(kiosk, url, routes)) as kiosk.url:
            yield kiosk


def read_domain(world: World) -> dict[str, str]:
    """Return the name and the version of TestUSDC's domain."""
    domain = read_token_domain(world.chain, world.usdc.address)
    return {"name": domain.name, "version": domain.version}
