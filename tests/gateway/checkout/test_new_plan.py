"""New plans on a page: what is registered is what was reviewed, and what the command drafts for the same answers."""

from pathlib import Path

import pytest
import requests

import nvm_chain as nvm
from nvm_chain.metadata.data_uris import parse_data_uri
from nvm_chain.metadata.documents import parse_plan_metadata
from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.operations.plans import is_redeemer, read_plan
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.x402.payments import write_payment
from tests.gateway.checkout.new_plans import TEMPLATES, Seller, draft_by_command, write_records
from tests.gateway.checkout.stall import Stall, Stand
from tests.gateway.checkout.test_pages import Reader


@pytest.fixture(scope="module")
def records(stall: Stall, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of the stall's contracts."""
    folder = tmp_path_factory.mktemp("deployments")
    write_records(stall, folder)
    return folder


OPTIONS: dict[str, tuple[str, ...]] = {
    "free": (),
    "trial": (),
    **dict.fromkeys(("hour", "day", "week", "month", "year", "100-requests"), ("--price", "20 USDC")),
    "custom": ("--price", "5 USDC", "--grants", "50", "--per-request", "1..5", "--expires", "30d"),
}
"""The same answers as options of the command."""


@pytest.mark.parametrize("template", TEMPLATES)
def test_template__on_the_page__makes_the_plan_of_the_command(seller: Seller, records: Path, template: str) -> None:
    texts = {"name": "Tea at five", "description": "All the tea."}
    review = seller.review(template, **texts)
    options = ("--template", template, *OPTIONS[template], "--salt", review["reviewed"]["salt"])
    named = ("--name", texts["name"], "--description", texts["description"])
    drafted = draft_by_command(seller.stand.stall, records, *options, *named)
    assert drafted["did"] == review["did"]
    assert drafted["words"] == review["terms"]

    seller.register_reviewed(review, template, **texts)
    plan = read_plan(seller.stand.stall.shop.chain, review["did"])
    assert (plan.owner, plan.active, plan.uri) == (seller.account.address, True, drafted["uri"])
    assert parse_plan_metadata(parse_data_uri(plan.uri)).name == texts["name"]
    label = nvm.read_token_label(seller.stand.stall.shop.chain, plan.terms.token)
    words = nvm.describe_terms(plan.terms, label, fee_bps=plan.fee_bps)
    assert [(term.title, term.text) for term in words] == [(term["title"], term["text"]) for term in review["terms"]]


def test_review__in_words__is_what_the_page_of_the_plan_says(
    stall: Stall, seller: Seller, upstream_url: str, tmp_path: Path
) -> None:
    review = seller.register("month", name="A month of tea")
    seller.take_step("attach", review["did"], agent=stall.agent)
    with stall.open(tmp_path, upstream_url) as later:
        page = later.page(review["did"])
        assert page.status_code == 200
        text = Reader(page.text).text
        for term in review["terms"]:
            assert f"{term['title']}{term['text']}" in text
        assert "A month of tea" in text
    nvm.detach_plan(stall.shop.chain, seller.account, stall.agent, review["did"])


# ---------------------------------------------------------------------- what was reviewed, and nothing else


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"price": "21"}, "The terms are others"),
        ({"trial": True}, "The terms are others"),
        ({"name": "Another name"}, "The name or another text"),
    ],
)
def test_registration__of_another_plan_than_reviewed__is_refused(
    seller: Seller, changes: dict[str, object], part: str
) -> None:
    reviewed = seller.review("month", name="Tea")["reviewed"]
    plan = seller.choose("month", **({"name": "Tea"} | changes))
    answer = seller.post("/registration", {"plan": plan, "reviewed": reviewed})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "NotReviewed")
    assert part in answer.json()["error"]


def test_registration__with_another_account_than_reviewed__is_refused(seller: Seller) -> None:
    reviewed = seller.review("month")["reviewed"]
    plan = seller.choose("month", account=seller.stand.stall.new_account().address)
    answer = seller.post("/registration", {"plan": plan, "reviewed": reviewed})
    assert answer.json()["nvm"]["type"] == "NotReviewed"  # who is paid, and so the terms, follow the account


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"salt": "0x12"}, 400),
        ({"planId": "x"}, 400),
        ({"feeBps": 10**9}, 400),
        ({"feeBps": -1}, 400),
        ({"metadata": ""}, 409),
    ],
)
def test_registration__of_a_review_that_is_malformed__is_refused(
    seller: Seller, change: dict[str, object], status: int
) -> None:
    reviewed = {**seller.review("month")["reviewed"], **change}
    answer = seller.post("/registration", {"plan": seller.choose("month"), "reviewed": reviewed})
    assert answer.status_code == status


