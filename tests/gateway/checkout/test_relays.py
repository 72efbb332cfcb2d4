"""Orders that the gateway sends for buyers: without coin, once each, within the limits, and after a restart."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.errors import RpcFailed
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.meter.store.relays import claim_relay
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.order_steps import complete_order
from nvm_chain.operations.signed_orders import send_signed_order
from nvm_chain.operations.token_domains import is_authorization_used
from nvm_chain.signing.signed_orders import SignedOrder
from tests.gateway.checkout.stall import PRICE, RELAYS, Stall, Stand, sign
from tests.support.delegated import delegate


@pytest.fixture
def account(stall: Stall) -> LocalAccount:
    """A buyer with USDC and without coin."""
    return stall.new_account(coin=0)


def prepare(stand: Stand, account: LocalAccount, plan: str = "paid") -> dict[str, Any]:
    """Return what a page sends back for a prepared order, signed."""
    told = stand.prepare(plan, account.address)
    assert told["way"] == "authorization", told
    return {**told["next"]["draft"], "signature": sign(account, told)}


def follow(stand: Stand, told: Any, plan: str = "paid", seconds: float = 30) -> Any:
    """Follow a signed order until it is known what became of it."""
    query = {"plan": stand.stall.did(plan), "payer": told["payer"], "until": told["validBefore"]}
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline:
        answer = stand.ask(f"relays/{told['relay']}", **query)
        if answer.status_code != 200 or answer.json()["state"] != "waiting":
            return answer.json()
        pause.wait(0.05)
    raise AssertionError("the order still waits")


def count_sent(stall: Stall) -> int:
    """Return how many transactions the seller's key has sent."""
    return stall.shop.chain.count_sent(stall.shop.redeemer.address, "latest")


def test_relay__of_a_signed_order__needs_no_coin_of_the_buyer(relaying: Stand, account: LocalAccount) -> None:
    answer = relaying.tell("relays", prepare(relaying, account))
    assert answer.status_code == 200, answer.text
    outcome = follow(relaying, answer.json())
    assert (outcome["state"], outcome["receipt"]["paid"], outcome["receipt"]["granted"]) == (
        "ordered",
        str(PRICE),
        "100",
    )
    world = relaying.stall.world
    assert (world.coins(account.address), world.tokens(account.address)) == (0, 100_000_000 - PRICE)


def test_relay__of_the_same_order_many_times__is_one_transaction(relaying: Stand, account: LocalAccount) -> None:
    body, before = prepare(relaying, account), count_sent(relaying.stall)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: relaying.tell("relays", body), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert follow(relaying, answers[0].json())["state"] == "ordered"
    again = relaying.tell("relays", body)
    assert again.status_code == 200, again.text
    assert follow(relaying, again.json())["state"] == "ordered"
    assert count_sent(relaying.stall) == before + 1
    assert relaying.stall.world.tokens(account.address) == 100_000_000 - PRICE


def test_relay__above_the_limit_of_an_account__is_refused_and_the_buyer_pays_the_gas(
    relaying: Stand, stall: Stall
) -> None:
    account = stall.new_account()
    bodies = [prepare(relaying, account) for _ in range(4)]
    for body in bodies[:3]:
        told = relaying.tell("relays", body)
        assert follow(relaying, told.json())["state"] == "ordered"
    refused = relaying.tell("relays", bodies[3])
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (429, "RelaysUsedUp")
    told = relaying.prepare("paid", account.address)
    assert told["way"] == "permit"
    assert told["words"]["note"].startswith("The seller has sent as many orders for this account")


def test_relay__above_the_limit_of_a_day__is_refused(
    stall: Stall, upstream_url: str, tmp_path: Path, account: LocalAccount
) -> None:
    settings = CheckoutSettings(relays=True, relays_per_account=5, relays_per_day=1)
    with stall.open(tmp_path, upstream_url, checkout=settings) as stand:
        first, second = (prepare(stand, each) for each in (account, stall.new_account(coin=0)))
        assert follow(stand, stand.tell("relays", first).json())["state"] == "ordered"
        assert stand.tell("relays", second).json()["nvm"]["type"] == "RelaysUsedUp"


def test_relay__after_a_restart__is_followed_and_not_sent_again(
    stall: Stall, upstream_url: str, tmp_path: Path, account: LocalAccount
) -> None:
    settings = CheckoutSettings(relays=True)
    with stall.open(tmp_path, upstream_url, checkout=settings) as stand:
        body = prepare(stand, account)
        told = stand.tell("relays", body).json()
        follow(stand, told)
    before = count_sent(stall)
    with stall.open(tmp_path, upstream_url, checkout=settings) as stand:
        assert follow(stand, told)["receipt"]["paid"] == str(PRICE)
        assert stand.tell("relays", body).status_code == 200
        assert follow(stand, told)["state"] == "ordered"
    assert count_sent(stall) == before


