"""The page of a new plan in a browser: from a template to a plan that the seller's agent accepts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from playwright.sync_api import Page, expect

import nvm_chain as nvm
from nvm_chain.enums import PlanKind
from nvm_chain.operations.plans import is_redeemer
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.plans import Plan
from tests.browser.axe import check_axe
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.stall import HOSTILE, Stall, Stand, run_stall
from tests.gateway.serving import Upstream, served

SEND = "eth_sendTransaction"
MakeWallet = Callable[..., Wallet]


@pytest.fixture(scope="module")
def stall() -> Iterator[Stall]:
    """A chain with a seller's agents."""
    with run_stall() as stall:
        yield stall


@pytest.fixture(scope="module")
def stand(stall: Stall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that serves the agents."""
    folder: Path = tmp_path_factory.mktemp("new_plan")
    with served(Upstream()) as url, stall.open(folder, url) as stand:
        yield stand


@pytest.fixture(autouse=True)
def allowed(guard: Guard, stand: Stand) -> None:
    """Pages may ask the gateway, and nobody else."""
    guard.allow(stand.gate.url)


@pytest.fixture
def make_wallet(stall: Stall) -> MakeWallet:
    """Returns wallets, of the seller if no account is given."""

    def make(*accounts: LocalAccount, **options: object) -> Wallet:
        return Wallet(stall.shop.url, list(accounts or (stall.shop.builder,)), **options)  # type: ignore[arg-type]

    return make


def visit(page: Page, stand: Stand) -> None:
    page.goto(f"{stand.gate.url}/seller/new")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def open_form(page: Page, stand: Stand, template: str = "1 day of access") -> None:
    """Open the page, connect the wallet and choose a template."""
    visit(page, stand)
    press(page, "Connect a wallet")
    expect(page.locator("#account-address")).to_have_text(re.compile("^0x"))
    page.get_by_role("radio", name=template).check()


def review(page: Page) -> str:
    """Ask for the review, and return the DID of the plan."""
    press(page, "Review all terms")
    expect(page.get_by_role("region", name="Review")).to_be_focused()
    return page.locator("#review-plan").inner_text()


def register(page: Page) -> None:
    press(page, "Sign and register")
    expect(page.get_by_role("region", name="The plan is registered")).to_be_focused()


def expect_problem(page: Page, text: str) -> None:
    expect(page.get_by_role("alert")).to_contain_text(text)


def read_plan(stall: Stall, did: str) -> Plan:
    """Return a plan as the chain has it."""
    return nvm.read_plan(stall.shop.chain, did)


def is_registered(stall: Stall, did: str) -> bool:
    try:
        return bool(read_plan(stall, did))
    except nvm.errors.UnknownPlan:
        return False


# ---------------------------------------------------------------------- from a template to an agent


def test_plan__from_a_template__is_reviewed_registered_and_attached(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    open_form(page, stand)
    page.get_by_label("Name of the plan").fill("A day of tea")
    page.get_by_label("Price of one purchase").fill("3")
    did = review(page)
    for text in ("One purchase costs 3 USDC.", "One purchase gives access for 1 day.", "There are no refunds."):
        expect(page.locator("#review-terms")).to_contain_text(text)
    expect(page.locator("#review-cost")).to_contain_text("gas at most")
    assert wallet.count(SEND) == 0
    assert not is_registered(stall, did)

    register(page)
    assert wallet.count(SEND) == 1
    plan = read_plan(stall, did)
    assert (plan.owner, plan.terms.price, plan.terms.duration) == (stall.shop.builder.address, 3_000_000, 86_400)
    expect(page.locator("#done-plan")).to_have_text(did)

    before = nvm.read_agent_plans(stall.shop.chain, stall.agent)
    press(page, "Attach to this agent: Tea <b>answers</b>")
    expect(page.get_by_text("after its next start")).to_be_visible()
    assert set(nvm.read_agent_plans(stall.shop.chain, stall.agent)) == {*before, AttachedPlan(plan.plan_id, 0, 0)}
    page.reload()
    expect(page.locator("#done-plan")).to_have_text(did)
    expect(page.get_by_text("after its next start")).to_be_visible()
    nvm.detach_plan(stall.shop.chain, stall.shop.builder, stall.agent, did)


def test_plan__of_credits__lets_the_gateway_settle(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    open_form(page, stand, "100 requests")
    did = review(page)
    expect(page.locator("#review-steps").get_by_role("listitem")).to_have_count(3)
    register(page)
    press(page, "Let this gateway take what it has served")
    expect(page.get_by_role("status")).to_have_text("The transaction is mined.")
    expect(page.locator("#settle-now")).to_be_hidden()
    assert is_redeemer(stall.shop.chain, did, stall.shop.redeemer.address)
    press(page, "Make another plan")
    expect(page.get_by_role("radio", name="100 requests")).to_be_focused()


def test_custom_plan__by_keyboard_only__is_registered(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    page = new_page(make_wallet())
    visit(page, stand)

    def tab_to(label: str, limit: int = 40) -> None:
        for _ in range(limit):
            if page.evaluate(
                "(label) => document.activeElement.labels?.[0]?.textContent === label || document.activeElement.textContent === label",
                label,
            ):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {label}")

    tab_to("Connect a wallet")
    page.keyboard.press("Enter")
    expect(page.locator("#account-address")).to_have_text(re.compile("^0x"))
    tab_to("30 days of access")
    for _ in range(3):
        page.keyboard.press("ArrowDown")  # year, 100 requests, custom
    expect(page.get_by_role("radio", name="Custom plan")).to_be_checked()
    tab_to("Name of the plan")
    page.keyboard.type("By hand")
    tab_to("Price of one purchase")
    page.keyboard.type("7.5")
    tab_to("Credits")
    page.keyboard.type("30")
    tab_to("At most, if requests differ")
    page.keyboard.type("5")
    tab_to("Credits expire after")
    page.keyboard.type("2 weeks")
    tab_to("A trial: each account gets it once")
    page.keyboard.press("Space")
    tab_to("Review all terms")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Review")).to_be_focused()
    did = page.locator("#review-plan").inner_text()
    tab_to("Sign and register")
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="The plan is registered")).to_be_focused()
    terms = read_plan(stall, did).terms
    assert (terms.kind, terms.price, terms.credits, terms.max_redeem) == (PlanKind.CREDITS, 7_500_000, 30, 5)
    assert (terms.duration, terms.trial) == (14 * 86_400, True)


def test_price__that_is_shared__pays_both(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    page, other = new_page(make_wallet()), stall.new_account().address
    open_form(page, stand, "30 days of access")
    press(page, "Share the price")
    press(page, "Add a receiver")
    page.get_by_label("Receiver 2", exact=True).fill("0x12")
    page.get_by_label("Share of receiver 1").fill("15")
    page.get_by_label("Share of receiver 2").fill("5")
    press(page, "Review all terms")
    wrong = page.get_by_label("Receiver 2", exact=True)
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    wrong.fill(other)
    did = review(page)
    register(page)
    paid = {split.receiver: split.amount for split in read_plan(stall, did).terms.splits}
    assert paid == {stall.shop.builder.address: 15_000_000, other: 5_000_000}


# ---------------------------------------------------------------------- what is wrong, and what somebody else decides


def test_choices__that_are_wrong__are_told_beside_their_fields(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    page = new_page(make_wallet())
    open_form(page, stand, "30 days of access")
    page.get_by_label("Price of one purchase").fill("0.00002")
    page.get_by_label("Length of a period").fill("5 m")
    press(page, "Review all terms")
    expect(page.locator("#wrong-period")).to_contain_text("can be minutes or months")
    expect(page.get_by_label("Length of a period")).to_be_focused()
    check_axe(page)
    page.get_by_label("Length of a period").fill("5 minutes")
    press(page, "Review all terms")
    expect(page.locator("#wrong-price")).to_contain_text("Prices are in whole tokens here.")
    expect(page.locator("#wrong-period")).to_be_hidden()
    page.get_by_label("The price is meant to be so low").check()
    review(page)
    expect(page.locator("#review-terms")).to_contain_text("One purchase costs 0.00002 USDC.")


def test_wallet__that_says_no__leaves_nothing_done(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    open_form(page, stand)
    did = review(page)
    wallet.refuse = {SEND}
    press(page, "Sign and register")
    expect_problem(page, "You said no in your wallet. Nothing was sent")
    assert not is_registered(stall, did)
    wallet.refuse = set()
    register(page)  # the same review, and so the same plan
    assert is_registered(stall, did)


def test_account__that_is_switched_after_the_review__reviews_again(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet(stall.shop.builder, stall.new_account())
    page = new_page(wallet)
    open_form(page, stand)
    first = review(page)
    wallet.switch_account(wallet.accounts[1])
    expect(page.get_by_role("status")).to_contain_text("Review the plan again.")
    expect(page.get_by_role("button", name="Sign and register")).to_be_hidden()
    second = review(page)
    assert first != second
    expect(page.locator("#review-serving")).to_contain_text("This gateway serves no agent of your account.")
    register(page)
    assert read_plan(stall, second).owner == wallet.account.address
    expect(page.locator("#no-agents")).to_be_visible()


def test_account__that_is_switched_before_it_is_sent__sends_nothing(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet(stall.shop.builder, stall.new_account())
    page = new_page(wallet)
    open_form(page, stand)
    review(page)
    wallet.before[SEND] = lambda: wallet.choose(wallet.accounts[1])
    press(page, "Sign and register")
    expect_problem(page, "The wallet does not let this page use the account.")


def test_wallet__on_another_network__is_asked_to_switch(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    wallet = make_wallet()
    page = new_page(wallet)
    open_form(page, stand)
    review(page)
    wallet.switch_chain(1)
    expect(page.get_by_text("Your wallet is on another network.")).to_be_visible()
    press(page, "Sign and register")
    expect_problem(page, "Switch it to a development chain")
    assert wallet.count(SEND) == 0
    page.get_by_role("button", name="Switch to a development chain").click()
    expect(page.locator("#switch")).to_be_hidden()
    register(page)


def test_coin__that_is_missing__is_told_before_anything_is_sent(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    wallet = make_wallet(stall.new_account(coin=10**12, usdc=0))
    page = new_page(wallet)
    open_form(page, stand)
    press(page, "Review all terms")
    expect_problem(page, "more to your account.")
    if page.get_by_role("button", name="Sign and register").is_visible():
        press(page, "Sign and register")
        expect_problem(page, "more to your account.")
    assert wallet.count(SEND) == 0


def test_page__that_is_reloaded_while_it_is_mined__shows_the_plan(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, stall: Stall
) -> None:
    provider = stall.shop.chain.web3.provider
    page = new_page(make_wallet())
    open_form(page, stand)
    did = review(page)
    provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
    try:
        press(page, "Sign and register")
        expect(page.get_by_role("status")).to_contain_text("waits to be mined")
        page.reload()
        expect(page.get_by_role("status")).to_contain_text("waits to be mined")
        address = page.url
    finally:
        provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
        provider.make_request("evm_mine", [])  # type: ignore[arg-type]
    expect(page.locator("#done-plan")).to_have_text(did)
    other = new_page()  # a browser that was never here, with the address
    other.goto(address)
    expect(other.locator("#done-plan")).to_have_text(did)


def test_address__with_a_text_in_place_of_a_transaction__does_not_show_it(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet
) -> None:
    page, plan, owner = new_page(make_wallet()), stand.stall.did("paid"), stand.stall.shop.builder.address
    page.goto(f"{stand.gate.url}/seller/new?plan={plan}&account={owner}&tx=Send+your+key+to+mallory.example")
    expect(page.locator("#done-plan")).to_have_text(plan)
    expect(page.locator("#done-transaction-row")).to_be_hidden()
    expect(page.get_by_text("mallory")).to_have_count(0)


def test_texts__that_are_hostile__are_text(stand: Stand, new_page: NewPage, make_wallet: MakeWallet) -> None:
    page = new_page(make_wallet())
    open_form(page, stand)
    page.get_by_label("Name of the plan").fill(HOSTILE)
    page.get_by_label("Author").fill("<b>me</b>")
    review(page)
    expect(page.locator("#review-name")).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main script, main img, main b").count() == 0


@pytest.mark.parametrize(("scheme", "width"), [("dark", 320), ("light", 1_100)])
def test_page__in_each_colour_and_width__has_nothing_serious(
    stand: Stand, new_page: NewPage, make_wallet: MakeWallet, scheme: str, width: int
) -> None:
    page = new_page(make_wallet(), color_scheme=scheme, viewport={"width": width, "height": 800})

    def look() -> None:
        check_axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"

    open_form(page, stand, "Custom plan")
    page.get_by_label("Name of the plan").fill("w" * 120)
    press(page, "Share the price")
    look()
    page.get_by_role("radio", name="100 requests").check()
    press(page, "Remove receiver 1")
    page.get_by_label("Price of one purchase").fill("20")
    review(page)
    look()
    register(page)
    look()