def test_registration__a_second_time__is_told_before_it_is_sent(seller: Seller) -> None:
    reviewed = seller.register("month")["reviewed"]
    answer = seller.post("/registration", {"plan": seller.choose("month"), "reviewed": reviewed})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "PlanAlreadyRegistered")


def test_registration__after_the_fee_has_changed__is_refused(seller: Seller) -> None:
    world = seller.stand.stall.world
    set_fee, owner = world.credits.functions.setProtocolFee, seller.stand.stall.shop.chain.accounts[0]
    reviewed = seller.review("month")["reviewed"]
    try:
        world.send(owner, set_fee(100, owner.address))
        answer = seller.post("/registration", {"plan": seller.choose("month"), "reviewed": reviewed})
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "NotReviewed")
        assert answer.json()["error"] == "The protocol fee has changed since your review. Review the plan again."
        reviewed = seller.review("month")
        texts = {term["name"]: term["text"] for term in reviewed["terms"]}
        assert "The protocol takes 1 % of the price, which is 0.2 USDC." in texts["fee"]
    finally:
        world.send(owner, set_fee(0, owner.address))
    answer = seller.post("/registration", {"plan": seller.choose("month"), "reviewed": reviewed["reviewed"]})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "NotReviewed")


def test_coin__that_is_missing__is_told_before_anything_is_sent(stand: Stand) -> None:
    poor = Seller(stand, stand.stall.new_account(coin=10**12, usdc=0))
    answer = poor.post("", poor.choose("month"))
    told = answer.json()
    if answer.status_code == 200:
        assert "Send " in told["problem"]
        answer = poor.post("/registration", {"plan": poor.choose("month"), "reviewed": told["reviewed"]})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "InsufficientCoin")
    assert f"more to {poor.account.address}" in answer.json()["error"]


# ---------------------------------------------------------------------- whether the gateway can serve


@pytest.mark.parametrize(
    ("template", "changes", "verdict", "part"),
    [
        ("month", {}, "good", "It is a time plan. A purchase gives access for 30 days."),
        ("100-requests", {}, "good", "may settle."),
        (
            "100-requests",
            {"letsGatewaySettle": False},
            "missing",
            "may not settle, so nothing that is served could be taken.",
        ),
        ("100-requests", {"transferable": True}, "missing", "Its credits are transferable"),
        ("custom", {"mostPerRequest": "2000", "grants": "5000"}, "note", "and `dynamic` is false"),
        (
            "custom",
            {"leastPerRequest": "2000", "mostPerRequest": "", "grants": "5000"},
            "missing",
            "its exposure is 1,000",
        ),
        (
            "custom",
            {"kind": "usage", "grants": "", "mostPerRequest": "", "expires": ""},
            "note",
            "The gateway does not serve on it.",
        ),
    ],
)
def test_review__of_a_plan__says_whether_this_gateway_can_serve_it(
    seller: Seller, template: str, changes: dict[str, object], verdict: str, part: str
) -> None:
    found = seller.review(template, **changes)["serving"]
    assert any(each["verdict"] == verdict and part in each["text"] for each in found), found


def test_review__for_a_stranger__says_that_no_agent_of_theirs_is_served(stand: Stand) -> None:
    stranger = Seller(stand, stand.stall.new_account())
    found = stranger.review("month")["serving"]
    assert "This gateway serves no agent of your account." in found[-1]["text"]


# ---------------------------------------------------------------------- after the registration


