"""Signatures of a Safe: its owners sign a message, or the Safe approves the message on chain.

The form is that of Safe 1.3.0 to 1.5.0 with the Safe's CompatibilityFallbackHandler. The message is the digest, as
``SafeMessage(bytes message)`` in the domain of the chain and the Safe alone.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from nvm_chain.errors import InvalidConfig
from nvm_chain.signing.eip712 import MessageSigner, check_bytes32, encode_word
from nvm_chain.signing.wallets.owners import (
    WalletSignature,
    WalletSigner,
    check_owner,
    is_contract,
    sign_as_owner,
    sort_owners,
)
from nvm_chain.signing.wallets.safe_messages import SAFE_MESSAGE, SafeDomain, encode_safe_message
from nvm_chain.types.addresses import parse_address

VERSIONS: Final = {"1.3.0": True, "1.4.1": True, "1.5.0": False}
"""The supported versions of the Safe, and whether each asks a contract owner about the message in place of a hash."""

_BY_CONTRACT, _BY_APPROVAL = b"\0", b"\1"
_ENTRY_SIZE: Final = 65


class ApprovedOwner:
    """An owner of a Safe that approves the message on chain with ``approveHash``, and signs nothing."""

    def __init__(self, address: str) -> None:
        self.address = parse_address(address, "owner address")


SafeOwner: TypeAlias = MessageSigner | ApprovedOwner
"""An owner of a Safe."""


class ApprovedSafeSigner(WalletSigner):
    """A signer for a Safe that approves each message on chain. Its signatures are empty.

    The Safe has to approve the digest before the signature is used. `build_safe_approval` gives the call.
    """

    def __init__(self, address: str, *, version: str | None = None) -> None:
        """Keep the Safe's address, and its version if it is the owner of another Safe. Raises InvalidAddress."""
        super().__init__(address)
        self.version = version

    def sign_message(self, message: bytes) -> bytes:
        """Return the empty signature."""
        return b""

    def unsafe_sign_hash(self, message_hash: Any, /) -> WalletSignature:
        """Return the empty signature."""
        return WalletSignature(b"")


class SafeSigner(WalletSigner):
    """A signer for a Safe. Each given owner signs, so give as many owners as the Safe's threshold.

    An owner is a key account, a wallet that signs typed data, an `ApprovedOwner`, or the signer of a contract wallet,
    such as another `SafeSigner`. A Safe older than 1.5.0 asks a contract that owns it in an older form. Only a Safe
    older than 1.5.0 answers it, so any other contract has to be an `ApprovedOwner`.

    >>> from eth_account import Account
    >>> owner = Account.from_key("0x" + "11" * 32)
    >>> safe = SafeSigner("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", [owner], chain_id=8453)
    >>> len(safe.unsafe_sign_hash(bytes(32)).signature)
    65
    """

    def __init__(self, address: str, owners: Iterable[SafeOwner], chain_id: int, *, version: str | None = None) -> None:
        """Check the owners.

        Args:
            address: The Safe's address.
            owners: The owners that sign, in any order.
            chain_id: The chain's id.
            version: The Safe's version, as its ``VERSION()`` answers. It is necessary if an owner is a contract, or if
                the Safe is the owner of another Safe.

        Raises:
            InvalidConfig: There are no owners, an owner is given twice or cannot sign, or the Safe's version is
                unknown or does not accept an owner.
        """
        super().__init__(address)
        self.domain = SafeDomain(chain_id, self.address)
        self.version = version
        self.owners = sort_owners(owner if isinstance(owner, ApprovedOwner) else check_owner(owner) for owner in owners)
        self._asks_about_message = self._check_version()

    def sign_message(self, message: bytes) -> bytes:
        """Return the owners' signatures of a message of any length."""
        entries, contracts = b"", b""
        for owner in self.owners:
            if isinstance(owner, ApprovedOwner):
                entries += encode_word(owner.address) + bytes(32) + _BY_APPROVAL
            elif is_contract(owner):
                start = _ENTRY_SIZE * len(self.owners) + len(contracts)
                entries += encode_word(owner.address) + encode_word(start) + _BY_CONTRACT
                signature = self._ask_contract(owner, message)
                contracts += encode_word(len(signature)) + signature
            else:
                entries += sign_as_owner(owner, self.domain, SAFE_MESSAGE, (message,))
        return entries + contracts

    def unsafe_sign_hash(self, message_hash: Any, /) -> WalletSignature:
        """Sign a hash of 32 bytes as the Safe's message."""
        return WalletSignature(self.sign_message(check_bytes32(bytes(message_hash), "hash to sign")))

    def _ask_contract(self, owner: MessageSigner, message: bytes) -> bytes:
        if self._asks_about_message and isinstance(owner, SafeSigner | ApprovedSafeSigner):
            return owner.sign_message(encode_safe_message(self.domain, message))
        return sign_as_owner(owner, self.domain, SAFE_MESSAGE, (message,))

    def _check_version(self) -> bool:
        """Return whether this Safe asks a contract owner about the message. Raises InvalidConfig."""
        if self.version is not None and self.version not in VERSIONS:
            raise InvalidConfig(
                f"the Safe's version is {self.version!r}, and the supported ones are {', '.join(VERSIONS)}",
                "give the version that `VERSION()` of the Safe answers",
            )
        contracts = [owner for owner in self.owners if is_contract(owner)]
        if contracts and self.version is None:
            raise InvalidConfig(
                f"the owner {contracts[0].address} is a contract, and versions of the Safe differ in what they ask it",
                "give `version=`, as `VERSION()` of the Safe answers",
            )
        asks_about_message = VERSIONS.get(self.version or "", False)
        for owner in contracts if asks_about_message else ():
            if not (isinstance(owner, SafeSigner | ApprovedSafeSigner) and VERSIONS.get(owner.version or "")):
                raise InvalidConfig(
                    f"a Safe {self.version} asks a contract that owns it in a form that only a Safe older than 1.5.0 "
                    f"answers, and {owner.address} is not known to be one",
                    "if it is one, give the `version=` of its signer. If not, let it call `approveHash` (see "
                    "`build_safe_approval`), and give `ApprovedOwner(address)`",
                )
        return asks_about_message
