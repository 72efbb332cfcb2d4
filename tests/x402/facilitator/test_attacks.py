"""Published attacks on facilitators. They fail here, and a naive facilitator falls to the same in the same test.

G1: one payment, many grants. G2: several servers are told of success for one payment. G4: somebody else sends the payment
first. G7: a payer makes the facilitator pay for transactions that fail.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3.contract.contract import ContractFunction

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.node import encode_call
from nvm_chain.operations.authorized_transfers import encode_authorized_transfer
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.eip712 import Domain, StructType, sign_struct
from nvm_chain.x402.exact import read_transfer
from nvm_chain.x402.facilitator.callers import build_caller
from tests.gateway.serving import served
from tests.support.anvil import wait_until
from tests.x402.facilitator.desks import PRICE, TOKENS, FacilitatorDesk, hash_token, open_desk, pay_as
from tests.x402.facilitator.naive import NaiveFacilitator
from tests.x402.facilitator.shops import open_fastapi_shop
from tests.x402.facilitator.wallets import CREATE2, WalletSigner

AT_ONCE = 40
CANCEL = StructType("CancelAuthorization(address authorizer,bytes32 nonce)")
CANCEL_ABI = (describe_function("cancelAuthorization", "address bytes32 uint8 bytes32 bytes32", ""),)


@contextmanager
def run_naive(desk: FacilitatorDesk) -> Iterator[FacilitatorDesk]:
    """Run the naive facilitator on the same chain, with a key of its own."""
    with served(NaiveFacilitator(desk.chain.accounts[8].key.hex(), desk.chain.label)) as url:
        yield FacilitatorDesk(url, desk.chain, desk.settings)


def attack_shop(desk: FacilitatorDesk, flow: str) -> tuple[int, int]:
    """Send one payment many times at once, and again. Return how often it was served, and how often it was paid."""
    payer, seller = desk.fund(), desk.chain.accounts[4].address
    before = desk.balance(seller)
    with open_fastapi_shop(desk.url, TOKENS["shop"], desk.usdc, seller, flow) as url:
        told = requests.get(f"{url}/answer", timeout=30).headers["payment-required"]
        required = json.loads(base64.b64decode(told))["accepts"][0]
        header = base64.b64encode(json.dumps(desk.pay(payer, required)).encode()).decode()

        def buy(_: int) -> int:
            return requests.get(f"{url}/answer", headers={"PAYMENT-SIGNATURE": header}, timeout=60).status_code

        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = list(threads.map(buy, range(AT_ONCE)))
        found += [buy(0), buy(0)]
    return found.count(200), (desk.balance(seller) - before) // PRICE


@pytest.mark.parametrize("flow", ["", "upfront"])
def test_g1__one_payment_sent_many_times__is_served_once(desk: FacilitatorDesk, flow: str) -> None:
    assert attack_shop(desk, flow) == (1, 1)
    with run_naive(desk) as naive:
        served_times, paid_times = attack_shop(naive, flow)
    assert served_times > 1
    assert paid_times == 1


def test_g2__a_payment_settled_by_two_servers__is_told_to_the_first_only(
    desk: FacilitatorDesk, paid_chain: Any, tmp_path: Path
) -> None:
    with open_desk(paid_chain, tmp_path) as first:
        required = first.require()
        payment = first.pay(first.fund(), required)
        assert first.ask("/verify", payment, required, "shop").json()["isValid"] is True
        assert first.ask("/verify", payment, required, "other").json()["isValid"] is True
        with ThreadPoolExecutor(8) as threads:
            callers = ["shop", "other"] * 8
            answers = list(threads.map(lambda caller: first.ask("/settle", payment, required, caller).json(), callers))
        assert Counter(answer["success"] for answer in answers) == {True: 1, False: 15}
        refused = {answer["errorReason"] for answer in answers if not answer["success"]}
        assert refused == {"duplicate_settlement"}
        winner = callers[next(place for place, answer in enumerate(answers) if answer["success"])]
        loser = "other" if winner == "shop" else "shop"
    with open_desk(paid_chain, tmp_path) as again:  # after a restart
        for caller, shows in ((winner, True), (loser, False)):
            told = again.ask("/settle", payment, required, caller).json()
            assert (told["success"], told["errorReason"]) == (False, "duplicate_settlement")
            assert bool(told["transaction"]) is shows
            assert again.ask("/verify", payment, required, caller).json()["isValid"] is False
    with run_naive(desk) as naive:
        required = naive.require()
        payment = naive.pay(naive.fund(), required)
        told = [naive.ask("/settle", payment, required, caller).json() for caller in ("shop", "other")]
    assert [answer["success"] for answer in told] == [True, True]


def test_settle__with_an_idempotency_key__gives_the_same_answer_again_and_after_a_restart(
    paid_chain: Any, tmp_path: Path
) -> None:
    with open_desk(paid_chain, tmp_path) as first:
        required = first.require()
        payment, key = first.pay(first.fund(), required), {"Idempotency-Key": "order-1"}
        answer = first.ask("/settle", payment, required, **key).json()
        assert answer["success"] is True
        assert first.ask("/settle", payment, required, **key).json() == answer
        other = first.ask("/settle", payment, required, **{"Idempotency-Key": "order-2"}).json()
        assert (other["success"], other["errorReason"]) == (False, "duplicate_settlement")
        assert first.ask("/settle", payment, required, "other", **key).json()["success"] is False
    with open_desk(paid_chain, tmp_path) as again:
        assert again.ask("/settle", payment, required, **key).json() == answer


def test_settle__that_is_pending__goes_on_and_is_answered_once(paid_chain: Any, tmp_path: Path) -> None:
    mine = paid_chain.web3.provider.make_request
    with open_desk(paid_chain, tmp_path, wait_seconds=1) as first:
        required = first.require()
        payment = first.pay(first.fund(), required)
        mine("evm_setAutomine", [False])
        try:
            told = first.ask("/settle", payment, required).json()
            assert (told["success"], told["errorReason"]) == (False, "settlement_pending")
            assert told["transaction"]
            assert first.ask("/settle", payment, required, "other").json()["errorReason"] == "duplicate_settlement"
        finally:
            mine("evm_setAutomine", [True])
            mine("evm_mine", [])
    with open_desk(paid_chain, tmp_path) as again:  # after a restart
        assert again.ask("/verify", payment, required).json()["isValid"] is True
        settled = again.ask("/settle", payment, required).json()
        assert (settled["success"], settled["transaction"]) == (True, told["transaction"])
        assert again.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"


def test_settle__whose_caller_has_gone__is_told_when_it_comes_back(paid_chain: Any, tmp_path: Path) -> None:
    mine = paid_chain.web3.provider.make_request
    with open_desk(paid_chain, tmp_path) as desk:
        required = desk.require()
        payment = desk.pay(desk.fund(), required)
        mine("evm_setAutomine", [False])
        try:
            body = {"x402Version": 2, "paymentPayload": payment, "paymentRequirements": required}
            headers = {"Authorization": f"Bearer {TOKENS['shop']}"}
            with pytest.raises(requests.Timeout):
                requests.post(f"{desk.url}/settle", json=body, headers=headers, timeout=1.5)
        finally:
            mine("evm_setAutomine", [True])
            mine("evm_mine", [])
        assert wait_until(lambda: desk.ask("/settle", payment, required).json()["success"], 30)


def test_settle__whose_block_was_replaced__is_sent_again_and_not_answered_again(
    paid_chain: Any, tmp_path: Path
) -> None:
    ask_node, seller = paid_chain.web3.provider.make_request, paid_chain.accounts[6].address
    with open_desk(paid_chain, tmp_path) as desk:
        before, required = desk.balance(seller), desk.require(seller)
        payment = desk.pay(desk.fund(), required)
        assert desk.ask("/settle", payment, required).json()["success"] is True
        ask_node("anvil_reorg", [1, []])
        ask_node("anvil_dropAllTransactions", [])
        assert desk.balance(seller) == before
        assert wait_until(lambda: desk.balance(seller) == before + PRICE, 40)
        assert desk.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"
    assert desk.balance(seller) == before + PRICE


def read_signed(desk: FacilitatorDesk, payment: dict[str, Any]) -> SignedTransferAuthorization:
    """Return the transfer of a payment, which an observer has seen."""
    authorization, signature = read_transfer(json.dumps(payment["payload"]).encode())
    return SignedTransferAuthorization(authorization, Domain("USDC", "2", 31337, desk.chain.usdc), signature)  # type: ignore[arg-type]


def send_first(desk: FacilitatorDesk, payment: dict[str, Any]) -> str:
    """Send the transfer of a payment as an observer does. Return the hash."""
    call = encode_authorized_transfer(desk.chain, read_signed(desk, payment))
    return f"0x{bytes(desk.chain.send(desk.chain.accounts[7], call)['transactionHash']).hex()}"


def test_g4__a_payment_that_an_observer_sent_first__is_settled_once(desk: FacilitatorDesk) -> None:
    required = desk.require()
    payment = desk.pay(desk.fund(), required)
    assert desk.ask("/verify", payment, required).json()["isValid"] is True
    transaction = send_first(desk, payment)
    other = desk.ask("/settle", payment, required, "other").json()
    assert (other["success"], other["errorReason"]) == (False, "invalid_exact_evm_nonce_already_used")
    told = desk.ask("/settle", payment, required).json()
    assert (told["success"], told["transaction"]) == (True, transaction)
    assert desk.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"
    with run_naive(desk) as naive:
        payment = naive.pay(naive.fund(), required)
        assert naive.ask("/verify", payment, required).json()["isValid"] is True
        send_first(naive, payment)
        assert (
            naive.ask("/settle", payment, required).json()["success"] is False
        )  # the payer has paid, and gets nothing


def test_g4__a_payment_that_an_observer_sent_first__is_good_for_the_only_server_of_its_payee(
    paid_chain: Any, tmp_path: Path
) -> None:
    seller = paid_chain.accounts[4].address
    callers = (
        build_caller("shop", hash_token(TOKENS["shop"]), pay_to=[seller]),
        build_caller("other", hash_token(TOKENS["other"]), pay_to=[paid_chain.accounts[5].address]),
    )
    with open_desk(paid_chain, tmp_path, callers=callers) as desk:
        required = desk.require(seller)
        payment = desk.pay(desk.fund(), required)
        transaction = send_first(desk, payment)
        other = desk.ask("/settle", payment, required, "other").json()
        assert (other["success"], other["errorReason"]) == (False, "invalid_payment_requirements")
        told = desk.ask("/settle", payment, required).json()
        assert (told["success"], told["transaction"]) == (True, transaction)
        assert desk.ask("/settle", payment, required).json()["errorReason"] == "duplicate_settlement"


def test_g4__a_canceled_payment__is_never_settled(desk: FacilitatorDesk) -> None:
    required, payer = desk.require(), desk.fund()
    payment = desk.pay(payer, required)
    assert desk.ask("/verify", payment, required).json()["isValid"] is True
    desk.chain.send(desk.chain.accounts[7], build_cancel(desk, payer, payment))
    told = desk.ask("/settle", payment, required).json()
    assert (told["success"], told["errorReason"]) == (False, "invalid_exact_evm_nonce_already_used")


def build_cancel(desk: FacilitatorDesk, payer: LocalAccount, payment: dict[str, Any]) -> ContractFunction:
    """Return the call that cancels a payment, as its payer has signed it."""
    signed = read_signed(desk, payment)
    nonce = signed.authorization.nonce
    signature = sign_struct(payer, signed.token, CANCEL, (payer.address, nonce))
    cancel = desk.chain.bind(signed.token.address, CANCEL_ABI).functions.cancelAuthorization
    built: ContractFunction = cancel(payer.address, nonce, signature[64], signature[:32], signature[32:64])
    return built


def test_g7__a_payer_whose_payments_fail_on_chain__has_to_wait(paid_chain: Any, tmp_path: Path) -> None:
    ask_node = paid_chain.web3.provider.make_request
    with open_desk(paid_chain, tmp_path, wait_seconds=2, failures=2) as desk:
        payer = desk.fund()
        for _ in range(2):
            fail_on_chain(desk, ask_node, payer)
        required = desk.require()
        told = desk.ask("/settle", desk.pay(desk.fund(payer), required), required).json()
        assert (told["success"], told["errorReason"]) == (False, "nvm_TooManyFailures")
        assert desk.ask("/settle", desk.pay(desk.fund(), required), required).json()["success"] is True


def fail_on_chain(desk: FacilitatorDesk, ask_node: Any, payer: LocalAccount) -> None:
    """Have the facilitator send a payment whose payer cancels it at a higher price, so that the transaction fails."""
    required = desk.require()
    payment = desk.pay(desk.fund(payer), required)
    ask_node("evm_setAutomine", [False])
    try:
        with ThreadPoolExecutor(1) as thread:
            settling = thread.submit(desk.ask, "/settle", payment, required)
            assert wait_until(lambda: int(ask_node("txpool_status", [])["result"]["pending"], 16) == 1, 20)
            cancel_first(desk, payer, payment)
            ask_node("evm_mine", [])
            told = settling.result().json()
    finally:
        ask_node("evm_setAutomine", [True])
        ask_node("evm_mine", [])
    assert told["errorReason"] == "settlement_pending"


def cancel_first(desk: FacilitatorDesk, payer: LocalAccount, payment: dict[str, Any]) -> None:
    """Send the cancellation of a payment at a price that puts it before everything else in the next block."""
    sender, call = desk.chain.accounts[7], build_cancel(desk, payer, payment)
    built = desk.chain.build_transaction(sender.address, encode_call(call), call.address)
    dear: dict[str, Any] = {
        name: 50 * value if name.endswith("Gas") else value for name, value in cast(dict[str, Any], built).items()
    }
    desk.chain.web3.eth.send_raw_transaction(sender.sign_transaction(dear).raw_transaction)


def test_g7__limits_of_a_payer_and_a_caller__are_kept(paid_chain: Any, tmp_path: Path) -> None:
    with open_desk(paid_chain, tmp_path, per_account=1, per_minute=5) as desk:
        required, payer = desk.require(), desk.fund()
        assert desk.ask("/settle", desk.pay(payer, required), required).json()["success"] is True
        told = desk.ask("/settle", desk.pay(payer, required), required).json()
        assert (told["success"], told["errorReason"]) == (False, "nvm_TooManyPayments")
        payment = desk.pay(payer, required)
        found = [desk.ask("/verify", payment, required).status_code for _ in range(5)]
        assert found == [200, 200, 200, 429, 429]
        assert desk.ask("/verify", payment, required, "other").status_code == 200
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"gas_per_day": 399_999}, "nvm_GasUsedUp"),
        ({"gwei": 0}, "nvm_GasTooDear"),
    )
    for changed, reason in cases:
        with open_desk(paid_chain, tmp_path, **changed) as desk:
            told = desk.ask("/settle", payment, required).json()
            assert (told["success"], told["errorReason"]) == (False, reason)


def test_g7__an_undeployed_wallet_above_the_limit_of_a_day__is_not_deployed(paid_chain: Any, tmp_path: Path) -> None:
    with open_desk(paid_chain, tmp_path, per_day=1, factories=(CREATE2,)) as desk:
        required, signer = desk.require(), WalletSigner(Account.create(), wraps=True)
        assert desk.ask("/settle", desk.pay(desk.fund(), required), required).json()["success"] is True
        told = desk.ask("/settle", pay_as(desk, signer, required), required).json()
        assert (told["success"], told["errorReason"]) == (False, "nvm_TooManyPayments")
        assert not paid_chain.has_code(signer.address)
