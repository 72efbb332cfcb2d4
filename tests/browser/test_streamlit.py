"""Apps of Streamlit in a browser: the tutorial's own code, the paywall of the wheel, and the page of the gateway that both show."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, expect

import nvm_chain as nvm
from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.types.ids import format_did
from tests.browser.axe import check_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.streamlit_serving import build_wheel, find_port, run_example, run_streamlit
from tests.browser.wallet import Wallet
from tests.gateway.serving import Upstream, reply, served
from tests.gateway.shop import Shop, run_shop
from tests.support.http_server import run_server

APPS = Path(__file__).parent / "streamlit_apps"
STRANGER = "Log in, then ask"
"""What the field of the chat is called as long as nobody is logged in."""
FORGED = """
const data = { jwtToken: { accessToken: 'forged-token-forged' }, proxyUrl: '', end: 9e9 };
parent.postMessage({ type: 'streamlit:token', data }, '*');
"""
EXAMPLE = Path(__file__).parents[2] / "examples" / "streamlit" / "app.py"


@dataclass
class Place:
    """Where everything is."""

    shop: Shop
    gateway: str
    app: str
    upstream: Upstream

    @property
    def page(self) -> str:
        """The page of the gateway that apps show."""
        return f"{self.gateway}/streamlit?did={self.shop.did}"


async def say_again(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
    """Answer as the model of the example does."""
    answer = {"answer": f"You said: {json.loads(upstream.seen[-1].body)['payload']}"}
    await reply(send, json.dumps(answer).encode())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A chain, a seller, a gateway, and a Streamlit with all apps of these tests, for the whole file."""
    folder, upstream = tmp_path_factory.mktemp("streamlit"), Upstream(answers={"/ask": say_again})
    apps, package = folder / "apps", folder / "package"
    shutil.copytree(APPS, apps)
    (apps / "tutorial.txt").rename(apps / "tutorial.py")
    shutil.copy(EXAMPLE, apps / "pages" / "paywall.py")
    with zipfile.ZipFile(build_wheel(folder)) as wheel:
        wheel.extractall(package)
    ports = {name: find_port() for name in ("gateway", "app")}
    gateway, app = (f"http://127.0.0.1:{ports[name]}" for name in ("gateway", "app"))
    with (
        run_shop() as shop,
        served(upstream) as upstream_url,
        shop.open(folder, upstream_url, url=gateway, port=ports["gateway"], embedded_in=(app,)),
        run_streamlit(
            apps / "tutorial.py",
            ports["app"],
            package,
            {"NVM_GATEWAY": gateway, "NVM_DID": shop.did},
            folder / "streamlit.log",
        ),
    ):
        yield Place(shop, gateway, app, upstream)


@pytest.fixture
def wallet(place: Place, guard: Guard) -> Wallet:
    """The wallet of a buyer who has all plans of the shop. Only the page of the gateway sees it."""
    guard.allow(place.gateway, place.app)
    return Wallet(place.shop.url, list(place.shop.buyers[:2]), origins=(place.gateway,))


def find_frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[src*='/streamlit?did=']")


def test_tutorial__with_the_gateways_page__gets_the_token_and_asks_the_service(
    place: Place, wallet: Wallet, new_page: NewPage
) -> None:
    page = new_page(wallet)
    page.goto(place.app)
    frame = find_frame(page)
    frame.get_by_role("button", name="Log in").click()
    frame.get_by_role("button", name="Use this plan").last.click()
    expect(frame.locator("#words")).to_contain_text("You are logged in")
    expect(page.get_by_text("The service answered 200")).to_be_visible()
    assert wallet.asked == ["eth_requestAccounts", "personal_sign"]


def test_tutorial__with_a_number_as_key__is_refused_by_streamlit(
    place: Place, wallet: Wallet, new_page: NewPage
) -> None:
    page = new_page(wallet)
    page.goto(f"{place.app}/integer_key")
    expect(page.get_by_text("'int' object has no attribute 'encode'").first).to_be_visible()


# ---------------------------------------------------------------------- the paywall


