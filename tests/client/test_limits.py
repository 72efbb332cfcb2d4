"""What a client signs for servers that ask for too much, or lie: nothing, or nothing beyond the limits."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from nvm_chain.client import flow
from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_budget, build_limits
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.errors import InvalidAmount, PaymentNotAllowed
from nvm_chain.x402.headers import PAYMENT_REQUIRED, write_header
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.required import build_required, build_resource
from tests.client.clients import Client
from tests.client.liars import hanging_up, is_untouched, lying
from tests.gateway.shop import Shop

Open = Callable[..., Client]
STRANGER = "0x" + "77" * 20
OTHER_DID = f"did:nv:{9:064x}"


def make_session(shop: Shop, url: str, **limits: Any) -> tuple[requests.Session, Buyer]:
    """Return a session that pays at a URL, within narrow limits."""
    buyer = Buyer(shop.connect(), shop.buyers[0], build_limits(**{"per_request": 5, "in_all": 20, **limits}))
    session = requests.Session()
    session.mount(url, PayingAdapter(buyer, url))
    return session, buyer


def ask(shop: Shop, session: requests.Session, url: str) -> requests.Response:
    """Send a request to the service at a server."""
    return session.post(f"{url}/services/{shop.did}/ask", data=b"tea?", timeout=60)


# ---------------------------------------------------------------------- the limits


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"per_request": 1}, "it may cost 2 credits"),
        ({"in_all": 1}, "the limit in all is 1"),
        ({"plans": [7]}, "not one of the plans"),
        ({"services": [9]}, "not one of the services"),
        ({"redeemers": [STRANGER]}, "not one of the redeemers"),
    ],
    ids=str,
)
def test_offer__of_a_real_gateway_that_is_not_within_the_limits__is_not_paid(
    client: Open, limits: dict[str, Any], reason: str
) -> None:
    buyer = client(limits=limits)
    with pytest.raises(PaymentNotAllowed, match=reason):
        buyer.ask("POST", "/ask")
    assert buyer.vouchers() == []
    assert is_untouched(buyer.buyer, buyer.gate.shop.credits_plan)


def test_limit_in_all__that_is_reached__leaves_only_what_costs_nothing(client: Open) -> None:
    buyer = client(limits={"in_all": 6})
    for _ in range(3):
        assert buyer.ask("POST", "/ask").status_code == 200
    sent = len(buyer.sent)
    with pytest.raises(PaymentNotAllowed, match="6 credits are signed, 2 more are wanted, and the limit in all is 6"):
        buyer.ask("POST", "/ask")
    assert buyer.ask("GET", "/about").status_code == 200
    assert len(buyer.sent) == sent + 2
    assert len(buyer.vouchers()) == 3


def test_build_limits__with_too_many_periods__is_refused() -> None:
    build_limits(per_request=1, in_all=1, max_periods=999_999)
    with pytest.raises(InvalidAmount):
        build_limits(per_request=1, in_all=1, max_periods=1_000_000)


# ---------------------------------------------------------------------- servers that lie


def test_budget__for_a_server_that_says_credits_are_used_up__orders_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MAX_PAUSES", 1)
    monkeypatch.setattr(flow, "PAUSE_MILLISECONDS", 1)
    with lying(shop, error_when_paid="CreditsUsedUp") as (liar, url):
        budget = build_budget(shop.credits_plan, orders=3, max_cost=0)
        buyer = Buyer(shop.connect(), shop.buyers[0], build_limits(per_request=5, in_all=20), budgets=[budget])
        session = requests.Session()
        session.mount(url, PayingAdapter(buyer, url))
        assert ask(shop, session, url).status_code == 402
        assert len(liar.signatures) == 3
        assert buyer.ceilings.read_orders(shop.credits_plan).count == 0
        assert buyer.ceilings.sum_signed() <= 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 6}, "may cost 6 credits"),
        ({"amount": 0}, "it would cost 0 credits"),
        ({"chain_id": 1}, "it is on chain 1, and the buyer on chain 31337"),
        ({"credits": STRANGER}, "it is of the Credits contract 0x7777"),
        ({"redeemer": STRANGER}, "not a redeemer of the plan on the chain"),
        ({"plan_id": 7}, "not a redeemer of the plan on the chain"),
        ({"service": OTHER_DID}, "an offer of another service"),
    ],
    ids=str,
)
def test_offer__of_a_server_that_lies__is_not_signed(shop: Shop, changes: dict[str, Any], reason: str) -> None:
    with lying(shop, changes=changes) as (liar, url):
        session, buyer = make_session(shop, url)
        with pytest.raises(PaymentNotAllowed, match=reason):
            ask(shop, session, url)
        assert len(liar.seen) == 1
        assert is_untouched(buyer, shop.credits_plan)


def test_ceiling__of_a_server_that_wants_everything__is_not_signed(shop: Shop) -> None:
    with lying(shop, next_ceiling=200_000) as (liar, url):
        session, buyer = make_session(shop, url)
        with pytest.raises(PaymentNotAllowed, match="the limit in all is 20"):
            ask(shop, session, url)
        assert len(liar.signatures) == 1
        assert buyer.ceilings.sum_signed() == 2


def test_ceiling__of_a_server_that_is_never_content__is_corrected_once(shop: Shop) -> None:
    with lying(shop, next_ceiling=10**6) as (liar, url):
        session, buyer = make_session(shop, url, in_all=2 * 10**6)
        for wanted in (1, 2):
            assert ask(shop, session, url).status_code == 402
            assert len(liar.signatures) == 2 * wanted
            liar.next_ceiling = (liar.next_ceiling or 0) + 5
        assert buyer.ceilings.sum_signed() <= 2 * 10**6


def test_ceilings__of_a_server_that_never_serves__stay_within_the_limit_in_all(shop: Shop) -> None:
    with lying(shop, status_when_paid=500) as (liar, url):
        session, buyer = make_session(shop, url)
        for _ in range(30):
            assert ask(shop, session, url).status_code == 500
        assert buyer.ceilings.sum_signed() == 2
        liar.status_when_paid, liar.next_ceiling = 402, 19
        assert ask(shop, session, url).status_code == 402
        liar.next_ceiling = 23
        with pytest.raises(PaymentNotAllowed):
            ask(shop, session, url)
        assert buyer.ceilings.sum_signed() <= 20


def test_redirect__of_a_paid_request__carries_nothing_to_another_server(shop: Shop) -> None:
    with lying(shop) as (other, elsewhere), lying(shop) as (liar, url):
        liar.redirects = f"{elsewhere}/services/{shop.did}/ask"
        session, _ = make_session(shop, url)
        answer = ask(shop, session, url)
        assert (answer.status_code, answer.history) == (307, [])
        assert other.seen == []


def test_redirect__before_the_payment__is_followed_and_not_paid_elsewhere(shop: Shop) -> None:
    with lying(shop) as (other, elsewhere), lying(shop, moves=f"{elsewhere}/services/{shop.did}/ask") as (liar, url):
        session, buyer = make_session(shop, url)
        assert ask(shop, session, url).status_code == 402
        assert (len(liar.seen), len(other.seen), other.signatures) == (1, 1, [])
        assert is_untouched(buyer, shop.credits_plan)


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        ("https://elsewhere.example.com/sign-in?service={did}", None),
        ("{url}/sign-in?service={did}", {"origin": "https://elsewhere.example.com"}),
        ("{url}/sign-in?service={did}", {"chainId": 1}),
    ],
    ids=["address", "origin", "chain"],
)
def test_sign_in__for_another_server_or_chain__is_not_signed(
    shop: Shop, challenge: str, told: dict[str, Any] | None
) -> None:
    with lying(shop) as (liar, url):
        liar.sign_in = challenge.format(url=url, did=shop.did)
        good = {"nonce": "a" * 32, "chainId": shop.chain.chain_id, "issuedAt": 1_800_000_000, "origin": url}
        liar.challenge = good | (told or {})
        session, buyer = make_session(shop, url)
        with pytest.raises(PaymentNotAllowed, match=r"sign-in"):
            ask(shop, session, url)
        assert liar.paths.count("/sign-in") == (0 if told is None else 1)
        assert is_untouched(buyer, shop.credits_plan)


def test_request__whose_connection_is_closed__takes_its_ceiling_back(shop: Shop) -> None:
    offer = CreditsOffer(
        *(shop.chain.chain_id, shop.chain.credits.address, shop.credits_plan, shop.redeemer.address),
        *(2, 60, shop.did, "full"),
    )
    required = build_required(build_resource("http://x"), [offer], error="Pay")
    body = json.dumps(required).encode()
    head = f"HTTP/1.1 402 Pay\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    head += f"{PAYMENT_REQUIRED}: {write_header(required)}\r\n\r\n"
    with hanging_up(head.encode() + body) as url:
        session, buyer = make_session(shop, url)
        for _ in range(3):
            with pytest.raises(requests.ConnectionError):
                ask(shop, session, url)
        assert buyer.ceilings.sum_signed() == 2
        assert buyer.ceilings.read(shop.credits_plan) is not None


def test_answer__that_is_not_of_x402__is_the_answer_of_the_program(shop: Shop) -> None:
    with lying(shop, sign_in="nothing") as (_, url):
        session, buyer = make_session(shop, url, plans=[shop.credits_plan])
        answer = session.get(f"{url}/services/{shop.did}/ask", timeout=60)
        assert (answer.status_code, answer.json()["accepts"]) == (402, [])
        assert is_untouched(buyer, shop.credits_plan)
