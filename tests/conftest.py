"""One suite, two chains: each test on anvil, which is eight times as fast, and one of each call on the embedded chain as well.

A file that says `EMBEDDED_TOO = True` has tests for both chains. Of its tests on the embedded chain, the first of each function
runs; `pytest --chain both` runs all of them. `pytest --chain eth-tester` runs every test on the embedded chain. `pytest --chain anvil`
runs only what depends on the chain, each time in the same way.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all, open_embedded
from tests.support.anvil import open_anvil, run_anvil
from tests.support.sources import use_sources
from tests.support.world import World

GAS = Path(__file__).parent / "bench" / "gas"
CHAINS = ("anvil", "eth-tester")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses the chain."""
    choices = ("usual", "both", *CHAINS)
    parser.addoption("--chain", choices=choices, default="usual", help="chain to run the tests on")


def pytest_configure(config: pytest.Config) -> None:
    """Test the contracts as they are written, even where the package carries older ones."""
    folder = tempfile.TemporaryDirectory(prefix="nvm_chain-artifacts-")
    config.add_cleanup(folder.cleanup)
    use_sources(Path(folder.name))
    # Journals of each process by itself: not among those of who runs the tests, and no process waits for another.
    journals = tempfile.TemporaryDirectory(prefix="nvm_chain-state-")
    config.add_cleanup(journals.cleanup)
    os.environ["XDG_STATE_HOME"] = journals.name


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/ape to `ape test`, which brings the fixtures that they use."""
    outside_ape = not config.pluginmanager.has_plugin("ape_test")
    return True if outside_ape and collection_path == Path(__file__).parent / "ape" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the tests of a file for both chains where the file says `EMBEDDED_TOO = True`."""
    are_two = metafunc.config.getoption("--chain") not in CHAINS
    if are_two and getattr(metafunc.module, "EMBEDDED_TOO", False) and "base_chain" in metafunc.fixturenames:
        metafunc.parametrize("base_chain", CHAINS, indirect=True, scope="module")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests for the chain that was asked for, and their order.

    If none was asked for, of the tests on the embedded chain only the first of each function runs. With `--chain anvil`, what
    depends on the chain runs, apart from random examples: judges of mutants ask for it.

    The longest come first, so that no process waits for another at the end. The gas table comes last, after all that is
    shuffled: any change of a contract changes it, so it says least about what is wrong.
    """
    if config.getoption("--chain") == "usual":
        first = _find_first(item for item in items if _is_embedded(item))
        _choose(config, items, lambda item: not _is_embedded(item) or item in first)
    if config.getoption("--chain") == "anvil":
        _choose(config, items, lambda item: _needs_chain(item) and not _has_examples(item))
    items.sort(key=lambda item: (GAS in item.path.parents, not _is_long(item)))


def _is_embedded(item: pytest.Item) -> bool:
    """Tell whether a test of both chains runs on the embedded one."""
    return isinstance(item, pytest.Function) and _read_rows(item).get("base_chain") == CHAINS.index("eth-tester")


def _find_first(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return the first test of each function in each file, in the order of the file and of its tables."""
    first: dict[tuple[Path, str], pytest.Function] = {}
    for item in sorted((item for item in items if isinstance(item, pytest.Function)), key=_find_place):
        first.setdefault((item.path, item.originalname.partition("__")[0]), item)
    return set(first.values())


def _find_place(item: pytest.Function) -> tuple[int, list[int]]:
    """Return the line of a test and its row in each of its tables."""
    return item.function.__code__.co_firstlineno, list(_read_rows(item).values())


def _read_rows(item: pytest.Function) -> dict[str, int]:
    return dict(item.callspec.indices) if hasattr(item, "callspec") else {}


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _choose(config: pytest.Config, items: list[pytest.Item], is_chosen: Callable[[pytest.Item], bool]) -> None:
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (chosen if is_chosen(item) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def _needs_chain(item: pytest.Item) -> bool:
    return "base_chain" in getattr(item, "fixturenames", ())


def _has_examples(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.fixture(scope="session")
def anvil_chain() -> Iterator[Chain]:
    """An anvil with Credits and TestUSDC, started once if a test asks for it."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        yield chain


@pytest.fixture(scope="module")
def embedded_chain() -> Chain:
    """An embedded chain, new for each file: it slows down as it grows."""
    return open_embedded()


@pytest.fixture(scope="module")
def base_chain(request: pytest.FixtureRequest) -> Chain:
    """The chain that was asked for."""
    asked = getattr(request, "param", None) or request.config.getoption("--chain")
    chain: Chain = request.getfixturevalue("embedded_chain" if asked == "eth-tester" else "anvil_chain")
    return chain


@pytest.fixture
def world(base_chain: Chain) -> Iterator[World]:
    """The chain as freshly deployed; whatever a test does to it is undone."""
    world = World(base_chain)
    snapshot = world.take_snapshot()
    yield world
    world.revert_to(snapshot)


@pytest.fixture
def funded(world: World) -> World:
    """The same world, where the subscriber has 1,000 USDC and has approved Credits for it."""
    world.fund(world.subscriber)
    return world
