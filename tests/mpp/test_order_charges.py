"""Plans that are bought by MPP at the address where they are sold over x402: paid once, granted once, told with a receipt."""

from pathlib import Path

import requests
from mpp import Receipt

from nvm_chain.mpp.problems import BASE
from nvm_chain.mpp.receipts import read_receipt
from nvm_chain.operations.credits import read_balance
from nvm_chain.x402.headers import read_header
from tests.mpp.market import CREDITS, PLAN_PRICE, PRICE, Market, Stand, build_market, read_challenge, read_opaque
from tests.support.fiat_token import deploy_fiat_token

SECONDS = 60


def post(stand: Stand, **headers: str) -> requests.Response:
    """Send a request to the address of the plan."""
    return requests.post(stand.orders_url, headers=headers, timeout=SECONDS)


def test_order_url__unpaid__has_a_challenge_beside_the_offers_of_x402(market: Market, stand: Stand) -> None:
    answer = post(stand)
    assert answer.status_code == 402
    required = read_header(answer.headers["payment-required"], "header")
    assert "exact" in {offer["scheme"] for offer in required["accepts"]}
    assert read_opaque(read_challenge(answer))["plan"] == str(market.plan_id)


def test_official_python_client__buys_the_plan(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    answer = stand.fetch(buyer, stand.orders_url)
    assert answer.status_code == 200, answer.text
    receipt = Receipt.from_payment_receipt(answer.headers["payment-receipt"])
    assert receipt.reference == answer.json()["transaction"]
    assert "payment-response" not in answer.headers
    assert read_balance(market.shop.chain, market.plan_id, buyer.address) == CREDITS
    assert market.read_paid(buyer) == PLAN_PRICE


def test_official_typescript_client__buys_the_plan(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    told = stand.fetch_by_node(buyer, stand.orders_url)
    assert (told["status"], told["receipt"]["status"]) == (200, "success"), told
    assert read_balance(market.shop.chain, market.plan_id, buyer.address) == CREDITS
    assert market.read_paid(buyer) == PLAN_PRICE


def test_credential__presented_again__grants_nothing_more(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    paid = stand.sign(buyer, read_challenge(post(stand)), value=PLAN_PRICE)
    answers = [post(stand, Authorization=paid) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({read_receipt(answer.headers["payment-receipt"])["reference"] for answer in answers}) == 1
    assert read_balance(market.shop.chain, market.plan_id, buyer.address) == CREDITS
    assert market.read_paid(buyer) == PLAN_PRICE


def test_credential__for_a_request__buys_no_plan_and_the_other_way_round(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    for_request = stand.sign(buyer, stand.challenge(), value=PLAN_PRICE)
    for_plan = stand.sign(buyer, read_challenge(post(stand)))
    for answer in (post(stand, Authorization=for_request), stand.ask(Authorization=for_plan)):
        assert answer.status_code == 402
        assert answer.json()["type"] == f"{BASE}invalid-challenge"
        read_challenge(answer)
    assert market.read_paid(buyer) == 0


def test_credential__that_pays_too_little_or_twice__is_refused(market: Market, stand: Stand) -> None:
    buyer = market.new_buyer()
    challenge = read_challenge(post(stand))
    less = post(stand, Authorization=stand.sign(buyer, challenge, value=PLAN_PRICE - 1))
    assert (less.status_code, less.json()["type"]) == (402, f"{BASE}verification-failed")
    both = {"Authorization": stand.sign(buyer, challenge, value=PLAN_PRICE), "PAYMENT-SIGNATURE": "e30="}
    assert requests.post(stand.orders_url, headers=both, timeout=SECONDS).status_code == 400
    assert market.read_paid(buyer) == 0


def test_other_paths_of_buying__are_as_without_charges(market: Market, stand: Stand) -> None:
    assert requests.get(stand.orders_url, timeout=SECONDS).headers["allow"] == "POST"
    assert requests.post(f"{stand.gate.url}/plans/7/orders", timeout=SECONDS).status_code == 404
    assert requests.get(f"{stand.gate.url}/payments/0x{'0' * 64}", timeout=SECONDS).status_code == 404


# ---------------------------------------------------------------------- Circle's own token


def test_official_clients__pay_with_the_token_of_circle(market: Market, upstream_url: str, tmp_path: Path) -> None:
    of_circle = build_market(market.world, market.shop.url, deploy_fiat_token(market.world))
    assert (of_circle.token.name, of_circle.token.version) == ("USD Coin", "2")
    first, second = of_circle.new_buyer(), of_circle.new_buyer()
    with of_circle.open(tmp_path, upstream_url) as stand:
        assert stand.fetch(first, content=b"for a request").status_code == 200
        assert stand.fetch_by_node(second, stand.orders_url)["status"] == 200
    assert (of_circle.read_paid(first), of_circle.read_paid(second)) == (PRICE, PLAN_PRICE)
    assert read_balance(market.shop.chain, of_circle.plan_id, second.address) == CREDITS
