"""Sign-ins at the engine: each nonce opens one token, and a token admits to time plans and to plans without vouchers."""

import asyncio
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.errors import (
    AuthorityOver,
    AuthorityRevoked,
    AuthorityUnknown,
    ChargeAboveHold,
    CreditsUsedUp,
    InvalidConfig,
    InvalidMessage,
    NonceNotAccepted,
    NvmChainError,
    PeriodLimitReached,
    PlanNotAccepted,
    RequestRunning,
    ServiceNotCovered,
    ServiceUnknown,
    SignatureNeedsChain,
    SignInExpired,
    SignInMismatch,
    SignInNotYetValid,
    SignInSignatureInvalid,
    TooManyAuthorities,
    TooManyOpenRequests,
    WindowClosed,
)
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.authorities import AuthorityKind
from nvm_chain.meter.credentials import TOKEN_PREFIX, TokenCredential
from nvm_chain.meter.engine import MOST_ASKED
from nvm_chain.meter.nonces import build_nonce
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.sign_in_messages import SignInMessage
from nvm_chain.meter.store.group_rows import AccountKey, HoldState
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.sign_ins import sweep_nonces
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.window_changes import ReadWindow
from nvm_chain.meter.store.works import KeptAnswer
from nvm_chain.meter.windows import WindowPolicy
from tests.meter.services import (
    ANN,
    BOB,
    FREE_PLAN,
    ORIGIN,
    TIME_PLAN,
    PlanViews,
    build_plans,
    build_terms,
    move_head,
    opened,
    sign,
    sign_in,
    write,
)
from tests.meter.test_engine import OTHER_SERVICE, fails
from tests.support.accounts import PLAN, SERVICE
from tests.support.meter_books import check_books, read_rows
from tests.support.meter_engines import REQUEST, held
from tests.support.meter_stores import CHAIN_ID, open_books

ANNS_TIME = AccountKey(TIME_PLAN, ANN.address)


