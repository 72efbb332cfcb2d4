"""The embedded chain: a whole EVM in this process, with Credits and a test USDC on it and nothing to set up."""

from eth_account import Account
from web3 import EthereumTesterProvider, Web3

from nvm_chain.artifacts import read_artifact
from nvm_chain.chain import Chain

LABEL = "eth-tester"


def open_embedded() -> Chain:
    """Start a chain in this process and put Credits and TestUSDC on it; takes about two seconds.

    Its ten accounts have a million coins each. The first deployed the contracts and owns the protocol fee.
    """
    provider = EthereumTesterProvider()
    keys = provider.ethereum_tester.backend.account_keys
    chain = Chain(Web3(provider), LABEL, [Account.from_key(key.to_bytes()) for key in keys])
    deployer = chain.accounts[0]
    credits, usdc = (read_artifact(name) for name in ("Credits", "TestUSDC"))
    receipt = chain.send_data(deployer, "0x" + credits.encode_creation(deployer.address).hex())
    chain.use_credits(receipt["contractAddress"])
    chain.usdc = chain.send_data(deployer, "0x" + usdc.creation_code.hex())["contractAddress"]
    return chain
