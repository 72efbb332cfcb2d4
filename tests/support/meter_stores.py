"""Stores of a meter for tests: books of one deployment, with accounts, vouchers and sessions that need no chain."""

import secrets
import time
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace

from nvm_chain.meter.admission import Policy
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.account_changes import DropVouchers, OpenAuthority, SeeView
from nvm_chain.meter.store.admissions import AdmitUse, AdmitVoucher
from nvm_chain.meter.store.changes import Change
from nvm_chain.meter.store.group_rows import AccountKey, StoredHold
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.sessions import ReadAccount
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.works import Work
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.signing.vouchers import SignedVoucher, Voucher, voucher_digest
from nvm_chain.types.addresses import format_address
from tests.support.accounts import HOLDER, PLAN, REDEEMER, SERVICE, build_view

CHAIN_ID: Final = 31337
CREDITS: Final = format_address(b"\x0c" * 20)
KEY: Final = AccountKey(PLAN, HOLDER)
OWNER: Final = b"owner of tests.."
EXPOSURE: Final = Policy(exposure=10_000_000)
FAR: Final = 2**64 - 1
"""The largest ceiling and deadline of a voucher."""


def open_books(where: str) -> Store:
    """Open the books of the tests' deployment, as the chain was read just now."""
    store = open_store(where, chain_id=CHAIN_ID, credits=CREDITS)
    see_head(store)
    return store


def reopen(store: Store, where: str) -> Store:
    """Close a store, and open its books again, as after a restart."""
    store.close()
    return open_books(where)


def see_head(store: Store, *, seconds_ago: int = 0, head_time: int = 0) -> None:
    """Note that the chain was read some seconds ago."""
    store.note_head(1, bytes(32), head_time, int(time.time()) - seconds_ago)


def key_of(number: int) -> AccountKey:
    """Return an account by its number."""
    return AccountKey(PLAN, format_address(number.to_bytes(20)))


def run(store: Store, change: Change[Any]) -> Any:
    """Return the outcome of a change in a group of its own."""
    (outcome,) = store.run([change])
    return outcome


def see_balance(balance: int, *, key: AccountKey = KEY, block_number: int = 1, **more: Any) -> SeeView:
    """Return the view of an account with a balance that counts at once."""
    return SeeView(key, (build_view(block_number, balance, time=int(time.time()), **more),), depth=0)


def fill(store: Store, balance: int, keys: Iterable[AccountKey] = (KEY,)) -> None:
    """Give accounts a balance."""
    for outcome in store.run([see_balance(balance, key=key) for key in keys]):
        assert isinstance(outcome, Account), outcome


def read_account(store: Store, key: AccountKey = KEY) -> Account:
    """Return an account."""
    account: Account = run(store, ReadAccount(key))
    return account


def read_holds(store: Store, key: AccountKey = KEY) -> tuple[int, int]:
    """Return what an account has committed, and what it holds."""
    account = read_account(store, key)
    return account.committed, account.held


def sign(ceiling: int = 100_000, *, key: AccountKey = KEY, deadline: int = 0, context: bytes = b"") -> SignedVoucher:
    """Return a voucher that was never signed by anyone: the store looks at none of the signatures. Each one is another one."""
    last = deadline or int(time.time()) + 3_600
    voucher = Voucher(*key, REDEEMER, ceiling, context or secrets.token_bytes(32), last)
    return SignedVoucher(voucher, secrets.token_bytes(65))


def find_digest(signed: SignedVoucher) -> bytes:
    """Return the digest by which a voucher is spent."""
    return voucher_digest(signed.voucher, chain_id=CHAIN_ID, contract=CREDITS)


def build_work(credits: int, context: bytes = bytes(32), **changes: Any) -> Work:
    """Return what a request needs."""
    work: dict[str, Any] = {"policy": EXPOSURE, "owner": OWNER, "seconds": 600, **changes}
    return Work(Ask(credits, SERVICE, context), request=context, **work)


def present(signed: SignedVoucher, credits: int, **changes: Any) -> AdmitVoucher:
    """Return the admission of a request with a voucher."""
    return AdmitVoucher(signed, find_digest(signed), build_work(credits, signed.voucher.context, **changes))


def build_session(*, key: AccountKey = KEY, authority_id: bytes = b"\5" * 32, **changes: Any) -> Authority:
    """Return a session without limits, which has begun now."""
    now = int(time.time())
    session = Authority(authority_id, AuthorityKind.SESSION, *key, key.holder, start=now, end=now + 10_000)
    return replace(session, **changes)


def open_session(store: Store, ceiling: int = 100_000, *, key: AccountKey = KEY, **changes: Any) -> Authority:
    """Open a session that a voucher pays."""
    opened = run(store, OpenAuthority(build_session(key=key, **changes), sign(ceiling, key=key)))
    assert isinstance(opened, Authority), opened
    return opened


def use(session: Authority, credits: int, **changes: Any) -> AdmitUse:
    """Return the admission of a request in a session."""
    key = AccountKey(session.plan_id, session.holder)
    return AdmitUse(key, session.authority_id, secrets.token_bytes(16), build_work(credits, **changes))


def admitted(outcome: Any) -> StoredHold:
    """Return a hold, and fail for a refusal."""
    assert isinstance(outcome, StoredHold), outcome
    return outcome


def read_front(store: Store, key: AccountKey = KEY) -> VoucherFront:
    """Return the vouchers that are kept of an account."""
    front: VoucherFront = run(store, DropVouchers(key, 0))
    return front
