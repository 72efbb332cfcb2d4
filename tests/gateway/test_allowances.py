"""Allowances over HTTP: somebody else uses the credits of a holder, proves itself for it, and can be stopped."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.httpx_transports import AsyncPayingTransport, PayingTransport
from nvm_chain.client.limits import build_limits
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.errors import GatewayRefused, InvalidMessage, PaymentNotAllowed, VoucherMismatch
from nvm_chain.meter.proofs import Proof, build_revocation_proof, build_use_proof
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.meter.sign_in import build_sign_in
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.signing.vouchers import VoucherVerifier
from nvm_chain.types.ids import format_did
from nvm_chain.x402.payments import write_payment
from tests.client.clients import Client, find_port, open_client
from tests.gateway.shop import BALANCE, Gate, Shop
from tests.gateway.test_schema import check, find_operation
from tests.gateway.test_serving import read_header

HOUR = 3_600


@pytest.fixture(scope="module")
def open_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway whose settings have its address."""
    port = find_port()
    with shop.open(tmp_path_factory.mktemp("gateway"), upstream_url, port=port, url=f"http://127.0.0.1:{port}") as gate:
        yield gate


@pytest.fixture
def gate(open_gate: Gate) -> Gate:
    """The gateway, for a buyer of this test's own."""
    gate = Gate(open_gate.shop, open_gate.url, open_gate.shop.new_buyer())
    gate.wait_for("available", str(BALANCE))
    return gate


