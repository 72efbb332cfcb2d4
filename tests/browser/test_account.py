"""The account page in a browser, as a holder meets it: a real gateway over anvil, a wallet that signs, and a client that pays."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Locator, Page, expect

import nvm_chain as nvm
from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.errors import GatewayRefused
from nvm_chain.meter.session_terms import parse_session_terms
from tests.browser.axe import check_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.stall import Stall, Stand, run_stall
from tests.gateway.files import find_free_port
from tests.gateway.serving import Upstream, served

SIGN, SIGN_TEXT = "eth_signTypedData_v4", "personal_sign"
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def stall() -> Iterator[Stall]:
    """A chain with a seller's plans."""
    with run_stall() as stall:
        yield stall


@pytest.fixture(scope="module")
def stand(stall: Stall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sells the plans, and knows its own URL."""
    folder, port = tmp_path_factory.mktemp("account"), find_free_port()
    with (
        served(Upstream()) as upstream,
        stall.open(folder, upstream, url=f"http://127.0.0.1:{port}", port=port) as stand,
    ):
        yield stand


@dataclass
class Holder:
    """A person with some plans, and a wallet."""

    account: LocalAccount
    wallet: Wallet


@pytest.fixture
def holder(stall: Stall, guard: Guard, stand: Stand) -> Holder:
    """Somebody who has bought credits, and time."""
    guard.allow(stand.gate.url)
    account = stall.new_account()
    for plan in ("paid", "time"):
        nvm.order_plan(stall.shop.chain, account, stall.plans[plan])
    return Holder(account, Wallet(stall.shop.url, [account]))


def connect(page: Page, stand: Stand) -> None:
    page.goto(f"{stand.url}/account")
    page.get_by_role("button", name="Connect a wallet").click()
    expect(page.get_by_role("heading", name="Your plans")).to_be_focused()
    while page.locator("article h3").count() < 2:  # the index reads the last blocks
        page.get_by_role("button", name="Look again").click()
        expect(page.get_by_role("status")).to_have_text("")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Sessions and allowances")).to_be_focused()


def find_plan(page: Page, name: str) -> str:
    return str(page.get_by_label("Plan", exact=True).locator("option", has_text=name).get_attribute("value"))


def draft(page: Page, button: str, plan: str, **values: str) -> str:
    """Fill in a draft, and return the text that will be signed."""
    page.get_by_role("button", name=button).click()
    page.get_by_label("Plan", exact=True).select_option(find_plan(page, plan))
    for label, value in values.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
    alert, title = page.get_by_role("alert"), page.get_by_role("heading", name="What you sign")
    page.get_by_role("button", name="Show what I sign").click()
    expect(title.or_(alert)).to_be_visible()
    while alert.is_visible():  # the gateway has not counted the last order yet
        expect(alert).to_contain_text("Wait a moment, and try again.")
        page.get_by_role("button", name="Show what I sign").click()
        expect(title.or_(alert)).to_be_visible()
    expect(title).to_be_focused()
    return str(page.locator("#terms-text").text_content())


def show_statement(card: Locator) -> None:
    """Show the statement of a plan, as soon as the index has something of it."""
    while not card.locator("tbody tr").count():
        card.get_by_role("button", name="Show the statement").click()
        expect(card.locator("tbody tr, [data-empty]")).not_to_have_count(0)


def ask(stand: Stand, token: str) -> requests.Response:
    return requests.get(f"{stand.gate.service_url}/tea", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_account__of_a_holder__shows_plans_and_statement_without_a_signature(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    card = page.locator("article", has_text="A hundred answers")
    expect(card).to_contain_text("You have 100 credits.")
    expect(card.get_by_role("link", name="Terms, and order again")).to_have_attribute(
        "href", f"./{stand.stall.did('paid')}"
    )
    show_statement(card)
    row = card.locator("tbody tr")
    expect(row).to_be_focused()
    assert row.locator("td").all_inner_texts()[1:] == ["Order", "+100", "20 USDC", "100"]
    expect(page.locator("article", has_text="A month")).to_contain_text("access until")
    assert holder.wallet.count(SIGN_TEXT) == holder.wallet.count(SIGN) == 0
    check_axe(page)


def test_session__opened_on_the_page__pays_until_it_is_ended_there(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    sign_in(page)
    expect(page.get_by_text("Nothing is open.")).to_be_visible()
    values = {"Credits_in_all": "7", "Credits_for_each_request,_if_you_want_a_limit": "2"}
    terms = parse_session_terms(draft(page, "Open a session", "A hundred answers", **values))
    assert (terms.holder, terms.user, terms.limit, terms.per_request) == (holder.account.address,) * 2 + (7, 2)
    check_axe(page)
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your token")).to_be_focused()
    token = page.get_by_label("Token of the session").input_value()
    expect(page.locator("#result-example")).to_have_text(
        f'curl -H "Authorization: Bearer {token}" {stand.gate.service_url}/'
    )
    expect(page.locator("#result-warning")).to_contain_text("Whoever has it can spend up to the limit")
    check_axe(page)
    assert ask(stand, token).status_code == 200
    page.get_by_role("button", name="I have kept it").click()
    assert token not in page.content()

    page.get_by_role("button", name="Look again").click()
    opened = page.locator("#open > li")
    expect(opened).to_contain_text("At most 7 credits in all. 1 credit is used")
    expect(opened).to_contain_text("Each request costs at most 2 credits.")
    expect(page.locator("#owed li")).to_contain_text("1 credit is charged")
    opened.get_by_role("button", name="End it").click()
    expect(page.get_by_text("It has ended.")).to_be_visible()
    expect(opened).to_have_count(0)
    refused = ask(stand, token)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "AuthorityRevoked")


def test_time_plan__on_the_page__gives_a_token_for_a_sign_in(new_page: NewPage, stand: Stand, holder: Holder) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    sign_in(page)
    text = draft(page, "Open a session", "A month")
    assert "Sign in to use this service." in text
    expect(page.get_by_label("Credits in all")).to_be_hidden()
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your token")).to_be_focused()
    token = page.get_by_label("Token of the session").input_value()
    assert ask(stand, token).status_code == 200
    expect(page.locator("#open > li")).to_contain_text("Sign-in")


def test_allowance__given_on_the_page__is_used_by_its_user_with_the_client(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page, user = new_page(holder.wallet), Account.create()
    connect(page, stand)
    sign_in(page)
    draft(page, "Give an allowance", "A hundred answers", Address_of_the_user=user.address, Credits_in_all="9")
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your allowance")).to_be_focused()
    allowance = Allowance.from_json(page.get_by_label("Allowance as text").input_value())
    assert (allowance.terms.user, allowance.terms.limit) == (user.address, 9)

    url = f"{stand.gate.service_url}/tea"
    limits = build_limits(per_request=2, in_all=9, services=[stand.stall.agent])
    adapter = PayingAdapter(Buyer(stand.stall.shop.connect(), user, limits), stand.gate.url)
    adapter.use_allowance(url, allowance)
    with requests.Session() as session:
        session.mount(stand.gate.url, adapter)
        assert session.get(url, timeout=60).status_code == 200
        page.get_by_role("button", name="Look again").click()
        opened = page.locator("#open > li")
        expect(opened).to_contain_text(f"Used by {user.address}")
        opened.get_by_role("button", name="End it").click()
        expect(opened).to_have_count(0)
        assert session.get(url, timeout=60).status_code == 402


def give_allowance(page: Page, user: LocalAccount) -> str:
    """Give an allowance on the page, and return its text."""
    draft(page, "Give an allowance", "A hundred answers", Address_of_the_user=user.address, Credits_in_all="9")
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your allowance")).to_be_focused()
    return page.get_by_label("Allowance as text").input_value()


def use_allowance(stand: Stand, user: LocalAccount, text: str) -> None:
    limits = build_limits(per_request=2, in_all=9, services=[stand.stall.agent])
    adapter = PayingAdapter(Buyer(stand.stall.shop.connect(), user, limits), stand.gate.url)
    adapter.use_allowance(f"{stand.gate.service_url}/tea", Allowance.from_json(text))


@pytest.mark.parametrize("is_pasted", [False, True])
def test_allowance__that_its_user_never_opened__is_taken_back_on_the_page(
    new_page: NewPage, stand: Stand, holder: Holder, is_pasted: bool
) -> None:
    page, user = new_page(holder.wallet), Account.create()
    connect(page, stand)
    sign_in(page)
    text, signed = give_allowance(page, user), holder.wallet.count(SIGN_TEXT)
    if is_pasted:
        page.reload()  # the tab has forgotten it
        page.get_by_label("Text of the allowance").fill(f" {text}\n")
        page.get_by_role("button", name="Take it back").click()
    else:
        page.get_by_role("button", name="Take this one back").click()
    expect(page.get_by_text("It is taken back.")).to_be_visible()
    expect(page.get_by_role("heading", name="Sessions and allowances")).to_be_focused()
    expect(page.locator("#result")).to_be_hidden()
    expect(page.get_by_label("Text of the allowance")).to_have_value("")
    assert holder.wallet.count(SIGN_TEXT) == signed + 1
    with pytest.raises(GatewayRefused, match="revoked"):
        use_allowance(stand, user, text)
    check_axe(page)


def test_text__that_is_no_allowance_of_the_account__is_refused_in_a_sentence(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page, signed = new_page(holder.wallet), 1
    connect(page, stand)
    sign_in(page)
    for text in ("", "tea", "[]", "null", '{"terms": 1, "voucher": 2}'):
        page.get_by_label("Text of the allowance").fill(text)
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_role("alert")).to_contain_text("This is not the text of an allowance.")
    page.get_by_label("Text of the allowance").fill('{"terms": "<img src=x>", "voucher": "{}"}')
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("alert")).not_to_contain_text("This is not the text of an allowance.")
    expect(page.get_by_role("alert")).to_be_visible()
    assert holder.wallet.count(SIGN_TEXT) == signed


def test_page__by_keyboard__signs_in_and_opens_a_session(new_page: NewPage, stand: Stand, holder: Holder) -> None:
    page = new_page(holder.wallet)
    page.goto(f"{stand.url}/account")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your plans")).to_be_focused()

    def reach(name: str, key: str = "Enter") -> None:
        button = page.get_by_role("button", name=name, exact=True)
        for _ in range(40):
            if button.evaluate("(found) => found === document.activeElement"):
                break
            page.keyboard.press("Tab")
        expect(button).to_be_focused()
        page.keyboard.press(key)

    reach("Sign in")
    expect(page.get_by_role("heading", name="Sessions and allowances")).to_be_focused()
    reach("Open a session", "Space")
    expect(page.get_by_role("heading", name="Open a session")).to_be_focused()
    reach("Show what I sign")
    expect(page.get_by_role("heading", name="What you sign")).to_be_focused()
    reach("Sign in your wallet")
    expect(page.get_by_role("heading", name="Your token")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__on_a_phone__fits_and_is_readable(new_page: NewPage, stand: Stand, holder: Holder, scheme: str) -> None:
    page = new_page(holder.wallet, viewport=PHONE, color_scheme=scheme)
    connect(page, stand)
    show_statement(page.locator("article", has_text="A hundred answers"))
    expect(page.locator("tbody tr")).to_have_count(1)
    sign_in(page)
    draft(page, "Open a session", "A hundred answers")
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your token")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    check_axe(page)


def test_wallet__that_says_no_or_switches__leaves_nothing_of_the_first_account(
    new_page: NewPage, stall: Stall, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    holder.wallet.refuse = {SIGN_TEXT}
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("You said no in your wallet. Nothing was signed.")
    holder.wallet.refuse = set()
    sign_in(page)
    draft(page, "Open a session", "A hundred answers")
    holder.wallet.switch_account(stall.new_account(usdc=0))
    expect(page.get_by_text("has, and had, nothing of the plans")).to_be_visible()
    for part in ("#draft", "#books", "#result"):
        expect(page.locator(part)).to_be_hidden()
    expect(page.locator("article")).to_have_count(0)
    kept = json.loads(page.evaluate("sessionStorage.getItem('nvm-account')"))
    assert holder.account.address not in json.dumps(kept)


def test_page__that_is_loaded_again__keeps_the_sign_in_of_its_tab_only(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    sign_in(page)
    page.reload()
    expect(page.get_by_role("button", name="Sign out of this page")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{stand.url}/account")
    other.get_by_role("button", name="Connect a wallet").click()
    expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out of this page").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert "token" not in json.loads(page.evaluate("sessionStorage.getItem('nvm-account')"))


def test_token_of_the_page__that_the_gateway_does_not_know__asks_for_another_sign_in(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    sign_in(page)
    forged = {"token": "nvm-page." + "A" * 76, "of": holder.account.address, "end": 2**40, "wallet": "wallet.test"}
    page.evaluate(f"sessionStorage.setItem('nvm-account', JSON.stringify({json.dumps(forged)}))")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("alert")).to_contain_text("Sign in again.")
    sign_in(page)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("button", name="Open a session")).to_be_visible()


def test_wallet__on_another_network__is_asked_to_switch_before_it_signs_a_voucher(
    new_page: NewPage, stand: Stand, holder: Holder
) -> None:
    page = new_page(holder.wallet)
    connect(page, stand)
    sign_in(page)
    holder.wallet.switch_chain(1)
    draft(page, "Open a session", "A hundred answers")
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("heading", name="Your token")).to_be_focused()
    assert holder.wallet.count("wallet_switchEthereumChain") == 1


def test_wallet__whose_account_is_switched_while_it_signs__opens_nothing(
    new_page: NewPage, stall: Stall, stand: Stand, holder: Holder
) -> None:
    page, other = new_page(holder.wallet), stall.new_account(usdc=0)
    connect(page, stand)
    sign_in(page)
    draft(page, "Open a session", "A hundred answers")
    holder.wallet.before[SIGN] = lambda: holder.wallet.choose(other)
    page.get_by_role("button", name="Sign in your wallet").click()
    expect(page.get_by_role("alert")).to_contain_text("does not let this page use the account")
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("Nothing is open.")).to_be_visible()


def test_plan__with_a_hostile_name__is_text_everywhere_on_the_page(
    new_page: NewPage, stall: Stall, stand: Stand, holder: Holder
) -> None:
    nvm.order_plan(stall.shop.chain, holder.account, stall.plans["hostile"])
    page = new_page(holder.wallet)
    connect(page, stand)
    card = page.locator("article", has_text="<script>alert(1)</script>")
    expect(card).to_have_count(1)
    show_statement(card)
    expect(card.locator("tbody tr")).to_have_count(1)
    sign_in(page)
    page.get_by_role("button", name="Open a session").click()
    assert find_plan(page, "<script>alert(1)</script>") == stall.did("hostile")
    expect(page.locator("#services bdi").first).to_have_text("Tea <b>answers</b>")
    assert page.locator("main img, main b, main script").count() == 0
    check_axe(page)
