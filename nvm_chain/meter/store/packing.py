"""Rows of the store: how accounts, authorities and holds are written into columns, and read again."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from nvm_chain.index.raw_events import name_address
from nvm_chain.index.rows import account_key, plan_key, read_id
from nvm_chain.meter.authorities import Authority, AuthorityKind, Hold
from nvm_chain.meter.books import Account, Mark
from nvm_chain.meter.idempotency import KeyedRequest
from nvm_chain.meter.limits import Counted, Usages
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.store.group_rows import AccountKey, HoldState, StoredAccount, StoredHold, StoredRequest
from nvm_chain.meter.store.schema import MAX_STORED
from nvm_chain.meter.views import Lot, PastView, View
from nvm_chain.meter.voucher_fronts import VoucherFront
from nvm_chain.meter.windows import WindowAccount, WindowView
from nvm_chain.signing.vouchers import SignedVoucher, Voucher
from nvm_chain.types.ids import DID_PREFIX

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode
_decode_usages: Final = msgspec.msgpack.Decoder(Usages).decode
_decode_counted: Final = msgspec.msgpack.Decoder(Counted).decode
_NOTHING: Final = _encode(())
_LARGEST: Final = 2**64 - 1
"""The largest integer in packed bytes. Sums over the whole life of an account can be larger, and count as this one."""
_KEPT: Final = 8_192
"""How many keys, views and vouchers are remembered as they were read or written. They stay the same in most rows."""
_DIGITS: Final = 64
"""How many digits a DID has."""
REVOKED: Final = 1
UNSIGNED: Final = 2
_KINDS: Final[Mapping[str, AuthorityKind]] = {kind.name: kind for kind in AuthorityKind}


@lru_cache(maxsize=_KEPT)
def pack_service(service: str) -> bytes:
    """Return a service as the column has it: the 32 bytes of its DID. Another text, which tests may have, stays a text."""
    digits = service.removeprefix(DID_PREFIX)
    return bytes.fromhex(digits) if len(digits) == _DIGITS and digits != service else service.encode()


@lru_cache(maxsize=_KEPT)
def unpack_service(packed: bytes) -> str:
    """Return the service of `pack_service`."""
    return f"{DID_PREFIX}{packed.hex()}" if 2 * len(packed) == _DIGITS else packed.decode()


@lru_cache(maxsize=_KEPT)
def pack_key(key: AccountKey) -> tuple[bytes, bytes]:
    """Return a plan and a holder as the columns have them."""
    return plan_key(key.plan_id), account_key(key.holder)


def unpack_key(plan: bytes, holder: bytes) -> AccountKey:
    """Return the plan and the holder of a row."""
    return AccountKey(read_id(bytes(plan)), name_address(bytes(holder)))


# ---------------------------------------------------------------------- accounts


def pack_numbers(account: Account) -> tuple[int, ...]:
    """Return the numbers of the books in an account's row, in the order of the columns."""
    return (account.committed, account.held, account.blocked, account.written_off)


def pack_account(stored: StoredAccount) -> tuple[Any, ...]:
    """Return an account's row, without its past views."""
    account = stored.account
    return (
        *pack_key(AccountKey(account.plan_id, account.holder)),
        *pack_numbers(account),
        account.least_backing,
        account.least_others,
        min(account.ceiling, MAX_STORED),
        min(account.ceiling_end, MAX_STORED),
        account.owed_since,
        min(account.view.settled, MAX_STORED),
        min(account.view.taken, MAX_STORED),
        pack_view(account.view),
        pack_marks(account.marks),
        pack_front(stored.front),
        pack_usages(stored.usages),
    )


def unpack_account(key: AccountKey, row: Any, past: bytes | None, *, has_past: bool) -> StoredAccount:
    """Return an account from its row, as `pack_account` writes it."""
    front = unpack_front(key, row[15])
    account = Account(
        plan_id=key.plan_id,
        holder=key.holder,
        committed=row[2],
        held=row[3],
        blocked=row[4],
        written_off=row[5],
        view=unpack_view(row[13]),
        past=() if past is None else unpack_past(past),
        marks=unpack_marks(row[14]),
        least_backing=row[6],
        least_others=row[7],
        ceiling=row[8],
        ceiling_end=row[9],
        owed_since=row[10],
    )
    return StoredAccount(account, front, has_past, unpack_usages(row[16]))


