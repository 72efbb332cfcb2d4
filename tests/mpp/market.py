"""A seller whose requests cost 0.01 TestUSDC each, a gateway that takes charges of MPP, and buyers with the official clients."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from mpp import Challenge as OfficialChallenge
from mpp.client.transport import Mpp
from mpp.methods.evm import client as evm
from web3.contract.contract import Contract

import nvm_chain as nvm
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.mpp.challenges import Challenge
from nvm_chain.mpp.charges import build_charge_payload, list_nonces, write_source
from nvm_chain.mpp.credentials import write_credential
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.tokens import read_token_balance
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.serving import served
from tests.gateway.shop import BALANCE, NEVER, PUBLIC, Gate, Shop
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World

PRICE = 10_000
PLAN_PRICE = 15_000
CREDITS = 100
FUNDS = 1_000_000
SECONDS = 60
PROGRAM = Path(__file__).parent / "client.mjs"


@dataclass
class UsdcShop(Shop):
    """A shop whose connections know TestUSDC."""

    def connect(self) -> Any:
        """Connect again."""
        chain = super().connect()
        chain.usdc, chain.timeout_seconds = self.chain.usdc, 20
        return chain


@dataclass
class Market:
    """The chain with what the seller sells: a usage plan, a plan that costs money, and a free one."""

    world: World
    shop: UsdcShop
    usage_id: int
    plan_id: int
    payee: str
    token: Domain
    coin: Contract

    def new_buyer(self, funds: int = FUNDS) -> LocalAccount:
        """Return an account with USDC that nobody has used. It has no coin."""
        buyer = Account.create()
        if funds:
            self.world.send(self.world.other, self.coin.functions.mint(buyer.address, funds))
        return buyer

    def read_paid(self, buyer: LocalAccount, funds: int = FUNDS) -> int:
        """Return what a buyer has paid."""
        return funds - read_token_balance(self.shop.chain, self.token.address, buyer.address)

    @contextmanager
    def open(self, folder: Path, upstream: str, **changes: Any) -> Iterator["Stand"]:
        """Run a gateway that takes charges for requests, and grants plans for them."""
        own = {key: changes.pop(key) for key in list(changes) if key in ServiceSettings.__dataclass_fields__}
        service = ServiceSettings(self.shop.did, upstream, **{"public_url": PUBLIC, **own})
        usual = {"buying": BuyingSettings(exact=True), "depth": 0}
        books = (str(folder / "meter.db"), str(folder / "index.db"))
        settings = GatewaySettings("http://127.0.0.1", *books, {self.shop.did: service}, **{**usual, **changes})
        shop, minter = self.shop, self.world.minter
        app = build_gateway(shop.connect, shop.redeemer, settings, rules=NEVER, renews=True, minter=minter)
        with served(app, http=BoundedProtocol) as url:
            gate = Gate(shop, url, shop.new_buyer())
            gate.wait_until_ready()
            yield Stand(self, gate)


@dataclass
class Stand:
    """A gateway that takes charges, and what buyers do with it."""

    market: Market
    gate: Gate

    @property
    def url(self) -> str:
        """Where the service is."""
        return self.gate.service_url

    def ask(self, method: str = "POST", target: str = "/ask", body: bytes = b"", **named: str) -> requests.Response:
        """Send a request. An underscore in the name of a header stands for a hyphen."""
        headers = {name.replace("_", "-"): value for name, value in named.items()}
        return requests.request(method, self.url + target, data=body, headers=headers, timeout=SECONDS)

    def challenge(self, method: str = "POST", target: str = "/ask", body: bytes = b"") -> Challenge:
        """Return the challenge for a request, as the official package reads it."""
        answer = self.ask(method, target, body)
        assert answer.status_code == 402, answer.text
        return read_challenge(answer)

    def sign(self, buyer: LocalAccount, challenge: Challenge, newer: bool = False, **changes: Any) -> str:
        """Return the header Authorization that pays a challenge."""
        usual = {
            "payer": buyer.address,
            "payee": self.market.payee,
            "value": PRICE,
            "nonce": list_nonces(challenge)[newer],
        }
        end = changes.pop("valid_before", self.market.shop.chain.read_time() + 200)
        transfer = build_transfer_authorization(**{"valid_before": end, **usual, **changes})
        signed = sign_transfer_authorization(buyer, transfer, token=self.market.token)
        source = write_source(self.market.token.chain_id, transfer.payer)
        return write_credential(challenge, build_charge_payload(signed), source)

    @property
    def orders_url(self) -> str:
        """Where the plan is sold."""
        return f"{self.gate.url}/plans/{self.market.plan_id}/orders"

    def find_url(self, target: str) -> str:
        """Return the URL of a target."""
        return target if "://" in target else self.url + target

    def fetch(self, buyer: LocalAccount, target: str = "/ask", method: str = "POST", **more: Any) -> httpx.Response:
        """Send a request with the official Python client, which pays what is asked for. A target may be a whole URL."""
        token = self.market.token
        own = evm.charge(
            currency=token.address,
            account=buyer,
            chain_id=token.chain_id,
            decimals=6,
            authorization={"name": token.name, "version": token.version},
            max_amount="0.02",
        )

        async def run() -> httpx.Response:
            async with Mpp(methods=[own]) as client:
                return await client.fetch(self.find_url(target), method=method, **more)

        return asyncio.run(run())

    def fetch_by_node(self, buyer: LocalAccount, target: str = "/ask", **more: Any) -> dict[str, Any]:
        """Send a request with the official TypeScript client, and return what it got."""
        token = self.market.token
        case = {
            "url": self.find_url(target),
            "key": f"0x{bytes(buyer.key).hex()}",
            "token": token.address,
            "chainId": token.chain_id,
            "authorization": {"name": token.name, "version": token.version},
            **more,
        }
        done = subprocess.run(
            ["node", str(PROGRAM)], input=json.dumps(case), capture_output=True, text=True, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def read_challenge(answer: requests.Response) -> Challenge:
    """Return the challenge of an answer, as the official package reads it."""
    read = OfficialChallenge.from_www_authenticate(answer.headers["www-authenticate"])
    echo = read.to_echo()
    terms = {"expires": echo.expires or "", "digest": echo.digest or "", "opaque": echo.opaque or ""}
    return Challenge(echo.id, echo.realm, echo.method, echo.intent, echo.request, **terms)


def read_opaque(challenge: Challenge) -> Any:
    """Return what a challenge is bound to."""
    return json.loads(base64.urlsafe_b64decode(challenge.opaque + "=="))


@contextmanager
def run_market() -> Iterator[Market]:
    """Run an anvil with the seller."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        yield build_market(world, url, world.usdc)


