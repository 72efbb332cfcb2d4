"""`Payments` against a real gateway: its service tokens, and the files behind it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.errors import DownloadFailed
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.meter.bindings import Level
from nvm_chain.payments.first_generation import Payments
from tests.client.clients import find_port
from tests.gateway.serving import Upstream, reply, served
from tests.gateway.shop import NEVER, PUBLIC, Gate, Shop

CONTENT = {"one.csv": b"a,b\n1,2\n", "two.csv": b"c\n3\n"}


@pytest.fixture(scope="module")
def files(shop: Shop, upstream: Upstream, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A gateway with files behind it, whose service takes tokens of the level none. Yields the gateway and the asset."""
    port = find_port()
    url = f"http://127.0.0.1:{port}"
    agent_id = len(nvm.read_plan_agents(shop.chain, shop.credits_plan)) + 1
    did = f"did:nv:{agent_id:064x}"
    entries = tuple(FileEntry(f"{url}/services/{did}/{name}", name, length=len(body)) for name, body in CONTENT.items())
    metadata = nvm.AgentMetadata("Files", files=entries)
    attached = [nvm.AttachedPlan(shop.credits_plan, 5, 5)]
    assert nvm.register_agent(shop.chain, shop.builder, metadata, attached).agent_id == agent_id
    for name, body in CONTENT.items():
        upstream.answers[f"/{name}"] = make_answer(body)
    folder = tmp_path_factory.mktemp("files")
    services = {one: ServiceSettings(one, upstream_url, public_url=PUBLIC, level=Level.NONE) for one in (shop.did, did)}
    settings = GatewaySettings(
        url, str(folder / "meter.db"), str(folder / "index.db"), services, depth=0, answer_key=b"k" * 32
    )
    app = build_gateway(shop.connect, shop.redeemer, settings, rules=NEVER, renews=True)
    with served(app, port):
        yield Gate(shop, url, shop.new_buyer()), did


def make_answer(body: bytes) -> Any:
    """Return an answer of an upstream."""

    async def answer(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, body)

    return answer


@pytest.fixture
def payments(files: Any, shop: Shop) -> tuple[Gate, Payments]:
    """A gateway for a buyer of this test's own, and its `Payments`."""
    gate = Gate(shop, files[0].url, shop.new_buyer())
    gate.wait_for("available", "200000")
    return gate, make_payments(gate, gate.buyer)


def make_payments(gate: Gate, signer: LocalAccount) -> Payments:
    """Return a `Payments` object that knows the gateway."""
    gateway = nvm.Gateway(gate.url, gate.shop.redeemer.address)
    return Payments(gate.shop.connect(), signer, gateway=gateway)


def test_service_token__in_the_documented_request__is_served(
    payments: tuple[Gate, Payments], upstream: Upstream
) -> None:
    gate, buyer = payments
    for question in ("one", "two"):
        config = buyer.get_service_token(gate.shop.did)
        token, url, data = config.accessToken, f"{config.neverminedProxyUri}/ask", {"q": question}
        response = requests.post(url, json=data, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert response.status_code == 200, response.text
        again = requests.post(url, json=data, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert (again.status_code, again.json()["nvm"]["type"]) == (402, "AuthorityUsedUp")
    assert b'"two"' in upstream.seen[-1].body
    gate.wait_for("charged", "4")


def test_download_file__of_several_files_behind_the_gateway__pays_each(
    payments: tuple[Gate, Payments], files: Any, tmp_path: Path
) -> None:
    gate, buyer = payments
    result = buyer.download_file(files[1], str(tmp_path))
    assert (result.success, result.txHash) == (True, "")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == CONTENT
    gate.wait_for("charged", "10")


def test_download_file__that_fails_and_is_tried_again__pays_what_was_served(
    payments: tuple[Gate, Payments], files: Any, upstream: Upstream, tmp_path: Path
) -> None:
    gate, buyer = payments
    good = upstream.answers["/two.csv"]

    async def fail(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", 503)

    upstream.answers["/two.csv"] = fail
    with pytest.raises(DownloadFailed, match="503"):
        buyer.download_file(files[1], str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    upstream.answers["/two.csv"] = good
    assert len(buyer.download_file(files[1], str(tmp_path)).files) == 2
    gate.wait_for("charged", "15")


def test_file__without_a_payment__is_not_given_out(files: Any) -> None:
    gate, did = files
    answer = requests.get(f"{gate.url}/services/{did}/one.csv", timeout=60)
    assert answer.status_code == 402
    assert CONTENT["one.csv"] not in answer.content