def pack_view(view: View) -> bytes:
    """Return a view as bytes."""
    lots = [(lot.end, lot.credits) for lot in view.lots]
    ended = [(lot.end, lot.credits) for lot in view.ended]
    numbers = [min(number, _LARGEST) for number in (view.balance, view.settled, view.taken, view.lapsed)]
    return _encode((view.block_number, view.block_hash, view.time, *numbers, lots, ended))


@lru_cache(maxsize=_KEPT)
def unpack_view(packed: bytes) -> View:
    """Return the view of `pack_view`."""
    number, block_hash, time, balance, settled, taken, lapsed, lots, ended = _decode(packed)
    some, others = tuple(Lot(*lot) for lot in lots), tuple(Lot(*lot) for lot in ended)
    return View(number, block_hash, time, balance, settled, taken, lapsed, some, others)


def pack_past(past: tuple[PastView, ...]) -> bytes:
    """Return past views as bytes."""
    return _encode(
        [
            (
                each.block_number,
                each.block_hash,
                each.time,
                min(each.backing, _LARGEST),
                max(each.others, -MAX_STORED),
                each.written_off,
            )
            for each in past
        ]
    )


def unpack_past(packed: bytes) -> tuple[PastView, ...]:
    """Return the past views of `pack_past`."""
    return tuple(PastView(*each) for each in _decode(packed))


def pack_marks(marks: tuple[Mark, ...]) -> bytes:
    """Return marks as bytes."""
    if not marks:
        return _NOTHING
    return _encode([(mark.end, mark.committed) for mark in marks])


def unpack_marks(packed: bytes) -> tuple[Mark, ...]:
    """Return the marks of `pack_marks`."""
    return () if packed == _NOTHING else tuple(Mark(*mark) for mark in _decode(packed))


def pack_front(front: VoucherFront) -> bytes:
    """Return the vouchers of an account as bytes. Plan and holder are those of the account."""
    if not front.vouchers:
        return _NOTHING
    return _encode(
        [
            (
                bytes.fromhex(signed.voucher.redeemer[2:]),
                signed.voucher.ceiling,
                signed.voucher.context,
                signed.voucher.deadline,
                signed.signature,
            )
            for signed in front.vouchers
        ]
    )


def pack_usages(usages: Usages) -> bytes:
    """Return counters of limits as bytes."""
    return _encode(usages) if usages else _NOTHING


def unpack_usages(packed: bytes) -> Usages:
    """Return the counters of `pack_usages`."""
    return () if packed == _NOTHING else _decode_usages(packed)


@lru_cache(maxsize=_KEPT)
def unpack_front(key: AccountKey, packed: bytes) -> VoucherFront:
    """Return the vouchers of `pack_front`."""
    return VoucherFront(
        tuple(
            SignedVoucher(Voucher(*key, name_address(redeemer), ceiling, context, deadline), signature)
            for redeemer, ceiling, context, deadline, signature in _decode(packed)
        )
    )


# ---------------------------------------------------------------------- refused vouchers


def pack_refused(digest: bytes, signed: SignedVoucher, clock: int) -> tuple[Any, ...]:
    """Return the row of a voucher whose signature its contract wallet no longer accepts."""
    voucher = signed.voucher
    key = pack_key(AccountKey(voucher.plan_id, voucher.holder))
    return (digest, *key, account_key(voucher.redeemer), min(voucher.ceiling, MAX_STORED), clock)


# ---------------------------------------------------------------------- windows


def pack_window(window: WindowAccount) -> tuple[Any, ...]:
    """Return the row of an access window."""
    past = _encode(
        [
            (view.block_number, min(view.access_until, MAX_STORED), min(view.unopened, MAX_STORED))
            for view in window.past
        ]
    )
    numbers = (window.open_requests, window.period, window.period_used, min(window.least_until, MAX_STORED))
    return (*pack_key(AccountKey(window.plan_id, window.holder)), *numbers, past)


def unpack_window(row: Any, key: AccountKey) -> WindowAccount:
    """Return an access window from its row. ``key`` is its holder and plan."""
    past = tuple(WindowView(*view) for view in _decode(row[6]))
    return WindowAccount(*key, open_requests=row[2], period=row[3], period_used=row[4], past=past, least_until=row[5])


