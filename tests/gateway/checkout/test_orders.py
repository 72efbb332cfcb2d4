"""What the gateway prepares for a wallet, and what became of it: each way to order, and each reason why not."""

import pytest
import requests
from eth_account import Account

import nvm_chain as nvm
from tests.gateway.checkout.stall import COIN, ODD_PRICE, PRICE, Stall, Stand, sign
from tests.support.delegated import delegate


def test_order__of_a_free_plan__is_one_transaction_with_a_receipt(stand: Stand) -> None:
    account = stand.stall.new_account(usdc=0)
    told = stand.prepare("free", account.address)
    assert (told["way"], told["cost"], told["next"]["transaction"]["value"]) == ("order", "0", "0x0")
    outcome = stand.follow("free", stand.send(account, told))
    assert outcome["state"] == "ordered"
    receipt = outcome["receipt"]
    assert (receipt["payer"], receipt["holder"], receipt["paid"], receipt["granted"]) == (
        account.address,
        account.address,
        "0",
        "3",
    )
    assert receipt["words"] == {"paid": "nothing", "granted": "3 credits", "counts": "The service counts it at once."}
    assert stand.standing("free", account.address)["words"]["has"] == "3 credits"


def test_order__in_coin__sends_the_price(stand: Stand) -> None:
    account = stand.stall.new_account(usdc=0)
    told = stand.prepare("coin", account.address, quantity="2")
    assert int(told["next"]["transaction"]["value"], 16) == 2 * COIN
    assert told["words"]["cost"] == "0.02 ETH"
    assert stand.follow("coin", stand.send(account, told))["receipt"]["granted"] == "200"


def test_order__by_permit__is_a_signature_and_a_transaction(stand: Stand) -> None:
    account = stand.stall.new_account()
    told = stand.prepare("paid", account.address)
    assert (told["way"], told["words"]["cost"], len(told["words"]["steps"])) == ("permit", "20 USDC", 2)
    answer = stand.tell("permits", {"draft": told["next"]["draft"], "signature": sign(account, told)})
    assert answer.status_code == 200, answer.text
    outcome = stand.follow("paid", stand.send(account, answer.json()))
    assert (outcome["state"], outcome["receipt"]["paid"], outcome["receipt"]["granted"]) == (
        "ordered",
        str(PRICE),
        "100",
    )
    assert stand.stall.world.tokens(account.address) == 100_000_000 - PRICE


@pytest.mark.parametrize("form", ["compact", "zero or one"])
def test_order__by_permit__takes_the_signatures_of_all_wallets(stand: Stand, form: str) -> None:
    account = stand.stall.new_account()
    told = stand.prepare("paid", account.address)
    whole = bytes.fromhex(sign(account, told)[2:])
    last = whole[64] - 27
    short = whole[:32] + bytes([whole[32] | last << 7]) + whole[33:64]
    signature = short if form == "compact" else whole[:64] + bytes([last])
    answer = stand.tell("permits", {"draft": told["next"]["draft"], "signature": signature.hex()})
    assert stand.follow("paid", stand.send(account, answer.json()))["state"] == "ordered"


def test_order__by_the_permit_of_somebody_else__is_refused_before_it_is_sent(stand: Stand) -> None:
    account, other = stand.stall.new_account(), stand.stall.new_account()
    told = stand.prepare("paid", account.address)
    answer = stand.tell("permits", {"draft": told["next"]["draft"], "signature": sign(other, told)})
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "PaymentFailed")
    assert "`" not in answer.json()["error"]


def test_order__in_a_token_without_permits__is_an_approval_and_then_the_order(stand: Stand) -> None:
    account, odd = stand.stall.new_account(), stand.stall.odd
    stand.stall.give(odd, account, ODD_PRICE)
    told = stand.prepare("odd", account.address)
    assert (told["way"], told["next"]["what"]) == ("approve", "approval")
    assert stand.follow("odd", stand.send(account, told))["state"] == "mined"
    told = stand.prepare("odd", account.address)
    assert (told["way"], told["next"]["what"]) == ("order", "order")
    assert stand.follow("odd", stand.send(account, told))["receipt"]["paid"] == str(ODD_PRICE)


