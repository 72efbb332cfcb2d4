"""The page of sellers in a browser: an owner signs in, and sees revenue after an order, what is owed after requests, and its settlement."""

import re
from collections.abc import Iterator

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Locator, Page, expect

import nvm_chain as nvm
from nvm_chain.gateway.sellers.tokens import Role
from nvm_chain.meter.settling.rules import SettleRules
from tests.browser.axe import check_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.mall import TOKENS, Mall, run_mall
from tests.gateway.checkout.stall import run_stall
from tests.gateway.serving import Upstream, served

SIGN = "personal_sign"
MANY = 60


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mall]:
    """Owners of plans. What a holder owes is settled from 20 credits on."""
    rules = SettleRules(credits=20, age_seconds=10**9)
    folder = tmp_path_factory.mktemp("mall")
    with served(Upstream()) as url, run_stall() as stall, run_mall(stall, url, folder, rules=rules) as mall:
        yield mall


@pytest.fixture(autouse=True)
def allowed(guard: Guard, mall: Mall) -> None:
    """Pages may ask the gateway, and nobody else."""
    guard.allow(mall.url)


def make_wallet(mall: Mall, account: LocalAccount, **options: object) -> Wallet:
    return Wallet(mall.stall.shop.url, [account], **options)  # type: ignore[arg-type]


def visit(page: Page, mall: Mall) -> None:
    page.goto(f"{mall.url}/seller")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in with a wallet").click()


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tiles > div", has=page.get_by_text(name, exact=True)).locator(".value")


def row(page: Page, plan: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=plan))


def reload_until(page: Page, name: str, text: str) -> None:
    """Ask for the period again until a tile has a text: the gateway follows the chain, and settles by itself."""
    for _ in range(200):
        if tile(page, name).first.inner_text() == text:
            return
        with page.expect_response(re.compile("/seller/api/outlook")):
            page.get_by_role("button", name="30 days").click()
    pytest.fail(f"{name} never was {text}: {page.inner_text('main')}")


def test_owner__signs_in__and_sees_revenue_what_is_owed_and_its_settlement(mall: Mall, new_page: NewPage) -> None:
    buyer, wallet = mall.stall.new_account(), make_wallet(mall, mall.anna)
    page = new_page(wallet)
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_text(f"Account {mall.anna.address}.")).to_be_visible()
    expect(tile(page, "Revenue")).to_have_text("None")
    assert wallet.count(SIGN) == 1

    mall.order(buyer, "own")
    reload_until(page, "Revenue", "19.8 USDC")
    expect(row(page, "Anna's tea").get_by_role("cell").nth(1)).to_have_text("1")

    mall.use(buyer, "anna", "own", 3)
    reload_until(page, "Owed, and not taken yet", "6 credits")
    expect(tile(page, "Due next")).to_have_text(re.compile("UTC$"))
    check_axe(page)

    mall.use(buyer, "anna", "own", 7)
    reload_until(page, "Owed, and not taken yet", "0 credits")
    settled = nvm.read_account(mall.stall.shop.chain, mall.plans["own"], buyer.address).settled
    assert settled == 20
    page.set_viewport_size({"width": 360, "height": 740})
    settlement = page.locator("#settlements").locator("xpath=..").locator("tbody tr").first
    state = settlement.get_by_role("cell").nth(3)
    assert state.evaluate("(cell) => cell.offsetWidth") >= 240, "the state has room for its sentence"
    assert settlement.evaluate("(row) => row.offsetHeight") < 110, "no cell is a tall column of single words"
    table = page.get_by_role("table", name="Settlements, those that are not final first")
    expect(table.get_by_role("row").nth(1)).to_contain_text("20")
    expect(page.get_by_text("20 credits were taken on the chain in this period.")).to_be_visible()
    assert wallet.count(SIGN) == 1


def test_holders__of_a_plan_with_many__come_in_pages(mall: Mall, new_page: NewPage) -> None:
    people = {Account.create().address: 3 for _ in range(MANY)}
    nvm.mint_credits_batch(mall.stall.shop.chain, mall.anna, mall.plans["lent"], people)
    mall.wait_for(mall.sign_in(mall.anna), lambda seen: int(seen.row("Plans, with", "Lent tea")[3]) >= MANY)
    page = new_page(make_wallet(mall, mall.anna))
    visit(page, mall)
    sign_in(page)
    page.get_by_role("button", name="Holders of Lent tea").click()
    rows = page.locator("#holder-table tbody tr")
    expect(rows).to_have_count(50)
    expect(page.get_by_role("heading", name="Holders")).to_be_focused()
    page.get_by_role("button", name="More holders").click()
    expect(rows).to_have_count(MANY)
    expect(page.get_by_role("button", name="More holders")).to_be_hidden()
    expect(rows.first).to_contain_text("not shown")
    check_axe(page)


def test_seller__with_a_token__sees_its_plans_and_downloads_its_usage(mall: Mall, new_page: NewPage) -> None:
    buyer = mall.stall.new_account()
    mall.order(buyer, "bert")
    mall.use(buyer, "bert", "bert", 2)
    page = new_page()
    visit(page, mall)
    page.get_by_label("Token of a seller").fill("x" * 30)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("the token is not known")
    page.get_by_label("Token of a seller").fill(TOKENS["bert"][Role.OWNER])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Seller bert.")).to_be_visible()
    expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()  # the plan's name is text
    expect(page.get_by_text("Anna")).to_have_count(0)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="usage of this period as CSV").click()
    lines = downloading.value.path().read_text().splitlines()
    assert len([line for line in lines[1:] if buyer.address in line]) == 2


