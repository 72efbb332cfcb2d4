"""ERC-5267: a contract tells its EIP-712 domain, so that a wallet need not be told by anybody else.

The domain is read here as the standard's "Specification" and its reference code do, bit by bit, and what comes out signs a voucher.
"""

from typing import Any

from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.embedded import open_embedded
from tests.support.elsewhere import Elsewhere
from tests.support.world import World

FIELDS = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
    ("salt", "bytes32"),
)
"""In the order of their bits, from the lowest: bit i is set if and only if domain field i is present."""


def read_domain(world: World) -> tuple[int, dict[str, Any], list[int]]:
    """Return the bits, all five fields and the extensions."""
    fields, *values, extensions = world.read(world.credits.functions.eip712Domain())
    named = {name: value for (name, _), value in zip(FIELDS, values, strict=True)}
    return bytes(fields)[0], named, extensions


def test_function__is_the_one_that_the_standard_names() -> None:
    """MUST: `eip712Domain()` external view, returning fields, name, version, chainId, verifyingContract, salt, extensions."""
    [entry] = [each for each in read_artifact("Credits").abi if each.get("name") == "eip712Domain"]
    assert (entry["inputs"], entry["stateMutability"]) == ([], "view")
    outputs = [(output["name"], output["type"]) for output in entry["outputs"]]
    assert outputs == [("fields", "bytes1"), *FIELDS, ("extensions", "uint256[]")]
    assert keccak(text="eip712Domain()")[:4].hex() == "84b0196e"


def test_fields__are_the_bits_of_what_is_in_the_separator(world: World) -> None:
    """`fields`: a bit map of the fields that are used, in the order of EIP-712; 0x0f is all but the salt."""
    bits, _, _ = read_domain(world)
    assert [name for index, (name, _) in enumerate(FIELDS) if bits >> index & 1] == [
        "name",
        "version",
        "chainId",
        "verifyingContract",
    ]
    assert bits >> len(FIELDS) == 0


def test_values__are_those_of_this_chain_and_contract(world: World) -> None:
    """MUST: the fields that are used have the values that the separator is made of; a chain id that is the chain's at the call."""
    _, values, _ = read_domain(world)
    assert (values["chainId"], values["verifyingContract"]) == (world.chain.chain_id, world.credits.address)
    assert (values["name"], values["version"]) == ("nvm_chain Credits", "1")


def test_unused_field__is_zero(world: World) -> None:
    """The values of fields that are not used are unspecified; ours are zero, so that nobody reads anything into them."""
    assert bytes(read_domain(world)[1]["salt"]) == bytes(32)


def test_extensions__are_none(world: World) -> None:
    """`extensions`: a list of EIP numbers, each an extension of the domain. There are none."""
    assert read_domain(world)[2] == []


def test_domain__read_bit_by_bit__is_what_vouchers_are_signed_in(world: World) -> None:
    """ "Rationale" and the reference code: whoever builds the domain from the answer alone gets the contract's digest."""
    bits, values, _ = read_domain(world)
    domain = {name: values[name] for index, (name, _) in enumerate(FIELDS) if bits >> index & 1}
    voucher = {
        "planId": 7,
        "holder": world.subscriber.address,
        "redeemer": world.redeemer.address,
        "ceiling": 3,
        "context": bytes(32),
        "deadline": 9,
    }
    kinds = ["uint256", "address", "address", "uint64", "bytes32", "uint64"]
    types = {"Voucher": [{"name": name, "type": kind} for name, kind in zip(voucher, kinds, strict=True)]}
    expected = bytes(world.read(world.credits.functions.voucherDigestOf(tuple(voucher.values()))))
    assert _hash_eip191_message(encode_typed_data(domain, types, voucher)) == expected


def test_domain__on_a_fork__is_the_forks() -> None:
    """The chain id is not cached: on a chain with another id the answer is another, and the same as what is signed there."""
    chain = open_embedded()
    elsewhere, function = Elsewhere(chain), chain.credits.functions.eip712Domain()
    answers = [elsewhere.call(function, chain_id=number, address=chain.credits.address) for number in (5, 6)]
    assert [int.from_bytes(answer[96:128], "big") for answer in answers] == [5, 6]


def test_event__of_a_changed_domain__is_not_there_as_it_never_changes() -> None:
    """MAY: EIP712DomainChanged, if the domain can change. It cannot: name and version are in the code."""
    names = {entry["name"] for entry in read_artifact("Credits").abi if entry["type"] == "event"}
    assert "EIP712DomainChanged" not in names


def test_contract_without_signatures__has_no_domain() -> None:
    """Optional for a contract: the registry takes no signatures and says nothing of any."""
    entries = read_artifact("AgentRegistry").abi
    assert not [entry for entry in entries if entry.get("name") == "eip712Domain"]
