"""Open authorities of a holder in the books, and their end by the holder's own word. On both databases."""

import asyncio
import time
from typing import Any

import pytest

from nvm_chain.errors import AuthorityRevoked, AuthorityUnknown
from nvm_chain.meter.authorities import AuthorityKind
from nvm_chain.meter.credentials import TokenCredential
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.account_changes import RevokeAuthority
from nvm_chain.meter.store.open_authorities import find_owner, list_open
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.store import Store
from tests.meter.services import ANN, BOB, FREE_PLAN, TIME_PLAN, opened, sign_in
from tests.meter.test_engine import fails
from tests.support.meter_engines import REQUEST, held
from tests.support.meter_stores import KEY, key_of, open_session, run

OTHER = key_of(9)


def test_list_open__of_a_holder__has_what_is_open_and_nothing_of_others(store: Store) -> None:
    now = int(time.time())
    limits: dict[str, Any] = {"limit": 20, "per_request": 8, "per_period": PeriodLimit(14, 3_600)}
    later = open_session(store, authority_id=b"\1" * 32, end=now + 9_000, **limits)
    sooner = open_session(store, authority_id=b"\2" * 32, end=now + 8_000, kind=AuthorityKind.ALLOWANCE)
    open_session(store, authority_id=b"\3" * 32, end=now - 1)
    others = open_session(store, authority_id=b"\4" * 32, key=OTHER)
    revoked = open_session(store, authority_id=b"\6" * 32)
    run(store, RevokeAuthority(KEY, revoked.authority_id))
    assert list_open(store, KEY.holder, [KEY.plan_id]) == [sooner, later]
    assert list_open(store, KEY.holder, [KEY.plan_id + 1]) == []
    assert list_open(store, OTHER.holder, [KEY.plan_id]) == [others]


def test_list_open__after_a_restored_backup__is_empty(store: Store) -> None:
    session = open_session(store, start=int(time.time()) - 60)
    assert list_open(store, KEY.holder, [KEY.plan_id]) == [session]
    note_restore(store)
    assert list_open(store, KEY.holder, [KEY.plan_id]) == []


def test_find_owner__of_an_authority__is_its_account(store: Store) -> None:
    session = open_session(store, key=OTHER)
    assert find_owner(store, session.authority_id) == OTHER
    assert find_owner(store, bytes(32)) is None
    assert find_owner(store, b"") is None


def test_end_authority__by_its_holder__ends_it_at_once_and_no_other_one(books_url: str) -> None:
    async def serve() -> None:
        async with opened(books_url) as meter:
            token, kept = await sign_in(meter, BOB), await sign_in(meter, BOB)
            authority = await meter.check_token(token)
            held(await meter.admit(REQUEST, TokenCredential(token), 1))
            with pytest.raises(AuthorityUnknown):
                await meter.end_authority(ANN.address, authority.authority_id, {TIME_PLAN})
            with pytest.raises(AuthorityUnknown):
                await meter.end_authority(BOB.address, authority.authority_id, {FREE_PLAN})
            with pytest.raises(AuthorityUnknown):
                await meter.end_authority(BOB.address, bytes(32), {TIME_PLAN})
            ended = await meter.end_authority(BOB.address, authority.authority_id, {TIME_PLAN})
            assert (ended.authority_id, ended.revoked) == (authority.authority_id, True)
            await fails(meter.admit(REQUEST, TokenCredential(token), 1), AuthorityRevoked)
            held(await meter.admit(REQUEST, TokenCredential(kept), 1))
            await meter.end_authority(BOB.address, authority.authority_id, {TIME_PLAN})  # again is the same

    asyncio.run(serve())