def test_approval__of_a_token_that_wants_zero_first__is_set_to_zero_first(stand: Stand) -> None:
    account, odd, world = stand.stall.new_account(), stand.stall.odd, stand.stall.world
    stand.stall.give(odd, account, ODD_PRICE)
    world.send(account, odd.functions.approve(world.credits.address, 1))
    for _ in range(2):
        told = stand.prepare("odd", account.address)
        assert told["next"]["what"] == "approval"
        stand.send(account, told)
    told = stand.prepare("odd", account.address)
    assert told["next"]["what"] == "order"
    assert stand.follow("odd", stand.send(account, told))["state"] == "ordered"


def test_order__of_an_account_with_code__approves_and_orders(stand: Stand) -> None:
    account, world = stand.stall.new_account(), stand.stall.world
    delegate(world, account, world.deploy("SmartWallet", account.address).address)
    assert stand.standing("paid", account.address)["hasCode"] is True
    told = stand.prepare("paid", account.address)
    assert (told["way"], told["next"]["do"]) == ("approve", "send")
    assert "gas" not in told["next"]["transaction"]  # its wallet finds it


def test_order__of_an_account_whose_code_rejects_credits__is_told_before_an_approval(stand: Stand) -> None:
    account, world = stand.stall.new_account(), stand.stall.world
    delegate(world, account, world.deploy("NoHook").address)
    assert stand.refuse("paid", account.address)[:2] == (409, "ERC1155InvalidReceiver")


def test_order__after_an_approval__needs_no_signature(stand: Stand) -> None:
    account, world = stand.stall.new_account(), stand.stall.world
    world.send(account, world.usdc.functions.approve(world.credits.address, PRICE))
    told = stand.prepare("paid", account.address)
    assert (told["way"], told["next"]["do"]) == ("order", "send")


def test_order__of_a_trial__is_told_before_anything_is_signed_the_second_time(stand: Stand) -> None:
    account = stand.stall.new_account(usdc=0)
    stand.send(account, stand.prepare("trial", account.address))
    status, kind, message = stand.refuse("trial", account.address)
    assert (status, kind) == (409, "TrialAlreadyTaken")
    assert "has already had the trial" in message
    assert stand.standing("trial", account.address)["trialTaken"] is True


def test_order__without_enough_of_the_token__is_told_before(stand: Stand) -> None:
    account = stand.stall.new_account(usdc=5_000_000)
    status, kind, message = stand.refuse("paid", account.address)
    assert (status, kind) == (409, "InsufficientFunds")
    assert "needs 20 USDC, but has 5" in message


@pytest.mark.parametrize("plan", ["free", "paid", "coin", "time"])
def test_order__without_coin_for_gas__is_told_before(stand: Stand, plan: str) -> None:
    account = stand.stall.new_account(coin=0)
    status, kind, message = stand.refuse(plan, account.address)
    assert (status, kind) == (409, "InsufficientCoin")
    assert "ETH" in message


def test_order__above_the_cost_that_was_shown__is_refused(stand: Stand) -> None:
    account = stand.stall.new_account()
    status, kind, _ = stand.refuse("paid", account.address, maxCost=str(PRICE - 1))
    assert (status, kind) == (409, "CostAboveMax")
    assert stand.prepare("paid", account.address, maxCost=str(PRICE))["cost"] == str(PRICE)


def test_order__of_a_plan_that_is_not_sold_here__is_refused(stand: Stand) -> None:
    account = stand.stall.new_account()
    assert stand.refuse("unsold", account.address)[:2] == (404, "PlanNotSold")


def test_order__of_a_stopped_plan__is_refused(stand: Stand) -> None:
    account, shop = stand.stall.new_account(), stand.stall.shop
    nvm.set_plan_active(shop.chain, shop.builder, stand.stall.plans["hostile"], False)
    try:
        assert stand.refuse("hostile", account.address)[:2] == (409, "PlanNotActive")
    finally:
        nvm.set_plan_active(shop.chain, shop.builder, stand.stall.plans["hostile"], True)


