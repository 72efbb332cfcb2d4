"""Payers of the facilitator's tests: a key, a contract wallet, and a contract wallet that does not exist yet."""

from typing import Final

from eth_abi.abi import encode
from eth_account.datastructures import SignedMessage
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, Hash32
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from nvm_chain.types.hashes import keccak
from tests.support.compiled import read_creation_code

CREATE2: Final = to_checksum_address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""The factory that anvil has from its start: it takes a salt and creation code."""
MAGIC: Final = bytes.fromhex("6492" * 16)
SALT: Final = bytes.fromhex("5a" * 32)


class WalletSigner:
    """Signs for a `SmartWallet` by the key of its owner. A wrapped signature says how the wallet is deployed."""

    def __init__(self, owner: LocalAccount, *, wraps: bool = False, factory: ChecksumAddress = CREATE2) -> None:
        self.owner, self.wraps, self.factory = owner, wraps, factory
        self.deployment = (
            SALT
            + bytes.fromhex(read_creation_code("SmartWallet").removeprefix("0x"))
            + encode(["address"], [owner.address])
        )
        self.address = to_checksum_address(
            keccak(b"\xff" + bytes.fromhex(CREATE2[2:]) + SALT + keccak(self.deployment[32:]))[12:]
        )

    def unsafe_sign_hash(self, message_hash: Hash32, /) -> SignedMessage:
        """Sign a hash."""
        signed = self.owner.unsafe_sign_hash(message_hash)
        return signed._replace(signature=HexBytes(self.wrap(bytes(signed.signature)))) if self.wraps else signed

    def wrap(self, signature: bytes) -> bytes:
        """Wrap a signature with the deployment (ERC-6492)."""
        return encode(["address", "bytes", "bytes"], [self.factory, self.deployment, signature]) + MAGIC


def sign_digest(account: LocalAccount, digest: bytes) -> bytes:
    """Sign 32 bytes with a key."""
    return bytes(account.unsafe_sign_hash(Hash32(digest)).signature)