def read_table(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Return rows of the books after the meter was closed, and check the books."""
    store = open_books(url)
    check_books(store)
    rows = read_rows(store, statement)
    store.close()
    return rows


# ---------------------------------------------------------------------- time plans


def test_sign_in__to_a_time_plan__admits_as_many_requests_as_the_seller_allows(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            token = await sign_in(meter)
            assert token.startswith(TOKEN_PREFIX)
            first, second = [held(await meter.admit(REQUEST, TokenCredential(token), 50)) for _ in range(2)]
            await fails(meter.admit(REQUEST, TokenCredential(token), 50), TooManyOpenRequests)
            assert (await meter.charge(first, 0)).state is HoldState.CHARGED
            third = held(await meter.admit(REQUEST, TokenCredential(token), 50))
            await meter.release(second, was_sent=True)
            await meter.release(third, was_sent=False)
            assert (await meter.writer.do(ReadWindow(ANNS_TIME))).open_requests == 0

    asyncio.run(serve())
    assert read_table(books_url, "SELECT sum(cost), count(*) FROM holds") == [(0, 3)]


def test_sign_in__twice_by_one_holder__shares_the_places_of_the_window(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            for _ in range(2):
                held(await meter.admit(REQUEST, TokenCredential(await sign_in(meter)), 1))
            token = await sign_in(meter)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), TooManyOpenRequests)
            held(await meter.admit(REQUEST, TokenCredential(await sign_in(meter, BOB)), 1))

    asyncio.run(serve())


def test_charge__of_a_request_on_a_time_plan__costs_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            hold = held(await meter.admit(REQUEST, TokenCredential(await sign_in(meter)), 5))
            await fails(asyncio.wait_for(meter.charge(hold, 1), 60), ChargeAboveHold)
            await meter.charge(hold, 0)

    asyncio.run(serve())


def test_sign_in__with_requests_per_period__counts_those_of_all_tokens(books_url: str) -> None:
    policy = WindowPolicy(10, PeriodLimit(3, 10**8))

    async def serve() -> None:
        settings = build_plans(build_terms(windows={TIME_PLAN: policy}))
        async with opened(books_url, settings) as meter:
            tokens = [await sign_in(meter) for _ in range(2)]
            for number in range(3):
                await meter.charge(held(await meter.admit(REQUEST, TokenCredential(tokens[number % 2]), 1)), 0)
            await fails(meter.admit(REQUEST, TokenCredential(tokens[1]), 1), PeriodLimitReached)

    asyncio.run(serve())


def test_admit__request_of_a_time_plan_with_a_key__is_served_once(books_url: str) -> None:
    keyed = replace(REQUEST, idempotency_key="order-1")

    async def serve() -> None:
        async with opened(books_url) as meter:
            credential = TokenCredential(await sign_in(meter))
            hold = held(await meter.admit(keyed, credential, 1))
            await fails(meter.admit(keyed, credential, 1), RequestRunning)
            await meter.charge(hold, 0)
            await meter.keep_answer(hold, keyed, b"encrypted", 9)
            assert await meter.admit(keyed, credential, 1) == KeptAnswer(b"encrypted", hold.hold_id)

    asyncio.run(serve())


def test_sign_in__without_access__stores_nothing(books_url: str) -> None:
    """S8: only who has bought something gets a row, so nobody fills the books by signing in with new keys."""

    async def serve() -> None:
        settings = build_plans(build_terms(policies={}))
        async with opened(books_url, settings, PlanViews(access_seconds=-5)) as meter:
            message = await write(meter)
            await fails(meter.sign_in(message.text, sign(message)), WindowClosed)

    asyncio.run(serve())
    for table in ("authorities", "tokens", "nonces"):
        assert read_table(books_url, f"SELECT * FROM {table}") == []


def test_sign_in__without_credits__stores_nothing(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(build_terms(windows={})), PlanViews(balance=0)) as meter:
            message = await write(meter)
            error = await fails(meter.sign_in(message.text, sign(message)), CreditsUsedUp)
            assert (error.fields["available"], error.fields["required"], error.next_ceiling) == (0, 1, 1)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT * FROM authorities") == []


def test_admit__after_access_has_ended__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            token = await sign_in(meter)
            until = (await meter.writer.do(ReadWindow(ANNS_TIME))).least_until
            await move_head(meter, until)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), WindowClosed)

    asyncio.run(serve())


# ---------------------------------------------------------------------- plans of credits


def test_sign_in__to_a_plan_without_vouchers__holds_and_charges_credits(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(build_terms(windows={})), PlanViews(balance=20)) as meter:
            credential = TokenCredential(await sign_in(meter))
            first = held(await meter.admit(REQUEST, credential, 12))
            await fails(meter.admit(REQUEST, credential, 9), CreditsUsedUp)
            assert (await meter.charge(first, 7)).total == 7
            held(await meter.admit(REQUEST, credential, 13))
            account = await meter.account(FREE_PLAN, ANN.address)
            assert (account.committed, account.held) == (7, 13)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT spent, held, used FROM authorities") == [(7, 13, 2)]


def test_sign_in__to_a_plan_with_vouchers__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write(meter)
            error = await fails(meter.sign_in(message.text, sign(message), plan_id=PLAN), PlanNotAccepted)
            assert "a sign-in is not enough" in str(error).lower()
            assert (await meter.sign_in(message.text, sign(message), plan_id=FREE_PLAN))[1].plan_id == FREE_PLAN

    asyncio.run(serve())

    async def serve_vouchers_only() -> None:
        settings = build_plans(build_terms(policies={PLAN: Policy(100)}, windows={}))
        async with opened(books_url, settings) as meter:
            message = await write(meter)
            await fails(meter.sign_in(message.text, sign(message)), PlanNotAccepted)

    asyncio.run(serve_vouchers_only())


def test_admit__where_the_plan_wants_vouchers_since__is_refused(books_url: str) -> None:
    """A sign-in never spends what a voucher of the same holder would pay."""

    async def serve() -> str:
        async with opened(books_url, build_plans(build_terms(windows={}))) as meter:
            return await sign_in(meter)

    token = asyncio.run(serve())

    async def serve_again() -> None:
        settings = build_plans(build_terms(policies={FREE_PLAN: Policy(100)}))
        async with opened(books_url, settings) as meter:
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), PlanNotAccepted)
        async with opened(books_url, build_plans(build_terms(policies={}))) as meter:
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), PlanNotAccepted)

    asyncio.run(serve_again())


@pytest.mark.parametrize(
    ("access_seconds", "balance", "plan_id"), [(1_000, 10, TIME_PLAN), (-5, 10, FREE_PLAN), (1_000, 0, TIME_PLAN)]
)
def test_sign_in__with_several_plans__takes_the_first_on_which_there_is_something(
    books_url: str, access_seconds: int, balance: int, plan_id: int
) -> None:
    async def serve() -> None:
        async with opened(books_url, views=PlanViews(access_seconds, balance)) as meter:
            message = await write(meter)
            _, authority = await meter.sign_in(message.text, sign(message))
            assert (authority.plan_id, authority.kind) == (plan_id, AuthorityKind.SIGN_IN)
            assert (authority.holder, authority.services) == (ANN.address, (SERVICE,))

    asyncio.run(serve())


# ---------------------------------------------------------------------- nonces


def test_sign_in__message_that_was_used__is_refused(books_url: str) -> None:
    """S3: a sign-in message opens one token, also after a restart."""

    async def serve() -> SignInMessage:
        async with opened(books_url) as meter:
            message = await write(meter)
            await meter.sign_in(message.text, sign(message))
            for plan_id in (None, TIME_PLAN, FREE_PLAN):
                error = await fails(meter.sign_in(message.text, sign(message), plan_id=plan_id), NonceNotAccepted)
                assert "used before" in str(error)
            return message

    message = asyncio.run(serve())

    async def serve_again() -> None:
        async with opened(books_url) as meter:
            await fails(meter.sign_in(message.text, sign(message)), NonceNotAccepted)
            other = await write(meter, BOB.address, nonce=message.nonce)
            await fails(meter.sign_in(other.text, sign(other, BOB)), NonceNotAccepted)

    asyncio.run(serve_again())
    assert len(read_table(books_url, "SELECT * FROM tokens")) == 1


def test_sign_in__one_message_by_many_tasks_of_two_meters__opens_one_token(postgres_books_url: str) -> None:
    async def serve() -> list[Any]:
        async with opened(postgres_books_url) as one, opened(postgres_books_url) as other:
            message = await write(one)
            return await asyncio.gather(
                *(meter.sign_in(message.text, sign(message)) for meter in (one, other) * 8), return_exceptions=True
            )

    outcomes = asyncio.run(serve())
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes if not isinstance(outcome, tuple)} == {NonceNotAccepted}
    assert len(read_table(postgres_books_url, "SELECT * FROM authorities")) == 1


def test_sign_in__token_of_another_process__works_at_once(postgres_books_url: str) -> None:
    async def serve() -> None:
        async with opened(postgres_books_url) as one, opened(postgres_books_url) as other:
            message = await write(one)
            token, _ = await other.sign_in(message.text, sign(message))
            holds = [held(await meter.admit(REQUEST, TokenCredential(token), 1)) for meter in (one, other)]
            await fails(one.admit(REQUEST, TokenCredential(token), 1), TooManyOpenRequests)
            await other.charge(holds[1], 0)
            await one.revoke_session(token)
            await fails(other.admit(REQUEST, TokenCredential(token), 1), AuthorityRevoked)

    asyncio.run(serve())


NONCES = {
    "short": "0123456789abcdef",
    "not hexadecimal": "g" * 64,
    "zeros": "0" * 64,
    "of other books": build_nonce(b"other", 2_000_000_000),
}


def refuse_to_be_asked(account: str, digest: bytes, signature: bytes) -> bool:
    raise AssertionError(f"asked for {account}")


@pytest.mark.parametrize("nonce", list(NONCES.values()), ids=list(NONCES))
def test_sign_in__nonce_that_was_not_given_out__is_refused_and_no_wallet_asked(books_url: str, nonce: str) -> None:
    async def serve() -> None:
        async with opened(books_url, ask_chain=refuse_to_be_asked) as meter:
            message = await write(meter, nonce=nonce)
            for signature in (sign(message), b"\2" * 100):
                await fails(meter.sign_in(message.text, signature), NonceNotAccepted)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT * FROM nonces") == []


def test_sign_in__refused_for_its_signature__leaves_the_nonce(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write(meter)
            await fails(meter.sign_in(message.text, sign(message, BOB)), SignInSignatureInvalid)
            await fails(meter.sign_in(message.text, b"\1" * 300), SignatureNeedsChain)
            await meter.sign_in(message.text, sign(message))

    asyncio.run(serve())


def age_nonces(store: Store, *, seconds: int) -> None:
    """Let used nonces be older."""
    with store.asking() as pen:
        pen.change("UPDATE nonces SET until = until - ?", (seconds,))


def test_sign_in__before_a_restore_while_the_chain_is_ahead__is_void_after_it(books_url: str) -> None:
    """S12: tokens and nonces count by the database's clock, as the restore does."""

    async def serve() -> None:
        async with opened(books_url) as meter:
            await move_head(meter, int(time.time()) + 600)
            token = await sign_in(meter)
            message = await write(meter)
            await asyncio.to_thread(meter.writer.run, note_restore)
            await fails(meter.sign_in(message.text, sign(message)), NonceNotAccepted)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), AuthorityUnknown)

    asyncio.run(serve())