def test_renewal__adds_to_what_is_there(stand: Stand) -> None:
    account = stand.stall.new_account()
    for number in (1, 2):
        told = stand.prepare("paid", account.address, way="approve")
        stand.send(account, told)
        stand.send(account, stand.prepare("paid", account.address, way="approve"))
        found = stand.standing("paid", account.address)
        assert found["credits"] == str(100 * number)
        assert found["words"]["renewal"].startswith("You can order again now.")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"account": "0x12"}, 400),
        ({"quantity": "0"}, 400),
        ({"quantity": "-1"}, 400),
        ({"quantity": "1e3"}, 400),
        ({"quantity": "9" * 300}, 400),
        ({"maxCost": "x"}, 400),
        ({"way": "gift"}, 400),
        ({"planId": "did:nv:12"}, 400),
        ({"more": 1}, 400),
        ({"account": 7}, 400),
    ],
)
def test_question__that_is_malformed__is_refused_in_the_form_of_all_refusals(
    stand: Stand, changes: dict[str, object], status: int
) -> None:
    body = {"planId": stand.stall.did("paid"), "account": Account.create().address, **changes}
    answer = stand.tell("orders", body)
    assert answer.status_code == status, answer.text
    assert answer.json()["nvm"]["message"] == answer.json()["error"]


def test_transaction__that_nobody_knows__is_unknown_and_one_of_another_plan_is_not_an_order(
    stand: Stand, stall: Stall
) -> None:
    assert stand.follow("paid", "0x" + "ab" * 32)["state"] == "unknown"
    account = stall.new_account(usdc=0)
    made = stand.send(account, stand.prepare("free", account.address))
    assert stand.follow("paid", made)["state"] == "mined"
    assert stand.ask("transactions/0x12", plan=stall.did("paid")).status_code == 400


def test_order__at_a_quoted_price__takes_no_more_than_the_page_has_shown(stand: Stand, stall: Stall) -> None:
    account, world = stall.new_account(), stall.world
    shown = stand.prepare("quoted", account.address)
    assert (shown["way"], shown["words"]["cost"]) == ("permit", "20 USDC")
    world.send(world.subscriber, stall.quoter.functions.setPrice(2 * PRICE))
    try:
        assert stand.refuse("quoted", account.address, maxCost=shown["maxCost"])[1] == "CostAboveMax"
        answer = stand.tell("permits", {"draft": shown["next"]["draft"], "signature": sign(account, shown)})
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "CostAboveMax")
        world.send(world.subscriber, stall.quoter.functions.setPrice(PRICE - 5))
        told = stand.prepare("quoted", account.address, maxCost=shown["maxCost"])
        assert (told["cost"], told["maxCost"]) == (str(PRICE - 5), str(PRICE))
        answer = stand.tell("permits", {"draft": told["next"]["draft"], "signature": sign(account, told)})
        assert stand.follow("quoted", stand.send(account, answer.json()))["receipt"]["paid"] == str(PRICE - 5)
    finally:
        world.send(world.subscriber, stall.quoter.functions.setPrice(PRICE))


@pytest.mark.parametrize("path", ["orders", "permits", "relays"])
def test_question__of_whatever_body__never_fails_the_gateway(stand: Stand, path: str) -> None:
    bodies = [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"planId":1}',
        b'{"draft":[]}',
        b"[" * 9_000,
        b"x" * 70_000,
    ]
    for body in bodies:
        answer = requests.post(f"{stand.url}/api/{path}", data=body, timeout=60)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (400, "InvalidMessage"), body[:20]


@pytest.mark.parametrize(
    "query", ["", "plan=1", "account=0x12", "plan=%ff&account=%00", "plan=did:nv:" + "0" * 64, "a=b" * 900]
)
def test_account__of_whatever_query__is_refused(stand: Stand, query: str) -> None:
    for path in ("account", "transactions/0x" + "ab" * 32, "relays/0x" + "ab" * 32):
        answer = requests.get(f"{stand.url}/api/{path}?{query}", timeout=60)
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["nvm"]["message"] == answer.json()["error"]
