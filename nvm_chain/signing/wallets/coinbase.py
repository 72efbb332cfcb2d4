"""Signatures of a Coinbase Smart Wallet: one of its owners, a key or a passkey, signs ``CoinbaseSmartWalletMessage``."""

from typing import Any, Final

from eth_abi.abi import encode

from nvm_chain.signing.eip712 import Domain, MessageSigner, StructType, check_bytes32, hash_message
from nvm_chain.signing.wallets.owners import WalletSignature, WalletSigner, check_owner, sign_as_owner
from nvm_chain.signing.wallets.passkeys import PasskeySigner, sign_as_passkey
from nvm_chain.types.amounts import check_uint

COINBASE_MESSAGE: Final = StructType("CoinbaseSmartWalletMessage(bytes32 hash)")
_NAME, _VERSION = "Coinbase Smart Wallet", "1"


class CoinbaseWalletSigner(WalletSigner):
    """A signer for a Coinbase Smart Wallet.

    The owner is a key account, a wallet that signs typed data, the signer of a contract wallet, or a passkey. A voucher
    by a passkey counts only on a chain that has the P-256 precompile, because others take too much gas to check it.
    """

    def __init__(self, address: str, owner: MessageSigner | PasskeySigner, chain_id: int, owner_index: int = 0) -> None:
        """Check the owner.

        Args:
            address: The wallet's address.
            owner: The owner that signs.
            chain_id: The chain's id.
            owner_index: The owner's place in the wallet, as ``ownerAtIndex`` of the wallet counts.

        Raises:
            InvalidConfig: The owner cannot sign.
        """
        super().__init__(address)
        self.domain = Domain(_NAME, _VERSION, chain_id, self.address)
        self.owner = owner if isinstance(owner, PasskeySigner) else check_owner(owner)
        self.owner_index = check_uint(owner_index, 256, "owner index")

    def unsafe_sign_hash(self, message_hash: Any, /) -> WalletSignature:
        """Sign a hash of 32 bytes as the wallet's message."""
        signature = self._sign_as_owner(check_bytes32(bytes(message_hash), "hash to sign"))
        return WalletSignature(encode(["(uint256,bytes)"], [(self.owner_index, signature)]))

    def _sign_as_owner(self, digest: bytes) -> bytes:
        if isinstance(self.owner, PasskeySigner):
            challenge = hash_message(self.domain.separator, COINBASE_MESSAGE.hash((digest,)))
            return sign_as_passkey(self.owner, challenge)
        return sign_as_owner(self.owner, self.domain, COINBASE_MESSAGE, (digest,))
