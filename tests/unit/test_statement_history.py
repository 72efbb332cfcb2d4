"""Which transfers vouchers brought, and which sales' fees could not be delivered, where one transaction has several."""

from typing import Any

import pytest

from nvm_chain.errors import StatementMismatch
from nvm_chain.statements.history import find_settled
from nvm_chain.statements.movements import build_facts
from nvm_chain.statements.revenue import match_forgone, sum_revenue
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.events import Block, Event
from nvm_chain.types.plans import build_terms
from nvm_chain.types.prices import get_split_price_config

HEAD = Block(9, "0x9", 900)
ZERO = "0x" + "00" * 20
ALICE, BOB, REDEEMER, FEES = ("0x" + f"{number:02x}" * 20 for number in (0x11, 0x22, 0x33, 0x44))
TERMS = build_terms(get_split_price_config(ZERO, {ALICE: 2, BOB: 1}), get_fixed_credits_config(1))
PLANS = {7: (TERMS, 1000)}


def event(index: int, name: str, transaction: str = "0xaa", **arguments: Any) -> Event:
    return Event(name, arguments, 1, "0x1", transaction, index, 100)


def take(index: int, amount: int, operator: str = REDEEMER, plan_id: int = 7, transaction: str = "0xaa") -> Event:
    arguments = {"operator": operator, "from": ALICE, "to": ZERO, "id": plan_id, "value": amount}
    return event(index, "TransferSingle", transaction, **arguments)


def settled(index: int, count: int, credits: int, **more: Any) -> Event:
    return event(index, "Settled", **{"planId": 7, "redeemer": REDEEMER, "count": count, "credits": credits, **more})


def test_find_settled__of_burns_and_batches_in_one_transaction__takes_those_right_before_each() -> None:
    events = [take(0, 1), take(1, 2), take(3, 4), settled(4, 2, 6), take(5, 8), take(6, 16), settled(7, 1, 16)]
    assert find_settled(events, HEAD) == {(1, 1), (1, 3), (1, 6)}


@pytest.mark.parametrize("other", [take(0, 2, operator=BOB), take(0, 2, plan_id=8), take(0, 2, transaction="0xbb")])
def test_find_settled__beside_another_operator_plan_or_transaction__leaves_theirs_alone(other: Event) -> None:
    assert find_settled([take(1, 1), other, settled(2, 1, 1)], HEAD) == {(1, 1)}


def test_find_settled__of_a_batch_that_brought_nothing__is_nothing() -> None:
    assert find_settled([take(0, 1), settled(1, 0, 0)], HEAD) == frozenset()


@pytest.mark.parametrize(("count", "credits"), [(1, 2), (2, 1), (0, 1)])
def test_find_settled__of_a_batch_whose_transfers_are_missing__is_refused(count: int, credits: int) -> None:
    with pytest.raises(StatementMismatch):
        find_settled([take(0, 1), settled(1, count, credits)], HEAD)


def sale(index: int, cost: int) -> Event:
    return event(index, "Ordered", planId=7, payer=ALICE, receiver=ALICE, quantity=1, cost=cost)


def forgone(index: int, amount: int) -> Event:
    return event(index, "FeeForgone", planId=7, feeReceiver=FEES, amount=amount)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([sale(1, 300), forgone(2, 30)], {(1, 1)}),
        ([sale(1, 300), sale(2, 600), forgone(3, 30)], {(1, 1)}),
        ([sale(1, 300), sale(2, 300), forgone(3, 30)], {(1, 2)}),
        ([sale(1, 300), sale(2, 300), forgone(3, 30), forgone(4, 30)], {(1, 1), (1, 2)}),
    ],
)
def test_match_forgone__of_sales_inside_of_sales__is_the_last_with_that_fee(
    events: list[Event], expected: set[tuple[int, int]]
) -> None:
    assert match_forgone(events, PLANS) == expected


def test_sum_revenue__of_a_cost_that_does_not_divide__leaves_the_rest_to_the_first() -> None:
    fee_set = event(0, "ProtocolFeeSet", feeBps=1000, receiver=FEES)
    revenue = sum_revenue([fee_set, sale(1, 101), sale(2, 101), forgone(3, 9)], PLANS, lambda _: True)
    # Of 101 the second is due 33, the first 68; of these 3 and 6 are fees.
    assert {item.receiver: (item.shares, item.fees, item.forgone, item.sales) for item in revenue} == {
        ALICE: (124, 0, 9, 2),
        BOB: (60, 0, 0, 2),
        FEES: (0, 9, 0, 1),
    }
    assert sum(item.total for item in revenue) == 202


def test_build_facts__of_an_event_of_another_plan_or_holder_beside__is_not_taken_for_ones_own() -> None:
    mint: dict[str, Any] = {"operator": REDEEMER, "from": ZERO, "to": ALICE, "id": 7, "value": 5}
    order: dict[str, Any] = {"payer": BOB, "receiver": ALICE, "quantity": 1, "cost": 3}
    for beside in ({**order, "planId": 8}, {**order, "planId": 7, "receiver": BOB}):
        (fact,) = build_facts([event(1, "TransferSingle", **mint), event(2, "Ordered", **beside)], ())[:1]
        assert (fact.kind.value, fact.party) == ("grant", REDEEMER)
    (fact, _) = build_facts([event(1, "TransferSingle", **mint), event(2, "Ordered", **order, planId=7)], ())
    assert (fact.kind.value, fact.party, fact.cost) == ("order", BOB, 3)
