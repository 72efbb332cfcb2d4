"""statements.formats: columns that stay, numbers as they are, and text that no spreadsheet takes for a formula."""

import csv
import io
import json
from typing import Any, cast

import pytest
from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.statements.formats import format_context, format_movements_csv, format_revenue_csv, format_statement_json
from nvm_chain.statements.types import (
    HolderBalance,
    Movement,
    MovementKind,
    Period,
    PlanBalance,
    Scope,
    Statement,
)
from nvm_chain.types.events import Block
from nvm_chain.types.revenue import Revenue

ALICE, BOB = cast(ChecksumAddress, "0x" + "11" * 20), cast(ChecksumAddress, "0x" + "22" * 20)
PLAN = "0x" + "0" * 63 + "7"


def movement(**changes: Any) -> Movement:
    values: dict[str, Any] = {
        "kind": MovementKind.REDEMPTION,
        "plan_id": 7,
        "holder": ALICE,
        "amount": -1,
        "balance": 4,
        "timestamp": 1_800_000_000,
        "block_number": 9,
        "transaction": "0xaa",
        "log_index": 3,
        "party": BOB,
        "context": b"request-1".ljust(32, b"\0"),
    }
    return Movement(**{**values, **changes})


def statement(*movements: Movement) -> Statement:
    return Statement(
        scope=Scope.PLAN,
        address=None,
        plan_id=7,
        chain_id=1,
        credits=BOB,
        period=Period(1_700_000_000, 1_900_000_000),
        head=Block(10, "0xbb", 1_800_000_001),
        plans=(PlanBalance(7, PlanKind.CREDITS, 5, 4, {MovementKind.REDEMPTION: -1}),),
        holders=(HolderBalance(7, ALICE, 5, 4, 0),),
        movements=movements,
        revenue=(Revenue(7, BOB, ALICE, 2**80, 2, 3, 1),),
    )


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_format_movements_csv__has_the_documented_columns_between_both_balances() -> None:
    text = format_movements_csv(statement(movement()))
    assert text.splitlines()[0] == (
        "time,timestamp,block,transaction,log_index,plan_id,holder,kind,amount,balance,"
        "party,quantity,cost,token,context,context_text,access_until"
    )
    opening, line, closing = read(text)
    assert (opening["kind"], opening["balance"], opening["timestamp"]) == ("opening", "5", "1700000000")
    assert (closing["kind"], closing["balance"], closing["timestamp"]) == ("closing", "4", "1900000000")
    assert line == {
        "time": "2027-01-15T08:00:00Z",
        "timestamp": "1800000000",
        "block": "9",
        "transaction": "0xaa",
        "log_index": "3",
        "plan_id": PLAN,
        "holder": ALICE,
        "kind": "redemption",
        "amount": "-1",
        "balance": "4",
        "party": BOB,
        "quantity": "",
        "cost": "",
        "token": "",
        "context": "0x" + b"request-1".ljust(32, b"\0").hex(),
        "context_text": "request-1",
        "access_until": "",
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1"])
def test_format_movements_csv__of_a_context_that_is_a_formula__makes_it_text(text: str) -> None:
    line = read(format_movements_csv(statement(movement(context=text.encode().ljust(32, b"\0")))))[1]
    assert line["context_text"] == "'" + text


@pytest.mark.parametrize("text", ['a","b', "a;b", "a=b", "request, 1"])
def test_format_movements_csv__of_a_context_with_separators__keeps_it_in_one_cell(text: str) -> None:
    line = read(format_movements_csv(statement(movement(context=text.encode().ljust(32, b"\0")))))[1]
    assert (line["context_text"], line["access_until"]) == (text, "")


@pytest.mark.parametrize("context", [None, bytes(32), b"\xff" * 32, b"a\nb".ljust(32, b"\0"), b"\t=1".ljust(32, b"\0")])
def test_format_context__of_what_is_no_text_in_one_line__is_nothing(context: bytes | None) -> None:
    assert format_context(context) == ""


def test_format_movements_csv__of_a_second_without_a_calendar__leaves_the_time_out() -> None:
    line = read(format_movements_csv(statement(movement(timestamp=2**62))))[1]
    assert (line["time"], line["timestamp"]) == ("", str(2**62))


def test_format_revenue_csv__has_the_sum_of_its_parts() -> None:
    assert read(format_revenue_csv(statement())) == [
        {
            "plan_id": PLAN,
            "token": BOB,
            "receiver": ALICE,
            "shares": str(2**80),
            "fees": "2",
            "forgone": "3",
            "total": str(2**80 + 5),
            "sales": "1",
        }
    ]


def test_format_statement_json__has_money_as_text_and_names_kinds() -> None:
    answer = json.loads(format_statement_json(statement(movement())))
    assert (answer["scope"], answer["plan_id"], answer["address"]) == ("plan", PLAN, None)
    assert answer["plans"] == [
        {"plan_id": PLAN, "kind": "credits", "opening": 5, "closing": 4, "totals": {"redemption": -1}}
    ]
    assert (answer["movements"][0]["kind"], answer["movements"][0]["amount"]) == ("redemption", -1)
    assert answer["revenue"][0]["total"] == str(2**80 + 5)
    assert answer["period"]["end_second"] == 1_900_000_000
