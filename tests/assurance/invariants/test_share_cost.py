"""What the client says each receiver gets of an order is what the contract pays them, whatever weights, cost and fee."""

from collections.abc import Callable
from functools import cache

import pyrevm
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.plans import build_terms, share_cost
from nvm_chain.types.prices import get_quoted_price_config
from tests.assurance.invariants.engine import Engine, checksummed
from tests.assurance.invariants.facts import CREDITS, HOLDER, ON_PURCHASE, Terms

RECEIVERS = range(0x1001, 0x1011)
FEE_RECEIVER = 0x1000
WEALTH = 10**15


@cache
def opened() -> tuple[Engine, int]:
    """Return an engine whose first party has money, allowed to Credits, and that party."""
    engine = Engine()
    payer = engine.parties[0]
    engine.apply("fund", payer, (WEALTH,))
    engine.apply("approve", payer, (WEALTH,))
    return engine, payer


def undone(evm: pyrevm.EVM, do: Callable[[], None]) -> None:
    """Do something and take it back."""
    checkpoint = evm.snapshot()
    try:
        do()
    finally:
        evm.revert(checkpoint)


@given(
    st.lists(st.integers(1, 2**96 - 1) | st.integers(1, 5), min_size=1, max_size=16),
    st.integers(0, 10**12) | st.integers(0, 20),
    st.sampled_from([0, 1, 333, 1000]),
)
@settings(max_examples=300, deadline=None)
def test_share_cost__of_any_weights_cost_and_fee__is_what_the_contract_pays(
    weights: list[int], cost: int, fee_bps: int
) -> None:
    engine, payer = opened()

    def order() -> None:
        splits = tuple(zip(RECEIVERS, weights, strict=False))
        terms = Terms(
            CREDITS, ON_PURCHASE, engine.token, splits, engine.quoter, False, 100, 0, 1, 1, HOLDER, False, False
        )
        engine.apply("set_protocol_fee", engine.issuer, (fee_bps, FEE_RECEIVER))
        engine.apply("set_unit_price", payer, (payer, cost))
        plan_id = int.from_bytes(engine.apply("register_plan", payer, (terms, 1, "", fee_bps)), "big")
        engine.apply("order", payer, (plan_id, payer, 1, cost, 0))

        named = [(to_checksum_address(checksummed(receiver)), weight) for receiver, weight in splits]
        token, quoter = (to_checksum_address(checksummed(address)) for address in (engine.token, engine.quoter))
        price = get_quoted_price_config(token, quoter, named)
        shares, fee = share_cost(build_terms(price, get_fixed_credits_config(100)), cost, fee_bps)
        assert {int(receiver, 16): engine.tokens(int(receiver, 16)) for receiver, _ in shares} == {
            int(receiver, 16): amount for receiver, amount in shares
        }
        assert engine.tokens(FEE_RECEIVER) == fee
        assert engine.tokens(payer) == WEALTH - cost
        assert engine.tokens(engine.credits) == 0

    undone(engine.evm, order)
