"""The engine: requests of many tasks are admitted and charged, by vouchers and by tokens, and nothing is spent by a refusal."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.errors import (
    AuthorityRevoked,
    AuthorityUnknown,
    AuthorityUsedUp,
    BindingMismatch,
    BindingTooWeak,
    ChargeAboveHold,
    CreditsUsedUp,
    DeadlineOutOfRange,
    ExposureReached,
    HoldOver,
    InvalidConfig,
    KeyReused,
    LimitReached,
    NvmChainError,
    PeriodLimitReached,
    PlanNotAccepted,
    PlanNotReadYet,
    RequestAboveLimit,
    RequestRunning,
    ServiceNotCovered,
    ServiceUnknown,
    UnknownPlan,
    ViewTooOld,
    ViewUnusable,
    VoucherMismatch,
    VoucherSignatureInvalid,
)
from nvm_chain.meter.authorities import AuthorityKind
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.bodies import hash_body
from nvm_chain.meter.credentials import TOKEN_PREFIX, TokenCredential, VoucherCredential
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import HoldState
from nvm_chain.meter.store.works import KeptAnswer
from tests.support.accounts import PLAN
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_engines import REQUEST, Buyer, GivenViews, bind, build_settings, held, running
from tests.support.meter_stores import open_books, read_holds, see_head

BUYER = Buyer()
STRANGER = Account.from_key("0x" + "77" * 32)
OTHER_SERVICE = "did:nv:" + "0" * 63 + "8"


def look(url: str, buyer: Buyer = BUYER) -> tuple[int, int]:
    """Return what a buyer's account has committed and holds, after the meter was closed, and check the books."""
    store = open_books(url)
    check_books(store)
    found = read_holds(store, buyer.key)
    store.close()
    return found


def count_holds(url: str) -> int:
    """Return how many holds were ever stored."""
    store = open_books(url)
    ((count,),) = read_rows(store, "SELECT count(*) FROM holds")
    store.close()
    return int(count)


async def fails(asked: Coroutine[Any, Any, Any], error: type[NvmChainError]) -> Any:
    """Await something that fails, and return its error."""
    with pytest.raises(error) as caught:
        await asked
    return caught.value


# ---------------------------------------------------------------------- requests


def test_admit__by_64_workers__holds_and_charges_each_once(books_url: str) -> None:
    buyers = [Buyer(Account.from_key(number.to_bytes(32))) for number in range(1, 9)]
    views = GivenViews()

    async def work(meter: Meter, number: int) -> None:
        for _ in range(3):
            hold = held(await meter.admit(REQUEST, buyers[number % 8].pay(), 5))
            meter.charge(hold, number % 6)

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            await asyncio.gather(*(work(meter, number) for number in range(64)))

    asyncio.run(serve())
    for place, buyer in enumerate(buyers):
        charged = sum(number % 6 for number in range(64) if number % 8 == place)
        assert look(books_url, buyer) == (3 * charged, 0)
    assert sorted(views.read) == sorted(buyer.key for buyer in buyers)


def test_charge__of_a_request__tells_the_running_total(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            first, second = [held(await meter.admit(REQUEST, BUYER.pay(), 5)) for _ in range(2)]
            assert (await meter.charge(first, 4)).total == 4
            assert (await meter.charge(second, 3)).total == 7
            assert (await meter.charge(second, 3)).total == 7
            await fails(asyncio.wait_for(meter.charge(first, 5), 60), HoldOver)
            account = await meter.account(*BUYER.key)
            assert (account.committed, account.held, account.owed) == (7, 0, 7)

    asyncio.run(serve())
    assert look(books_url) == (7, 0)


def test_charge__above_the_hold__fails_and_the_hold_can_be_charged_still(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 5))
            await fails(asyncio.wait_for(meter.charge(hold, 6), 60), ChargeAboveHold)
            await meter.charge(hold, 5)

    asyncio.run(serve())
    assert look(books_url) == (5, 0)