def test_sweep_nonces__of_used_ones__keeps_those_that_could_come_again(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write(meter)
            await meter.sign_in(message.text, sign(message))
            for seconds, swept in ((600, 0), (32, 1)):
                await asyncio.to_thread(meter.writer.run, partial(age_nonces, seconds=seconds))
                assert await asyncio.to_thread(meter.writer.run, sweep_nonces) == swept

    asyncio.run(serve())


def test_sign_in__nonce_from_before_a_restored_backup__is_refused(books_url: str) -> None:
    """S12: a restored backup does not know which nonces were used, so all of them are void, and so are its tokens."""

    async def serve() -> None:
        async with opened(books_url) as meter:
            token = await sign_in(meter)
            message = await write(meter)
            await asyncio.to_thread(meter.writer.run, note_restore)
            await fails(meter.sign_in(message.text, sign(message)), NonceNotAccepted)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), AuthorityUnknown)

    asyncio.run(serve())


# ---------------------------------------------------------------------- messages that are not good


WRONG: dict[str, tuple[dict[str, Any], type[NvmChainError]]] = {
    "another origin": ({"origin": "https://evil.example.com"}, SignInMismatch),
    "another scheme": ({"origin": "http://api.example.com"}, SignInMismatch),
    "another chain": ({"chain_id": CHAIN_ID + 1}, SignInMismatch),
    "another service": ({"service": OTHER_SERVICE}, ServiceUnknown),
}


