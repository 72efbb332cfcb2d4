"""An anvil for the command line, which starts anew with every command and so needs a chain that does not."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_account import Account

from nvm_chain.chain.records import read_record, record_path
from nvm_chain.types.addresses import parse_address
from tests.support.answers import find_problems
from tests.support.anvil import open_anvil, run_anvil
from tests.support.shell import Ran, run_cli
from tests.support.world import World
from tests.unit.test_cli_help import COMMANDS

ANVIL_CHAIN_ID = 31337
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Site:
    """A node on which the command line has deployed Credits and TestUSDC, and the folder of its record."""

    url: str
    deployments: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with run_anvil() as url:
        folder = tmp_path_factory.mktemp("deployments")
        where = ("--rpc", url, "--deployments", str(folder))
        deployed = run_cli("deploy", *where, "--dev-account", "0", "--test-usdc", "--yes")
        assert deployed.exit_code == 0, deployed.stderr
        yield Site(url, folder)


def name_command(arguments: Sequence[str]) -> str:
    """Return the command that some arguments begin with."""
    names = {" ".join(path) for path in COMMANDS}
    return next(name for end in (3, 2, 1) for name in [" ".join(arguments[:end])] if name in names)


@dataclass
class Shell:
    """A folder to work in, a node with a world on it, and a way to run commands there."""

    world: World
    url: str
    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, typed: str | None = None, **more: str) -> Ran:
        """Run a command with the node and a key file's password in the environment.

        What it answers with --json has to be what docs/cli.md says.
        """
        ran = run_cli(*arguments, environment={**self.environment, **more}, typed=typed)
        if "--json" in arguments and (answer := json.loads(ran.stdout)).keys() != {"error"}:
            assert find_problems(name_command(arguments), answer) == []
        return ran

    def state(self, plan_id: int = 0) -> dict[str, object]:
        """Return what a failed command must have left as it was: mined and waiting transactions, the subscriber's own."""
        world, holder = self.world, self.world.subscriber.address
        allowance = world.usdc.functions.allowance(holder, world.credits.address)
        return {
            "block": world.chain.web3.eth.block_number,
            "waiting": world.chain.web3.eth.get_block_transaction_count("pending"),
            "usdc": world.tokens(holder),
            "allowance": world.read(allowance),
            "credits": world.balance(plan_id, holder),
        }


@pytest.fixture
def shell(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    chain = open_anvil(site.url)
    record = read_record(record_path(ANVIL_CHAIN_ID, site.deployments))
    chain.use_credits(parse_address(record.address))
    agents = read_record(record_path(ANVIL_CHAIN_ID, site.deployments, "AgentRegistry"))
    chain.use_agents(parse_address(agents.address))
    chain.usdc = parse_address(str(record.usdc))
    shutil.copytree(site.deployments, tmp_path / "deployments")
    monkeypatch.chdir(tmp_path)
    world = World(chain)
    snapshot = world.take_snapshot()
    yield Shell(world, site.url, tmp_path, {"NVM_CHAIN_RPC": site.url, "NVM_CHAIN_PASSWORD": PASSWORD})
    world.revert_to(snapshot)


@pytest.fixture
def write_keyfile(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write encrypted key files; few rounds, as it is not their strength that is tested."""

    def write(name: str, key: bytes) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(Account.encrypt(key, PASSWORD, kdf="pbkdf2", iterations=2)), "utf-8")
        return path

    return write
