"""The official Python client with the plug-in, against a real gateway: paid, bound, corrected, and within the limits."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import requests
from x402.http.clients.httpx import PaymentError as HttpxError
from x402.http.clients.requests import PaymentError as RequestsError

from nvm_chain.errors import BodyNotRepeatable, PaymentNotAllowed
from nvm_chain.meter.bindings import Level
from nvm_chain.x402.headers import write_header
from tests.client.clients import find_port
from tests.gateway.serving import Upstream, reply, served
from tests.gateway.shop import BALANCE, Gate, Shop
from tests.x402.python.officials import KINDS, Official, open_official, read_header

Open = Callable[..., Official]
BINDING = ("session", "client")
REFUSED = (HttpxError, RequestsError)


@pytest.mark.parametrize("kind", BINDING)
def test_request__of_the_official_client__is_paid_from_credits(official: Open, upstream: Upstream, kind: str) -> None:
    buyer = official(kind)
    for number in range(3):
        answer = buyer.ask("POST", f"/ask?topic={number}", data=b'{"q": 1}')
        assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].body == b'{"q": 1}'
    told = read_header(answer, "payment-response")
    assert (told["success"], told["amount"], told["payer"]) == (True, "2", buyer.buyer.signer.address)
    assert [int(voucher["ceiling"]) for voucher in buyer.vouchers()] == [2, 4, 6]
    binding = buyer.payments[-1]["payload"]["binding"]
    assert (binding["level"], binding["method"], binding["target"]) == ("full", "POST", "/ask?topic=2")
    assert binding["body"].startswith("sha-256:")
    buyer.gate.wait_for("charged", "6")


@pytest.mark.parametrize("kind", BINDING)
def test_ceiling__that_others_have_passed__is_corrected_once(official: Open, kind: str) -> None:
    first, second = official(kind), official(kind)
    for _ in range(3):
        assert first.ask("POST", "/ask", data=b"1").status_code == 200
    answer = second.ask("POST", "/ask", data=b"1")
    assert answer.status_code == 200, answer.text
    low, right = (int(voucher["ceiling"]) for voucher in second.vouchers())
    assert (low, right) == (2, 8)
    assert second.ask("POST", "/ask", data=b"2").status_code == 200
    assert [int(voucher["ceiling"]) for voucher in second.vouchers()] == [2, 8, 10]


@pytest.mark.parametrize("kind", ["stock session", "stock client"])
def test_stock_wrapper__where_the_gateway_wants_all_bound__is_told_what_to_use(official: Open, kind: str) -> None:
    buyer = official(kind)
    with pytest.raises(REFUSED, match="open_session") as caught:
        buyer.ask("POST", "/ask", data=b"1")
    assert isinstance(caught.value.__cause__, PaymentNotAllowed)
    assert buyer.payments == []


@pytest.mark.parametrize("kind", KINDS)
def test_plans_without_vouchers__are_used_by_a_sign_in_with_the_request(
    official: Open, gate: Gate, upstream: Upstream, kind: str
) -> None:
    plans = [gate.shop.time_plan, gate.shop.open_plan]
    buyer = official(kind, signer=gate.shop.buyers[0], limits={"plans": plans})
    for number in range(2):
        answer = buyer.ask("POST", f"/ask?{number}", data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].body == b"tea?"
        told = read_header(answer, "payment-response")
        assert int(told["extra"]["planId"]) in plans
        assert told["payer"] == buyer.buyer.signer.address
    assert buyer.payments == []


@pytest.mark.parametrize("kind", BINDING)
def test_sign_in__for_which_the_account_has_nothing__goes_on_to_credits(official: Open, gate: Gate, kind: str) -> None:
    buyer = official(kind, limits={"plans": []})  # credits on the plan of vouchers alone
    for number in range(2):
        answer = buyer.ask("POST", f"/ask?{number}", data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert int(read_header(answer, "payment-response")["extra"]["planId"]) == gate.shop.credits_plan
    assert len(buyer.payments) == 2


# ---------------------------------------------------------------------- stock wrappers


@pytest.fixture(scope="module")
def open_light_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway that takes payments which are bound to path and query alone."""
    port, folder = find_port(), tmp_path_factory.mktemp("light")
    with shop.open(folder, upstream_url, port=port, url=f"http://127.0.0.1:{port}", level=Level.RESOURCE) as gate:
        yield gate


