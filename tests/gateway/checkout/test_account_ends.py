"""The account page where the gateway's books know less than the holder: allowances that nobody opened, and orders that do not count yet."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.gateway.checkout.statements import Statements
from nvm_chain.meter.proofs import build_use_proof
from nvm_chain.meter.session_terms import parse_session_terms
from nvm_chain.signing.vouchers import SignedVoucher, VoucherVerifier
from tests.gateway.checkout.stall import Stall, Stand
from tests.gateway.checkout.test_account import OWN_HOST, Holder
from tests.wallets.accounts import deploy_hybrid
from tests.wallets.wallet import OWNER, THIEF

DEPTH = 2


@pytest.fixture
def buyer(stall: Stall, stand: Stand) -> Holder:
    """Somebody who has bought credits that count, and has signed in to the page."""
    holder = Holder(stand, stall.new_account())
    nvm.order_plan(stall.shop.chain, holder.account, stall.plans["paid"])
    holder.visit().wait_until_counted("paid")
    return holder


@pytest.fixture
def user() -> LocalAccount:
    """Somebody who may use credits of another account."""
    account: LocalAccount = Account.create()
    return account


def take_back(holder: Holder, allowance: dict[str, str]) -> requests.Response:
    """Take an allowance back as the page does."""
    message = holder.told("revocations", allowance)["message"]
    body = {**allowance, "message": message, "signature": holder.sign(message)}
    return requests.post(f"{holder.stand.gate.url}/sessions/revoke", json=body, timeout=60)


def use(stand: Stand, user: LocalAccount, allowance: dict[str, str]) -> requests.Response:
    """Open an allowance as its user."""
    chain = stand.stall.shop.chain
    terms, voucher = parse_session_terms(allowance["terms"]), SignedVoucher.from_json(allowance["voucher"]).voucher
    proof = build_use_proof(terms, VoucherVerifier(chain.chain_id, chain.credits.address).hash(voucher))
    told = requests.get(f"{stand.gate.url}/sign-in", timeout=60).json()
    message = proof.write(
        origin=told["origin"],
        service=stand.stall.agent,
        chain_id=told["chainId"],
        nonce=told["nonce"],
        now=told["issuedAt"],
    )
    signature = f"0x{bytes(user.sign_message(encode_defunct(text=message)).signature).hex()}"
    body = {**allowance, "message": message, "signature": signature}
    return requests.post(f"{stand.gate.url}/sessions", json=body, timeout=60)


# ---------------------------------------------------------------------- allowances that nobody opened


def test_allowance__that_nobody_opened__is_taken_back_by_its_text(
    buyer: Holder, stand: Stand, user: LocalAccount
) -> None:
    allowance = buyer.sign_session(user=user.address)
    assert buyer.told("books")["open"] == []
    assert take_back(buyer, allowance).status_code == 200
    refused = use(stand, user, allowance)
    assert (refused.status_code, refused.json()["nvm"]["type"]) == (402, "AuthorityRevoked")
    assert buyer.told("books")["open"] == []


def test_allowance__that_its_user_has_opened__is_taken_back_by_its_text_too(
    buyer: Holder, stand: Stand, user: LocalAccount
) -> None:
    allowance = buyer.sign_session(user=user.address)
    token = use(stand, user, allowance).json()["token"]
    assert buyer.use(token).status_code == 200
    assert [each["kind"] for each in buyer.told("books")["open"]] == ["allowance"]
    assert take_back(buyer, allowance).status_code == 200
    assert buyer.told("books")["open"] == []
    assert buyer.use(token).json()["nvm"]["type"] == "AuthorityRevoked"


def test_allowance__of_another_holder__is_not_taken_back(buyer: Holder, stand: Stand, user: LocalAccount) -> None:
    allowance = buyer.sign_session(user=user.address)
    stranger = Holder(stand, user).visit()
    answer = stranger.ask("revocations", allowance)
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (403, "HolderIsAnother")
    assert buyer.address in answer.json()["error"]
    message = buyer.told("revocations", allowance)["message"]
    body = {**allowance, "message": message, "signature": stranger.sign(message)}
    answer = requests.post(f"{stand.gate.url}/sessions/revoke", json=body, timeout=60)
    assert answer.json()["nvm"]["type"] == "SignInSignatureInvalid"
    assert use(stand, user, allowance).status_code == 200


def test_allowance__without_a_token_of_the_page__is_not_taken_back(buyer: Holder, user: LocalAccount) -> None:
    allowance = buyer.sign_session(user=user.address)
    answer = buyer.ask("revocations", allowance, token="nvm-page.")
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (401, "VisitorUnknown")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"terms": "tea"}, "InvalidMessage"),
        ({"voucher": "tea"}, "InvalidMessage"),
        ({"voucher": "[" * 10_000}, "InvalidMessage"),
        ({"more": "tea"}, "InvalidMessage"),
        ({"terms": None}, "InvalidMessage"),
    ],
)
def test_text__that_is_not_an_allowance__is_refused(
    buyer: Holder, user: LocalAccount, values: dict[str, Any], kind: str
) -> None:
    allowance = {**buyer.sign_session(user=user.address), **values}
    assert buyer.refused("revocations", allowance) == (400, kind)


def test_text__with_the_voucher_of_other_terms__is_refused(buyer: Holder, user: LocalAccount) -> None:
    one, other = (buyer.sign_session(user=user.address, limit=limit) for limit in ("3", "4"))
    assert buyer.refused("revocations", {**one, "voucher": other["voucher"]})[1] == "VoucherMismatch"


def test_own_host__of_another_service__takes_no_allowance_back(buyer: Holder, stand: Stand, user: LocalAccount) -> None:
    allowance = buyer.sign_session(user=user.address)
    own = Holder(stand, buyer.account, host=OWN_HOST).visit()
    assert own.refused("revocations", allowance)[1] == "PlanNotAccepted"


# ---------------------------------------------------------------------- orders that do not count yet


def test_order__that_is_not_counted_yet__is_told_before_anything_is_signed(
    stall: Stall, upstream_url: str, tmp_path: Path
) -> None:
    chain = stall.shop.chain
    with stall.open(tmp_path, upstream_url, depth=DEPTH) as stand:
        holder = Holder(stand, stall.new_account()).visit()
        asks: list[tuple[str, dict[str, Any]]] = [
            ("sign-ins", {"planId": stall.did("time"), "service": stall.agent}),
            ("sign-ins", {"planId": stall.did("hostile"), "service": stall.agent}),
            (
                "sessions",
                {"planId": stall.did("paid"), "services": [stall.agent], "limit": "9", "seconds": "3600"},
            ),
        ]
        for plan in ("time", "hostile", "paid"):
            chain.web3.provider.make_request("anvil_mine", ["0x1"])  # type: ignore[arg-type]
            nvm.order_plan(chain, holder.account, stall.plans[plan])
        # The last order is in the newest block, so it cannot count before two more follow.
        answer = holder.ask(*asks[-1])
        assert (answer.status_code, answer.json()["nvm"]["type"]) == (409, "OrderNotCounted")
        assert answer.json()["error"] == "The gateway counts an order 2 blocks later. Wait a moment, and try again."
        chain.web3.provider.make_request("anvil_mine", ["0x3"])  # type: ignore[arg-type]
        for path, body in asks:
            deadline = time.monotonic() + 60
            while (answer := holder.ask(path, body)).status_code != 200:
                assert answer.json()["nvm"]["type"] == "OrderNotCounted", answer.text
                assert time.monotonic() < deadline


@pytest.mark.parametrize("plan", ["time", "hostile"])
def test_order__of_a_plan_with_a_sign_in__is_told_too_until_it_counts(
    stall: Stall, upstream_url: str, tmp_path: Path, plan: str
) -> None:
    with stall.open(tmp_path, upstream_url, depth=DEPTH) as stand:
        holder = Holder(stand, stall.new_account()).visit()
        ask = {"planId": stall.did(plan), "service": stall.agent}
        assert (
            holder.ask("sign-ins", ask).status_code == 200
        )  # there is nothing on the chain, and the sign-in says that
        nvm.order_plan(stall.shop.chain, holder.account, stall.plans[plan])
        assert holder.refused("sign-ins", ask) == (409, "OrderNotCounted")


# ---------------------------------------------------------------------- contract wallets


@dataclass
class WalletHolder(Holder):
    """A contract wallet at the page. Its owner's key signs."""

    wallet: str = ""

    @property
    def address(self) -> str:
        """The address of the wallet."""
        return self.wallet


