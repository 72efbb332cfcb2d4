"""Upgrades and trapdoors: the attacker looks in the deployed code for a way to change it, to run their own in its place, or to take it down.

Both contracts are read as a chain has them, opcode by opcode. There is nothing to call into others' code with, nothing to destroy, no
initializer, no proxy slot, no function that takes money and keeps it, and no transient storage to leave a guard behind in (C34, C35,
C38, C39).
"""

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import ContractName, read_artifact
from tests.support.reentry import through_many
from tests.support.world import CREDITS, FUNDS, PRICE, World

SHIPPED: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
PUSH1, PUSH32 = 0x60, 0x7F
INVALID, METADATA_LENGTH = 0xFE, 2

FORBIDDEN = {
    0x32: "ORIGIN",
    0x41: "COINBASE",
    0x40: "BLOCKHASH",
    0x44: "PREVRANDAO",
    0x5C: "TLOAD",
    0x5D: "TSTORE",
    0xF0: "CREATE",
    0xF2: "CALLCODE",
    0xF4: "DELEGATECALL",
    0xF5: "CREATE2",
    0xFF: "SELFDESTRUCT",
}
"""Others' code in this contract's name, new contracts, the end of the contract, and what a miner or a relayer can choose."""


def opcodes(code: bytes) -> Iterator[int]:
    """Yield the opcodes of some code, without what they push."""
    position = 0
    while position < len(code):
        opcode = code[position]
        yield opcode
        position += 1 + (opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0)


def without_metadata(code: bytes) -> bytes:
    """Return code without the bytes behind it that say what compiled it."""
    length = int.from_bytes(code[-METADATA_LENGTH:], "big") + METADATA_LENGTH
    return code[:-length] if length < 100 else code


def test_opcodes__of_a_sample__leave_out_what_is_pushed() -> None:
    """The check of the check: a selfdestruct that is data is none, and one behind it is found."""
    assert list(opcodes(bytes.fromhex("60ff61fffff0ff"))) == [0x60, 0x61, 0xF0, 0xFF]


@pytest.mark.parametrize("name", SHIPPED)
def test_deployed_code__has_no_way_to_run_others_code_or_to_end(world: World, name: ContractName) -> None:
    """C35: no proxy and no library call at run time; the address answers for this code for ever."""
    contract = world.credits if name == "Credits" else world.chain.agents
    code = bytes(world.chain.web3.eth.get_code(contract.address))
    assert code == read_artifact(name).runtime_code
    found = {FORBIDDEN[opcode] for opcode in opcodes(without_metadata(code)) if opcode in FORBIDDEN}
    assert found == set()


@pytest.mark.parametrize("name", SHIPPED)
def test_deployed_code__has_no_function_that_changes_it(name: ContractName) -> None:
    """C35: nothing to initialize, upgrade, pause, rescue or sweep."""
    words = ("initial", "upgrade", "implement", "admin", "pause", "rescue", "sweep", "withdraw", "migrate", "execute")
    names = [entry["name"].lower() for entry in read_artifact(name).abi if entry["type"] == "function"]
    assert [each for each in names if any(word in each for word in words)] == []
    assert not {entry["type"] for entry in read_artifact(name).abi} & {"receive", "fallback"}


@pytest.mark.parametrize(
    "label", ["eip1967.proxy.implementation", "eip1967.proxy.admin", "eip1967.proxy.beacon", "eip1822.proxiable"]
)
def test_deployed_code__keeps_nothing_where_proxies_do(world: World, label: str) -> None:
    """C35: after a life's worth of calls too."""
    world.fund(world.subscriber)
    world.order(world.register())
    slot = int.from_bytes(keccak(text=label), "big") - (1 if "1967" in label else 0)
    for contract in (world.credits, world.chain.agents):
        assert int.from_bytes(world.chain.web3.eth.get_storage_at(contract.address, slot), "big") == 0


def test_deploy__by_an_attacker__has_the_owner_of_its_constructor_from_the_first_second(world: World) -> None:
    """C35: nobody can come between a deployment and its set-up, as there is no set-up."""
    twin = world.deploy("Credits", world.fee_owner.address, signer=world.stranger)
    assert world.read(twin.functions.owner()) == world.fee_owner.address
    assert world.read(twin.functions.pendingOwner()) == "0x" + "00" * 20


@pytest.mark.parametrize("name", SHIPPED)
def test_compiler__is_one_without_the_bugs_of_its_predecessors(name: ContractName) -> None:
    """C38: 0.8.28 to 0.8.33 clear the wrong transient slots under via-IR, 0.8.36 and earlier mix spilled slots up."""
    compiler = read_artifact(name).compiler
    version = tuple(int(part) for part in compiler["version"].partition("+")[0].split("."))
    assert version == (0, 8, 37)
    assert compiler["settings"]["evmVersion"] == "cancun"


def test_order__twice_in_one_transaction__is_two_orders(world: World) -> None:
    """C39: no guard of the first call stands in the second's way, in whatever way they are combined."""
    actor = world.deploy("Actor")
    plan_id, functions = world.register(), world.credits.functions
    world.send(world.subscriber, world.usdc.functions.mint(actor.address, FUNDS))
    order = functions.order(plan_id, actor.address, 1, PRICE)
    burn = functions.burn(plan_id, actor.address, CREDITS)
    approve = world.usdc.functions.approve(world.credits.address, FUNDS)
    world.send(world.stranger, through_many(actor, approve, order, order, burn, order))
    assert world.balance(plan_id, actor.address) == 2 * CREDITS
    assert world.tokens(world.builder.address) == 3 * PRICE