@pytest.mark.parametrize("what", WRONG)
def test_sign_in__message_for_somewhere_else__is_refused_and_nothing_stored(books_url: str, what: str) -> None:
    """S6: a signature is worth nothing at another service, chain, key or gateway."""
    changes, error = WRONG[what]

    async def serve() -> None:
        async with opened(books_url) as meter:
            message = await write(meter, **changes)
            await fails(meter.sign_in(message.text, sign(message)), error)

    asyncio.run(serve())
    assert read_table(books_url, "SELECT * FROM authorities") == []


@pytest.mark.parametrize(("seconds", "error"), [(-601, SignInExpired), (60, SignInNotYetValid)])
def test_sign_in__message_of_another_time__is_refused(books_url: str, seconds: int, error: type[NvmChainError]) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            now = (await meter.challenge()).issued_at
            message = await write(meter, now=now + seconds)
            await fails(meter.sign_in(message.text, sign(message)), error)
            await fails(meter.sign_in("sign in, please", sign(message)), InvalidMessage)

    asyncio.run(serve())


def test_sign_in__message_without_a_service__is_refused(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            for resources in (None, ("https://api.example.com/ask",)):
                message = replace(await write(meter), resources=resources)
                await fails(meter.sign_in(message.text, sign(message)), SignInMismatch)

    asyncio.run(serve())


def test_challenge__of_a_meter_without_an_origin__says_what_to_set(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url, build_plans(origins=())) as meter:
            assert "origin" in str(await fails(meter.challenge(), InvalidConfig))
        async with opened(books_url, build_plans(origins=("https://other.example.com", ORIGIN))) as meter:
            message = await write(meter, origin=ORIGIN)
            await meter.sign_in(message.text, sign(message))

    asyncio.run(serve())


def test_sign_in__token__is_for_the_services_of_the_message(books_url: str) -> None:
    async def serve() -> None:
        other = build_terms(OTHER_SERVICE)
        async with opened(books_url, build_plans(build_terms(), other)) as meter:
            token = await sign_in(meter, service=OTHER_SERVICE)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), ServiceNotCovered)
            held(await meter.admit(replace(REQUEST, service=OTHER_SERVICE), TokenCredential(token), 1))

    asyncio.run(serve())


