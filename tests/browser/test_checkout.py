"""The checkout in a browser, as a new user meets it: a real gateway over anvil, and a wallet that signs with its own keys."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Page, expect

from tests.browser.axe import check_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.stall import ODD_PRICE, RELAYS, Stall, Stand, run_stall
from tests.gateway.serving import Upstream, reply, served
from tests.support.delegated import delegate

SIGN, SEND = "eth_signTypedData_v4", "eth_sendTransaction"


@pytest.fixture(scope="module")
def stall() -> Iterator[Stall]:
    """A chain with a seller's plans."""
    with run_stall() as stall:
        yield stall


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    """The seller's service."""
    return Upstream()


@pytest.fixture(scope="module")
def stand(stall: Stall, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sells the plans."""
    with served(upstream) as url, stall.open(tmp_path_factory.mktemp("plain"), url) as stand:
        yield stand


@pytest.fixture(scope="module")
def relaying(stall: Stall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sends signed orders of buyers."""
    folder: Path = tmp_path_factory.mktemp("relaying")
    with served(Upstream()) as upstream, stall.open(folder, upstream, checkout=RELAYS) as stand:
        yield stand


@pytest.fixture(autouse=True)
def allowed(guard: Guard, stand: Stand, relaying: Stand) -> None:
    """Pages may ask the gateways, and nobody else."""
    guard.allow(stand.gate.url, relaying.gate.url)


@pytest.fixture
def make_wallet(stall: Stall) -> Callable[..., Wallet]:
    """Returns wallets of new accounts."""

    def make(*accounts: LocalAccount, **options: object) -> Wallet:
        return Wallet(stall.shop.url, list(accounts or (stall.new_account(),)), **options)  # type: ignore[arg-type]

    return make


MakeWallet = Callable[..., Wallet]


def visit(page: Page, stand: Stand, plan: str) -> None:
    page.goto(f"{stand.url}/{stand.stall.did(plan)}")


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect a wallet").click()


def click_order(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def expect_receipt(page: Page, paid: str, granted: str, has: str) -> None:
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    for part, text in (("paid", paid), ("granted", granted), ("has", has)):
        expect(page.locator(f"#receipt-{part}")).to_have_text(text)
    expect(page.locator("#receipt-transaction")).to_have_text(re.compile("^0x[0-9a-f]{64}$"))


def expect_problem(page: Page, text: str) -> None:
    expect(page.get_by_role("alert")).to_contain_text(text)


# ---------------------------------------------------------------------- each way to order


def test_order__by_permit__is_a_signature_and_a_transaction(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    visit(page, stand, "paid")
    connect(page)
    expect(page.get_by_role("list", name="Steps of the order").get_by_role("listitem")).to_have_count(2)
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "100 credits")
    assert (wallet.count(SIGN), wallet.count(SEND)) == (1, 1)


def test_order__that_the_seller_sends__needs_no_coin(
    relaying: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account = stall.new_account(coin=0)
    wallet = make_wallet(account)
    page = new_page(wallet)
    visit(page, relaying, "paid")
    connect(page)
    expect(page.get_by_text("The seller sends it to the chain")).to_be_visible()
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "100 credits")
    assert (wallet.count(SIGN), wallet.count(SEND)) == (1, 0)
    assert stall.world.coins(account.address) == 0


def test_order__in_a_token_without_permits__is_approved_first(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account = stall.new_account()
    stall.give(stall.odd, account, ODD_PRICE)
    wallet = make_wallet(account)
    page = new_page(wallet)
    visit(page, stand, "odd")
    connect(page)
    page.get_by_role("button", name="Order for 20 WEIRD").click()
    expect(page.get_by_role("status")).to_contain_text("One more transaction is left")
    page.get_by_role("button", name="Order for 20 WEIRD").click()
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    assert (wallet.count(SIGN), wallet.count(SEND)) == (0, 2)


def test_order__of_an_account_with_code__is_approved_first(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account, world = stall.new_account(), stall.world
    delegate(world, account, world.deploy("SmartWallet", account.address).address)
    wallet = make_wallet(account)
    page = new_page(wallet)
    visit(page, stand, "paid")
    connect(page)
    click_order(page, "Order for 20 USDC")
    expect(page.get_by_role("status")).to_contain_text("One more transaction is left")
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "100 credits")
    assert wallet.count(SIGN) == 0


def test_order__in_coin_and_several_times__costs_as_much_as_the_button_says(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    page = new_page(make_wallet())
    visit(page, stand, "coin")
    connect(page)
    page.get_by_label("How many times").fill("3")
    click_order(page, "Order for 0.03 ETH")
    expect_receipt(page, "0.03 ETH", "300 credits", "300 credits")


def test_renewal__adds_to_what_is_there(stand: Stand, new_page: NewPage, make_wallet: MakeWallet) -> None:
    page = new_page(make_wallet())
    visit(page, stand, "time")
    connect(page)
    click_order(page, "Order for 20 USDC")
    expect(page.locator("#receipt-granted")).to_have_text("30 days of access")
    expect(page.locator("#receipt-has")).to_have_text(re.compile("^access until [0-9-]+ [0-9:]+ UTC$"))
    first = page.locator("#receipt-has").inner_text()
    page.get_by_role("button", name="Order again").click()
    expect(page.get_by_text("The new time is added to the end")).to_be_visible()
    click_order(page, "Order for 20 USDC")
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    expect(page.locator("#receipt-has")).not_to_have_text(first)


# ---------------------------------------------------------------------- what is told before anything is signed


def test_trial__a_second_time__is_told_before_anything_is_asked(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    visit(page, stand, "trial")
    connect(page)
    click_order(page, "Order for free")
    expect_receipt(page, "nothing", "5 credits", "5 credits")
    page.get_by_role("button", name="Order again").click()
    expect_problem(page, "has already had the trial")
    expect(page.locator("#pay")).to_be_hidden()
    assert wallet.count(SEND) == 1


@pytest.mark.parametrize(
    ("plan", "money", "told"),
    [
        ("paid", {"usdc": 5_000_000}, "Your account needs 20 USDC, but has 5 USDC. It is test money."),
        ("paid", {"coin": 0}, "ETH for value and gas, but has 0 ETH"),
        ("coin", {"coin": 10**15}, "ETH for value and gas, but has 0.001 ETH"),
    ],
)
def test_money__that_is_missing__is_told_before_anything_is_signed(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, plan: str, money: dict[str, int], told: str
) -> None:
    wallet = make_wallet(stand.stall.new_account(**money))
    page = new_page(wallet)
    visit(page, stand, plan)
    connect(page)
    expect_problem(page, told)
    expect(page.locator("#pay")).to_be_hidden()
    assert wallet.count(SIGN) + wallet.count(SEND) == 0


def test_wallet__on_another_network__is_asked_to_switch(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    wallet.switch_chain(1)
    page = new_page(wallet)
    visit(page, stand, "free")
    connect(page)
    expect(page.get_by_text("Your wallet is on another network.")).to_be_visible()
    page.get_by_role("button", name="Switch to a development chain").click()
    click_order(page, "Order for free")
    expect_receipt(page, "nothing", "3 credits", "3 credits")


def test_wallet__that_does_not_know_the_network__is_told_what_to_do(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    wallet.switch_chain(1)
    del wallet.chains[31_337]
    page = new_page(wallet)
    visit(page, stand, "free")
    connect(page)
    page.get_by_role("button", name="Switch to a development chain").click()
    expect_problem(page, "Add that network in the wallet, and try again.")


def test_browser__without_a_wallet__says_what_to_do(stand: Stand, page: Page) -> None:
    visit(page, stand, "free")
    connect(page)
    expect_problem(page, "There is no wallet in this browser.")


def test_wallets__that_are_several__are_a_choice(stand: Stand, new_page: NewPage, make_wallet: MakeWallet) -> None:
    page = new_page(make_wallet(name="First <b>wallet</b>"))
    page.add_init_script(
        "addEventListener('eip6963:requestProvider', () => dispatchEvent(new CustomEvent('eip6963:announceProvider',"
        " { detail: { info: { uuid: 'second', name: 'Second', rdns: 'second.test', icon: 'https://evil.example/i.png' },"
        " provider: { request: async () => { throw Object.assign(new Error('no'), { code: 4001 }) } } } })))"
    )
    visit(page, stand, "free")
    connect(page)
    page.get_by_role("button", name="Second").click()
    expect_problem(page, "You did not connect the wallet.")
    page.get_by_role("button", name="First <b>wallet</b>").click()
    click_order(page, "Order for free")
    expect_receipt(page, "nothing", "3 credits", "3 credits")


# ---------------------------------------------------------------------- what goes wrong in the middle


@pytest.mark.parametrize(
    ("plan", "method", "name"), [("paid", SIGN, "Order for 20 USDC"), ("free", SEND, "Order for free")]
)
def test_person__who_says_no__reads_that_nothing_was_paid_and_can_order_again(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, plan: str, method: str, name: str
) -> None:
    wallet = make_wallet()
    wallet.refuse.add(method)
    page = new_page(wallet)
    visit(page, stand, plan)
    connect(page)
    click_order(page, name)
    expect_problem(page, "You said no in your wallet. Nothing was signed, and nothing was paid.")
    wallet.refuse.clear()
    click_order(page, name)
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()


def test_account__that_is_switched__is_read_again(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    first, second = stall.new_account(), stall.new_account(usdc=0)
    wallet = make_wallet(first, second)
    page = new_page(wallet)
    visit(page, stand, "paid")
    connect(page)
    expect(page.locator("#account-address")).to_have_text(first.address)
    wallet.switch_account(second)
    expect(page.locator("#account-address")).to_have_text(second.address)
    expect_problem(page, "needs 20 USDC, but has 0")
    expect(page.locator("#pay")).to_be_hidden()


def test_account__that_is_switched_while_the_wallet_is_asked__loses_what_was_prepared(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    first, second = stall.new_account(), stall.new_account()
    wallet = make_wallet(first, second)
    page = new_page(wallet)
    visit(page, stand, "paid")
    connect(page)
    expect(page.locator("#account-address")).to_have_text(first.address)
    page.evaluate(
        """() => { const ask = window.__testWallet; window.__testWallet = async (text) => {
          const answer = await ask(text);
          if (JSON.parse(text).method === 'eth_signTypedData_v4') {
            dispatchEvent(new CustomEvent('test-wallet:emit', { detail: [['accountsChanged', [ACCOUNT]]] }));
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          return answer; } }""".replace("ACCOUNT", f"'{second.address}'")
    )
    click_order(page, "Order for 20 USDC")
    expect_problem(page, "The account or the network was switched meanwhile, so nothing was sent.")
    expect(page.locator("#account-address")).to_have_text(second.address)
    assert (wallet.count(SIGN), wallet.count(SEND)) == (1, 0)
    wallet.choose(second)
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "100 credits")
    assert stall.world.tokens(first.address) == 100_000_000


def test_page__that_is_reloaded_while_the_order_is_mined__shows_the_receipt(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet, provider = make_wallet(), stall.shop.chain.web3.provider
    page = new_page(wallet)
    visit(page, stand, "free")
    connect(page)
    provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
    try:
        click_order(page, "Order for free")
        expect(page.get_by_role("status")).to_contain_text("waits to be mined")
        page.reload()
        expect(page.get_by_role("status")).to_contain_text("waits to be mined")
        address = page.url
    finally:
        provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
        provider.make_request("evm_mine", [])  # type: ignore[arg-type]
    expect_receipt(page, "nothing", "3 credits", "3 credits")
    other = new_page()  # a browser that was never here, with the address
    other.goto(address)
    expect_receipt(other, "nothing", "3 credits", "3 credits")


def test_tabs__that_are_two__do_not_order_twice_by_one_click(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    first = new_page(wallet)
    visit(first, stand, "trial")
    connect(first)
    expect(first.locator("#pay")).to_be_visible()
    second = first.context.new_page()
    visit(second, stand, "trial")
    connect(second)
    click_order(second, "Order for free")
    expect_receipt(second, "nothing", "5 credits", "5 credits")
    click_order(first, "Order for free")
    expect_problem(first, "has already had the trial")
    assert wallet.count(SEND) == 1


def test_page__after_the_way_back__is_usable(stand: Stand, new_page: NewPage, make_wallet: MakeWallet) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    page.goto(f"{stand.url}/{stand.stall.agent}")
    page.get_by_role("link", name=re.compile("See terms and order: 3 credits")).click()
    connect(page)
    expect(page.locator("#pay")).to_be_visible()
    page.get_by_role("link", name="Tea <b>answers</b>").click()
    expect(page.get_by_role("heading", name="Plans")).to_be_visible()
    page.go_back()
    click_order(page, "Order for free")
    expect_receipt(page, "nothing", "3 credits", "3 credits")


def test_gateway__that_cannot_be_reached__is_told_and_the_page_goes_on(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    visit(page, stand, "free")
    connect(page)
    expect(page.locator("#pay")).to_be_visible()
    page.context.set_offline(True)
    click_order(page, "Order for free")
    expect_problem(page, "The gateway cannot be reached at the moment.")
    look = page.get_by_role("button", name="Look again")
    expect(look).to_be_visible()  # before that, the page tries once more by itself
    page.context.set_offline(False)
    look.click()
    click_order(page, "Order for free")
    expect_receipt(page, "nothing", "3 credits", "3 credits")
    assert wallet.count(SEND) == 1


def test_money__that_arrives_meanwhile__is_found_when_the_page_looks_again(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account = stall.new_account(usdc=0)
    page = new_page(make_wallet(account))
    visit(page, stand, "paid")
    connect(page)
    expect_problem(page, "Your account needs 20 USDC, but has 0 USDC.")
    stall.give(stall.world.usdc, account, 20_000_000)
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("button", name="Order for 20 USDC")).to_be_focused()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_relays__that_are_used_up__leave_the_order_to_the_buyer(
    relaying: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account = stall.new_account()
    wallet = make_wallet(account)
    page = new_page(wallet)
    visit(page, relaying, "paid")
    connect(page)
    for number in range(1, 4):
        click_order(page, "Order for 20 USDC")
        expect_receipt(page, "20 USDC", "100 credits", f"{100 * number} credits")
        page.get_by_role("button", name="Order again").click()
    expect(page.get_by_role("status")).to_contain_text("The seller has sent as many orders for this account")
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "400 credits")
    assert (wallet.count(SIGN), wallet.count(SEND)) == (4, 1)


def test_signature__that_the_code_of_an_account_refuses__leads_to_an_approval(
    relaying: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    account, world = stall.new_account(), stall.world
    delegate(world, account, world.deploy("AcceptsCredits").address)
    wallet = make_wallet(account)
    page = new_page(wallet)
    visit(page, relaying, "paid")
    connect(page)
    click_order(page, "Order for 20 USDC")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("You send a transaction that approves 20 USDC")).to_be_visible()
    click_order(page, "Order for 20 USDC")
    expect(page.get_by_role("status")).to_contain_text("One more transaction is left")
    click_order(page, "Order for 20 USDC")
    expect_receipt(page, "20 USDC", "100 credits", "100 credits")


# ---------------------------------------------------------------------- for everybody


def test_order__by_keyboard__needs_no_mouse(stand: Stand, new_page: NewPage, make_wallet: MakeWallet) -> None:
    page = new_page(make_wallet())
    visit(page, stand, "free")
    page.get_by_role("button", name="Connect a wallet").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Order for free")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("group", name="Your receipt")).to_be_focused()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 320), ("light", 1_100)])
def test_pages__in_each_colour_and_width__have_nothing_serious(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, scheme: str, width: int
) -> None:
    page = new_page(make_wallet(), color_scheme=scheme, viewport={"width": width, "height": 800})
    for name in (stand.stall.agent, stand.stall.did("hostile"), stand.stall.did("paid")):
        page.goto(f"{stand.url}/{name}")
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"
    connect(page)
    expect(page.locator("#pay")).to_be_visible()
    check_axe(page)
    click_order(page, "Order for 20 USDC")
    expect(page.get_by_role("group", name="Your receipt")).to_be_visible()
    check_axe(page)


def test_metadata__that_is_hostile__is_text(stand: Stand, page: Page) -> None:
    page.goto(f"{stand.url}/{stand.stall.did('hostile')}")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main script, main img").count() == 0
    assert "\u202e" not in heading.inner_text()


# ---------------------------------------------------------------- pages of the seller's service


PAGE = b"""<!doctype html><title>?</title><script>
try { localStorage.length; document.title = "of the gateway's origin"; } catch { document.title = "apart"; }
</script>"""


def test_page_of_a_service__on_the_host_of_the_checkout__has_an_origin_of_its_own(
    stand: Stand, upstream: Upstream, page: Page
) -> None:
    """Otherwise a seller's page could change the checkout of another seller in a window that it has opened."""

    async def show(own: Upstream, scope: object, receive: object, send: object) -> None:
        await reply(send, PAGE, headers=((b"content-type", b"text/html"),))

    upstream.answers["/about"] = show
    page.goto(f"{stand.gate.service_url}/about")
    expect(page).to_have_title("apart")
