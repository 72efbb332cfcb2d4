"""Any history of a time plan from purchase against a model of one number: the second at which access ends (I2, I9)."""

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.errors import InsufficientCredits
from tests.support.fuzz import on_chain
from tests.support.plans import from_purchase
from tests.support.reverts import reverts
from tests.support.world import World

DURATION = 20


@dataclass
class Model:
    """When access ends."""

    until: int = 0

    def periods(self, now: int) -> int:
        return max(0, -((now - self.until) // DURATION))

    def extend(self, periods: int, now: int) -> None:
        self.until = max(self.until, now) + periods * DURATION

    def shorten(self, periods: int, now: int) -> None:
        """Giving up all that is left ends access now, and less leaves whole periods and the one that has begun."""
        self.until = now if periods == self.periods(now) else self.until - periods * DURATION


steps = st.lists(
    st.tuples(st.sampled_from(("order", "mint", "burn", "burn all")), st.integers(1, 4), st.integers(1, 3 * DURATION)),
    min_size=1,
    max_size=8,
)


@on_chain
@given(history=steps)
def test_from_purchase__after_any_history__ends_when_one_number_says(
    world: World, history: list[tuple[str, int, int]]
) -> None:
    plan_id, model, holder = world.register(**from_purchase(DURATION)), Model(), Account.create()
    world.chain.send_data(world.fee_owner, "0x", to=holder.address, value=10**18)
    functions = world.credits.functions
    for name, amount, wait in history:
        now = world.now + wait
        left = model.periods(now)
        burned = left if name == "burn all" else min(amount, left)
        give: dict[str, Any] = {
            "order": (world.stranger, functions.order(plan_id, holder.address, amount, 0)),
            "mint": (world.builder, functions.mint(plan_id, holder.address, amount)),
        }
        if name in give:
            world.send_at(now, *give[name])
            model.extend(amount, now)
        elif burned:
            world.send_at(now, holder, functions.burn(plan_id, holder.address, burned))
            model.shorten(burned, now)
        else:
            world.mine_at(now)
        left = model.periods(now)
        assert world.read(functions.accessUntil(plan_id, holder.address)) == model.until
        assert world.balance(plan_id, holder.address) == left
        with reverts(InsufficientCredits(plan_id, holder.address, left, left + 1)):
            world.read(functions.burn(plan_id, holder.address, left + 1), holder.address)
