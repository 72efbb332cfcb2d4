"""The embedded chain: a whole EVM in this process, with the contracts and a test USDC on it and nothing to set up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eth_account import Account
from eth_typing import ChecksumAddress
from web3 import EthereumTesterProvider

from nvm_chain.artifacts import read_artifact
from nvm_chain.chain import Chain, build_web3
from nvm_chain.errors import RpcFailed
from nvm_chain.keys import Signer
from nvm_chain.reverts import decode_revert, parse_revert_data

LABEL = "eth-tester"


def open_embedded() -> Chain:
    """Start a chain in this process and put Credits, TestUSDC and AgentRegistry on it; takes about two seconds.

    Its ten accounts have a million coins each. The first deployed the contracts and owns the protocol fee.
    """
    provider = _build_provider()
    keys = provider.ethereum_tester.backend.account_keys  # type: ignore[union-attr]  # never None in this provider
    chain = Chain(build_web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    deploy_all(chain, chain.accounts[0])
    return chain


def _build_provider() -> EthereumTesterProvider:
    """Return web3's provider for eth-tester, with a py-evm behind it that raises our errors.

    eth-tester makes text of some reverts, which a contract can forge, and web3 fails over others.
    """
    # Imported here, for who needs it: py-evm takes half a second, and lifts Python's limit on recursion, which is what
    # keeps the deeply nested JSON of a hostile node from ending the process.
    from eth_tester import PyEVMBackend
    from eth_tester.exceptions import TransactionFailed, ValidationError

    @contextmanager
    def typed_errors() -> Iterator[None]:
        try:
            yield
        except TransactionFailed as error:
            data = parse_revert_data(error)
            raise (RpcFailed(str(error)) if data is None else decode_revert(data)) from None
        except ValidationError as error:
            raise RpcFailed(str(error)) from None

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

    return Provider(Evm())


def deploy_all(chain: Chain, deployer: Signer) -> None:
    """Deploy the contracts and TestUSDC to a development chain and use them. Three transactions. The deployer owns the fee."""
    chain.use_credits(chain.deploy(deployer, read_artifact("Credits").encode_creation(deployer.address)))
    deploy_test_usdc(chain, deployer)
    creation_code = read_artifact("AgentRegistry").encode_creation(chain.credits.address)
    chain.use_agents(chain.deploy(deployer, creation_code))


def deploy_test_usdc(chain: Chain, deployer: Signer) -> ChecksumAddress:
    """Deploy a TestUSDC to a development chain, use it, and return its address. One transaction."""
    chain.usdc = chain.deploy(deployer, read_artifact("TestUSDC").encode_creation())
    return chain.usdc
