"""Slither finds nothing in the contracts that has not been looked at, and prints what it printed when they were last looked at."""

import pytest

from tests.assurance.static.ledger import check_golden, check_list, read_entries
from tests.assurance.static.project import CONTRACTS, HERE
from tests.assurance.static.slither_run import FEWEST_DETECTORS, PRINTERS, our_findings, run_slither


def test_slither__all_detectors__find_only_what_is_accepted() -> None:
    check_list(our_findings(), HERE / "accepted" / "slither.toml")


def test_slither__accepted_findings__of_medium_impact_or_higher_are_false() -> None:
    entries = read_entries(HERE / "accepted" / "slither.toml")
    grave = [entry for entry in entries if entry["impact"] in ("High", "Medium")]
    assert not [entry for entry in grave if not str(entry["reason"]).startswith("False: ")]


def test_slither__run__has_read_every_contract_with_every_detector() -> None:
    answer = run_slither()
    libraries = {"Lots", "OrderAuthorizations", "PlanIds", "SettlementData", "Splits"}
    assert {*CONTRACTS, *libraries, "Ledger", "Plans", "VolumeDiscount"} <= set(answer["functions"])
    assert len(answer["detectors"]) >= FEWEST_DETECTORS
    assert {"arbitrary-send-erc20", "reentrancy-no-eth", "unprotected-upgrade", "tx-origin"} <= set(answer["detectors"])
    assert answer["findings"], "not even one in the dependencies: it has not looked"


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("printer", PRINTERS)
def test_slither__printer__says_what_the_golden_file_says(printer: str, contract: str) -> None:
    check_golden(PRINTERS[printer](contract), HERE / "golden" / f"{contract}.{printer}.txt")
