"""ERC-165: how a contract says which interfaces it has. Both contracts, asked as a stranger asks.

What is not claimed is as much part of it: no receiver, no enumeration, no ownership standard, no permit.
"""

import pytest
from eth_utils.crypto import keccak
from web3.contract.contract import Contract

from nvm_chain.chain.artifacts import ContractName, read_artifact
from tests.support.gas import simulate
from tests.support.world import World

NAMES: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
contracts = pytest.mark.parametrize("name", NAMES)


def interface_id(*signatures: str) -> bytes:
    """Return an interface's id: the xor of its functions' selectors (section "How Interfaces are Identified")."""
    number = 0
    for signature in signatures:
        number ^= int.from_bytes(keccak(text=signature)[:4], "big")
    return number.to_bytes(4, "big")


ERC165 = interface_id("supportsInterface(bytes4)")
ERC1155 = interface_id(
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
    "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
    "balanceOf(address,uint256)",
    "balanceOfBatch(address[],uint256[])",
    "setApprovalForAll(address,bool)",
    "isApprovedForAll(address,address)",
)
ERC1155_METADATA = interface_id("uri(uint256)")
ERC721 = interface_id(
    "balanceOf(address)",
    "ownerOf(uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256)",
    "transferFrom(address,address,uint256)",
    "approve(address,uint256)",
    "setApprovalForAll(address,bool)",
    "getApproved(uint256)",
    "isApprovedForAll(address,address)",
)
ERC721_METADATA = interface_id("name()", "symbol()", "tokenURI(uint256)")

CLAIMED: dict[str, set[bytes]] = {
    "Credits": {ERC165, ERC1155, ERC1155_METADATA},
    "AgentRegistry": {ERC165, ERC721, ERC721_METADATA},
}
NOT_CLAIMED = {
    "nothing": bytes(4),
    "ERC-173": interface_id("owner()", "transferOwnership(address)"),
    "ERC-1155 receiver": interface_id(
        "onERC1155Received(address,address,uint256,uint256,bytes)",
        "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)",
    ),
    "ERC-721 receiver": interface_id("onERC721Received(address,address,uint256,bytes)"),
    "ERC-721 enumerable": interface_id(
        "totalSupply()", "tokenByIndex(uint256)", "tokenOfOwnerByIndex(address,uint256)"
    ),
    "ERC-1271": interface_id("isValidSignature(bytes32,bytes)"),
    "ERC-2981": interface_id("royaltyInfo(uint256,uint256)"),
    "ERC-20": interface_id(
        "totalSupply()",
        "balanceOf(address)",
        "transfer(address,uint256)",
        "allowance(address,address)",
        "approve(address,uint256)",
        "transferFrom(address,address,uint256)",
    ),
}


def contract_of(world: World, name: ContractName) -> Contract:
    """Return a contract by name."""
    return world.credits if name == "Credits" else world.chain.agents


def ask(world: World, name: ContractName, wanted: bytes) -> bool:
    """Ask a contract for an interface."""
    return bool(world.read(contract_of(world, name).functions.supportsInterface(wanted)))


def test_ids__computed_from_the_interfaces__are_those_published() -> None:
    """ "How Interfaces are Identified", and the ids that ERC-165, ERC-721 and ERC-1155 print."""
    published = ["01ffc9a7", "d9b67a26", "0e89341c", "80ac58cd", "5b5e139f"]
    assert [each.hex() for each in (ERC165, ERC1155, ERC1155_METADATA, ERC721, ERC721_METADATA)] == published


@contracts
def test_supports_interface__of_erc165_itself__is_true(world: World, name: ContractName) -> None:
    """MUST: `true` for 0x01ffc9a7 ("How a Contract will Publish the Interfaces it Implements")."""
    assert ask(world, name, bytes.fromhex("01ffc9a7")) is True


@contracts
def test_supports_interface__of_the_invalid_id__is_false(world: World, name: ContractName) -> None:
    """MUST: `false` for 0xffffffff."""
    assert ask(world, name, b"\xff" * 4) is False


@contracts
def test_supports_interface__of_what_it_implements__is_true_and_of_all_else_false(
    world: World, name: ContractName
) -> None:
    """MUST: `true` for any other id that the contract implements, `false` for any it does not."""
    asked = {*CLAIMED["Credits"], *CLAIMED["AgentRegistry"], *NOT_CLAIMED.values()}
    assert {each for each in asked if ask(world, name, each)} == CLAIMED[name]


@contracts
def test_supports_interface__of_any_claimed__has_all_its_functions_in_the_abi(name: ContractName) -> None:
    """What is claimed is there: each selector of the interface is one of the contract's."""
    functions = {
        "Credits": {"supportsInterface", "safeTransferFrom", "balanceOfBatch", "isApprovedForAll", "uri"},
        "AgentRegistry": {"supportsInterface", "safeTransferFrom", "getApproved", "ownerOf", "tokenURI", "name"},
    }[name]
    assert functions <= {entry["name"] for entry in read_artifact(name).abi if entry["type"] == "function"}


@contracts
def test_supports_interface__when_asked__uses_less_than_30000_gas(world: World, name: ContractName) -> None:
    """MUST: at most 30,000 gas, which is what a caller gives in "How to Detect if a Contract Implements ERC-165"."""
    contract = contract_of(world, name)
    for wanted in (*CLAIMED[name], b"\xff" * 4):
        data = contract.functions.supportsInterface(wanted)._encode_transaction_data()
        answer = simulate(world.chain, world.other.address, data, contract.address, gas=21_000 + 1_000 + 30_000)
        assert len(answer) == 32


@contracts
def test_supports_interface__from_deployment_on__never_changes(world: World, name: ContractName) -> None:
    """The answer is constant here (the standard says it may change): no storage decides about it."""
    entry = next(each for each in read_artifact(name).abi if each.get("name") == "supportsInterface")
    assert entry["stateMutability"] == "view"
    before = [ask(world, name, wanted) for wanted in CLAIMED[name]]
    world.register()
    assert [ask(world, name, wanted) for wanted in CLAIMED[name]] == before == [True] * 3
