"""Official clients buy at our gateway: plans within a budget by the plug-in, and by stock ``exact``; our client pays ``exact`` there."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account.signers.local import LocalAccount
from x402 import x402Client, x402ClientSync
from x402.http.clients import wrapHttpxWithPayment, x402_requests
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_budget, build_limits
from nvm_chain.client.payment import find_transfer
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.client.transfers.limits import build_token_limit
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.errors import BudgetUsedUp, PaymentNotAllowed
from nvm_chain.operations.credits import burn_credits
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from tests.gateway.serving import reply
from tests.support.anvil import wait_until
from tests.x402.buying.conftest import market as market
from tests.x402.buying.market import CREDITS, PRICE, Market
from tests.x402.buying.shop import Counter, open_counter, register_agent
from tests.x402.python.officials import Official, open_buyer, read_header
from tests.x402.python.test_plugin import BINDING, REFUSED


@pytest.fixture(scope="module")
def counter(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A gateway for all tests of this file."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    with open_counter(market, register_agent(market), folder) as opened:
        yield opened


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Close what a test opens."""
    with ExitStack() as stack:
        _OPENED.append(stack)
        yield
        _OPENED.pop()


_OPENED: list[ExitStack] = []


def mount(counter: Counter, payer: Buyer | TokenPayer) -> requests.Session:
    """Return a session that our client pays for."""
    session = _OPENED[-1].enter_context(requests.Session())
    session.mount(counter.url, PayingAdapter(payer, counter.url))
    return session


def open_budget(counter: Counter, signer: LocalAccount, kind: str = "session", **changes: Any) -> Official:
    """Return an official client with the plug-in, whose buyer may order the plan."""
    budget = {"orders": 2, "max_cost": PRICE, **changes}
    budgets = [build_budget(counter.market.plan_id, **budget)] if budget["orders"] else []
    limits = build_limits(per_request=5, in_all=1_000, plans=[counter.market.plan_id])
    buyer = Buyer(counter.market.connect(), signer, limits, budgets=budgets)
    official = open_buyer(counter, buyer, kind)
    _OPENED[-1].callback(official.close)
    return official


def count_orders(official: Official) -> int:
    """Return how often the budget has ordered."""
    (plan_id,) = official.buyer.budgets
    return official.buyer.ceilings.read_orders(plan_id).count


def has_ordered(official: Official, number: int) -> bool:
    """Send a request, and return whether it was served and the budget has ordered so often. After 202, it is sent again."""
    answer = official.ask("POST", "/ask")
    assert answer.status_code in (200, 202), answer.text
    return answer.status_code == 200 and count_orders(official) == number


def has_nothing(counter: Counter, signer: LocalAccount) -> bool:
    """Return whether the gateway has seen that an account has no credits. Until then it serves, and the account owes it."""
    market = counter.market
    voucher = build_voucher(
        market.plan_id,
        holder=signer.address,
        redeemer=market.world.redeemer.address,
        ceiling=1,
        deadline=int(time.time()) + 3_600,
    )
    contract = market.chain.credits.address
    token = format_service_token(sign_voucher(signer, voucher, chain_id=market.chain.chain_id, contract=contract))
    answer = requests.get(f"{counter.url}/account", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["available"] == "0")


# ---------------------------------------------------------------------- plans within a budget


@pytest.mark.parametrize("kind", BINDING)
def test_newcomer__with_a_budget__buys_the_plan_once_and_is_served(counter: Counter, kind: str) -> None:
    signer = counter.market.new_buyer()
    official = open_budget(counter, signer, kind)
    answer = official.ask("POST", "/ask", data=b"tea?")
    while answer.status_code == 202:  # a busy machine counts the credits later
        answer = official.ask("POST", "/ask", data=b"tea?")
    assert answer.status_code == 200, answer.text
    assert len(read_header(answer, "payment-response")["transaction"]) == 66
    schemes = [payment["accepted"]["scheme"] for payment in official.payments]
    assert (schemes[0], set(schemes[1:])) == ("nvm-credits", {"nvm-order"})
    assert len({str(payment["payload"]["order"]) for payment in official.payments[1:]}) == 1
    for _ in range(2):
        assert official.ask("POST", "/ask", data=b"more tea?").status_code == 200
    assert [payment["accepted"]["scheme"] for payment in official.payments[-2:]] == ["nvm-credits"] * 2
    assert (counter.market.read_credits(signer), counter.market.read_paid(signer)) == (CREDITS, PRICE)
    assert count_orders(official) == 1


