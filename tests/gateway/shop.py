"""A seller with a service behind a gateway, on anvil: plans of three kinds, buyers, and everything as real processes have it."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.chain.client import Chain
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.enums import RedemptionRule
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings, UpstreamHeader
from nvm_chain.gateway.sockets.protocols import BoundedSocketProtocol, find_frame_limit
from nvm_chain.gateway.sockets.terms import MAX_BYTES
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.bindings import Binding, Level, build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from nvm_chain.x402.payments import write_payment
from tests.gateway.serving import served
from tests.support.anvil import open_anvil, run_anvil

SECRET = "sk-canary-5f0d8a61"
METRICS_TOKEN = "metrics-canary-77"
PUBLIC = "https://service.example.com"
BALANCE = 200_000
SPARE = 200
"""How many accounts get credits at once. Each test takes one or a few."""
NEVER = SettleRules(credits=10**12, age_seconds=10**9)
_IDS = itertools.count(1)


@dataclass
class Shop:
    """A chain with what a seller has registered. Its gateways are opened by `open`."""

    url: str
    chain: Chain
    credits_plan: int
    open_plan: int
    time_plan: int
    did: str
    spare: list[LocalAccount]

    @property
    def builder(self) -> LocalAccount:
        """The seller."""
        return self.chain.accounts[1]

    @property
    def redeemer(self) -> LocalAccount:
        """The seller's key that settles."""
        return self.chain.accounts[3]

    @property
    def buyers(self) -> tuple[LocalAccount, ...]:
        """People who have credits, and access on the time plan."""
        return tuple(self.chain.accounts[4:9])

    def connect(self) -> Chain:
        """Connect again: each thread has a connection of its own."""
        return connect(self.url, credits=self.chain.credits.address, agents=self.chain.agents.address)

    @contextmanager
    def open(
        self, folder: Path, upstream: str, *, rules: SettleRules = NEVER, url: str = "http://127.0.0.1", **changes: Any
    ) -> Iterator["Gate"]:
        """Run a gateway in front of an upstream. ``more`` are the hosts of further services, by their DIDs."""
        port, follows, more = changes.pop("port", 0), changes.pop("follows", True), changes.pop("more", {})
        own = {key: changes.pop(key) for key in list(changes) if key in ServiceSettings.__dataclass_fields__}
        service = ServiceSettings(
            self.did,
            upstream,
            **{"public_url": PUBLIC, "auth": UpstreamHeader("Authorization", f"Bearer {SECRET}"), **own},
        )
        settings = GatewaySettings(
            url,
            str(folder / "meter.db"),
            str(folder / "index.db"),
            {self.did: service, **{did: ServiceSettings(did, upstream, hosts=hosts) for did, hosts in more.items()}},
            **{"depth": 0, "answer_key": b"k" * 32, "metrics_token": METRICS_TOKEN, **changes},
        )
        app = build_gateway(self.connect, self.redeemer, settings, rules=rules, renews=True, follows=follows)
        limit = find_frame_limit(MAX_BYTES)
        with served(app, port, http=BoundedProtocol, ws=BoundedSocketProtocol, ws_max_size=limit) as found:
            yield Gate(self, found, self.new_buyer())

    def new_buyer(self) -> LocalAccount:
        """Return an account with credits that nobody used. It has no coins, and needs none."""
        if len(self.spare) < SPARE // 2:
            self.add_spare()
        return self.spare.pop(0)

    def add_spare(self) -> None:
        """Give credits to further accounts, long before they are used: a gateway that runs has to see it on the chain."""
        buyers = [Account.create() for _ in range(SPARE)]
        nvm.mint_credits_batch(
            self.chain, self.builder, self.credits_plan, {buyer.address: BALANCE for buyer in buyers}
        )
        self.spare.extend(buyers)