def open_paywall(place: Place, wallet: Wallet, new_page: NewPage) -> Page:
    page = new_page(wallet)
    page.goto(f"{place.app}/paywall")
    expect(find_frame(page).get_by_role("button", name="Log in")).to_be_visible()
    return page


def ask(page: Page, question: str, field: str = "Ask something") -> None:
    """Ask in the chat, as soon as the app knows the visitor."""
    page.get_by_role("textbox", name=field).fill(question)
    page.get_by_role("textbox", name=field).press("Enter")


def use_plan(page: Page, plan_id: int) -> None:
    item = find_frame(page).locator(f"li[data-plan='{format_did(plan_id)}']")
    item.get_by_role("button", name="Use this plan").click()


def log_in(page: Page, plan_id: int) -> None:
    find_frame(page).get_by_role("button", name="Log in").click()
    use_plan(page, plan_id)


def test_paywall__of_the_wheel__logs_in_asks_and_logs_out(place: Place, wallet: Wallet, new_page: NewPage) -> None:
    page = open_paywall(place, wallet, new_page)
    frame = find_frame(page)
    ask(page, "before", STRANGER)
    expect(page.get_by_text("Log in first, please.")).to_be_visible()
    log_in(page, place.shop.open_plan)
    expect(frame.locator("#words")).to_contain_text(f"You are logged in as {wallet.account.address[:6]}")
    check_axe(page.frames[-1])
    ask(page, "and after")
    expect(page.get_by_text("You said: and after")).to_be_visible()
    frame.get_by_role("button", name="Log out").click()
    expect(frame.locator("#words")).to_have_text("You are logged out.")
    ask(page, "at the end", STRANGER)
    expect(page.get_by_text("Log in first, please.")).to_have_count(2)


def test_paywall__with_a_plan_of_vouchers__shows_the_terms_and_signs_a_session(
    place: Place, wallet: Wallet, new_page: NewPage
) -> None:
    for round_ in ("first", "second"):  # the second needs a ceiling above what the first has used
        page = open_paywall(place, wallet, new_page)
        frame = find_frame(page)
        log_in(page, place.shop.credits_plan)
        frame.get_by_label("this number of credits").fill("6")
        frame.get_by_role("button", name="Back").focus()
        expect(frame.get_by_role("region", name="Terms of the session")).to_contain_text("Credits in all: at most 6")
        check_axe(page.frames[-1])
        frame.get_by_role("button", name="Sign in your wallet").click()
        if round_ == "second":
            expect(frame.get_by_role("alert")).to_contain_text("Sign once more")
            frame.get_by_role("button", name="Sign in your wallet").click()
        expect(frame.locator("#words")).to_contain_text("You are logged in")
        for number in (1, 2):
            ask(page, f"{round_} question {number}")
            expect(page.get_by_text(f"You said: {round_} question {number}")).to_be_visible()
    assert wallet.count("eth_signTypedData_v4") == 3


def test_paywall__of_a_visitor_who_says_no__says_so_and_lets_try_again(
    place: Place, wallet: Wallet, new_page: NewPage
) -> None:
    page = open_paywall(place, wallet, new_page)
    frame = find_frame(page)
    wallet.refuse = {"personal_sign"}
    log_in(page, place.shop.time_plan)
    expect(frame.get_by_role("alert")).to_have_text("You said no in your wallet. Nothing was signed.")
    wallet.refuse = set()
    use_plan(page, place.shop.time_plan)
    expect(frame.locator("#words")).to_contain_text("You are logged in")
    expect(frame.get_by_role("alert")).to_be_hidden()


