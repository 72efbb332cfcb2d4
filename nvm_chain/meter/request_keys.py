"""Idempotency keys of requests: under which name a request is stored, and by which digest it is known again."""

from hashlib import sha256

from nvm_chain.meter.bindings import Binding, Level
from nvm_chain.meter.bodies import NO_BODY
from nvm_chain.meter.idempotency import find_scope
from nvm_chain.meter.requests import Request
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.works import KeyUse


def name_account(key: AccountKey) -> bytes:
    """Return the 32 bytes under which the idempotency keys of a holder's vouchers count.

    A request that comes again may bring another voucher. So its key counts for the account, and not for one voucher.
    """
    return sha256(key.plan_id.to_bytes(32) + bytes.fromhex(key.holder[2:])).digest()


def hash_request(request: Request) -> bytes:
    """Return the digest by which a request with a key is known again: its full binding, with the key as its id."""
    key = request.idempotency_key or ""
    return Binding(Level.FULL, request.method, request.service, request.target, request.body or NO_BODY, key).context


def find_key(request: Request, authority_id: bytes) -> KeyUse | None:
    """Return how the idempotency key of a request is stored, or None if it came without one."""
    if request.idempotency_key is None:
        return None
    return KeyUse(find_scope(authority_id, request.service, request.idempotency_key), hash_request(request))
