"""vouchers: digests, signatures and verdicts are those of the vectors; one changed field, second or byte is refused."""

import json
import time
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any
from uuid import UUID

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import (
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    InvalidContext,
    InvalidMessage,
    InvalidPlanId,
    NvmChainError,
    SignatureError,
    SignatureNeedsChain,
    VoucherExpired,
    VoucherMismatch,
    VoucherSignatureInvalid,
)
from nvm_chain.signing.signatures import keccak
from nvm_chain.signing.vouchers import (
    VOUCHER,
    SignedVoucher,
    Voucher,
    VoucherVerifier,
    build_voucher,
    credits_domain,
    next_ceiling,
    recover_signer,
    sign_voucher,
    verify_voucher,
    voucher_digest,
)
from nvm_chain.types.addresses import ZERO_ADDRESS
from tests.support.reverts import reverts
from tests.support.vectors import VOUCHERS, name, read_domain, read_hex, read_voucher

VECTORS: list[dict[str, Any]] = VOUCHERS["vectors"]
HOLDER = Account.from_key(VOUCHERS["key"])
STRANGER = Account.from_key("0x" + "11" * 32)
CHAIN_ID, CONTRACT = 31337, to_checksum_address(VECTORS[0]["domain"]["verifyingContract"])
WHERE: dict[str, Any] = {"chain_id": CHAIN_ID, "contract": CONTRACT}
VOUCHER_1 = read_voucher(VECTORS[0])
SIGNED = SignedVoucher(VOUCHER_1, read_hex(VECTORS[0]["signature"]))
NOW = 1_800_000_000

addresses = st.binary(min_size=20, max_size=20).filter(any).map(to_checksum_address)
small = st.integers(0, 2**64 - 1)
vouchers = st.builds(
    Voucher, st.integers(0, 2**256 - 1), addresses, addresses, small, st.binary(min_size=32, max_size=32), small
)


def where(vector: dict[str, Any]) -> dict[str, Any]:
    domain = read_domain(vector["domain"])
    return {"chain_id": domain.chain_id, "contract": domain.address}


# ---------------------------------------------------------------------- the vectors


def test_voucher_type__is_that_of_the_vectors() -> None:
    assert VOUCHER.declaration == VOUCHERS["type"]
    assert VOUCHER.type_hash == read_hex(VOUCHERS["type_hash"])


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_voucher_digest__of_each_vector__is_its_digest(vector: dict[str, Any]) -> None:
    voucher, digest = read_voucher(vector), read_hex(vector["digest"])
    assert credits_domain(**where(vector)) == read_domain(vector["domain"])
    assert credits_domain(**where(vector)).separator == read_hex(vector["domain_separator"])
    assert VOUCHER.hash(voucher.as_tuple()) == read_hex(vector["struct_hash"])
    assert voucher_digest(voucher, **where(vector)) == digest
    assert VoucherVerifier(**where(vector)).hash(voucher) == digest


@pytest.mark.parametrize("vector", VECTORS, ids=name)
def test_verify_voucher__of_each_vector__is_its_verdict(vector: dict[str, Any]) -> None:
    signed = SignedVoucher(read_voucher(vector), read_hex(vector["signature"]))
    assert recover_signer(signed, **where(vector)) == HOLDER.address
    if vector["verdict"] == "valid":
        assert verify_voucher(signed, **where(vector), now=0) is signed.voucher
        assert sign_voucher(HOLDER, signed.voucher, **where(vector)) == signed
    else:
        with pytest.raises(VoucherSignatureInvalid) as caught:
            verify_voucher(signed, **where(vector), now=0)
        assert caught.value.args == (signed.voucher.holder, HOLDER.address)


@pytest.mark.parametrize("form", VOUCHERS["signatures"], ids=name)
def test_verify_voucher__with_each_form_of_a_signature__is_its_verdict(form: dict[str, Any]) -> None:
    signed = SignedVoucher(VOUCHER_1, read_hex(form["signature"]))
    if form["verdict"] == "valid":
        assert verify_voucher(signed, **WHERE, now=NOW) is VOUCHER_1
        return
    with pytest.raises(SignatureError) as caught:
        verify_voucher(signed, **WHERE, now=NOW)
    if len(signed.signature) in (64, 65):
        assert type(caught.value) is VoucherSignatureInvalid
        assert caught.value.args == (HOLDER.address, form["recovers"])
    else:
        assert type(caught.value) is SignatureNeedsChain
        assert caught.value.args == (HOLDER.address, len(signed.signature))


