"""authorizationNonceOf: the nonce that binds a signed order, as viem, ethers and this package compute it."""

from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.signing.signed_orders import authorization_nonce
from tests.support.elsewhere import Elsewhere
from tests.support.signed import as_tuple, nonce_on_chain
from tests.support.vectors import AUTHORIZATIONS, name, read_hex, read_order
from tests.support.world import MAX_UINT, World


@pytest.fixture(scope="module")
def elsewhere() -> Elsewhere:
    """Credits' code, wherever a vector has it."""
    return Elsewhere(open_embedded())


@pytest.mark.parametrize("vector", AUTHORIZATIONS["vectors"], ids=name)
def test_authorization_nonce_of__each_vector_on_its_chain_and_contract__is_the_vectors(
    elsewhere: Elsewhere, vector: dict[str, Any]
) -> None:
    """C17: also on chain ids and at addresses that no test chain has."""
    function = elsewhere.credits.functions.authorizationNonceOf(as_tuple(read_order(vector)))
    nonce = elsewhere.call(function, chain_id=int(vector["token"]["chainId"]), address=vector["contract"])
    assert nonce == read_hex(vector["nonce"])


@pytest.mark.parametrize("vector", AUTHORIZATIONS["vectors"], ids=name)
def test_authorization_nonce_of__each_vectors_order__is_what_python_says(world: World, vector: dict[str, Any]) -> None:
    order = read_order(vector)
    expected = authorization_nonce(order, chain_id=world.chain.chain_id, contract=world.credits.address)
    assert nonce_on_chain(world, order) == expected


def test_authorization_nonce_of__at_another_address__is_another(world: World) -> None:
    """C17: the same code deployed twice."""
    order = read_order(AUTHORIZATIONS["vectors"][0])
    twin = world.deploy("Credits", world.fee_owner.address)
    there = bytes(world.read(twin.functions.authorizationNonceOf(as_tuple(order))))
    assert there == authorization_nonce(order, chain_id=world.chain.chain_id, contract=twin.address)
    assert there != nonce_on_chain(world, order)


def test_authorization_nonce_of__with_each_field_changed__is_another(world: World) -> None:
    order = read_order(AUTHORIZATIONS["vectors"][0])
    changes: list[dict[str, Any]] = [
        {},
        {"plan_id": MAX_UINT},
        {"payer": world.other.address},
        {"receiver": world.other.address},
        {"quantity": 2},
        {"max_cost": 1},
        {"salt": b"\xff" * 32},
    ]
    nonces = {nonce_on_chain(world, replace(order, **change)) for change in changes}
    assert len(nonces) == len(changes)


@pytest.mark.parametrize("change", [{"valid_after": 7}, {"valid_before": 7}])
def test_authorization_nonce_of__with_other_times__is_the_same(world: World, change: dict[str, Any]) -> None:
    """The times are in the token's own message, so an order signed twice with other times is made once."""
    order = read_order(AUTHORIZATIONS["vectors"][0])
    assert nonce_on_chain(world, replace(order, **change)) == nonce_on_chain(world, order)
