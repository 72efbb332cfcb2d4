"""Statements of random histories: every balance is the chain's at that block, every payment reached its receiver, and the parts add up."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import NvmChainError
from nvm_chain.operations.credits import read_account, read_balance
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.statements.types import MovementKind, Statement
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.prices import Split
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import FUNDS, MAX_UINT, PRICE, ZERO, World

STEPS = 80
DAY = 86_400
RECEIVERS = ["0x" + f"{number:02x}" * 20 for number in (0x51, 0x52, 0x53)]


@pytest.fixture(scope="module")
def node() -> Iterator[World]:
    """An anvil that keeps the state of every block, for these tests ask for old ones."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield World(chain)


@pytest.fixture
def world(node: World) -> Iterator[World]:
    """An anvil's: eth-tester takes seconds to look for events in a hundred blocks."""
    snapshot = node.take_snapshot()
    yield node
    node.revert_to(snapshot)


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


def balance_at(world: World, plan_id: int, holder: str, block: int) -> int:
    """Ask the chain itself, in the state of a block."""
    return int(world.chain.read(world.credits.functions.balanceOf(holder, plan_id), block=block))


def check_sums(statement: Statement) -> None:
    """The parts of a statement add up."""
    running = {plan.plan_id: plan.opening for plan in statement.plans}
    for movement in statement.movements:
        running[movement.plan_id] += movement.amount
        assert movement.balance == running[movement.plan_id] >= 0
    for plan in statement.plans:
        holders = [holder for holder in statement.holders if holder.plan_id == plan.plan_id]
        assert plan.closing == running[plan.plan_id] == sum(holder.closing for holder in holders)
        assert plan.opening == sum(holder.opening for holder in holders)
        assert plan.closing == plan.opening + sum(plan.totals.values())
    places = [(item.timestamp, item.block_number or 0, item.log_index or 0) for item in statement.movements]
    assert [place[0] for place in places] == sorted(place[0] for place in places)
    cost = sum(movement.cost for movement in statement.movements if statement.plan_id or statement.owned)
    if statement.plan_id or statement.owned:
        assert sum(item.total for item in statement.revenue) == cost


@pytest.mark.parametrize("seed", range(6))
def test_statements__of_random_histories__are_what_the_chain_says_at_each_block(world: World, seed: int) -> None:
    history = History(world, seed)
    began = world.chain.read_block().number + 1
    history.run(STEPS)
    head = world.chain.read_block()
    cuts = sorted(history.random.sample(range(began, head.number), k=3))
    for holder in history.people:
        whole = read_holder_statement(world.chain, holder.address)
        check_sums(whole)
        assert {plan.plan_id for plan in whole.plans} <= set(history.plans.values())
        parts = []
        for start, end in zip([None, *cuts], [*cuts, None], strict=True):
            part = read_holder_statement(world.chain, holder.address, start_block=start, end_block=end)
            check_sums(part)
            parts.append(part)
            for plan in part.plans:
                at = head.number if end is None else end - 1
                assert plan.closing == balance_at(world, plan.plan_id, holder.address, at)
                assert plan.opening == (
                    0 if start is None else balance_at(world, plan.plan_id, holder.address, start - 1)
                )
        events = [[item for item in part.movements if item.kind is not MovementKind.EXPIRY] for part in parts]
        assert list(chain(*events)) == [item for item in whole.movements if item.kind is not MovementKind.EXPIRY]
        for balance in whole.holders:
            until = read_account(world.chain, balance.plan_id, holder.address).access_until
            assert balance.access_until == until
    assert min(history.done["order"], history.done["wait"]) > 0
    assert history.done.total() - history.done["refused"] > STEPS // 3


@pytest.mark.parametrize("seed", range(10, 14))
def test_statements__of_plans_and_their_builder__are_the_sum_of_their_holders_and_of_what_receivers_got(
    world: World, seed: int
) -> None:
    history = History(world, seed)
    began = world.chain.read_block().number + 1
    history.run(STEPS)
    cut = history.random.randrange(began, world.chain.read_block().number)
    for start, end in ((None, cut), (cut, None)):
        builder = read_builder_statement(world.chain, world.builder.address, start_block=start, end_block=end)
        check_sums(builder)
        assert {item.plan_id for item in builder.owned} == set(history.plans.values())
        holders = [
            read_holder_statement(world.chain, person.address, start_block=start, end_block=end)
            for person in history.people
        ]
        for plan_id in history.plans.values():
            plan = read_plan_statement(world.chain, plan_id, start_block=start, end_block=end)
            check_sums(plan)
            assert plan.plans[0] in builder.plans
            theirs = [item for holder in holders for item in holder.plans if item.plan_id == plan_id]
            assert plan.plans[0].closing == sum(item.closing for item in theirs)
            totals: Counter[MovementKind] = Counter()
            for item in theirs:
                totals.update(item.totals)
            totals.pop(MovementKind.GIFT, None)
            assert +totals == Counter({k: v for k, v in plan.plans[0].totals.items() if v > 0})
            assert {k: v for k, v in totals.items() if v} == {k: v for k, v in plan.plans[0].totals.items() if v}
            assert set(plan.revenue) == {item for item in builder.revenue if item.plan_id == plan_id}
        for receiver in [*RECEIVERS, world.fee_receiver.address]:
            check_paid(world, builder, receiver, start, end)
            paid = [item for holder in holders for item in holder.revenue if item.receiver == receiver]
            assert sum(item.total for item in paid) == sum(
                item.total for item in builder.revenue if item.receiver == receiver
            )


def check_paid(world: World, statement: Statement, receiver: str, start: int | None, end: int | None) -> None:
    """What a statement says a receiver got is what its balances grew by."""
    eth, usdc = world.chain.web3.eth, world.usdc.functions.balanceOf(receiver)
    first, last = (0 if start is None else start - 1), (eth.block_number if end is None else end - 1)
    grown = {
        ZERO: eth.get_balance(receiver, last) - eth.get_balance(receiver, first),  # type: ignore[arg-type]
        world.usdc.address: world.chain.read(usdc, block=last)
        - (world.chain.read(usdc, block=first) if start is not None else 0),
    }
    for token, amount in grown.items():
        paid = sum(item.total for item in statement.revenue if (item.receiver, item.token) == (receiver, token))
        assert paid == amount
