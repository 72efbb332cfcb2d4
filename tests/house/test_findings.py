"""SECURITY.md lists every grave finding of slither, with the reason for which it is accepted, and no other."""

import pytest

from tools import write_findings
from tools.write_findings import DOCUMENT, FALSE, read_grave, render


def test_findings__of_the_document__are_those_accepted() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert text == render(text), "run `make docs`"


def test_findings__each__is_called_false() -> None:
    assert [entry for entry in read_grave() if not str(entry["reason"]).startswith(FALSE)] == []


def test_findings__with_one_more__are_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    text, entries = DOCUMENT.read_text("utf-8"), read_grave()
    another = {"impact": "High", "rule": "suicidal", "place": "Credits.order", "reason": "False: it is not there."}
    monkeypatch.setattr(write_findings, "read_grave", lambda: [another, *entries])
    assert "| High | `suicidal` | `Credits.order` | It is not there. |" in render(text)