# ---------------------------------------------------------------------- authorities


def pack_authority(authority: Authority) -> tuple[Any, ...]:
    """Return an authority's row."""
    period = authority.per_period
    return (
        authority.authority_id,
        *pack_key(AccountKey(authority.plan_id, authority.holder)),
        authority.kind.name,
        bytes.fromhex(authority.user[2:]),
        authority.start,
        min(authority.end, MAX_STORED),
        _fit(authority.uses),
        _fit(authority.limit),
        _fit(authority.per_request),
        None if period is None else _fit(period.credits),
        None if period is None else period.seconds,
        " ".join(authority.services),
        authority.context,
        REVOKED * authority.revoked + UNSIGNED * authority.unsigned,
        authority.used,
        authority.spent,
        authority.held,
        authority.period,
        authority.period_used,
        authority.max_periods,
        authority.opened,
    )


def read_kind(name: str) -> AuthorityKind:
    """Return the kind of an authority from its column."""
    return _KINDS[name]


def _fit(limit: int | None) -> int | None:
    """Return a limit as a column can have it."""
    return None if limit is None else min(limit, MAX_STORED)


def unpack_authority(row: Any, key: AccountKey) -> Authority:
    """Return an authority from its row. ``key`` is its account."""
    return Authority(
        bytes(row[0]),
        _KINDS[row[3]],
        *key,
        user=name_address(bytes(row[4])),
        start=row[5],
        end=row[6],
        uses=row[7],
        limit=row[8],
        per_request=row[9],
        per_period=None if row[10] is None else PeriodLimit(row[10], row[11]),
        services=tuple(row[12].split()),
        context=bytes(row[13]),
        revoked=bool(row[14] & REVOKED),
        unsigned=bool(row[14] & UNSIGNED),
        used=row[15],
        spent=row[16],
        held=row[17],
        period=row[18],
        period_used=row[19],
        max_periods=row[20],
        opened=row[21],
    )


# ---------------------------------------------------------------------- requests with idempotency keys


def pack_request(request: StoredRequest) -> tuple[Any, ...]:
    """Return the row of a request with an idempotency key."""
    keyed = request.keyed
    return (keyed.scope, keyed.digest, request.hold_id, keyed.answered_at, keyed.size, request.answer)


def unpack_request(row: Any) -> StoredRequest:
    """Return a request from its row."""
    answer = None if row[5] is None else bytes(row[5])
    return StoredRequest(KeyedRequest(bytes(row[0]), bytes(row[1]), row[3], row[4]), bytes(row[2]), answer)


# ---------------------------------------------------------------------- holds


def pack_hold(stored: StoredHold) -> tuple[Any, ...]:
    """Return a hold's row."""
    return (
        stored.hold_id,
        *pack_key(stored.key),
        stored.hold.authority_id,
        stored.hold.credits,
        stored.hold.period,
        stored.request,
        stored.owner,
        stored.opened_at,
        stored.until,
        int(stored.state),
        stored.cost,
        stored.ended_at,
        stored.total,
        stored.attempt,
        stored.scope,
        b"" if stored.counted is None else _encode(stored.counted),
        pack_service(stored.service),
    )


def pack_end(stored: StoredHold) -> tuple[Any, ...]:
    """Return what the end of a hold changes in its row, and the key at the end."""
    return (int(stored.state), stored.cost, stored.ended_at, stored.total, stored.hold_id)


def unpack_hold(row: Any, key: AccountKey) -> StoredHold:
    """Return a hold from its row. ``key`` is its account."""
    return StoredHold(
        hold_id=bytes(row[0]),
        key=key,
        hold=Hold(bytes(row[3]), row[4], row[5]),
        request=bytes(row[6]),
        owner=bytes(row[7]),
        opened_at=row[8],
        until=row[9],
        state=HoldState(row[10]),
        cost=row[11],
        ended_at=row[12],
        total=row[13],
        attempt=row[14],
        scope=bytes(row[15]),
        counted=_decode_counted(counted) if (counted := bytes(row[16])) else None,
        service=unpack_service(bytes(row[17])),
    )
