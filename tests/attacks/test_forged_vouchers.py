"""Forged vouchers: the attacker has a signature of another form, of another message, or of somebody else.

A thief, or a redeemer who wants more than was signed, brings signatures that nearly fit: malleable, compact, cut short, replayed from
another chain or contract, made for another plan or holder. Nothing is keyed by a signature's bytes, and only the holder's own
signature over exactly this voucher takes anything (C16, C17, C18, C19).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode as decode_abi
from eth_abi.abi import encode as encode_abi
from eth_account.messages import encode_defunct

from nvm_chain.errors import RevertedWithoutReason
from nvm_chain.signing.eip712 import hash_message
from nvm_chain.signing.vouchers import VOUCHER
from tests.support.batches import BALANCE, register_for_two, settle_batch, wallet_item
from tests.support.events import selector
from tests.support.gas import simulate
from tests.support.reentry import through_many
from tests.support.reverts import reverts
from tests.support.signed import (
    FOREVER,
    NOT_SIGNED,
    SETTLED,
    domain_of,
    register_with_redeemer,
    settle,
    sign_item,
)
from tests.support.vectors import VOUCHERS, name, read_hex
from tests.support.world import ZERO, World

IDENTITY = "0x" + "00" * 19 + "04"
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture
def plan_id(world: World) -> int:
    """A plan with the redeemer approved, of which subscriber and other hold 100 credits each."""
    return register_for_two(world)


# ---------------------------------------------------------------- forms of a signature


def _bytes(r: int, s: int, v: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])


def _compact(r: int, s: int, v: int) -> bytes:
    return _bytes(r, s | (v - 27) << 255, 0)[:64]


Form = Callable[[int, int, int], bytes]


def _with_v(number: int) -> Form:
    return lambda r, s, _: _bytes(r, s, number)


FORMS: dict[str, Form] = {
    "65 bytes, r, s, v": _bytes,
    "64 bytes, EIP-2098": _compact,
    "65 bytes with the high s and the other v": lambda r, s, v: _bytes(r, CURVE_ORDER - s, 55 - v),
    "65 bytes with the other v": lambda r, s, v: _bytes(r, s, 55 - v),
    "65 bytes with the high s and the same v": lambda r, s, v: _bytes(r, CURVE_ORDER - s, v),
    "64 bytes with the other parity": lambda r, s, v: _compact(r, s, 55 - v),
    **{f"v {number}": _with_v(number) for number in (0, 1, 26, 29, 30, 31)},
    "v before r and s": lambda r, s, v: bytes([v]) + _bytes(r, s, v)[:64],
    "no bytes": lambda *_: b"",
    "32 bytes": lambda r, s, v: _bytes(r, s, v)[:32],
    "63 bytes": lambda r, s, v: _bytes(r, s, v)[:63],
    "66 bytes": lambda r, s, v: _bytes(r, s, v) + b"\0",
    "96 bytes, r, s, v as words": lambda r, s, v: _bytes(r, s, v)[:64] + v.to_bytes(32, "big"),
    "65 zeros": lambda *_: bytes(65),
    "64 zeros": lambda *_: bytes(64),
    "r 0": lambda _, s, v: _bytes(0, s, v),
    "s 0": lambda r, _, v: _bytes(r, 0, v),
    "r and s the other way round": lambda r, s, v: _bytes(s, r, v),
}
"""How each form of the vectors is made of one signature; what is not here does not depend on it."""


def _remake(form: str, signature: bytes) -> bytes:
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:64]))
    return FORMS[form](r, s, signature[64])


@pytest.mark.parametrize("form", FORMS)
def test_forms__of_the_vectors_signature__are_the_vectors(form: str) -> None:
    """The check of the check below: we mean the same forms as the vectors."""
    expected = {vector["name"]: vector["signature"] for vector in VOUCHERS["signatures"]}
    assert _remake(form, read_hex(VOUCHERS["vectors"][0]["signature"])) == read_hex(expected[form])


@pytest.mark.parametrize("vector", VOUCHERS["signatures"], ids=name)
def test_settle__of_each_form_of_signature__has_the_vectors_verdict(
    world: World, plan_id: int, vector: dict[str, Any]
) -> None:
    """C18, C19."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    form = vector["name"]
    signature = _remake(form, good.signature) if form in FORMS else read_hex(vector["signature"])
    expected = (5, SETTLED) if vector["verdict"] == "valid" else (0, NOT_SIGNED)
    assert settle_batch(world, plan_id, good.but(signature=signature)) == [expected]


def test_settle__of_two_forms_of_one_signature__counts_once(world: World, plan_id: int) -> None:
    """C18: nothing is keyed on the bytes of a signature, so it does not matter that there are several."""
    good = sign_item(world, plan_id, world.subscriber, 5)
    forms = ("65 bytes, r, s, v", "64 bytes, EIP-2098", "65 bytes with the high s and the other v")
    items = [good.but(signature=_remake(form, good.signature)) for form in forms]
    assert [amount for amount, _ in settle_batch(world, plan_id, *items)] == [5, 0, 0]


def test_settle__of_ten_kilobytes_of_signature__is_not_signed(world: World, plan_id: int) -> None:
    good = sign_item(world, plan_id, world.subscriber, 5)
    outcomes = settle_batch(world, plan_id, good.but(signature=b"x" * 10_000), good)
    assert outcomes == [(0, NOT_SIGNED), (5, SETTLED)]


# ---------------------------------------------------------------- what was not signed


@pytest.mark.parametrize(
    "change",
    [{"ceiling": 6}, {"ceiling": 4}, {"context": b"\1" * 32}, {"deadline": FOREVER - 1}],
    ids=["higher", "lower", "context", "deadline"],
)
def test_settle__of_a_voucher_changed_after_signing__is_not_signed(
    world: World, plan_id: int, change: dict[str, Any]
) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5)
    assert settle_batch(world, plan_id, item.but(**change), item) == [(0, NOT_SIGNED), (5, SETTLED)]


