"""Ways to a node that a command takes: several endpoints, a WebSocket, and what is none."""

import pytest

from tests.integration.cli.conftest import Shell

SOMEBODY = "0x" + "11" * 20


@pytest.mark.parametrize(
    "rpc", ["http://127.0.0.1:1,{url}", "{url}, http://127.0.0.1:1", "ws://127.0.0.1:1,{ws}", "{ws}"]
)
def test_balance__with_other_ways_to_the_node__reads_it(shell: Shell, rpc: str) -> None:
    way = rpc.format(url=shell.url, ws=shell.url.replace("http", "ws"))
    plan_id = shell.world.register()
    ran = shell("balance", str(plan_id), SOMEBODY, NVM_CHAIN_RPC=way)
    assert ran.exit_code == 0, ran.stderr


@pytest.mark.parametrize("rpc", ["ftp://KEY", "http://a/KEY,ftp://b", "ws:///KEY", ",", "http://a,,http://b/KEY"])
def test_balance__with_what_is_no_way_to_a_node__is_refused_without_repeating_it(shell: Shell, rpc: str) -> None:
    ran = shell("balance", "7", SOMEBODY, "--rpc", rpc)
    assert ran.exit_code == 2
    assert "it is not an http or https URL of a node" in ran.stderr
    assert "nor one of ws, wss or ipc" in ran.stderr
    assert "KEY" not in ran.stdout + ran.stderr
