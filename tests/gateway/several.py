"""Gateways of tests with services of their own choice: several ones, agents of other sellers, books in PostgreSQL."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nvm_chain as nvm
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings, UpstreamHeader
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.serving import served
from tests.gateway.shop import METRICS_TOKEN, NEVER, PUBLIC, SECRET, Shop


def register(shop: Shop, metadata: AgentMetadata, *plans: AttachedPlan) -> str:
    """Register another agent of the seller, and return its DID."""
    attached = plans or (AttachedPlan(shop.credits_plan, 2, 2),)
    return format_did(nvm.register_agent(shop.chain, shop.builder, metadata, attached).agent_id)


def serve(shop: Shop, upstream: str, **more: Any) -> dict[str, ServiceSettings]:
    """Return the settings of the shop's own service."""
    own = {"public_url": PUBLIC, "auth": UpstreamHeader("Authorization", f"Bearer {SECRET}"), **more}
    return {shop.did: ServiceSettings(shop.did, upstream, **own)}


@contextmanager
def running(
    shop: Shop,
    folder: Path,
    services: Mapping[str, ServiceSettings],
    wrap: Callable[[GatewayApp], Any] = lambda app: app,
    **more: Any,
) -> Iterator[str]:
    """Run a gateway with some services, and yield its URL. ``wrap`` may put something around the application."""
    places = {"meter": str(folder / "meter.db"), "index": str(folder / "index.db")}
    known = {**places, "depth": 0, "answer_key": b"k" * 32, "metrics_token": METRICS_TOKEN, **more}
    settings = GatewaySettings(url="http://127.0.0.1", services=services, **known)
    app = build_gateway(shop.connect, shop.redeemer, settings, rules=NEVER, renews=True)
    with served(wrap(app), http=BoundedProtocol) as url:
        yield url
