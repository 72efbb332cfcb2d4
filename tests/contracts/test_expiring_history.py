"""Any history of an expiring plan against a model of a dozen lines: a list of lots, used from the earliest (I2, I9)."""

from dataclasses import dataclass, field
from typing import Any

from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import InsufficientCredits
from tests.support.fuzz import on_chain
from tests.support.plans import expiring
from tests.support.reverts import reverts
from tests.support.world import NO_CONTEXT, World

DURATION = 40
NAMES = ("order", "mint", "grantExternal", "burn", "redeem")


@dataclass
class Model:
    """What is left of each purchase, and when it expires."""

    lots: list[tuple[int, int]] = field(default_factory=list)

    def pass_time(self, now: int) -> None:
        self.lots = [(credits, expires_at) for credits, expires_at in self.lots if expires_at > now]

    def grant(self, amount: int, now: int) -> None:
        self.lots.append((amount, now + DURATION))

    @property
    def balance(self) -> int:
        return sum(credits for credits, _ in self.lots)

    def use(self, amount: int) -> None:
        while amount:
            credits, expires_at = self.lots.pop(0)
            if credits > amount:
                self.lots.insert(0, (credits - amount, expires_at))
            amount -= min(amount, credits)


steps = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 12), st.one_of(st.integers(1, 5), st.integers(1, 2 * DURATION))),
    min_size=1,
    max_size=14,
)


class History:
    """One plan, one holder, and the model beside them."""

    def __init__(self, world: World) -> None:
        """Register a plan of 3 credits which the owner may redeem, and take a holder nobody has seen."""
        self.world = world
        self.model = Model()
        self.plan_id = world.register(**expiring(DURATION, credits=3, max_redeem=2**32 - 1, rule=RedemptionRule.OWNER))
        self.holder = Account.create()
        world.chain.send_data(world.fee_owner, "0x", to=self.holder.address, value=10**18)
        self.references = 0

    def do(self, name: str, amount: int, wait: int) -> None:
        """Wait, do one thing that the model says must succeed, and compare."""
        now = self.world.now + wait
        self.model.pass_time(now)
        functions, holder = self.world.credits.functions, self.holder.address
        give: dict[str, tuple[Any, Any, int]] = {
            "order": (self.world.stranger, functions.order(self.plan_id, holder, amount, 0), 3 * amount),
            "mint": (self.world.builder, functions.mint(self.plan_id, holder, amount), amount),
            "grantExternal": (
                self.world.builder,
                functions.grantExternal(self.plan_id, holder, amount, self.references.to_bytes(32, "big")),
                3 * amount,
            ),
        }
        if name in give:
            signer, function, granted = give[name]
            self.references += 1
            self.world.send_at(now, signer, function)
            self.model.grant(granted, now)
            return
        # Sometimes all that there is, which is where the count begins anew.
        amount = self.model.balance if amount > 8 else min(amount * 2, self.model.balance)
        if amount == 0:
            self.world.mine_at(now)
            return
        burn, redeem = functions.burn, functions.redeem
        if name == "burn":
            self.world.send_at(now, self.holder, burn(self.plan_id, holder, amount))
        else:
            self.world.send_at(now, self.world.builder, redeem(self.plan_id, holder, amount, NO_CONTEXT))
        self.model.use(amount)

    def compare(self) -> None:
        """The contract and the model say the same, now."""
        functions, holder = self.world.credits.functions, self.holder.address
        lots = self.world.read(functions.lotsOf(self.plan_id, holder, 0, 1000))
        assert [tuple(lot) for lot in lots] == self.model.lots
        assert self.world.balance(self.plan_id, holder) == self.model.balance
        too_many = self.model.balance + 1
        with reverts(InsufficientCredits(self.plan_id, holder, self.model.balance, too_many)):
            self.world.read(functions.burn(self.plan_id, holder, too_many), holder)


@on_chain
@given(history=steps)
def test_expiring__after_any_history__has_what_a_list_of_lots_would_have(
    world: World, history: list[tuple[str, int, int]]
) -> None:
    """I2, I9: and at the second before each remaining expiry, and in it, until nothing is left."""
    here = History(world)
    for step in history:
        here.do(*step)
        here.compare()
    for expires_at in sorted({expires_at for _, expires_at in here.model.lots}):
        for second in (expires_at - 1, expires_at):
            if second >= world.now:
                world.mine_at(second)
                here.model.pass_time(second)
                here.compare()
    assert here.model.balance == 0
