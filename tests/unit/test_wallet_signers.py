"""Signers of wallets: they sign as the wallets' other libraries do, by keys and by wallets that show typed data."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from nvm_chain.errors import InvalidAddress, InvalidAmount, InvalidConfig
from nvm_chain.signing.eip712 import Domain, HashSigner, MessageSigner, StructSigner, sign_struct
from nvm_chain.signing.keys import check_message_signer
from nvm_chain.signing.permits import Permit, sign_permit
from nvm_chain.signing.signed_orders import RECEIVE_WITH_AUTHORIZATION
from nvm_chain.signing.signers import check_signer
from nvm_chain.signing.vouchers import VOUCHER, SignedVoucher, build_voucher, sign_voucher
from nvm_chain.signing.wallets.coinbase import CoinbaseWalletSigner
from nvm_chain.signing.wallets.kernel import KernelSigner
from nvm_chain.signing.wallets.nested import NestedSigner, PersonalSigner, TypedDataSign
from nvm_chain.signing.wallets.owners import is_contract
from nvm_chain.signing.wallets.passkeys import PasskeyAssertion
from nvm_chain.signing.wallets.plain import PlainSigner
from nvm_chain.signing.wallets.safe import (
    ApprovedOwner,
    ApprovedSafeSigner,
    SafeOwner,
    SafeSigner,
)
from nvm_chain.signing.wallets.safe_messages import SafeDomain, build_safe_approval
from nvm_chain.signing.wallets.wrapping import unwrap
from tests.support.vectors import FOLDER, read_domain, read_hex

VECTORS: dict[str, Any] = json.loads((FOLDER / "wallet_signatures.json").read_text("utf-8"))
WALLET, CHAIN_ID = VECTORS["wallet"], VECTORS["chain_id"]
KEYS: list[LocalAccount] = [Account.from_key(key) for key in VECTORS["keys"]]
OWNER, SECOND, THIRD = KEYS
ACCOUNT = Domain(VECTORS["account"]["name"], VECTORS["account"]["version"], CHAIN_ID, WALLET)
STRUCTS = {"voucher": VOUCHER, "authorization": RECEIVE_WITH_AUTHORIZATION}


class Shown:
    """An owner's wallet that shows typed data, and cannot sign hashes."""

    def __init__(self, key: LocalAccount) -> None:
        self._key, self.address = key, key.address
        self.shown: list[Any] = []

    def sign_typed_data(self, *shown: Any) -> Any:
        self.shown.append(shown)
        return self._key.sign_typed_data(*shown)


class Recorded:
    """A passkey that gives one answer."""

    def __init__(self, **fields: Any) -> None:
        self._answer = PasskeyAssertion(**fields)

    def sign_challenge(self, challenge: bytes) -> PasskeyAssertion:
        return self._answer


def read_answer(vector: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a passkey's answer."""
    fields = vector["passkey"]
    texts = {name: read_hex(fields[name]) for name in ("authenticator_data", "client_data_json")}
    return {**texts, "r": int(fields["r"]), "s": int(fields["s"])}


def inner_safe(owner: MessageSigner, version: str) -> SafeSigner:
    """Return the signer of the Safe that owns the wallet."""
    return SafeSigner(VECTORS["inner_safe"], [owner], CHAIN_ID, version=version)


def build_signers(vector: dict[str, Any], first: MessageSigner, third: MessageSigner) -> dict[str, MessageSigner]:
    """Return the signer of each wallet in the vectors. The first and the third owner may be any signers."""
    approver = ApprovedOwner(VECTORS["approver"])

    def safe(*owners: SafeOwner, version: str | None = None) -> SafeSigner:
        return SafeSigner(WALLET, owners, CHAIN_ID, version=version)

    return {
        "Safe, 1 owner": safe(first),
        "Safe, 3 owners": safe(first, SECOND, third),
        "Safe 1.4.1, a key and a Safe 1.4.1": safe(first, inner_safe(third, "1.4.1"), version="1.4.1"),
        "Safe 1.5.0, a key and a Safe": safe(first, inner_safe(third, "1.5.0"), version="1.5.0"),
        "Safe, a key and an owner that approves": safe(first, approver),
        "Coinbase Smart Wallet, key": CoinbaseWalletSigner(WALLET, first, CHAIN_ID),
        "Coinbase Smart Wallet, passkey": CoinbaseWalletSigner(WALLET, Recorded(**read_answer(vector)), CHAIN_ID, 1),
        "Kernel, root": KernelSigner(WALLET, first, CHAIN_ID),
        "Kernel, validator": KernelSigner(WALLET, first, CHAIN_ID, validator=VECTORS["validator"]),
        "ERC-7739, nested": NestedSigner(ACCOUNT, first),
        "ERC-7739, personal": PersonalSigner(ACCOUNT, first),
        "Nexus, nested": NestedSigner(ACCOUNT, first, prefix=bytes(20)),
        "Nexus, personal": PersonalSigner(ACCOUNT, first, prefix=bytes(20)),
        "ERC-7739, nested, wrapped (ERC-6492)": NestedSigner(ACCOUNT, first),
    }


def sign_message(signer: MessageSigner, name: str) -> bytes:
    """Sign one of the vectors' messages."""
    message = VECTORS["messages"][name]
    values = [
        int(value) if value.isdigit() else read_hex(value) if len(value) == 66 else value
        for value in message["message"].values()
    ]
    return sign_struct(signer, read_domain(message["domain"]), STRUCTS[name], values)


CASES = [(vector, name) for vector in VECTORS["vectors"] for name in vector["signatures"]]


@pytest.mark.parametrize(("vector", "name"), CASES, ids=lambda part: part if isinstance(part, str) else part["message"])
def test_signature__of_each_wallet__is_that_of_viem(vector: dict[str, Any], name: str) -> None:
    expected = unwrap(read_hex(vector["signatures"][name]))
    ways: list[tuple[MessageSigner, MessageSigner]] = [(OWNER, THIRD), (Shown(OWNER), Shown(THIRD))]
    for first, third in ways:
        signer = build_signers(vector, first, third)[name]
        assert sign_message(signer, vector["message"]) == expected


SIZES = {
    "Safe, 1 owner": 65,
    "Safe, 3 owners": 195,
    "Safe 1.4.1, a key and a Safe 1.4.1": 65 + 162,
    "Safe 1.5.0, a key and a Safe": 65 + 162,
    "Safe, a key and an owner that approves": 130,
    "Coinbase Smart Wallet, key": 224,
    "Coinbase Smart Wallet, passkey": 640,
    "Kernel, root": 66,
    "Kernel, validator": 86,
    "ERC-7739, nested": 233,
    "ERC-7739, personal": 65,
    "Nexus, nested": 253,
    "Nexus, personal": 85,
    "ERC-7739, nested, wrapped (ERC-6492)": 233,
}


@pytest.mark.parametrize("name", SIZES)
def test_signature__of_a_voucher_by_each_wallet__has_the_size_that_the_wallets_libraries_give(name: str) -> None:
    vector = VECTORS["vectors"][0]
    assert vector["message"] == "voucher"
    assert len(sign_message(build_signers(vector, OWNER, THIRD)[name], "voucher")) == SIZES[name]
    assert set(SIZES) == set(vector["signatures"])


@pytest.mark.parametrize("name", VECTORS["vectors"][0]["signatures"])
def test_signer__of_each_wallet__is_a_signer_of_messages(name: str) -> None:
    signer = build_signers(VECTORS["vectors"][0], OWNER, THIRD)[name]
    check_signer(signer)
    assert check_message_signer(signer) is signer  # type: ignore[arg-type]
    assert isinstance(signer, HashSigner | StructSigner)
    assert (signer.address, is_contract(signer)) == (WALLET, True)


def test_sign_voucher__by_a_wallet__is_of_the_wallet() -> None:
    voucher = build_voucher(255, holder=WALLET, redeemer=OWNER.address, ceiling=3, deadline=1_800_000_000)
    safe = SafeSigner(WALLET, [OWNER], CHAIN_ID)
    signed = sign_voucher(safe, voucher, chain_id=CHAIN_ID, contract=SECOND.address)
    assert SignedVoucher.from_json(signed.to_json()) == signed
    with pytest.raises(InvalidConfig, match=f"{WALLET}.*{OWNER.address}"):
        sign_voucher(OWNER, voucher, chain_id=CHAIN_ID, contract=SECOND.address)


def test_sign_permit__by_a_wallet__is_refused_unless_it_has_the_size_of_a_key() -> None:
    permit = Permit(WALLET, OWNER.address, 1, 0, 1)
    with pytest.raises(InvalidConfig, match="65 bytes, and the signer's has 66"):
        sign_permit(KernelSigner(WALLET, OWNER, CHAIN_ID), permit, token=ACCOUNT)
    assert sign_permit(SafeSigner(WALLET, [OWNER], CHAIN_ID), permit, token=ACCOUNT).v in (27, 28)


# ---------------------------------------------------------------------- what owners see


def test_owner__of_a_safe__sees_the_message_in_the_domain_of_the_safe() -> None:
    owner = Shown(OWNER)
    SafeSigner(WALLET, [owner], CHAIN_ID).unsafe_sign_hash(b"\7" * 32)
    types = {"SafeMessage": [{"name": "message", "type": "bytes"}]}
    assert owner.shown == [({"chainId": CHAIN_ID, "verifyingContract": WALLET}, types, {"message": b"\7" * 32})]


def test_owner__of_an_erc7739_account__sees_the_voucher() -> None:
    owner = Shown(OWNER)
    message = VECTORS["messages"]["voucher"]
    sign_message(NestedSigner(ACCOUNT, owner), "voucher")
    [(domain, types, shown)] = owner.shown
    assert (domain["name"], domain["verifyingContract"]) == (
        message["domain"]["name"],
        message["domain"]["verifyingContract"],
    )
    assert list(types) == ["TypedDataSign", "Voucher"]
    assert types["TypedDataSign"][0] == {"name": "contents", "type": "Voucher"}
    assert shown["contents"]["ceiling"] == int(message["message"]["ceiling"])
    assert (shown["name"], shown["verifyingContract"], shown["salt"]) == (ACCOUNT.name, WALLET, bytes(32))


# ---------------------------------------------------------------------- approvals of a Safe


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["message"])
def test_build_safe_approval__of_a_digest__is_that_of_viem(vector: dict[str, Any]) -> None:
    approval = build_safe_approval(read_hex(vector["digest"]), address=WALLET, chain_id=CHAIN_ID)
    assert {name: read_hex(text) for name, text in vector["approval"].items()} == {
        "message_hash": approval.message_hash,
        "message_data": approval.message_data,
        "sign_message": approval.sign_message,
        "approve_hash": approval.approve_hash,
    }


