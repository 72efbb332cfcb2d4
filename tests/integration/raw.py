"""Contracts written in bytes: they answer every call with data of the test's choice, as a return value or as a revert."""

from eth_typing import ChecksumAddress
from web3.contract.contract import Contract

from nvm_chain.operations.tokens import ERC20_ABI
from tests.support.compiled import read_abi, read_creation_code
from tests.support.world import World

# PUSH2 size, DUP1, PUSH2 11, PUSH0, CODECOPY, PUSH0, then RETURN or REVERT, then the data.
_PROGRAM = "61{size:04x}8061000b5f395f{end}"
_RETURN, _REVERT = "f3", "fd"


def _program(data: bytes, end: str) -> bytes:
    return bytes.fromhex(_PROGRAM.format(size=len(data), end=end)) + data


def deploy_raw(world: World, data: bytes, *, reverting: bool) -> Contract:
    """Deploy a contract that answers every call with ``data``, and give it the face of a token."""
    creation = _program(_program(data, _REVERT if reverting else _RETURN), _RETURN)
    return world.chain.bind(world.chain.deploy(world.stranger, creation), ERC20_ABI)


def deploy_code(world: World, code: bytes) -> ChecksumAddress:
    """Deploy a contract that is this code."""
    return world.chain.deploy(world.stranger, _program(code, _RETURN))


# A call with 32 bytes stores them, any other call is answered with what is stored:
# CALLDATASIZE, PUSH1 32, EQ, PUSH1 15, JUMPI, PUSH0, SLOAD, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN,
# JUMPDEST, PUSH0, CALLDATALOAD, PUSH0, SSTORE, STOP.
_QUOTER = bytes.fromhex("36602014600f575f545f5260205ff35b5f355f5500")


def deploy_quoter(world: World, price: int) -> ChecksumAddress:
    """Deploy a contract that asks the same price for every order, until `set_quote`."""
    quoter = world.chain.deploy(world.stranger, _program(_QUOTER, _RETURN))
    set_quote(world, quoter, price)
    return quoter


def set_quote(world: World, quoter: ChecksumAddress, price: int) -> None:
    """Change what a quoter asks."""
    world.chain.send_data(world.stranger, f"0x{price:064x}", quoter)


_PUSH_2, _PUSH_7 = "601960f91b", "603760f81b"  # the text of one character, as the compiler writes it: PUSH1, PUSH1, SHL


def deploy_renamed_usdc(world: World) -> Contract:
    """Deploy a TestUSDC that is called EURC, version 7: both texts are changed in its code."""
    code = read_creation_code("TestUSDC").replace(b"USDC".hex(), b"EURC".hex()).replace(_PUSH_2, _PUSH_7)
    token = world.chain.bind(world.chain.deploy(world.stranger, bytes.fromhex(code[2:])), read_abi("TestUSDC"))
    assert (world.read(token.functions.name()), world.read(token.functions.version())) == ("EURC", "7")
    return token


def deploy_permit_token(world: World) -> Contract:
    """Deploy a TestUSDC that takes permits and, its authorizationState being called something else, no authorizations."""
    code = read_creation_code("TestUSDC")
    assert code.count("e94a0102") == 1
    creation = bytes.fromhex(code.replace("e94a0102", "e94a0103")[2:])
    return world.chain.bind(world.chain.deploy(world.stranger, creation), read_abi("TestUSDC"))
