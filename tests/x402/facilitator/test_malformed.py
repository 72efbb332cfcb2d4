"""Requests to the facilitator with odd values anywhere: each is refused with a reason of the protocol, and nothing else happens."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidMessage, NvmChainError, PaymentMalformed
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.signing.signed_orders import build_order_authorization, sign_order
from nvm_chain.x402.facilitating import read_facilitator_request
from nvm_chain.x402.facilitator.callers import LOOPBACK_CALLER
from nvm_chain.x402.facilitator.cases import read_case
from nvm_chain.x402.facilitator.reasons import find_reason
from nvm_chain.x402.facilitator.settings import FacilitatorSettings
from nvm_chain.x402.orders import OrderOffer
from tests.support.world import World

ROUNDS = 1_500
END = "1900000000"
ODD: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e400, "", "0x", "x" * 100, [], {}, [1], {"a": 1}, 2**300, "2" * 100),
    *("\ud800", "0" * 64, "eip155:1", "exact", "nvm-order", "é", "NaN", "0x" + "00" * 20, str(2**256)),
]
REASONS = {
    *("invalid_payload", "invalid_payment_requirements", "invalid_x402_version", "missing_eip712_domain"),
    *("network_mismatch", "unsupported_scheme", "unsupported_payload_type"),
}


@pytest.fixture
def bodies(world: World) -> list[Any]:
    """A request for a transfer, and one for an order, as they should be."""
    chain, payer = world.chain, world.subscriber
    domain = read_token_domain(chain, world.usdc.address)
    transfer = {
        "scheme": "exact",
        "network": f"eip155:{chain.chain_id}",
        "asset": world.usdc.address,
        "amount": "10",
        "payTo": world.builder.address,
        "maxTimeoutSeconds": 60,
        "extra": {"name": domain.name, "version": domain.version},
    }
    signed = {"from": payer.address, "to": world.builder.address, "value": "10", "validAfter": "0", "validBefore": END}
    payload = {"authorization": {**signed, "nonce": "0x" + "01" * 32}, "signature": "0x" + "01" * 65}
    order = build_order_authorization(7, payer=payer.address, max_cost=10, valid_before=int(END))
    offer = OrderOffer(domain, chain.credits.address, 7, 10, 1, world.redeemer.address, 60).to_json()
    text = sign_order(payer, order, token=domain, contract=chain.credits.address).to_json()
    return [
        {
            "x402Version": 2,
            "paymentPayload": {"x402Version": 2, "accepted": required, "payload": given},
            "paymentRequirements": required,
        }
        for required, given in ((transfer, payload), (offer, {"order": json.loads(text)}))
    ]


def list_places(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value."""
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield (*above, name)
        yield from list_places(inner, (*above, name))


def spoil(body: Any, chance: random.Random) -> bytes:
    """Return a request with one to three odd or missing values, or one that ends too soon."""
    body = copy.deepcopy(body)
    for _ in range(chance.choice((1, 1, 2, 3))):
        *above, last = chance.choice(list(list_places(body)))
        inner = body
        for name in above:
            inner = inner[name]
        if chance.random() < 0.15:
            del inner[last]
        else:
            inner[last] = chance.choice(ODD)
    raw = json.dumps(body).encode()
    return raw[: chance.randrange(len(raw))] if chance.random() < 0.05 else raw


def read(chain: Chain, raw: bytes, settings: FacilitatorSettings) -> str | None:
    """Return the reason of a refusal. Empty for a body that is answered with 400, and None if nothing is wrong so far."""
    try:
        request = read_facilitator_request(raw)
    except InvalidMessage as error:
        return find_reason(error) if isinstance(error, PaymentMalformed) else ""
    try:
        read_case(chain, LOOPBACK_CALLER, request, b"", settings)
    except NvmChainError as error:
        return find_reason(error)
    return None


def test_read__of_requests_with_odd_values__refuses_each_with_a_reason_of_the_protocol(
    world: World, bodies: list[Any]
) -> None:
    settings, chance = FacilitatorSettings((world.usdc.address,)), random.Random(20)
    for body in bodies:
        assert read(world.chain, json.dumps(body).encode(), settings) is None
    found = {read(world.chain, spoil(chance.choice(bodies), chance), settings) for _ in range(ROUNDS)}
    assert found - {None, ""} <= REASONS
    assert len(found) > 5