def test_paywall__of_a_visitor_without_a_plan__leads_to_the_checkout_and_sees_an_order(
    place: Place, guard: Guard, new_page: NewPage
) -> None:
    guard.allow(place.gateway, place.app)
    shop, stranger = place.shop, place.shop.chain.accounts[9]
    page = open_paywall(place, Wallet(shop.url, [stranger], origins=(place.gateway,)), new_page)
    frame = find_frame(page)
    frame.get_by_role("button", name="Log in").click()
    expect(frame.locator("#words")).to_contain_text("has no plan for this service yet")
    expect(frame.get_by_role("button", name="Use this plan")).to_have_count(0)
    plan = frame.locator(f"li[data-plan='{format_did(shop.time_plan)}']")
    with page.context.expect_page() as opened:
        plan.get_by_role("link").click()
    assert opened.value.url == f"{place.gateway}/checkout/{format_did(shop.time_plan)}"
    nvm.order_plan(shop.chain, stranger, shop.time_plan)
    frame.get_by_role("button", name="Look again").click()
    expect(plan).to_contain_text("You have access until")
    expect(plan.get_by_role("button", name="Use this plan")).to_be_visible()


def test_paywall__whose_account_is_switched__reads_the_plans_of_the_new_one(
    place: Place, wallet: Wallet, new_page: NewPage
) -> None:
    page = open_paywall(place, wallet, new_page)
    frame, other = find_frame(page), wallet.accounts[1]
    frame.get_by_role("button", name="Log in").click()
    expect(frame.locator("#words")).to_contain_text(wallet.account.address[:6])
    wallet.switch_account(other)
    expect(frame.locator("#words")).to_contain_text(f"{other.address[:6]}…{other.address[-4:]} can use this service")


def test_paywall__of_a_message_that_another_page_sends__takes_no_token(
    place: Place, wallet: Wallet, new_page: NewPage, guard: Guard
) -> None:
    page = open_paywall(place, wallet, new_page)
    page.evaluate(f"() => {{ {FORGED} }}")  # from the app's own page
    with run_server() as other:  # from a frame of another origin
        guard.allow(other.url)
        body = f"<script>{FORGED} parent.postMessage('sent', '*')</script>".encode()
        other.route("/", body, headers={"Content-Type": "text/html"})
        page.evaluate(
            "url => new Promise((done) => { addEventListener('message', ({ data }) => data === 'sent' && done());"
            " document.body.append(Object.assign(document.createElement('iframe'), { src: url })) })",
            f"{other.url}/",
        )
    ask(page, "forged", STRANGER)
    expect(page.get_by_text("Log in first, please.")).to_be_visible()


# ---------------------------------------------------------------------- the page of the gateway


def test_streamlit_page__in_a_frame_of_an_app_that_the_seller_did_not_name__is_not_shown(
    place: Place, new_page: NewPage, guard: Guard
) -> None:
    with run_server() as other:
        guard.allow(place.gateway, other.url)
        body = f"<!doctype html><iframe src='{place.page}'></iframe>".encode()
        other.route("/", body, headers={"Content-Type": "text/html"})
        other.route("/favicon.ico", b"", status=204)
        page = new_page()
        page.goto(other.url)
        with pytest.raises(AssertionError):
            expect(find_frame(page).locator("#widget")).to_be_attached(timeout=500)
    assert "frame-ancestors" in "".join(guard.forbidden)
    guard.forget()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_streamlit_page__of_a_service_with_markup_in_its_name__shows_text_and_is_for_everybody(
    place: Place, wallet: Wallet, new_page: NewPage, scheme: str
) -> None:
    page = new_page(wallet, color_scheme=scheme, viewport={"width": 320, "height": 600})
    page.goto(place.page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tea <b>answers</b>")
    check_axe(page)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("list", name="Plans").get_by_role("listitem")).to_have_count(3)
    check_axe(page)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("method", "rest", "status", "kind"),
    [
        ("GET", "", 400, "InvalidAgentId"),
        ("GET", "?did=tea", 400, "InvalidAgentId"),
        ("GET", f"?did={format_did(2**200)}", 404, "ServiceUnknown"),
        ("POST", "?did={did}", 404, "NotFound"),
        ("GET", "/api/tea?did={did}", 404, "NotFound"),
        ("GET", "/assets/streamlit.js", 404, "NotFound"),
        ("GET", "/api/plans?did={did}", 400, "InvalidAddress"),
        ("GET", "/api/plans?did={did}&account=0x1", 400, "InvalidAddress"),
        ("GET", f"/api/plans?did={{did}}&{'x' * 1_000}", 400, "InvalidMessage"),
        ("POST", "/api/logins?did={did}", 400, "InvalidMessage"),
    ],
)
def test_streamlit_paths__of_what_is_not_there__say_so(
    place: Place, method: str, rest: str, status: int, kind: str
) -> None:
    url = f"{place.gateway}/streamlit{rest.replace('{did}', place.shop.did)}"
    answer = requests.request(method, url, timeout=60)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (status, kind)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"planId": "7"}, "PlanNotAccepted"),
        ({"account": "tea"}, "InvalidAddress"),
        ({"limit": "0"}, "InvalidAmount"),
        ({"limit": "-1"}, "InvalidMessage"),
        ({"ceiling": "1e9"}, "InvalidMessage"),
        ({"ceiling": str(2**64)}, "InvalidAmount"),
    ],
)
def test_streamlit_logins__of_what_cannot_be_signed__refuse_it(
    place: Place, changes: dict[str, str], kind: str
) -> None:
    body = {"account": place.shop.buyers[0].address, "planId": str(place.shop.credits_plan), **changes}
    answer = requests.post(f"{place.gateway}/streamlit/api/logins?did={place.shop.did}", json=body, timeout=60)
    assert answer.json()["nvm"]["type"] == kind, answer.text
    assert 400 <= answer.status_code < 500


