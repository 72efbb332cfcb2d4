"""How many movements an account has, counted up to a limit: compared with statements, on both databases."""

import pytest

from nvm_chain.index.movement_counts import count_movements
from nvm_chain.index.reading import list_holders, list_plans
from nvm_chain.statements.reading import read_holder_statement
from nvm_chain.statements.types import MovementKind
from nvm_chain.types.addresses import format_address
from tests.support.keeping_worlds import run_keeping_world
from tests.support.lived_index import indexed, live


@pytest.mark.parametrize("seed", [3])
def test_count_movements__after_a_history__is_that_of_the_statement_up_to_the_limit(index_url: str, seed: int) -> None:
    with run_keeping_world() as world:
        live(world, seed, 50)
        with indexed(world.chain, index_url) as index:
            holders = {each.holder for plan in list_plans(index) for each in list_holders(index, plan.plan_id)}
            assert holders
            for holder in sorted(holders):
                movements = read_holder_statement(None, holder, index=index).movements
                events = [movement for movement in movements if movement.kind is not MovementKind.EXPIRY]
                found = count_movements(index, holder, 10**6)
                assert len(events) <= found <= 2 * len(events)  # an order is a movement, and a payment
                for most in (0, 1, found - 1, found, found + 1):
                    assert count_movements(index, holder, most) == min(found, most + 1)
            assert count_movements(index, format_address(bytes(19) + b"\7"), 5) == 0
