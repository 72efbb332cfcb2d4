"""Documents of discovery: what they say is what the gateway does, and the official validators take them."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

import nvm_chain as nvm
from nvm_chain.gateway.discovery.templates import list_templates
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint, match_endpoint
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did, parse_agent_id
from tests.client.clients import find_port
from tests.gateway.serving import Upstream
from tests.gateway.shop import Gate, Shop

ROOT = Path(__file__).parent.parent.parent
VALIDATE = """
import { validate } from 'mppx/discovery'
let text = ''
for await (const chunk of process.stdin) text += chunk
process.stdout.write(JSON.stringify(validate(JSON.parse(text))))
"""
SECONDS = 60


@dataclass
class Found:
    """A gateway with two services, of which the second one has a host of its own, and takes every path."""

    gate: Gate
    second: str
    host: str

    def get(self, path: str, host: str | None = None, **headers: str) -> requests.Response:
        """Ask for a path."""
        return requests.get(
            f"{self.gate.url}{path}", headers={**headers, **({"Host": host} if host else {})}, timeout=60
        )


@pytest.fixture(scope="module")
def found(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The gateway."""
    metadata = AgentMetadata(
        "Coffee", "Answers about coffee.", tags=("Hot Drinks",), images=("https://example.com/c.png",)
    )
    agent = nvm.register_agent(shop.chain, shop.builder, metadata, [AttachedPlan(shop.credits_plan, 2, 5)])
    second, port = format_did(agent.agent_id), find_port()
    host = "coffee.example.com"
    folder = tmp_path_factory.mktemp("discovery")
    with shop.open(folder, upstream_url, port=port, url=f"http://127.0.0.1:{port}", more={second: (host,)}) as gate:
        gate.wait_until_ready()
        yield Found(gate, second, host)


def validate(document: dict[str, Any]) -> list[dict[str, str]]:
    """Return what the official validator of MPP's discovery says."""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", VALIDATE],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=SECONDS,
        check=True,
    )
    told: list[dict[str, str]] = json.loads(done.stdout)
    return told


# ---------------------------------------------------------------------- OpenAPI


def test_openapi__of_the_host__has_no_finding_of_the_official_validator(found: Found) -> None:
    document = found.get("/openapi.json").json()
    assert validate(document) == []
    del document["paths"][f"/services/{found.gate.shop.did}/ask"]["post"]["responses"]["402"]
    assert [finding["severity"] for finding in validate(document)] == ["error"]  # so the validator looked at it


def test_openapi__each_operation__answers_402_with_the_plans_that_it_names(found: Found) -> None:
    document = found.get("/openapi.json").json()
    asked = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names = {parameter["name"]: "x" for parameter in operation.get("parameters", ())}
            answer = requests.request(method, found.gate.url + path.format(**names), timeout=60)
            assert answer.status_code == 402, (path, method, answer.text)
            offered = {offer["extra"]["planId"]: offer["amount"] for offer in answer.json()["accepts"]}
            told = {
                plan["planId"]: plan["maxCredits"]
                for plan in operation["x-nvm-plans"]
                if plan["scheme"] == "nvm-credits"
            }
            assert told == offered
            by_sign_in = {plan["planId"] for plan in operation["x-nvm-plans"]} - told.keys()
            info = answer.json()["extensions"].get("nvm-sign-in", {"info": {"plans": []}})["info"]
            assert by_sign_in == {plan["planId"] for plan in info["plans"]}
            asked += 1
    assert asked == 7  # four endpoints, of which one has an optional part, and every path of the second service twice


def test_openapi__open_endpoints__are_not_in_it(found: Found) -> None:
    paths = found.get("/openapi.json").json()["paths"]
    assert not [path for path in paths if path.endswith("/about")]


def test_openapi__numbers__are_text(found: Found) -> None:
    document = found.get(f"/discovery/{found.gate.shop.did}/openapi.json").json()
    plans = document["paths"][f"/services/{found.gate.shop.did}/ask"]["post"]["x-nvm-plans"]
    assert plans[0] == {
        "planId": str(found.gate.shop.credits_plan),
        "kind": "credits",
        "minCredits": "2",
        "maxCredits": "2",
        "scheme": "nvm-credits",
    }
    assert {plan["kind"]: plan["scheme"] for plan in plans[1:]} == {"credits": "sign-in", "time": "sign-in"}


# ---------------------------------------------------------------------- registrations


def test_registration__of_several_agents__lists_what_the_chain_has(found: Found) -> None:
    shop = found.gate.shop
    listed = found.get("/.well-known/agent-registration.json").json()["registrations"]
    registry = f"eip155:{shop.chain.chain_id}:{shop.chain.agents.address}"
    dids = (shop.did, found.second)
    assert listed == [{"agentId": str(parse_agent_id(did)), "agentRegistry": registry} for did in dids]
    for entry in listed:
        assert nvm.read_agent(shop.chain, int(entry["agentId"])).agent_id == int(entry["agentId"])


