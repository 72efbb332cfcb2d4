"""Names of the hosted API's package that are not here: each fails with a typed error that names the way that there is."""

import copy
import re
from importlib import import_module
from typing import Any

import pytest

import nvm_chain
from nvm_chain import payments as package
from nvm_chain.errors import HostedImport, HostedName, NeedsVendor
from nvm_chain.payments import AgentsApi, Payments, PlansApi
from nvm_chain.payments.hosted_names import ON_AGENTS, ON_PAYMENTS, ON_PLANS, TO_IMPORT, list_hosted_names
from tests.support.documents import DOCS

ON: dict[str, Any] = {"payments": ON_PAYMENTS, "plans": ON_PLANS, "agents": ON_AGENTS}


def get(builder: Payments, owner: str) -> Any:
    """Return the object that has the names of an owner."""
    return builder if owner == "payments" else getattr(builder, owner)


@pytest.mark.parametrize("owner", ON)
def test_hosted_name__read__says_what_there_is(builder: Payments, owner: str) -> None:
    holder = get(builder, owner)
    for name, way in ON[owner].items():
        assert not hasattr(holder, name)
        with pytest.raises(HostedName) as caught:
            getattr(holder, name)
        assert isinstance(caught.value, NeedsVendor | AttributeError)
        assert caught.value.what == f"{'payments' if owner == 'payments' else f'payments.{owner}'}.{name}" or way
        assert caught.value.advice == way


@pytest.mark.parametrize("name", ["get_instance", "get_browser_instance"])
def test_hosted_name__read_on_the_class__says_how_to_construct(name: str) -> None:
    assert not hasattr(Payments, name)
    with pytest.raises(
        HostedName, match=rf"^Payments\.{name} belongs to the hosted API\. This package does not have it\. Call "
    ):
        getattr(Payments, name)


@pytest.mark.parametrize("name", TO_IMPORT)
def test_hosted_name__imported__says_what_there_is(name: str) -> None:
    with pytest.raises(HostedImport, match=f"^{name} belongs to the hosted API") as caught:
        exec(f"from nvm_chain.payments import {name}", {})
    assert isinstance(caught.value, ImportError)
    assert caught.value.advice == TO_IMPORT[name]


@pytest.mark.parametrize("name", TO_IMPORT)
def test_hosted_name__read_from_the_package__is_not_there(name: str) -> None:
    assert not hasattr(package, name)
    assert getattr(package, name, "else") == "else"
    with pytest.raises(HostedName, match=rf"^nvm_chain\.payments\.{name} belongs to the hosted API") as caught:
        getattr(package, name)
    assert (isinstance(caught.value, AttributeError), caught.value.advice) == (True, TO_IMPORT[name])


def test_name_of_typescript__imported__says_how_python_spells_it() -> None:
    with pytest.raises(HostedImport, match=r"Call `get_erc20_price_config\(\)` in Python"):
        exec("from nvm_chain.payments import getERC20PriceConfig", {})
    assert not hasattr(package, "getERC20PriceConfig")


@pytest.mark.parametrize(
    ("owner", "name", "snake"),
    [
        ("plans", "registerCreditsPlan", "register_credits_plan"),
        ("plans", "getERC20PriceConfig", "get_erc20_price_config"),
        ("agents", "registerAgent", "register_agent"),
        ("payments", "getPlanBalance", "get_plan_balance"),
    ],
)
def test_name_of_typescript__read__says_how_python_spells_it(
    builder: Payments, owner: str, name: str, snake: str
) -> None:
    with pytest.raises(HostedName, match=rf"Call `{snake}\(\)` in Python"):
        getattr(get(builder, owner), name)


def test_hosted_name__in_the_spelling_of_typescript__says_what_there_is(builder: Payments) -> None:
    for holder, name, way in (
        (builder.plans, "getPlans", ON_PLANS["get_plans"]),
        (builder, "getInstance", ON_PAYMENTS["get_instance"]),
        (builder.agents, "isValidRequest", ON_AGENTS["is_valid_request"]),
    ):
        assert not hasattr(holder, name)
        with pytest.raises(HostedName) as caught:
            getattr(holder, name)
        assert caught.value.advice == way


def test_unknown_name__read__raises_as_python_does(builder: Payments) -> None:
    for owner in ON:
        with pytest.raises(AttributeError, match="object has no attribute 'no_such_name'") as caught:
            get(builder, owner).no_such_name  # noqa: B018
        assert not isinstance(caught.value, HostedName)
    with pytest.raises(AttributeError, match=r"module 'nvm_chain\.payments' has no attribute 'no_such_name'"):
        package.no_such_name  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'no_such_name'"):
        exec("from nvm_chain.payments import no_such_name", {})
    assert copy.copy(builder).account_address == builder.account_address


def test_ways__name_only_what_there_is(builder: Payments) -> None:
    """A way that names a function or a method names one that exists."""
    apis = (Payments, PlansApi, AgentsApi, package, nvm_chain)
    for name, way in list_hosted_names():
        for call in re.findall(r"`([\w.]+)\(", way):
            last = call.rpartition(".")[2]
            found = (
                hasattr(nvm_chain, last) if call.startswith("nvm_chain.") else any(hasattr(api, last) for api in apis)
            )
            assert found, f"{name}: {call}"
    assert hasattr(package, "PlansApi")
    assert import_module("nvm_chain.payments") is package


def test_migration__has_a_row_for_every_name() -> None:
    table = (DOCS / "migration.md").read_text("utf-8").partition("## Names of its package")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w.]+)`", table))
    missing = {name for name, _ in list_hosted_names() if name not in named and name.rpartition(".")[2] not in named}
    assert missing == set()
