"""The rooms of nvm_chain and their order: imports point down, in no circle, and load nothing before it is needed."""

import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from nvm_chain.cli import lazy
from tests.house.import_law import (
    CLIENTS,
    FILES,
    MODULES,
    OFFLINE,
    PACKAGE,
    ROOMS,
    find_breaches,
    module_of,
    name,
    own_imports,
    room_of,
)

# ---------------------------------------------------------------------- the law, told apart


@pytest.mark.parametrize(
    ("file", "source", "breach"),
    [
        ("types/x.py", "from nvm_chain.payments.session import Session", "imports nvm_chain.payments.session, which"),
        ("types/x.py", "from nvm_chain import payments", "imports nvm_chain.payments, which is above it"),
        ("types/x.py", "from ..payments.session import Session", "imports ..payments.session.Session by a relative"),
        ("types/x.py", "from .. import payments", "imports ..payments by a relative path"),
        ("types/x.py", "from . import plans", "imports .plans by a relative path"),
        ("types/x.py", "import nvm_chain as nvm\nnvm.Payments", "imports nvm_chain and with it the name"),
        ("types/x.py", "import nvm_chain.errors\nnvm_chain.payments", "imports nvm_chain.errors and with it the name"),
        ("types/x.py", "from nvm_chain import Payments", "imports nvm_chain.Payments from the package"),
        ("types/x.py", "from nvm_chain import *", "imports nvm_chain.* from the package"),
        ("types/x.py", "from nvm_chain._public_names import HOMES", "imports nvm_chain._public_names"),
        ("types/x.py", "from importlib import import_module", "imports importlib.import_module, which imports by"),
        ("metadata/x.py", "import importlib\nimportlib.import_module('requests')", "imports importlib, which imports"),
        ("types/x.py", "import importlib.util as u\nu.module_from_spec", "imports importlib.util, which imports by"),
        ("types/x.py", "__import__('nvm_chain.cli.app')", "calls __import__"),
        ("cli/x.py", "exec('import nvm_chain')", "calls exec"),
        ("cli/x.py", "def f():\n    from nvm_chain.types import plans", "imports nvm_chain.types.plans inside f"),
        ("signing/x.py", "import http.client", "imports http.client, and is an offline room"),
        ("signing/x.py", "from http import client", "imports http.client, and is an offline room"),
        ("signing/x.py", "import urllib.request", "imports urllib.request, and is an offline room"),
        ("signing/x.py", "from urllib import request", "imports urllib.request, and is an offline room"),
        ("signing/x.py", "import socket", "imports socket, and is an offline room"),
        ("payments/x.py", "from urllib.request import urlopen", "imports urllib.request.urlopen, which is of the seam"),
        ("payments/x.py", "import requests", "imports requests, which is of the seam"),
        ("operations/x.py", "from web3 import Web3", "imports web3.Web3, which is of the seam"),
        ("payments/x.py", "from web3.types import TxReceipt", "imports web3.types.TxReceipt, which is of the seam"),
    ],
)
def test_find_breaches__of_a_planted_import__finds_it(file: str, source: str, breach: str) -> None:
    assert [found for found in find_breaches(file, source) if found.startswith(breach)]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("types/x.py", "from nvm_chain.errors import InvalidAmount\nfrom nvm_chain import enums"),
        ("types/x.py", "import nvm_chain.errors as errors"),
        ("types/x.py", "from importlib.resources import files\nfrom importlib.util import find_spec"),
        ("metadata/x.py", "from urllib.parse import urlsplit\nimport json"),
        ("chain/rpc.py", "from web3 import Web3\nimport requests"),
        ("operations/x.py", "from web3.types import TxReceipt"),
        ("cli/lazy.py", "from importlib import import_module"),
        ("cli/app.py", "from nvm_chain import __version__\nfrom nvm_chain.payments.session import Session"),
    ],
)
def test_find_breaches__of_an_import_within_the_law__finds_nothing(file: str, source: str) -> None:
    assert find_breaches(file, source) == []


# ---------------------------------------------------------------------- the package


def test_rooms__are_the_folders_of_the_package() -> None:
    assert {room_of(name(path)) for path in FILES} == set(ROOMS)


def test_imports__of_each_file__are_within_the_law() -> None:
    found = {name(path): find_breaches(name(path), path.read_text("utf-8")) for path in FILES}
    assert {path: breaches for path, breaches in found.items() if breaches} == {}


def test_imports__of_all_files__make_no_circle() -> None:
    graph = {module_of(path): own_imports(path.read_text("utf-8")) - {module_of(path)} for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("room", OFFLINE)
def test_offline_room__loads_no_client__even_through_others(room: str) -> None:
    modules = sorted(module for module in MODULES if module.split(".")[1] == room)
    program = f"import sys, {', '.join(modules)}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    assert not load(program) & CLIENTS


def load(program: str) -> set[str]:
    """Run a program in a new interpreter and return the words that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import__of_the_package__loads_nothing_else() -> None:
    loaded = load("import sys, nvm_chain; print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert "nvm_chain" in loaded
    assert not loaded & {"web3", "eth_account", "eth_abi", "eth_utils", "eth_tester", "pydantic", "requests", "click"}


@pytest.mark.parametrize("alias", lazy._MODULES)
def test_lazy_module__of_the_program__has_the_name_of_its_module(alias: str) -> None:
    parts = lazy._MODULES[alias].split(".")
    assert alias in {parts[-1], "_".join(parts[-2:])}
