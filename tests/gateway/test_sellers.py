"""Several sellers of one gateway: each sees its own numbers, by its role, and nothing of another one (each path, role and seller)."""

import asyncio
import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

import nvm_chain as nvm
from nvm_chain.errors import InvalidConfig, NvmChainError
from nvm_chain.gateway.configuration.parts import SellerPart, TokenPart
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.live_secrets import PAUSE_SECONDS
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.sealing.sealed_files import SecretPlaces
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.seller_tokens import SellerTokens
from nvm_chain.gateway.sellers import paths, usage
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sellers.tokens import Bearer, Role, build_token, find_bearer
from nvm_chain.gateway.sellers.views import SellerView, describe_outlook, read_status
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.openings import Opening
from nvm_chain.meter.settling.first_use import PendingOpening
from nvm_chain.meter.settling.outlooks import Outlook
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import Usage, UsageCursor
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.serving import served
from tests.gateway.shop import NEVER, PUBLIC, Gate, Shop
from tests.meter.test_usage import make_rows
from tests.support.meter_stores import open_books

PATHS: Final = ("/seller/usage", "/seller/status", "/seller/settlement", "/seller/metrics")
FORBIDDEN: Final = PATHS[1:]
"""What a reader may not see."""


def token(seller: str, role: Role) -> str:
    return f"token-of-{seller}-as-{role}-0123456789"


TOKENS: Final = {
    name: tuple(build_token(role, token(name, role), name) for role in Role) for name in ("acme", "bolt", "none")
}


@dataclass
class Market:
    """A gateway of two sellers, and a third one without services. Each service has a plan of its own, and one that both have."""

    url: str
    shop: Shop
    dids: dict[str, str]
    plans: dict[str, int]
    shared: int

    def ask(self, path: str, seller: str, role: Role = Role.OWNER, /, **query: str) -> requests.Response:
        """Ask as a seller."""
        headers = {"Authorization": f"Bearer {token(seller, role)}"}
        return requests.get(f"{self.url}{path}", params=query, headers=headers, timeout=60)

    def usage(self, seller: str, **query: str) -> list[dict[str, Any]]:
        """Return the usage that a seller sees."""
        answer = self.ask("/seller/usage", seller, Role.OWNER, **query)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(scope="module")
