"""networks: known by name; a name that is not known is not repeated with the secrets in it."""

import pytest
from eth_utils.address import to_checksum_address

from nvm_chain.chain.networks import EMBEDDED, NETWORKS, find_usdc, read_network
from nvm_chain.errors import UnknownNetwork
from tests.support.reverts import reverts

KNOWN = ("embedded", "base:sepolia", "base:mainnet")


def test_networks__are_base_and_its_testnet_with_circles_usdc() -> None:
    found = {network.name: (network.chain_id, network.usdc) for network in NETWORKS.values()}
    assert found == {
        "base:sepolia": (84532, "0x036CbD53842c5426634e7929541eC2318f3dCF7e"),
        "base:mainnet": (8453, "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
    }
    assert (EMBEDDED, *NETWORKS) == KNOWN


@pytest.mark.parametrize("name", NETWORKS)
def test_network__of_each_name__is_complete(name: str) -> None:
    network = read_network(name)
    assert network.name == name
    assert network.usdc == to_checksum_address(network.usdc) == find_usdc(network.chain_id)
    assert network.rpc_url.startswith("https://")


@pytest.mark.parametrize("chain_id", [0, 1, 31337, 131277322940537, 8454])
def test_find_usdc__on_any_other_chain__is_none(chain_id: int) -> None:
    assert find_usdc(chain_id) is None


@pytest.mark.parametrize(
    "name", ["", "base", "Base:Sepolia", "base:sepolia ", "ethereum:mainnet", "embedded", "base:sepola", "base-main"]
)
def test_read_network__of_an_unknown_name__lists_the_known(name: str) -> None:
    with reverts(UnknownNetwork(name, KNOWN)):
        read_network(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("node.example/v3/s3cret", "node.example"),
        ("user:s3cret@node.example", "node.example"),
        ("user:s3cret@node.example:8545/path", "node.example:8545"),
        ("node.example?key=s3cret", "node.example"),
        ("node.example#s3cret", "node.example"),
        ("s3cret@", ""),
        ("user:s3/cret@node.example", "node.example"),
    ],
)
def test_read_network__of_a_url_without_its_scheme__shows_no_secret(name: str, shown: str) -> None:
    with pytest.raises(UnknownNetwork) as caught:
        read_network(name)
    assert caught.value.args == (shown, KNOWN)
    assert "s3cret" not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    "name",
    [
        "0x" + "ab" * 32,
        "ab" * 32,
        "sandbox:eyJhbGciOiJFUzI1NksifQ.eyJpc3MiOiIweCJ9.c2ln",
        "sk-live-4f9a8b7c6d5e",
        "abandon abandon abandon about",
        "s3cret/" + "ab" * 32,
        "correcthorsebatterystaple",
        "base:SECRETPW",
        "SECRETPW:base",
        "hunter",
        "node.example:SECRETPW",
    ],
)
def test_read_network__of_what_may_be_a_key__shows_nothing_of_it(name: str) -> None:
    with pytest.raises(UnknownNetwork, match="may be a key") as caught:
        read_network(name)
    error = caught.value
    assert error.fields == {"name": "…", "known": KNOWN}
    told = f"{error} {error!r} {error.args} {error.to_dict()}"
    assert not any(name[at : at + 6] in told for at in range(len(name) - 5))
