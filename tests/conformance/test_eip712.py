"""EIP-712: what a voucher's holder signs, hashed here from the standard's text alone and compared with the contract.

Nothing of the package computes anything in this file: keccak and 32-byte words, as the sections "Definition of hashStruct", "of
encodeType", "of encodeData" and "of domainSeparator" say. eth-account, which knows no Credits, is asked for the same digest.
"""

import re
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils.crypto import keccak

from tests.support.batches import register_for_two, settle_batch
from tests.support.signed import FOREVER, NOT_SIGNED, SETTLED, Item
from tests.support.world import MAX_UINT, World

VOUCHER = "Voucher(uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline)"
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
NAME, VERSION = "nvm_chain Credits", "1"
CONTEXT = bytes(range(32))


def word(value: int | str | bytes) -> bytes:
    """Return an atomic value as encodeData has it: 32 bytes, numbers and addresses on the right, bytes32 as it is."""
    if isinstance(value, bytes):
        assert len(value) == 32
        return value
    number = int(value, 16) if isinstance(value, str) else value
    return number.to_bytes(32, "big")


def hash_struct(encoded_type: str, *values: int | str | bytes) -> bytes:
    """hashStruct(s) = keccak256(typeHash || encodeData(s)), with typeHash = keccak256(encodeType(typeOf(s)))."""
    assert encoded_type.count(" ") == len(values)
    return keccak(keccak(text=encoded_type) + b"".join(map(word, values)))


def separator(world: World, **changes: Any) -> bytes:
    """domainSeparator = hashStruct(eip712Domain): texts are dynamic values, and so hashed."""
    chain_id, contract = changes.get("chain_id", world.chain.chain_id), changes.get("contract", world.credits.address)
    name, version = changes.get("name", NAME), changes.get("version", VERSION)
    return hash_struct(DOMAIN, keccak(text=name), keccak(text=version), chain_id, contract)


def digest(world: World, values: tuple[Any, ...], **changes: Any) -> bytes:
    """encode(domainSeparator, message) = 0x19 0x01 || domainSeparator || hashStruct(message)."""
    return keccak(b"\x19\x01" + separator(world, **changes) + hash_struct(VOUCHER, *values))


def values_of(world: World, **changes: Any) -> tuple[Any, ...]:
    """Return a voucher, changed as given."""
    values = {
        "planId": 7,
        "holder": world.subscriber.address,
        "redeemer": world.redeemer.address,
        "ceiling": 3,
        "context": CONTEXT,
        "deadline": 1_800_000_000,
    }
    return tuple({**values, **changes}.values())


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "largest": {"planId": MAX_UINT, "ceiling": 2**64 - 1, "context": b"\xff" * 32, "deadline": 2**64 - 1},
    "smallest": {"planId": 0, "ceiling": 0, "context": bytes(32), "deadline": 0},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_digest__computed_from_the_standard__is_the_contracts(world: World, variant: str) -> None:
    """ "Specification": the encoding of a structured message for signing, deterministic and injective."""
    values = values_of(world, **VARIANTS[variant])
    assert bytes(world.read(world.credits.functions.voucherDigestOf(values))) == digest(world, values)


def test_digest__by_eth_account__is_the_contracts(world: World) -> None:
    """ "Specification of the eth_signTypedData JSON RPC": a wallet given domain, types and message has the same digest."""
    values = values_of(world)
    members = [member.split() for member in re.findall(r"\((.*)\)", VOUCHER)[0].split(",")]
    message = encode_typed_data(
        {"name": NAME, "version": VERSION, "chainId": world.chain.chain_id, "verifyingContract": world.credits.address},
        {"Voucher": [{"name": name, "type": kind} for kind, name in members]},
        {name: value for (_, name), value in zip(members, values, strict=True)},
    )
    assert _hash_eip191_message(message) == bytes(world.read(world.credits.functions.voucherDigestOf(values)))


def test_type__is_written_as_the_standard_writes_types() -> None:
    """ "Definition of encodeType": name ‖ "(" ‖ members "type name" joined by commas ‖ ")", without spaces, atomic types in full."""
    assert re.fullmatch(r"[A-Z][A-Za-z]*\((?:(?:u?int\d+|address|bytes32) [a-zA-Z]+,?)+\)", VOUCHER)
    assert ", " not in VOUCHER


FIELDS: dict[str, Any] = {
    "planId": 8,
    "holder": "0x" + "11" * 20,
    "redeemer": "0x" + "11" * 20,
    "ceiling": 4,
    "context": bytes(32),
    "deadline": 1_800_000_001,
}


@pytest.mark.parametrize("field", FIELDS)
def test_digest__with_any_member_changed__is_another(world: World, field: str) -> None:
    """ "Definition of encodeData": each member is part of it, in the order of the type."""
    changed = values_of(world, **{field: FIELDS[field]})
    found = bytes(world.read(world.credits.functions.voucherDigestOf(changed)))
    assert found == digest(world, changed) != digest(world, values_of(world))


PLACES: dict[str, dict[str, Any]] = {
    "name": {"name": "nvm_chain credits"},
    "version": {"version": "2"},
    "chain": {"chain_id": 1},
    "contract": {"contract": "0x" + "11" * 20},
}


@pytest.mark.parametrize("place", [None, *PLACES])
def test_settle__of_a_digest_from_the_standard__counts_in_this_domain_alone(world: World, place: str | None) -> None:
    """ "Definition of domainSeparator": two applications with the same struct do not take each other's signatures."""
    plan_id = register_for_two(world)
    values = values_of(world, planId=plan_id, ceiling=5, deadline=FOREVER)
    signed = Account._sign_hash(digest(world, values, **PLACES.get(place or "", {})), bytes(world.subscriber.key))
    item = Item(world.subscriber.address, 5, 5, CONTEXT, FOREVER, bytes(signed.signature))
    assert settle_batch(world, plan_id, item) == [(0, NOT_SIGNED) if place else (5, SETTLED)]


def test_replay__is_the_applications_matter_and_is_dealt_with(world: World) -> None:
    """ "Security Considerations: Replay attacks": the standard has no protection; here a ceiling counts in total."""
    plan_id = register_for_two(world)
    values = values_of(world, planId=plan_id, ceiling=5, deadline=FOREVER)
    signed = Account._sign_hash(digest(world, values), bytes(world.subscriber.key))
    item = Item(world.subscriber.address, 5, 5, CONTEXT, FOREVER, bytes(signed.signature))
    assert [amount for amount, _ in settle_batch(world, plan_id, item, item)] == [5, 0]
    assert [amount for amount, _ in settle_batch(world, plan_id, item)] == [0]