def test_signature__of_a_safe_that_approved__is_empty() -> None:
    safe = ApprovedSafeSigner(WALLET)
    assert (sign_message(safe, "voucher"), safe.sign_message(b"anything")) == (b"", b"")


def test_signature__of_an_approved_safe_that_owns_a_safe__has_no_bytes_of_its_own() -> None:
    for version in ("1.4.1", "1.5.0"):
        inner = ApprovedSafeSigner(VECTORS["inner_safe"], version=version)
        signature = sign_message(SafeSigner(WALLET, [inner], CHAIN_ID, version=version), "voucher")
        head = bytes(12) + bytes.fromhex(inner.address[2:]) + (65).to_bytes(32, "big") + b"\0"
        assert signature == head + bytes(32)


# ---------------------------------------------------------------------- owners


def test_signature__of_a_safe__does_not_depend_on_the_order_of_its_owners() -> None:
    forward, backward = (SafeSigner(WALLET, owners, CHAIN_ID) for owners in (KEYS, KEYS[::-1]))
    assert [int(owner.address, 16) for owner in forward.owners] == sorted(int(key.address, 16) for key in KEYS)
    assert sign_message(forward, "voucher") == sign_message(backward, "voucher")


@pytest.mark.parametrize(
    "build", [lambda owners: SafeSigner(WALLET, owners, CHAIN_ID), lambda owners: PlainSigner(WALLET, owners)]
)
def test_wallet__of_several_owners__refuses_none_and_one_twice(build: Any) -> None:
    with pytest.raises(InvalidConfig, match="none is given") as none:
        build([])
    assert "as many owners as must sign" in str(none.value)
    with pytest.raises(InvalidConfig, match=f"{OWNER.address} is given twice"):
        build([OWNER, SECOND, Shown(OWNER)])


