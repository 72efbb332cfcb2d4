"""The account page's questions: what is public, what a sign-in shows, and what nobody else can see or end."""

import asyncio
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.gateway.checkout.movement_words import PAGE
from nvm_chain.gateway.checkout.statements import Statements
from nvm_chain.gateway.pages.visitors import PREFIX, TOKEN_SECONDS, Visitors
from nvm_chain.meter.sign_in import build_sign_in
from tests.gateway.checkout.stall import Stall, Stand
from tests.gateway.checkout.test_pages import LINK, Reader

OWN_HOST = "coffee.example.com"
HUGE = str(2**256)


@dataclass
class Holder:
    """Somebody at the account page of a gateway, and what it asks."""

    stand: Stand
    account: LocalAccount
    token: str = ""
    host: str = ""

    @property
    def address(self) -> str:
        """The address."""
        return str(self.account.address)

    def ask(self, path: str, body: Any = None, *, token: str | None = None, **query: str) -> requests.Response:
        """Ask a question of the page."""
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        base = f"{self.stand.gate.url}/.well-known/nvm/checkout" if self.host else self.stand.url
        if self.host:
            headers["Host"] = self.host
        where = {"url": f"{base}/api/holder/{path}", "headers": headers, "timeout": 60}
        return requests.get(params=query, **where) if body is None else requests.post(json=body, **where)  # type: ignore[arg-type]

    def told(self, path: str, body: Any = None, **query: str) -> Any:
        """Return the answer to a question that is answered."""
        answer = self.ask(path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        """Return the status and the type of a question that is refused."""
        answer = self.ask(path, body, **query)
        return answer.status_code, answer.json()["nvm"]["type"]

    def challenge(self) -> str:
        """Return the message of a sign-in to the page."""
        return str(self.told("challenges", {"account": self.address})["message"])

    def sign(self, message: str) -> str:
        """Sign a message."""
        return f"0x{bytes(self.account.sign_message(encode_defunct(text=message)).signature).hex()}"

    def visit(self) -> "Holder":
        """Sign in to the page."""
        message = self.challenge()
        self.token = self.told("visits", {"message": message, "signature": self.sign(message)})["token"]
        return self

    def sign_session(self, **values: Any) -> dict[str, str]:
        """Sign a session or an allowance, and return what opens it."""
        ask = {
            "planId": self.stand.stall.did("paid"),
            "services": [self.stand.stall.agent],
            "limit": "9",
            "seconds": "3600",
            **values,
        }
        prepared = self.told("sessions", ask)
        signed = self.account.sign_message(encode_typed_data(full_message=json.loads(prepared["typedData"])))
        voucher = {**json.loads(prepared["voucher"]), "signature": f"0x{bytes(signed.signature).hex()}"}
        return {"terms": prepared["terms"], "voucher": json.dumps(voucher)}

    def open_session(self, **values: Any) -> str:
        """Open a session, and return its token."""
        return self.open("sessions", self.sign_session(**values))

    def open(self, path: str, body: Any) -> str:
        """Send what was signed, and return the token. The gateway may not have read the last blocks yet."""
        deadline = time.monotonic() + 60
        while True:
            answer = requests.post(f"{self.stand.gate.url}/{path}", json=body, timeout=60)
            if answer.status_code == 200:
                return str(answer.json()["token"])
            assert answer.json()["nvm"]["type"] in ("CreditsUsedUp", "WindowClosed"), answer.text
            assert time.monotonic() < deadline, answer.text

    def use(self, token: str) -> requests.Response:
        """Send a request to the service with a token."""
        url, headers = f"{self.stand.gate.service_url}/tea", {"Authorization": f"Bearer {token}"}
        return requests.get(url, headers=headers, timeout=60)

    def wait_for(self, plan: str, balance: str) -> Any:
        """Return the statement of a plan as soon as the index has the movement that left some credits."""
        deadline = time.monotonic() + 60
        while True:
            told = self.told("statement", account=self.address, plan=self.stand.stall.did(plan))
            if told["movements"] and told["movements"][0]["balance"] == balance:
                return told
            assert time.monotonic() < deadline, told

    def wait_until_counted(self, plan: str) -> None:
        """Wait until the gateway counts the credits of a plan, so that a session of it can be prepared."""
        ask = {"services": [self.stand.stall.agent], "limit": "1", "seconds": "3600"}
        deadline = time.monotonic() + 60
        while (answer := self.ask("sessions", {"planId": self.stand.stall.did(plan), **ask})).status_code != 200:
            assert answer.json()["nvm"]["type"] == "OrderNotCounted", answer.text
            assert time.monotonic() < deadline

    def plans(self, *names: str) -> dict[str, Any]:
        """Return the plans of the account, by their DIDs, as soon as the index has those with some names."""
        wanted = {self.stand.stall.did(name) for name in names}
        deadline = time.monotonic() + 60
        while True:
            found = {plan["planId"]: plan for plan in self.told("plans", account=self.address)["plans"]}
            if wanted <= found.keys():
                return found
            assert time.monotonic() < deadline, found


@pytest.fixture
def buyer(stall: Stall, stand: Stand) -> Holder:
    """Somebody who has bought credits and time, and has signed in to the page."""
    holder = Holder(stand, stall.new_account())
    for plan in ("paid", "time"):
        nvm.order_plan(stall.shop.chain, holder.account, stall.plans[plan])
    holder.plans("paid", "time")
    holder.visit().wait_until_counted("paid")
    return holder


@pytest.fixture
def stranger(stand: Stand) -> Holder:
    """Somebody who has nothing, and has signed in."""
    return Holder(stand, Account.create()).visit()


# ---------------------------------------------------------------------- the page


def test_page__of_accounts__is_the_same_for_everybody_and_within_the_policy(stand: Stand) -> None:
    answer = stand.page("account")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    for link in LINK.findall(answer.text):
        assert link.startswith(("assets/", "#", "data:,")), link
    scripts = [attrs["src"] for tag, attrs in Reader(answer.text).tags if tag == "script"]
    assert [str(name).partition(".")[0] for name in scripts] == ["assets/wallet", "assets/account"]
    for did in (stand.stall.did("paid"), stand.stall.agent):
        assert 'href="./account"' in stand.page(did).text


# ---------------------------------------------------------------------- what is public


def test_plans__of_an_account__have_what_it_has_and_nothing_that_is_not_sold_here(buyer: Holder, stall: Stall) -> None:
    nvm.order_plan(stall.shop.chain, buyer.account, stall.plans["unsold"])
    found = buyer.plans("paid", "time")
    paid, month = found[stall.did("paid")], found[stall.did("time")]
    assert (paid["name"], paid["has"], paid["isUsable"], paid["limit"]) == (
        "A hundred answers",
        "100 credits",
        True,
        "50",
    )
    assert paid["seller"] == stall.shop.builder.address
    assert month["has"].startswith("access until ")
    assert "limit" not in month
    assert [service["did"] for service in paid["services"]] == [stall.agent]
    assert stall.did("unsold") not in found
    assert Holder(buyer.stand, Account.create()).told("plans", account=Account.create().address)["plans"] == []


def test_statement__of_a_plan__is_that_of_the_program(buyer: Holder, stall: Stall) -> None:
    chain, plan = stall.shop.chain, stall.plans["paid"]
    nvm.mint_credits(chain, stall.shop.builder, plan, buyer.address, 5)
    nvm.burn_credits(chain, buyer.account, plan, 3)
    by_program = nvm.read_plan_statement(chain, plan).movements
    own = [movement for movement in by_program if movement.holder == buyer.address]
    told = buyer.wait_for("paid", "102")
    assert [each["what"] for each in told["movements"]] == ["Burned", "Grant without payment", "Order"]
    assert [each["credits"] for each in told["movements"]] == [f"{each.amount:+,}" for each in reversed(own)]
    assert [each["balance"] for each in told["movements"]] == ["102", "105", "100"]
    assert [each["price"] for each in told["movements"]] == ["", "", "20 USDC"]
    assert (told["unit"], told["more"]) == ("credits", None)
    assert told["movements"][0]["time"].endswith(" UTC")


def test_statement__with_many_movements__comes_in_parts_without_gaps(buyer: Holder, stall: Stall) -> None:
    chain, plan, did = stall.shop.chain, stall.plans["free"], stall.did("free")
    for _ in range(PAGE + 3):
        nvm.order_plan(chain, buyer.account, plan)
    first = buyer.wait_for("free", str(3 * (PAGE + 3)))
    second = buyer.told("statement", account=buyer.address, plan=did, before=first["more"])
    found = [*first["movements"], *second["movements"]]
    assert (len(first["movements"]), len(second["movements"]), second["more"]) == (PAGE, 3, None)
    assert [each["balance"] for each in found] == [str(3 * number) for number in range(PAGE + 3, 0, -1)]
    assert all(each["price"] == "free" for each in found)


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"account": "0x12"}, 400, "InvalidAddress"),
        ({"plan": "did:nv:" + "ab" * 32}, 404, "PlanNotSold"),
        ({"plan": "tea"}, 400, "InvalidPlanId"),
        ({"before": "-1"}, 400, "InvalidMessage"),
        ({"before": "9" * 100}, 400, "InvalidMessage"),
        ({"before": "x"}, 400, "InvalidMessage"),
    ],
)
def test_statement__that_cannot_be_read__says_why(stand: Stand, query: dict[str, str], status: int, kind: str) -> None:
    holder = Holder(stand, Account.create())
    values = {"account": holder.address, "plan": stand.stall.did("paid"), **query}
    assert holder.refused("statement", **values) == (status, kind)