@pytest.mark.parametrize("kind", KINDS)
def test_request__where_path_and_query_are_enough__is_paid_by_every_wrapper(
    open_light_gate: Gate, upstream: Upstream, kind: str
) -> None:
    gate = Gate(open_light_gate.shop, open_light_gate.url, open_light_gate.shop.new_buyer())
    gate.wait_for("available", str(BALANCE))
    buyer = open_official(gate, kind)
    for number in range(2):
        answer = buyer.ask("POST", f"/ask?topic={number}", data=b"tea?")
        assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].body == b"tea?"
    binding = buyer.payments[-1]["payload"]["binding"]
    assert (binding["level"], binding["target"]) == ("resource" if "stock" in kind else "full", "/ask?topic=1")
    assert [int(voucher["ceiling"]) for voucher in buyer.vouchers()] == [2, 4]
    buyer.close()


# ---------------------------------------------------------------------- others


@pytest.mark.parametrize("declares", [True, False], ids=["whole", "without extensions"])
@pytest.mark.parametrize("kind", KINDS)
def test_offer_of_a_gateway__from_another_server__is_not_paid(
    official: Open, gate: Gate, kind: str, declares: bool
) -> None:
    stolen = read_header(requests.post(gate.service_url + "/ask", timeout=60), "payment-required")
    required = write_header(stolen if declares else {**stolen, "extensions": {}})

    async def relay(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"{}", 402, ((b"payment-required", required.encode()),))

    thief = Upstream(answers={f"/services/{gate.shop.did}/ask": relay})
    buyer = official(kind)
    with served(thief) as url, pytest.raises(REFUSED) as caught:
        buyer.send("POST", f"{url}/services/{gate.shop.did}/ask")
    assert isinstance(caught.value.__cause__, PaymentNotAllowed)
    assert (buyer.payments, [seen.header("payment-signature") for seen in thief.seen]) == ([], [None])


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"per_request": 1}, "spend_controls"),
        ({"in_all": 1}, "0 credits are signed, 2 more are wanted, and the limit in all is 1"),
        ({"plans": [7]}, "its plan is not one of the plans of the limits"),
        ({"redeemers": ["0x" + "11" * 20]}, "its redeemer is not one of the redeemers of the limits"),
        ({"services": [7]}, "its service is not one of the services of the limits"),
    ],
    ids=["a request", "in all", "plans", "redeemers", "services"],
)
@pytest.mark.parametrize("kind", BINDING)
def test_offer__beyond_the_limits__is_not_paid(
    official: Open, upstream: Upstream, kind: str, limits: dict[str, Any], reason: str
) -> None:
    buyer, before = official(kind, limits=limits), len(upstream.seen)
    with pytest.raises(REFUSED, match=reason):
        buyer.ask("POST", "/ask", data=b"1")
    assert (buyer.payments, len(upstream.seen)) == ([], before)


@pytest.mark.parametrize("kind", BINDING)
def test_stock_client__without_spend_controls__refuses_credits(official: Open, kind: str) -> None:
    buyer = official(kind)
    buyer.paying.set_spend_controls({})
    with pytest.raises(REFUSED, match="rejected by spend_controls: only default assets"):
        buyer.ask("POST", "/ask")
    assert buyer.payments == []


# ---------------------------------------------------------------------- bodies, redirects, lost answers


@pytest.mark.parametrize(
    "make", [lambda: (piece for piece in (b"tea", b"?")), lambda: io.BytesIO(b"tea?")], ids=["generator", "file"]
)
def test_body__that_is_read_once__is_the_same_in_the_paid_request(
    official: Open, upstream: Upstream, make: Callable[[], Any]
) -> None:
    buyer = official("session")
    assert buyer.ask("POST", "/ask", data=make()).status_code == 200
    assert upstream.seen[-1].body == b"tea?"


