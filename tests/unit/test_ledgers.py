"""ledgers: credits and periods as the contract counts them, second by second."""

from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.types.accounts import Lot
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.ledgers import ExpiringLedger, Ledger, WindowLedger, open_ledger
from nvm_chain.types.plans import Terms, build_terms
from nvm_chain.types.prices import get_free_price_config

TERMS = build_terms(get_free_price_config(), get_fixed_credits_config(100))


def terms(**changes: Any) -> Terms:
    return replace(TERMS, **changes)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Ledger),
        ({"duration": 10}, ExpiringLedger),
        ({"kind": PlanKind.TIME, "duration": 10}, WindowLedger),
        ({"kind": PlanKind.TIME, "duration": 10, "activation": Activation.ON_FIRST_USE}, Ledger),
        ({"kind": PlanKind.USAGE}, Ledger),
    ],
)
def test_open_ledger__of_each_sort_of_plan__counts_as_the_plan_does(changes: dict[str, Any], kind: type) -> None:
    assert type(open_ledger(terms(**changes))) is kind


@pytest.mark.parametrize(("second", "balance", "expired"), [(109, 5, []), (110, 0, [(110, 5)]), (111, 0, [(110, 5)])])
def test_advance__around_a_lots_second__expires_it_just_then(
    second: int, balance: int, expired: list[tuple[int, int]]
) -> None:
    ledger = open_ledger(terms(duration=10))
    ledger.grant(100, 5)
    assert ledger.advance(second) == expired
    assert ledger.balance == balance


def test_take__of_several_lots__uses_the_earliest_expiry_first() -> None:
    ledger = open_ledger(terms(duration=10))
    for second in (100, 101, 102):
        ledger.grant(second, 5)
    ledger.take(103, 7)
    assert ledger.lots == [Lot(3, 111), Lot(5, 112)]
    assert ledger.advance(111) == [(111, 3)]
    assert ledger.balance == 5


@pytest.mark.parametrize("duration", [0, 10])
def test_take__of_more_than_there_is__is_an_error_and_takes_nothing(duration: int) -> None:
    ledger = open_ledger(terms(duration=duration))
    ledger.grant(100, 5)
    with pytest.raises(ValueError, match="6"):
        ledger.take(100, 6)
    assert ledger.balance == 5


def window() -> Ledger:
    """Three periods of ten seconds from second 100 on."""
    ledger = open_ledger(terms(kind=PlanKind.TIME, duration=10))
    ledger.grant(100, 3)
    return ledger


@pytest.mark.parametrize(
    ("second", "expired", "balance"),
    [
        (109, [], 3),
        (110, [(110, 1)], 2),
        (111, [(110, 1)], 2),
        (129, [(120, 2)], 1),
        (130, [(130, 3)], 0),
        (10**12, [(130, 3)], 0),
    ],
)
def test_advance__of_a_window__ends_a_period_at_its_last_second(
    second: int, expired: list[tuple[int, int]], balance: int
) -> None:
    ledger = window()
    assert ledger.advance(second) == expired
    assert (ledger.balance, ledger.access_until) == (balance, 130)


def test_grant__of_periods_early_or_late__loses_no_time_and_gains_none() -> None:
    ledger = window()
    ledger.advance(115)
    ledger.grant(115, 1)
    assert (ledger.balance, ledger.access_until) == (3, 140)
    ledger.advance(200)
    ledger.grant(200, 2)
    assert (ledger.balance, ledger.access_until) == (2, 220)


@pytest.mark.parametrize(("periods", "until", "balance"), [(1, 120, 1), (2, 115, 0)])
def test_take__of_the_last_period__ends_access_at_once(periods: int, until: int, balance: int) -> None:
    ledger = window()
    ledger.advance(115)
    ledger.take(115, periods)
    assert (ledger.access_until, ledger.balance) == (until, balance)


def test_open__within_and_after_a_window__extends_it_or_begins_anew() -> None:
    ledger = open_ledger(terms(kind=PlanKind.TIME, duration=10, activation=Activation.ON_FIRST_USE))
    ends = []
    for second in (100, 105, 200):
        ledger.open(second, 1)
        ends.append(ledger.access_until)
    assert ends == [110, 120, 210]