def test_statement__from_a_place_beyond_its_end__begins_at_the_newest(buyer: Holder, stall: Stall) -> None:
    buyer.wait_for("paid", "100")
    told = buyer.told("statement", account=buyer.address, plan=stall.did("paid"), before="9" * 78)
    assert len(told["movements"]) == 1
    assert buyer.told("statement", account=buyer.address, plan=stall.did("paid"), before="0")["movements"] == []


def test_statements__of_an_account_with_too_many_movements__are_not_read(
    buyer: Holder, stall: Stall, tmp_path: Path
) -> None:
    chain, path = stall.shop.connect(), tmp_path / "index.db"
    index = nvm.open_index(path, chain_id=chain.chain_id, credits=chain.credits.address, create=True)
    nvm.Follower(chain, index).sync()
    index.close()

    async def read(most: int) -> Any:
        statements = Statements(lambda: nvm.open_index(path, chain_id=chain.chain_id), most)
        try:
            return await statements.read(buyer.account.address)
        finally:
            statements.close()

    assert asyncio.run(read(1)).by_plan is None
    found = asyncio.run(read(5))
    assert len(found.by_plan[stall.plans["paid"]]) == 1


# ---------------------------------------------------------------------- who it is


def test_visit__to_the_page__is_no_session_and_pays_for_nothing(buyer: Holder) -> None:
    assert buyer.token.startswith(PREFIX)
    gate, headers = buyer.stand.gate, {"Authorization": f"Bearer {buyer.token}"}
    for method, path in (("GET", "/account"), ("DELETE", "/sessions"), ("GET", "/metrics"), ("GET", "/receipts/00")):
        assert requests.request(method, f"{gate.url}{path}", headers=headers, timeout=60).status_code in (400, 401, 402)
    assert buyer.use(buyer.token).status_code in (400, 402)


