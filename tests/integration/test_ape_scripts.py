"""`ape run deploy` and `ape run check_deployment`, run as a user runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.anvil import ROOT, run_anvil

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_anvil("--chain-id", "84532") as url:
        yield url


def ape_run(script: str, network: str, records: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of scripts/ with no terminal, so that it cannot ask."""
    command = [str(Path(sys.executable).parent / "ape"), "run", script, "--network", network]
    # A chain of its own: by default Ape uses whatever runs on anvil's usual port, such as that of another test.
    environment = {**os.environ, "NO_COLOR": "1", "APE_FOUNDRY_HOST": "auto"}
    return subprocess.run(
        [*command, *(["--records", str(records)] if records else []), *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("network", "method"), [("ethereum:local:test", "CREATE"), ("ethereum:local:foundry", "CREATE2")]
)
def test_deploy__on_a_local_network__prints_plan_and_writes_record(tmp_path: Path, network: str, method: str) -> None:
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
def test_deploy__on_a_chain_that_ends_with_the_command__leaves_no_record(network: str) -> None:
    before = list_records()
    result = ape_run("deploy", network, None, "--account", "TEST::0")
    assert result.returncode == 0, result.stderr
    assert "\nThis chain ends with the command, so there is no record.\n" in result.stdout
    assert list_records() == before


def list_records() -> dict[str, int]:
    """Return the records of this checkout, each with the time of its last change."""
    return {path.name: path.stat().st_mtime_ns for path in (ROOT / "deployments").glob("*")}


def test_deploy_and_check__on_a_known_network_by_url__agree(tmp_path: Path, url: str) -> None:
    network = f"base:sepolia:{url}"
    deployed = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert deployed.returncode == 0, deployed.stderr
    again = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert "nothing: it is deployed already" in again.stdout
    checked = ape_run("check_deployment", network, tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "WRONG" not in checked.stdout
    assert checked.stdout.count("    ok  ") == 10 + 11


def test_check__of_a_record_that_was_changed__fails_and_shows_both_sides(tmp_path: Path, url: str) -> None:
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
    tmp_path: Path, url: str, arguments: list[str], said: str
) -> None:
    result = ape_run("deploy", f"base:sepolia:{url}", tmp_path, "--account", "TEST::0", *arguments)
    assert result.returncode != 0
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["base:nothing", "http://127.0.0.1:9"])
def test_deploy__to_a_network_that_is_not_there__fails_without_a_record(tmp_path: Path, network: str) -> None:
    result = ape_run("deploy", network, tmp_path, "--account", "TEST::0", "--yes")
    assert result.returncode != 0
    assert network.removeprefix("base:") in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


def test_deploy__to_the_wrong_chain_under_a_known_name__is_refused(tmp_path: Path, url: str) -> None:
    result = ape_run("deploy", f"base:mainnet:{url}", tmp_path, "--account", "TEST::0", "--yes")
    assert result.returncode != 0
    assert "chain ID '84532', which does not match network chain ID '8453'" in result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []
