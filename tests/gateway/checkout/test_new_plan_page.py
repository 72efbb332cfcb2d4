"""The page of a new plan and its addresses: what is there, for whom, and what is refused."""

from pathlib import Path

import pytest
import requests

from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.pages.new_plan import build_new_plan_page
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sellers.tokens import Role, build_token
from nvm_chain.metadata.data_uris import parse_data_uri
from nvm_chain.metadata.documents import parse_plan_metadata
from nvm_chain.operations.plans import read_plan
from tests.gateway.checkout.new_plans import TEMPLATES, Seller
from tests.gateway.checkout.stall import HOSTILE, Stall, Stand
from tests.gateway.checkout.test_pages import Reader
from tests.support.delegated import delegate


def test_page__of_a_new_plan__runs_only_its_own_script(stand: Stand) -> None:
    answer = requests.get(f"{stand.gate.url}/seller/new", timeout=60)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Reader(answer.text)
    assert [attributes.get("src") for tag, attributes in page.tags if tag == "script"] != []
    assert not [
        tag
        for tag, attributes in page.tags
        if "style" in attributes or any(each.startswith("on") for each in attributes)
    ]
    links = [attributes[name] for tag, attributes in page.tags for name in ("href", "src") if attributes.get(name)]
    for link in links:
        assert link is not None
        if not link.startswith("data:"):
            assert requests.get(f"{stand.gate.url}/seller/{link}", timeout=60).status_code == 200
    radios = [attributes["value"] for tag, attributes in page.tags if attributes.get("type") == "radio"]
    assert radios == list(TEMPLATES)


def test_texts__that_are_markup__stay_text(seller: Seller) -> None:
    review = seller.register("month", name="<img src=x>", description=HOSTILE, author="</script>")
    assert (review["name"], review["author"]) == ("<img src=x>", "</script>")
    plan = read_plan(seller.stand.stall.shop.chain, review["did"])
    metadata = parse_plan_metadata(parse_data_uri(plan.uri))
    assert (metadata.name, metadata.description, metadata.author) == ("<img src=x>", HOSTILE, "</script>")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"account": 1}',
        '{"account": "0x", "template": "month", "kind": "time", "token": "USDC", "more": 1}',
        "[" * 5_000,
    ],
)
def test_body__that_is_not_what_belongs_there__is_refused(seller: Seller, body: str) -> None:
    for path in ("", "/registration", "/steps"):
        answer = requests.post(f"{seller.base}{path}", data=body, timeout=60)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (400, "InvalidMessage")


def test_body__that_is_long__is_refused(seller: Seller) -> None:
    answer = seller.post("", seller.choose("month", name="x", description="y" * 70_000))
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/seller/new/", "/seller/new/assets/x.js", "/seller/api/drafts/x", "/seller/newest"])
def test_address__that_leads_nowhere__is_404(stand: Stand, path: str) -> None:
    assert requests.get(f"{stand.gate.url}{path}", timeout=60).status_code == 404


def test_page__on_the_own_host_of_a_service__is_not_there(stand: Stand) -> None:
    url = f"{stand.gate.url}/.well-known/nvm/seller/new"
    answer = requests.get(url, headers={"host": "coffee.example.com"}, timeout=60)
    assert answer.status_code == 404
    assert "/seller/new" in answer.json()["error"]


def test_page__of_a_gateway_with_sellers__needs_no_token(stall: Stall, upstream_url: str, tmp_path: Path) -> None:
    sellers = {"acme": SellerSettings("acme", (build_token(Role.OWNER, "t" * 30, "acme"),))}
    with stall.open(tmp_path, upstream_url, sellers=sellers, seller="acme") as stand:
        assert requests.get(f"{stand.gate.url}/seller/new", timeout=60).status_code == 200
        assert Seller(stand, stall.shop.builder).review("month")["summary"] == "30 days of access, 20 USDC"
        assert requests.get(f"{stand.gate.url}/seller/usage", timeout=60).status_code == 401


def test_account__with_code__finds_the_gas_itself(stall: Stall, stand: Stand) -> None:
    account, world = stall.new_account(), stall.world
    delegate(world, account, world.deploy("SmartWallet", account.address).address)
    own = Seller(stand, account)
    body = {"plan": own.choose("month"), "reviewed": own.review("month")["reviewed"]}
    transaction = own.post("/registration", body).json()["transaction"]
    assert transaction.keys() == {"from", "to", "data", "value"}


def test_page__on_a_network_without_usdc__does_not_offer_it(stall: Stall) -> None:
    chain = stall.shop.chain
    place = Place("http://127.0.0.1", 1, chain.credits.address, stall.shop.redeemer.address, {})
    pages = [build_new_plan_page(place, has_usdc=has_usdc).decode() for has_usdc in (True, False)]
    assert ['value="USDC"' in page for page in pages] == [True, False]
