"""A gateway in front of a seller's service, whose plans cost TestUSDC."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from nvm_chain.x402.exact import ExactOffer, write_exact_payment
from nvm_chain.x402.headers import read_header, write_header
from nvm_chain.x402.orders import OrderOffer
from nvm_chain.x402.payments import write_order_payment
from tests.gateway.serving import Upstream, served
from tests.x402.buying.market import Market

PUBLIC = "https://service.example.com"
_IDS = itertools.count(1)
NEVER = SettleRules(credits=10**12, age_seconds=10**9)


@dataclass
class Counter:
    """A gateway that runs, and what buyers do with it."""

    market: Market
    url: str
    did: str
    upstream: Upstream
    folder: Path
    sent: list[str] = field(default_factory=list)

    @property
    def order_url(self) -> str:
        """Where the plan is bought."""
        return f"{self.url}/plans/{self.market.plan_id}/orders"

    @property
    def service_url(self) -> str:
        """Where the service is."""
        return f"{self.url}/services/{self.did}"

    def read_offers(self, method: str, url: str) -> list[dict[str, Any]]:
        """Return what a 402 offers."""
        answer = requests.request(method, url, timeout=60)
        assert answer.status_code == 402, answer.text
        offers: list[dict[str, Any]] = read_header(answer.headers["PAYMENT-REQUIRED"], "offers")["accepts"]
        return offers

    def pay_exact(self, buyer: LocalAccount, method: str, url: str, **changes: Any) -> dict[str, str]:
        """Return the header that pays by a transfer for what a URL offers."""
        (told,) = [each for each in self.read_offers(method, url) if each["scheme"] == "exact"]
        offer = ExactOffer.from_json(told)
        signed = self.market.sign(buyer, offer.amount, **{"payee": offer.pay_to, **changes})
        return {"PAYMENT-SIGNATURE": write_exact_payment(told, signed)}

    def accept(self, header: dict[str, str], told: dict[str, Any]) -> dict[str, str]:
        """Return the same payment for another offer."""
        payment = read_header(header["PAYMENT-SIGNATURE"], "payment")
        return {"PAYMENT-SIGNATURE": write_header({**payment, "accepted": told})}

    def post(self, url: str, headers: dict[str, str], **more: Any) -> requests.Response:
        """Send a POST."""
        return requests.post(url, headers=headers, timeout=90, **more)


def register_agent(market: Market) -> str:
    """Register the seller's service with all plans."""
    chain, builder = market.chain, market.world.builder
    nvm.set_redeemer(chain, builder, market.plan_id, market.world.redeemer.address, True)
    metadata = AgentMetadata(
        "Tea",
        endpoints=(Endpoint("POST", f"{PUBLIC}/ask"), Endpoint("GET", f"{PUBLIC}/data")),
        open_endpoints=(f"{PUBLIC}/about",),
    )
    attached = [AttachedPlan(market.plan_id, 2, 2), AttachedPlan(market.usage_id, 0, 0)]
    return format_did(nvm.register_agent(chain, builder, metadata, attached).agent_id)


@contextmanager
def open_counter(market: Market, did: str, folder: Path, **changes: Any) -> Iterator[Counter]:
    """Run a gateway."""
    upstream = Upstream()
    with served(upstream) as behind:
        settings = GatewaySettings(
            "http://127.0.0.1",
            str(folder / "meter.db"),
            str(folder / "index.db"),
            {did: ServiceSettings(did, behind, public_url=PUBLIC)},
            **{
                "depth": 0,
                "checkout": CheckoutSettings(relays=True, relays_per_account=3),
                "buying": BuyingSettings(exact=True),
                **changes,
            },
        )
        world = market.world
        app = build_gateway(market.connect, world.redeemer, settings, rules=NEVER, renews=True, minter=world.minter)
        with served(app) as url:
            counter = Counter(market, url, did, upstream, folder)
            yield counter


def sign_order_for(counter: Counter, buyer: LocalAccount, **changes: Any) -> SignedOrder:
    """Sign an order of the plan."""
    return sign_plan_order(counter.market.chain, buyer, counter.market.plan_id, **{"valid_seconds": 300, **changes})


def pay_order(counter: Counter, buyer: LocalAccount, method: str, target: str, body: bytes = b"") -> dict[str, str]:
    """Return the header that orders the plan and pays for a request out of it."""
    url = counter.service_url + target
    (told,) = [each for each in counter.read_offers(method, url) if each["scheme"] == "nvm-order"]
    offer = OrderOffer.from_json(told)
    binding = build_binding(counter.did, method, target, hash_body(body), f"request-{next(_IDS):08}")
    voucher = build_voucher(
        offer.plan_id,
        holder=buyer.address,
        redeemer=offer.redeemer,
        ceiling=offer.request_credits,
        deadline=int(time.time()) + 3_600,
        context=binding.context,
    )
    signed = sign_voucher(buyer, voucher, chain_id=offer.token.chain_id, contract=offer.contract)
    return {"PAYMENT-SIGNATURE": write_order_payment(told, sign_order_for(counter, buyer), signed, binding)}
