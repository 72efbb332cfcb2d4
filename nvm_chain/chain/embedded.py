"""The embedded chain: an EVM inside this process with our contracts and a TestUSDC. It needs no setup."""

import re
import threading
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
"""The address of TestUSDC on development chains.

It is USDC's address on Base Sepolia, so that programs run unchanged.
"""
_OWN_BALANCE_SLOT: Final = int.from_bytes(keccak(to_canonical_address(USDC).rjust(32, b"\0") + (5).to_bytes(32)))
_OWN_BALANCE: Final = 1 << 255
"""The value that TestUSDC's constructor stores in `_OWN_BALANCE_SLOT`: its highest bit blocks the token's own address.

It is the only storage that the constructor writes. The slot belongs to the balance mapping, which is at slot 5.
"""
_PUSHED_ADDRESS: Final = re.compile(rb"\x7f\0{12}.{20}", re.DOTALL)
"""The EVM instruction PUSH32 with an address. In runtime code it is an immutable value of the contract."""


def open_embedded() -> Chain:
    """Start a chain in this process with Credits, AgentRegistry and TestUSDC. It takes about two seconds. No network.

    Each of the ten accounts has a million coins. The first account deployed the contracts, and can set the protocol
    fee. TestUSDC has the address of USDC on Base Sepolia.
    """
    provider = _build_provider()
    keys = provider.ethereum_tester.backend.account_keys  # type: ignore[union-attr]  # never None in this provider
    chain = Chain(build_web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    chain.usdc = USDC
    _deploy_contracts(chain, chain.accounts[0])
    return chain


@contextmanager
def _typed_errors(failed: type[Exception], invalid: type[Exception]) -> Iterator[None]:
    """Replace eth-tester's errors for failed and invalid calls with errors of this package."""
    try:
        yield
    except failed as error:
        data = parse_revert_data(error)
        raise (RpcFailed(str(error)) if data is None else decode_revert(data)) from None
    except invalid as error:
        raise RpcFailed(str(error)) from None


def _build_provider() -> EthereumTesterProvider:
    """Return web3's provider for eth-tester with a py-evm that raises our errors.

    Without our errors, eth-tester turns some revert data into text that a contract can forge. Other revert data makes
    web3 fail.
    """
    # Imported here, because the import of py-evm takes half a second, and only the embedded chain needs it.
    from eth_tester import PyEVMBackend
    from eth_tester.exceptions import TransactionFailed, ValidationError

    typed_errors = partial(_typed_errors, TransactionFailed, ValidationError)

    class Evm(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
        def is_eip838_error(self, error: Any) -> bool:
            return False  # keeps the revert data unchanged

        def call(self, *arguments: Any) -> Any:
            with typed_errors():
                return super().call(*arguments)

        def estimate_gas(self, *arguments: Any) -> Any:
            with typed_errors():
                return super().estimate_gas(*arguments)

    turn = threading.RLock()  # eth-tester answers one request at a time, and a gateway has several threads

    class Provider(EthereumTesterProvider):
        def make_request(self, *arguments: Any) -> Any:
            with turn, typed_errors():
                return super().make_request(*arguments)

    evm = Evm()
    _place_in_genesis(evm)
    return Provider(evm)


def _place_in_genesis(evm: Any) -> None:
    """Reset a backend to a genesis block that contains TestUSDC, as the first account would deploy it."""
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
    evm.account_keys = keys  # the reset also made a key for the token's address


def deploy_all(chain: Chain, deployer: Signer) -> None:
    """Deploy Credits, AgentRegistry and TestUSDC to a development chain, and use them. Three transactions.

    The deployer can set the protocol fee.
    """
    _deploy_contracts(chain, deployer)  # first, so that the contracts get the same addresses as on the embedded chain
    deploy_test_usdc(chain, deployer)


def _deploy_contracts(chain: Chain, deployer: Signer) -> None:
    chain.use_credits(chain.deploy(deployer, read_artifact("Credits").encode_creation(deployer.address)))
    creation_code = read_artifact("AgentRegistry").encode_creation(chain.credits.address)
    chain.use_agents(chain.deploy(deployer, creation_code))


def find_test_usdc(chain: Chain) -> ChecksumAddress | None:
    """Return `USDC`, the usual address of TestUSDC, if a TestUSDC is there, else None. One request.

    The code at the address decides. On a chain with Circle's own USDC the result is None without a request.
    """
    return USDC if find_usdc(chain.chain_id) is None and is_test_usdc(chain, USDC) else None


def is_test_usdc(chain: Chain, address: ChecksumAddress) -> bool:
    """Return whether TestUSDC's code is at an address. One request."""
    with suppress(NoContract):
        return _is_code_of_test_usdc(chain.read_code(address))
    return False


def _is_code_of_test_usdc(code: bytes) -> bool:
    return _blank_addresses(code) == _blank_addresses(read_artifact("TestUSDC").runtime_code)


def _blank_addresses(code: bytes) -> bytes:
    """Replace the immutable addresses in code, because they differ between deployments of TestUSDC."""
    return _PUSHED_ADDRESS.sub(bytes(1), code)


def deploy_test_usdc(chain: Chain, deployer: Signer) -> ChecksumAddress:
    """Deploy a TestUSDC to a development chain, use it, and return its address. One transaction.

    If the node can set code, as anvil can, and USDC's address on Base Sepolia is free, the token gets that address.
    """
    is_free = not chain.has_code(USDC)  # requested first: a failure after the deployment would lose the token's address
    deployed = chain.deploy(deployer, read_artifact("TestUSDC").encode_creation())
    chain.usdc = USDC if is_free and _copy_code(chain, deployed, USDC) else deployed
    return chain.usdc


def _copy_code(chain: Chain, source: ChecksumAddress, target: ChecksumAddress) -> bool:
    """Copy a TestUSDC's code to another address. Return whether the node then has the code there."""
    with suppress(NetworkError):
        code, slot, value = chain.read_code(source), f"{_OWN_BALANCE_SLOT:#066x}", f"{_OWN_BALANCE:#066x}"
        return (
            _is_code_of_test_usdc(code)
            and chain.ask_development_node("anvil_setCode", target, "0x" + code.hex())
            and chain.ask_development_node("anvil_setStorageAt", target, slot, value)
            and chain.read_code(target) == code
        )
    return False
