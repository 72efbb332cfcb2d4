"""A checkout whose answers are lost on their way, and one that was opened by the address of an order.

A real gateway over anvil, and a browser whose connection breaks.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

import nvm_chain as nvm
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.stall import PRICE, RELAYS, Stall, Stand, run_stall
from tests.gateway.serving import Upstream, served

SIGN = "eth_signTypedData_v4"
HAD = 100_000_000


@pytest.fixture(scope="module")
def stall() -> Iterator[Stall]:
    """A chain with a seller's plans."""
    with run_stall() as stall:
        yield stall


@pytest.fixture(scope="module")
def relaying(stall: Stall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sends signed orders of buyers."""
    folder: Path = tmp_path_factory.mktemp("relaying")
    with served(Upstream()) as upstream, stall.open(folder, upstream, checkout=RELAYS) as stand:
        yield stand


@pytest.fixture
def wallet(stall: Stall) -> Wallet:
    """The wallet of a new account without coin."""
    return Wallet(stall.shop.url, [stall.new_account(coin=0)])


@pytest.fixture
def page(new_page: NewPage, guard: Guard, relaying: Stand, wallet: Wallet) -> Page:
    """The page of a plan, with the wallet connected."""
    guard.allow(relaying.gate.url)
    page = new_page(wallet)
    page.goto(f"{relaying.url}/{relaying.stall.did('paid')}")
    page.get_by_role("button", name="Connect a wallet").click()
    expect(page.get_by_text("The seller sends it to the chain")).to_be_visible()
    return page


def lose(route: Route) -> None:
    """Let a request reach the gateway, and lose the answer."""
    route.fetch()
    route.abort()


def expect_paid_once(page: Page, stall: Stall, wallet: Wallet) -> None:
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    expect(page.locator("#receipt-has")).to_have_text("100 credits")
    assert stall.world.tokens(wallet.accounts[0].address) == HAD - PRICE
    assert wallet.count(SIGN) == 1


def test_relay__whose_answer_is_lost__is_handed_over_again_and_paid_once(
    page: Page, stall: Stall, wallet: Wallet
) -> None:
    page.route("**/api/relays", lose, times=1)
    page.get_by_role("button", name="Order for 20 USDC", exact=True).click()
    expect_paid_once(page, stall, wallet)


def test_relay__whose_answer_is_lost_before_a_reload__is_followed(page: Page, stall: Stall, wallet: Wallet) -> None:
    page.route("**/api/relays", lose)
    page.get_by_role("button", name="Order for 20 USDC", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("There is no answer yet.")
    page.unroute("**/api/relays")
    page.reload()
    expect_paid_once(page, stall, wallet)


def test_look__that_a_proxy_answers__does_not_end_the_wait(page: Page, stall: Stall, wallet: Wallet) -> None:
    page.route("**/api/relays/0x*", lambda route: route.fulfill(status=502, json={"message": "Bad gateway"}), times=2)
    page.get_by_role("button", name="Order for 20 USDC", exact=True).click()
    expect_paid_once(page, stall, wallet)


def test_receipt__from_the_address_of_somebody_elses_order__names_that_account(
    new_page: NewPage, guard: Guard, relaying: Stand, stall: Stall
) -> None:
    guard.allow(relaying.gate.url)
    other = stall.new_account()
    made = nvm.order_plan(stall.shop.chain, other, stall.plans["free"])
    page = new_page()
    page.goto(f"{relaying.url}/{stall.did('free')}?tx={made.transaction.hash}")
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    expect(page.locator("#receipt-account")).to_have_text(other.address)


NO_STORAGE = """Object.defineProperty(window, "sessionStorage", {
  get() { throw new DOMException("Access is denied for this document.", "SecurityError"); } })"""


def test_order__in_a_browser_that_keeps_nothing__is_followed_to_its_receipt(
    new_page: NewPage, guard: Guard, relaying: Stand, stall: Stall
) -> None:
    """With all cookies blocked, a page has no storage. The order would wait behind a button that orders once more."""
    guard.allow(relaying.gate.url)
    wallet = Wallet(stall.shop.url, [stall.new_account()])
    page = new_page(wallet)
    page.add_init_script(NO_STORAGE)
    page.goto(f"{relaying.url}/{stall.did('free')}")
    page.get_by_role("button", name="Connect a wallet").click()
    page.get_by_role("button", name="Order for free").click()
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    page.reload()
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    assert wallet.count("eth_sendTransaction") == 1
