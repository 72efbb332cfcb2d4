"""Mints of a batch whose receipt lacks the event of one of them."""

from typing import Any

import pytest

from nvm_chain.errors import OutcomeUnknown
from nvm_chain.operations.batch_mints import mint_credits_batch
from tests.support.odd_node import Json, change_receipts, open_odd_chain
from tests.support.world import World


@pytest.mark.parametrize("lost", [0, 1])
def test_mint_credits_batch__whose_receipt_lacks_an_event__is_of_unknown_outcome(world: World, lost: int) -> None:
    plan_id = world.register()
    amounts: Any = [(world.subscriber.address, 1), (world.other.address, 2)]

    def lose(receipt: Json) -> None:
        del receipt["logs"][lost]

    with open_odd_chain(world, timeout_seconds=2) as (node, chain):
        node.hook = change_receipts(lose)
        with pytest.raises(OutcomeUnknown):
            mint_credits_batch(chain, world.builder, plan_id, amounts)
    assert world.balance(plan_id, world.subscriber.address) == 1