def market(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Two sellers whose buyers have paid for some requests."""
    chain, builder = shop.chain, shop.builder
    free, config = nvm.get_free_price_config(), nvm.get_fixed_credits_config(1_000)
    plan_ids = [nvm.register_plan(chain, builder, free, config).plan_id for _ in range(3)]
    for plan_id in plan_ids:
        nvm.set_redeemer(chain, builder, plan_id, shop.redeemer.address, True)
    dids = {}
    for name, plan_id in zip(("acme", "bolt"), plan_ids, strict=False):
        metadata = AgentMetadata(f"Tea of {name}", endpoints=(Endpoint("POST", f"{PUBLIC}/ask"),))
        attached = [AttachedPlan(plan_id, 2, 5), AttachedPlan(plan_ids[2], 2, 5)]
        dids[name] = format_did(nvm.register_agent(chain, builder, metadata, attached).agent_id)
    folder = tmp_path_factory.mktemp("market")
    settings = GatewaySettings(
        "http://127.0.0.1",
        str(folder / "meter.db"),
        str(folder / "index.db"),
        {did: ServiceSettings(did, upstream_url, public_url=PUBLIC, seller=name) for name, did in dids.items()},
        depth=0,
        sellers={name: SellerSettings(name, tokens) for name, tokens in TOKENS.items()},
    )
    app = build_gateway(shop.connect, shop.redeemer, settings, rules=NEVER, renews=True)
    plans = dict(zip(("acme", "bolt"), plan_ids, strict=False))
    buyers = {(name, plan_id): shop.new_buyer() for name in plans for plan_id in (plans[name], plan_ids[2])}
    for (_, plan_id), buyer in buyers.items():
        nvm.mint_credits(chain, builder, plan_id, buyer.address, 1_000)
    with served(app, http=BoundedProtocol) as url:
        market = Market(url, shop, dids, plans, plan_ids[2])
        for name, count in (("acme", 3), ("bolt", 5)):
            pay(market, name, plans[name], count, buyers[name, plans[name]])
            pay(market, name, plan_ids[2], 1, buyers[name, plan_ids[2]])
        wait(lambda: [len(market.usage(name)) for name in ("acme", "bolt")] == [4, 6])
        yield market


def pay(market: Market, seller: str, plan_id: int, count: int, buyer: LocalAccount) -> None:
    """Let a buyer pay for some requests to the service of a seller."""
    shop = market.shop
    gate = Gate(Other(shop, market.dids[seller]), market.url, buyer)  # type: ignore[arg-type]
    for _ in range(count):
        answer = gate.paid("POST", "/ask", b"tea?", plan_id=plan_id)
        assert answer.status_code == 200, answer.text


class Other:
    """The shop, with the agent of another seller."""

    def __init__(self, shop: Shop, did: str) -> None:
        self.shop, self.did = shop, did

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shop, name)


def wait(holds: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


# ---------------------------------------------------------------------- who sees what


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("seller", ["acme", "bolt", "none"])
def test_path__of_each_role_and_seller__shows_nothing_of_another_one(
    market: Market, seller: str, role: Role, path: str
) -> None:
    answer = market.ask(path, seller, role)
    if role is Role.READER and path in FORBIDDEN:
        assert answer.status_code == 403
        assert answer.json()["nvm"]["type"] == "RoleTooWeak"
    else:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    for other in {"acme", "bolt"} - {seller}:
        assert market.dids[other] not in answer.text
        assert str(market.plans[other]) not in answer.text


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong-0123456789-0123456789"},
        {"Authorization": f"Basic {token('acme', Role.OWNER)}"},
        {"Authorization": f"Bearer {token('acme', Role.OWNER)}x"},
        {"Authorization": f"Bearer {token('acme', Role.OWNER)[:-1]}"},
        {"Authorization": f"Bearer sha256:{sha256(token('acme', Role.OWNER).encode()).hexdigest()}"},
    ],
)
def test_path__without_a_token_of_a_seller__is_refused(market: Market, path: str, headers: dict[str, str]) -> None:
    answer = requests.get(f"{market.url}{path}", headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (401, "SellerUnknown")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sellers"'


def test_path__that_is_unknown__is_told_to_sellers_only(market: Market) -> None:
    assert requests.get(f"{market.url}/seller/money", timeout=60).status_code == 401
    assert market.ask("/seller/money", "acme").status_code == 404
    headers = {"Authorization": f"Bearer {token('acme', Role.OWNER)}"}
    answer = requests.post(f"{market.url}/seller/usage", headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


# ---------------------------------------------------------------------- usage


def test_usage__of_a_seller__is_each_request_to_its_services(market: Market) -> None:
    found = market.usage("acme")
    assert {(line["service"], line["credits"]) for line in found} == {(market.dids["acme"], "2")}
    assert sorted(line["planId"] for line in found) == sorted([*[str(market.plans["acme"])] * 3, str(market.shared)])
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    assert len({line["requestId"] for line in found}) == 4
    assert market.usage("none") == []


def test_usage__as_csv__is_the_same(market: Market) -> None:
    answer = market.ask("/seller/usage", "bolt", Role.READER, format="csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    expected = [{name: str(value) for name, value in line.items()} for line in market.usage("bolt")]
    assert rows == expected
    assert market.ask("/seller/usage", "none", format="csv").text.startswith("time,service,planId")


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
def test_usage__in_pages__has_each_request_once(market: Market, limit: int) -> None:
    whole = market.usage("bolt")
    found: list[dict[str, Any]] = []
    url = f"{market.url}/seller/usage?limit={limit}"
    headers = {"Authorization": f"Bearer {token('bolt', Role.READER)}"}
    while True:
        answer = requests.get(url, headers=headers, timeout=60)
        page = [json.loads(line) for line in answer.text.splitlines()]
        assert len(page) <= limit
        found += page
        if "next" not in answer.links:
            break
        url = f"{market.url}{answer.links['next']['url']}"
    assert found == whole


def test_usage__of_a_period__begins_and_ends_there(market: Market) -> None:
    now = int(time.time())
    assert market.usage("acme", **{"from": str(now + 100)}) == []
    assert market.usage("acme", to=str(now - 10_000)) == []
    assert len(market.usage("acme", **{"from": str(now - 10_000), "to": str(now + 10_000)})) == 4
    assert len(market.usage("acme", service=market.dids["acme"])) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"service": "bolt"},
        {"service": "did:nv:" + "f" * 64},
        {"from": "yesterday-ish"},
        {"format": "xml"},
        {"limit": "0"},
        {"limit": "10001"},
        {"limit": "two"},
        {"after": "1-2"},
        {"after": f"{2**63}-0-00"},
        {"after": f"0-{2**63}-00"},
        {"after": "9999999999999999999-0-00", "limit": "5"},
        {"from": f"{2**63}"},
        {"from": f"{2**64 - 1}", "limit": "5"},
        {"to": f"{2**63}"},
        {"form": "csv"},
    ],
)
def test_usage__with_a_wrong_query__says_what_is_wrong(market: Market, query: dict[str, str]) -> None:
    query = {name: market.dids["bolt"] if value == "bolt" else value for name, value in query.items()}
    answer = market.ask("/seller/usage", "acme", Role.OWNER, **query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["nvm"]["type"] == "InvalidMessage"
    assert "query" in answer.json()["nvm"]["message"] or "cursor" in answer.json()["nvm"]["message"]


def test_usage__of_the_largest_numbers__is_nothing_and_no_failure(market: Market) -> None:
    most = 2**63 - 1
    assert market.usage("acme", **{"from": str(most)}) == []
    assert market.usage("acme", after=f"{most}-{most}-{'ff' * 32}") == []
    assert len(market.usage("acme", to=str(most))) == 4


def test_usage__with_a_value_twice__is_refused(market: Market) -> None:
    headers = {"Authorization": f"Bearer {token('acme', Role.OWNER)}"}
    answer = requests.get(f"{market.url}/seller/usage?format=csv&format=csv", headers=headers, timeout=60)
    assert answer.status_code == 400


def test_usage__of_head__has_no_body(market: Market) -> None:
    headers = {"Authorization": f"Bearer {token('acme', Role.OWNER)}"}
    answer = requests.head(f"{market.url}/seller/usage", headers=headers, timeout=60)
    assert (answer.status_code, answer.content, answer.headers["NVM-Kept-Since"]) == (200, b"", "0")


# ---------------------------------------------------------------------- how things stand


def test_status__of_an_owner__has_the_sums_of_its_plans(market: Market) -> None:
    told = market.ask("/seller/status", "acme").json()
    (plan,) = told["plans"]
    assert (plan["planId"], plan["charged"], plan["owed"], plan["taken"]) == (str(market.plans["acme"]), "6", "6", "0")
    assert plan["accounts"] == 1
    assert told["sharedPlans"] == [str(market.shared)]
    assert told["services"] == [market.dids["acme"]]


def test_settlement__of_an_owner__is_what_is_owed_on_its_plans(market: Market) -> None:
    told = {name: market.ask("/seller/settlement", name).json() for name in ("acme", "bolt", "none")}
    assert {name: (each["owed"], each["holders"]) for name, each in told.items()} == {
        "acme": ("6", 1),
        "bolt": ("10", 1),
        "none": ("0", 0),
    }


def test_metrics__of_an_owner__are_those_of_its_services(market: Market) -> None:
    text = market.ask("/seller/metrics", "bolt").text
    assert f'nvm_charged_credits_total{{service="{market.dids["bolt"]}"}} 12.0' in text
    assert "nvm_books" not in text
    assert "gateway" not in text
    assert market.ask("/seller/metrics", "none").text == ""


# ---------------------------------------------------------------------- bounds


@pytest.mark.parametrize("path", ["/seller/status", "/seller/settlement"])
def test_path__asked_again_before_its_answer__refuses_this_seller_alone(
    market: Market, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    is_asked, may_go_on, answers = threading.Event(), threading.Event(), list[requests.Response]()

    def wait_once(*given: Any) -> Any:
        if not is_asked.is_set():
            is_asked.set()
            assert may_go_on.wait(60)
        return read_status(*given)

    monkeypatch.setattr(paths, "read_status", wait_once)
    first = threading.Thread(target=lambda: answers.append(market.ask("/seller/status", "acme")))
    first.start()
    try:
        assert is_asked.wait(60)
        refused = market.ask(path, "acme")
        assert (refused.status_code, refused.json()["nvm"]["type"]) == (429, "TooManyQuestions")
        assert refused.headers["Retry-After"] == "1"
        assert market.ask(path, "bolt").status_code == 200
        assert len(market.usage("acme")) == 4
    finally:
        may_go_on.set()
        first.join()
    assert [answer.status_code for answer in answers] == [200]
    assert market.ask(path, "acme").status_code == 200


def test_export__whose_seller_goes_away__gives_its_place_back(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "AT_ONCE", 1)
    monkeypatch.setattr(usage, "SHARE", 10**7)  # an export would take hours
    headers = {"Authorization": f"Bearer {token('bolt', Role.READER)}"}
    url = f"{market.url}/seller/usage"

    def find_status() -> int:
        return requests.head(url, headers=headers, timeout=60).status_code

    exports = [requests.get(url, headers=headers, stream=True, timeout=60) for _ in range(paths.MOST_EXPORTS)]
    assert [export.status_code for export in exports] == [200] * paths.MOST_EXPORTS
    assert find_status() == 429
    for export in exports:
        export.close()
    wait(lambda: find_status() == 200)


def test_read_page__of_a_seller_among_many_others__ends_after_some_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "AT_ONCE", 10)
    writer = Writer(open_books(f"sqlite:///{tmp_path / 'meter.db'}"))
    own, other = format_did(7), format_did(8)
    in_a_page = 10 * usage.MOST_PARTS
    writer.run(lambda store: make_rows(store, 3 * in_a_page, service=other))
    writer.run(lambda store: make_rows(store, 3, service=own, seconds=in_a_page + 1))
    ask, found, pages = usage.read_ask(b"limit=5", frozenset({own})), list[Usage](), 0
    after: UsageCursor | None = ask.after
    while after is not None:
        page, after = asyncio.run(usage.read_page(writer, replace(ask, after=after), 5))
        found += page
        pages += 1
        assert len({each.request_id for each in found}) == len(found)
    writer.close()
    assert [each.ended_at for each in found] == [0, in_a_page + 1, 2 * (in_a_page + 1)]
    assert pages == 4


def test_outlook__of_a_seller__has_no_gas_for_openings_of_others() -> None:
    holder = to_checksum_address(f"0x{7:040x}")
    openings = tuple(
        PendingOpening(Opening(plan_id, holder, 0, b"\1", 1, holder, 0), is_sent=False) for plan_id in (1, 2, 2, 3)
    )
    outlook = Outlook((), 0, 0, 0, 0, openings=openings)
    view = SellerView(frozenset(), frozenset({1}), frozenset({3}))
    assert describe_outlook(view.narrow_outlook(outlook))["gas"] == openings[0].gas > 0
    assert outlook.gas == 4 * openings[0].gas


# ---------------------------------------------------------------------- tokens


def test_find_bearer__of_each_token__is_its_seller_and_role() -> None:
    for name, role in ((name, role) for name in TOKENS for role in Role):
        assert find_bearer(token(name, role), TOKENS) == Bearer(name, role)
    assert find_bearer(None, TOKENS) is None
    assert find_bearer("", TOKENS) is None


def test_build_token__shown__has_neither_the_token_nor_its_hash() -> None:
    built = build_token(Role.OWNER, token("acme", Role.OWNER), "acme")
    assert "token-of" not in repr(built)
    assert repr(built.digest) not in repr(built)


@pytest.mark.parametrize(
    "wrong", ["", "t" * 23, "t" * 24 + " ", "é" * 30, "sha256:" + "zz" * 32, "sha256:" + "ab" * 31]
)
def test_build_token__of_a_weak_or_malformed_text__is_refused_and_not_shown(wrong: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        build_token(Role.READER, wrong, "acme")
    assert not wrong or wrong not in str(refused.value)


def test_seller_tokens__behind_a_reference__change_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "token.txt"
    file.write_text("a" * 30)
    part = SellerPart("acme", (TokenPart(Role.OWNER, "file:token.txt"), TokenPart(Role.READER, "sha256:" + "ab" * 32)))
    secrets = Secrets(SecretPlaces(tmp_path / "secrets.sealed", tmp_path / "gateway.key"), tmp_path)
    tokens = SellerTokens({"acme": part}, secrets)
    assert find_bearer("a" * 30, tokens.read()) == Bearer("acme", Role.OWNER)
    file.write_text("b" * 31)
    wait(lambda: find_bearer("b" * 31, tokens.read()) == Bearer("acme", Role.OWNER), 10 * PAUSE_SECONDS)
    assert find_bearer("a" * 30, tokens.read()) is None
    assert len(tokens.read()["acme"]) == 2


def test_seller_tokens__that_are_taken_away_or_bad__are_tokens_no_longer(tmp_path: Path) -> None:
    names = ("acme", "bolt", "cask")
    for name in names:
        (tmp_path / name).write_text(name * 10)
    parts = {name: SellerPart(name, (TokenPart(Role.OWNER, f"file:{name}"),)) for name in names}
    secrets = Secrets(SecretPlaces(tmp_path / "secrets.sealed", tmp_path / "gateway.key"), tmp_path)
    told: list[NvmChainError] = []
    tokens = SellerTokens(parts, secrets, on_trouble=told.append)
    assert all(find_bearer(name * 10, tokens.read()) == Bearer(name, Role.OWNER) for name in names)
    (tmp_path / "acme").unlink()
    (tmp_path / "bolt").write_text("too short")
    (tmp_path / "cask").write_text("new" * 10)
    wait(lambda: find_bearer("new" * 10, tokens.read()) == Bearer("cask", Role.OWNER), 10 * PAUSE_SECONDS)
    assert [find_bearer(name * 10, tokens.read()) for name in names] == [None] * 3
    assert find_bearer("too short", tokens.read()) is None
    assert len(told) == 2
    assert "too short" not in str(told)
    (tmp_path / "acme").write_text("again" * 10)
    wait(lambda: find_bearer("again" * 10, tokens.read()) == Bearer("acme", Role.OWNER), 10 * PAUSE_SECONDS)


def test_find_bearer__of_a_token_that_two_have__is_nobody() -> None:
    same = {name: (build_token(role, "t" * 30, name),) for name, role in (("acme", Role.OWNER), ("bolt", Role.READER))}
    assert find_bearer("t" * 30, same) is None
    both = {"acme": tuple(build_token(role, "t" * 30, "acme") for role in Role)}
    assert find_bearer("t" * 30, both) is None
    assert find_bearer("t" * 30, {**TOKENS, "acme": same["acme"]}) == Bearer("acme", Role.OWNER)


def test_gateway_settings__with_one_token_for_two_sellers__are_refused_and_show_neither_token_nor_hash() -> None:
    sellers = {name: SellerSettings(name, (build_token(Role.READER, "t" * 30, name),)) for name in ("acme", "bolt")}
    with pytest.raises(InvalidConfig, match="sellers acme and bolt have the same token") as refused:
        GatewaySettings("http://127.0.0.1", "meter.db", "index.db", {}, sellers=sellers)
    assert "ttt" not in str(refused.value)
    assert sha256(b"t" * 30).hexdigest() not in str(refused.value)


def test_gateway_settings__with_a_service_of_nobody__are_refused() -> None:
    own = ServiceSettings(format_did(7), "http://127.0.0.1:9", seller="acme")
    with pytest.raises(InvalidConfig, match="belongs to acme, who is not a seller"):
        GatewaySettings("http://127.0.0.1", "meter.db", "index.db", {own.did: own})
