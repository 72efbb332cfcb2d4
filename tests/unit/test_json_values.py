"""Values as JSON has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypedDict

import pytest

from nvm_chain.errors.fields import AgentId, Credits, Money, PlanId
from nvm_chain.types.json_values import fields_of, to_json
from nvm_chain.types.receipts import Transaction


class Colour(Enum):
    RED = 1


class Purse(TypedDict):
    money: Money
    credits: Credits


@dataclass
class Answer:
    plan_id: PlanId | None
    agent_id: AgentId
    paid: Money
    parts: tuple[Money, ...]
    by_name: Mapping[str, Money]
    pairs: tuple[tuple[str, Credits], ...]
    purses: Mapping[Colour, Purse]
    transaction: Transaction | None = None


def build(**changes: Any) -> Answer:
    usual: dict[str, Any] = {
        "plan_id": 255,
        "agent_id": 7,
        "paid": 5,
        "parts": (2, 3),
        "by_name": {"0xAb": 5},
        "pairs": (("a", 1),),
        "purses": {Colour.RED: {"money": 9, "credits": 9}},
    }
    return Answer(**{**usual, **changes})


def test_fields_of__a_dataclass__writes_each_field_as_its_type_says() -> None:
    assert fields_of(build()) == {
        "plan_id": f"0x{255:064x}",
        "agent_id": 7,
        "paid": "5",
        "parts": ["2", "3"],
        "by_name": {"0xAb": "5"},
        "pairs": [["a", 1]],
        "purses": {"red": {"money": "9", "credits": 9}},
        "transaction": None,
    }


def test_fields_of__a_dataclass_within_it__writes_that_too() -> None:
    told = fields_of(build(plan_id=None, transaction=Transaction("0x1", 2, 3, 4)))
    assert told["plan_id"] is None
    assert told["transaction"] == {"hash": "0x1", "block_number": 2, "gas_used": 3, "fee_wei": "4"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (True, True),
        (None, None),
        ("text", "text"),
        (b"\xff", "0xff"),
        (Colour.RED, "red"),
        ([1, (2, b"")], [1, [2, "0x"]]),
        ({Colour.RED: 1, 2: 3}, {"red": 1, "2": 3}),
        (1.5, "1.5"),
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
    ],
)
def test_to_json__of_each_kind_of_value__is_what_json_has(value: object, told: object) -> None:
    assert to_json(value) == told
    assert json.loads(json.dumps(to_json(value))) == told


def test_to_json__of_credits_that_parsers_round__is_text() -> None:
    assert fields_of(build(pairs=(("a", 2**64 - 1),)))["pairs"] == [["a", str(2**64 - 1)]]
