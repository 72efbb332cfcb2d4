"""The gateway's own paths: at its start, on the own host of a service, and in one form."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account.messages import encode_defunct

import nvm_chain as nvm
from nvm_chain.client.payment import find_payment
from nvm_chain.errors import InvalidConfig, PlanNotReadYet
from nvm_chain.gateway.refusals import find_status, refuse
from nvm_chain.gateway.routes import Hosts
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from nvm_chain.x402.headers import read_header
from nvm_chain.x402.payments import write_payment
from tests.client.clients import Client, find_port, open_client
from tests.gateway.serving import Upstream
from tests.gateway.shop import BALANCE, Gate, Shop

OWN = "/.well-known/nvm"
HOST = "tea.example.com"


# ---------------------------------------------------------------------- at the start


@contextmanager
def at_start(shop: Shop, folder: Path, upstream: str, to_block: int | None) -> Iterator[Gate]:
    """Run a gateway whose index stands still at a block, or is empty."""
    chain = shop.chain
    index = open_index(
        str(folder / "index.db"),
        chain_id=chain.chain_id,
        credits=chain.credits.address,
        agents=chain.agents.address,
        first_block=0,
        create=True,
    )
    with closing(index):
        if to_block is not None:
            Follower(chain, index).sync(to_block)
    with shop.open(folder, upstream, follows=False) as gate:
        yield gate


@pytest.mark.parametrize("to_block", [None, 1])
def test_gateway__before_its_index_has_the_plans__is_not_ready_and_says_when_to_ask_again(
    shop: Shop, upstream_url: str, tmp_path: Path, to_block: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.meter.first_views.FIRST_SECONDS", 0.3)
    with at_start(shop, tmp_path, upstream_url, to_block) as gate:
        token = {"Authorization": f"Bearer {format_service_token(gate.sign(0, ceiling=1))}"}
        answers = [
            requests.get(f"{gate.url}/account", headers=token, timeout=60),
            gate.paid("POST", "/ask", b"tea?"),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["nvm"]["type"]) == (503, "PlanNotReadYet"), answer.text
            assert int(answer.headers["Retry-After"]) >= 1
        assert requests.get(f"{gate.url}/services", timeout=60).status_code == 200
        assert requests.get(f"{gate.url}/health/live", timeout=60).status_code == 200


def test_gateway__at_its_very_start__serves_the_first_request(shop: Shop, upstream_url: str, tmp_path: Path) -> None:
    with shop.open(tmp_path, upstream_url) as gate:
        assert gate.paid("POST", "/ask", b"tea?").status_code == 200
        gate.wait_for("available", str(BALANCE - 2))


def test_refusal__of_a_plan_that_was_not_read__is_503() -> None:
    assert find_status(PlanNotReadYet(7)) == 503
    assert "UnknownPlan" not in json.loads(refuse(PlanNotReadYet(7)).body)["error"]


# ---------------------------------------------------------------------- what is listed


def test_services__list_all_that_a_program_needs_to_sign_a_voucher(gate: Gate) -> None:
    """Nothing is known but the address of the gateway."""
    told = requests.get(f"{gate.url}/services", timeout=60).json()
    (service,) = told["services"]
    plan = next(each for each in service["plans"] if each["paidBy"] == "voucher")
    body = b"tea?"
    binding = build_binding(service["did"], "POST", "/ask", hash_body(body), "request-0001", level=service["level"])
    voucher = build_voucher(
        plan["planId"],
        holder=gate.buyer.address,
        redeemer=told["redeemer"],
        ceiling=int(plan["maxCredits"]),
        deadline=told["time"] + told["voucher"]["minSeconds"] + 60,
        context=binding.context,
    )
    chain_id = int(told["network"].removeprefix("eip155:"))
    signed = sign_voucher(gate.buyer, voucher, chain_id=chain_id, contract=told["credits"])
    offer = {"scheme": told["scheme"], "network": told["network"]}
    headers = {"PAYMENT-SIGNATURE": write_payment(offer, signed, binding)}
    answer = requests.post(f"{gate.url}/services/{service['did']}/ask", data=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert abs(told["time"] - time.time()) < 3_600
    assert told["voucher"]["minSeconds"] < told["voucher"]["maxSeconds"] < told["session"]["maxSeconds"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("PUT", "/services", 405), ("GET", "/account", 402), ("POST", "/sessions", 400)],
)
def test_refusal__of_the_gateway_itself__has_the_form_of_every_refusal(
    gate: Gate, method: str, path: str, status: int
) -> None:
    answer = requests.request(method, gate.url + path, timeout=60)
    told = answer.json()
    assert answer.status_code == status
    assert told["nvm"]["message"] == told["error"]
    assert told["nvm"]["type"].isalpha()


def test_refusal__of_a_service__has_the_same_form(gate: Gate) -> None:
    for answer in (gate.ask("POST", "/ask"), gate.ask("GET", "/nothing"), gate.ask("GET", "/a//b")):
        told = answer.json()
        assert isinstance(told["error"], str)
        assert {"type", "message"} <= told["nvm"].keys()


def test_offer__of_a_sign_in__names_what_the_request_costs(gate: Gate) -> None:
    told = gate.ask("POST", "/dear").json()
    plans = {plan["planId"]: plan["credits"] for plan in told["extensions"]["nvm-sign-in"]["info"]["plans"]}
    assert plans == {str(gate.shop.open_plan): "4", str(gate.shop.time_plan): "0"}


def test_answer__to_a_voucher__says_the_next_ceiling(gate: Gate) -> None:
    """A client needs no question for its next request, even if this one cost less than its voucher allowed."""
    for _ in range(3):
        answer = gate.paid("POST", "/ask", b"tea?", ceiling=gate.ceiling + 2)
        assert answer.status_code == 200, answer.text
        told = read_header(answer.headers["PAYMENT-RESPONSE"], "answer")
        assert told["extra"]["nextCeiling"] == str(gate.ceiling + 2)


# ---------------------------------------------------------------------- on a host of its own


@dataclass
class TwoServices:
    """A gateway with a service on a host of its own, and another service on another one."""

    gate: Gate
    other: str
    host: str

    def ask(self, method: str, path: str, host: str, **more: Any) -> requests.Response:
        """Send a request to a host."""
        headers = {"Host": host, **more.pop("headers", {})}
        return requests.request(method, self.gate.url + path, headers=headers, timeout=60, **more)

    def sign_in(self, host: str, service: str, *, origin: str | None = None) -> requests.Response:
        """Sign in at a host, for a service."""
        told = self.ask("GET", f"{OWN}/sign-in", host).json()
        buyer = self.gate.shop.buyers[0]
        message = build_sign_in(
            buyer.address,
            origin=origin or told["origin"],
            service=service,
            chain_id=told["chainId"],
            nonce=told["nonce"],
            now=told["issuedAt"],
        )
        signature = buyer.sign_message(encode_defunct(text=message.text)).signature.hex()
        body = {"message": message.text, "signature": signature, "planId": str(self.gate.shop.time_plan)}
        return self.ask("POST", f"{OWN}/sign-in", host, json=body)


@pytest.fixture(scope="module")
def two(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoServices]:
    """Two services, each with a host of its own."""
    other = nvm.register_agent(
        shop.chain,
        shop.builder,
        AgentMetadata("Coffee"),
        [AttachedPlan(shop.credits_plan, 2, 5), AttachedPlan(shop.time_plan, 0, 0)],
    )
    did = format_did(other.agent_id)
    folder = tmp_path_factory.mktemp("own")
    with shop.open(folder, upstream_url, hosts=(HOST,), more={did: ("coffee.example.com:8443",)}) as gate:
        gate.wait_for("available", str(BALANCE))
        yield TwoServices(gate, did, HOST)


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8402", f"{HOST}:443", "TEA.example.com", f"{HOST}."])
def test_own_host__with_whatever_port__is_the_services(two: TwoServices, host: str) -> None:
    refused = two.ask("POST", "/ask", host)
    assert refused.status_code == 402
    told = refused.json()
    assert told["accepts"][0]["extra"]["service"] == two.gate.shop.did
    assert told["resource"]["url"] == f"http://{host.lower()}/ask"
    challenge = told["extensions"]["nvm-sign-in"]["info"]["challenge"]
    assert challenge.startswith(f"http://{host.lower()}{OWN}/sign-in?")


@pytest.mark.parametrize("host", ["coffee.example.com", "coffee.example.com:1", "xtea.example.com", f"{HOST}.evil.com"])
def test_host__that_is_not_the_one_of_the_settings__is_the_gateways(two: TwoServices, host: str) -> None:
    assert two.ask("POST", "/ask", host).status_code == 404
    assert len(two.ask("GET", "/services", host).json()["services"]) == 2


def test_own_paths__on_an_own_host__are_below_a_reserved_prefix(two: TwoServices) -> None:
    (service,) = two.ask("GET", f"{OWN}/services", HOST).json()["services"]
    assert (service["did"], service["url"]) == (two.gate.shop.did, f"http://{HOST}")
    token = two.gate.token(0, ceiling=1)
    assert two.ask("GET", f"{OWN}/account", HOST, headers=token).json()["available"] == str(BALANCE)
    assert two.ask("GET", "/account", HOST, headers=token).json()["nvm"]["type"] == "UnknownEndpoint"  # the service's
    assert two.ask("GET", f"{OWN}/account", "127.0.0.1", headers=token).status_code == 200  # everywhere


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/health/live", "/nothing", ""])
def test_own_paths__of_the_operator__are_not_on_an_own_host(two: TwoServices, path: str) -> None:
    assert two.ask("GET", OWN + path, HOST).status_code == 404


def test_sign_in__on_an_own_host__names_it_and_is_good_there(two: TwoServices) -> None:
    told = two.ask("GET", f"{OWN}/sign-in", HOST).json()
    assert told["origin"] == f"http://{HOST}"
    opened = two.sign_in(HOST, two.gate.shop.did)
    assert opened.status_code == 200, opened.text
    token = {"Authorization": f"Bearer {opened.json()['token']}"}
    assert two.ask("POST", "/ask", HOST, headers=token, data=b"tea?").status_code == 200


def test_sign_in__for_one_service__is_refused_at_another(two: TwoServices) -> None:
    """S6. The plan is the same, and so is the account."""
    token = {"Authorization": f"Bearer {two.sign_in(HOST, two.gate.shop.did).json()['token']}"}
    for answer in (
        two.ask("POST", "/ask", "coffee.example.com:8443", headers=token),
        requests.post(f"{two.gate.url}/services/{two.other}/ask", headers=token, timeout=60),
    ):
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "ServiceNotCovered")


def test_sign_in__at_the_host_of_one_service_for_another_one__is_refused(two: TwoServices) -> None:
    """S6. A seller cannot let people sign in to the service of another seller."""
    for origin in (None, "http://coffee.example.com:8443"):
        answer = (
            two.sign_in(HOST, two.other, origin=origin)
            if origin is None
            else two.sign_in(HOST, two.gate.shop.did, origin=origin)
        )
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "SignInMismatch")


def test_sign_in__for_another_port_of_an_own_host__is_refused(two: TwoServices) -> None:
    """S6. Another program may listen there."""
    answer = two.sign_in(HOST, two.gate.shop.did, origin=f"http://{HOST}:6666")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "SignInMismatch")
    assert two.ask("GET", f"{OWN}/sign-in", f"{HOST}:6666").json()["origin"] == f"http://{HOST}"


def test_client__of_a_service_on_an_own_host__signs_in_and_opens_sessions_there(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    port = find_port()
    host = f"localhost:{port}"
    with shop.open(tmp_path, upstream_url, port=port, url=f"http://127.0.0.1:{port}", hosts=(host,)) as opened:
        gate = Gate(shop, f"http://{host}", opened.buyer)
        Gate(shop, opened.url, opened.buyer).wait_for("available", str(BALANCE))
        for signer, plan in ((gate.buyer, shop.credits_plan), (shop.buyers[1], shop.time_plan)):
            client = open_client(gate, signer=signer, limits={"plans": [plan]})
            _pay_at_own_host(client, plan, has_session=plan == shop.credits_plan)
            client.session.close()


def _pay_at_own_host(client: Client, plan: int, *, has_session: bool) -> None:
    url = f"{client.gate.url}/ask"
    session = client.adapter.open_session(url, method="POST", limit=4) if has_session else None
    answer = client.session.post(url, data=b"tea?", timeout=60)
    payment = find_payment(answer)
    assert (answer.status_code, payment and payment.plan_id) == (200, plan)
    assert "authorization" in client.sent[-1].headers
    if session is not None:
        client.adapter.close_session(session, timeout=60)
        assert client.session.post(url, data=b"tea?", timeout=60).status_code == 200


def test_settings__with_the_gateways_host_for_a_service__are_refused() -> None:
    """The gateway's own paths would belong to the service."""
    service = ServiceSettings("7", "http://127.0.0.1:8000", hosts=("gateway.example.com",))
    with pytest.raises(InvalidConfig, match="is that of the gateway"):
        GatewaySettings("https://gateway.example.com:8443", "m.db", "i.db", {service.did: service})


