"""Signatures of a Kernel 3 account with ECDSA validator: the owner's key signs ``Kernel(bytes32 hash)``."""

from typing import Any, Final

from nvm_chain.signing.eip712 import Domain, MessageSigner, StructType, check_bytes32
from nvm_chain.signing.wallets.owners import WalletSignature, WalletSigner, check_owner, sign_as_owner
from nvm_chain.types.addresses import parse_address

KERNEL_MESSAGE: Final = StructType("Kernel(bytes32 hash)")
_ROOT, _VALIDATOR = b"\0", b"\1"


class KernelSigner(WalletSigner):
    """A signer for a Kernel 3 account. The first byte of a signature says which validator of the account checks it."""

    def __init__(
        self,
        address: str,
        owner: MessageSigner,
        chain_id: int,
        version: str = "0.3.1",
        validator: str | None = None,
    ) -> None:
        """Check the owner.

        Args:
            address: The account's address.
            owner: The owner that signs, as the validator knows it.
            chain_id: The chain's id.
            version: The version in the account's domain, as ``eip712Domain()`` answers.
            validator: The address of the validator that checks the signature. The account's root validator if not given.

        Raises:
            InvalidConfig: The owner cannot sign.
        """
        super().__init__(address)
        self.domain = Domain("Kernel", version, chain_id, self.address)
        self.owner = check_owner(owner)
        self._prefix = _ROOT
        if validator is not None:
            self._prefix = _VALIDATOR + bytes.fromhex(parse_address(validator, "validator address")[2:])

    def unsafe_sign_hash(self, message_hash: Any, /) -> WalletSignature:
        """Sign a hash of 32 bytes as the account's message."""
        digest = check_bytes32(bytes(message_hash), "hash to sign")
        return WalletSignature(self._prefix + sign_as_owner(self.owner, self.domain, KERNEL_MESSAGE, (digest,)))