@pytest.mark.parametrize("was_sent", [False, True])
def test_release__before_or_after_the_upstream__frees_the_voucher_or_not(books_url: str, was_sent: bool) -> None:
    async def serve() -> None:
        credential = BUYER.pay()
        async with running(books_url) as meter:
            hold = held(await meter.admit(REQUEST, credential, 5))
            await fails(meter.admit(REQUEST, credential, 5), AuthorityUsedUp)
            ended = await meter.release(hold, was_sent=was_sent)
            assert ended.state is (HoldState.RELEASED if was_sent else HoldState.RETURNED)
            if was_sent:
                await fails(meter.admit(REQUEST, credential, 5), AuthorityUsedUp)
            else:
                await meter.charge(held(await meter.admit(REQUEST, credential, 5)), 5)

    asyncio.run(serve())
    assert look(books_url) == (0 if was_sent else 5, 0)


def test_admit__one_voucher_by_many_tasks__serves_one(books_url: str) -> None:
    async def serve() -> list[Any]:
        credential = BUYER.pay()
        async with running(books_url) as meter:
            return await asyncio.gather(
                *(meter.admit(REQUEST, credential, 5) for _ in range(64)), return_exceptions=True
            )

    outcomes = asyncio.run(serve())
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)} == {AuthorityUsedUp}
    assert look(books_url) == (0, 5)


def test_admit__one_voucher_at_two_meters__serves_one(postgres_books_url: str) -> None:
    async def serve() -> None:
        credential = BUYER.pay()
        async with running(postgres_books_url) as one, running(postgres_books_url) as other:
            both = (one.admit(REQUEST, credential, 5), other.admit(REQUEST, credential, 5))
            outcomes = await asyncio.gather(*both, return_exceptions=True)
            assert sum(isinstance(outcome, AuthorityUsedUp) for outcome in outcomes) == 1
            (hold,) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
            meter, stranger = (one, other) if isinstance(outcomes[1], Exception) else (other, one)
            assert held(hold).owner == meter.owner != stranger.owner
            await meter.charge(held(hold), 5)

    asyncio.run(serve())
    assert look(postgres_books_url) == (5, 0)


def test_admit__beyond_credits_and_exposure__says_the_next_ceiling(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url, build_settings(exposure=20), GivenViews(30)) as meter:
            assert (await fails(meter.admit(REQUEST, BUYER.pay(), 31), CreditsUsedUp)).next_ceiling == 31
            assert (await fails(meter.admit(REQUEST, BUYER.pay(), 21), ExposureReached)).next_ceiling == 21
            held(await meter.admit(REQUEST, BUYER.pay(), 20))

    asyncio.run(serve())
    assert look(books_url) == (0, 20)


# ---------------------------------------------------------------------- credentials that are not good


