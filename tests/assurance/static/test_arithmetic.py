"""Wherever the compiler's checks are off, it is written down why nothing can wrap or be cut off (C30, C31)."""

from tests.assurance.static.arithmetic import find_narrowing_casts, find_unchecked
from tests.assurance.static.ledger import check_list
from tests.assurance.static.project import HERE


def test_unchecked__every_block__is_listed_with_its_reason() -> None:
    check_list(find_unchecked(), HERE / "accepted" / "unchecked.toml")


def test_casts__every_one_that_narrows__is_listed_with_its_reason() -> None:
    check_list(find_narrowing_casts(), HERE / "accepted" / "casts.toml")
