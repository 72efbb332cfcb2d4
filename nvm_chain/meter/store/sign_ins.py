"""Sign-ins in the store: a nonce is used once, and with it an authority is opened that has one token."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from nvm_chain.errors import NonceNotAccepted
from nvm_chain.errors.fields import Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.nonces import check_nonce
from nvm_chain.meter.sign_in import LEEWAY_SECONDS, MAX_SECONDS
from nvm_chain.meter.store.group_rows import CLOSED_SECONDS, AccountKey
from nvm_chain.meter.store.packing import pack_authority, pack_key
from nvm_chain.meter.store.places import MOST_AUTHORITIES, count_authorities, refuse_more_authorities
from nvm_chain.meter.store.schema import authorities, tokens
from nvm_chain.meter.store.statements import CLOCK, write_statements
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.times import find_now

KEPT_SECONDS: Final = MAX_SECONDS + LEEWAY_SECONDS
"""How long a used nonce is kept. After that it is refused because of its age."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """What it takes to give out nonces. ``now`` is the database's time, or that of the latest block if that is later.

    Nonces count by ``clock``, the database's time alone, which also decides what a restored backup makes void.
    """

    secret: bytes = field(repr=False)
    now: Time
    clock: Time


def read_challenger(store: Store) -> Challenger:
    """Return the secret and the time of the books. Raises IndexFailure if they cannot be read."""
    clock = CLOCK[store.engine.dialect.name]
    with store.asking() as pen:
        ((secret, head_time, now),) = pen.ask(f"SELECT store_id, head_time, {clock} FROM books")  # noqa: S608
    return Challenger(sha256(b"nonces of sign-ins" + bytes(secret)).digest(), find_now(head_time, now), now)


def keep_sign_in(store: Store, authority: Authority, token_hash: bytes, nonce: str) -> None:
    """Use a nonce, open an authority, and keep the hash of its token. All of it is stored, or nothing.

    Raises:
        NonceNotAccepted: The nonce was used before, or has expired.
        TooManyAuthorities: The holder has too many authorities that have not ended.
        IndexFailure: The books cannot be written.
    """
    key = AccountKey(authority.plan_id, authority.holder)
    challenger = read_challenger(store)
    with store.asking() as pen:
        statements = write_statements(pen)
        _, (clock, *_, closed_until), _ = statements.read([pack_key(key)], ())
        _use_nonce(pen, challenger, nonce, clock, closed_until)
        if count_authorities(pen, key, challenger.now) >= MOST_AUTHORITIES:
            raise refuse_more_authorities(key)
        statements.put(authorities, [pack_authority(replace(authority, start=min(authority.start, clock)))])
        statements.put(tokens, [(token_hash, authority.authority_id, *pack_key(key), 0)])


def use_nonce(store: Store, nonce: str) -> None:
    """Use a nonce for a proof that opens no authority of its own.

    Raises:
        NonceNotAccepted: The nonce was used before, or has expired.
        IndexFailure: The books cannot be written.
    """
    challenger = read_challenger(store)
    with store.asking() as pen:
        _, (clock, *_, closed_until), _ = write_statements(pen).read([], ())
        _use_nonce(pen, challenger, nonce, clock, closed_until)


def _use_nonce(pen: Pen, challenger: Challenger, nonce: str, clock: Time, closed_until: Time) -> None:
    issued_at = check_nonce(challenger.secret, nonce, now=clock, since=max(0, closed_until - CLOSED_SECONDS))
    used = pen.change(
        "INSERT INTO nonces (nonce, until) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (bytes.fromhex(nonce), issued_at + KEPT_SECONDS),
    )
    if not used:
        raise NonceNotAccepted("was used before")


def sweep_nonces(store: Store) -> int:
    """Forget used nonces that are too old to be accepted. Return how many."""
    now = read_challenger(store).clock
    with store.asking() as pen:
        return pen.change("DELETE FROM nonces WHERE until < ?", (now,))
