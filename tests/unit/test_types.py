"""types: values that nobody can change, equal when they say the same."""

import dataclasses
import inspect

import pytest

from nvm_chain import types
from nvm_chain.types import Account, Rule

VALUES = [value for _, value in inspect.getmembers(types, dataclasses.is_dataclass)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_value__of_each_type__is_frozen_and_has_slots(value: type) -> None:
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(value)


def test_value__assigned_to__raises() -> None:
    account = Account(3, 1, trial_taken=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.granted = 5  # type: ignore[misc]
    assert account == Account(3, 1, trial_taken=False)


def test_account__balance__is_what_was_granted_and_not_spent() -> None:
    assert Account(2**72 - 1, 1, trial_taken=True).balance == 2**72 - 2


def test_rule__numbers__are_those_of_the_contract() -> None:
    assert {rule.name: int(rule) for rule in Rule} == {"HOLDER": 0, "REDEEMER": 1, "OWNER": 2}
