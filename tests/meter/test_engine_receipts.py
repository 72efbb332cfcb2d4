"""Receipts at the engine: the redeemer signs what was charged, and the same again for the same hold."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as change

from nvm_chain.errors import InvalidConfig, ReceiptMismatch, ReceiptSignatureInvalid, ReceiptUnavailable
from nvm_chain.meter.bindings import Binding, Level
from nvm_chain.meter.credentials import TokenCredential, VoucherCredential
from nvm_chain.meter.opening import open_meter
from nvm_chain.meter.receipts import Receipt, SignedReceipt, sign_receipt, verify_receipt
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import StoredHold
from tests.meter.services import ANN, BOB, FREE_PLAN, SIGNER, TIME_PLAN, build_plans, build_terms, opened, sign_in
from tests.meter.test_engine import fails
from tests.support.accounts import PLAN
from tests.support.meter_engines import REQUEST, Buyer, held
from tests.support.meter_stores import CHAIN_ID, CREDITS

BUYER = Buyer(ANN)
WHERE: dict[str, Any] = {"chain_id": CHAIN_ID, "contract": CREDITS}
SETTINGS = build_plans(redeemer=SIGNER.address)
OTHER = replace(REQUEST, target="/ask?topic=coffee")


def pay(request: Request = REQUEST, **changes: Any) -> VoucherCredential:
    """Return a voucher for the redeemer whose key the tests have."""
    return BUYER.pay(request, redeemer=SIGNER.address, **changes)


def check(signed: SignedReceipt, **expected: Any) -> Receipt:
    """Return a receipt that is as a holder expects it."""
    read = SignedReceipt.from_json(signed.to_json())
    return verify_receipt(read, redeemer=SIGNER.address, holder=ANN.address, **WHERE, **expected)


def find_digest(request: Request, request_id: str) -> bytes:
    """Return the context of the full binding of a request."""
    body = request.body or "-"
    return Binding(Level.FULL, request.method, request.service, request.target, body, request_id).context


def test_sign_receipt__of_charges__says_credits_and_the_running_total(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            receipts = []
            for cost in (3, 0, 4):
                credential = pay()
                ended = await meter.charge(held(await meter.admit(REQUEST, credential, 5)), cost)
                assert credential.binding is not None
                receipt = check(await meter.sign_receipt(ended), plan_id=PLAN, request=credential.binding.context)
                assert (receipt.credits, receipt.issued_at) == (cost, ended.ended_at)
                receipts.append(receipt)
            assert [receipt.total for receipt in receipts] == [3, 3, 7]
            assert not any(one.contradicts(other) for one in receipts for other in receipts)

    asyncio.run(serve())


def test_sign_receipt__again_and_after_a_restart__is_the_same(books_url: str) -> None:
    async def serve() -> tuple[StoredHold, str]:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            hold = held(await meter.admit(REQUEST, pay(), 5))
            ended = await meter.charge(hold, 3)
            texts = {(await meter.sign_receipt(each)).to_json() for each in (ended, hold, ended)}
            assert len(texts) == 1
            return hold, texts.pop()

    hold, text = asyncio.run(serve())

    async def serve_again() -> None:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            await meter.charge(held(await meter.admit(REQUEST, pay(), 5)), 5)
            assert (await meter.sign_receipt(hold)).to_json() == text
            assert (await meter.sign_receipt(hold.hold_id)).to_json() == text
            await fails(meter.sign_receipt(bytes(32)), ReceiptUnavailable)

    asyncio.run(serve_again())


def test_sign_receipt__of_what_was_not_charged_here__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            hold = held(await meter.admit(REQUEST, pay(), 5))
            assert "not charged" in str(await fails(meter.sign_receipt(hold), ReceiptUnavailable))
            charged = await meter.charge(hold, 5)
            await meter.sign_receipt(charged)
            for wrong in ({"hold_id": bytes(32)}, {"key": Buyer(BOB).key}, {"attempt": 1}):
                await fails(meter.sign_receipt(change(charged, **wrong)), ReceiptUnavailable)
            forged = change(charged, cost=500, total=500, request=b"\7" * 32)
            assert (await meter.sign_receipt(forged)).receipt.credits == 5
            released = held(await meter.admit(REQUEST, pay(seconds=3_000), 5))
            await meter.release(released, was_sent=True)
            await fails(meter.sign_receipt(released), ReceiptUnavailable)

    asyncio.run(serve())


def test_sign_receipt__of_requests_with_a_token__names_each_request(books_url: str) -> None:
    async def serve() -> None:
        settings = build_plans(build_terms(windows={}), redeemer=SIGNER.address)
        async with opened(books_url, settings, receipt_signer=SIGNER) as meter:
            credential = TokenCredential(await sign_in(meter))
            holds = [await meter.charge(held(await meter.admit(REQUEST, credential, 5)), cost) for cost in (2, 5)]
            assert "without a binding" in str(await fails(meter.sign_receipt(holds[0]), ReceiptUnavailable))
            receipts = [check(await meter.sign_receipt(hold, REQUEST), plan_id=FREE_PLAN) for hold in holds]
            digests = [find_digest(REQUEST, hold.hold_id.hex()) for hold in holds]
            assert [receipt.request for receipt in receipts] == digests
            assert not receipts[0].contradicts(receipts[1])
            for request in (None, OTHER):
                assert (await meter.sign_receipt(holds[0], request)).receipt == receipts[0]
            keyed = replace(REQUEST, idempotency_key="order-1")
            hold = await meter.charge(held(await meter.admit(keyed, credential, 5)), 5)
            assert (await meter.sign_receipt(hold, keyed)).receipt.request == find_digest(REQUEST, hold.hold_id.hex())

    asyncio.run(serve())


def test_sign_receipt__by_two_meters_with_other_requests__is_the_same(postgres_books_url: str) -> None:
    """The redeemer never signs two receipts of one hold, whatever it is asked at the same time."""

    async def serve() -> None:
        settings = build_plans(build_terms(windows={}), redeemer=SIGNER.address)
        signer: dict[str, Any] = {"receipt_signer": SIGNER}
        async with (
            opened(postgres_books_url, settings, **signer) as one,
            opened(postgres_books_url, settings, **signer) as other,
        ):
            hold = held(await one.admit(REQUEST, TokenCredential(await sign_in(one)), 5))
            await one.charge(hold, 5)
            asked = [meter.sign_receipt(hold, request) for meter in (one, other) for request in (REQUEST, OTHER) * 4]
            assert len({signed.to_json() for signed in await asyncio.gather(*asked)}) == 1

    asyncio.run(serve())


def test_sign_receipt__of_a_request_on_a_time_plan__says_no_credits(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            hold = held(await meter.admit(REQUEST, TokenCredential(await sign_in(meter)), 5))
            receipt = check(await meter.sign_receipt(await meter.charge(hold, 0), REQUEST), plan_id=TIME_PLAN)
            assert (receipt.credits, receipt.total) == (0, 0)

    asyncio.run(serve())


def test_sign_receipt__by_a_function__gets_the_receipt(books_url: str) -> None:
    async def serve() -> None:
        async with opened(
            books_url, SETTINGS, receipt_signer=lambda receipt: sign_receipt(SIGNER, receipt, **WHERE)
        ) as meter:
            ended = await meter.charge(held(await meter.admit(REQUEST, pay(), 5)), 3)
            assert check(await meter.sign_receipt(ended)).credits == 3

    asyncio.run(serve())


def test_sign_receipt__by_a_function_that_signs_wrongly__is_not_given_out(books_url: str) -> None:
    async def serve() -> None:
        def sign_other(receipt: Receipt) -> SignedReceipt:
            return sign_receipt(SIGNER, replace(receipt, credits=0), **WHERE)

        async with opened(books_url, SETTINGS, receipt_signer=sign_other) as meter:
            ended = await meter.charge(held(await meter.admit(REQUEST, pay(), 5)), 3)
            await fails(meter.sign_receipt(ended), InvalidConfig)

        async with opened(
            books_url, SETTINGS, receipt_signer=lambda receipt: SignedReceipt(receipt, bytes(65))
        ) as meter:
            await fails(meter.sign_receipt(ended), ReceiptSignatureInvalid)

    asyncio.run(serve())


def test_meter__without_the_redeemer_as_signer__signs_no_receipts(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, SETTINGS) as meter:
            ended = await meter.charge(held(await meter.admit(REQUEST, pay(), 5)), 3)
            assert "receipt_signer" in str(await fails(meter.sign_receipt(ended), InvalidConfig))

        for wrong in (BOB, "0x" + "c3" * 32, 7):
            with pytest.raises(InvalidConfig):
                async with opened(books_url, SETTINGS, receipt_signer=wrong):
                    raise AssertionError("the meter is open")

    asyncio.run(serve())


def test_sign_receipt__of_a_busy_session__names_each_of_its_requests(books_url: str) -> None:
    """Requests of a busy session share one hold. Each one that was charged has a receipt of its own."""

    async def serve() -> None:
        settings = build_plans(build_terms(windows={}), redeemer=SIGNER.address)
        async with opened(books_url, settings, receipt_signer=SIGNER) as meter:
            credential = TokenCredential(await sign_in(meter))
            ended = [
                await meter.charge(held(await meter.admit(REQUEST, credential, 5)), 1 + number % 5)
                for number in range(30)
            ]
            receipts = [check(await meter.sign_receipt(hold, REQUEST)) for hold in ended]
            assert receipts[-1].total == sum(receipt.credits for receipt in receipts) == 90
            assert not any(one.contradicts(other) for one in receipts for other in receipts)
            assert [check(await meter.sign_receipt(hold)) for hold in ended] == receipts

    asyncio.run(serve())


def test_open_meter__with_another_signer_than_the_redeemer__opens_nothing(tmp_path: Path) -> None:
    async def serve() -> None:
        async with open_meter(tmp_path / "meter.db", tmp_path / "index.db", SETTINGS, receipt_signer=BOB):
            raise AssertionError("the meter is open")

    with pytest.raises(InvalidConfig, match="redeemer"):
        asyncio.run(serve())
    assert list(tmp_path.iterdir()) == []


def test_sign_receipt__after_the_key_was_changed__is_signed_by_the_new_key_with_the_same_numbers(
    books_url: str,
) -> None:
    """The meter does not have the old key any more, and the total counts the charges under both keys."""

    async def serve() -> tuple[StoredHold, Receipt]:
        async with opened(books_url, SETTINGS, receipt_signer=SIGNER) as meter:
            ended = await meter.charge(held(await meter.admit(REQUEST, pay(), 5)), 3)
            return ended, check(await meter.sign_receipt(ended))

    ended, before = asyncio.run(serve())
    changed = replace(SETTINGS, redeemer=BOB.address, former_redeemers=(SIGNER.address,))

    async def serve_with_the_new_key() -> None:
        async with opened(books_url, changed, receipt_signer=BOB) as meter:
            signed = await meter.sign_receipt(ended)
            assert verify_receipt(signed, redeemer=BOB.address, **WHERE) == replace(before, redeemer=BOB.address)
            with pytest.raises(ReceiptMismatch, match="redeemer"):
                verify_receipt(signed, redeemer=SIGNER.address, **WHERE)
            later = BUYER.pay(OTHER, redeemer=BOB.address)
            last = await meter.charge(held(await meter.admit(OTHER, later, 5)), 4)
            receipt = verify_receipt(await meter.sign_receipt(last), redeemer=BOB.address, **WHERE)
            assert (receipt.credits, receipt.total) == (4, 7)
            assert not receipt.contradicts(replace(before, redeemer=BOB.address))

    asyncio.run(serve_with_the_new_key())
