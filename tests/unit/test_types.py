"""types: values that nobody can change, equal when they say the same."""

import dataclasses
import inspect
from enum import IntEnum
from pathlib import Path

import pytest

from nvm_chain import types
from nvm_chain.enums import Activation, PlanKind, RedemptionRule, SettlementResult
from nvm_chain.types.accounts import Account, VoucherCheck
from nvm_chain.types.addresses import ZERO_ADDRESS as ZERO
from nvm_chain.types.plans import Terms

VALUES = [value for _, value in inspect.getmembers(types, dataclasses.is_dataclass)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_value__of_each_type__is_frozen_and_has_slots(value: type) -> None:
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(value)


def test_value__assigned_to__raises() -> None:
    account = Account(3, 1, 0, trial_taken=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.balance = 5  # type: ignore[misc]
    assert account == Account(3, 1, 0, trial_taken=False)


ENUMS = (PlanKind, Activation, RedemptionRule, SettlementResult)


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_enum__numbers__are_those_of_the_contract(enum: type[IntEnum]) -> None:
    source = (Path(__file__).parent.parent.parent / "contracts" / "credits" / "ICredits.sol").read_text("utf-8")
    body = source.partition(f"\nenum {enum.__name__} {{")[2].partition("}")[0]
    assert [member.name for member in enum] == body.replace(",", " ").split()
    assert [int(member) for member in enum] == list(range(len(enum)))


@pytest.mark.parametrize(
    ("kind", "activation", "redeemable", "starts_on_purchase"),
    [
        (PlanKind.CREDITS, Activation.ON_PURCHASE, True, False),
        (PlanKind.TIME, Activation.ON_PURCHASE, False, True),
        (PlanKind.TIME, Activation.ON_FIRST_USE, True, False),
        (PlanKind.USAGE, Activation.ON_PURCHASE, False, False),
    ],
)
def test_terms__of_each_kind__tell_what_is_redeemed(
    kind: PlanKind, activation: Activation, redeemable: bool, starts_on_purchase: bool
) -> None:
    terms = Terms(kind, activation, ZERO, (), ZERO, False, 1, 1, 1, 1, RedemptionRule.HOLDER, False, False)
    assert (terms.is_redeemable, terms.starts_on_purchase) == (redeemable, starts_on_purchase)


@pytest.mark.parametrize(
    ("balance", "settled", "ceiling", "available"),
    [(5, 0, 4, 4), (5, 0, 5, 5), (5, 0, 6, 5), (5, 3, 6, 3), (0, 0, 1, 0)],
)
def test_voucher_check__available__is_the_least_of_balance_and_what_the_ceiling_leaves(
    balance: int, settled: int, ceiling: int, available: int
) -> None:
    assert VoucherCheck(balance, settled, ceiling).available == available
