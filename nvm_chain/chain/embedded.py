"""The embedded chain: a whole EVM in this process, with the contracts and a test USDC on it and nothing to set up."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from eth_account import Account
from eth_typing import ChecksumAddress
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from web3 import EthereumTesterProvider

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.networks import NETWORKS, find_usdc
from nvm_chain.chain.reverts import decode_revert, parse_revert_data
from nvm_chain.chain.rpc import build_web3
from nvm_chain.errors import NetworkError, NoContract, RpcFailed
from nvm_chain.signing.keys import Signer

LABEL = "eth-tester"
USDC: Final = NETWORKS["base:sepolia"].usdc
"""Where TestUSDC is on development chains: at USDC's address on Base Sepolia, so that what names it runs unchanged."""
_OWN_BALANCE_SLOT: Final = int.from_bytes(keccak(to_canonical_address(USDC).rjust(32, b"\0") + (5).to_bytes(32)))
_OWN_BALANCE: Final = 1 << 255
"""The one thing that TestUSDC's constructor writes: its own address, whose balance is in slot 5, is blocked."""
_PUSHED_ADDRESS: Final = re.compile(rb"\x7f\0{12}.{20}", re.DOTALL)
"""The instruction PUSH32 with an address: an immutable value of a contract."""


def open_embedded() -> Chain:
    """Start a chain in this process, with Credits, TestUSDC and AgentRegistry on it. Takes about two seconds.

    Its ten accounts have a million coins each. The first account deployed the contracts and owns the protocol fee.
    TestUSDC is at the address that USDC has on Base Sepolia.
    """
    provider = _build_provider()
    keys = provider.ethereum_tester.backend.account_keys  # type: ignore[union-attr]  # never None in this provider
    chain = Chain(build_web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    chain.usdc = USDC
    _deploy_contracts(chain, chain.accounts[0])
    return chain


@contextmanager
def _typed_errors(failed: type[Exception], invalid: type[Exception]) -> Iterator[None]:
    """Raise our errors for the two that eth-tester raises where a call reverts, or cannot be made."""
    try:
        yield
    except failed as error:
        data = parse_revert_data(error)
        raise (RpcFailed(str(error)) if data is None else decode_revert(data)) from None
    except invalid as error:
        raise RpcFailed(str(error)) from None


def _build_provider() -> EthereumTesterProvider:
    """Return web3's provider for eth-tester, with a py-evm behind it that raises our errors.

    eth-tester turns some reverts into text, which a contract can forge, and web3 fails over others.
    """
    # Imported here, for who needs it: py-evm takes half a second.
    from eth_tester import PyEVMBackend
    from eth_tester.exceptions import TransactionFailed, ValidationError

    typed_errors = partial(_typed_errors, TransactionFailed, ValidationError)

    class Evm(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
        def is_eip838_error(self, error: Any) -> bool:
            return False  # leaves the data of a revert as it is

        def call(self, *arguments: Any) -> Any:
            with typed_errors():
                return super().call(*arguments)

        def estimate_gas(self, *arguments: Any) -> Any:
            with typed_errors():
                return super().estimate_gas(*arguments)

    class Provider(EthereumTesterProvider):
        def make_request(self, *arguments: Any) -> Any:
            with typed_errors():
                return super().make_request(*arguments)

    evm = Evm()
    _place_in_genesis(evm)
    return Provider(evm)


def _place_in_genesis(evm: Any) -> None:
    """Start a backend's chain again with TestUSDC on it, deployed by its first account."""
    keys = evm.account_keys
    creation = read_artifact("TestUSDC").encode_creation()
    code = evm.call(
        {
            "from": keys[0].public_key.to_canonical_address(),
            "to": b"",
            "data": creation,
            "gas": 5_000_000,
            "gas_price": 10**9,
            "value": 0,
        }
    )
    token = {"balance": 0, "nonce": 1, "code": code, "storage": {_OWN_BALANCE_SLOT: _OWN_BALANCE}}
    evm.reset_to_genesis(genesis_state={**evm.generate_genesis_state(), to_canonical_address(USDC): token})
    evm.account_keys = keys  # it made one for the token too


def deploy_all(chain: Chain, deployer: Signer) -> None:
    """Deploy the contracts and TestUSDC to a development chain and use them. Three transactions. The deployer owns the fee."""
    _deploy_contracts(chain, deployer)  # first, so that they have the addresses that they have on the embedded chain
    deploy_test_usdc(chain, deployer)


def _deploy_contracts(chain: Chain, deployer: Signer) -> None:
    chain.use_credits(chain.deploy(deployer, read_artifact("Credits").encode_creation(deployer.address)))
    creation_code = read_artifact("AgentRegistry").encode_creation(chain.credits.address)
    chain.use_agents(chain.deploy(deployer, creation_code))


def find_test_usdc(chain: Chain) -> ChecksumAddress | None:
    """Return where TestUSDC is on a development chain if it is at its usual address, else None. One request.

    It is told by its code. Where Circle's own USDC is known, no request is made.
    """
    return USDC if find_usdc(chain.chain_id) is None and is_test_usdc(chain, USDC) else None


def is_test_usdc(chain: Chain, address: ChecksumAddress) -> bool:
    """Return whether a TestUSDC is at an address, by its code. One request."""
    with suppress(NoContract):
        code, ours = chain.read_code(address), read_artifact("TestUSDC").runtime_code
        return _blank_addresses(code) == _blank_addresses(ours)
    return False


def _blank_addresses(code: bytes) -> bytes:
    """Return code without the addresses that its constructor has put there: each deployer's TestUSDC has other ones."""
    return _PUSHED_ADDRESS.sub(bytes(1), code)


def deploy_test_usdc(chain: Chain, deployer: Signer) -> ChecksumAddress:
    """Deploy a TestUSDC to a development chain, use it, and return its address. One transaction.

    It is put at USDC's address on Base Sepolia, where that is free and the node can put code there, as anvil can.
    """
    is_free = not chain.has_code(USDC)  # asked before: a request that fails after the deployment would lose its address
    deployed = chain.deploy(deployer, read_artifact("TestUSDC").encode_creation())
    chain.usdc = USDC if is_free and _copy_code(chain, deployed, USDC) else deployed
    return chain.usdc


def _copy_code(chain: Chain, source: ChecksumAddress, target: ChecksumAddress) -> bool:
    """Put a TestUSDC's code at another address; return whether the node is seen to have done so."""
    with suppress(NetworkError):
        code, slot, value = chain.read_code(source), f"{_OWN_BALANCE_SLOT:#066x}", f"{_OWN_BALANCE:#066x}"
        return (
            chain.ask_development_node("anvil_setCode", target, "0x" + code.hex())
            and chain.ask_development_node("anvil_setStorageAt", target, slot, value)
            and chain.read_code(target) == code
        )
    return False