def test_streamlit_page__on_the_own_host_of_a_service__names_that_host(place: Place, tmp_path: Path) -> None:
    apps = ("https://chat.example.com", "http://localhost:8501")
    with place.shop.open(tmp_path, "http://127.0.0.1:9", hosts=("tea.example.com",), embedded_in=apps) as gate:
        own = {"Host": "tea.example.com"}
        answer = requests.get(f"{gate.url}/.well-known/nvm/streamlit", headers=own, timeout=60)
        headers = requests.head(f"{gate.url}/.well-known/nvm/streamlit", headers=own, timeout=60).headers
    assert 'data-url="http://tea.example.com"' in answer.text
    assert answer.headers["content-security-policy"].endswith(f"frame-ancestors {' '.join(apps)}")
    assert headers["content-length"] == str(len(answer.content))


def test_streamlit_page__of_a_service_that_no_app_embeds__is_not_there(place: Place, tmp_path: Path) -> None:
    with place.shop.open(tmp_path, "http://127.0.0.1:9") as gate:
        answer = requests.get(f"{gate.url}/streamlit?did={place.shop.did}", timeout=60)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "NotEmbedded")


@pytest.mark.parametrize(
    "origin",
    [
        "chat.example.com",
        "https://*.example.com",
        "https://chat.example.com/",
        "https://a.example.com; script-src *",
        "*",
    ],
)
def test_settings__of_an_app_that_is_not_an_origin__raise(origin: str) -> None:
    with pytest.raises(InvalidConfig, match="is not the origin of an app"):
        ServiceSettings(format_did(7), "http://127.0.0.1:8000", embedded_in=(origin,))


# ---------------------------------------------------------------------- the example


def test_example__by_its_one_command__runs_a_chat_that_a_visitor_can_use(
    tmp_path: Path, guard: Guard, new_page: NewPage
) -> None:
    chain, gateway, app = (find_port() for _ in range(3))
    with run_example(f"{chain},{gateway},{app}", tmp_path / "log") as url:
        guard.allow(url, f"http://127.0.0.1:{gateway}")
        visitor = derive_dev_accounts()[2]
        page = new_page(Wallet(f"http://127.0.0.1:{chain}", [visitor], origins=(f"http://127.0.0.1:{gateway}",)))
        page.goto(url)
        find_frame(page).get_by_role("button", name="Log in").click()
        find_frame(page).get_by_role("button", name="Use this plan").click()
        expect(find_frame(page).locator("#words")).to_contain_text("You are logged in")
        ask(page, "tea?")
        expect(page.get_by_text("You said: tea?")).to_be_visible()
