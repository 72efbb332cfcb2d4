"""docs/payments.md has every method of the Payments API, and names functions that there are."""

import inspect
import re
from pathlib import Path

import pytest

import nvm_chain
from nvm_chain.payments import AgentsApi, Payments, PlansApi
from nvm_chain.payments.hosted_names import ON_AGENTS, ON_PAYMENTS, ON_PLANS
from tests.support.documents import DOCS
from tools.reference.pages import write_pages

PAGE = DOCS / "payments.md"
REFERENCE = write_pages()["payments.md"]
SECTIONS = {
    "Of the first generation": Payments,
    "Of the second generation: plans": PlansApi,
    "Of the second generation: agents": AgentsApi,
}
OWN = {"act_as", "account_address", "chain"}
"""What of Payments is in neither document."""


KNOWN = {"plans", "agents", "registerCreditsPlan", *ON_PAYMENTS, *ON_PLANS, *ON_AGENTS}
"""What the pages name after `payments.` that is not a method: attributes, and names of the hosted API that are not here."""


def read_rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of the page, without its head."""
    text = PAGE.read_text("utf-8").partition(f"\n### {heading}\n")[2].partition("\n#")[0]
    rows = [line.strip("| ").split(" |") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def public_methods(api: type) -> set[str]:
    """Return the public methods and properties that a class defines, without functions of other modules under its names."""
    members = inspect.getmembers_static(api, lambda item: isinstance(item, property) or inspect.isfunction(item))
    return {name for name, _ in members if not name.startswith("_")}


@pytest.mark.parametrize("heading", SECTIONS)
def test_tables__have_every_method_once(heading: str) -> None:
    documented = [row[0].strip("`") for row in read_rows(heading)]
    assert sorted(documented) == sorted(public_methods(SECTIONS[heading]) - OWN)


@pytest.mark.parametrize("heading", SECTIONS)
def test_tables__name_functions_that_there_are(heading: str) -> None:
    named = {name for row in read_rows(heading) for name in re.findall(r"`(\w+)`", "".join(row[2:]))}
    assert len(named) > 3
    assert named - set(nvm_chain.__all__) == set()


def test_page__names_what_is_new_here() -> None:
    assert public_methods(Payments) >= OWN
    assert all(f"`{name}`" in PAGE.read_text("utf-8") for name in OWN)


@pytest.mark.parametrize("page", ["payments.md", "migration.md"])
def test_pages__name_parameters_and_results_that_there_are(page: str) -> None:
    """A method that is written with arguments takes them."""
    text = Path(DOCS / page).read_text("utf-8")
    apis = {"payments.plans.": PlansApi, "payments.agents.": AgentsApi, "payments.": Payments}
    for prefix, name in re.findall(r"`(payments\.(?:plans\.|agents\.)?)(\w+)[`(]", text):
        assert hasattr(apis[prefix], name) or name in KNOWN, f"{prefix}{name}"


@pytest.mark.parametrize("api", SECTIONS.values())
def test_reference__tells_every_method_under_the_class_that_callers_have(api: type) -> None:
    """Also those that come from a base, which is nobody's business."""
    text = REFERENCE
    assert {name for name in public_methods(api) if f"\n### {api.__name__}.{name}\n" not in text} == set()
    assert f"\nclass {api.__name__}\n" in text
