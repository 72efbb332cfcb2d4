"""Names of orders: one name is one order, however it is typed."""

from typing import Any

import pytest

from nvm_chain.errors import InvalidConfig
from nvm_chain.signing.order_names import hash_order_name, parse_order_name

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    "other", [DECOMPOSED, f" {COMPOSED}", f"{COMPOSED} ", f"\t{DECOMPOSED}\n", f"\u00a0{COMPOSED}\u2000"]
)
def test_hash_order_name__of_one_name_typed_in_another_way__is_the_same(other: str) -> None:
    assert hash_order_name(other) == hash_order_name(COMPOSED)
    assert parse_order_name(other) == COMPOSED


@pytest.mark.parametrize(
    ("one", "other"), [("a", "A"), ("a b", "ab"), ("1", "01"), ("a b", "a  b"), ("\ufb01", "fi"), ("e", "\u00e9")]
)
def test_hash_order_name__of_two_names__differs(one: str, other: str) -> None:
    assert hash_order_name(one) != hash_order_name(other)


def test_hash_order_name__of_a_name__never_changes() -> None:
    """Orders were made under it, and another salt would pay them again."""
    assert hash_order_name("invoice-17").hex() == "a65976c31c202507054d0da7278f68e785191f235cd558b851c7f0a3b6abf6fc"


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u00a0", "a\nb", "a\u200bb", "\ud800", None, 5, b"order"])
def test_parse_order_name__of_what_is_not_a_name__is_refused(name: Any) -> None:
    with pytest.raises(InvalidConfig, match="name of an order"):
        parse_order_name(name)
