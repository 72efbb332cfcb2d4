"""One suite, two chains: `pytest --chain eth-tester` (the default) or `pytest --chain anvil`."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all, open_embedded
from tests.support.anvil import open_anvil, run_anvil
from tests.support.sources import use_sources
from tests.support.world import World

GAS = Path(__file__).parent / "gas"
ATTACKS = Path(__file__).parent / "attacks"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses the chain."""
    parser.addoption("--chain", choices=("eth-tester", "anvil"), default="eth-tester", help="chain to run the tests on")
    parser.addoption("--leave-to-anvil", action="store_true", help="leave out what is enough to run on anvil")


def pytest_configure(config: pytest.Config) -> None:
    """Test the contracts as they are written, even where the package carries older ones."""
    folder = tempfile.TemporaryDirectory(prefix="nvm_chain-artifacts-")
    config.add_cleanup(folder.cleanup)
    use_sources(Path(folder.name))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/ape to `ape test`, which brings the fixtures that they use."""
    outside_ape = not config.pluginmanager.has_plugin("ape_test")
    return True if outside_ape and collection_path == Path(__file__).parent / "ape" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On anvil, run what depends on the chain; the rest has run with eth-tester, or starts its own.

    Random examples run once: they are about the contract, and another chain would be given other ones.

    The gas table comes last, after all that is shuffled: any change of a contract changes it, so it says least about what is wrong.
    """
    if config.getoption("--chain") == "anvil":
        _choose(config, items, lambda item: _needs_chain(item) and not _has_examples(item))
    elif config.getoption("--leave-to-anvil"):
        _choose(config, items, lambda item: not (_needs_chain(item) and _is_left_to_anvil(item)))
    items.sort(key=lambda item: GAS in item.path.parents)


def _choose(config: pytest.Config, items: list[pytest.Item], is_chosen: Callable[[pytest.Item], bool]) -> None:
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (chosen if is_chosen(item) else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = chosen


def _needs_chain(item: pytest.Item) -> bool:
    return "base_chain" in getattr(item, "fixturenames", ())


def _is_left_to_anvil(item: pytest.Item) -> bool:
    """Tell whether anvil, which is several times as fast, is enough for a test in `make test`: for attacks, unless their file says no,
    and for others where it says so. Random examples are not run there.
    """
    left = getattr(getattr(item, "module", None), "LEFT_TO_ANVIL", ATTACKS in item.path.parents)
    return bool(left) and not _has_examples(item)


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
def base_chain(request: pytest.FixtureRequest) -> Chain:
    """The chain that was asked for. An embedded one is new for each file: it slows down as it grows."""
    if request.config.getoption("--chain") == "anvil":
        chain: Chain = request.getfixturevalue("anvil_chain")
        return chain
    return open_embedded()


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
