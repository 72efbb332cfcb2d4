"""Whatever a contract answers, the seam gives one typed error at once, and never fetches a URL for it."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider, Web3
from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.chain.reverts import decode_revert
from nvm_chain.errors import (
    AnswerUnreadable,
    InsufficientCoin,
    InvalidConfig,
    NvmChainError,
    RevertedWithoutReason,
    TokenCannotSign,
    UnknownPlan,
)
from nvm_chain.operations.token_domains import SIGNING_ABI, read_token_domain
from nvm_chain.operations.tokens import TokenInfo, read_token_balance, read_token_info
from nvm_chain.operations.wallets import WALLET_GAS, ask_wallets
from tests.integration.raw import deploy_code, deploy_raw
from tests.support.reverts import reverts
from tests.support.world import World

EMBEDDED_TOO = True


def selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def offchain_lookup(url: str) -> bytes:
    """Return the revert with which a contract asks a client to fetch a URL (EIP-3668)."""
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    values = ["0x" + "11" * 20, [url, url + "{sender}/{data}"], b"data", b"abcd", b"extra"]
    return selector("OffchainLookup(address,string[],bytes,bytes4,bytes)") + encode(types, values)


TEXT = selector("Error(string)")
PANIC = selector("Panic(uint256)")
REVERTS = {
    "nothing": b"",
    "one byte": b"\x01",
    "three bytes": b"\x08\xc3\x79",
    "a text": TEXT + encode(["string"], ["Pausable: paused"]),
    "an empty text": TEXT + encode(["string"], [""]),
    "a text like Python bytes": TEXT + encode(["string"], [repr(selector("ZeroCredits()"))]),
    "a text like a revert": TEXT + encode(["string"], ["execution reverted: b'"]),
    "a text without its words": TEXT,
    "a text at a huge offset": TEXT + b"\xff" * 64,
    "a text that is no UTF-8": TEXT + encode(["bytes"], [b"\xff\xfe\xfd"]),
    "an overflow": PANIC + encode(["uint256"], [0x11]),
    "a panic nobody knows": PANIC + encode(["uint256"], [0x99]),
    "a panic with a huge code": PANIC + b"\xff" * 32,
    "a panic without its code": PANIC,
    "an error of Credits": selector("ZeroCredits()"),
    "an error of Credits with arguments": selector("UnknownPlan(uint256)") + encode(["uint256"], [7]),
    "an error of Credits cut short": selector("UnknownPlan(uint256)") + b"\0" * 31,
    "an error nobody knows": selector("Surprise()"),
    "an offchain lookup": offchain_lookup("http://127.0.0.1:9/"),
    "an offchain lookup cut short": offchain_lookup("http://127.0.0.1:9/")[:40],
    "an offchain lookup alone": offchain_lookup("")[:4],
    "ten thousand bytes": selector("Surprise()") + b"\xff" * 10_000,
}


def approve(world: World, data: bytes) -> ContractFunction:
    token = deploy_raw(world, data, reverting=True)
    return token.functions.approve(world.credits.address, 1)


@pytest.mark.parametrize("data", REVERTS.values(), ids=REVERTS)
def test_read__of_a_contract_that_reverts_with_anything__raises_what_it_stands_for(world: World, data: bytes) -> None:
    with reverts(decode_revert(data)):
        world.chain.read(approve(world, data), sender=world.stranger.address)


@pytest.mark.parametrize("data", REVERTS.values(), ids=REVERTS)
def test_send__to_a_contract_that_reverts_with_anything__raises_and_sends_nothing(world: World, data: bytes) -> None:
    function, sender = approve(world, data), world.stranger.address
    before = world.chain.web3.eth.get_transaction_count(sender), world.coins(sender)
    with reverts(decode_revert(data)):
        world.chain.send(world.stranger, function)
    assert (world.chain.web3.eth.get_transaction_count(sender), world.coins(sender)) == before


# ---------------------------------------------------------------------- return values

ANSWERS = {
    "nothing": b"",
    "half a word": b"\0" * 16,
    "a word": b"\xff" * 32,
    "an offset to nowhere": b"\xff" * 64,
    "ten thousand bytes": b"\xff" * 10_000,
}


@pytest.mark.parametrize("data", ANSWERS.values(), ids=ANSWERS)
def test_read_token_info__of_a_contract_that_is_no_token__raises(world: World, data: bytes) -> None:
    token = deploy_raw(world, data, reverting=False)
    problem = f"the token at {token.address} does not tell its decimals, so prices in it cannot be checked"
    with reverts(InvalidConfig(problem)):
        read_token_info(world.chain, token.address)


@pytest.mark.parametrize("symbol", [b"\xff\xfe", b"\xed\xa0\x80", b"", b"\0\n\x1b[", "ＵＳＤＣ".encode()])
def test_read_token_info__of_a_token_whose_symbol_shows_nothing__calls_it_token(world: World, symbol: bytes) -> None:
    token = deploy_raw(world, encode(["bytes"], [symbol]), reverting=False)
    assert read_token_info(world.chain, token.address) == TokenInfo(token.address, "token", 32)


@pytest.mark.parametrize("data", [b"", b"\0" * 31], ids=["nothing", "half a word"])
def test_read_token_balance__of_a_contract_that_is_no_token__raises(world: World, data: bytes) -> None:
    token = deploy_raw(world, data, reverting=False)
    with pytest.raises(AnswerUnreadable):
        read_token_balance(world.chain, token.address, world.stranger.address)


HALTS = {
    "an invalid opcode": "fe",
    "an unknown opcode": "0c",
    "a jump to nowhere": "600056",
    "an empty stack": "50",
    "a loop without end": "5b5a31505f56",  # it looks at another account each time, which ends sooner on py-evm
    "memory without end": "7f" + "ff" * 32 + "51",
    "more than was returned": "60205f5f3e",
    "a full stack": "5b5f5f56",
}


@pytest.mark.parametrize("code", HALTS.values(), ids=HALTS)
def test_read__of_a_contract_that_halts__is_no_refusal_of_the_node(world: World, code: str) -> None:
    """Tokens older than ``revert`` answer so to functions that they do not have."""
    token = world.chain.bind(deploy_code(world, bytes.fromhex(code)), SIGNING_ABI)
    with pytest.raises(RevertedWithoutReason):
        world.chain.read(token.functions.version(), gas=WALLET_GAS)
    with pytest.raises(TokenCannotSign):
        read_token_domain(world.chain, token.address)
    assert not ask_wallets(world.chain)(token.address, b"\0" * 32, b"")


# ---------------------------------------------------------------------- eth-tester as others bring it


def test_chain__on_a_web3_of_somebody_elses__raises_typed_errors_too() -> None:
    # Ape's scripts come with Ape's own eth-tester, which raises its own errors.
    provider = EthereumTesterProvider()
    key = provider.ethereum_tester.backend.account_keys[0].to_bytes()  # type: ignore[union-attr]
    chain, signer = Chain(Web3(provider), "theirs"), Account.from_key(key)
    deploy_all(chain, signer)
    with reverts(UnknownPlan(7)):
        chain.read(chain.credits.functions.termsOf(7))
    with reverts(UnknownPlan(7)):
        chain.send(signer, chain.credits.functions.setPlanActive(7, True))
    with pytest.raises(InsufficientCoin):
        chain.send(Account.create(), chain.credits.functions.setPlanActive(7, True))


# ---------------------------------------------------------------------- offchain lookups


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine: its URL, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_read_and_send__to_a_contract_that_asks_to_fetch_a_url__fetch_nothing(
    world: World, listener: tuple[str, list[str]]
) -> None:
    url, asked = listener
    function = approve(world, offchain_lookup(url))
    with pytest.raises(NvmChainError):
        world.chain.read(function, sender=world.stranger.address)
    with pytest.raises(NvmChainError):
        world.chain.send(world.stranger, function)
    assert asked == []
