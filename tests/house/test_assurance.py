"""What the README and docs/assurance.md say of the long campaigns is what the last run of `make deep` left, about these contracts."""

import json

import pytest

from tests.deep.report import DATA, README, REPORT, STALE, OtherCode, quote, render_report, summarize
from tests.deep.step import DEPENDS, code_hashes


@pytest.fixture(scope="module")
def data() -> dict:
    found: dict = json.loads(DATA.read_text("utf-8"))
    return found


def test_report__of_the_last_run__has_every_step_and_each_passed(data: dict) -> None:
    assert sorted(data["steps"]) == sorted(DEPENDS)
    assert [name for name, step in data["steps"].items() if not step["passed"]] == []


def test_report__of_the_contracts_as_they_are__claims_its_figures_for_them(data: dict) -> None:
    current = with_hashes({**data, "code_hashes": code_hashes()}, code_hashes())
    assert STALE not in render_report(current)
    assert STALE not in quote(README.read_text("utf-8"), current)


def test_report__of_other_contracts__says_so_before_any_figure(data: dict) -> None:
    other = with_hashes({**data, "code_hashes": {"Credits": "0x00"}}, {"Credits": "0x00"})
    for text in (render_report(other), summarize(other)):
        assert STALE in text
        assert text.index(STALE) < text.index("properties proved" if "properties proved" in text else "## ")


def test_report__of_steps_that_ran_on_this_code__says_so(data: dict) -> None:
    recorded = with_hashes(data, data["code_hashes"])
    assert "Every step recorded these hashes when it ran." in render_report(recorded)


def test_report__with_a_step_that_recorded_no_code__says_which(data: dict) -> None:
    recorded = with_hashes(data, data["code_hashes"])
    del recorded["steps"]["campaign"]["code_hashes"]
    assert "was not recorded when they ran: campaign." in render_report(recorded)


def test_report__with_a_step_that_ran_on_other_code__is_refused(data: dict) -> None:
    recorded = with_hashes(data, data["code_hashes"])
    recorded["steps"]["campaign"]["code_hashes"] = {**data["code_hashes"], "Credits": "0x00"}
    with pytest.raises(OtherCode, match="campaign ran on Credits with the code hash 0x00"):
        render_report(recorded)


def with_hashes(data: dict, hashes: dict[str, str]) -> dict:
    """Return the data of a report all of whose steps recorded these hashes."""
    return {**data, "steps": {name: {**step, "code_hashes": hashes} for name, step in data["steps"].items()}}


def test_report__as_text__is_made_of_the_figures(data: dict) -> None:
    assert REPORT.read_text("utf-8") == render_report(data)


def test_readme__quotes__are_made_of_the_figures(data: dict) -> None:
    text = README.read_text("utf-8")
    assert text == quote(text, data)
