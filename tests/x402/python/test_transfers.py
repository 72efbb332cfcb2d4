"""Our client pays the official FastAPI server: within limits, never twice for one request, and nothing follows a redirect."""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import requests
from fastapi.responses import JSONResponse

from nvm_chain.client.httpx_transports import AsyncPayingTransport, PayingTransport
from nvm_chain.client.payment import find_transfer
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.client.transfers.limits import build_token_limit
from nvm_chain.client.transfers.payer import LATE_SECONDS, TokenPayer
from nvm_chain.errors import BodyNotRepeatable, InvalidConfig, PaymentNotAllowed, PaymentUnsettled
from nvm_chain.x402.headers import write_header
from tests.x402.python.fastapi_shop import AMOUNT, Kiosk, run_kiosk

OTHER = "0x" + "11" * 20


@pytest.fixture(scope="module")
def open_kiosk() -> Iterator[Kiosk]:
    """An official server, for all tests of this file."""
    with run_kiosk() as kiosk:
        yield kiosk


class CountingAdapter(PayingAdapter):
    """An adapter that keeps every request as it goes out, and can lose answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start without requests."""
        super().__init__(*args, **kwargs)
        self.sent: list[requests.PreparedRequest] = []
        self.loses_answers = False

    def send_plain(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as it is, and keep it. If answers are lost, that of a paid request is read and thrown away."""
        self.sent.append(request)
        answer = super().send_plain(request, *args, **kwargs)
        if self.loses_answers and "payment-signature" in request.headers:
            answer.close()
            raise requests.ConnectionError("the connection was lost")
        return answer


class Customer:
    """An account with tokens, and a session that it pays for."""

    def __init__(self, kiosk: Kiosk, signer: Any = None, *, limits: Any = None, **changes: Any) -> None:
        """Mount an adapter in a new session."""
        self.kiosk, self.signer = kiosk, signer or kiosk.new_payer()
        self.payer = TokenPayer(self.signer, [make_limit(kiosk, **(limits or {}))], **changes)
        self.adapter = CountingAdapter(self.payer, kiosk.url)
        self.session = requests.Session()
        self.session.mount(f"{kiosk.url}/", self.adapter)
        kiosk.customers.append(self.session)
        self.before = kiosk.balance(self.signer)

    def ask(self, method: str = "GET", path: str = "/tea", **more: Any) -> requests.Response:
        """Send an ordinary request."""
        return self.session.request(method, self.kiosk.url + path, timeout=60, **more)

    @property
    def spent(self) -> int:
        """What was paid, by the chain."""
        return self.before - self.kiosk.balance(self.signer)

    @property
    def payments(self) -> list[str]:
        """The payments as they went out."""
        return [r.headers["payment-signature"] for r in self.adapter.sent if "payment-signature" in r.headers]


def make_limit(kiosk: Kiosk, **changes: Any) -> Any:
    """Return the limit of a customer."""
    limits = {"per_request": AMOUNT, "in_all": 5 * AMOUNT, **changes}
    return build_token_limit(limits.pop("chain_id", kiosk.chain.chain_id), limits.pop("token", kiosk.token), **limits)


@pytest.fixture
def kiosk(open_kiosk: Kiosk) -> Iterator[Kiosk]:
    """The server, without faults."""
    open_kiosk.seen.clear()
    yield open_kiosk
    open_kiosk.faults.clear()
    for session in open_kiosk.customers:
        session.close()
    open_kiosk.customers.clear()


# ---------------------------------------------------------------------- paid


def test_request__to_an_official_server__is_paid_by_a_transfer(kiosk: Kiosk) -> None:
    customer = Customer(kiosk)
    before = kiosk.balance(kiosk.payee)
    for _ in range(2):
        answer = customer.ask("POST", data=b"tea?")
        assert answer.status_code == 200, answer.text
    told = find_transfer(answer)
    assert told is not None
    assert (told.success, told.payer, told.network) == (True, customer.signer.address, f"eip155:{kiosk.chain.chain_id}")
    receipt = kiosk.chain.web3.eth.get_transaction_receipt(told.transaction)  # type: ignore[arg-type]
    assert receipt["status"] == 1
    assert (customer.spent, kiosk.balance(kiosk.payee) - before) == (2 * AMOUNT, 2 * AMOUNT)
    assert kiosk.seen == [b"tea?", b"tea?"]


def test_httpx__in_both_clients__pays_an_official_server(kiosk: Kiosk) -> None:
    customer = Customer(kiosk)
    with httpx.Client(transport=PayingTransport(customer.payer, kiosk.url)) as client:
        assert client.post(f"{kiosk.url}/tea", content=b"one").json()["path"] == "tea"

    async def ask() -> int:
        async with httpx.AsyncClient(transport=AsyncPayingTransport(customer.payer, kiosk.url)) as client:
            return (await client.post(f"{kiosk.url}/tea", content=b"two")).status_code

    assert anyio.run(ask) == 200
    assert (customer.spent, kiosk.seen) == (2 * AMOUNT, [b"one", b"two"])


def test_same_request__of_several_threads_at_once__is_paid_and_served_for_each(kiosk: Kiosk) -> None:
    customer = Customer(kiosk)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: customer.ask(), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (customer.spent, len(set(customer.payments))) == (4 * AMOUNT, 4)


# ---------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"per_request": AMOUNT - 1}, "it costs 10000 base units, and the limit for a request is 9999"),
        ({"payees": [OTHER]}, "the limit names other payees"),
        ({"token": OTHER}, "no limit is for the token"),
        ({"chain_id": 8453}, "no limit is for the token"),
        ({"in_all": AMOUNT - 1}, "0 base units are signed, 10000 more are wanted, and the limit in all is 9999"),
    ],
    ids=["amount", "payee", "token", "chain", "in all"],
)
def test_offer__beyond_a_limit__is_not_paid(kiosk: Kiosk, limits: dict[str, Any], reason: str) -> None:
    customer = Customer(kiosk, limits=limits)
    with pytest.raises(PaymentNotAllowed, match=reason):
        customer.ask()
    assert (customer.payments, customer.spent, kiosk.seen) == ([], 0, [])


def test_limit_in_all__counts_what_earlier_processes_signed(kiosk: Kiosk, tmp_path: Path) -> None:
    first = Customer(kiosk, limits={"in_all": 3 * AMOUNT}, state=tmp_path / "transfers.json")
    for path in ("/1", "/2"):
        assert first.ask(path=path).status_code == 200
    second = Customer(kiosk, first.signer, limits={"in_all": 3 * AMOUNT}, state=tmp_path / "transfers.json")
    assert second.ask(path="/3").status_code == 200
    with pytest.raises(PaymentNotAllowed, match="30000 base units are signed"):
        second.ask(path="/4")
    assert (tmp_path / "transfers.json").stat().st_mode & 0o077 == 0


def test_state_file__that_is_not_ours__is_refused(kiosk: Kiosk, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"version": 1, "transfers": {"0x": {"signed": 1}}}')
    with pytest.raises(InvalidConfig, match="this package did not write it"):
        Customer(kiosk, state=tmp_path / "other.json")


def test_session__of_a_payer_without_credits__is_told(kiosk: Kiosk) -> None:
    with pytest.raises(InvalidConfig, match="neither sessions nor allowances"):
        Customer(kiosk).adapter.open_session(f"{kiosk.url}/tea", limit=10)


# ---------------------------------------------------------------------- bodies and redirects


def test_body__that_is_read_once__is_the_same_in_the_paid_request(kiosk: Kiosk) -> None:
    customer = Customer(kiosk)
    assert customer.ask("POST", data=(piece for piece in (b"tea", b"?"))).status_code == 200
    assert customer.ask("POST", data=io.BytesIO(b"tea?")).status_code == 200
    assert (kiosk.seen, customer.spent) == ([b"tea?", b"tea?"], 2 * AMOUNT)


def test_body__read_once_and_too_long__is_refused_before_anything_is_sent(kiosk: Kiosk) -> None:
    customer = Customer(kiosk, max_body=3)
    with pytest.raises(BodyNotRepeatable):
        customer.ask("POST", data=(piece for piece in (b"tea", b"?")))
    assert (customer.adapter.sent, kiosk.seen) == ([], [])


def test_redirect__after_a_payment__is_the_answer_and_is_not_followed(kiosk: Kiosk) -> None:
    customer = Customer(kiosk)
    answer = customer.ask(path="/moved")
    assert (answer.status_code, answer.headers["location"]) == (307, "/elsewhere")
    assert (len(customer.payments), customer.spent) == (1, AMOUNT)


# ---------------------------------------------------------------------- outcomes that are not known


def answer_later() -> JSONResponse:
    """Return what a server says that has not finished."""
    return JSONResponse({}, 202, {"location": "/jobs/1"})


def fail() -> JSONResponse:
    """Return what a server says that fails after it was paid."""
    return JSONResponse({}, 500)


def raise_error() -> None:
    """Fail as a seller's own hook does."""
    raise RuntimeError("the shop has a fault")


@pytest.mark.parametrize(
    ("place", "fault", "status"),
    [("after /tea", fail, 500), ("after /tea", answer_later, 202), ("hook", raise_error, 402)],
    ids=["it fails after the payment", "it answers later", "it says unpaid after the payment"],
)
def test_request__whose_payment_moved_money_without_an_answer__is_not_paid_again(
    kiosk: Kiosk, place: str, fault: Callable[[], Any], status: int
) -> None:
    customer = Customer(kiosk)
    kiosk.faults[place] = fault
    assert customer.ask().status_code == status
    assert customer.spent == AMOUNT
    kiosk.faults.clear()
    for _ in range(2):
        with pytest.raises(PaymentUnsettled, match="was signed for it before") as caught:
            customer.ask()
        assert caught.value.nonce.startswith("0x")
    assert (customer.spent, len(set(customer.payments))) == (AMOUNT, 1)
    assert customer.ask(path="/coffee").status_code == 200


def test_request__whose_connection_was_lost__is_not_paid_again_by_another_process(kiosk: Kiosk, tmp_path: Path) -> None:
    customer = Customer(kiosk, state=tmp_path / "transfers.json")
    customer.adapter.loses_answers = True
    with pytest.raises(requests.ConnectionError):
        customer.ask("POST", data=b"tea?")
    assert customer.spent == AMOUNT
    again = Customer(kiosk, customer.signer, state=tmp_path / "transfers.json")
    with pytest.raises(PaymentUnsettled):
        again.ask("POST", data=b"tea?")
    assert (again.spent, again.payments) == (0, customer.payments)
    assert again.ask("POST", data=b"coffee?").status_code == 200


def test_answer_402_with_a_transaction__is_an_error_that_names_it(kiosk: Kiosk) -> None:
    transaction = "0x" + "ab" * 32
    told = {"success": False, "errorReason": "settlement_pending", "transaction": transaction, "network": "eip155:1"}
    kiosk.faults["before /tea"] = lambda: JSONResponse({}, 402, {"payment-response": write_header(told)})
    customer = Customer(kiosk)
    with pytest.raises(PaymentUnsettled, match=transaction) as caught:
        customer.ask()
    assert caught.value.transaction == transaction
    kiosk.faults.clear()
    assert customer.ask().status_code == 200  # the same transfer, which was not made so far
    assert (customer.spent, len(set(customer.payments))) == (AMOUNT, 1)


def test_payment__that_was_refused_before_it_was_made__is_sent_again_and_counts_once(kiosk: Kiosk) -> None:
    signer = kiosk.chain.web3.eth.account.create()
    customer = Customer(kiosk, signer, limits={"in_all": AMOUNT})
    assert customer.ask().status_code == 402
    kiosk.world.send(kiosk.world.builder, kiosk.world.usdc.functions.mint(signer.address, AMOUNT))
    assert customer.ask().status_code == 200
    assert (kiosk.balance(signer), len(set(customer.payments))) == (0, 1)


def test_request__after_the_end_of_an_unsettled_payment__is_paid_anew(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = Customer(kiosk)
    kiosk.faults["after /tea"] = fail
    customer.ask()
    kiosk.faults.clear()
    now = int(time.time()) + 60 + LATE_SECONDS + 1
    monkeypatch.setattr("nvm_chain.client.transfers.payer.time.time", lambda: now)
    assert customer.ask().status_code == 200
    assert customer.spent == 2 * AMOUNT


def test_requests__that_differ_in_one_part__are_paid_each(kiosk: Kiosk) -> None:
    customer = Customer(kiosk, limits={"in_all": 100 * AMOUNT})
    kiosk.faults["after /tea"] = fail
    asks: list[dict[str, Any]] = [
        {"method": "POST"},
        {"method": "POST", "data": b"1"},
        {"method": "GET"},
        {"method": "GET", "path": "/tea?q=1"},
        {"method": "GET", "headers": {"Idempotency-Key": "one"}},
    ]
    for ask in asks:
        assert customer.ask(**ask).status_code == 500
    assert customer.spent == len(asks) * AMOUNT
