"""Messages of a Safe: the domain in which its owners sign them, and the calls that approve one on chain."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Number
from nvm_chain.signing.eip712 import StructType, check_address, encode_word
from nvm_chain.signing.signatures import keccak
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint

SAFE_MESSAGE: Final = StructType("SafeMessage(bytes message)")
_DOMAIN_TYPE: Final = b"EIP712Domain(uint256 chainId,address verifyingContract)"


@dataclass(frozen=True, slots=True)
class SafeDomain:
    """The domain of a Safe: the chain and the Safe's address, without a name and a version."""

    chain_id: Number
    address: ChecksumAddress

    def __post_init__(self) -> None:
        """Check the fields. Raises InvalidAmount or InvalidAddress."""
        check_uint(self.chain_id, 256, "chain id")
        check_address(self.address, "wallet address")

    @property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes."""
        return keccak(keccak(_DOMAIN_TYPE) + encode_word(self.chain_id) + encode_word(self.address))

    def as_data(self) -> dict[str, Any]:
        """Return the domain in the form that wallets accept."""
        return {"chainId": self.chain_id, "verifyingContract": self.address}


def encode_safe_message(domain: SafeDomain, message: bytes) -> bytes:
    """Return the 66 bytes whose hash a Safe's owners sign."""
    return b"\x19\x01" + domain.separator + SAFE_MESSAGE.hash((message,))


@dataclass(frozen=True, slots=True)
class SafeApproval:
    """How a Safe or its owners approve a message on chain.

    ``sign_message`` is the call data of a transaction of the Safe to the SignMessageLib of its version, as a delegate
    call. Then the signature of `ApprovedSafeSigner` counts. ``approve_hash`` is the call data of a transaction of one
    owner to the Safe. Then `ApprovedOwner` counts.

    ``message_hash`` is what gets approved, 32 bytes. ``message_data`` is what it is the hash of. A Safe that owns this
    Safe approves one of them as its own message: the hash for a Safe 1.5.0, and the data for an older one.
    """

    message_hash: bytes
    message_data: bytes
    sign_message: bytes
    approve_hash: bytes


def build_safe_approval(message: bytes, *, address: str, chain_id: int) -> SafeApproval:
    """Build the approvals of a message by a Safe. No network.

    Args:
        message: The digest of what is signed, such as `voucher_digest` returns.
        address: The Safe's address.
        chain_id: The chain's id.

    >>> approval = build_safe_approval(bytes(32), address="0x70997970C51812dc3A010C7d01b50e0d17dc79C8", chain_id=8453)
    >>> len(approval.message_hash)
    32
    """
    domain = SafeDomain(chain_id, parse_address(address, "wallet address"))
    data = encode_safe_message(domain, message)
    call = keccak(b"signMessage(bytes)")[:4] + encode(["bytes"], [message])
    return SafeApproval(keccak(data), data, call, keccak(b"approveHash(bytes32)")[:4] + keccak(data))