def test_relay__that_the_operator_has_not_switched_on__is_refused(
    stand: Stand, relaying: Stand, account: LocalAccount
) -> None:
    assert stand.refuse("paid", account.address)[1] == "InsufficientCoin"
    answer = stand.tell("relays", prepare(relaying, account))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "NoRelays")


def test_relay__with_the_signature_of_somebody_else__is_refused_and_costs_nothing(
    relaying: Stand, stall: Stall, account: LocalAccount
) -> None:
    told, before = relaying.prepare("paid", account.address), count_sent(stall)
    body = {**told["next"]["draft"], "signature": sign(stall.new_account(), told)}
    answer = relaying.tell("relays", body)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "AuthorizationSignatureInvalid")
    assert count_sent(stall) == before
    good = relaying.tell("relays", {**body, "signature": sign(account, told)})
    assert follow(relaying, good.json())["state"] == "ordered"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"receiver": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}, "InvalidMessage"),
        ({"validBefore": str(2**60)}, "InvalidMessage"),
        ({"planId": "0x" + "11" * 32}, "InvalidMessage"),
        ({"token": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}, "InvalidMessage"),
        ({"maxCost": "1"}, "CostAboveMax"),
        ({"salt": "0x12"}, "InvalidMessage"),
    ],
)
def test_relay__of_an_order_that_the_page_did_not_prepare__is_refused(
    relaying: Stand, account: LocalAccount, changes: dict[str, str], kind: str
) -> None:
    told, before = relaying.prepare("paid", account.address), count_sent(relaying.stall)
    draft = told["next"]["draft"]
    order = {**json.loads(draft["order"]), **changes}
    body = {**draft, "order": json.dumps(order, separators=(",", ":")), "signature": sign(account, told)}
    answer = relaying.tell("relays", body)
    assert answer.status_code in (400, 409), answer.text
    assert answer.json()["nvm"]["type"] in (kind, "AuthorizationSignatureInvalid"), answer.text
    assert count_sent(relaying.stall) == before


