"""Contract wallets: whether one accepts a signature (ERC-1271)."""

from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.client import Chain
from nvm_chain.errors import AnswerUnreadable, NoContract, TransactionError
from nvm_chain.signing.signatures import AskChain

MAGIC_VALUE: Final = bytes.fromhex("1626ba7e")
"""What a wallet answers if the signature is good."""

WALLET_GAS: Final = 200_000
"""What a wallet has to answer with, as the contract gives it (``ISOLATED_GAS``): a slower one is refused there too."""

WALLET_ABI: Final = (describe_function("isValidSignature", "bytes32 bytes", "bytes4"),)


def ask_wallets(chain: Chain) -> AskChain:
    """Return a function that asks a contract wallet whether it accepts a signature. Each call makes one request.

    The answer is that of the latest block. Do not keep it: a wallet may answer otherwise in the next block.
    """

    def ask(account: ChecksumAddress, digest: bytes, signature: bytes) -> bool:
        function = chain.bind(account, WALLET_ABI).functions.isValidSignature(digest, signature)
        try:
            return bytes(chain.read(function, gas=WALLET_GAS)) == MAGIC_VALUE
        except (NoContract, AnswerUnreadable, TransactionError):
            return False

    return ask