def test_sign_in__token__ends_when_the_seller_says(books_url: str) -> None:
    async def serve() -> None:
        settings = build_plans(sign_in_seconds=50)
        async with opened(books_url, settings) as meter:
            message = await write(meter)
            token, authority = await meter.sign_in(message.text, sign(message))
            assert authority.end == authority.start + 50
            for seconds in (0, 1):
                await move_head(meter, authority.end + seconds)
                if seconds:
                    await fails(meter.admit(REQUEST, TokenCredential(token), 1), AuthorityOver)
                else:
                    held(await meter.admit(REQUEST, TokenCredential(token), 1))

    asyncio.run(serve())


def test_sign_in__more_than_the_meter_keeps__is_refused_and_leaves_the_nonce(
    books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S8: a holder's sign-ins have a bound until they end. Those of others have their own."""
    monkeypatch.setattr("nvm_chain.meter.store.sign_ins.MOST_AUTHORITIES", 3)

    async def serve() -> None:
        async with opened(books_url) as meter:
            tokens = [await sign_in(meter) for _ in range(3)]
            await meter.revoke_session(tokens[0])
            message = await write(meter)
            await fails(meter.sign_in(message.text, sign(message)), TooManyAuthorities)
            await sign_in(meter, BOB)
            await meter.sign_in(message.text, sign(message), plan_id=FREE_PLAN)

    asyncio.run(serve())
    assert len(read_table(books_url, "SELECT * FROM nonces")) == 5


# ---------------------------------------------------------------------- contract wallets


def test_sign_in__by_a_contract_wallet__asks_the_chain_outside_of_the_loop(books_url: str) -> None:
    wallet, asked = Account.from_key("0x" + "d4" * 32), []

    async def serve() -> None:
        async with opened(books_url, ask_chain=ask) as meter:
            message = await write(meter, wallet.address)
            token, authority = await meter.sign_in(message.text, b"\2" * 100)
            assert authority.holder == wallet.address
            held(await meter.admit(REQUEST, TokenCredential(token), 1))
            again = await write(meter, wallet.address)
            await fails(meter.sign_in(again.text, b"\3" * 100), SignInSignatureInvalid)

    def ask(account: str, digest: bytes, signature: bytes) -> bool:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        asked.append(account)
        return signature == b"\2" * 100

    asyncio.run(serve())
    assert asked == [wallet.address] * 2


def test_sign_in__by_many_slow_wallets__leaves_threads_for_everybody_else(books_url: str) -> None:
    """S8: a wallet that answers slowly holds up other wallets only."""
    wallet, gate, running = Account.from_key("0x" + "d4" * 32), threading.Event(), set[int]()

    def ask(account: str, digest: bytes, signature: bytes) -> bool:
        running.add(signature[0])
        return gate.wait(60) and account == wallet.address and len(digest) == 32

    async def serve() -> None:
        async with opened(books_url, ask_chain=ask) as meter:
            token = await sign_in(meter)
            messages = [await write(meter, wallet.address) for _ in range(12)]
            waiting = [
                asyncio.ensure_future(meter.sign_in(message.text, bytes([number]) * 100))
                for number, message in enumerate(messages)
            ]
            while len(running) < MOST_ASKED:
                await asyncio.sleep(0)
            held(await meter.admit(REQUEST, TokenCredential(token), 1))
            await fails(meter.admit(REQUEST, TokenCredential("unknown"), 1), AuthorityUnknown)
            assert len(running) == MOST_ASKED
            gate.set()
            assert len(await asyncio.gather(*waiting)) == 12

    asyncio.run(serve())