def test_vectors__are_all_different() -> None:
    assert len({vector["digest"] for vector in VECTORS}) == len({vector["name"] for vector in VECTORS}) == len(VECTORS)


# ---------------------------------------------------------------------- eth-account


@given(vouchers, st.integers(0, 2**256 - 1), addresses)
def test_voucher_digest__of_any_voucher__is_that_of_eth_account(voucher: Voucher, chain_id: int, contract: Any) -> None:
    domain = {"name": "nvm_chain Credits", "version": "1", "chainId": chain_id, "verifyingContract": contract}
    message = dict(zip([member for _, member in VOUCHER.members], voucher.as_tuple(), strict=True))
    signable = encode_typed_data(domain, VOUCHER.as_types(), message)
    expected = keccak(b"\x19\x01" + signable.header + signable.body)
    assert voucher_digest(voucher, chain_id=chain_id, contract=contract) == expected
    assert VoucherVerifier(chain_id, contract).hash(voucher) == expected


# ---------------------------------------------------------------------- build


def test_build_voucher__in_any_spelling__is_the_same() -> None:
    plan_id = VOUCHER_1.plan_id
    for spelling in (plan_id, str(plan_id), f"0x{plan_id:064x}", f"did:nv:{plan_id:064x}"):
        built = build_voucher(
            spelling,
            holder=HOLDER.address.lower(),
            redeemer=VOUCHER_1.redeemer.lower(),
            ceiling=42,
            deadline=1893456000,
            context="request-1",
        )
        assert built == VOUCHER_1


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("", bytes(32)),
        (b"\1", b"\1" + bytes(31)),
        (b"\xff" * 32, b"\xff" * 32),
        (UUID(int=1), UUID(int=1).bytes + bytes(16)),
    ],
)
def test_build_voucher__with_a_context__is_encoded(context: Any, expected: bytes) -> None:
    built = build_voucher(1, holder=HOLDER.address, redeemer=CONTRACT, ceiling=1, deadline=0, context=context)
    assert built == Voucher(1, HOLDER.address, CONTRACT, 1, expected, 0)


def test_build_voucher__without_a_context__has_an_empty_one() -> None:
    built = build_voucher(1, holder=HOLDER.address, redeemer=CONTRACT, ceiling=1, deadline=0)
    assert built == Voucher(1, HOLDER.address, CONTRACT, 1, bytes(32), 0)


GOOD: dict[str, Any] = {"plan_id": 1, "holder": HOLDER.address, "redeemer": CONTRACT, "ceiling": 1, "deadline": 1}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"plan_id": -1}, InvalidPlanId),
        ({"plan_id": 2**256}, InvalidPlanId),
        ({"plan_id": True}, InvalidPlanId),
        ({"holder": "0x" + "00" * 20}, InvalidAddress),
        ({"holder": HOLDER.address[:-1]}, InvalidAddress),
        ({"holder": HOLDER.address.swapcase()}, InvalidAddress),
        ({"redeemer": "0x" + "00" * 20}, InvalidAddress),
        ({"redeemer": "bob"}, InvalidAddress),
        ({"ceiling": 0}, InvalidAmount),
        ({"ceiling": -1}, InvalidAmount),
        ({"ceiling": 2**64}, InvalidAmount),
        ({"ceiling": 1.0}, InvalidAmount),
        ({"ceiling": True}, InvalidAmount),
        ({"deadline": -1}, InvalidAmount),
        ({"deadline": 2**64}, InvalidAmount),
        ({"deadline": 1.5}, InvalidAmount),
        ({"context": b"x" * 33}, InvalidContext),
        ({"context": 5}, InvalidConfig),
    ],
)
def test_build_voucher__with_what_cannot_be__is_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        build_voucher(**{**GOOD, **change})


