"""Ordinary requests of requests, against a real gateway: paid, corrected, refused, and never paid twice."""

import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.client.payment import find_payment
from nvm_chain.errors import BodyNotRepeatable, InvalidTarget, PaymentNotAllowed
from tests.client.clients import Client, find_port, open_client
from tests.gateway.serving import Upstream, reply
from tests.gateway.shop import Gate

Open = Callable[..., Client]


# ---------------------------------------------------------------------- paid


def test_request__of_a_new_client__is_refused_once_and_then_paid(client: Open, upstream: Upstream) -> None:
    buyer = client()
    before = len(upstream.seen)
    answer = buyer.ask("POST", "/ask?topic=tea", json={"q": 1})
    assert answer.status_code == 200, answer.text
    assert len(upstream.seen) == before + 1
    assert upstream.seen[-1].body == b'{"q": 1}'
    first, *others = buyer.sent
    assert "payment-signature" not in first.headers
    assert all("payment-signature" in request.headers for request in others)
    assert {request.body for request in buyer.sent} == {b'{"q": 1}'}
    payment = find_payment(answer)
    assert payment is not None
    assert (payment.was_charged, payment.credits, payment.plan_id) == (True, 2, buyer.gate.shop.credits_plan)
    assert payment.payer == buyer.buyer.signer.address


def test_request__of_a_service_that_is_known__is_paid_at_once(client: Open) -> None:
    buyer = client()
    buyer.ask("POST", "/ask", data=b"1")
    sent = len(buyer.sent)
    assert buyer.ask("GET", "/data/1").status_code == 200
    assert len(buyer.sent) == sent + 1


def test_ceiling__that_others_have_passed__is_corrected_once(client: Open) -> None:
    first, second = client(), client()
    for _ in range(3):
        assert first.ask("POST", "/ask", data=b"1").status_code == 200
    assert second.ask("POST", "/ask", data=b"1").status_code == 200
    low, right = second.vouchers()
    assert int(right["ceiling"]) > int(low["ceiling"])
    assert second.ask("POST", "/ask", data=b"2").status_code == 200
    assert int(second.vouchers()[-1]["ceiling"]) == int(right["ceiling"]) + 2


@pytest.mark.parametrize(
    "target",
    ["/ask?topic=tea%2fgreen&x=~", "/ask?q=a b|é", "/ask?q=%7Euser"],
    ids=["small letters in escapes", "not escaped", "escaped without need"],
)
def test_target__in_any_spelling__is_signed_as_it_is_sent(client: Open, upstream: Upstream, target: str) -> None:
    buyer = client()
    assert buyer.ask("POST", target, data=b"tea?").status_code == 200
    assert upstream.seen[-1].target == buyer.sent[-1].path_url.partition(buyer.gate.shop.did)[2]


def test_target__that_servers_read_differently__is_not_signed(client: Open) -> None:
    buyer = client()
    buyer.ask("POST", "/ask")
    sent = len(buyer.sent)
    with pytest.raises(InvalidTarget):
        buyer.ask("GET", "/data%2fx")
    assert len(buyer.sent) == sent


def test_open_endpoint__costs_nothing(client: Open) -> None:
    buyer = client()
    for _ in range(2):
        answer = buyer.ask("GET", "/about")
        assert (answer.status_code, find_payment(answer)) == (200, None)
        buyer.ask("POST", "/ask")


def test_request__with_a_credential_of_the_program__is_sent_as_it_is(client: Open) -> None:
    buyer = client()
    answer = buyer.ask("POST", "/ask", headers={"Authorization": "Bearer not-a-token"})
    assert (answer.status_code, len(buyer.sent)) == (400, 0)


# ---------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "make",
    [
        lambda: (piece for piece in (b"tea", b"?")),
        lambda: io.BytesIO(b"tea?"),
        lambda: "tea?",
        lambda: b"tea?",
        lambda: {"tea": "?"},
    ],
    ids=["generator", "file", "text", "bytes", "form"],
)
def test_body__of_any_kind__is_the_same_in_the_paid_request(
    client: Open, upstream: Upstream, make: Callable[[], Any]
) -> None:
    buyer = client()
    answer = buyer.ask("POST", "/ask", data=make())
    assert answer.status_code == 200, answer.text
    assert upstream.seen[-1].body == (b"tea=%3F" if isinstance(make(), dict) else b"tea?")


def test_body__read_once_and_too_long__is_refused_before_anything_is_sent(client: Open, upstream: Upstream) -> None:
    buyer = client(max_body=10)
    before = len(upstream.seen)
    for body in ((b"x" for _ in range(11)), io.BytesIO(b"x" * 11)):
        with pytest.raises(BodyNotRepeatable):
            buyer.ask("POST", "/ask", data=body)
    assert buyer.ask("POST", "/ask", data=(b"x" for _ in range(10))).status_code == 200
    assert (len(buyer.sent) >= 2, len(upstream.seen)) == (True, before + 1)


def test_body__that_is_long__is_paid_and_arrives_whole(client: Open, upstream: Upstream) -> None:
    buyer = client()
    assert buyer.ask("POST", "/ask", data=bytes(300_000)).status_code == 200
    assert upstream.seen[-1].body == bytes(300_000)


def test_answer__that_is_streamed__is_read_in_pieces(client: Open, upstream: Upstream) -> None:
    async def stream(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"one", b"two"):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    upstream.answers["/data/stream"] = stream
    with client().ask("GET", "/data/stream", stream=True) as answer:
        assert answer.status_code == 200
        assert b"".join(answer.iter_content(2)) == b"onetwo"


# ---------------------------------------------------------------------- not charged


