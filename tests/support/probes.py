"""Contracts that read a value during another call, and return "yes" only if the value is the expected one."""

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from tests.support.reentry import encode
from tests.support.world import World

# CODECOPY the query, STATICCALL the target; return the four bytes if the answer is the expected word, else zero
_HEAD = "61{size:04x}61{start:04x}5f3960205f61{size:04x}5f73{target}5afa50"
_TAIL = "5f517f{expected}1463{yes}60e01b025f5260205ff3"
_CREATION = "61{size:04x}80600a5f395ff3"


def deploy_probe(world: World, query: ContractFunction, expected: int, yes: bytes) -> ChecksumAddress:
    """Deploy a contract that answers every call with ``yes``, if the query then has the answer ``expected``."""
    data = bytes.fromhex(encode(query)[2:])
    tail = _TAIL.format(expected=expected.to_bytes(32, "big").hex(), yes=yes.hex())
    head = _HEAD.format(size=len(data), start=0, target=query.address[2:])
    start = len(bytes.fromhex(head + tail))
    head = _HEAD.format(size=len(data), start=start, target=query.address[2:])
    runtime = bytes.fromhex(head + tail) + data
    return world.chain.deploy(world.stranger, bytes.fromhex(_CREATION.format(size=len(runtime))) + runtime)