NOBODY = "is the zero address, which nobody owns"
UINT64, UINT64_FROM_1 = (f"must be from {least} to {2**64 - 1}" for least in (0, 1))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"holder": ZERO_ADDRESS}, InvalidAddress("holder address", ZERO_ADDRESS, NOBODY)),
        ({"redeemer": ZERO_ADDRESS}, InvalidAddress("redeemer address", ZERO_ADDRESS, NOBODY)),
        ({"ceiling": 0}, InvalidAmount("ceiling 0", UINT64_FROM_1)),
        ({"ceiling": 2**64}, InvalidAmount(f"ceiling {2**64}", UINT64_FROM_1)),
        ({"deadline": -1}, InvalidAmount("deadline -1", UINT64)),
        ({"deadline": 2**64}, InvalidAmount(f"deadline {2**64}", UINT64)),
    ],
)
def test_build_voucher__with_what_cannot_be__says_what(change: dict[str, Any], error: NvmChainError) -> None:
    with reverts(error):
        build_voucher(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"plan_id": 2**256}, InvalidAmount(f"plan id {2**256}", f"must be from 0 to {2**256 - 1}")),
        ({"holder": ZERO_ADDRESS}, InvalidAddress("holder address", ZERO_ADDRESS, NOBODY)),
        ({"redeemer": ZERO_ADDRESS}, InvalidAddress("redeemer address", ZERO_ADDRESS, NOBODY)),
        ({"ceiling": -1}, InvalidAmount("ceiling -1", UINT64)),
        ({"deadline": 2**64}, InvalidAmount(f"deadline {2**64}", UINT64)),
        ({"context": "0" * 32}, InvalidConfig("a context is 32 bytes, not str")),
    ],
)
def test_voucher__with_what_has_no_one_digest__says_what(change: dict[str, Any], error: NvmChainError) -> None:
    with reverts(error):
        replace(VOUCHER_1, **change)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"plan_id": "1"}, InvalidAmount),
        ({"plan_id": 2**256}, InvalidAmount),
        ({"plan_id": -1}, InvalidAmount),
        ({"holder": HOLDER.address.lower()}, InvalidAddress),
        ({"holder": HOLDER.address + "00"}, InvalidAddress),
        ({"holder": "0x" + "00" * 20}, InvalidAddress),
        ({"redeemer": HOLDER.address.lower()}, InvalidAddress),
        ({"redeemer": None}, InvalidAddress),
        ({"ceiling": 2**64}, InvalidAmount),
        ({"ceiling": -1}, InvalidAmount),
        ({"context": b"\0" * 31}, InvalidConfig),
        ({"context": b"\0" * 33}, InvalidConfig),
        ({"context": "0" * 32}, InvalidConfig),
        ({"deadline": 2**64}, InvalidAmount),
        ({"deadline": "1"}, InvalidAmount),
    ],
)
def test_voucher__with_what_has_no_one_digest__cannot_be_made(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(VOUCHER_1, **change)


@pytest.mark.parametrize("field", [field.name for field in fields(Voucher)])
def test_voucher__once_made__does_not_change(field: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(VOUCHER_1, field, getattr(VOUCHER_1, field))
    with pytest.raises(FrozenInstanceError):
        setattr(SIGNED, "voucher", VOUCHER_1)  # noqa: B010  an assignment would not pass the type checker


# ---------------------------------------------------------------------- ceilings


@pytest.mark.parametrize(
    ("last", "cost", "ceiling"), [(0, 1, 1), (41, 2, 43), (2**64 - 2, 1, 2**64 - 1), (0, 2**64 - 1, 2**64 - 1)]
)
def test_next_ceiling__of_a_cost__is_the_sum(last: int, cost: int, ceiling: int) -> None:
    assert next_ceiling(last, cost) == ceiling


@pytest.mark.parametrize(("last", "cost"), [(0, 0), (0, -1), (-1, 2), (2**64 - 1, 1), (0, 2**64), (2**64, 1), (0, 1.0)])
def test_next_ceiling__out_of_range__is_refused(last: int, cost: Any) -> None:
    with pytest.raises(InvalidAmount):
        next_ceiling(last, cost)


@pytest.mark.parametrize(
    ("last", "cost", "error"),
    [
        (-1, 1, InvalidAmount("last ceiling -1", UINT64)),
        (0, 0, InvalidAmount("cost 0", UINT64_FROM_1)),
        (2**64 - 1, 1, InvalidAmount(f"ceiling {2**64}", UINT64)),
    ],
)
def test_next_ceiling__out_of_range__says_which_number(last: int, cost: int, error: NvmChainError) -> None:
    with reverts(error):
        next_ceiling(last, cost)


# ---------------------------------------------------------------------- sign


def test_sign_voucher__by_another_than_the_holder__is_refused() -> None:
    with pytest.raises(
        InvalidConfig, match=f"holder {HOLDER.address} has to sign this voucher, not {STRANGER.address}"
    ):
        sign_voucher(STRANGER, VOUCHER_1, **WHERE)


@given(vouchers, st.integers(0, 2**256 - 1), addresses)
def test_sign_voucher__of_any_voucher__is_valid_there_and_nowhere_else(
    voucher: Voucher, chain_id: int, contract: str
) -> None:
    signed = sign_voucher(HOLDER, replace(voucher, holder=HOLDER.address), chain_id=chain_id, contract=contract)
    assert recover_signer(signed, chain_id=chain_id, contract=contract) == HOLDER.address
    assert verify_voucher(signed, chain_id=chain_id, contract=contract, now=0) is signed.voucher
    with pytest.raises(VoucherSignatureInvalid):
        verify_voucher(signed, chain_id=chain_id ^ 1, contract=contract, now=0)
    with pytest.raises(VoucherSignatureInvalid):
        verify_voucher(signed, chain_id=chain_id, contract=to_checksum_address(keccak(contract.encode())[:20]), now=0)


# ---------------------------------------------------------------------- verify


@pytest.mark.parametrize(
    "change",
    [
        {"plan_id": VOUCHER_1.plan_id ^ 1},
        {"plan_id": VOUCHER_1.plan_id ^ 1 << 255},
        {"redeemer": STRANGER.address},
        {"ceiling": 43},
        {"ceiling": 41},
        {"context": VOUCHER_1.context[:31] + b"\1"},
        {"context": b"R" + VOUCHER_1.context[1:]},
        {"deadline": VOUCHER_1.deadline + 1},
        {"holder": STRANGER.address},
    ],
)
def test_verify__with_a_field_changed_after_signing__is_refused(change: dict[str, Any]) -> None:
    changed = replace(SIGNED, voucher=replace(VOUCHER_1, **change))
    with pytest.raises(VoucherSignatureInvalid) as caught:
        verify_voucher(changed, **WHERE, now=NOW)
    assert caught.value.holder == changed.voucher.holder
    assert caught.value.recovered != changed.voucher.holder
    assert set(change) <= {field.name for field in fields(Voucher)}


@pytest.mark.parametrize("now", [0, VOUCHER_1.deadline - 1, VOUCHER_1.deadline])
def test_verify__up_to_the_deadline__accepts(now: int) -> None:
    assert verify_voucher(SIGNED, **WHERE, now=now) is VOUCHER_1


def test_verify__one_second_after_the_deadline__is_expired() -> None:
    with pytest.raises(VoucherExpired) as caught:
        verify_voucher(SIGNED, **WHERE, now=VOUCHER_1.deadline + 1)
    assert caught.value.args == (VOUCHER_1.deadline, VOUCHER_1.deadline + 1)


def test_verify__without_a_time__takes_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: VOUCHER_1.deadline + 0.9)
    assert verify_voucher(SIGNED, **WHERE) is VOUCHER_1
    monkeypatch.setattr(time, "time", lambda: VOUCHER_1.deadline + 1.0)
    with pytest.raises(VoucherExpired):
        verify_voucher(SIGNED, **WHERE)


def test_verify__with_the_plan_and_redeemer_expected__accepts() -> None:
    did = f"did:nv:{VOUCHER_1.plan_id:064x}"
    for plan_id, redeemer in ((VOUCHER_1.plan_id, VOUCHER_1.redeemer), (did, VOUCHER_1.redeemer.lower())):
        assert verify_voucher(SIGNED, **WHERE, plan_id=plan_id, redeemer=redeemer, now=NOW) is VOUCHER_1


def test_verify__for_another_plan_or_redeemer__is_a_mismatch() -> None:
    with pytest.raises(VoucherMismatch) as caught:
        verify_voucher(SIGNED, **WHERE, plan_id=0, now=NOW)
    assert caught.value.args == ("plan id", "0", str(VOUCHER_1.plan_id))
    with pytest.raises(VoucherMismatch) as caught:
        verify_voucher(SIGNED, **WHERE, redeemer=CONTRACT.lower(), now=NOW)
    assert caught.value.args == ("redeemer", CONTRACT, VOUCHER_1.redeemer)


def test_verify__for_a_redeemer_that_is_no_address__says_so() -> None:
    with reverts(InvalidAddress("redeemer address", "bob", "is not 0x and 40 hexadecimal digits")):
        verify_voucher(SIGNED, **WHERE, redeemer="bob", now=NOW)


@pytest.mark.parametrize("signature", [b"", b"\1" * 65, b"\1" * 600])
def test_verify__of_a_contract_wallet__is_what_the_chain_says(signature: bytes) -> None:
    asked: list[object] = []

    def ask(*question: object) -> bool:
        asked.append(question)
        return len(asked) == 1

    verifier = VoucherVerifier(**WHERE, ask_chain=ask)
    signed = SignedVoucher(VOUCHER_1, signature)
    assert verifier.verify(signed, now=NOW) is VOUCHER_1
    assert verify_voucher(signed, **WHERE, now=NOW, ask_chain=lambda *_: True) is VOUCHER_1
    with pytest.raises(VoucherSignatureInvalid) as caught:
        verifier.verify(signed, now=NOW)
    assert str(caught.value) == (
        f"{HOLDER.address} did not sign the voucher. Its key did not sign, and no contract at its address accepts the "
        "signature. Ask for a new signature."
    )
    assert asked == [(HOLDER.address, read_hex(VECTORS[0]["digest"]), signature)] * 2


def test_verify__of_what_is_expired_or_for_others__does_not_ask_the_chain() -> None:
    def ask(*question: object) -> bool:
        pytest.fail(f"asked {question}")

    verifier = VoucherVerifier(**WHERE, ask_chain=ask)
    signed = SignedVoucher(VOUCHER_1, b"")
    for question in ({"now": VOUCHER_1.deadline + 1}, {"now": NOW, "plan_id": 1}, {"now": NOW, "redeemer": CONTRACT}):
        with pytest.raises(SignatureError):
            verifier.verify(signed, **question)


def test_verifier__two_wallets_with_one_owner__do_not_share_vouchers() -> None:
    other = replace(SIGNED, voucher=replace(VOUCHER_1, holder=STRANGER.address))
    digests = []

    def ask(account: str, digest: bytes, signature: bytes) -> bool:
        digests.append((account, digest))
        return True

    verifier = VoucherVerifier(**WHERE, ask_chain=ask)
    verifier.verify(other, now=NOW)
    verifier.verify(replace(SIGNED, signature=b""), now=NOW)
    assert [account for account, _ in digests] == [STRANGER.address, HOLDER.address]
    assert digests[0][1] != digests[1][1]


# ---------------------------------------------------------------------- JSON


def test_to_json__of_a_voucher__is_short_and_in_the_names_of_the_type() -> None:
    text = SIGNED.to_json()
    assert json.loads(text) == {
        "type": "nvm_chain.voucher.v1",
        **VECTORS[0]["voucher"],
        "signature": VECTORS[0]["signature"],
    }
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert len(text) < 600


@given(vouchers, st.binary(max_size=2000))
def test_from_json__of_what_was_written__is_the_same(voucher: Voucher, signature: bytes) -> None:
    signed = SignedVoucher(voucher, signature)
    assert SignedVoucher.from_json(signed.to_json()) == signed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "nvm_chain.voucher.v2"),
        ("planId", str(2**256)),
        ("planId", f"0x{1:064x}"),
        ("holder", HOLDER.address.lower()),
        ("redeemer", "0x" + "00" * 20),
        ("ceiling", str(2**64)),
        ("ceiling", "042"),
        ("context", "0x" + "00" * 31),
        ("context", "0x" + "00" * 33),
        ("deadline", str(2**64)),
        ("signature", "0x0"),
        ("signature", None),
        ("chainId", "1"),
    ],
)
def test_from_json__with_a_field_in_another_spelling__is_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidMessage) as caught:
        SignedVoucher.from_json(json.dumps({**json.loads(SIGNED.to_json()), field: value}))
    assert caught.value.kind == "signed voucher"


@pytest.mark.parametrize(
    "field", ["type", "planId", "holder", "redeemer", "ceiling", "context", "deadline", "signature"]
)
def test_from_json__without_a_field__is_refused(field: str) -> None:
    message = json.loads(SIGNED.to_json())
    del message[field]
    with pytest.raises(InvalidMessage):
        SignedVoucher.from_json(json.dumps(message))
