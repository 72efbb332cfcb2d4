"""Random histories: what a few people do to plans of every sort, so that statements of them can be compared with the chain."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from eth_account.signers.local import LocalAccount

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import NvmChainError
from nvm_chain.operations.credits import read_account, read_balance
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.prices import Split
from tests.support.world import FUNDS, MAX_UINT, PRICE, ZERO, World

RECEIVERS = ["0x" + f"{number:02x}" * 20 for number in (0x51, 0x52, 0x53)]


class History:
    """What a few people do to plans of every sort, and the second of each block."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, random.Random(seed)
        self.people = [world.subscriber, world.stranger, world.other]
        self.done: Counter[str] = Counter()
        for person in self.people:
            world.fund(person, amount=1000 * FUNDS)
        self.plans = self._register()
        self.steps: list[Callable[[], object]] = [
            *([self.order] * 6),
            *([self.settle] * 3),
            *([self.redeem] * 5),
            *([self.burn] * 2),
            *([self.wait] * 4),
            *(self.mint, self.mint_batch, self.grant_external, self.pay, self.transfer, self.transfer_batch),
        ]

    def _register(self) -> dict[str, int]:
        amounts = zip(RECEIVERS, (PRICE, 7, 11), strict=True)
        first, second, third = (Split(parse_address(receiver), amount) for receiver, amount in amounts)
        register = self.world.register
        plans = {"lasting": register(splits=(first, second))}
        self.world.set_fee(333)
        time: dict[str, Any] = {"kind": PlanKind.TIME, "credits": 3, "duration": 1000, "min_redeem": 0, "max_redeem": 0}
        on_use = {**time, "activation": Activation.ON_FIRST_USE, "min_redeem": 1, "max_redeem": 3}
        usage: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}
        return plans | {
            "expiring": register(duration=3000, splits=(first, second, third)),
            "short": register(duration=70, splits=()),
            "transferable": register(transferable=True, splits=(third,)),
            "coin": register(token=ZERO, splits=(second, third), rule=RedemptionRule.OWNER),
            "time": register(**time, splits=(second,)),
            "on use": register(**on_use, splits=()),
            "usage": register(**usage, splits=(first, third)),
            "usage in coin": register(**usage, token=ZERO, splits=(third,)),
            "external": register(paid_externally=True, token=ZERO, splits=()),
            "trial": register(trial=True, splits=()),
        }

    def run(self, steps: int) -> None:
        """Do so many things; what the contract refuses does no harm."""
        for _ in range(steps):
            step = self.random.choice(self.steps)
            try:
                step()
                self.done[step.__name__] += 1
            except NvmChainError:
                self.done["refused"] += 1

    def person(self) -> LocalAccount:
        return self.random.choice(self.people)

    def plan(self) -> int:
        return self.random.choice(list(self.plans.values()))

    def send(self, signer: LocalAccount, name: str, *arguments: Any, value: int = 0) -> None:
        self.world.send(signer, self.world.credits.functions[name](*arguments), value)

    def price(self, plan_id: int, quantity: int) -> int:
        is_coin = plan_id in {self.plans["coin"], self.plans["usage in coin"]}
        price = {self.plans["coin"]: 18, self.plans["usage in coin"]: 11}.get(plan_id, 0)
        return price * quantity if is_coin else 0

    def order(self) -> None:
        plan_id, quantity = self.plan(), self.random.randint(1, 3)
        receiver = self.person().address
        self.send(self.person(), "order", plan_id, receiver, quantity, MAX_UINT, value=self.price(plan_id, quantity))

    def pay(self) -> None:
        plan_id, quantity = self.plans[self.random.choice(["usage", "usage in coin"])], self.random.randint(1, 3)
        value, context = self.price(plan_id, quantity), self.random.randbytes(32)
        self.send(self.person(), "payUsage", plan_id, quantity, MAX_UINT, context, value=value)

    def mint(self) -> None:
        self.send(self.world.builder, "mint", self.plan(), self.person().address, self.random.randint(1, 9))

    def mint_batch(self) -> None:
        holders = [person.address for person in self.random.choices(self.people, k=4)]
        self.send(self.world.builder, "mintBatch", self.plan(), holders, self.random.choices(range(4), k=4))

    def grant_external(self) -> None:
        reference = self.random.randbytes(32)
        plan_id = self.random.choice([self.plans["external"], self.plan()])
        self.send(self.world.builder, "grantExternal", plan_id, self.person().address, 1, reference)

    def redeem(self) -> None:
        holder, plan_id = self.person(), self.plan()
        signer = self.world.builder if plan_id == self.plans["coin"] else holder
        self.send(signer, "redeem", plan_id, holder.address, self.random.randint(1, 3), self.random.randbytes(32))

    def settle(self) -> None:
        plan_id = self.plans[self.random.choice(["lasting", "expiring", "short", "coin"])]
        holders = self.random.sample(self.people, k=2)
        redeemer = self.world.builder.address
        signed = [
            sign_next_voucher(self.world.chain, holder, plan_id, redeemer=redeemer, cost=self.random.randint(1, 40))
            for holder in holders
            if read_balance(self.world.chain, plan_id, holder.address) >= 40
        ]
        totals = [
            HolderTotal(holder.address, self.settled(plan_id, holder) + self.random.randint(1, 9))
            for holder in self.people[:2]
            if plan_id == self.plans["coin"]  # whose rule lets the owner redeem
        ]
        settle_vouchers(self.world.chain, self.world.builder, plan_id, [*signed, *totals])

    def settled(self, plan_id: int, holder: LocalAccount) -> int:
        return read_account(self.world.chain, plan_id, holder.address).settled

    def burn(self) -> None:
        holder = self.person()
        self.send(holder, "burn", self.plan(), holder.address, self.random.randint(1, 20))

    def transfer(self) -> None:
        holder, amount = self.person(), self.random.randint(0, 9)
        plan_id = self.plans["transferable"]
        self.send(holder, "safeTransferFrom", holder.address, self.person().address, plan_id, amount, b"")

    def transfer_batch(self) -> None:
        holder, plan_id = self.person(), self.plans["transferable"]
        amounts = self.random.choices(range(5), k=3)
        self.send(holder, "safeBatchTransferFrom", holder.address, self.person().address, [plan_id] * 3, amounts, b"")

    def wait(self) -> None:
        self.world.mine_at(self.world.now + self.random.choice([1, 10, 70, 500, 1000, 3000]))
