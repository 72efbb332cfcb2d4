"""Contract wallets: ask one whether it accepts a signature (ERC-1271)."""

from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.client import Chain
from nvm_chain.errors import AnswerUnreadable, NoContract, TransactionError
from nvm_chain.signing.signatures import AskChain

MAGIC_VALUE: Final = bytes.fromhex("1626ba7e")
"""The answer of a wallet that accepts the signature."""

WALLET_GAS: Final = 200_000
"""The gas that a wallet gets for its answer. The contract gives the same amount (``ISOLATED_GAS``)."""

WALLET_ABI: Final = (describe_function("isValidSignature", "bytes32 bytes", "bytes4"),)


def ask_wallets(chain: Chain) -> AskChain:
    """Return a function that asks a contract wallet whether it accepts a signature. Each call makes one request.

    The answer is valid for the latest block only. Do not keep it, because the wallet may change its answer.
    """

    def ask(account: ChecksumAddress, digest: bytes, signature: bytes) -> bool:
        function = chain.bind(account, WALLET_ABI).functions.isValidSignature(digest, signature)
        try:
            return bytes(chain.read(function, gas=WALLET_GAS)) == MAGIC_VALUE
        except (NoContract, AnswerUnreadable, TransactionError):
            return False

    return ask