def build_market(world: World, url: str, coin: Contract) -> Market:
    """Register what the seller sells for a token."""
    chain = world.chain
    builder, redeemer = chain.accounts[1], chain.accounts[3]
    price, packet = (nvm.get_erc20_price_config(cost, coin.address, builder.address) for cost in (PRICE, PLAN_PRICE))
    usage = nvm.register_plan(chain, builder, price, nvm.get_pay_as_you_go_credits_config()).plan_id
    plan = nvm.register_plan(chain, builder, packet, nvm.get_fixed_credits_config(CREDITS)).plan_id
    nvm.set_minter(chain, builder, plan, world.minter.address, True)
    free = nvm.get_free_price_config()
    credits = nvm.register_plan(chain, builder, free, nvm.get_fixed_credits_config(BALANCE)).plan_id
    nvm.set_redeemer(chain, builder, credits, redeemer.address, True)
    metadata = AgentMetadata(
        "Tea", endpoints=(Endpoint("POST", f"{PUBLIC}/ask"), Endpoint("GET", f"{PUBLIC}/data{{/*rest}}"))
    )
    attached = [AttachedPlan(usage, 0, 0), AttachedPlan(credits, 2, 2), AttachedPlan(plan, 3, 3)]
    did = format_did(nvm.register_agent(chain, builder, metadata, attached).agent_id)
    shop = UsdcShop(url, chain, credits, 0, 0, did, [])
    return Market(world, shop, usage, plan, builder.address, read_token_domain(chain, coin.address), coin)