def test_visit__with_a_message_for_something_else__is_refused(buyer: Holder, stall: Stall) -> None:
    gate = buyer.stand.gate
    told = requests.get(f"{gate.url}/sign-in", timeout=60).json()
    where = {"origin": told["origin"], "chain_id": told["chainId"], "nonce": told["nonce"], "now": told["issuedAt"]}
    to_service = build_sign_in(buyer.address, service=stall.agent, **where).text
    body = {"message": to_service, "signature": buyer.sign(to_service)}
    assert buyer.ask("visits", body).json()["nvm"]["type"] == "SignInMismatch"
    to_page = buyer.challenge()
    answer = requests.post(
        f"{gate.url}/sign-in", json={"message": to_page, "signature": buyer.sign(to_page)}, timeout=60
    )
    assert answer.json()["nvm"]["type"] == "SignInMismatch"
    body = {"message": to_page, "signature": buyer.sign(to_page)}
    assert buyer.ask("visits", body).status_code == 200
    assert buyer.ask("visits", body).json()["nvm"]["type"] == "NonceNotAccepted"


def test_visit__signed_by_another_account__is_refused(buyer: Holder, stranger: Holder) -> None:
    message = buyer.challenge()
    body = {"message": message, "signature": stranger.sign(message)}
    assert stranger.ask("visits", body).json()["nvm"]["type"] == "SignInSignatureInvalid"
    assert stranger.refused("visits", {"message": message, "signature": "zz"})[1] == "InvalidMessage"
    assert stranger.refused("visits", {"message": message, "signature": ""})[1] == "SignInSignatureInvalid"


