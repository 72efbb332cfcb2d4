"""Signed transfers: a payer signs once, and anyone may send the transfer. The token moves the money (EIP-3009).

The payer signs the token's ``TransferWithAuthorization``. The scheme ``exact`` of x402 pays in this way. Whoever has the
signature can only make the transfer that was signed, and the token makes it once.
"""

import secrets
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Money, Time
from nvm_chain.signing.eip712 import (
    Domain,
    MessageSigner,
    StructType,
    Value,
    check_address,
    check_bytes32,
    hash_message,
    sign_struct,
)
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint

TRANSFER_WITH_AUTHORIZATION: Final = StructType(
    "TransferWithAuthorization"
    "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
NONCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class TransferAuthorization:
    """A transfer that a payer signs. Make one with `build_transfer_authorization`.

    ``value`` is in base units of the token. The transfer is valid after the Unix second ``valid_after`` and before the
    Unix second ``valid_before``. ``nonce`` has 32 bytes, and the token takes each nonce of a payer once.
    """

    payer: ChecksumAddress
    payee: ChecksumAddress
    value: Money
    valid_after: Time
    valid_before: Time
    nonce: bytes

    def __post_init__(self) -> None:
        """Check the fields. Raises an InputError."""
        check_address(self.payer, "payer address")
        check_address(self.payee, "payee address")
        for value, name in (
            (self.value, "value"),
            (self.valid_after, "valid after"),
            (self.valid_before, "valid before"),
        ):
            check_uint(value, 256, name)
        check_bytes32(self.nonce, "nonce")

    @property
    def values(self) -> tuple[Value, ...]:
        """The members of the struct that is signed, in its order."""
        return (self.payer, self.payee, self.value, self.valid_after, self.valid_before, self.nonce)


@dataclass(frozen=True, slots=True)
class SignedTransferAuthorization:
    """A signed transfer: the authorization, the domain of the token, and the payer's signature."""

    authorization: TransferAuthorization
    token: Domain
    signature: bytes

    @property
    def digest(self) -> bytes:
        """The 32 bytes that the payer signed."""
        return transfer_digest(self.authorization, token=self.token)


def build_transfer_authorization(
    *,
    payer: str,
    payee: str,
    value: int,
    valid_before: int,
    valid_after: int = 0,
    nonce: bytes | None = None,
) -> TransferAuthorization:
    """Build a transfer for the payer to sign. No network.

    Args:
        payer: The address that pays and signs.
        payee: The address that gets the money.
        value: The amount, in base units of the token.
        valid_before: The Unix second before which the transfer is valid.
        valid_after: The Unix second after which the transfer is valid.
        nonce: 32 bytes that the payer has not used with this token. Random if not given.

    Raises:
        InvalidAddress: An address is malformed or zero.
        InvalidAmount: A number is out of range.
        InvalidConfig: There is no second between ``valid_after`` and ``valid_before``, or the nonce is not 32 bytes.

    >>> bob, shop = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
    >>> build_transfer_authorization(payer=bob, payee=shop, value=10_000, valid_before=1_800_000_000).value
    10000
    """
    check_uint(valid_before, 256, "valid before")
    if valid_before - check_uint(valid_after, 256, "valid after") < 2:
        raise InvalidConfig(f"a transfer after {valid_after} and before {valid_before} would never be valid")
    return TransferAuthorization(
        payer=parse_address(payer, "payer address"),
        payee=parse_address(payee, "payee address"),
        value=value,
        valid_after=valid_after,
        valid_before=valid_before,
        nonce=secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce,
    )


def transfer_digest(authorization: TransferAuthorization, *, token: Domain) -> bytes:
    """Return the 32 bytes that the payer signs. ``token`` is the EIP-712 domain of the token."""
    return hash_message(token.separator, TRANSFER_WITH_AUTHORIZATION.hash(authorization.values))


def sign_transfer_authorization(
    signer: MessageSigner, authorization: TransferAuthorization, *, token: Domain
) -> SignedTransferAuthorization:
    """Sign a transfer as its payer. No network.

    Anyone who has the result can make the transfer once. For a contract wallet, give its signer from
    `nvm_chain.signing.wallets`.

    Raises:
        InvalidConfig: The signer is not the payer.
    """
    check_signer(signer)
    if signer.address != authorization.payer:
        raise InvalidConfig(
            f"the payer {authorization.payer} has to sign this transfer, not {signer.address}",
            "sign with its own account, or with a wallet signer such as `SafeSigner` if it is a contract wallet",
        )
    signature = sign_struct(signer, token, TRANSFER_WITH_AUTHORIZATION, authorization.values)
    return SignedTransferAuthorization(authorization, token, signature)