BUILDERS: dict[str, Callable[[Any], Any]] = {
    "SafeSigner": lambda owner: SafeSigner(WALLET, [SECOND, owner], CHAIN_ID),
    "CoinbaseWalletSigner": lambda owner: CoinbaseWalletSigner(WALLET, owner, CHAIN_ID),
    "KernelSigner": lambda owner: KernelSigner(WALLET, owner, CHAIN_ID),
    "NestedSigner": lambda owner: NestedSigner(ACCOUNT, owner),
    "PersonalSigner": lambda owner: PersonalSigner(ACCOUNT, owner),
    "PlainSigner": lambda owner: PlainSigner(WALLET, [owner]),
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("owner", ["0x" + "11" * 32, OWNER.address, None, Account, ApprovedSafeSigner])
def test_wallet__with_an_owner_that_is_no_signer__is_refused_and_no_key_is_shown(name: str, owner: Any) -> None:
    with pytest.raises(InvalidConfig, match="An owner of a wallet is a signer of messages") as refused:
        BUILDERS[name](owner)
    assert "1111" not in str(refused.value)


class Odd:
    """An owner whose signatures have another form than those of a key."""

    address = OWNER.address

    def __init__(self, signature: bytes) -> None:
        self.signature = signature

    def unsafe_sign_hash(self, message_hash: Any) -> "Odd":
        return self


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\1" * 64 + b"\1", bytes(64) + b"\x1d", bytes(66)])
def test_wallet__whose_owner_signs_in_another_form__is_refused(name: str, signature: bytes) -> None:
    with pytest.raises(InvalidConfig, match=f"of the owner {OWNER.address} is not 65 bytes that end in 27 or 28"):
        sign_message(BUILDERS[name](Odd(signature)), "voucher")


@pytest.mark.parametrize("name", ["SafeSigner", "CoinbaseWalletSigner", "KernelSigner"])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_unsafe_sign_hash__of_another_size__is_refused(name: str, size: int) -> None:
    with pytest.raises(InvalidConfig, match=f"A hash to sign is 32 bytes, not {size} bytes"):
        BUILDERS[name](OWNER).unsafe_sign_hash(bytes(size))


def test_wallet__with_an_impossible_address_or_chain__is_refused() -> None:
    for build in (SafeSigner, CoinbaseWalletSigner, KernelSigner):
        owners: Any = [OWNER] if build is SafeSigner else OWNER
        with pytest.raises(InvalidAddress):
            build("0x" + "00" * 20, owners, CHAIN_ID)
        with pytest.raises(InvalidAmount):
            build(WALLET, owners, -1)
    with pytest.raises(InvalidAmount):
        CoinbaseWalletSigner(WALLET, OWNER, CHAIN_ID, -1)
    with pytest.raises(InvalidAddress):
        KernelSigner(WALLET, OWNER, CHAIN_ID, validator="nobody")
    with pytest.raises(InvalidAmount):
        SafeDomain(2**256, WALLET)


# ---------------------------------------------------------------------- contracts as owners


def test_safe__with_a_contract_as_owner__needs_its_version() -> None:
    with pytest.raises(InvalidConfig, match="versions of the Safe differ") as refused:
        SafeSigner(WALLET, [KernelSigner(VECTORS["inner_safe"], OWNER, CHAIN_ID)], CHAIN_ID)
    assert "Give `version=`" in str(refused.value)
    with pytest.raises(
        InvalidConfig, match=r"version is '1\.2\.0', and the supported ones are 1\.3\.0, 1\.4\.1, 1\.5\.0"
    ):
        SafeSigner(WALLET, [OWNER], CHAIN_ID, version="1.2.0")


@pytest.mark.parametrize("version", ["1.3.0", "1.4.1"])
@pytest.mark.parametrize(
    "owner",
    [
        inner_safe(OWNER, "1.5.0"),
        SafeSigner(VECTORS["inner_safe"], [OWNER], CHAIN_ID),
        ApprovedSafeSigner(VECTORS["inner_safe"]),
        ApprovedSafeSigner(VECTORS["inner_safe"], version="1.5.0"),
        KernelSigner(VECTORS["inner_safe"], OWNER, CHAIN_ID),
        PlainSigner(VECTORS["inner_safe"], [OWNER]),
    ],
)
def test_older_safe__with_a_contract_that_does_not_answer_it__is_refused(version: str, owner: MessageSigner) -> None:
    with pytest.raises(InvalidConfig, match=f"{VECTORS['inner_safe']} is not known to be one") as refused:
        SafeSigner(WALLET, [owner], CHAIN_ID, version=version)
    assert "ApprovedOwner" in str(refused.value)


def test_new_safe__with_any_contract_as_owner__signs() -> None:
    """It asks the owner as everybody does, so any wallet can own it."""
    inner = KernelSigner(VECTORS["inner_safe"], OWNER, CHAIN_ID)
    safe = SafeSigner(WALLET, [inner], CHAIN_ID, version="1.5.0")
    digest = b"\5" * 32
    owned = inner.unsafe_sign_hash(build_safe_approval(digest, address=WALLET, chain_id=CHAIN_ID).message_hash)
    assert safe.unsafe_sign_hash(digest).signature[65:] == (66).to_bytes(32, "big") + owned.signature


def test_nested__of_an_account_without_its_domain__is_refused() -> None:
    with pytest.raises(InvalidConfig, match="given by its domain, not by a value of type str") as refused:
        NestedSigner(WALLET, OWNER)
    assert "eip712Domain()" in str(refused.value)


def test_nested__of_an_account_that_owns_an_account__is_refused_but_personal_is_not() -> None:
    inner = Domain("Inner", "1", CHAIN_ID, VECTORS["inner_safe"])
    with pytest.raises(InvalidConfig, match="cannot sign nested data for another one"):
        sign_message(NestedSigner(ACCOUNT, NestedSigner(inner, OWNER)), "voucher")
    struct = TypedDataSign(VOUCHER, ACCOUNT)
    signature = sign_message(NestedSigner(ACCOUNT, PersonalSigner(inner, OWNER)), "voucher")
    assert len(signature) == 65 + 64 + len(VOUCHER.declaration) + 2
    assert struct.name == "TypedDataSign"


# ---------------------------------------------------------------------- passkeys

ANSWER = read_answer(VECTORS["vectors"][0])
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def sign_with(**changes: Any) -> bytes:
    """Sign the voucher by the passkey's recorded answer, with changes."""
    passkey = Recorded(**{**ANSWER, **changes})
    return sign_message(CoinbaseWalletSigner(WALLET, passkey, CHAIN_ID, 1), "voucher")


def test_passkey__with_either_of_both_s__gives_the_low_one() -> None:
    assert sign_with(s=ANSWER["s"]) == sign_with(s=ORDER - ANSWER["s"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"authenticator_data": ANSWER["authenticator_data"][:36]}, "does not say that a user was present"),
        ({"authenticator_data": bytes(37)}, "does not say that a user was present"),
        ({"r": 0}, "is not two integers of the curve"),
        ({"r": ORDER}, "is not two integers of the curve"),
        ({"s": 0}, "is not two integers of the curve"),
        ({"s": ORDER}, "is not two integers of the curve"),
        ({"client_data_json": b"{}"}, "does not answer this challenge"),
        ({"client_data_json": ANSWER["client_data_json"].replace(b"get", b"create")}, "does not answer this challenge"),
        (
            {"client_data_json": read_answer(VECTORS["vectors"][1])["client_data_json"]},
            "does not answer this challenge",
        ),
    ],
)
def test_passkey__with_another_answer__is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidConfig, match=problem) as refused:
        sign_with(**changes)
    assert "ask the passkey again" in str(refused.value).lower()


def test_passkey__at_the_edges_of_its_numbers__is_taken() -> None:
    assert sign_with(r=1, s=1) == sign_with(r=1, s=ORDER - 1)
    assert sign_with(r=ORDER - 1)
