"""The page of the long campaigns is what their report writes, and says so where its figures are of other contracts."""

import re

import pytest

from tests.assurance.deep.report import HASH, REPORT, SENTENCES, STALE, OtherCode, mark, render_report, summarize
from tests.assurance.deep.step import DEPENDS, code_hashes

OTHER = {"Credits": "0x" + "00" * 32, "AgentRegistry": "0x" + "11" * 32}


def build_data(hashes: dict[str, str]) -> dict:
    """Return the data of a report with every step and every figure that is quoted, all of this code."""
    steps = {
        name: {
            "name": name,
            "title": name,
            "seed": 7,
            "seconds": 60,
            "figures": dict.fromkeys(re.findall(r"\{(.+?)\}", SENTENCES[name]), 1234),
            "tables": [{"title": "Found", "headers": ["what", "times"], "rows": [["a|b", 3]]}],
            "notes": ["A note."],
            "code_hashes": hashes,
        }
        for name in DEPENDS
    }
    return {"code_hashes": hashes, "steps": steps}


@pytest.fixture
def data() -> dict:
    return build_data(code_hashes())


def test_sentences__are_one_for_each_step() -> None:
    assert sorted(SENTENCES) == sorted(DEPENDS)


def test_page__as_committed__says_whether_its_figures_are_of_these_contracts() -> None:
    page = REPORT.read_text("utf-8")
    assert {found[1] for found in HASH.finditer(page)} == set(code_hashes())
    assert page == mark(page), "run `python -m tests.assurance.deep.report`"


def test_page__as_committed__has_what_every_step_came_to() -> None:
    page = REPORT.read_text("utf-8")
    for sentence in SENTENCES.values():
        pattern = "^- " + re.sub(r"\\\{.+?\\\}", r"[\\d,.%]+( of \\d+)?", re.escape(sentence)) + "$"
        assert re.search(pattern, page, re.MULTILINE), sentence


def test_report__of_the_contracts_as_they_are__claims_its_figures_for_them(data: dict) -> None:
    page = render_report(data)
    assert STALE not in page
    assert mark(page) == page
    assert "Every step recorded these hashes when it ran." in page


def test_report__of_other_contracts__says_so_before_any_figure() -> None:
    page = render_report(build_data(OTHER))
    assert page.index(STALE) < page.index("1,234")
    assert mark(page) == page


def test_mark__of_a_page_whose_contracts_have_changed__warns(data: dict) -> None:
    page = render_report(data)
    changed = page.replace(code_hashes()["Credits"], OTHER["Credits"])
    marked = mark(changed)
    assert marked.index(STALE) < marked.index("1,234")
    assert mark(marked) == marked
    assert mark(marked.replace(OTHER["Credits"], code_hashes()["Credits"])) == page


def test_report__with_a_step_that_recorded_no_code__says_which(data: dict) -> None:
    del data["steps"]["campaign"]["code_hashes"]
    assert "was not recorded when they ran: campaign." in render_report(data)


def test_report__with_a_step_that_ran_on_other_code__is_refused(data: dict) -> None:
    data["steps"]["campaign"]["code_hashes"] = {**data["code_hashes"], "Credits": "0x00"}
    with pytest.raises(OtherCode, match="campaign ran on Credits with the code hash 0x00"):
        render_report(data)


def test_report__as_text__has_sentences_tables_and_notes(data: dict) -> None:
    page = render_report(data)
    assert all(line in page for line in summarize(data))
    assert "| a\\|b | 3 |" in page
    assert "- A note." in page
