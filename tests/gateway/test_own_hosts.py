"""Hosts of services and of the gateway itself: sellers' addresses, allowances, and a token of the operator that changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account

import nvm_chain as nvm
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.errors import GatewayRefused, InvalidConfig, NvmChainError, PaymentNotAllowed
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.live_secrets import PAUSE_SECONDS
from nvm_chain.gateway.metrics_tokens import follow_metrics_token
from nvm_chain.gateway.running import build_app
from nvm_chain.gateway.sealing.sealed_files import SecretPlaces
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sellers.tokens import Role, build_token
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.client.clients import find_port, open_client
from tests.gateway.processes import GatewayProcess
from tests.gateway.serving import served
from tests.gateway.shop import BALANCE, NEVER, SECRET, Gate, Shop
from tests.gateway.test_allowances import grant, read_type
from tests.support.anvil import wait_until

OWN = "/.well-known/nvm"
TOKEN = "token-of-acme-0123456789-0123456789"
SECONDS = 60


@dataclass
class Hosted:
    """A gateway with two services, of which the second one has a host of its own."""

    gate: Gate
    second: str
    host: str

    @property
    def url(self) -> str:
        """Where the second service is."""
        return f"http://{self.host}"


@pytest.fixture(scope="module")
def hosted(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """The second service has a larger number than the first one, so it comes after it in the terms of an allowance."""
    attached = [AttachedPlan(shop.credits_plan, 2, 5)]
    second = format_did(nvm.register_agent(shop.chain, shop.builder, AgentMetadata("Coffee"), attached).agent_id)
    port = find_port()
    host, url = f"localhost:{port}", f"http://127.0.0.1:{port}"
    sellers = {"acme": SellerSettings("acme", (build_token(Role.OWNER, TOKEN, "acme"),))}
    more: dict[str, Any] = {"port": port, "more": {second: (host,)}, "sellers": sellers, "seller": "acme"}
    with shop.open(tmp_path_factory.mktemp("hosted"), upstream_url, url=url, rules=NEVER, **more) as gate:
        gate.wait_for("available", str(BALANCE))
        yield Hosted(gate, second, host)


# ---------------------------------------------------------------------- addresses of sellers


def ask_as_seller(url: str) -> requests.Response:
    """Ask with the token of a seller."""
    return requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=SECONDS)


@pytest.mark.parametrize("prefix", ["", OWN])
def test_sellers__at_the_gateway__have_their_addresses_with_and_without_the_prefix(hosted: Hosted, prefix: str) -> None:
    answer = ask_as_seller(f"{hosted.gate.url}{prefix}/seller/usage")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jsonl")
    assert requests.get(f"{hosted.gate.url}{prefix}/seller/usage", timeout=SECONDS).status_code == 401
    unknown = ask_as_seller(f"{hosted.gate.url}{prefix}/seller/money")
    assert (unknown.status_code, "/seller/status" in unknown.json()["error"]) == (404, True)


def test_sellers__at_the_host_of_a_service__are_told_where_their_addresses_are(hosted: Hosted) -> None:
    answer = ask_as_seller(f"{hosted.url}{OWN}/seller/usage")
    assert answer.status_code == 404
    assert answer.json()["error"] == f"Sellers have their addresses at {hosted.gate.url}/seller/."
    assert requests.get(f"{hosted.url}/seller/usage", timeout=SECONDS).status_code == 402  # a target of the service


def test_sellers__of_a_gateway_without_any__are_not_found(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, upstream_url) as gate:
        for prefix in ("", OWN):
            assert read_type(ask_as_seller(f"{gate.url}{prefix}/seller/usage")) == (404, "NotFound")


# ---------------------------------------------------------------------- allowances


@pytest.mark.parametrize("names_services", [True, False])
def test_allowance__at_the_host_of_its_second_service__is_used_and_revoked_there(
    hosted: Hosted, names_services: bool
) -> None:
    """The address does not say which service is there, so the host does."""
    gate = Gate(hosted.gate.shop, hosted.url, hosted.gate.shop.new_buyer())
    Gate(gate.shop, hosted.gate.url, gate.buyer).wait_for("available", str(BALANCE))
    user, services = Account.create(), (gate.shop.did, hosted.second) if names_services else ()
    given: Allowance = grant(gate, for_user=user, services=services).allowance
    url = f"{hosted.url}/ask"
    client = open_client(gate, signer=user)
    client.adapter.use_allowance(url, given)
    assert client.session.post(url, data=b"tea?", timeout=SECONDS).status_code == 200
    assert client.vouchers() == []
    holder = open_client(gate)
    holder.adapter.revoke_allowance(url, given)
    token = client.sent[-1].headers["Authorization"]
    refused = requests.post(url, headers={"Authorization": token}, timeout=SECONDS)
    assert read_type(refused) == (402, "AuthorityRevoked")
    with pytest.raises(GatewayRefused, match="AuthorityRevoked"):
        open_client(gate, signer=user).adapter.use_allowance(url, given)
    for each in (client, holder):
        each.session.close()


def test_allowance__at_the_host_of_another_service__is_not_used_or_revoked(hosted: Hosted) -> None:
    gate = Gate(hosted.gate.shop, hosted.url, hosted.gate.shop.new_buyer())
    user = Account.create()
    given = grant(gate, for_user=user, services=(gate.shop.did,)).allowance
    for client, act in ((open_client(gate, signer=user), "use_allowance"), (open_client(gate), "revoke_allowance")):
        with pytest.raises(PaymentNotAllowed, match="not for this service"):
            getattr(client.adapter, act)(f"{hosted.url}/ask", given)
        assert [request.method for request in client.sent] == ["GET"]  # it asked, and proved nothing
        client.session.close()


def test_allowance__at_a_host_whose_service_is_not_within_the_limits__is_not_used(hosted: Hosted) -> None:
    gate = Gate(hosted.gate.shop, hosted.url, hosted.gate.shop.new_buyer())
    user = Account.create()
    for services in ((gate.shop.did, hosted.second), ()):
        given = grant(gate, for_user=user, services=services).allowance
        client = open_client(gate, signer=user, limits={"services": [gate.shop.did]})
        with pytest.raises(PaymentNotAllowed, match="not one of the services of the limits"):
            client.adapter.use_allowance(f"{hosted.url}/ask", given)
        assert [request.method for request in client.sent] == ["GET"]
        client.session.close()


def test_challenge__at_the_host_of_a_service__names_the_service(hosted: Hosted) -> None:
    told = requests.get(f"{hosted.url}{OWN}/sign-in", timeout=SECONDS).json()
    assert told["service"] == hosted.second
    assert "service" not in requests.get(f"{hosted.gate.url}/sign-in", timeout=SECONDS).json()


# ---------------------------------------------------------------------- the token of the operator


def test_metrics_token__in_a_file_that_changes__is_the_new_one_without_a_restart(
    shop: Shop, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_SECRET", SECRET)
    file = tmp_path / "metrics.txt"
    file.write_text("first-0123456789")
    config = GatewayProcess(tmp_path, shop, upstream_url).config
    config.write_text(config.read_text("utf-8").replace("env:METRICS_TOKEN", "file:metrics.txt"), "utf-8")
    with served(build_app(config), http=BoundedProtocol) as url:

        def ask(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.get(f"{url}/metrics", headers=headers, timeout=SECONDS).status_code

        assert [ask("first-0123456789"), ask("second-0123456789")] == [200, 401]
        file.write_text("second-0123456789")
        assert wait_until(lambda: ask("second-0123456789") == 200, SECONDS)
        assert ask("first-0123456789") == 401
        file.unlink()
        assert wait_until(lambda: ask("second-0123456789") == 401, SECONDS)


def test_follow_metrics_token__that_is_taken_away__is_nobodys_and_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "metrics.txt"
    file.write_text("first-0123456789")
    secrets = Secrets(SecretPlaces(tmp_path / "secrets.sealed", tmp_path / "gateway.key"), tmp_path)
    told: list[NvmChainError] = []
    find = follow_metrics_token("file:metrics.txt", secrets, on_trouble=told.append)
    assert find() == "first-0123456789"
    file.unlink()
    assert wait_until(lambda: find() is None, 10 * PAUSE_SECONDS)
    assert len(told) == 1
    assert follow_metrics_token(None, secrets)() is None
    with pytest.raises(InvalidConfig):
        follow_metrics_token("file:metrics.txt", secrets)
