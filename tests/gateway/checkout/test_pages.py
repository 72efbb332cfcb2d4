"""The pages as HTML: what is sold and by whom, what is hostile is text, and nothing comes from another host."""

import asyncio
import gzip
import re
import threading
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.serving import Refused
from tests.gateway.checkout.stall import HOSTILE, Stand

LINK = re.compile(r'(?:href|src)="([^"]+)"')


class Reader(HTMLParser):
    """Reads a page as a browser does: its elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


def test_page__of_a_plan__has_its_seller_and_all_terms(stand: Stand) -> None:
    answer = stand.page(stand.stall.did("paid"))
    assert answer.status_code == 200
    text = Reader(answer.text).text
    for part in (
        "A hundred answers",
        "20 USDC",
        "100 credits",
        "There are no refunds.",
        stand.stall.shop.builder.address,
    ):
        assert part in text


def test_page__of_all_that_is_sold__leads_to_each_agent(stand: Stand) -> None:
    answer = stand.page("")
    assert answer.status_code == 200
    for did in (stand.stall.agent, stand.stall.other_agent):
        assert f'href="./{did}"' in answer.text
        assert stand.page(did).status_code == 200
    assert "<script>" not in answer.text.replace("<script src", "")
    assert HOSTILE not in answer.text


def test_page__of_all_that_is_sold__on_an_own_host_is_that_of_its_agent(stand: Stand) -> None:
    answer = requests.get(
        f"{stand.gate.url}/.well-known/nvm/checkout/", headers={"host": "coffee.example.com"}, timeout=60
    )
    assert answer.status_code == 200
    assert stand.stall.other_agent in answer.text
    assert stand.stall.agent not in answer.text


@pytest.mark.parametrize("path", ["checkout", "checkout/0x{}"])
def test_page__by_another_spelling__leads_to_the_page(stand: Stand, path: str) -> None:
    plan = stand.stall.did("paid")
    asked = f"{stand.gate.url}/{path.format(plan.rpartition(':')[2])}"
    answer = requests.get(asked, allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.content) == (308, b"")
    wanted = f"{stand.url}/" if path == "checkout" else f"{stand.url}/{plan}"
    assert requests.get(asked, timeout=60).url == wanted


def test_page__of_an_agent__has_its_plans_in_order_and_leads_to_each(stand: Stand) -> None:
    answer = stand.page(stand.stall.agent)
    names = re.findall("<h3><bdi>(.*?)</bdi></h3>", answer.text)
    assert names[0] == "Try it"
    assert names.index("Every day") < names.index("A hundred answers") < names.index("By card")
    for name in stand.stall.plans.keys() - {"unsold"}:
        assert f'href="./{stand.stall.did(name)}"' in answer.text
    assert stand.stall.did("unsold") not in answer.text


def test_pages__ask_nobody_else_and_run_nothing_but_their_own_script(stand: Stand) -> None:
    for did in (stand.stall.did("paid"), stand.stall.agent):
        answer = stand.page(did)
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "connect-src": "'self'",
            "img-src": "'self' data:",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }
        assert (answer.headers["Referrer-Policy"], answer.headers["X-Content-Type-Options"]) == (
            "no-referrer",
            "nosniff",
        )
        for link in LINK.findall(answer.text):
            assert link.startswith(("./did:nv:", "./account", "assets/", "#", "data:,")), link
        for tag, attributes in Reader(answer.text).tags:
            assert tag != "style"
            assert not [name for name in attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("name", ["", "account"])
def test_page__with_its_files__is_small(stand: Stand, name: str) -> None:
    page = stand.page(name or stand.stall.did("paid"))
    files = [requests.get(f"{stand.url}/{link}", timeout=60) for link in LINK.findall(page.text) if "assets/" in link]
    assert [answer.status_code for answer in files] == [200, 200, 200]
    for answer in files:
        assert "immutable" in answer.headers["Cache-Control"]
    size = sum(len(gzip.compress(answer.content)) for answer in (page, *files))
    assert size < 100_000


def test_metadata__that_is_hostile__is_text_on_every_page(stand: Stand) -> None:
    for did in (stand.stall.did("hostile"), stand.stall.agent):
        answer = stand.page(did)
        found = Reader(answer.text)
        assert [attrs["src"] for tag, attrs in found.tags if tag == "script"] == LINK.findall(answer.text)[2:4]
        assert "img" not in {tag for tag, _ in found.tags}
        assert "b" not in {tag for tag, _ in found.tags}
        assert "<script>alert(1)</script>" in found.text
        assert "\u202e" not in answer.text
    assert "\u202e" in HOSTILE


def test_metadata__that_cannot_be_verified__leaves_the_terms(stand: Stand) -> None:
    text = Reader(stand.page(stand.stall.did("bare")).text).text
    assert "The description of this plan could not be verified." in text
    assert "One purchase costs 20 USDC." in text


def test_token__that_only_names_itself__has_its_address(stand: Stand) -> None:
    text = Reader(stand.page(stand.stall.did("odd")).text).text
    assert f"This is the token {stand.stall.odd.address}. Only the token itself says that it is called WEIRD." in text


def test_plan__that_cannot_be_ordered__says_why_and_has_no_button(stand: Stand) -> None:
    answer = stand.page(stand.stall.did("external"))
    assert "This plan is paid outside the chain. Ask the seller how." in Reader(answer.text).text
    assert "<button" not in answer.text


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("did:nv:" + "ab" * 32, 404, "PlanNotSold"),
        ("did:nv:12", 404, "NotFound"),
        ("assets/checkout.js", 404, "NotFound"),
        ("assets/../checkout.py", 404, "NotFound"),
        ("api/nothing", 404, "NotFound"),
        ("0x12", 404, "NotFound"),
    ],
)
def test_path__that_leads_nowhere__is_refused_in_the_form_of_all_refusals(
    stand: Stand, path: str, status: int, kind: str
) -> None:
    answer = stand.page(path)
    told = answer.json()
    assert (answer.status_code, told["nvm"]["type"], told["nvm"]["message"]) == (status, kind, told["error"])


def test_method__that_a_path_does_not_have__is_405_with_those_that_it_has(stand: Stand) -> None:
    for method, path, allowed in (
        ("POST", stand.stall.agent, "GET"),
        ("GET", "api/orders", "POST"),
        ("PUT", "api/relays", "POST, GET"),
    ):
        answer = requests.request(method, f"{stand.url}/{path}", timeout=60)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_head__of_a_page__is_that_of_get(stand: Stand) -> None:
    url = f"{stand.url}/{stand.stall.did('paid')}"
    head, whole = requests.head(url, timeout=60), requests.get(url, timeout=60)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))


def test_plan__on_the_own_host_of_another_service__is_not_sold_there(stand: Stand) -> None:
    """S6. A seller with a host of its own shows nothing of the others."""

    def ask(did: str) -> int:
        url = f"{stand.gate.url}/.well-known/nvm/checkout/{did}"
        return requests.get(url, headers={"Host": "coffee.example.com"}, timeout=60).status_code

    stall = stand.stall
    assert [ask(did) for did in (stall.did("free"), stall.other_agent)] == [200, 200]
    assert [ask(did) for did in (stall.did("paid"), stall.agent)] == [404, 404]


def test_desk__at_which_too_many_wait__answers_503_and_then_serves_again(stand: Stand) -> None:
    goes_on = threading.Event()

    def wait(chain: Chain) -> int:
        goes_on.wait(30)
        return chain.chain_id

    async def run() -> list[Any]:
        desk = ChainDesk(stand.stall.shop.connect, threads=1, most_waiting=2)
        asked = [asyncio.ensure_future(desk.ask(wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await desk.ask(wait)
        goes_on.set()
        told = [await each for each in asked]
        told.append(await desk.ask(wait))
        desk.close()
        return [*told, refused.value.refusal.status, dict(refused.value.refusal.headers)[b"retry-after"]]

    assert asyncio.run(run()) == [31_337, 31_337, 31_337, 503, b"5"]
