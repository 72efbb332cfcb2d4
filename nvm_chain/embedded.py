"""The embedded chain: a whole EVM in this process, with Credits and a test USDC on it and nothing to set up."""

from eth_account import Account
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
    keys = provider.ethereum_tester.backend.account_keys
    chain = Chain(Web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    deploy_all(chain, chain.accounts[0])
    return chain


def deploy_all(chain: Chain, deployer: Signer) -> None:
    """Deploy Credits and TestUSDC to a development chain and use them. Two transactions. The deployer owns the fee."""
    credits, usdc = read_artifact("Credits"), read_artifact("TestUSDC")
    receipt = chain.send_data(deployer, "0x" + credits.encode_creation(deployer.address).hex())
    chain.use_credits(receipt["contractAddress"])
    chain.usdc = chain.send_data(deployer, "0x" + usdc.encode_creation().hex())["contractAddress"]
