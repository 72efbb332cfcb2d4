"""The examples in docstrings run and print what they show."""

import doctest
import importlib
import pkgutil

import pytest

import nvm_chain

MODULES = sorted(module.name for module in pkgutil.walk_packages(nvm_chain.__path__, "nvm_chain."))
RUNNABLE = [name for name in MODULES if not name.endswith("__main__")]


@pytest.mark.parametrize("name", RUNNABLE)
def test_examples__of_each_module__are_right(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name), raise_on_error=False).failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "chain.abi_entries",
        "types.amounts",
        "types.ids",
        "types.addresses",
        "types.prices",
        "chain.connecting",
        "types.contexts",
        "signing.vouchers",
        "signing.signed_orders",
        "metadata.endpoints",
        "metadata.documents",
        "storage.stores",
        "storage.ipfs_store",
        "storage.file_names",
        "storage.downloads",
    ],
)
def test_examples__of_modules_for_users__are_there(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"nvm_chain.{name}")).attempted > 0
