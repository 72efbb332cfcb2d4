"""`ape run deploy` and `ape run check_deployment`: as processes, as a user runs them, and in forks of one that has loaded Ape."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.warm_ape import BIN, WarmApe, open_warm_ape
from tests.support.anvil import ROOT, run_anvil

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_anvil("--chain-id", "84532") as url:
        yield url


# A chain of its own: by default Ape uses whatever runs on anvil's usual port, such as that of another test.
ENVIRONMENT = {**os.environ, "NO_COLOR": "1", "APE_FOUNDRY_HOST": "auto"}
ApeRun = Callable[..., "subprocess.CompletedProcess[str]"]


def run_process(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Ape as a user does, but with no terminal, so that it cannot ask."""
    return subprocess.run(
        [str(BIN / "ape"), *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmApe]:
    with open_warm_ape(tmp_path_factory.mktemp("ape"), ENVIRONMENT) as warm:
        yield warm


def build_run(run: ApeRun) -> ApeRun:
    def ape_run(script: str, network: str, records: Path | None, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a script of scripts/."""
        return run("run", script, "--network", network, *(["--records", str(records)] if records else []), *arguments)

    return ape_run


@pytest.fixture
def ape_run(warm: WarmApe) -> ApeRun:
    """Runs of scripts in forks of a process that has loaded Ape."""
    return build_run(warm.run)


@pytest.fixture
def ape_run_as_a_process() -> ApeRun:
    """Runs of scripts in processes of their own."""
    return build_run(run_process)


@pytest.mark.parametrize(
    ("network", "method"), [("ethereum:local:test", "CREATE"), ("ethereum:local:foundry", "CREATE2")]
)
def test_deploy__on_a_local_network__prints_plan_and_writes_record(
    ape_run: ApeRun, tmp_path: Path, network: str, method: str
) -> None:
    result = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--test-usdc")
    assert result.returncode == 0, result.stderr
    agents, record = (json.loads(path.read_text()) for path in sorted(tmp_path.iterdir()))
    assert agents["contract"] == "AgentRegistry"
    assert record["method"] == agents["method"] == method
    plan, _, outcome = result.stdout.partition("Credits is at")
    assert f"deploy Credits and AgentRegistry by {method}" in plan
    assert "gas, at most" in plan
    assert record["address"] in outcome
    assert f"AgentRegistry is at {agents['address']}" in outcome
    assert record["usdc"] in outcome


@pytest.mark.parametrize("network", ["ethereum:local:test", "ethereum:local:foundry"])
def test_deploy__on_a_chain_that_ends_with_the_command__leaves_no_record(ape_run: ApeRun, network: str) -> None:
    before = list_records()
    result = ape_run("deploy", network, None, "--account", "TEST::0")
    assert result.returncode == 0, result.stderr
    assert "\nThis chain ends with the command, so there is no record.\n" in result.stdout
    assert list_records() == before


def list_records() -> dict[str, int]:
    """Return the records of this checkout, each with the time of its last change."""
    return {path.name: path.stat().st_mtime_ns for path in (ROOT / "deployments").glob("*")}


def test_deploy_and_check__on_a_known_network_by_url__agree(
    ape_run_as_a_process: ApeRun, tmp_path: Path, url: str
) -> None:
    ape_run = ape_run_as_a_process
    network = f"base:sepolia:{url}"
    deployed = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    again = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert "nothing: it is deployed already" in again.stdout
    checked = ape_run("check_deployment", network, tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "WRONG" not in checked.stdout
    assert checked.stdout.count("    ok  ") == 10 + 11


def test_check__of_a_record_that_was_changed__fails_and_shows_both_sides(
    ape_run: ApeRun, tmp_path: Path, url: str
) -> None:
    ape_run("deploy", url, tmp_path, "--account", "TEST::0", "--yes", "--create")
    path = tmp_path / "84532.json"
    record = json.loads(path.read_text())
    right, wrong = record["runtime_code_hash"], "0x" + "ab" * 32
    path.write_text(json.dumps({**record, "runtime_code_hash": wrong}))
    result = ape_run("check_deployment", url, tmp_path)
    assert result.returncode == 1
    assert f"expected {wrong}\n        found    {right}" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chain-id", "5", "--yes"], "Error (WrongChain): The node serves chain 84532, not 5."),
        (["--test-usdc", "--yes"], "A TestUSDC is for development chains"),
        (["--create"], "Aborted!"),
    ],
)
def test_deploy__that_must_not_go_on__says_why_and_leaves_no_record(
    ape_run: ApeRun, tmp_path: Path, url: str, arguments: list[str], said: str
) -> None:
    result = ape_run("deploy", f"base:sepolia:{url}", tmp_path, "--account", "TEST::0", *arguments)
    assert result.returncode != 0
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["base:nothing", "http://127.0.0.1:9"])
def test_deploy__to_a_network_that_is_not_there__fails_without_a_record(
    ape_run: ApeRun, tmp_path: Path, network: str
) -> None:
    result = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert result.returncode != 0
    assert network.removeprefix("base:") in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


def test_deploy__to_the_wrong_chain_under_a_known_name__is_refused(ape_run: ApeRun, tmp_path: Path, url: str) -> None:
    result = ape_run("deploy", f"base:mainnet:{url}", tmp_path, "--account", "TEST::0", "--yes")
    assert result.returncode != 0
    assert "chain ID '84532', which does not match network chain ID '8453'" in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []
