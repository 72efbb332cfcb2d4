"""The page of sellers: its numbers are those of the chain and of the requests that were paid, and nobody sees anything of others."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.gateway.sellers import desk
from nvm_chain.gateway.sellers.tokens import Role
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.types.ids import format_did
from tests.gateway.checkout.mall import COST, EXPOSURE, FEE_BPS, OWN_HOST, PRICE, TOKENS, Mall, Seen, run_mall
from tests.gateway.checkout.stall import run_stall

PLANS: Final = "Plans, with their sales"
API: Final = ("overview", "outlook", "holders")


@pytest.fixture(scope="module")
def mall(upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mall]:
    """Owners whose buyers have ordered and used something."""
    with run_stall() as stall, run_mall(stall, upstream_url, tmp_path_factory.mktemp("mall")) as mall:
        buyers = [stall.new_account() for _ in range(3)]
        mall.order(buyers[0], "own", 2)
        mall.order(buyers[1], "own")
        mall.order(buyers[1], "both")
        mall.order(buyers[2], "lent")
        mall.order(buyers[2], "bert")
        mall.order(buyers[2], "time")
        for buyer, owner, plan, count in (
            (buyers[0], "anna", "own", 3),
            (buyers[1], "anna", "own", 1),
            (buyers[1], "anna", "both", 2),
            (buyers[2], "carl", "lent", 1),
            (buyers[2], "bert", "bert", 5),
        ):
            mall.use(buyer, owner, plan, count)
        mall.buyers = buyers
        yield mall


@pytest.fixture(scope="module")
def tokens(mall: Mall) -> dict[str, str]:
    """A token of the page for each owner."""
    return {name: mall.sign_in(getattr(mall, name)) for name in ("anna", "bert", "carl")}


@pytest.fixture(scope="module", autouse=True)
def anna(mall: Mall, tokens: dict[str, str]) -> Seen:
    """What Anna sees when all is counted, before any test gives something away."""
    return mall.wait_for(tokens["anna"], lambda seen: seen.tile("Owed, and not taken yet")[0] == "8 credits")


def paid_to(mall: Mall, account: LocalAccount) -> int:
    """Return the USDC that an account was paid, by the events of the token."""
    transfer = mall.stall.world.usdc.events.Transfer
    events = transfer.get_logs(from_block=0, argument_filters={"to": account.address})
    return sum(int(event["args"]["value"]) for event in events)


# ---------------------------------------------------------------------- what is shown


def test_overview__of_an_owner__has_the_revenue_that_the_token_moved(mall: Mall, anna: Seen) -> None:
    total = paid_to(mall, mall.anna)
    assert total == 5 * PRICE * (10_000 - FEE_BPS) // 10_000
    fee = paid_to(mall, mall.stall.world.fee_receiver) - PRICE * FEE_BPS // 10_000  # the last one is of Bert's plan
    assert [tile for tile in anna.tiles if tile[0] == "Revenue"] == [
        ["Revenue", "0.00099 ETH", "after a protocol fee of 0.00001 ETH"],
        ["Revenue", *_usdc(mall, f"{total // 10**6}", f"after a protocol fee of {fee // 10**6}")],
    ]
    assert anna.row("Who was paid, in USDC", mall.anna.address)[1:] == [
        "share of the price",
        "4",
        f"{total // 10**6} USDC",
    ]


def _usdc(mall: Mall, *numbers: str) -> list[str]:
    return [f"{number} USDC" for number in numbers]


def test_overview__of_an_owner__counts_orders_and_holders_like_the_chain(mall: Mall, anna: Seen) -> None:
    own = {mall.plans[name] for name in ("own", "time", "both", "lent")}
    orders = [
        event
        for event in mall.stall.world.credits.events.Ordered.get_logs(from_block=0)
        if event["args"]["planId"] in own
    ]
    assert anna.tile("Orders")[0] == str(len(orders)) == "5"
    assert anna.tile("Holders")[0] == "5"
    assert anna.names(PLANS)[0] == "Anna's tea"
    assert set(anna.names(PLANS)) == {"Anna's tea", "A month of tea", "Shared tea", "Lent tea"}
    assert [row[2:4] for row in anna.table(PLANS)] == [["2", "2"], ["1", "1"], ["1", "1"], ["1", "1"]]


def test_overview__of_an_owner__has_what_the_requests_cost(mall: Mall, anna: Seen) -> None:
    served = 4 * COST
    assert anna.tile("Credits served")[0] == str(served)
    assert anna.tile("Owed, and not taken yet") == [
        f"{served} credits",
        f"A holder may owe at most {EXPOSURE} credits.",
    ]
    row = anna.row(PLANS, "Anna's tea")
    assert row[:2] == ["Anna's tea\n20 USDC, credits", "taken"]
    assert row[4:7] == [str(served), str(served), str(EXPOSURE)]


def test_overview__of_a_plan_that_services_of_others_accept__has_no_charges(mall: Mall, anna: Seen) -> None:
    for name in ("Shared tea", "Lent tea"):
        assert anna.row(PLANS, name)[4:7] == ["not shown", "not shown", ""]
    assert re.search("so what was charged on them is not shown: .*Shared tea", anna.text)
    assert re.search("so what was charged on them is not shown: .*Lent tea", anna.text)


def test_overview__of_the_days_before__is_empty_and_says_which_days(mall: Mall, tokens: dict[str, str]) -> None:
    seen = mall.overview(tokens["anna"], **{"from": "2020-01-01", "to": "2020-01-31"})
    assert "Nobody paid for these plans in this period." in seen.text
    assert seen.tile("Orders")[0] == "0"
    assert seen.told["period"] == {"from": "2020-01-01", "to": "2020-01-31", "days": None}
    assert mall.overview(tokens["anna"], days="7").tile("Orders")[0] == "5"


def test_overview__by_the_token_of_a_seller__has_its_services_and_their_plans(mall: Mall, anna: Seen) -> None:
    seen = mall.overview(TOKENS["anna"][Role.OWNER])
    assert (seen.told["account"], seen.told["seller"]) == (None, "anna")
    assert set(seen.names(PLANS)) == {"Anna's tea", "A month of tea"}
    assert seen.row(PLANS, "Anna's tea") == anna.row(PLANS, "Anna's tea")
    assert [row[2] for row in seen.table("Services")] == [mall.agents["anna"]]
    assert f"{mall.plans['both']:#066x}" in seen.text


def test_overview__with_hostile_metadata__shows_it_as_text(mall: Mall, tokens: dict[str, str]) -> None:
    seen = mall.overview(tokens["bert"])
    assert any("<script>alert(1)</script>" in row[0] for row in seen.table(PLANS))
    assert not {"script", "img"} & {tag for tag, _ in seen.tags}
    assert not any(name.startswith("on") or name == "style" for _, attributes in seen.tags for name in attributes)
    assert "\u202e" not in seen.told["html"]


def test_holders__of_a_plan__are_those_of_the_chain_with_what_they_owe(
    mall: Mall, tokens: dict[str, str], anna: Seen
) -> None:
    told = mall.get("holders", tokens["anna"], plan=format_did(mall.plans["own"])).json()
    rows = Seen(told).table("Holders of Anna's tea")
    buyers = mall.buyers
    wanted = [
        [
            buyer.address,
            f"{mall.stall.world.balance(mall.plans['own'], buyer.address)} credits",
            str(uses * COST),
            str(uses * COST),
        ]
        for buyer, uses in ((buyers[0], 3), (buyers[1], 1))
    ]
    assert rows == sorted(wanted, key=lambda row: row[0].lower())
    assert told["after"] is None


def test_holders__of_a_shared_plan__have_no_charges(mall: Mall, tokens: dict[str, str]) -> None:
    told = mall.get("holders", tokens["anna"], plan=format_did(mall.plans["both"])).json()
    assert [row[2:] for row in Seen(told).table("Holders of Shared tea")] == [["not shown", "not shown"]]


def test_holders__of_a_plan_with_many__come_in_pages_of_fifty(mall: Mall, tokens: dict[str, str]) -> None:
    chain, plan = mall.stall.shop.chain, mall.plans["lent"]
    people = {Account.create().address: 7 for _ in range(120)}
    nvm.mint_credits_batch(chain, mall.anna, plan, people)
    mall.wait_for(tokens["anna"], lambda seen: seen.row(PLANS, "Lent tea")[3] == "121")
    found: list[str] = []
    sizes, more = [], {"plan": format_did(plan)}
    while True:
        told = mall.get("holders", tokens["anna"], **more).json()
        rows = Seen(told).table("Holders of Lent tea")
        sizes.append(len(rows))
        found += [row[0] for row in rows]
        if told["after"] is None:
            break
        more["after"] = told["after"]
    assert sizes == [50, 50, 21]
    assert sorted(found) == sorted({*people, mall.buyers[2].address})


def test_outlook__of_an_owner__says_what_is_due_next_and_why(mall: Mall, tokens: dict[str, str]) -> None:
    seen = Seen(mall.get("outlook", tokens["anna"]).json())
    value, note = seen.tile("Due next")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", value)
    assert note == "because a voucher ends soon. More requests can make it earlier."


def test_settlement__of_what_is_owed__is_shown_and_the_debt_is_gone(upstream_url: str, tmp_path: Any) -> None:
    rules = SettleRules(credits=6, age_seconds=10**9)
    with run_stall() as stall, run_mall(stall, upstream_url, tmp_path, rules=rules, fee=False) as mall:
        buyer, token = stall.new_account(), mall.sign_in(mall.anna)
        mall.order(buyer, "own")
        mall.use(buyer, "anna", "own", 2)
        before = mall.wait_for(token, lambda seen: seen.tile("Owed, and not taken yet")[0] == "4 credits")
        assert "Nothing was settled yet." in before.text
        mall.use(buyer, "anna", "own", 1)
        after = mall.wait_for(token, lambda seen: seen.tile("Owed, and not taken yet")[0] == "0 credits", 60)
        (row,) = after.table("Settlements")
        settled = nvm.read_account(stall.shop.chain, mall.plans["own"], buyer.address).settled
        assert row[1:4] == ["Anna's tea", f"{settled:,}", "1"] == ["Anna's tea", "6", "1"]
        receipt = stall.shop.chain.web3.eth.get_transaction_receipt(row[5])  # type: ignore[arg-type]
        assert receipt["status"] == 1
        assert after.tile("Credits served") == [
            "6",
            "This is the sum of all days. 6 credits were taken on the chain in this period.",
        ]
        assert not mall.overview(mall.sign_in(mall.bert)).table("Settlements")


# ---------------------------------------------------------------------- who sees nothing


@pytest.mark.parametrize("path", API)
def test_api__without_a_sign_in__tells_nothing(mall: Mall, path: str) -> None:
    for token in ("", "x" * 40, "nvm-page." + "A" * 76, TOKENS["anna"][Role.OWNER][:-1]):
        answer = mall.get(path, token, plan=format_did(mall.plans["own"]))
        assert answer.status_code == 401, answer.text
        assert answer.json()["nvm"]["type"] == "SellerUnknown"


@pytest.mark.parametrize("path", API)
def test_api__with_the_token_of_a_reader__is_refused(mall: Mall, path: str) -> None:
    answer = mall.get(path, TOKENS["anna"][Role.READER], plan=format_did(mall.plans["own"]))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (403, "RoleTooWeak")


def test_stranger__who_signs_in__sees_nothing(mall: Mall) -> None:
    token = mall.sign_in(Account.create())
    told = mall.get("overview", token).json()
    assert told["isEmpty"]
    assert told["html"] == ""
    assert not told["hasBooks"]
    assert mall.get("outlook", token).json() == {"html": ""}
    for plan in mall.plans.values():
        answer = mall.get("holders", token, plan=format_did(plan))
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "PlanNotYours")


def test_owner__of_one_agent_and_one_plan__sees_these_alone(mall: Mall, tokens: dict[str, str]) -> None:
    seen = mall.overview(tokens["bert"])
    assert len(seen.table(PLANS)) == 1
    assert seen.table(PLANS)[0][4:6] == ["10", "10"]
    assert [row[2] for row in seen.table("Services")] == [mall.agents["bert"]]
    for name in ("own", "time", "both", "lent"):
        assert mall.get("holders", tokens["bert"], plan=format_did(mall.plans[name])).status_code == 404
    for name in ("own", "lent", "time"):
        assert f"{mall.plans[name]:064x}" not in seen.told["html"]
    assert mall.anna.address not in seen.told["html"]
    seller = mall.overview(TOKENS["bert"][Role.OWNER])
    assert "Anna" not in seen.text + seller.text
    assert mall.get("holders", TOKENS["bert"][Role.OWNER], plan=format_did(mall.plans["both"])).status_code == 404


def test_owner__of_an_agent_without_plans_of_its_own__sees_its_service_and_no_numbers(
    mall: Mall, tokens: dict[str, str]
) -> None:
    seen = mall.overview(tokens["carl"])
    assert [row[2] for row in seen.table("Services")] == [mall.agents["carl"]]
    assert not seen.table(PLANS)
    assert not seen.told["hasBooks"]
    assert {tile[0] for tile in seen.tiles} == {"Revenue", "Orders", "Holders"}
    assert [tile[1] for tile in seen.tiles] == ["None", "0", "0"]


def test_owner__who_has_given_a_plan_away__sees_it_no_more(mall: Mall, tokens: dict[str, str]) -> None:
    chain, heir = mall.stall.shop.chain, mall.stall.new_account()
    extra = format_did(mall.plans["time"])
    assert mall.get("holders", tokens["anna"], plan=extra).status_code == 200
    nvm.transfer_plan_ownership(chain, mall.anna, mall.plans["time"], heir.address)
    nvm.accept_plan_ownership(chain, heir, mall.plans["time"])
    token = mall.sign_in(heir)
    seen = mall.wait_for(token, lambda seen: bool(seen.table(PLANS)))
    assert seen.names(PLANS) == ["A month of tea"]
    assert not seen.told["hasBooks"]  # the agent that has charged on it is still Anna's
    assert mall.get("holders", tokens["anna"], plan=extra).status_code == 404
    nvm.transfer_plan_ownership(chain, heir, mall.plans["time"], mall.anna.address)
    nvm.accept_plan_ownership(chain, mall.anna, mall.plans["time"])
    mall.wait_for(tokens["anna"], lambda seen: len(seen.table(PLANS)) == 4)


def test_sign_in__signed_by_another_account_or_twice__is_refused(mall: Mall) -> None:
    message = mall.get("challenge", account=mall.anna.address).json()["message"]

    def send(signer: LocalAccount) -> requests.Response:
        signature = signer.sign_message(encode_defunct(text=message)).signature.hex()
        body = {"message": message, "signature": signature}
        return requests.post(f"{mall.url}/seller/api/sign-in", json=body, timeout=60)

    assert send(mall.bert).status_code == 409
    assert send(mall.anna).status_code == 200
    assert send(mall.anna).status_code == 409


def test_token__of_the_page__opens_no_address_of_programs(mall: Mall, tokens: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {tokens['anna']}"}
    for path in ("usage", "status", "settlement", "metrics"):
        assert requests.get(f"{mall.url}/seller/{path}", headers=headers, timeout=60).status_code == 401
    service = f"{mall.url}/services/{mall.agents['anna']}/ask"
    assert requests.post(service, headers=headers, timeout=60).status_code in (400, 402)


# ---------------------------------------------------------------------- bounds and forms


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"days": "31"}, "7, 30 or 90 days"),
        ({"days": "9" * 900}, "7, 30 or 90 days"),
        ({"from": "2026-02-30", "to": "2026-03-01"}, "The first day"),
        ({"from": "2026-01-01"}, "The last day"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "before its first"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "more than 366 days"),
        ({"from": "9998-01-01", "to": "9998-01-02"}, "begins after"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "begins after"),
        ({"from": "0001-01-01", "to": "0001-01-01"}, "is not a date"),
        ({"from": "２０２６-01-01", "to": "2026-01-01"}, "is not a date"),
    ],
)
def test_period__that_is_not_one__is_refused_in_words(
    mall: Mall, tokens: dict[str, str], query: dict[str, str], words: str
) -> None:
    answer = mall.get("overview", tokens["anna"], **query)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    "plan", ["", "0", "did:nv:" + "f" * 64, "1" * 900, "../1"], ids=["none", "0", "unknown", "long", "path"]
)
def test_holders__of_what_is_not_a_plan_of_mine__are_refused_alike(
    mall: Mall, tokens: dict[str, str], plan: str
) -> None:
    answer = mall.get("holders", tokens["anna"], plan=plan)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "PlanNotYours")


def test_questions__of_one_account_at_the_same_time__are_answered_one_at_a_time(
    mall: Mall, tokens: dict[str, str]
) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: mall.get("overview", tokens["anna"]), range(12)))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["nvm"]["type"] == "TooManyQuestions"
    assert refused.headers["retry-after"] == "1"
    assert mall.get("overview", tokens["anna"]).status_code == 200


def test_questions__of_too_many_accounts__are_refused(
    mall: Mall, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_WAITING", 0)
    answer = mall.get("overview", tokens["anna"])
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (429, "TooManySellers")


def test_page__before_a_sign_in__has_nothing_of_anybody(mall: Mall) -> None:
    answer = requests.get(f"{mall.url}/seller", timeout=60)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self'" in policy
    assert not re.search("did:nv|0x[0-9a-fA-F]{40}| style=| on[a-z]+=|<style|<script>", answer.text)
    assert answer.headers["cache-control"] == "no-store"
    for asset in re.findall(r'(?:href|src)="(seller/assets/[^"]+)"', answer.text):
        assert requests.get(f"{mall.url}/{asset}", timeout=60).status_code == 200
    assert requests.post(f"{mall.url}/seller", timeout=60).status_code == 405
    assert requests.head(f"{mall.url}/seller", timeout=60).text == ""
    assert requests.get(f"{mall.url}/seller/api/nothing", timeout=60).status_code == 404
    assert requests.get(f"{mall.url}/seller/api/sign-in", timeout=60).status_code == 405
    assert requests.get(f"{mall.url}/seller/usage", timeout=60).status_code == 401


def test_page__on_the_own_host_of_a_service__is_not_there(mall: Mall, tokens: dict[str, str]) -> None:
    headers = {"Host": OWN_HOST, "Authorization": f"Bearer {tokens['carl']}"}
    for path in ("seller", "seller/api/overview", "seller/api/challenge"):
        answer = requests.get(f"{mall.url}/.well-known/nvm/{path}", headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (404, "NotFound")
        assert "/seller." in answer.json()["error"]


def test_body__of_a_sign_in__is_strict(mall: Mall) -> None:
    for body in ("", "[]", json.dumps({"message": "x"}), json.dumps({"message": "x", "signature": "0x", "more": 1})):
        answer = requests.post(f"{mall.url}/seller/api/sign-in", data=body, timeout=60)
        assert answer.status_code == 400, body
