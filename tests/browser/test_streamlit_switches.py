"""The log-in of an app while its visitor switches the account of the wallet: at each step, what is shown is of one account."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from nvm_chain.types.ids import format_did
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.serving import Upstream, served
from tests.gateway.shop import Gate, Shop, run_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A chain with a seller."""
    with run_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def gate(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway with a page for apps."""
    folder = tmp_path_factory.mktemp("switches")
    with served(Upstream()) as upstream, shop.open(folder, upstream, embedded_in=("https://app.example.com",)) as gate:
        yield gate


@pytest.fixture
def wallet(shop: Shop) -> Wallet:
    """The wallet of two buyers."""
    return Wallet(shop.url, [shop.buyers[0], shop.buyers[1]])


@pytest.fixture
def page(new_page: NewPage, guard: Guard, gate: Gate, shop: Shop, wallet: Wallet) -> Page:
    """The page, logged in with the first account."""
    guard.allow(gate.url)
    page = new_page(wallet)
    page.goto(f"{gate.url}/streamlit?did={shop.did}")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("list", name="Plans")).to_be_visible()
    return page


def short(address: str) -> str:
    return f"{address[:6]}…{address[-4:]}"


def use(page: Page, plan_id: int) -> None:
    page.locator(f"[data-plan='{format_did(plan_id)}']").get_by_role("button").click()


def switch_during(page: Page, wallet: Wallet, path: str, act: str) -> None:
    """Click a button, and switch the account while the page waits for the answer to its question."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route), times=1)  # noqa: PLW0108  # playwright cannot wrap a method of a list
    page.get_by_role("button", name=act).click()
    while not held:
        page.wait_for_timeout(20)
    wallet.switch_account(wallet.accounts[1])
    held[0].continue_()


def test_session__whose_account_is_switched_while_it_opens__is_of_the_account_that_signed(
    page: Page, shop: Shop, wallet: Wallet
) -> None:
    first = wallet.account.address
    use(page, shop.credits_plan)
    switch_during(page, wallet, "**/sessions", "Sign in your wallet")
    expect(page.locator("#words")).to_contain_text(f"You are logged in as {short(first)}")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_terms__of_an_account_that_is_switched_meanwhile__are_not_shown_to_the_other_one(
    page: Page, shop: Shop, wallet: Wallet
) -> None:
    held: list[Route] = []
    page.route("**/streamlit/api/logins*", lambda route: held.append(route), times=1)  # noqa: PLW0108  # playwright cannot wrap a method of a list
    use(page, shop.credits_plan)
    while not held:
        page.wait_for_timeout(20)
    wallet.switch_account(wallet.accounts[1])
    held[0].continue_()
    expect(page.locator("#words")).to_contain_text(f"{short(wallet.account.address)} can use this service")
    expect(page.get_by_role("list", name="Plans")).to_be_visible()
    expect(page.locator("#terms")).to_be_hidden()
