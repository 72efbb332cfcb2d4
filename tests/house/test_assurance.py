"""What the README and docs/assurance.md say of the long campaigns is what the last run of `make deep` left, about these contracts."""

import json

import pytest

from nvm_chain.artifacts import read_artifact
from tests.deep.report import CONTRACTS, DATA, README, REPORT, quote, render_report
from tests.deep.step import DEPENDS


@pytest.fixture(scope="module")
def data() -> dict:
    found: dict = json.loads(DATA.read_text("utf-8"))
    return found


def test_report__of_the_last_run__has_every_step_and_each_passed(data: dict) -> None:
    assert sorted(data["steps"]) == sorted(DEPENDS)
    assert [name for name, step in data["steps"].items() if not step["passed"]] == []


def test_report__of_the_last_run__is_about_these_contracts(data: dict) -> None:
    packaged = {name: read_artifact(name).runtime_code_hash for name in CONTRACTS}
    assert data["code_hashes"] == packaged, "the contracts have changed: run `make deep`"


def test_report__as_text__is_made_of_the_figures(data: dict) -> None:
    assert REPORT.read_text("utf-8") == render_report(data)


def test_readme__quotes__are_made_of_the_figures(data: dict) -> None:
    text = README.read_text("utf-8")
    assert text == quote(text, data)