def test_usage__after_dates_that_are_not_shown_yet__is_that_of_the_report(mall: Mall, new_page: NewPage) -> None:
    page = new_page()
    visit(page, mall)
    page.get_by_label("Token of a seller").fill(TOKENS["bert"][Role.OWNER])
    page.keyboard.press("Enter")
    expect(page.get_by_text("Seller bert.")).to_be_visible()
    shown = page.get_by_label("From", exact=True).input_value()
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_label("to", exact=True).fill("")
    with page.expect_request(re.compile("/seller/usage")) as asking, page.expect_download() as downloading:
        page.get_by_role("link", name="usage of this period as CSV").click()
    assert f"from={shown}&" in asking.value.url
    assert downloading.value.suggested_filename == f"usage-{shown}.csv"


def test_account__that_is_switched_after_a_reload__is_signed_out(mall: Mall, new_page: NewPage) -> None:
    wallet = make_wallet(mall, mall.carl)
    page = new_page(wallet)
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_text(mall.agents["carl"])).to_be_visible()
    page.reload()
    expect(page.get_by_text(mall.agents["carl"])).to_be_visible()
    wallet.switch_account(mall.bert)
    expect(page.get_by_text("this page has signed out")).to_be_visible()
    expect(page.get_by_text(mall.agents["carl"])).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Sign in with a wallet")).to_be_visible()


def test_account__that_is_switched_before_a_reload__is_signed_out(mall: Mall, new_page: NewPage) -> None:
    wallet = make_wallet(mall, mall.carl)
    page = new_page(wallet)
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_text(mall.agents["carl"])).to_be_visible()
    kept = page.evaluate("sessionStorage.getItem('nvm-seller')")
    wallet.switch_account(mall.bert)
    expect(page.get_by_text("this page has signed out")).to_be_visible()
    page.evaluate("(kept) => sessionStorage.setItem('nvm-seller', kept)", kept)
    page.reload()
    expect(page.get_by_text("this page has signed out")).to_be_visible()
    expect(page.get_by_text(mall.agents["carl"])).to_have_count(0)


def test_tab__that_is_reloaded__is_still_signed_in_and_another_one_is_not(mall: Mall, new_page: NewPage) -> None:
    page = new_page(make_wallet(mall, mall.carl))
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_text(mall.agents["carl"])).to_be_visible()
    page.reload()
    expect(page.get_by_text(mall.agents["carl"])).to_be_visible()
    other = page.context.new_page()
    visit(other, mall)
    expect(other.get_by_role("button", name="Sign in with a wallet")).to_be_visible()
    expect(other.get_by_text(mall.agents["carl"])).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text(mall.agents["carl"])).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Sign in with a wallet")).to_be_visible()


def test_account__that_owns_nothing__is_told_so(mall: Mall, new_page: NewPage) -> None:
    page = new_page(make_wallet(mall, Account.create()))
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_text("Nothing here is yours")).to_be_visible()
    expect(page.locator("table")).to_have_count(0)


def test_wallet__that_refuses_or_switches__leaves_nothing_behind(mall: Mall, new_page: NewPage) -> None:
    wallet = make_wallet(mall, mall.anna, refuse={SIGN})
    page = new_page(wallet)
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("You said no in your wallet.")
    wallet.refuse.clear()
    sign_in(page)
    expect(page.get_by_text(f"Account {mall.anna.address}.")).to_be_visible()
    wallet.switch_account(mall.bert)
    expect(page.get_by_text("this page has signed out")).to_be_visible()
    expect(page.get_by_text("Anna's tea")).to_have_count(0)


def test_browser__without_a_wallet__says_what_to_do(mall: Mall, page: Page) -> None:
    visit(page, mall)
    check_axe(page)
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("There is no wallet in this browser.")


def test_period__with_dates__is_read_and_a_wrong_one_is_refused(mall: Mall, new_page: NewPage) -> None:
    page = new_page(make_wallet(mall, mall.anna))
    visit(page, mall)
    sign_in(page)
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("From", exact=True).fill("2020-02-01")
    page.get_by_label("to", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("before its first one")
    page.get_by_label("to", exact=True).fill("2020-02-10")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("From 2020-02-01 to 2020-02-10, in UTC.")).to_be_visible()
    expect(page.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone__in_light_and_dark__is_usable_and_does_not_scroll_sideways(
    mall: Mall, new_page: NewPage, scheme: str
) -> None:
    page = new_page(
        make_wallet(mall, mall.anna), viewport={"width": 360, "height": 740}, color_scheme=scheme, is_mobile=True
    )
    visit(page, mall)
    check_axe(page)
    sign_in(page)
    expect(page.get_by_role("heading", name="Services")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check_axe(page)


def test_keyboard__alone__signs_in_and_opens_holders(mall: Mall, new_page: NewPage) -> None:
    page = new_page(make_wallet(mall, mall.anna))
    visit(page, mall)
    expect(page.get_by_role("button", name="Sign in with a wallet")).to_be_visible()
    tab_to(page, "#connect")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_be_focused()
    tab_to(page, "[data-holders]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Holders")).to_be_focused()


def tab_to(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"nothing with {selector} can be reached by keyboard")