OTHERS = {
    "target": replace(REQUEST, target="/ask?topic=coffee"),
    "method": replace(REQUEST, method="PUT"),
    "body": replace(REQUEST, body=hash_body(b"another")),
    "id": replace(REQUEST, idempotency_key="another"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_admit__bound_voucher_with_another_request__is_refused_and_not_spent(books_url: str, what: str) -> None:
    """S6: a signature is worth nothing beyond what it was signed for. The one for whom it was signed can use it still."""

    async def serve() -> None:
        credential = BUYER.pay()
        async with running(books_url) as meter:
            error = await fails(meter.admit(OTHERS[what], credential, 5), BindingMismatch)
            assert error.fields["field"] == what
            held(await meter.admit(REQUEST, credential, 5))

    asyncio.run(serve())
    assert count_holds(books_url) == 1


def test_admit__voucher_of_a_resource__is_good_for_any_body(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url, build_settings(Level.RESOURCE)) as meter:
            held(await meter.admit(OTHERS["body"], BUYER.pay(level=Level.RESOURCE), 5))
            await fails(meter.admit(OTHERS["target"], BUYER.pay(level=Level.RESOURCE), 5), BindingMismatch)
            await fails(meter.admit(REQUEST, VoucherCredential(BUYER.sign()), 5), BindingTooWeak)

    asyncio.run(serve())
    assert count_holds(books_url) == 1


def test_admit__voucher_without_a_binding__is_good_where_the_service_says_so(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url, build_settings(Level.NONE)) as meter:
            held(await meter.admit(REQUEST, VoucherCredential(BUYER.sign()), 5))
            bound = BUYER.pay()
            await fails(meter.admit(REQUEST, VoucherCredential(bound.signed), 5), VoucherMismatch)

    asyncio.run(serve())
    assert count_holds(books_url) == 1


WRONG: dict[str, tuple[dict[str, Any], type[NvmChainError]]] = {
    "another redeemer": ({"redeemer": STRANGER.address}, VoucherMismatch),
    "another chain": ({"chain_id": 1}, VoucherSignatureInvalid),
    "another contract": ({"contract": STRANGER.address}, VoucherSignatureInvalid),
    "another plan": ({"plan_id": 256}, PlanNotAccepted),
    "too early a deadline": ({"seconds": 600}, DeadlineOutOfRange),
    "too late a deadline": ({"seconds": 25 * 3_600}, DeadlineOutOfRange),
}


@pytest.mark.parametrize("what", WRONG)
def test_admit__voucher_of_somewhere_else__is_refused_and_nothing_stored(books_url: str, what: str) -> None:
    changes, error = WRONG[what]
    views = GivenViews()

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            await fails(meter.admit(REQUEST, BUYER.pay(**changes), 5), error)

    asyncio.run(serve())
    assert count_holds(books_url) == 0
    assert views.read == []


def test_admit__voucher_that_another_signed__is_refused(books_url: str) -> None:
    async def serve() -> None:
        credential, other = BUYER.pay(), Buyer(STRANGER).pay()
        forged = replace(credential.signed, signature=other.signed.signature)
        async with running(books_url) as meter:
            await fails(meter.admit(REQUEST, VoucherCredential(forged, credential.binding), 5), VoucherSignatureInvalid)
            held(await meter.admit(REQUEST, credential, 5))

    asyncio.run(serve())


def test_admit__unknown_service__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            request = Request(OTHER_SERVICE, "POST", "/ask", REQUEST.body)
            await fails(meter.admit(request, BUYER.pay(request), 5), ServiceUnknown)

    asyncio.run(serve())


# ---------------------------------------------------------------------- views


def test_admit__where_the_first_view_cannot_be_read__fails_and_reads_again_next_time(books_url: str) -> None:
    views = GivenViews(failures=[ViewUnusable(1, "of the test")])

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            credential = BUYER.pay()
            several = [meter.admit(REQUEST, BUYER.pay(), 5) for _ in range(3)]
            outcomes = await asyncio.gather(*several, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {ViewUnusable}
            held(await meter.admit(REQUEST, credential, 5))

    asyncio.run(serve())
    assert views.read == [BUYER.key] * 2


def test_admit__while_the_index_has_not_reached_the_plan__waits_for_it(books_url: str) -> None:
    """The first moments of a new gateway: the index is behind for a tenth of a second, and nobody is turned away for it."""
    views = GivenViews(failures=[UnknownPlan(PLAN), UnknownPlan(PLAN)])

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            held(await meter.admit(REQUEST, BUYER.pay(), 5))

    asyncio.run(serve())
    assert views.read == [BUYER.key] * 3


def test_admit__where_the_index_never_reaches_the_plan__says_so_and_holds_nothing(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nvm_chain.meter.first_views.FIRST_SECONDS", 0.3)
    views = GivenViews(failures=[UnknownPlan(PLAN)] * 100)

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            await fails(meter.admit(REQUEST, BUYER.pay(), 5), PlanNotReadYet)

    asyncio.run(serve())
    assert count_holds(books_url) == 0


def test_admit__where_the_chain_was_not_read_for_long__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            await asyncio.to_thread(meter.writer.run, lambda store: see_head(store, seconds_ago=1_000))
            await fails(meter.admit(REQUEST, BUYER.pay(), 5), ViewTooOld)

    asyncio.run(serve())
    assert count_holds(books_url) == 0


def test_admit__more_accounts_than_are_remembered__still_reads_each_view_once(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S8: what a process remembers of accounts has a bound. What it forgets is in the books."""
    monkeypatch.setattr("nvm_chain.meter.first_views.MOST_SEEN", 3)
    buyers = [Buyer(Account.from_key(number.to_bytes(32))) for number in range(1, 9)]
    views = GivenViews()

    async def serve() -> None:
        async with running(books_url, views=views) as meter:
            for buyer in buyers * 2:
                held(await meter.admit(REQUEST, buyer.pay(), 1))
                assert len(meter._first.seen) <= 3

    asyncio.run(serve())
    assert views.read == [buyer.key for buyer in buyers]


# ---------------------------------------------------------------------- sessions


def test_open_session__token__pays_until_it_is_revoked(books_url: str) -> None:
    async def serve() -> str:
        async with running(books_url) as meter:
            token, authority = await meter.open_session(*BUYER.open_terms())
            assert (authority.kind, authority.holder) == (AuthorityKind.SESSION, BUYER.account.address)
            assert token.startswith(TOKEN_PREFIX)
            credential = TokenCredential(token)
            assert token not in repr(credential)
            holds = [held(await meter.admit(REQUEST, credential, 5)) for _ in range(3)]
            assert (await meter.revoke_session(token)).revoked
            await fails(meter.admit(REQUEST, credential, 5), AuthorityRevoked)
            for hold in holds:
                await meter.charge(hold, 5)
            return token

    token = asyncio.run(serve())
    assert look(books_url) == (15, 0)

    async def serve_again() -> None:
        async with running(books_url) as meter:
            await fails(meter.admit(REQUEST, TokenCredential(token), 5), AuthorityRevoked)

    asyncio.run(serve_again())


def test_open_session__token__is_kept_as_its_hash_only(books_url: str) -> None:
    async def serve() -> str:
        async with running(books_url) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms())
            return token

    token = asyncio.run(serve())
    store = open_books(books_url)
    with store.asking() as pen:
        for table in ("tokens", "authorities", "accounts", "books"):
            text = repr(pen.ask(f"SELECT * FROM {table}"))
            assert token not in text
            assert token.removeprefix(TOKEN_PREFIX) not in text
    store.close()


def test_open_session__opened_again__has_one_more_token_and_the_same_limit(books_url: str) -> None:
    async def serve() -> None:
        signed, terms = BUYER.open_terms(10)
        async with running(books_url) as meter:
            first, authority = await meter.open_session(signed, terms)
            await meter.charge(held(await meter.admit(REQUEST, TokenCredential(first), 6)), 6)
            second, same = await meter.open_session(signed, terms)
            assert second != first
            assert (same.authority_id, same.spent) == (authority.authority_id, 6)
            await fails(meter.admit(REQUEST, TokenCredential(second), 5), LimitReached)
            await meter.charge(held(await meter.admit(REQUEST, TokenCredential(second), 4)), 4)
            await meter.revoke_session(first)
            await fails(meter.admit(REQUEST, TokenCredential(second), 1), AuthorityRevoked)

    asyncio.run(serve())
    assert look(books_url) == (10, 0)


def test_open_session__with_limits__keeps_to_each(books_url: str) -> None:
    async def serve() -> None:
        limits: dict[str, Any] = {"per_request": 6, "per_period": (9, 1_000_000)}
        async with running(books_url) as meter:
            token, _ = await meter.open_session(*BUYER.open_terms(**limits))
            await fails(meter.admit(REQUEST, TokenCredential(token), 7), RequestAboveLimit)
            held(await meter.admit(REQUEST, TokenCredential(token), 6))
            await fails(meter.admit(REQUEST, TokenCredential(token), 4), PeriodLimitReached)
            other, _ = await meter.open_session(*BUYER.open_terms(services=(8,)))
            await fails(meter.admit(REQUEST, TokenCredential(other), 1), ServiceNotCovered)

    asyncio.run(serve())
    assert look(books_url) == (0, 6)


def test_open_session__for_somebody_else__is_an_allowance(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            token, authority = await meter.open_session(*BUYER.open_terms(8, user=STRANGER.address))
            assert (authority.kind, authority.user) == (AuthorityKind.ALLOWANCE, STRANGER.address)
            await meter.charge(held(await meter.admit(REQUEST, TokenCredential(token), 8)), 8)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), LimitReached)

    asyncio.run(serve())
    assert look(books_url) == (8, 0)


def test_open_session__token_of_another_process__works_at_once(postgres_books_url: str) -> None:
    async def serve() -> None:
        async with running(postgres_books_url) as one, running(postgres_books_url) as other:
            token, _ = await one.open_session(*BUYER.open_terms(10))
            held(await other.admit(REQUEST, TokenCredential(token), 6))
            await fails(one.admit(REQUEST, TokenCredential(token), 6), LimitReached)
            await one.revoke_session(token)
            await fails(other.admit(REQUEST, TokenCredential(token), 1), AuthorityRevoked)

    asyncio.run(serve())
    assert look(postgres_books_url) == (0, 6)


@pytest.mark.parametrize("token", ["", "nvms_unknown", "\ud800", "x" * 10_000])
def test_admit__token_that_nobody_has__is_refused(books_url: str, token: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            error = await fails(meter.admit(REQUEST, TokenCredential(token), 1), AuthorityUnknown)
            assert not token or token not in str(error)
            await fails(meter.revoke_session(token), AuthorityUnknown)

    asyncio.run(serve())


def test_open_session__that_was_not_signed_for__is_refused(books_url: str) -> None:
    async def serve() -> None:
        signed, terms = BUYER.open_terms(10)
        _, more = BUYER.open_terms(11)
        long, long_terms = BUYER.open_terms(seconds=31 * 24 * 3_600)
        forged = replace(signed, signature=bytes(65))
        async with running(books_url) as meter:
            await fails(meter.open_session(signed, more), VoucherMismatch)
            await fails(meter.open_session(long, long_terms), DeadlineOutOfRange)
            await fails(meter.open_session(forged, terms), VoucherSignatureInvalid)
            elsewhere = BUYER.sign(context=terms.context, redeemer=STRANGER.address, seconds=3_601)
            await fails(meter.open_session(elsewhere, terms), VoucherMismatch)

    asyncio.run(serve())
    store = open_books(books_url)
    assert read_rows(store, "SELECT * FROM authorities") == []
    assert read_rows(store, "SELECT * FROM tokens") == []
    store.close()


# ---------------------------------------------------------------------- idempotency keys


KEYED = replace(REQUEST, idempotency_key="order-1")
OTHER_KEY = replace(KEYED, idempotency_key="order-2")
SECONDS = count()
"""Vouchers for the same key differ by their deadlines."""


def pay_again(request: Request = KEYED) -> VoucherCredential:
    """Return a new voucher for a request with an idempotency key."""
    binding = replace(bind(request), request_id=request.idempotency_key or "")
    return VoucherCredential(BUYER.sign(context=binding.context, seconds=3_000 + next(SECONDS)), binding)


def test_admit__request_that_comes_again_with_its_key__gets_the_kept_answer(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            hold = held(await meter.admit(KEYED, pay_again(), 5))
            await fails(meter.admit(KEYED, pay_again(), 5), RequestRunning)
            await meter.charge(hold, 5)
            await meter.keep_answer(hold, KEYED, b"encrypted", 9)
            assert await meter.admit(KEYED, pay_again(), 5) == KeptAnswer(b"encrypted", hold.hold_id)
            other = replace(KEYED, body=hash_body(b"another"))
            await fails(meter.admit(other, pay_again(other), 5), KeyReused)
            held(await meter.admit(OTHER_KEY, pay_again(OTHER_KEY), 5))

    asyncio.run(serve())
    assert look(books_url) == (5, 5)


def test_admit__request_with_a_key_that_was_not_served__may_come_again(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            for was_sent in (False, True):
                hold = held(await meter.admit(KEYED, pay_again(), 5))
                await meter.release(hold, was_sent=was_sent)
            await meter.charge(held(await meter.admit(KEYED, pay_again(), 5)), 5)

    asyncio.run(serve())
    assert look(books_url) == (5, 0)


def test_keep_answer__of_a_request_without_a_key__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with running(books_url) as meter:
            hold = held(await meter.admit(REQUEST, BUYER.pay(), 5))
            with pytest.raises(InvalidConfig, match="no idempotency key"):
                meter.keep_answer(hold, REQUEST, b"encrypted", 9)

    asyncio.run(serve())