def test_credits__that_are_used_up__are_bought_again_until_the_budget_is(counter: Counter) -> None:
    market, signer = counter.market, counter.market.new_buyer()
    official = open_budget(counter, signer)
    market.chain.ask("anvil_setBalance", signer.address, hex(10**18))
    for number in (1, 2):
        assert wait_until(partial(has_ordered, official, number), 20)  # again after 202
        assert market.read_paid(signer) == number * PRICE
        burn_credits(market.connect(), signer, market.plan_id, CREDITS)
        assert wait_until(partial(has_nothing, counter, signer), 20)
    errors: list[BaseException | None] = []

    def is_refused() -> bool:
        try:
            official.ask("POST", "/ask")
        except REFUSED as error:
            errors.append(error.__cause__)
        return bool(errors)

    assert wait_until(is_refused, 20)
    assert isinstance(errors[0], BudgetUsedUp)
    assert market.read_paid(signer) == 2 * PRICE


def test_plan__that_costs_more_than_the_budget_allows__is_not_bought(counter: Counter) -> None:
    signer = counter.market.new_buyer()
    official = open_budget(counter, signer, max_cost=PRICE - 1)
    with pytest.raises(REFUSED, match="its credits are used up"):
        official.ask("POST", "/ask")
    assert (counter.market.read_paid(signer), count_orders(official)) == (0, 0)


def test_newcomer__without_a_budget__gets_the_answer_of_the_gateway(counter: Counter) -> None:
    signer = counter.market.new_buyer()
    official = open_budget(counter, signer, orders=0)
    answer = official.ask("POST", "/ask")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (402, "CreditsUsedUp")
    assert counter.market.read_paid(signer) == 0


@pytest.mark.parametrize("kind", BINDING)
def test_order_url__asked_by_the_plug_in__sells_the_plan(counter: Counter, kind: str) -> None:
    signer = counter.market.new_buyer()
    official = open_budget(counter, signer, kind)
    answer = official.send("POST", counter.order_url)
    assert (answer.status_code, answer.json()["state"]) == (200, "granted")
    assert (counter.market.read_credits(signer), counter.market.read_paid(signer)) == (CREDITS, PRICE)


