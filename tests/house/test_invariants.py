"""The ten invariants are promised and listed in the same words, and each is checked by a campaign and by a proof."""

import re
from pathlib import Path

import pytest

from tools.write_invariants import INVARIANTS, README, ROOT, read_checks, read_proofs, render

SENTENCE = re.compile(r"^- \*\*(I\d+)\*\* (.*)$", re.MULTILINE)


def sentences(path: Path) -> dict[str, str]:
    """Return what a document says of each invariant."""
    return dict(SENTENCE.findall(path.read_text("utf-8")))


def test_invariants__of_the_security_promise__are_those_of_the_tests() -> None:
    promised, listed = sentences(ROOT / "SECURITY.md"), sentences(README)
    assert list(listed) == INVARIANTS
    assert promised == listed


def test_invariants__table_of_checks__is_up_to_date() -> None:
    text = README.read_text("utf-8")
    assert text == render(text), "run `make docs`"


@pytest.mark.parametrize("invariant", INVARIANTS)
def test_invariant__of_each_number__is_checked_by_a_campaign_and_a_proof(invariant: str) -> None:
    assert read_checks()[invariant], f"tests/assurance/forge/Campaign.t.sol has no invariant_{invariant}_"
    assert read_proofs()[invariant], f"no proof in tests/assurance/symbolic cites {invariant}"
