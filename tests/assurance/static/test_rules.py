"""No source breaks a rule of the house, and every rule finds what it is there for and leaves alone what is right."""

import pytest

from tests.assurance.static.ledger import check_list
from tests.assurance.static.project import HERE
from tests.assurance.static.semgrep_run import find_breaches, read_rules, scan_samples


def test_sources__all_rules__are_kept_but_for_what_is_accepted() -> None:
    check_list(find_breaches(), HERE / "accepted" / "semgrep.toml")


@pytest.fixture(scope="module")
def samples() -> dict[str, list[str]]:
    """For each sample, the rules that find something in it."""
    return scan_samples()


@pytest.mark.parametrize("name", read_rules())
def test_rule__its_own_samples__are_told_apart(name: str, samples: dict[str, list[str]]) -> None:
    found = {file.partition("/")[2]: rules for file, rules in samples.items() if file.startswith(f"{name}/")}
    verdicts = {file: name in rules for file, rules in found.items()}
    assert verdicts == {file: file.startswith("bad") for file in found}
    assert len({file.partition("-")[0] for file in found}) == 2, "a rule needs a bad and a good sample"