@pytest.mark.parametrize("path", ["books", "sessions", "sign-ins", "ends"])
def test_question__without_a_token_of_the_page__is_refused(buyer: Holder, path: str) -> None:
    body: Any = None if path == "books" else {}
    session = buyer.open_session()
    raw = urlsafe_b64decode(buyer.token.removeprefix(PREFIX))
    address, rest = bytes.fromhex(Account.create().address[2:]), raw[20:]
    forged = [
        "",
        session,
        buyer.token[:-1],
        buyer.token + "A",
        buyer.token.removeprefix(PREFIX),
        PREFIX + urlsafe_b64encode(address + rest).decode(),
        PREFIX + urlsafe_b64encode(raw[:20] + (2**40 - 1).to_bytes(5) + raw[25:]).decode(),
        PREFIX + urlsafe_b64encode(secrets.token_bytes(len(raw))).decode(),
        PREFIX + "=" * 76,
    ]
    for token in forged:
        answer = buyer.ask(path, body, token=token)
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (401, "VisitorUnknown"), token


def test_token__after_its_hour_or_of_another_key__is_nobodys() -> None:
    class Writer:
        now = 1_800_000_000

    class Meter:
        writer = Writer()

    account = Account.create().address
    meter: Any = Meter()
    visitors = Visitors(meter, b"k" * 32, base="http://127.0.0.1")
    token = visitors._write(account, None)
    for now, found in ((0, account), (TOKEN_SECONDS, account), (TOKEN_SECONDS + 1, None)):
        Writer.now = 1_800_000_000 + now
        assert visitors.find(token) == found
    Writer.now = 1_800_000_000
    assert Visitors(meter, b"l" * 32, base="http://127.0.0.1").find(token) is None


# ---------------------------------------------------------------------- what is open


def test_session__with_all_limits__is_listed_in_words_and_ended_at_once(buyer: Holder, stall: Stall) -> None:
    values = {"perRequest": "2", "perPeriod": "5", "periodSeconds": "3600", "seconds": "86400"}
    token = buyer.open_session(**values)
    assert buyer.use(token).status_code == 200
    deadline = time.monotonic() + 60
    while (told := buyer.told("books"))["plans"] == [] or told["open"][0]["terms"][0].endswith("0 credits are used."):
        assert time.monotonic() < deadline  # charges ride in a later group of writes
    (opened,) = told["open"]
    assert opened["kind"] == "session"
    assert opened["services"] == ["Tea <b>answers</b>"]
    assert opened["terms"][0] == "At most 9 credits in all. 1 credit is used."
    assert opened["terms"][1] == "Each request costs at most 2 credits."
    assert opened["terms"][2].startswith("At most 5 credits in each period of 1 hour. The present one ends on ")
    assert opened["terms"][-1].startswith("It ends on ")
    (owed,) = told["plans"]
    assert (owed["planId"], owed["owed"], owed["held"]) == (stall.did("paid"), "1", "0")
    assert owed["words"].startswith("1 credit is charged")
    assert buyer.told("ends", {"id": opened["id"]}) == {"ended": opened["id"]}
    assert buyer.told("books")["open"] == []
    assert buyer.use(token).json()["nvm"]["type"] == "AuthorityRevoked"


def test_session__of_another_account__is_neither_seen_nor_ended(buyer: Holder, stranger: Holder) -> None:
    token = buyer.open_session()
    (opened,) = buyer.told("books")["open"]
    assert stranger.told("books") == {"plans": [], "open": []}
    for name in (opened["id"], "ab" * 32, "", "00"):
        assert stranger.refused("ends", {"id": name})[1] == "AuthorityUnknown"
    assert stranger.refused("ends", {"id": "xyz"})[1] == "InvalidMessage"
    assert buyer.use(token).status_code == 200


def test_session__of_a_holder_with_unsettled_credits__has_them_in_its_ceiling(buyer: Holder) -> None:
    first = buyer.open_session(limit="4")
    for _ in range(4):
        assert buyer.use(first).status_code == 200
    deadline = time.monotonic() + 60
    while buyer.told("books")["plans"] != [] and buyer.told("books")["plans"][0]["owed"] != "4":
        assert time.monotonic() < deadline
    second = buyer.open_session(limit="6")
    assert [buyer.use(second).status_code for _ in range(7)] == [200] * 6 + [402]