def test_registration__of_one_agent__has_the_structure_of_the_standard(found: Found) -> None:
    told = found.get(f"/discovery/{found.second}/agent-registration.json").json()
    services = told.pop("services")
    assert told == {
        "type": "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
        "name": "Coffee",
        "description": "Answers about coffee.",
        "image": "https://example.com/c.png",
        "x402Support": True,
        "active": True,
        "registrations": [found.get("/.well-known/agent-registration.json").json()["registrations"][1]],
    }
    where = {service["name"]: service["endpoint"] for service in services}
    assert where["DID"] == found.second
    assert requests.get(f"{where['web']}anything", timeout=60).status_code == 402
    assert validate(requests.get(where["OpenAPI"], timeout=60).json()) == []


# ---------------------------------------------------------------------- /.well-known/x402


def test_manifest__each_url__is_sold(found: Found) -> None:
    told = found.get("/.well-known/x402").json()
    assert told["version"] == 1
    did = found.gate.shop.did
    assert told["resources"] == [
        f"{found.gate.url}/services/{did}/{name}" for name in ("ask", "data", "dear", "unsold")
    ]
    for url in told["resources"]:
        assert 402 in {requests.request(method, url, timeout=60).status_code for method in ("GET", "POST")}


# ---------------------------------------------------------------------- hosts of services


def test_own_host__of_an_agent_without_endpoints__has_the_documents_of_this_agent(found: Found) -> None:
    file = found.get("/.well-known/agent-registration.json", found.host).json()
    assert [entry["agentId"] for entry in file["registrations"]] == [str(parse_agent_id(found.second))]
    where = {service["name"]: service["endpoint"] for service in file["services"]}
    assert where["web"] == f"http://{found.host}/"
    own = f"/.well-known/nvm/discovery/{found.second}/openapi.json"
    assert where["OpenAPI"] == f"http://{found.host}{own}"
    assert list(found.get(own, found.host).json()["paths"]) == ["/{path}"]
    assert found.get("/openapi.json", found.host).json()["servers"] == [{"url": f"http://{found.host}"}]
    assert found.get("/elsewhere.json", found.host).status_code == 402


def test_own_host__asked_for_another_service__knows_no_document(found: Found) -> None:
    path = f"/.well-known/nvm/discovery/{found.gate.shop.did}/openapi.json"
    assert found.get(path, found.host).status_code == 404


def test_own_host__of_an_agent_that_names_the_path__leaves_it_to_the_service(
    shop: Shop, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    host = "named.example.com"
    endpoints = (Endpoint("GET", f"{upstream_url}/openapi.json"), Endpoint("POST", f"{upstream_url}/ask"))
    metadata = AgentMetadata("Named", endpoints=endpoints)
    agent = nvm.register_agent(shop.chain, shop.builder, metadata, [AttachedPlan(shop.credits_plan, 2, 5)])
    with shop.open(tmp_path, upstream_url, more={format_did(agent.agent_id): (host,)}) as gate:
        gate.wait_until_ready()
        named = Found(gate, "", host)
        assert named.get("/openapi.json", host).status_code == 402
        assert named.get("/.well-known/x402", host).json()["resources"] == [
            f"http://{host}/openapi.json",
            f"http://{host}/ask",
        ]


# ---------------------------------------------------------------------- how they are answered


@pytest.mark.parametrize("path", ["/openapi.json", "/.well-known/x402", "/.well-known/agent-registration.json"])
def test_document__asked_again_with_its_tag__is_not_sent_again(found: Found, path: str) -> None:
    first = found.get(path, Origin="https://page.example.com")
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["access-control-allow-origin"] == "*"
    tag = first.headers["etag"]
    again = found.get(path, **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert found.get(path, **{"If-None-Match": '"other"'}).content == first.content
    head = requests.head(found.gate.url + path, timeout=60)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(first.content)))


def test_document__with_another_method_or_name__is_refused(found: Found) -> None:
    assert requests.post(f"{found.gate.url}/openapi.json", timeout=60).headers["allow"] == "GET"
    for path in (
        "/discovery/",
        f"/discovery/{found.second}",
        f"/discovery/{found.second}/other.json",
        "/discovery/x/y",
    ):
        assert found.get(path).status_code == 404


# ---------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("https://x.example/a/:id", ["/a/{id}"]),
        ("https://x.example/a/:id{/*rest}", ["/a/{id}/{rest}", "/a/{id}"]),
        ("https://x.example/a/:id/b/:id", ["/a/{id}/b/{id_}"]),
        ('https://x.example/a/:"odd name"', ["/a/{odd_name}"]),
        ("https://x.example/caf%C3%A9/\\:x", ["/caf%C3%A9/:x"]),
        ("https://x.example", ["/"]),
        ("https://other.example/a", []),
    ],
)
def test_templates__of_a_pattern__fit_what_the_pattern_matches(pattern: str, paths: list[str]) -> None:
    templates = list(list_templates("https://x.example", pattern))
    assert [template.path for template in templates] == paths
    for template in templates:
        url = f"https://x.example{template.sample}"
        assert match_endpoint([Endpoint("GET", pattern)], [], "GET", url) is not None


def test_templates__below_the_path_of_a_base__leave_it_out() -> None:
    assert [t.path for t in list_templates("https://x.example/v1", "https://x.example/v1/ask")] == ["/ask"]
    assert [t.path for t in list_templates("https://x.example/v1", "https://x.example/v2/ask")] == []
    assert [t.path for t in list_templates("https://x.example/v1", "https://x.example/v1x/ask")] == []
