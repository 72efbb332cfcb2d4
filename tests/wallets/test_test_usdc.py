"""TestUSDC beside Circle's FiatToken v2.2: each difference that docs/tokens.md declares, and that nothing else is behind it."""

from typing import Any

import pytest
import requests
from eth_abi.abi import encode
from web3.contract.contract import Contract

from nvm_chain.errors import RevertedWithReason
from nvm_chain.signing.eip712 import sign_struct
from nvm_chain.signing.signed_orders import RECEIVE_WITH_AUTHORIZATION
from tests.support.fiat_token import deploy_fiat_token
from tests.support.signed import FOREVER, domain_of_token
from tests.support.world import PRICE, World

EXCEEDS = "ERC20: transfer amount exceeds balance"
DIRTY = 1 << 160


@pytest.fixture
def tokens(world: World) -> tuple[Contract, Contract]:
    """TestUSDC and FiatToken, of each of which the subscriber has the price of a plan."""
    found = world.usdc, deploy_fiat_token(world)
    for token in found:
        world.send(world.partner, token.functions.mint(world.subscriber.address, PRICE))
    return found


def ask(world: World, token: Contract, data: str) -> bytes:
    """Call a token as the relayer. Return the answer, or the data of the revert, as the node gives them."""
    call = {"from": world.relayer.address, "to": token.address, "data": data}
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
    reply: dict[str, Any] = requests.post(world.chain.label, json=body, timeout=30).json()
    told: str = reply["error"].get("data", "0x") if "error" in reply else reply["result"]
    return bytes.fromhex(told[2:])


def authorize(world: World, token: Contract, amount: int) -> str:
    """Encode an authorization by the subscriber for the relayer."""
    values = (world.subscriber.address, world.relayer.address, amount, 0, FOREVER, bytes(32))
    signature = sign_struct(world.subscriber, domain_of_token(world, token), RECEIVE_WITH_AUTHORIZATION, values)
    name = "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
    return str(token.functions[name](*values, signature)._encode_transaction_data())


def test_texts_after_a_signature_check__are_the_same_and_differ_in_what_follows_them(
    world: World, tokens: tuple[Contract, Contract]
) -> None:
    ours, theirs = (ask(world, token, authorize(world, token, PRICE + 1)) for token in tokens)
    expected = bytes.fromhex("08c379a0") + encode(["string"], [EXCEEDS])
    assert ours == expected
    assert theirs != expected
    text_ends = 4 + 64 + len(EXCEEDS)
    assert (theirs[:text_ends], len(theirs)) == (expected[:text_ends], len(expected))


def test_texts_before_a_signature_check__are_the_same(world: World, tokens: tuple[Contract, Contract]) -> None:
    for token in tokens:
        transfer = token.functions.transfer(world.other.address, 1)
        with pytest.raises(RevertedWithReason) as caught:
            world.send(world.relayer, transfer)
        assert caught.value.reason == EXCEEDS
    assert ask(world, tokens[0], transfer._encode_transaction_data()) == ask(
        world, tokens[1], transfer._encode_transaction_data()
    )


def test_bits_above_an_address__are_refused_by_ours_and_ignored_by_theirs(
    world: World, tokens: tuple[Contract, Contract]
) -> None:
    selector, whom = "0x70a08231", int(world.subscriber.address, 16)
    ours, theirs = (ask(world, token, f"{selector}{DIRTY + whom:064x}") for token in tokens)
    assert (ours, theirs) == (b"", PRICE.to_bytes(32, "big"))
    assert {ask(world, token, f"{selector}{whom:064x}") for token in tokens} == {theirs}


def test_mint__beyond_an_allowance__is_refused_by_theirs_only(world: World, tokens: tuple[Contract, Contract]) -> None:
    ours, theirs = tokens
    stranger = world.chain.bind(theirs.address, theirs.abi).functions
    world.send(world.fee_owner, stranger.configureMinter(world.stranger.address, 5))
    with pytest.raises(RevertedWithReason) as caught:
        world.send(world.stranger, stranger.mint(world.stranger.address, 6))
    assert caught.value.reason == "FiatToken: mint amount exceeds minterAllowance"
    world.send(world.stranger, ours.functions.mint(world.stranger.address, 2**200))


def test_functions__of_ours_are_all_of_theirs(tokens: tuple[Contract, Contract]) -> None:
    """What is left out: the proxy, the minters, burning, the rescuer and changes of roles."""
    ours, theirs = ({entry["name"] for entry in token.abi if entry["type"] == "function"} for token in tokens)
    assert ours <= theirs
    assert {"burn", "configureMinter", "minterAllowance", "rescueERC20", "updatePauser"} <= theirs - ours


def test_gas__of_a_transfer__is_less_in_ours(world: World, tokens: tuple[Contract, Contract]) -> None:
    ours, theirs = (
        world.send(world.subscriber, token.functions.transfer(world.other.address, 1))["gasUsed"] for token in tokens
    )
    assert ours < theirs
