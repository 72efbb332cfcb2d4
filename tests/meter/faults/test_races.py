"""Four processes on one PostgreSQL that present the same vouchers: each is served once, and no credit is spent twice (S2, S3, S10)."""

import pytest

from tests.meter.faults.racers import PLANTS
from tests.meter.faults.races import count_vouchers, run_race

REQUESTS = 1_500
"""`make deep` makes a million."""


@pytest.mark.long
def test_race__of_four_processes__serves_each_voucher_once(postgres_books_url: str) -> None:
    found = run_race(postgres_books_url, count_vouchers(REQUESTS))
    assert found.wrong == []
    assert found.requests >= REQUESTS
    assert found.outcomes.keys() == {"StoredHold", "AuthorityUsedUp", "CreditsUsedUp"}
    assert found.served


@pytest.mark.parametrize("plant", PLANTS[1:])
def test_race__of_stores_with_a_mistake__finds_it(postgres_books_url: str, plant: str) -> None:
    assert run_race(postgres_books_url, 200, plant=plant).wrong