def test_relay__of_an_order_that_takes_much_gas__is_refused(
    relaying: Stand, account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of a buyer, or that of a quoter, could use up the coin of the seller."""
    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.MOST_GAS", 50_000)
    answer = relaying.tell("relays", prepare(relaying, account))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "TooMuchGas")


def test_relay__by_a_key_without_coin__says_so_without_a_word_of_the_key(
    relaying: Stand, account: LocalAccount, stall: Stall
) -> None:
    redeemer, provider = stall.shop.redeemer.address, stall.shop.chain.web3.provider
    had = stall.world.coins(redeemer)
    body = prepare(relaying, account)
    provider.make_request("anvil_setBalance", [redeemer, "0x0"])  # type: ignore[arg-type]
    try:
        answer = relaying.tell("relays", body)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "CannotRelay")
        assert redeemer not in answer.text
    finally:
        provider.make_request("anvil_setBalance", [redeemer, hex(had)])  # type: ignore[arg-type]
    assert follow(relaying, relaying.tell("relays", body).json())["state"] == "ordered"


def test_relay__that_was_never_made_in_its_time__is_told_to_be_over(relaying: Stand, account: LocalAccount) -> None:
    told = {"relay": "0x" + "cd" * 32, "payer": account.address, "validBefore": "1"}
    outcome = follow(relaying, told)
    assert outcome == {
        "state": "failed",
        "words": "The order was not made in time, and nothing was paid. You can order again.",
    }


def test_relay__of_an_account_with_code__is_offered_if_the_token_asks_that_code(relaying: Stand, stall: Stall) -> None:
    account, world = stall.new_account(coin=0), stall.world
    delegate(world, account, world.deploy("SmartWallet", account.address).address)
    told = relaying.tell("relays", prepare(relaying, account))
    assert told.status_code == 200, told.text
    assert follow(relaying, told.json())["state"] == "ordered"
    assert world.coins(account.address) == 0


def test_relay__that_the_code_of_an_account_refuses__is_refused_before_it_is_sent(
    relaying: Stand, stall: Stall
) -> None:
    account, world, before = stall.new_account(), stall.world, count_sent(stall)
    delegate(world, account, world.deploy("AcceptsCredits").address)
    answer = relaying.tell("relays", prepare(relaying, account))
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "AuthorizationFailed")
    assert count_sent(stall) == before
    told = relaying.prepare("paid", account.address, way="approve")
    assert (told["way"], told["next"]["what"]) == ("approve", "approval")


def test_relay__whose_code_wants_more_gas_after_the_check__is_not_sent(
    relaying: Stand, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, world, before = stall.new_account(), stall.world, count_sent(stall)
    delegate(world, account, world.deploy("SmartWallet", account.address).address)
    slow = world.deploy("SlowWallet", 2_000_000).address

    def claim(*given: Any, **limits: Any) -> Any:
        delegate(world, account, slow)
        return claim_relay(*given, **limits)

    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.claim_relay", claim)
    told = relaying.tell("relays", prepare(relaying, account))
    assert told.status_code == 200, told.text
    assert follow(relaying, told.json())["nvm"]["type"] == "TooMuchGas"
    assert count_sent(stall) == before


def test_follow__of_an_order_that_is_made_while_it_is_looked_for__never_says_that_nothing_was_paid(
    relaying: Stand, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, chain = stall.new_account(), stall.shop.chain
    signed = nvm.sign_plan_order(chain, account, stall.plans["paid"], valid_seconds=20)

    def look_then_make(*asked: Any) -> bool:
        monkeypatch.undo()
        found = is_authorization_used(*asked)
        nvm.relay_order(chain, stall.world.relayer, signed)
        chain.web3.provider.make_request("evm_increaseTime", [30])  # type: ignore[arg-type]
        chain.web3.provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        return found

    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.is_authorization_used", look_then_make)
    nonce, until = find_nonce(chain, signed.order), str(signed.order.valid_before)
    told = {"relay": f"0x{nonce.hex()}", "payer": account.address, "validBefore": until}
    assert follow(relaying, told)["state"] == "ordered"


def test_relay__while_too_many_orders_are_sent__is_given_up_and_not_followed_for_ever(
    stall: Stall, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page waits on at what a busy gateway answers to a look, so it has to be told something else."""
    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.SENT_AT_ONCE", 1)
    provider = stall.shop.chain.web3.provider
    with stall.open(tmp_path, upstream_url, checkout=RELAYS) as stand:
        bodies = [prepare(stand, stall.new_account(coin=0)) for _ in range(5)]
        provider.make_request("evm_setAutomine", [False])  # type: ignore[arg-type]
        try:
            told = [stand.tell("relays", body).json() for body in bodies]
            assert follow(stand, told[-1])["nvm"]["type"] == "CannotRelay"
        finally:
            provider.make_request("evm_setAutomine", [True])  # type: ignore[arg-type]
            provider.make_request("evm_mine", [])  # type: ignore[arg-type]
        assert [follow(stand, each)["state"] for each in told[:-1]] == ["ordered"] * 4
        assert follow(stand, stand.tell("relays", bodies[-1]).json())["state"] == "ordered"


def test_relay__that_the_node_does_not_take__is_told_in_a_way_that_ends_the_wait(
    stall: Stall, upstream_url: str, tmp_path: Path, account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RpcFailed("txpool is full")

    with stall.open(tmp_path, upstream_url, checkout=RELAYS) as stand:
        body = prepare(stand, account)
        with monkeypatch.context() as patched:
            patched.setattr("nvm_chain.chain.sending.hand_over", refuse)
            told = stand.tell("relays", body).json()
            assert follow(stand, told)["nvm"]["type"] == "CannotRelay"
        assert follow(stand, stand.tell("relays", body).json())["state"] == "ordered"


def test_relay__that_somebody_else_sends_first__is_told_as_made(
    relaying: Stand, stall: Stall, account: LocalAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody who sees a signed order on its way to a block can send it. The buyer has paid, and gets the receipt."""
    body = prepare(relaying, account)
    signed = complete_order(SignedOrder.from_json(body["order"]), bytes.fromhex(body["signature"].removeprefix("0x")))

    def claim(*given: Any, **limits: Any) -> Any:
        nvm.relay_order(stall.shop.chain, stall.world.relayer, signed)
        return claim_relay(*given, **limits)

    def send(*given: Any, **named: Any) -> Any:
        try:
            return send_signed_order(*given, **named)
        finally:
            is_over.set()

    is_over = threading.Event()
    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.claim_relay", claim)
    monkeypatch.setattr("nvm_chain.gateway.checkout.relays.send_signed_order", send)
    told = relaying.tell("relays", body).json()
    assert is_over.wait(30)
    for _ in range(10):
        outcome = follow(relaying, told)
        assert (outcome.get("state"), outcome["receipt"]["paid"]) == ("ordered", str(PRICE))
