"""eip712Domain: the domain that vouchers are signed in, for wallets to read (ERC-5267)."""

from eth_abi.abi import decode

from nvm_chain.chain.embedded import open_embedded
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.vouchers import credits_domain
from tests.support.elsewhere import Elsewhere
from tests.support.signed import domain_of
from tests.support.world import World

TYPES = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
NAME_VERSION_CHAIN_CONTRACT = b"\x0f"


def test_eip712_domain__says_all_four_fields_and_no_more(world: World) -> None:
    fields, name, version, chain_id, contract, salt, extensions = world.read(world.credits.functions.eip712Domain())
    assert (fields, name, version) == (NAME_VERSION_CHAIN_CONTRACT, "nvm_chain Credits", "1")
    assert (chain_id, contract) == (world.chain.chain_id, world.credits.address)
    assert (salt, extensions) == (bytes(32), [])


def test_eip712_domain__hashes_to_the_separator_of_python(world: World) -> None:
    """That the contract hashes with this separator is in test_voucher_digest_of."""
    _, name, version, chain_id, contract, _, _ = world.read(world.credits.functions.eip712Domain())
    assert Domain(name, version, chain_id, contract).separator == domain_of(world).separator


def test_eip712_domain__after_a_fork__has_the_new_chains_id() -> None:
    """C17: nothing is remembered from the deployment."""
    chain = open_embedded()
    function = chain.credits.functions.eip712Domain()
    for chain_id in (1, chain.chain_id + 1, 2**256 - 1):
        answer = Elsewhere(chain).call(function, chain_id=chain_id, address=chain.credits.address)
        _, name, version, found, contract, _, _ = decode(TYPES, answer)
        there = Domain(name, version, found, chain.web3.to_checksum_address(contract))
        assert there == credits_domain(chain_id, chain.credits.address)
