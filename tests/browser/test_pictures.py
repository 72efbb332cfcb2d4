"""The pictures of the documents: taken of the real pages. `NVM_CHAIN_WRITE_PICTURES=1` writes them anew."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import nvm_chain as nvm
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.browser.conftest import NewPage
from tests.browser.guard import Guard
from tests.browser.wallet import Wallet
from tests.gateway.checkout.stall import RELAYS, Stall, Stand, run_stall
from tests.gateway.serving import Upstream, served

FOLDER = Path(__file__).parents[2] / "docs" / "assets"
WRITE_VARIABLE = "NVM_CHAIN_WRITE_PICTURES"
TOLERANCE = 0.03
"""By how much of its height a picture may differ: the page is longer or shorter than it was."""
DESKTOP: dict[str, Any] = {"viewport": {"width": 760, "height": 900}, "device_scale_factor": 1}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway that sells three plans of one agent."""
    with run_stall() as stall, served(Upstream()) as upstream:
        chain, plans = stall.shop.chain, stall.plans
        sold = [AttachedPlan(plans[name], 1, 1) for name in ("trial", "paid")] + [AttachedPlan(plans["time"], 0, 0)]
        metadata = AgentMetadata("Tea answers", description="Answers about tea, day and night.", author="Tea House")
        did = format_did(nvm.register_agent(chain, stall.shop.builder, metadata, sold).agent_id)
        neat: Stall = replace(stall, shop=replace(stall.shop, did=did), agent=did)
        with neat.open(tmp_path_factory.mktemp("pictures"), upstream, more={}, checkout=RELAYS) as stand:
            yield stand


@pytest.fixture(autouse=True)
def allowed(guard: Guard, stand: Stand) -> None:
    """Pages may ask the gateway, and nobody else."""
    guard.allow(stand.gate.url)


def check_picture(page: Page, name: str) -> None:
    """Compare the size of a page with that of its committed picture, or write the picture."""
    found, path = page.screenshot(full_page=True, animations="disabled"), FOLDER / name
    if os.environ.get(WRITE_VARIABLE):
        path.write_bytes(found)
    (width, height), (wide, high) = read_size(found), read_size(path.read_bytes())
    advice = (
        f"{name} is not the page as it is now. Take it anew: {WRITE_VARIABLE}=1 pytest tests/browser/test_pictures.py"
    )
    assert width == wide, advice
    assert abs(height - high) <= TOLERANCE * high, advice


def read_size(picture: bytes) -> tuple[int, int]:
    """Return the width and the height of a PNG in pixels."""
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


def test_picture__of_the_plans_of_an_agent__is_the_page(stand: Stand, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    page.goto(f"{stand.url}/{stand.stall.agent}")
    expect(page.get_by_role("heading", name="Tea answers")).to_be_visible()
    check_picture(page, "checkout-agent-phone.png")


def test_picture__of_a_plan_before_its_order__is_the_page(stand: Stand, new_page: NewPage) -> None:
    page = new_page(Wallet(stand.stall.shop.url, [stand.stall.new_account(coin=0)]), **DESKTOP)
    page.goto(f"{stand.url}/{stand.stall.did('paid')}")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("button", name="Order for 20 USDC")).to_be_enabled()
    page.mouse.move(0, 0)
    check_picture(page, "checkout-plan.png")


def test_picture__of_the_sales_of_an_owner__is_the_page(stand: Stand, new_page: NewPage) -> None:
    shop = stand.stall.shop
    buyer = stand.stall.new_account()
    nvm.order_plan(shop.chain, buyer, stand.stall.plans["paid"])
    page = new_page(Wallet(shop.url, [shop.builder]), **DESKTOP)
    page.goto(f"{stand.gate.url}/seller")
    page.get_by_role("button", name="Sign in with a wallet").click()
    revenue = page.locator(".tiles > div", has=page.get_by_text("Revenue", exact=True)).locator(".value").first
    expect(revenue).to_be_visible()
    for _ in range(100):  # until the gateway has read the order, and the names of the plans
        if revenue.inner_text() != "None" and "A hundred answers" in page.inner_text("main"):
            break
        with page.expect_response(re.compile("/seller/api/outlook")):
            page.get_by_role("button", name="30 days").click()
    expect(revenue).to_contain_text("USDC")
    expect(page.get_by_text("Nothing is owed.")).to_be_visible()
    page.mouse.move(0, 0)
    check_picture(page, "seller.png")


def test_picture__of_the_review_of_a_new_plan__is_the_page(stand: Stand, new_page: NewPage) -> None:
    page = new_page(Wallet(stand.stall.shop.url, [stand.stall.shop.builder]), **DESKTOP)
    page.goto(f"{stand.gate.url}/seller/new")
    page.get_by_role("button", name="Connect a wallet").click()
    expect(page.locator("#account-address")).to_have_text(re.compile("^0x"))
    page.get_by_role("radio", name="1 day of access").check()
    page.get_by_label("Name of the plan").fill("A day of tea")
    page.get_by_label("Price of one purchase").fill("3")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Sign and register")).to_be_enabled()
    page.mouse.move(0, 0)
    check_picture(page, "new-plan.png")


def test_read_size__of_a_committed_picture__is_not_that_of_another(stand: Stand, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    page.goto(f"{stand.url}/{stand.stall.did('trial')}")
    if not os.environ.get(WRITE_VARIABLE):
        with pytest.raises(AssertionError, match="Take it anew"):
            check_picture(page, "checkout-plan.png")
