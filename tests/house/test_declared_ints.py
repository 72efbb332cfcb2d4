"""Every int that leaves this package says what it counts, so that money never becomes a number of JSON by oversight."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints, is_typeddict

import pytest

import nvm_chain
from nvm_chain.errors import list_errors
from nvm_chain.errors.fields import Coin, Money
from nvm_chain.errors.formatting import EXACT_LIMIT
from nvm_chain.types.json_values import fields_of, find_form
from nvm_chain.types.receipts import Transaction
from tools.reference.samples import build_sample

ROOMS = ("types", "signing", "operations")
FILES = ("statements.types", "demo.results")
MONEY_WORDS = ("price", "cost", "paid", "fee", "fees", "wei", "shares", "forgone", "receivers", "usdc")
"""Words of a field's name that mean money; basis points apart."""


def list_modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(nvm_chain.__path__, "nvm_chain."):
        name = module.name.removeprefix("nvm_chain.")
        if name.partition(".")[0] in ROOMS or name in FILES:
            yield module.name


CLASSES = {
    f"{item.__module__}.{item.__name__}": item
    for name in list_modules()
    for item in vars(importlib.import_module(name)).values()
    if isinstance(item, type) and item.__module__ == name and (is_dataclass(item) or is_typeddict(item))
    if not issubclass(item, Exception)
}


def list_ints(kind: Any) -> Iterator[Any]:
    """Yield every type of an int within a type: declared ones, and int itself."""
    if kind is int or find_form(kind) is not None:
        yield kind
        return
    for part in get_args(kind):
        yield from list_ints(part)


def test_classes__that_are_looked_at__are_those_that_answers_are_made_of() -> None:
    assert {"OrderReceipt", "Terms", "Voucher", "Movement", "DemoResult", "BlockRange"} <= {
        name.rpartition(".")[2] for name in CLASSES
    }


@pytest.mark.parametrize("name", CLASSES)
def test_int_of_a_dataclass__says_what_it_counts(name: str) -> None:
    hints = get_type_hints(CLASSES[name], include_extras=True)
    assert [field for field, kind in hints.items() if int in list_ints(kind)] == []


@pytest.mark.parametrize("name", CLASSES)
def test_money_by_its_name__is_money_by_its_type(name: str) -> None:
    hints = get_type_hints(CLASSES[name], include_extras=True)
    for field, kind in hints.items():
        if set(field.split("_")) & set(MONEY_WORDS) and not field.endswith("_bps"):
            assert set(list_ints(kind)) <= {Money, Coin}, field


@pytest.mark.parametrize("error", list_errors(), ids=lambda error: error.__name__)
def test_int_of_an_error__says_what_it_counts(error: Any) -> None:
    kinds = error.__annotations__
    assert [field for field, kind in kinds.items() if int in list_ints(kind)] == []


@pytest.mark.parametrize("error", list_errors(), ids=lambda error: error.__name__)
def test_to_dict__of_an_error_with_large_ints__has_none_that_a_parser_rounds(error: Any) -> None:
    fields = build_sample(error).fields
    large = {
        name: EXACT_LIMIT if isinstance(value, int) and name != "decimals" else value for name, value in fields.items()
    }
    told = error(**large).to_dict()["fields"]
    assert [name for name, value in told.items() if isinstance(value, int) and value >= EXACT_LIMIT] == []
    for name, kind in error.__annotations__.items():
        assert kind not in (Money, Coin) or isinstance(told[name], str)


def test_fields_of__a_transaction__has_the_fee_as_text_and_the_gas_as_a_number() -> None:
    assert fields_of(Transaction("0x1", 5, 21_000, 7)) == {
        "hash": "0x1",
        "block_number": 5,
        "gas_used": 21_000,
        "fee_wei": "7",
    }