def test_sign_in__for_a_time_plan__gives_a_token_that_is_listed_and_ended(buyer: Holder, stall: Stall) -> None:
    ask = {"planId": stall.did("time"), "service": stall.agent}
    prepared = buyer.told("sign-ins", ask)
    body = {**prepared, "signature": buyer.sign(prepared["message"])}
    token = buyer.open("sign-in", body)
    assert buyer.use(token).status_code == 200
    (opened,) = buyer.told("books")["open"]
    assert (opened["kind"], opened["planId"]) == ("sign-in", stall.did("time"))
    buyer.told("ends", {"id": opened["id"]})
    assert buyer.use(token).status_code == 402
    assert buyer.refused("sign-ins", {**ask, "planId": stall.did("paid")})[1] == "PlanNotAccepted"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"limit": "0"}, "InvalidAmount"),
        ({"limit": "-1"}, "InvalidMessage"),
        ({"limit": HUGE}, "InvalidAmount"),
        ({"limit": str(2**63)}, "InvalidAmount"),
        ({"limit": "9" * 79}, "InvalidMessage"),
        ({"limit": "1e3"}, "InvalidMessage"),
        ({"seconds": "1"}, "InvalidMessage"),
        ({"seconds": HUGE}, "InvalidMessage"),
        ({"perRequest": "0"}, "InvalidAmount"),
        ({"perRequest": HUGE}, "InvalidAmount"),
        ({"perPeriod": "5", "periodSeconds": "7"}, "InvalidMessage"),
        ({"perPeriod": "5"}, "InvalidMessage"),
        ({"user": "<script>"}, "InvalidAddress"),
        ({"user": "0x" + "00" * 20}, "InvalidAddress"),
        ({"services": []}, "InvalidMessage"),
        ({"services": ["did:nv:" + "ab" * 32]}, "PlanNotAccepted"),
        ({"services": ["tea"]}, "InvalidAgentId"),
        ({"planId": "did:nv:" + "ab" * 32}, "PlanNotAccepted"),
        ({"holder": "0x" + "11" * 20}, "InvalidMessage"),
    ],
)
def test_session__of_what_terms_cannot_have__is_refused(
    buyer: Holder, stall: Stall, values: dict[str, Any], kind: str
) -> None:
    ask = {"planId": stall.did("paid"), "services": [stall.agent], "limit": "9", "seconds": "3600", **values}
    status, found = buyer.refused("sessions", ask)
    assert (400 <= status < 500, found) == (True, kind)


def test_session__of_a_plan_that_needs_none__is_refused(buyer: Holder, stall: Stall) -> None:
    for plan in ("time", "hostile"):
        ask = {"planId": stall.did(plan), "services": [stall.agent], "limit": "9", "seconds": "3600"}
        assert buyer.refused("sessions", ask)[1] == "PlanNotAccepted"


# ---------------------------------------------------------------------- the host of a service


def test_own_host__of_a_service__shows_its_plans_and_takes_no_other_token(
    buyer: Holder, stall: Stall, stand: Stand
) -> None:
    token = buyer.open_session()
    (opened,) = buyer.told("books")["open"]
    nvm.order_plan(stall.shop.chain, buyer.account, stall.plans["free"])
    buyer.plans("free")
    own = Holder(stand, buyer.account, host=OWN_HOST)
    assert [*own.plans("free")] == [stall.did("free")]
    assert own.refused("statement", account=own.address, plan=stall.did("paid")) == (404, "PlanNotSold")
    assert f"http://{OWN_HOST} wants you to sign in" in own.challenge()
    own.visit()
    assert own.told("books") == {"plans": [], "open": []}
    assert own.refused("ends", {"id": opened["id"]})[1] == "AuthorityUnknown"
    assert own.ask("books", token=buyer.token).status_code == 401
    assert buyer.ask("books", token=own.token).status_code == 401
    message = own.challenge()
    assert buyer.refused("visits", {"message": message, "signature": own.sign(message)})[1] == "SignInMismatch"
    assert buyer.use(token).status_code == 200


# ---------------------------------------------------------------------- nothing of it in logs


def test_tokens__and_signatures__are_in_no_log(
    buyer: Holder, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(0):
        message = buyer.challenge()
        signature = buyer.sign(message)
        buyer.ask("visits", {"message": message, "signature": signature})
        buyer.ask("visits", {"message": message, "signature": signature})
        session = buyer.open_session()
        buyer.ask("ends", {"id": "ab" * 32})
        buyer.told("books")
    out = capfd.readouterr()
    text = caplog.text + out.out + out.err
    for secret in (buyer.token, signature, signature[2:], session):
        assert secret not in text