@pytest.mark.parametrize("status", [404, 500])
def test_answer__that_is_not_charged__gives_its_ceiling_to_the_next_request(
    client: Open, upstream: Upstream, status: int
) -> None:
    async def fail(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"no", status)

    upstream.answers["/data/fails"] = fail
    buyer = client()
    buyer.ask("POST", "/ask")
    failed = buyer.ask("GET", "/data/fails")
    payment = find_payment(failed)
    assert (failed.status_code, payment and payment.was_charged) == (status, False)
    assert buyer.ask("POST", "/ask").status_code == 200
    assert buyer.vouchers()[-1]["ceiling"] == buyer.vouchers()[-2]["ceiling"]


def test_redirect__that_was_paid_for__is_given_to_the_program_and_not_followed(
    client: Open, upstream: Upstream
) -> None:
    async def lead(own: Upstream, scope: Any, receive: Any, send: Any) -> None:
        await reply(send, b"", 302, ((b"location", b"/data/there"),))

    upstream.answers["/data/moved"] = lead
    buyer = client()
    before = len(upstream.seen)
    answer = buyer.ask("GET", "/data/moved")
    assert (answer.status_code, answer.headers["Location"], answer.history) == (302, "/data/there", [])
    assert len(upstream.seen) == before + 1


# ---------------------------------------------------------------------- at the same time


def test_requests__of_eight_threads__are_all_served_and_charged_once(client: Open) -> None:
    buyer = client()
    buyer.ask("POST", "/ask", data=b"first")
    charged = wait_for_charges(buyer)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda n: [buyer.ask("POST", "/ask", data=b"%d" % n).status_code for _ in range(10)], range(8))
        )
    assert statuses == [[200] * 10] * 8
    assert wait_for_charges(buyer) == charged + 160
    highest = max(int(voucher["ceiling"]) for voucher in buyer.vouchers())
    assert highest == charged + 160
    assert buyer.buyer.ceilings.sum_signed() == highest


def test_requests__of_eight_threads_that_know_nothing_of_earlier_ones__are_all_served(client: Open) -> None:
    first, second = client(), client()
    for _ in range(3):
        assert first.ask("POST", "/ask").status_code == 200
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: second.ask("POST", "/ask", data=b"%d" % n).status_code, range(24)))
    assert answers == [200] * 24
    assert wait_for_charges(second) == 54
    assert second.buyer.ceilings.sum_signed() <= 54 + 32  # what is in flight counts twice in the worst case


def wait_for_charges(buyer: Client) -> int:
    """Return what was charged, once nothing is held any more."""
    told = buyer.account()
    for _ in range(200):
        if told["held"] == "0":
            break
        told = buyer.account()
    assert told["held"] == "0"
    return int(told["charged"])


def test_buyers__with_one_state_file__never_sign_the_same_ceiling(client: Open, tmp_path: Path) -> None:
    one, other = (client(state=tmp_path / "state.json") for _ in range(2))
    for _ in range(2):
        assert one.ask("POST", "/ask").status_code == 200
        assert other.ask("POST", "/ask").status_code == 200
    assert [int(v["ceiling"]) for v in one.vouchers()] == [2, 6]
    assert [int(v["ceiling"]) for v in other.vouchers()] == [4, 8]


PROGRAM = """
import sys
from pathlib import Path
from eth_account import Account
import nvm_chain as nvm
import requests
from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.requests_adapter import PayingAdapter

node, credits, agents, key, gateway, service, plan, state = sys.argv[1:]
chain = nvm.connect(node, credits=credits, agents=agents)
buyer = Buyer(chain, Account.from_key(key), build_limits(per_request=2, in_all=60, plans=[plan]), state=Path(state))
session = requests.Session()
session.mount(gateway, PayingAdapter(buyer, gateway))
sys.stdin.read(1)
print(*[session.post(f"{gateway}/services/{service}/ask", data=b"tea?", timeout=60).status_code for _ in range(10)])
"""


def test_processes__with_one_state_file__are_all_served_and_charged_once(
    client: Open, gate: Gate, tmp_path: Path
) -> None:
    shop, state = gate.shop, tmp_path / "state.json"
    arguments = [shop.url, shop.chain.credits.address, shop.chain.agents.address, f"0x{bytes(gate.buyer.key).hex()}"]
    arguments += [gate.url, shop.did, str(shop.credits_plan), str(state)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    told = [process.communicate("x", timeout=120)[0].split() for process in processes]
    assert told == [["200"] * 10] * 3
    buyer = client(state=state)
    assert wait_for_charges(buyer) == 60
    kept = buyer.buyer.ceilings.read(shop.credits_plan)
    assert kept is not None
    assert (kept.total, kept.signed) == (60, 60)
    with pytest.raises(PaymentNotAllowed):
        client(state=state, limits={"in_all": 61}).ask("POST", "/ask")
    assert client(state=state, limits={"in_all": 62}).ask("POST", "/ask").status_code == 200


# ---------------------------------------------------------------------- a host of its own


def test_service__on_a_host_of_its_own__is_paid_by_vouchers(
    gate: Gate, upstream: Upstream, upstream_url: str, tmp_path: Path
) -> None:
    port = find_port()
    with gate.shop.open(tmp_path, upstream_url, port=port, hosts=(f"127.0.0.1:{port}",)) as own:
        buyer = open_client(own)
        for number in range(2):
            answer = buyer.session.post(f"{own.url}/ask?n={number}", data=b"tea?", timeout=60)
            assert answer.status_code == 200, answer.text
        assert upstream.seen[-1].target == "/ask?n=1"
        assert len(buyer.sent) == 3
        buyer.session.close()
