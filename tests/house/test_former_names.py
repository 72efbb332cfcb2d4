"""Names of before are not forgotten: each is still there, or its import says where it is, or what to do instead.

former_names.txt has the public names of every module as they were before the package had rooms. No table of what has moved can
forget one of them.
"""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

import nvm_chain
from nvm_chain._moved import GONE, LEFT, MOVED, RENAMED
from nvm_chain._public_names import HOMES

LINES = Path(__file__).with_name("former_names.txt").read_text("utf-8").splitlines()[1:]
FORMER_NAMES = {module: names.split() for module, _, names in (line.partition(":") for line in LINES)}
"""Public names of before, by their module."""
EXPLAINED = re.compile(r"^nvm_chain\S+ is (now|gone: ).+\.$")


def import_name(module: str, name: str) -> str:
    """Import a name as a program does; return what the error says, or nothing."""
    names: dict[str, Any] = {}
    try:
        exec(f"from {module} import {name}", names)
    except ImportError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("old", MOVED)
def test_module_of_before__imported__says_where_it_is_now(old: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=rf"nvm_chain\.{old} is now nvm_chain\.{MOVED[old]}\. ") as caught:
        import_module(f"nvm_chain.{old}")
    assert caught.value.name is None  # with it, `from nvm_chain import NAME` would hide the message
    assert import_module(f"nvm_chain.{MOVED[old]}").__name__ == f"nvm_chain.{MOVED[old]}"


@pytest.mark.parametrize("old", [old for old in MOVED if not hasattr(nvm_chain, old)])
def test_module_of_before__imported_from_its_package__says_where_it_is_now(old: str) -> None:
    package, _, name = f"nvm_chain.{old}".rpartition(".")
    with pytest.raises(ImportError, match=rf"nvm_chain\.{old} is now nvm_chain\.{MOVED[old]}\. "):
        exec(f"from {package} import {name}")


@pytest.mark.parametrize(("package", "old"), [(package, old) for package, names in RENAMED.items() for old in names])
def test_name_of_before__imported__says_what_it_is_called_now(package: str, old: str) -> None:
    new = RENAMED[package][old]
    assert resolve_name(f"{package}.{new}")
    assert not hasattr(import_module(package), old)
    with pytest.raises(ImportError, match=rf"^{package}\.{old} is now called {package}\.{new}\.$"):
        exec(f"from {package} import {old}")


@pytest.mark.parametrize(("room", "home"), [(room, home) for room, homes in LEFT.items() for home in homes])
def test_name_that_left_its_module__imported__says_where_it_is(room: str, home: str) -> None:
    for name in LEFT[room][home]:
        assert hasattr(import_module(f"nvm_chain.{home}"), name)
        with pytest.raises(ImportError) as caught:
            exec(f"from nvm_chain.{room} import {name}")
        assert str(caught.value).startswith(f"nvm_chain.{room}.{name} is now nvm_chain.{home}.{name}.")
        assert (f"`nvm.{name}`" in str(caught.value)) is (name in HOMES)


@pytest.mark.parametrize(("module", "old"), [(module, old) for module, names in GONE.items() for old in names])
def test_name_that_is_gone__imported__says_what_to_do(module: str, old: str) -> None:
    with pytest.raises(ImportError, match=rf"^{module}\.{old} is gone: {re.escape(GONE[module][old])}\.$"):
        exec(f"from {module} import {old}")


@pytest.mark.parametrize("module", FORMER_NAMES)
def test_names_of_before__each_imported__are_there_or_say_where_they_are(module: str) -> None:
    unexplained = [
        told for name in FORMER_NAMES[module] if (told := import_name(module, name)) and not EXPLAINED.match(told)
    ]
    assert unexplained == []


def test_module_that_lost_names__asked_for_others__answers_as_any_module() -> None:
    access = import_module("nvm_chain.payments.access")
    assert not hasattr(access, "Way")
    assert not hasattr(access, "no_such_name")
    assert import_name(access.__name__, "no_such_name").startswith("cannot import name 'no_such_name' from")


@pytest.mark.parametrize("name", ["nvm_chain.settling", "nvm_chain.chain.Chain", "nvm_chain.no_such_module"])
def test_find_spec__of_what_is_not_there__returns_none(name: str) -> None:
    assert find_spec(name) is None


def test_name_of_before__read__says_what_it_is_called_now() -> None:
    told = "module 'nvm_chain' has no attribute 'Rule'. nvm_chain.Rule is now called nvm_chain.RedemptionRule."
    with pytest.raises(AttributeError, match=f"^{re.escape(told)}$"):
        nvm_chain.Rule  # type: ignore[attr-defined]  # noqa: B018


def test_unknown_module__imported__says_what_python_says() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'nvm_chain\.no_such_module'$"):
        import_module("nvm_chain.no_such_module")