@dataclass
class Gate:
    """A gateway that runs, and what buyers do with it."""

    shop: Shop
    url: str
    buyer: LocalAccount
    ceiling: int = 0

    @property
    def service_url(self) -> str:
        """Where the service is."""
        return f"{self.url}/services/{self.shop.did}"

    def sign(
        self, cost: int, binding: Binding | None = None, *, buyer: LocalAccount | None = None, **changes: Any
    ) -> SignedVoucher:
        """Sign the next voucher of a buyer."""
        buyer = buyer or self.buyer
        self.ceiling += cost
        chain = self.shop.chain
        voucher = build_voucher(
            changes.get("plan_id", self.shop.credits_plan),
            holder=buyer.address,
            redeemer=self.shop.redeemer.address,
            ceiling=changes.get("ceiling", self.ceiling),
            deadline=int(time.time()) + changes.get("seconds", 3_600),
            context=b"" if binding is None else binding.context,
        )
        where = {"chain_id": chain.chain_id, "contract": chain.credits.address}
        return sign_voucher(buyer, voucher, **{name: changes.get(name, value) for name, value in where.items()})

    def bind(self, method: str, target: str, body: bytes = b"", **changes: Any) -> Binding:
        """Return the binding of a request."""
        request_id = changes.pop("request_id", f"request-{next(_IDS):08}")
        return build_binding(self.shop.did, method, target, hash_body(body), request_id, **changes)

    def pay(self, method: str, target: str, body: bytes = b"", cost: int = 2, **changes: Any) -> dict[str, str]:
        """Return the header that pays for a request."""
        level = changes.pop("level", Level.FULL)
        payment_id = changes.pop("payment_id", None)
        parts = {"request_id": payment_id} if payment_id else {}
        binding = None if level is Level.NONE else self.bind(method, target, body, level=level, **parts)
        signed = self.sign(cost, binding, **changes)
        offer = {"scheme": "nvm-credits", "network": f"eip155:{self.shop.chain.chain_id}"}
        return {"PAYMENT-SIGNATURE": write_payment(offer, signed, binding, payment_id)}

    def token(self, cost: int = 2, **changes: Any) -> dict[str, str]:
        """Return the header of a service token."""
        return {"Authorization": f"Bearer {format_service_token(self.sign(cost, **changes))}"}

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        """Send a request to the service."""
        return requests.request(
            method, self.service_url + target, headers=headers, timeout=60, allow_redirects=False, **more
        )

    def paid(self, method: str, target: str, body: bytes = b"", cost: int = 2, **changes: Any) -> requests.Response:
        """Send a request that is paid by a voucher for exactly this request."""
        return self.ask(method, target, self.pay(method, target, body, cost, **changes), data=body)

    def sign_in(self, buyer: LocalAccount, plan_id: int, origin: str) -> str:
        """Sign in, and return the session token."""
        told = requests.get(f"{self.url}/sign-in", timeout=60).json()
        message = build_sign_in(
            buyer.address,
            origin=origin,
            service=self.shop.did,
            chain_id=told["chainId"],
            nonce=told["nonce"],
            now=told["issuedAt"],
        )
        signature = buyer.sign_message(encode_defunct(text=message.text)).signature.hex()
        body = {"message": message.text, "signature": signature, "planId": str(plan_id)}
        answer = requests.post(f"{self.url}/sign-in", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def account(self, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the account of whoever pays by a token, as the gateway tells it."""
        signed = {"Authorization": f"Bearer {format_service_token(self.sign(0, ceiling=max(1, self.ceiling)))}"}
        answer = requests.get(f"{self.url}/account", headers=headers or signed, timeout=60)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def wait_until_ready(self, seconds: float = 60) -> requests.Response:
        """Wait until the gateway says that it can serve, and return its answer. At its start, the chain is not read yet."""
        deadline = time.monotonic() + seconds
        while (ready := requests.get(f"{self.url}/health/ready", timeout=60)).status_code != 200:
            assert time.monotonic() < deadline, ready.text
        return ready

    def wait_for(self, name: str, value: str, seconds: float = 10) -> dict[str, Any]:
        """Wait until a field of the account has a value. Charges ride in a later group of writes."""
        deadline = time.monotonic() + seconds
        told = self.account()
        while told[name] != value and time.monotonic() < deadline:
            told = self.account()
        assert told[name] == value, json.dumps(told)
        return told


@contextmanager
def run_shop() -> Iterator[Shop]:
    """Run an anvil with a seller's plans and agent."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        builder, redeemer = chain.accounts[1], chain.accounts[3]
        free = nvm.get_free_price_config()
        plans = [
            nvm.register_plan(chain, builder, free, config).plan_id
            for config in (
                nvm.get_fixed_credits_config(BALANCE),
                nvm.get_fixed_credits_config(BALANCE, rule=RedemptionRule.REDEEMER),
                nvm.get_expirable_duration_config(86_400),
            )
        ]
        for plan_id in plans:
            nvm.set_redeemer(chain, builder, plan_id, redeemer.address, True)
            for buyer in chain.accounts[4:9]:
                nvm.order_plan(chain, buyer, plan_id)
        metadata = AgentMetadata(
            "Tea <b>answers</b>",
            endpoints=(
                Endpoint("POST", f"{PUBLIC}/ask"),
                Endpoint("GET", f"{PUBLIC}/data{{/*rest}}"),
                Endpoint("POST", f"{PUBLIC}/dear"),
                Endpoint("POST", f"{PUBLIC}/unsold"),
            ),
            open_endpoints=(f"{PUBLIC}/about",),
            extras={"nvmCosts": {f"POST {PUBLIC}/dear": 4, f"POST {PUBLIC}/unsold": 9}},
        )
        attached = [AttachedPlan(plans[0], 2, 5), AttachedPlan(plans[1], 2, 5), AttachedPlan(plans[2], 0, 0)]
        agent = nvm.register_agent(chain, builder, metadata, attached)
        shop = Shop(url, chain, plans[0], plans[1], plans[2], format_did(agent.agent_id), [])
        shop.add_spare()
        yield shop