def test_contract_wallet__signs_in_sees_its_books_and_opens_a_session(stall: Stall, stand: Stand) -> None:
    wallet = deploy_hybrid(stall.world).address
    nvm.mint_credits(stall.shop.chain, stall.shop.builder, stall.plans["paid"], wallet, 20)
    holder = WalletHolder(stand, OWNER, wallet=wallet).visit()
    holder.wait_until_counted("paid")
    token = holder.open_session(limit="4")
    assert holder.use(token).status_code == 200
    (opened,) = holder.told("books")["open"]
    assert (opened["kind"], opened["planId"]) == ("session", stall.did("paid"))
    assert Holder(stand, OWNER).visit().told("books")["open"] == []

    thief = WalletHolder(stand, THIEF, wallet=wallet)
    message = thief.challenge()
    body = {"message": message, "signature": thief.sign(message)}
    assert thief.ask("visits", body).json()["nvm"]["type"] == "SignInSignatureInvalid"
    assert take_back(holder, holder.sign_session(user=THIEF.address)).status_code == 200


# ---------------------------------------------------------------------- long statements


def test_statement__with_more_movements_than_a_page_shows__names_the_command(
    stall: Stall, upstream_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Statements.__init__, "__defaults__", (1,))
    with stall.open(tmp_path, upstream_url) as stand:
        holder, ask = Holder(stand, stall.new_account()), {"plan": stall.did("free")}
        assert holder.told("statement", account=holder.address, **ask)["movements"] == []
        nvm.order_plan(stall.shop.chain, holder.account, stall.plans["free"])
        deadline = time.monotonic() + 60
        while (answer := holder.ask("statement", account=holder.address, **ask)).status_code == 200:
            assert time.monotonic() < deadline  # the index reads the last block
    assert (answer.status_code, answer.json()["nvm"]["type"]) == (422, "StatementTooLong")
    assert answer.json()["error"].startswith("This account has more movements than a page shows.")
    assert answer.json()["error"].endswith(f"nvm-chain statement holder {holder.address}")
