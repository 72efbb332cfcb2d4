"""signatures: each form counts or not as the vectors say, by both ways of recovering, and contracts are asked last."""

import subprocess
import sys
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import SignatureNeedsChain
from nvm_chain.signing import signatures
from nvm_chain.signing.signatures import is_signed_by, recover_address, recover_signer
from nvm_chain.types import hashes
from nvm_chain.types.hashes import keccak
from tests.support.vectors import VOUCHERS, name, read_hex

DIGEST = read_hex(VOUCHERS["vectors"][0]["digest"])
SIGNER = VOUCHERS["signer"]
FORMS: list[dict[str, Any]] = VOUCHERS["signatures"]
BACKENDS = {"coincurve": signatures._recover_by_coincurve, "eth-keys": signatures._recover_by_eth_keys}
ACCOUNT = Account.from_key(VOUCHERS["key"])


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, "_recover_key", BACKENDS[request.param])


@pytest.mark.parametrize("form", FORMS, ids=name)
@pytest.mark.usefixtures("backend")
def test_recover_signer__of_each_form__is_who_the_vectors_say(form: dict[str, Any]) -> None:
    signature = read_hex(form["signature"])
    assert recover_signer(DIGEST, signature) == form["recovers"]
    recovered = recover_address(DIGEST, signature)
    assert recovered == (None if form["recovers"] is None else read_hex(form["recovers"]))


@pytest.mark.parametrize("form", FORMS, ids=name)
@pytest.mark.usefixtures("backend")
def test_is_signed_by__of_each_form__is_the_verdict(form: dict[str, Any]) -> None:
    signature = read_hex(form["signature"])
    if len(signature) in (64, 65):
        assert is_signed_by(SIGNER, DIGEST, signature) is (form["verdict"] == "valid")
        return
    assert form["verdict"] == "invalid"
    with pytest.raises(SignatureNeedsChain) as caught:
        is_signed_by(SIGNER, DIGEST, signature)
    assert caught.value.args == (SIGNER, len(signature))


def test_vectors__have_valid_and_invalid_forms_of_every_kind() -> None:
    assert [form["name"] for form in FORMS if form["verdict"] == "valid"] == [
        "65 bytes, r, s, v",
        "64 bytes, EIP-2098",
        "65 bytes with the high s and the other v",
    ]
    assert len(FORMS) == len({form["signature"] for form in FORMS}) > 30


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=70))
def test_recover_address__of_any_bytes__is_the_same_by_both_backends(digest: bytes, signature: bytes) -> None:
    if len(signature) in (64, 65):
        normal = signature[:64] + bytes([signature[-1] & 1])
        assert BACKENDS["coincurve"](digest, normal) == BACKENDS["eth-keys"](digest, normal)
    assert recover_address(digest, signature) is None or len(signature) in (64, 65)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 519))
def test_is_signed_by__with_any_bit_changed__is_no(digest: bytes, bit: int) -> None:
    signature = bytes(ACCOUNT.unsafe_sign_hash(digest).signature)
    assert is_signed_by(ACCOUNT.address, digest, signature)
    changed = (int.from_bytes(signature, "big") ^ (1 << bit)).to_bytes(65, "big")
    assert not is_signed_by(ACCOUNT.address, digest, changed)


# ---------------------------------------------------------------------- asking the chain


def test_is_signed_by__the_account_itself__does_not_ask() -> None:
    def ask(*question: object) -> bool:
        pytest.fail(f"asked {question}")

    assert is_signed_by(SIGNER, DIGEST, read_hex(FORMS[0]["signature"]), ask)


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("signature", [b"", b"\1" * 65, b"\1" * 64, b"\1" * 600])
def test_is_signed_by__anything_else__is_what_the_chain_says(signature: bytes, answer: bool) -> None:
    asked: list[object] = []

    def ask(*question: object) -> bool:
        asked.append(question)
        return answer

    assert is_signed_by(SIGNER, DIGEST, signature, ask) is answer
    assert asked == [(SIGNER, DIGEST, signature)]


# ---------------------------------------------------------------------- backends

KNOWN = {b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"}


def test_keccak__with_and_without_pysha3__is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = [b"", b"abc", bytes(135), bytes(136), bytes(137), bytes(1000)]
    fast = [keccak(item) for item in data]
    assert vars(hashes)["keccak_256"] is not None
    monkeypatch.setattr(hashes, "keccak_256", None)
    assert [keccak(item) for item in data] == fast
    assert fast[0].hex() == KNOWN[b""]


def test_backends__with_the_fast_extra__are_the_fast_ones() -> None:
    assert signatures._recover_key is signatures._recover_by_coincurve


def test_backends__without_the_fast_extra__are_those_in_python() -> None:
    signature = FORMS[0]["signature"]
    program = (
        "import os, sys; sys.modules['coincurve'] = sys.modules['sha3'] = None; os.environ.pop('ETH_HASH_BACKEND', None)\n"
        "from nvm_chain.signing import signatures\n"
        "from nvm_chain.types import hashes\n"
        "assert hashes.keccak_256 is None and signatures._recover_key is signatures._recover_by_eth_keys\n"
        f"print(signatures.recover_signer(bytes.fromhex({DIGEST.hex()!r}), bytes.fromhex({signature[2:]!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == SIGNER