def test_hosts__of_addresses_with_colons__are_found(shop: Shop) -> None:
    @dataclass
    class Own:
        hosts: tuple[str, ...]

    @dataclass
    class Sold:
        settings: Own

    first, second = Sold(Own(("a.example.com", "b.example.com:81"))), Sold(Own(("b.example.com",)))
    hosts = Hosts({"1": first, "2": second})  # type: ignore[dict-item]  # they have what is looked at
    found: list[object] = [
        hosts.find(host) for host in ("a.example.com:1", "b.example.com:81", "b.example.com:82", "[::1]:80", "", ":80")
    ]
    assert found == [first, first, second, None, None, None]


# ---------------------------------------------------------------------- a buyer that gives up


def test_buyer__that_gives_up_before_the_head_of_the_answer__pays_the_lowest_cost(
    gate: Gate, upstream: Upstream
) -> None:
    """Otherwise everybody could have the work done for nothing."""
    started, goes_on = threading.Event(), threading.Event()

    async def slow(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        started.set()
        while not goes_on.is_set() and (await receive())["type"] != "http.disconnect":
            pass

    upstream.answers["/dear"] = slow
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(f"{gate.service_url}/dear", headers=gate.pay("POST", "/dear", b"", 4), data=b"", timeout=(10, 1))
    assert started.wait(30)
    gate.wait_for("charged", "4")
    goes_on.set()
    del upstream.answers["/dear"]
