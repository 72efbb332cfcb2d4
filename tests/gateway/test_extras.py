"""The extra of the gateway: what it brings, and what is said without it."""

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from nvm_chain.errors import MissingExtra
from nvm_chain.gateway import extras

PYPROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"


@pytest.mark.parametrize("module", extras.NEEDED)
def test_require_gateway__without_a_module__says_what_to_install(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    extras.require_gateway()
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else find_spec(name))
    with pytest.raises(MissingExtra, match=r"pip install 'nvm-chain\[gateway\]'"):
        extras.require_gateway()


def test_needed_modules__are_those_that_the_extra_brings() -> None:
    optional = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    brought = {name.partition(">")[0].partition("[")[0].replace("-", "_") for name in optional["gateway"]}
    index = {name.partition(">")[0].replace("-", "_") for name in optional["index"]}
    assert set(extras.NEEDED) <= (brought - {"nvm_chain"}) | index
    assert index <= set(extras.NEEDED)