@dataclass
class Granted:
    """An allowance of a holder for a user, and what a gateway is told with it."""

    gate: Gate
    user: LocalAccount
    allowance: Allowance

    @property
    def digest(self) -> bytes:
        """The id of the authority."""
        chain = self.gate.shop.chain
        return VoucherVerifier(chain.chain_id, chain.credits.address).hash(self.allowance.signed.voucher)

    def challenge(self) -> dict[str, Any]:
        """Ask the gateway for a nonce."""
        told: dict[str, Any] = requests.get(f"{self.gate.url}/sign-in", timeout=60).json()
        return told

    def write(self, proof: Proof | None = None, **changes: Any) -> str:
        """Return the message of a proof."""
        told = self.challenge() | changes.pop("told", {})
        proof = proof or build_use_proof(self.allowance.terms, self.digest)
        where = {"origin": told["origin"], "service": self.gate.shop.did, **changes}
        return proof.write(chain_id=told["chainId"], nonce=told["nonce"], now=told["issuedAt"], **where)

    def build(
        self, message: str | None = None, *, signer: LocalAccount | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Return the body of the request that opens the allowance."""
        text = self.write() if message is None else message
        signature = (signer or self.user).sign_message(encode_defunct(text=text)).signature.hex()
        known = {
            "terms": self.allowance.terms.text,
            "voucher": self.allowance.signed.to_json(),
            "message": text,
            "signature": signature,
        }
        return known | changes

    def open(self, body: dict[str, Any] | None = None) -> requests.Response:
        """Open the allowance."""
        return requests.post(f"{self.gate.url}/sessions", json=body or self.build(), timeout=60)

    def revoke(self, body: dict[str, Any]) -> requests.Response:
        """Revoke the allowance for its holder."""
        return requests.post(f"{self.gate.url}/sessions/revoke", json=body, timeout=60)

    def build_revocation(self, signer: LocalAccount) -> dict[str, Any]:
        """Return the body of the request that revokes it."""
        return self.build(self.write(build_revocation_proof(self.allowance.terms, self.digest)), signer=signer)


def grant(gate: Gate, limit: int = 10, **changes: Any) -> Granted:
    """Sign an allowance of the gate's buyer for a new account."""
    user = changes.pop("for_user", None) or Account.create()
    seconds = changes.pop("seconds", HOUR)
    terms = build_session_terms(
        gate.shop.credits_plan,
        **{
            "holder": gate.buyer.address,
            "user": user.address,
            "limit": limit,
            "end": int(time.time()) + seconds,
            "services": (gate.shop.did,),
            **changes,
        },
    )
    signed = gate.sign(limit, terms, seconds=seconds + 60)  # type: ignore[arg-type]  # it has a context
    return Granted(gate, user, Allowance(terms, signed))


def read_type(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the type of an error."""
    told = answer.json()
    assert isinstance(told["error"], str), told
    return answer.status_code, told["nvm"]["type"]


def ask(gate: Gate, token: str) -> requests.Response:
    """Send a request with a token."""
    return gate.ask("POST", "/ask", {"Authorization": f"Bearer {token}"}, data=b"tea?")


# ---------------------------------------------------------------------- use


def test_allowance__opened_by_its_user__is_charged_to_the_holder(gate: Gate) -> None:
    granted = grant(gate)
    opened = granted.open()
    assert opened.status_code == 200, opened.text
    token = opened.json()["token"]
    assert opened.json()["holder"] == gate.buyer.address
    assert [ask(gate, token).status_code for _ in range(3)] == [200] * 3
    gate.wait_for("charged", "6")


def test_allowance__of_some_credits__ends_with_them(gate: Gate) -> None:
    token = grant(gate, limit=4).open().json()["token"]
    answers = [ask(gate, token) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 402]
    assert read_type(answers[-1])[1] == "LimitReached"


def test_allowance__refreshed_by_its_user__shares_one_limit(gate: Gate) -> None:
    granted = grant(gate, limit=4)
    tokens = [granted.open().json()["token"] for _ in range(2)]
    assert len(set(tokens)) == 2
    assert [ask(gate, token).status_code for token in tokens] == [200, 200]
    assert ask(gate, tokens[0]).status_code == 402


def test_token_of_an_allowance__after_its_time__wants_a_new_proof(shop: Shop, upstream_url: str, tmp_path: Any) -> None:
    """A token that somebody stole is worth little, because the user has to prove itself again."""
    with shop.open(tmp_path, upstream_url, url="http://127.0.0.1", sign_in_seconds=1) as opened:
        opened.wait_for("available", str(BALANCE))
        granted = grant(opened, limit=900)
        first = granted.open().json()
        assert first["end"] <= time.time() + 2
        pause = Event()
        while ask(opened, first["token"]).status_code == 200:
            assert time.time() < first["end"] + 60
            pause.wait(0.05)  # a fast machine would use up the credits before
        assert read_type(ask(opened, first["token"])) == (402, "AuthorityUnknown")
        assert ask(opened, granted.open().json()["token"]).status_code == 200


# ---------------------------------------------------------------------- what the user sees


def read(gate: Gate, path: str, headers: dict[str, str]) -> requests.Response:
    """Read something of the gateway's own."""
    return requests.get(gate.url + path, headers=headers, timeout=60)


def read_hold(answer: requests.Response) -> str:
    """Return the id of the hold of a request."""
    assert answer.status_code == 200, answer.text
    return str(read_header(answer, "PAYMENT-RESPONSE")["extra"]["hold"])


def test_account__asked_for_with_the_token_of_an_allowance__is_the_allowance(gate: Gate) -> None:
    for _ in range(2):
        assert gate.paid("POST", "/ask", b"tea?").status_code == 200
    granted = grant(gate, limit=10)
    mine = {"Authorization": f"Bearer {granted.open().json()['token']}"}
    for spent in ("0", "2"):
        gate.wait_for("charged", str(4 + int(spent)))
        answer = read(gate, "/account", mine)
        assert answer.json() == {
            "planId": str(gate.shop.credits_plan),
            "holder": gate.buyer.address,
            "user": granted.user.address,
            "limit": "10",
            "spent": spent,
            "held": "0",
            "end": granted.allowance.terms.end,
        }
        check(answer, find_operation("GET", "/account"))
        assert gate.ask("POST", "/ask", mine, data=b"tea?").status_code == 200


def test_receipt__of_another_request_of_the_holder__is_not_given_to_the_user_of_an_allowance(gate: Gate) -> None:
    holds = [read_hold(gate.paid("POST", "/ask", b"tea?"))]
    mine, other = ({"Authorization": f"Bearer {grant(gate).open().json()['token']}"} for _ in range(2))
    holds.append(read_hold(gate.ask("POST", "/ask", other, data=b"tea?")))
    own = read_hold(gate.ask("POST", "/ask", mine, data=b"tea?"))
    gate.wait_for("charged", "6")
    for hold in holds:
        answer = read(gate, f"/receipts/{hold}", mine)
        assert read_type(answer) == (400, "ReceiptUnavailable")
        assert "not a request of this account" in answer.text
    assert "came without a binding" in read(gate, f"/receipts/{own}", mine).text
    assert read(gate, f"/receipts/{holds[0]}", gate.token(0, ceiling=gate.ceiling)).status_code == 200


def test_voucher_of_an_allowance__at_the_account_of_the_holder__proves_nothing(gate: Gate) -> None:
    """The user of an allowance has the voucher too."""
    hold = read_hold(gate.paid("POST", "/ask", b"tea?"))
    signed = grant(gate).allowance.signed
    offer = {"scheme": "nvm-credits", "network": f"eip155:{gate.shop.chain.chain_id}"}
    foreign = gate.bind("GET", "/account")
    for headers in (
        {"Authorization": f"Bearer {format_service_token(signed)}"},
        {"PAYMENT-SIGNATURE": write_payment(offer, signed, None, None)},
        {"PAYMENT-SIGNATURE": write_payment(offer, signed, foreign, None)},
    ):
        for path in ("/account", f"/receipts/{hold}"):
            answer = read(gate, path, headers)
            assert read_type(answer) == (402, "VoucherMismatch")
            check(answer, find_operation("GET", path if path == "/account" else "/receipts/{id}"))
    assert read(gate, "/account", gate.pay("GET", "/account", cost=1)).status_code == 200


# ---------------------------------------------------------------------- attacks


def test_allowance__without_a_proof__is_refused(gate: Gate) -> None:
    granted = grant(gate)
    for name in ("message", "signature"):
        body = granted.build()
        del body[name]
        assert read_type(granted.open(body)) == (400, "InvalidMessage")


def test_allowance__with_the_proof_of_another_key__is_refused(gate: Gate) -> None:
    granted = grant(gate)
    assert read_type(granted.open(granted.build(signer=Account.create()))) == (402, "SignInSignatureInvalid")
    assert read_type(granted.open(granted.build(signer=gate.buyer))) == (402, "SignInSignatureInvalid")


def test_allowance__with_a_message_of_another_account__is_refused(gate: Gate) -> None:
    granted, thief = grant(gate), Account.create()
    proof = replace(build_use_proof(granted.allowance.terms, granted.digest), account=thief.address)
    body = granted.build(granted.write(proof), signer=thief)
    assert read_type(granted.open(body)) == (402, "SignInMismatch")


def test_allowance__with_a_proof_that_was_used__is_refused(gate: Gate) -> None:
    granted = grant(gate)
    body = granted.build()
    assert granted.open(body).status_code == 200
    assert read_type(granted.open(body)) == (402, "NonceNotAccepted")


def test_allowance__with_the_proof_for_another_allowance__is_refused(gate: Gate) -> None:
    user = Account.create()
    small, large = grant(gate, limit=2, for_user=user), grant(gate, limit=1_000, for_user=user)
    body = large.build(small.write())
    assert read_type(large.open(body)) == (402, "SignInMismatch")


def test_allowance__with_a_proof_at_another_service__is_refused(gate: Gate) -> None:
    """S6."""
    granted = grant(gate)
    other = granted.build(granted.write(service=format_did(10**9)))
    assert read_type(granted.open(other))[0] == 402


def test_allowance__with_a_proof_for_another_server__is_refused(gate: Gate) -> None:
    granted = grant(gate)
    for origin in ("https://evil.example.com", gate.url.replace("http:", "https:")):
        assert read_type(granted.open(granted.build(granted.write(origin=origin)))) == (402, "SignInMismatch")


def test_allowance__with_a_nonce_of_somebody_else__is_refused(gate: Gate) -> None:
    granted = grant(gate)
    body = granted.build(granted.write(told={"nonce": "a1" * 32}))
    assert read_type(granted.open(body)) == (402, "NonceNotAccepted")


def test_allowance__with_a_sign_in_of_its_user__is_refused(gate: Gate) -> None:
    """A user that signs in somewhere gives nobody an allowance."""
    granted, told = grant(gate), requests.get(f"{gate.url}/sign-in", timeout=60).json()
    message = build_sign_in(
        granted.user.address,
        origin=told["origin"],
        service=gate.shop.did,
        chain_id=told["chainId"],
        nonce=told["nonce"],
        now=told["issuedAt"],
    )
    assert read_type(granted.open(granted.build(message.text))) == (402, "SignInMismatch")


def test_sign_in__with_the_proof_of_an_allowance__is_refused(gate: Gate) -> None:
    holder = gate.shop.buyers[0]
    granted = grant(Gate(gate.shop, gate.url, holder), for_user=gate.shop.buyers[1])
    text = granted.write()
    signature = granted.user.sign_message(encode_defunct(text=text)).signature.hex()
    body = {"message": text, "signature": signature, "planId": str(gate.shop.time_plan)}
    answer = requests.post(f"{gate.url}/sign-in", json=body, timeout=60)
    assert read_type(answer) == (402, "SignInMismatch")


@pytest.mark.parametrize("was", ["at most 10\n", "Used by: 0x"])
def test_allowance__whose_terms_were_changed__is_refused(gate: Gate, was: str) -> None:
    """The terms are what the holder has signed."""
    granted, thief = grant(gate), Account.create()
    changed = build_session_terms(
        gate.shop.credits_plan,
        holder=gate.buyer.address,
        user=thief.address if was.startswith("Used") else granted.user.address,
        limit=10 if was.startswith("Used") else 99,
        end=granted.allowance.terms.end,
        services=(gate.shop.did,),
    )
    forged = Granted(gate, thief if was.startswith("Used") else granted.user, replace(granted.allowance, terms=changed))
    assert read_type(forged.open()) == (402, "VoucherMismatch")


def test_allowance__that_the_holder_did_not_sign__is_refused(gate: Gate) -> None:
    thief = Account.create()
    granted = grant(gate, for_user=thief)
    forged = gate.sign(10, granted.allowance.terms, seconds=HOUR + 60, buyer=thief)  # type: ignore[arg-type]
    voucher = json.loads(forged.to_json()) | {"holder": gate.buyer.address}
    answer = granted.open(granted.build(voucher=json.dumps(voucher)))
    assert answer.status_code in (400, 402), answer.text
    assert "token" not in answer.json()


def test_allowance__for_one_service__is_not_good_at_another(gate: Gate) -> None:
    """S6. The terms name the services, and the token is good for these only."""
    granted = grant(gate, services=(format_did(10**9),))
    assert granted.open().status_code == 402


# ---------------------------------------------------------------------- revocation


def test_allowance__revoked_by_its_holder__ends_for_its_user(gate: Gate) -> None:
    granted = grant(gate)
    token = granted.open().json()["token"]
    assert ask(gate, token).status_code == 200
    revoked = granted.revoke(granted.build_revocation(gate.buyer))
    assert (revoked.status_code, revoked.json()) == (200, {"revoked": granted.digest.hex()})
    assert read_type(ask(gate, token)) == (402, "AuthorityRevoked")


def test_allowance__revoked_before_it_was_opened__can_never_be_used(gate: Gate) -> None:
    granted = grant(gate)
    assert granted.revoke(granted.build_revocation(gate.buyer)).status_code == 200
    assert read_type(granted.open()) == (402, "AuthorityRevoked")


def test_allowance__revoked_by_anybody_else__stays(gate: Gate) -> None:
    granted = grant(gate)
    token = granted.open().json()["token"]
    for signer in (granted.user, Account.create()):
        assert granted.revoke(granted.build_revocation(signer)).status_code == 402
    use = granted.build(granted.write(), signer=granted.user)
    assert read_type(granted.revoke(use)) == (402, "SignInMismatch")
    assert ask(gate, token).status_code == 200


def test_allowance__given_back_by_its_user__ends(gate: Gate) -> None:
    token = grant(gate).open().json()["token"]
    answer = requests.delete(f"{gate.url}/sessions", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code == 200
    assert ask(gate, token).status_code == 402


# ---------------------------------------------------------------------- clients


Open = Callable[..., Client]


@pytest.fixture
def client(gate: Gate) -> Iterator[Open]:
    """Open clients for the gateway."""
    opened: list[Client] = []

    def open_one(**changes: Any) -> Client:
        opened.append(open_client(gate, **changes))
        return opened[-1]

    yield open_one
    for one in opened:
        one.session.close()


def test_client__with_an_allowance_of_somebody_else__pays_with_it(client: Open, gate: Gate) -> None:
    holder, user = client(), client(signer=Account.create())
    url = f"{gate.service_url}/ask"
    given = holder.adapter.sign_allowance(url, user=user.buyer.signer.address, limit=6, seconds=HOUR, method="POST")
    assert holder.buyer.ceilings.sum_signed() == 6
    user.adapter.use_allowance(url, Allowance.from_json(given.to_json()))
    assert [user.ask("POST", "/ask").status_code for _ in range(3)] == [200] * 3
    assert user.vouchers() == []
    assert user.buyer.ceilings.sum_signed() == 0
    gate.wait_for("charged", "6")
    assert holder.ask("POST", "/ask").status_code == 200  # on top of what the allowance may take


def test_client__whose_token_of_an_allowance_has_ended__proves_itself_again(client: Open, gate: Gate) -> None:
    holder, user = client(), client(signer=Account.create())
    url = f"{gate.service_url}/ask"
    given = holder.adapter.sign_allowance(url, user=user.buyer.signer.address, limit=6, seconds=HOUR, method="POST")
    token = user.adapter.use_allowance(url, given)
    token.end = user.buyer.find_now()
    assert user.ask("POST", "/ask").status_code == 200
    sent = [request.headers["authorization"] for request in user.sent if "authorization" in request.headers]
    assert sent != [f"Bearer {token.token}"]


def test_client__whose_allowance_was_revoked__does_not_use_it_again(client: Open, gate: Gate) -> None:
    holder, user = client(), client(signer=Account.create())
    url = f"{gate.service_url}/ask"
    given = holder.adapter.sign_allowance(url, user=user.buyer.signer.address, limit=6, seconds=HOUR, method="POST")
    user.adapter.use_allowance(url, given)
    assert user.ask("POST", "/ask").status_code == 200
    holder.adapter.revoke_allowance(url, given)
    assert user.ask("POST", "/ask").status_code == 402
    with pytest.raises(GatewayRefused, match="revoked"):
        user.adapter.use_allowance(url, given)


def test_client__with_an_allowance_for_another_account__signs_nothing(client: Open, gate: Gate) -> None:
    holder, user = client(), client(signer=Account.create())
    url = f"{gate.service_url}/ask"
    given = holder.adapter.sign_allowance(url, user=Account.create().address, limit=6, seconds=HOUR, method="POST")
    before = len(user.sent)
    with pytest.raises(PaymentNotAllowed, match="is for the account"):
        user.adapter.use_allowance(url, given)
    with pytest.raises(PaymentNotAllowed, match="another holder"):
        user.adapter.revoke_allowance(url, given)
    assert len(user.sent) == before


def test_client__with_an_allowance_at_an_own_host__keeps_to_its_services(
    shop: Shop, upstream_url: str, tmp_path: Path
) -> None:
    port, other = find_port(), format_did(10**9)
    host = f"localhost:{port}"
    with shop.open(tmp_path, upstream_url, port=port, url=f"http://127.0.0.1:{port}", hosts=(host,)) as opened:
        opened.wait_for("available", str(BALANCE))
        own, user = Gate(shop, f"http://{host}", opened.buyer), Account.create()
        services = tuple(sorted((shop.did, other)))
        given = grant(opened, for_user=user, services=services).allowance
        url = f"{own.url}/ask"
        stranger = open_client(own, signer=user, limits={"services": [10**9 + 1]})
        with pytest.raises(PaymentNotAllowed, match="not one of the services of the limits"):
            stranger.adapter.use_allowance(url, given)
        assert stranger.sent == []
        client = open_client(own, signer=user, limits={"services": [shop.did]})
        client.adapter.use_allowance(url, given)
        assert client.session.post(url, data=b"tea?", timeout=60).status_code == 200
        assert client.vouchers() == []
        for each in (stranger, client):
            each.session.close()


def test_client__with_an_allowance_above_its_limits__does_not_sign_it(client: Open, gate: Gate) -> None:
    holder = client(limits={"in_all": 5})
    with pytest.raises(PaymentNotAllowed):
        holder.adapter.sign_allowance(
            f"{gate.service_url}/ask", user=Account.create().address, limit=6, seconds=HOUR, method="POST"
        )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"terms":1,"voucher":2}', '{"terms":"x","voucher":"{}"}', "[" * 10_000]
)
def test_allowance__from_a_text_that_is_not_one__is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage):
        Allowance.from_json(text)