def test_settle__of_another_holders_credits__is_not_signed(world: World, plan_id: int) -> None:
    """I3: also with the other's own signature on a voucher of theirs."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    forged = sign_item(world, plan_id, world.subscriber, 5, holder=world.other.address)
    outcomes = settle_batch(world, plan_id, item.but(holder=world.other.address), forged)
    assert outcomes == [(0, NOT_SIGNED), (0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["redeemer", "builder", "stranger"])
def test_settle__signed_by_who_profits__is_not_signed(world: World, plan_id: int, role: str) -> None:
    forged = sign_item(world, plan_id, getattr(world, role), 5, holder=world.subscriber.address)
    assert settle_batch(world, plan_id, forged) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["builder", "relayer", "stranger"])
def test_settle__of_a_voucher_that_names_another_redeemer__is_not_signed(world: World, plan_id: int, role: str) -> None:
    item = sign_item(world, plan_id, world.subscriber, 5, redeemer=getattr(world, role).address)
    assert settle_batch(world, plan_id, item) == [(0, NOT_SIGNED)]


def test_settle__of_a_voucher_for_another_plan__is_not_signed(world: World, plan_id: int) -> None:
    """C16: the same redeemer, holder and ceiling."""
    other = register_with_redeemer(world)
    world.grant(other, world.subscriber.address, BALANCE)
    item = sign_item(world, other, world.subscriber, 5)
    assert settle_batch(world, plan_id, item) == [(0, NOT_SIGNED)]
    assert settle_batch(world, other, item) == [(5, SETTLED)]


@pytest.mark.parametrize("field", ["chain_id", "address", "name", "version"])
def test_settle__of_a_voucher_from_elsewhere__is_not_signed(world: World, plan_id: int, field: str) -> None:
    """C17: signed on a fork, for the same code at another address, for another version."""
    here = domain_of(world)
    twin = world.deploy("Credits", world.fee_owner.address).address
    changes: dict[str, Any] = {"chain_id": here.chain_id + 1, "address": twin, "name": "Credits", "version": "2"}
    item = sign_item(world, plan_id, world.subscriber, 5, domain=replace(here, **{field: changes[field]}))
    assert settle_batch(world, plan_id, item) == [(0, NOT_SIGNED)]


def test_settle__of_a_personal_message__is_not_signed(world: World, plan_id: int) -> None:
    """Whoever signs 32 bytes that a site shows them has not signed a voucher."""
    item = sign_item(world, plan_id, world.subscriber, 5)
    struct = VOUCHER.hash((plan_id, item.holder, world.redeemer.address, 5, item.context, item.deadline))
    digest = hash_message(domain_of(world).separator, struct)
    signature = bytes(world.subscriber.sign_message(encode_defunct(primitive=digest)).signature)
    assert settle_batch(world, plan_id, item.but(signature=signature)) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(65), b"\xff" * 65, bytes(64) + b"\x1b"])
def test_settle__in_nobodys_name__is_not_signed(world: World, plan_id: int, signature: bytes) -> None:
    """C19: what cannot be recovered is not the signature of the zero address."""
    assert settle_batch(world, plan_id, wallet_item(ZERO, signature=signature)) == [(0, NOT_SIGNED)]


def test_settle__in_the_name_of_a_precompiled_contract__is_not_signed(world: World, plan_id: int) -> None:
    """The fourth one answers any call with its own bytes, which begin with what a wallet says for yes."""
    assert settle_batch(world, plan_id, wallet_item(IDENTITY)) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("role", ["credits", "usdc"])
def test_settle__in_the_name_of_a_contract_that_is_no_wallet__is_not_signed(
    world: World, plan_id: int, role: str
) -> None:
    assert settle_batch(world, plan_id, wallet_item(getattr(world, role).address)) == [(0, NOT_SIGNED)]


SETTLE = "settle(uint256,(address,uint64,uint64,bytes32,uint64,bytes)[])"
WIDE = ["uint256", "(uint256,uint256,uint256,bytes32,uint256,bytes)[]"]


@pytest.mark.parametrize("field", ["holder", "total", "ceiling", "deadline"])
def test_settle__with_a_field_that_does_not_fit__reverts(world: World, plan_id: int, field: str) -> None:
    """C31: 2^64 + 5 credits are not 5, and an address has no more than 20 bytes."""
    item = sign_item(world, plan_id, world.subscriber, 5, deadline=FOREVER)
    values = {"holder": int(item.holder, 16), "total": 5, "ceiling": 5, "context": item.context, "deadline": FOREVER}

    def call(**changes: int) -> bytes:
        wide = tuple({**values, **changes}.values())
        data = "0x" + (selector(SETTLE) + encode_abi(WIDE, [plan_id, [(*wide, item.signature)]])).hex()
        return simulate(world.chain, world.redeemer.address, data, world.credits.address)

    assert decode_abi(["(uint64,uint8)[]"], call())[0] == ((5, SETTLED),)
    with reverts(RevertedWithoutReason("0x")):
        call(**{field: int(values[field]) + 2 ** (160 if field == "holder" else 64)})  # type: ignore[call-overload]


def test_settle__twice_in_one_transaction__counts_on(world: World, plan_id: int) -> None:
    """C39: by a redeemer that is a contract; nothing is remembered from call to call but the counter."""
    actor = world.deploy("Actor")
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, actor.address, True))
    item = sign_item(world, plan_id, world.subscriber, 30, redeemer=actor.address)
    calls = [settle(world, plan_id, item.but(total=total)) for total in (20, 20, 40, 40)]
    world.send(world.stranger, through_many(actor, *calls))
    assert world.balance(plan_id, world.subscriber.address) == BALANCE - 30
