"""The pictures of README and docs/ are of what the demo prints now, and of the flow as it is written down."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.pictures.__main__ import ASSETS
from tools.pictures.demo import draw_acts, read_lines
from tools.pictures.flow import PURCHASE, draw_flow

STALE = "run `make docs` and commit docs/assets/"
ACTS = ("demo-act-1.svg", "demo-act-2.svg")


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return draw_acts()


@pytest.mark.parametrize("name", ACTS)
def test_demo__run_now__says_what_its_picture_shows(drawn: dict[str, str], name: str) -> None:
    lines = list(read_lines((ASSETS / name).read_text("utf-8")))
    assert lines == list(read_lines(drawn[name])), STALE
    assert len(lines) > 15


def test_demo__in_pictures__is_told_to_its_end(drawn: dict[str, str]) -> None:
    assert tuple(drawn) == ACTS
    text = "\n".join(line for svg in drawn.values() for line in read_lines(svg))
    assert "$ nvm-chain demo" in text
    assert text.count("The chain refuses every forbidden attempt.") == 2


def test_flow__drawn_again__is_as_committed() -> None:
    assert (ASSETS / "flow.svg").read_text("utf-8") == draw_flow(PURCHASE), STALE


def test_assets__are_the_pictures_that_are_drawn() -> None:
    photographs = {
        "checkout-agent-phone.png",
        "checkout-plan.png",
        "new-plan.png",
        "seller.png",
    }  # by tests/browser/test_pictures.py
    assert {path.name for path in ASSETS.iterdir()} == {*ACTS, "flow.svg", *photographs}


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.svg")), ids=lambda path: path.name)
def test_picture__is_whole_and_fetches_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    root = ET.fromstring(text)
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