def test_body_of_httpx__that_is_read_once__is_the_same_in_the_paid_request(official: Open, upstream: Upstream) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for piece in (b"tea", b"?"):
            yield piece

    buyer = official("client")
    assert buyer.ask("POST", "/ask", content=stream()).status_code == 200
    assert upstream.seen[-1].body == b"tea?"


@pytest.mark.parametrize("kind", BINDING)
def test_body__read_once_and_too_long__is_refused_before_anything_is_sent(
    official: Open, upstream: Upstream, kind: str
) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"tea?"

    buyer, before = official(kind, max_body=3), len(upstream.seen)
    body = {"data": iter([b"tea?"])} if kind == "session" else {"content": stream()}
    with pytest.raises(BodyNotRepeatable):
        buyer.ask("POST", "/ask", **body)
    assert (buyer.payments, len(upstream.seen)) == ([], before)


@pytest.mark.parametrize("kind", BINDING)
def test_redirect__of_a_paid_answer__is_not_followed(official: Open, upstream: Upstream, kind: str) -> None:
    async def move(upstream: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", 302, ((b"location", b"/elsewhere"),))

    upstream.answers["/data/moved"] = move
    buyer = official(kind)
    more = {"allow_redirects": True} if kind == "session" else {"follow_redirects": True}
    answer = buyer.ask("GET", "/data/moved", **more)
    assert (answer.status_code, len(buyer.payments)) == (302, 1)


@pytest.mark.parametrize("kind", BINDING)
def test_idempotency_key__of_the_program__is_in_the_binding(official: Open, kind: str) -> None:
    buyer = official(kind)
    for _ in range(2):
        answer = buyer.ask("POST", "/ask", data=b"1", headers={"Idempotency-Key": "key-0123456789abcdef"})
        assert answer.status_code == 200, answer.text
    assert buyer.payments[-1]["payload"]["binding"]["id"] == "key-0123456789abcdef"
    buyer.gate.wait_for("charged", "2")


class LosingTransport(httpx.AsyncHTTPTransport):
    """A connection that breaks before a paid request is sent."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send what is not paid for."""
        if "payment-signature" in request.headers:
            raise httpx.ConnectError("the connection was lost")
        return await super().handle_async_request(request)


def test_ceiling__of_a_request_without_an_answer__is_taken_back(official: Open) -> None:
    losing = official("client", options={"transport": LosingTransport()})
    for _ in range(3):
        with pytest.raises(HttpxError) as caught:
            losing.ask("POST", "/ask")
        assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert [int(voucher["ceiling"]) for voucher in losing.vouchers()] == [2, 2, 2]


def test_threads__that_share_a_session__sign_a_ceiling_each(official: Open) -> None:
    buyer = official("session")
    assert buyer.ask("POST", "/ask").status_code == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: buyer.ask("POST", "/ask", data=b"%d" % n), range(16)))
    assert [answer.status_code for answer in answers] == [200] * 16
    buyer.gate.wait_for("charged", "34")


def test_tasks__that_share_a_client__are_bound_each_to_its_own_request(official: Open) -> None:
    buyer = official("client")

    async def ask_all() -> list[Any]:
        urls = [f"{buyer.gate.service_url}/ask?n={n}" for n in range(16)]
        return await asyncio.gather(*(buyer.http.post(url, content=b"1", timeout=60) for url in urls))

    assert [answer.status_code for answer in buyer.runner.run(ask_all())] == [200] * 16
    targets = {payment["payload"]["binding"]["target"] for payment in buyer.payments}
    assert targets == {f"/ask?n={n}" for n in range(16)}
    buyer.gate.wait_for("charged", "32")


def test_refused_payments__leave_no_connection_open(official: Open) -> None:
    others = official("session")
    one = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1))
    buyer = official("client", options={"transport": one})
    for number in range(3):
        assert others.ask("POST", "/ask", data=b"%d" % number).status_code == 200
        answer = buyer.ask("POST", "/ask", data=b"%d" % number)  # corrected, by the only connection
        assert answer.status_code == 200, answer.text
    assert len(buyer.payments) > 3
