"""Proofs for allowances in the books: nonces that are used once, and tokens that end before their allowance."""

import pytest
from eth_account import Account

from nvm_chain.errors import NonceNotAccepted, SignInMismatch, TooManyTokens
from nvm_chain.meter.nonces import build_nonce
from nvm_chain.meter.proofs import build_revocation_proof, build_use_proof, refuse_proof
from nvm_chain.meter.session_terms import build_session_terms
from nvm_chain.meter.sign_in_messages import parse_sign_in
from nvm_chain.meter.store.places import MOST_TOKENS
from nvm_chain.meter.store.sessions import KeepSession, find_session
from nvm_chain.meter.store.sign_ins import read_challenger, use_nonce
from nvm_chain.meter.store.store import Store
from nvm_chain.types.ids import format_did
from tests.support.meter_stores import build_session, key_of

HOLDER, USER = Account.create(), Account.create()
DIGEST = bytes(range(32))
WHERE = {"origin": "https://api.example.com", "chain_id": 8453, "nonce": "a" * 32, "now": 1_800_000_000}
TERMS = build_session_terms(255, holder=HOLDER.address, user=USER.address, limit=10, end=1_900_000_000, services=(7, 8))


def test_use_nonce__twice__is_refused(store: Store) -> None:
    challenger = read_challenger(store)
    nonce = build_nonce(challenger.secret, challenger.clock)
    use_nonce(store, nonce)
    with pytest.raises(NonceNotAccepted, match="was used before"):
        use_nonce(store, nonce)
    with pytest.raises(NonceNotAccepted):
        use_nonce(store, build_nonce(b"another secret", challenger.clock))


def test_token__that_has_ended__leaves_its_place_to_another(store: Store) -> None:
    now = read_challenger(store).now
    session = build_session(key=key_of(9))

    def keep(number: int, until: int) -> object:
        (kept,) = store.run([KeepSession(session, None, bytes([number]) * 32, until)])
        return kept

    for number in range(2 * MOST_TOKENS):
        assert not isinstance(keep(number, now - 1), TooManyTokens)
    found = find_session(store, bytes([1]) * 32)
    assert found is not None
    assert found.until == now - 1
    kept = [keep(100 + number, 0 if number % 2 else now + 1_000) for number in range(MOST_TOKENS + 1)]
    assert [isinstance(each, TooManyTokens) for each in kept] == [False] * MOST_TOKENS + [True]


def test_proof__as_it_is_written__is_read_again() -> None:
    for proof in (build_use_proof(TERMS, DIGEST), build_revocation_proof(TERMS, DIGEST)):
        message = parse_sign_in(proof.write(service=7, **WHERE))  # type: ignore[arg-type]
        proof.check(message)
        assert message.statement == proof.statement
        assert message.services == (format_did(7),)
        with pytest.raises(SignInMismatch):
            refuse_proof(message)


def test_proof__for_something_else__is_refused() -> None:
    use, revocation = build_use_proof(TERMS, DIGEST), build_revocation_proof(TERMS, DIGEST)
    other = build_use_proof(TERMS, bytes(32))
    text = use.write(service=7, **WHERE)  # type: ignore[arg-type]
    for proof in (revocation, other):
        with pytest.raises(SignInMismatch):
            proof.check(parse_sign_in(text))
    with pytest.raises(SignInMismatch, match="list of resources"):
        use.check(parse_sign_in(use.write(service=9, **WHERE)))  # type: ignore[arg-type]
    twice = parse_sign_in(f"{text}\n- {other.resource}")
    with pytest.raises(SignInMismatch):
        use.check(twice)