def test_steps__after_the_registration__let_the_gateway_serve(stall: Stall, seller: Seller) -> None:
    chain, redeemer = stall.shop.chain, stall.shop.redeemer.address
    review = seller.register("100-requests")
    did = review["did"]
    before = nvm.read_agent_plans(chain, stall.agent)
    told = seller.plan(did)
    assert (told["isRegistered"], told["needsSettler"], told["owner"]) == (True, True, seller.account.address)
    assert {agent["did"]: agent["isAttached"] for agent in told["agents"]} == {
        stall.agent: False,
        stall.other_agent: False,
    }

    seller.take_step("settle", did)
    assert is_redeemer(chain, did, redeemer)
    assert seller.plan(did)["needsSettler"] is False

    seller.take_step("attach", did, agent=stall.agent)
    after = nvm.read_agent_plans(chain, stall.agent)
    assert set(after) == {*before, AttachedPlan(did, 1, 1)}
    agents = {agent["did"]: agent for agent in seller.plan(did)["agents"]}
    assert agents[stall.agent]["isAttached"]
    assert "after its next start" in agents[stall.agent]["words"]
    nvm.detach_plan(chain, seller.account, stall.agent, did)


def test_plan__that_was_made_on_the_page__pays_for_requests_after_the_next_start(
    stall: Stall, seller: Seller, upstream_url: str, tmp_path: Path
) -> None:
    chain, buyer, agent = stall.shop.chain, stall.new_account(), stall.other_agent
    did = seller.register("100-requests")["did"]
    seller.take_step("settle", did)
    seller.take_step("attach", did, agent=agent)
    plan_id = nvm.parse_plan_id(did)
    nvm.order_plan(chain, buyer, plan_id, payment_method="approve")
    with stall.open(tmp_path, upstream_url) as later:
        gate = later.gate
        later_seller = Seller(later, seller.account)
        words = {each["did"]: each["words"] for each in later_seller.plan(did)["agents"]}
        assert words[agent] == "This gateway serves on the plan."
        gate.wait_until_ready()
        binding = build_binding(agent, "POST", "/tea", hash_body(b""), "request-on-a-new-plan")
        signed = gate.sign(1, binding, buyer=buyer, plan_id=plan_id, ceiling=1)
        offer = {"scheme": "nvm-credits", "network": f"eip155:{chain.chain_id}"}
        headers = {"PAYMENT-SIGNATURE": write_payment(offer, signed, binding, None)}
        answer = requests.post(f"{gate.url}/services/{agent}/tea", headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
    nvm.detach_plan(chain, seller.account, agent, did)


def test_plan__that_is_not_registered__is_told_so(seller: Seller) -> None:
    did = seller.review("month")["did"]
    assert seller.plan(did)["isRegistered"] is False


def test_steps__of_a_stranger__are_refused_before_they_are_sent(stall: Stall, stand: Stand, seller: Seller) -> None:
    did = seller.register("100-requests")["did"]
    stranger = Seller(stand, stall.new_account())
    for what, kind in (("settle", "NotPlanOwner"), ("attach", "NotAgentOwner")):
        body = {"account": stranger.account.address, "planId": did, "what": what, "agent": stall.agent}
        answer = stranger.post("/steps", body)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, kind)


def test_attachment__that_cannot_be__is_refused(stall: Stall, seller: Seller) -> None:
    did = seller.register("100-requests")["did"]
    step = {"account": seller.account.address, "planId": did, "what": "attach"}
    for more, status, kind in (
        ({"agent": nvm.format_did(99)}, 404, "AgentNotSold"),
        ({"agent": stall.agent, "least": "2"}, 400, "CostOutOfRange"),
        ({"agent": stall.agent, "least": "9" * 90}, 400, "InvalidAmount"),
        ({"agent": stall.agent, "least": "x"}, 400, "InvalidAmount"),
    ):
        answer = seller.post("/steps", {**step, **more})
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (status, kind), answer.text


def test_transaction__of_a_registration__is_followed(seller: Seller) -> None:
    reviewed = seller.review("month")["reviewed"]
    sent = seller.send(seller.post("/registration", {"plan": seller.choose("month"), "reviewed": reviewed}))
    told = requests.get(f"{seller.base}/transactions/{sent}", timeout=60).json()
    assert (told["state"], told["words"]) == ("mined", "")
    unknown = requests.get(f"{seller.base}/transactions/0x{'12' * 32}", timeout=60).json()
    assert unknown["state"] == "unknown"
    assert requests.get(f"{seller.base}/transactions/0x12", timeout=60).status_code == 400
