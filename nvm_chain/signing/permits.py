"""Permits (EIP-2612): allowances by signature. With a permit, the approval and the order are one transaction."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Money, Number, Time
from nvm_chain.signing.eip712 import Domain, MessageSigner, StructType, check_address, hash_message, sign_struct
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.amounts import check_uint

PERMIT: Final = StructType("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")


@dataclass(frozen=True, slots=True)
class Permit:
    """An allowance of ``value`` base units that ``owner`` gives to ``spender``.

    ``nonce`` is the owner's next nonce, as read from the token. ``deadline`` is the last Unix second in which the
    permit is valid.
    """

    owner: ChecksumAddress
    spender: ChecksumAddress
    value: Money
    nonce: Number
    deadline: Time

    def __post_init__(self) -> None:
        """Check the fields. Raises InvalidAddress or InvalidAmount."""
        check_address(self.owner, "owner address")
        check_address(self.spender, "spender address")
        for number, name in ((self.value, "value"), (self.nonce, "nonce"), (self.deadline, "deadline")):
            check_uint(number, 256, name)

    def as_tuple(self) -> tuple[ChecksumAddress, ChecksumAddress, int, int, int]:
        """Return the permit in the order of the signed type."""
        return (self.owner, self.spender, self.value, self.nonce, self.deadline)


class PermitSignature(NamedTuple):
    """A permit's signature in the form that tokens accept. ``v`` is 27 or 28. ``r`` and ``s`` have 32 bytes each."""

    v: Number
    r: bytes
    s: bytes


def permit_digest(permit: Permit, *, token: Domain) -> bytes:
    """Return the 32 bytes that the owner signs. ``token`` is the EIP-712 domain of the token."""
    return hash_message(token.separator, PERMIT.hash(permit.as_tuple()))


def sign_permit(signer: MessageSigner, permit: Permit, *, token: Domain) -> PermitSignature:
    """Sign a permit as its owner. No network.

    ``token`` is the EIP-712 domain of the token. Raises InvalidConfig if the signer is not the owner, or if the
    signature does not have 65 bytes.
    """
    check_signer(signer)
    if signer.address != permit.owner:
        raise InvalidConfig(f"the owner {permit.owner} has to sign this permit, not {signer.address}")
    signature = sign_struct(signer, token, PERMIT, permit.as_tuple())
    if len(signature) != 65:
        raise InvalidConfig(f"a permit needs a signature of 65 bytes, and the signer's has {len(signature)}")
    return PermitSignature(signature[64], signature[:32], signature[32:64])
