"""What the signers of wallets have in common: an address that is a contract, and owners that sign for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig
from nvm_chain.signing.eip712 import (
    HashSigner,
    MessageSigner,
    SigningDomain,
    StructSigner,
    StructType,
    TypedDataSigner,
    Value,
    sign_struct,
)
from nvm_chain.types.addresses import parse_address

_KEY_SIZE = 65
_KEY_ENDS = (27, 28)
_MAKE_OWNER = "give an account of eth-account, a wallet that signs typed data, or the signer of a contract wallet"


class Owner(Protocol):
    """An owner of a wallet, whether or not it signs."""

    @property
    def address(self) -> ChecksumAddress:
        """The owner's address."""


AnyOwner = TypeVar("AnyOwner", bound=Owner)


@dataclass(frozen=True, slots=True)
class WalletSignature:
    """A signature in the form that a contract wallet accepts."""

    signature: bytes


class WalletSigner:
    """A signer whose address is a contract wallet, so its signatures are not those of a key."""

    def __init__(self, address: str) -> None:
        self.address = parse_address(address, "wallet address")


def is_contract(signer: object) -> bool:
    """Return whether a signer's address is a contract wallet."""
    return isinstance(signer, WalletSigner)


def check_owner(owner: object) -> MessageSigner:
    """Return the owner if it can sign messages. Raises InvalidConfig if it cannot. The error never shows the owner."""
    if isinstance(owner, HashSigner | TypedDataSigner | StructSigner) and isinstance(owner.address, str):
        return owner
    raise InvalidConfig(
        f"an owner of a wallet is a signer of messages, not a value of type {type(owner).__name__}", _MAKE_OWNER
    )


def sort_owners(owners: Iterable[AnyOwner]) -> list[AnyOwner]:
    """Return owners ascending by address, the order that wallets of several owners expect.

    Raises InvalidConfig if there are none, or one is given twice.
    """
    ordered = sorted(owners, key=lambda owner: int(owner.address, 16))
    if not ordered:
        raise InvalidConfig("a wallet signs by its owners, and none is given", "give as many owners as must sign")
    for owner, following in pairwise(ordered):
        if owner.address == following.address:
            raise InvalidConfig(f"the owner {owner.address} is given twice", "give each owner once")
    return ordered


def sign_as_owner(
    owner: MessageSigner, domain: SigningDomain, struct_type: StructType, values: Sequence[Value]
) -> bytes:
    """Let an owner sign a struct, and return the signature's bytes.

    Raises InvalidConfig if the owner has a key, and the signature is not the 65 bytes of a key.
    """
    signature = sign_struct(owner, domain, struct_type, values)
    if is_contract(owner) or (len(signature) == _KEY_SIZE and signature[-1] in _KEY_ENDS):
        return signature
    raise InvalidConfig(
        f"the signature of the owner {owner.address} is not 65 bytes that end in 27 or 28",
        "if the owner is a contract wallet, give its signer from nvm_chain.signing.wallets",
    )
