"""One suite, two chains: each test once on anvil, which is several times as fast, and some on the embedded chain as well.

`pytest --chain eth-tester` runs all of it on the embedded chain. `pytest --chain anvil` runs only what depends on the chain,
each time in the same way.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all, open_embedded
from tests.support.anvil import open_anvil, run_anvil
from tests.support.sources import use_sources
from tests.support.world import World

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")  # in C: four times as fast, and tests hash as much as they call
GAS = Path(__file__).parent / "bench" / "gas"
CHAINS = ("anvil", "eth-tester")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses the chain."""
    parser.addoption("--chain", choices=("both", *CHAINS), default="both", help="chain to run the tests on")


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
    """Run the tests of a file on both chains where the file says `EMBEDDED_TOO = True`."""
    on_both = metafunc.config.getoption("--chain") == "both" and getattr(metafunc.module, "EMBEDDED_TOO", False)
    if on_both and "base_chain" in metafunc.fixturenames:
        metafunc.parametrize("base_chain", CHAINS, indirect=True, scope="module")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--chain anvil`, run what depends on the chain, apart from random examples: judges of mutants ask for it.

    The longest come first, so that no process waits for another at the end. The gas table comes last, after all that is
    shuffled: any change of a contract changes it, so it says least about what is wrong.
    """
    if config.getoption("--chain") == "anvil":
        _choose(config, items, lambda item: _needs_chain(item) and not _has_examples(item))
    items.sort(key=lambda item: (GAS in item.path.parents, not _is_long(item)))


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
