"""voucherDigestOf: the contract hashes a voucher as viem, ethers and this package do (EIP-712)."""

from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.signing.vouchers import voucher_digest
from tests.support.elsewhere import Elsewhere
from tests.support.signed import digest_on_chain
from tests.support.vectors import VOUCHERS, name, read_hex, read_voucher
from tests.support.world import MAX_UINT, ZERO, World


@pytest.fixture(scope="module")
def elsewhere() -> Elsewhere:
    """Credits' code, wherever a vector has it."""
    return Elsewhere(open_embedded())


@pytest.mark.parametrize("vector", VOUCHERS["vectors"], ids=name)
def test_voucher_digest_of__each_vector_on_its_chain_and_contract__is_the_vectors(
    elsewhere: Elsewhere, vector: dict[str, Any]
) -> None:
    """C17: also on chain ids and at addresses that no test chain has."""
    function = elsewhere.credits.functions.voucherDigestOf(read_voucher(vector).as_tuple())
    domain = vector["domain"]
    digest = elsewhere.call(function, chain_id=int(domain["chainId"]), address=domain["verifyingContract"])
    assert digest == read_hex(vector["digest"])


@pytest.mark.parametrize("vector", VOUCHERS["vectors"], ids=name)
def test_voucher_digest_of__each_vectors_voucher__is_what_python_says(world: World, vector: dict[str, Any]) -> None:
    voucher = read_voucher(vector)
    expected = voucher_digest(voucher, chain_id=world.chain.chain_id, contract=world.credits.address)
    assert digest_on_chain(world, voucher) == expected


def test_voucher_digest_of__at_another_address__is_another(world: World) -> None:
    """C17: the same code deployed twice."""
    voucher = read_voucher(VOUCHERS["vectors"][0])
    twin = world.deploy("Credits", world.fee_owner.address)
    there = bytes(world.read(twin.functions.voucherDigestOf(voucher.as_tuple())))
    assert there == voucher_digest(voucher, chain_id=world.chain.chain_id, contract=twin.address)
    assert there != digest_on_chain(world, voucher)


def test_voucher_digest_of__with_each_field_changed__is_another(world: World) -> None:
    voucher = read_voucher(VOUCHERS["vectors"][0])
    changes: list[dict[str, Any]] = [
        {},
        {"plan_id": MAX_UINT},
        {"holder": world.other.address},
        {"redeemer": world.other.address},
        {"ceiling": 43},
        {"context": b"\xff" * 32},
        {"deadline": 1},
    ]
    digests = {digest_on_chain(world, replace(voucher, **change)) for change in changes}
    assert len(digests) == len(changes)


def test_voucher_digest_of__whatever_is_asked__needs_no_plan_and_no_holder(world: World) -> None:
    """Our own Python builds no such voucher, and the contract settles none; a hash it has all the same."""
    nothing = (0, ZERO, ZERO, 0, bytes(32), 0)
    assert len(bytes(world.read(world.credits.functions.voucherDigestOf(nothing)))) == 32
