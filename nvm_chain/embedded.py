"""The embedded chain: a whole EVM in this process, with Credits and a test USDC on it and nothing to set up."""

from eth_account import Account
from eth_typing import ChecksumAddress
from web3 import EthereumTesterProvider, Web3

from nvm_chain.artifacts import read_artifact
from nvm_chain.chain import Chain
from nvm_chain.keys import Signer

LABEL = "eth-tester"


def open_embedded() -> Chain:
    """Start a chain in this process and put Credits and TestUSDC on it; takes about two seconds.

    Its ten accounts have a million coins each. The first deployed the contracts and owns the protocol fee.
    """
    provider = EthereumTesterProvider()
    keys = provider.ethereum_tester.backend.account_keys  # type: ignore[union-attr]  # never None in this provider
    chain = Chain(Web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    deploy_all(chain, chain.accounts[0])
    return chain


def deploy_all(chain: Chain, deployer: Signer) -> None:
    """Deploy Credits and TestUSDC to a development chain and use them. Two transactions. The deployer owns the fee."""
    chain.use_credits(chain.deploy(deployer, read_artifact("Credits").encode_creation(deployer.address)))
    deploy_test_usdc(chain, deployer)


def deploy_test_usdc(chain: Chain, deployer: Signer) -> ChecksumAddress:
    """Deploy a TestUSDC to a development chain, use it, and return its address. One transaction."""
    chain.usdc = chain.deploy(deployer, read_artifact("TestUSDC").encode_creation())
    return chain.usdc
