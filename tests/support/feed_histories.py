"""Histories for a feed: on few plans, much is granted, settled, redeemed and burned, by the meter's key and by others."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from eth_account.signers.local import LocalAccount

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import NvmChainError
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.types.accounts import HolderTotal
from tests.support.world import NO_CONTEXT, World

LIFE_SECONDS = 120


class FeedHistory:
    """What happens to the accounts of two holders. The builder's key is the meter's, and the redeemer's is another one."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.holders = [world.subscriber, world.stranger]
        self.done: Counter[str] = Counter()
        credits: dict[str, Any] = {"rule": RedemptionRule.OWNER, "max_redeem": 100}
        time: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 3, "duration": 90, "min_redeem": 0, "max_redeem": 0}
        on_use = {**time, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 3}
        self.credits_plans = [
            world.register(transferable=True, **credits),
            world.register(duration=LIFE_SECONDS, **credits),
        ]
        self.time_plans = [world.register(**time), world.register(**on_use)]
        for plan_id in self.credits_plans:
            world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
        self.steps: dict[Callable[[], object], int] = {
            self.grant: 8,
            self.settle: 6,
            self.redeem: 3,
            self.burn: 1,
            self.transfer: 1,
            self.use_time: 2,
            self.wait: 5,
        }

    def run(self, steps: int) -> None:
        """Do so many things. What the contract refuses does no harm."""
        for step in self.random.choices(list(self.steps), list(self.steps.values()), k=steps):
            try:
                step()
                self.done[step.__name__] += 1
            except NvmChainError:
                self.done["refused"] += 1

    def holder(self) -> LocalAccount:
        return self.random.choice(self.holders)

    def plan(self) -> int:
        return self.random.choice([*self.credits_plans, self.credits_plans[1]])

    def taker(self) -> LocalAccount:
        """Return the meter's key, or another one."""
        return self.random.choice([self.world.builder, self.world.builder, self.world.redeemer])

    def grant(self) -> None:
        self.world.grant(self.plan(), self.holder().address, self.random.randint(5, 60))

    def settle(self) -> None:
        plan_id, chain = self.plan(), self.world.chain
        totals = [
            HolderTotal(
                holder.address, read_account(chain, plan_id, holder.address).settled + self.random.randint(1, 20)
            )
            for holder in self.holders
        ]
        settle_vouchers(chain, self.taker(), plan_id, totals)

    def redeem(self) -> None:
        amount = self.random.randint(1, 20)
        function = self.world.credits.functions.redeem(self.plan(), self.holder().address, amount, NO_CONTEXT)
        self.world.send(self.taker(), function)

    def burn(self) -> None:
        holder = self.holder()
        self.world.send(
            holder, self.world.credits.functions.burn(self.plan(), holder.address, self.random.randint(1, 30))
        )

    def transfer(self) -> None:
        giver, taker = self.random.sample(self.holders, 2)
        arguments = (giver.address, taker.address, self.credits_plans[0], self.random.randint(1, 30), b"")
        self.world.send(giver, self.world.credits.functions.safeTransferFrom(*arguments))

    def use_time(self) -> None:
        """Grant periods, or open or burn one."""
        holder, plan_id, functions = self.holder(), self.random.choice(self.time_plans), self.world.credits.functions
        match self.random.randrange(4):
            case 0:
                self.world.send(holder, functions.burn(plan_id, holder.address, 1))
            case 1:
                self.world.send(holder, functions.redeem(self.time_plans[1], holder.address, 1, NO_CONTEXT))
            case _:
                self.world.grant(plan_id, holder.address, self.random.randint(1, 3))

    def wait(self) -> None:
        self.world.mine_at(self.world.now + self.random.choice([1, 10, 60, LIFE_SECONDS]))