def test_allowance__from_a_text_with_the_voucher_of_another__is_refused(gate: Gate) -> None:
    first, second = grant(gate, limit=2).allowance, grant(gate, limit=3).allowance
    with pytest.raises(VoucherMismatch):
        Allowance.from_json(replace(first, signed=second.signed).to_json())


def test_httpx__with_an_allowance__pays_with_it_in_both_transports(gate: Gate) -> None:
    holder_buyer = Buyer(gate.shop.connect(), gate.buyer, build_limits(per_request=5, in_all=100))
    user_buyer = Buyer(gate.shop.connect(), Account.create(), build_limits(per_request=5, in_all=100))
    url = f"{gate.service_url}/ask"
    holder = PayingTransport(holder_buyer, gate.url)
    given = holder.sign_allowance(url, user=user_buyer.signer.address, limit=8, seconds=HOUR, method="POST")
    user = PayingTransport(user_buyer, gate.url)
    user.use_allowance(url, given)
    with httpx.Client(transport=user) as program:
        assert program.post(url, content=b"tea?").status_code == 200

    async def go_on() -> Allowance:
        async_user = AsyncPayingTransport(user_buyer, gate.url)
        await async_user.use_allowance(url, given)
        async with httpx.AsyncClient(transport=async_user) as async_program:
            assert (await async_program.post(url, content=b"tea?")).status_code == 200
        async_holder = AsyncPayingTransport(holder_buyer, gate.url)
        await async_holder.revoke_allowance(url, given)
        second = await async_holder.sign_allowance(
            url, user=user_buyer.signer.address, limit=2, seconds=HOUR, method="POST"
        )
        await async_holder.aclose()
        return second

    holder.revoke_allowance(url, asyncio.run(go_on()))
    holder.close()
