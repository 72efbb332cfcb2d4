"""supportsInterface: ERC-165, ERC-1155 and its metadata URI, and nothing else."""

import pytest

from tests.support.world import World


@pytest.mark.parametrize("interface_id", ["01ffc9a7", "d9b67a26", "0e89341c"])
def test_supports_interface__of_the_standards_it_follows__is_true(world: World, interface_id: str) -> None:
    """ERC-165, ERC-1155, ERC-1155 metadata URI."""
    assert world.read(world.credits.functions.supportsInterface(bytes.fromhex(interface_id))) is True


@pytest.mark.parametrize("interface_id", ["ffffffff", "00000000", "80ac58cd", "4e2312e0", "36372b07"])
def test_supports_interface__of_any_other__is_false(world: World, interface_id: str) -> None:
    """Nothing, nothing, ERC-721, the ERC-1155 receiver, ERC-20."""
    assert world.read(world.credits.functions.supportsInterface(bytes.fromhex(interface_id))) is False