def test_order__whose_answer_was_lost__is_sent_again_and_paid_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = counter.market.new_buyer()
    official = open_budget(counter, signer)
    real = requests.adapters.HTTPAdapter.send

    def lose(adapter: Any, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        answer = real(adapter, request, *args, **options)
        if "payment-signature" in request.headers:
            answer.close()
            raise requests.ConnectionError("the connection was lost")
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(requests.adapters.HTTPAdapter, "send", lose)
        with pytest.raises(REFUSED, match="the connection was lost"):
            official.send("POST", counter.order_url)
    assert counter.market.read_paid(signer) == PRICE
    answer = official.send("POST", counter.order_url)
    assert (answer.status_code, answer.json()["state"]) == (200, "granted")
    assert len({str(payment["payload"]["order"]) for payment in official.payments}) == 1
    assert (counter.market.read_paid(signer), count_orders(official)) == (PRICE, 1)


# ---------------------------------------------------------------------- stock exact


def build_exact(counter: Counter, signer: LocalAccount, client: Any) -> Any:
    """Register the official scheme ``exact``, with spend controls that allow TestUSDC."""
    network = f"eip155:{counter.market.chain.chain_id}"
    client.register(network, ExactEvmScheme(EthAccountSigner(signer)))
    return client.set_spend_controls({"allowed_assets": [{"network": network, "asset": counter.market.token}]})


def send_stock(counter: Counter, signer: LocalAccount, kind: str, url: str, body: bytes) -> Any:
    """Send a request by a stock wrapper that pays by ``exact``."""
    if kind == "requests":
        with x402_requests(build_exact(counter, signer, x402ClientSync())) as session:
            return session.post(url, data=body, timeout=60)

    async def send() -> Any:
        async with wrapHttpxWithPayment(build_exact(counter, signer, x402Client())) as client:
            return await client.post(url, content=body, timeout=60)

    return asyncio.run(send())


@pytest.mark.parametrize("kind", ["requests", "httpx"])
def test_stock_client__of_exact__pays_for_a_request_of_a_usage_plan(counter: Counter, kind: str) -> None:
    signer = counter.market.new_buyer()
    answer = send_stock(counter, signer, kind, f"{counter.service_url}/ask", b"tea?")
    assert answer.status_code == 200, answer.text
    told = read_header(answer, "payment-response")
    assert (told["success"], told["payer"]) == (True, signer.address)
    assert (counter.market.read_paid(signer), counter.upstream.seen[-1].body) == (PRICE, b"tea?")


@pytest.mark.parametrize("kind", ["requests", "httpx"])
def test_stock_client__of_exact__buys_a_plan_at_its_order_url(counter: Counter, kind: str) -> None:
    signer = counter.market.new_buyer()
    answer = send_stock(counter, signer, kind, counter.order_url, b"")
    assert (answer.status_code, answer.json()["state"]) == (200, "granted")
    assert (counter.market.read_credits(signer), counter.market.read_paid(signer)) == (CREDITS, PRICE)


# ---------------------------------------------------------------------- our client


def open_tokens(counter: Counter, signer: LocalAccount) -> TokenPayer:
    """Return a payer of TestUSDC."""
    chain_id = counter.market.chain.chain_id
    return TokenPayer(signer, [build_token_limit(chain_id, counter.market.token, per_request=PRICE, in_all=3 * PRICE)])


def test_our_client__pays_for_requests_of_a_usage_plan__and_is_served_after_a_failure_for_the_same_money(
    counter: Counter,
) -> None:
    signer = counter.market.new_buyer()
    session = mount(counter, open_tokens(counter, signer))
    answer = session.post(f"{counter.service_url}/ask", data=b"tea?", timeout=60)
    told = find_transfer(answer)
    assert told is not None
    assert (answer.status_code, told.success, counter.market.read_paid(signer)) == (200, True, PRICE)

    async def fail(upstream: object, scope: object, receive: object, send: object) -> None:
        await reply(send, b"no", 500)

    counter.upstream.answers["/ask"] = fail
    try:
        assert session.post(f"{counter.service_url}/ask", data=b"coffee?", timeout=60).status_code == 500
    finally:
        del counter.upstream.answers["/ask"]
    assert session.post(f"{counter.service_url}/ask", data=b"coffee?", timeout=60).status_code == 200
    assert counter.market.read_paid(signer) == 2 * PRICE


def test_buyer__with_credits_and_tokens__uses_credits_first_and_tokens_within_their_limits(counter: Counter) -> None:
    signer = counter.market.new_buyer()
    limits = build_limits(per_request=5, in_all=1_000)
    buyer = Buyer(counter.market.connect(), signer, limits, tokens=open_tokens(counter, signer))
    session = mount(counter, buyer)
    answer = session.post(f"{counter.service_url}/ask", data=b"1", timeout=60)  # no credits, so a transfer
    assert (answer.status_code, counter.market.read_paid(signer)) == (200, PRICE)
    order = requests.post(counter.order_url, headers=counter.pay_exact(signer, "POST", counter.order_url), timeout=90)
    assert (order.status_code, order.json()["state"]) == (200, "granted")
    assert wait_until(lambda: session.post(f"{counter.service_url}/ask", data=b"2", timeout=60).status_code == 200, 20)
    assert counter.market.read_paid(signer) == 2 * PRICE


def test_buyer__without_credits_beyond_its_token_limits__pays_nothing(counter: Counter) -> None:
    signer = counter.market.new_buyer()
    limit = build_token_limit(counter.market.chain.chain_id, counter.market.token, per_request=1, in_all=1)
    session = mount(counter, TokenPayer(signer, [limit]))
    with ThreadPoolExecutor(2) as pool, pytest.raises(PaymentNotAllowed):
        list(pool.map(lambda n: session.post(f"{counter.service_url}/ask", data=b"%d" % n, timeout=60), range(2)))
    assert counter.market.read_paid(signer) == 0


def test_buyer__with_a_budget__orders_the_plan_although_the_gateway_leaves_its_offer_out(counter: Counter) -> None:
    market, signer = counter.market, counter.market.new_buyer()
    market.chain.ask("anvil_setBalance", signer.address, hex(10**18))
    budgets = [build_budget(market.plan_id, orders=1, max_cost=PRICE)]
    limits = build_limits(per_request=5, in_all=1_000)
    buyer = Buyer(market.connect(), signer, limits, budgets=budgets, tokens=open_tokens(counter, signer))
    session = mount(counter, buyer)
    for number in range(2):
        assert session.post(f"{counter.service_url}/ask", data=b"%d" % number, timeout=60).status_code == 200
    assert (market.read_credits(signer), market.read_paid(signer)) == (CREDITS, PRICE)
