"""EIP-712: domains, structs, their hashes, and the function that signs a struct."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidAddress, InvalidConfig
from nvm_chain.errors.fields import Number
from nvm_chain.signing.signatures import keccak
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint

_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

Value: TypeAlias = int | str | bytes
"""A member of a struct: an integer, an address with its checksum, 32 bytes, or any bytes for a member of type bytes."""


class Signed(Protocol):
    """The result of a signer, such as eth-account's SignedMessage."""

    @property
    def signature(self) -> bytes:
        """The signature's bytes."""


@runtime_checkable
class HashSigner(Protocol):
    """A signer that can sign a hash, such as an eth-account account. This package always computes the hash itself."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""

    def unsafe_sign_hash(self, message_hash: Any, /) -> Signed:
        """Sign a hash of 32 bytes, without a prefix."""


@runtime_checkable
class TypedDataSigner(Protocol):
    """A signer that signs typed data, such as a wallet that shows the data to its user."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""

    def sign_typed_data(
        self, domain_data: dict[str, Any], message_types: dict[str, Any], message_data: dict[str, Any], /
    ) -> Signed:
        """Sign EIP-712 typed data."""


class SigningDomain(Protocol):
    """What a domain has: `Domain`, or the domain of a wallet that has fewer fields."""

    @property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes."""

    def as_data(self) -> dict[str, Any]:
        """Return the domain in the form that wallets accept."""


@runtime_checkable
class StructSigner(Protocol):
    """A signer whose signature depends on the struct and its domain, such as a contract wallet of ERC-7739."""

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""

    def sign_typed_struct(self, domain: SigningDomain, struct_type: "StructType", values: Sequence[Value], /) -> bytes:
        """Sign a struct of typed values, and return the signature's bytes."""


MessageSigner: TypeAlias = HashSigner | TypedDataSigner | StructSigner

SIGNATURE_SECONDS: Final = 3600
"""The default validity of a signed voucher, order or permit, in seconds."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of a signature: the contract at ``address`` on one chain, with its ``name`` and ``version``.

    Read a token's domain from the token (``name()``, ``version()``): USDC is "USD Coin" on one chain and "USDC" on
    another. Compare `separator` with the token's ``DOMAIN_SEPARATOR()``, because a few tokens have domains of another
    form.
    """

    name: str
    version: str
    chain_id: Number
    address: ChecksumAddress

    def __post_init__(self) -> None:
        """Check the fields. Raises InvalidConfig, InvalidAmount or InvalidAddress."""
        for text in (self.name, self.version):
            check_text(text)
        check_uint(self.chain_id, 256, "chain id")
        check_address(self.address, "contract address")

    @property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes. It is computed once and kept."""
        return _hash_domain(self)

    def as_data(self) -> dict[str, Any]:
        """Return the domain in the form that wallets accept."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": self.address,
        }


@lru_cache(maxsize=256)
def _hash_domain(domain: Domain) -> bytes:
    texts = keccak(domain.name.encode()) + keccak(domain.version.encode())
    return keccak(keccak(_DOMAIN_TYPE) + texts + encode_word(domain.chain_id) + encode_word(domain.address))


class StructType:
    """A struct type of integers, addresses, 32-byte values and bytes.

    The declaration has the form of EIP-712: ``Name(type member,type member)``.
    """

    def __init__(self, declaration: str) -> None:
        self.declaration = declaration
        self.name, _, listed = declaration.rstrip(")").partition("(")
        self.members = [tuple(member.split(" ")) for member in listed.split(",")]

    @cached_property
    def type_hash(self) -> bytes:
        """The hash of the declaration, 32 bytes."""
        return keccak(self.declaration.encode())

    def hash(self, values: Sequence[Value]) -> bytes:
        """Return the hash of a struct, 32 bytes. The values have the order of the declaration."""
        return keccak(self.type_hash + b"".join(map(_encode_member, self.members, values)))

    def as_types(self) -> dict[str, Any]:
        """Return the type in the form that wallets accept."""
        return {self.name: [{"name": name, "type": kind} for kind, name in self.members]}

    def as_message(self, values: Sequence[Value]) -> dict[str, Any]:
        """Return values in the form that wallets accept."""
        return {name: value for (_, name), value in zip(self.members, values, strict=True)}


def _encode_member(member: tuple[str, ...], value: Value) -> bytes:
    """Return a member's value as the 32 bytes that are hashed. Bytes of any length are hashed first."""
    return keccak(value) if member[0] == "bytes" and isinstance(value, bytes) else encode_word(value)


def encode_word(value: Value) -> bytes:
    """Return a value as the 32 bytes that EIP-712 hashes."""
    if isinstance(value, bytes):
        return check_bytes32(value, "value")
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


def hash_message(separator: bytes, struct_hash: bytes) -> bytes:
    """Return the digest to sign, 32 bytes, from a domain separator and a struct's hash."""
    return keccak(b"\x19\x01" + separator + struct_hash)


def sign_struct(
    signer: MessageSigner, domain: SigningDomain, struct_type: StructType, values: Sequence[Value]
) -> bytes:
    """Sign a struct of typed values, and return the signature's bytes.

    A signer of structs, such as a contract wallet, gets the struct. A signer of hashes gets the hash. Any other signer,
    such as a wallet that shows the data to its user, gets typed data.

    Raises:
        InvalidConfig: The signer can sign none of these.
    """
    if isinstance(signer, StructSigner):
        return signer.sign_typed_struct(domain, struct_type, values)
    if isinstance(signer, HashSigner):
        digest = hash_message(domain.separator, struct_type.hash(values))
        return bytes(signer.unsafe_sign_hash(digest).signature)
    if isinstance(signer, TypedDataSigner):
        data = (domain.as_data(), struct_type.as_types(), struct_type.as_message(values))
        return bytes(signer.sign_typed_data(*data).signature)
    raise InvalidConfig(
        f"{type(signer).__name__} is not a signer of messages",
        "a signer has an address, and unsafe_sign_hash or sign_typed_data, as eth-account's accounts have",
    )


def check_address(value: object, name: str) -> ChecksumAddress:
    """Return an address if its checksum is right. Raise InvalidAddress for other spellings and for the zero address."""
    if not isinstance(value, str):
        raise InvalidAddress(name, value, "is not text")
    address = _parse_address(value, name)
    if address != value:
        raise InvalidAddress(name, value, "is written without its checksum, which a signed value needs")
    return address


# A checksum takes as much time as recovering a signer. The same addresses repeat, so the results are kept.
_parse_address = lru_cache(maxsize=4096)(parse_address)


def check_bytes32(value: object, name: str) -> bytes:
    """Return the value if it is 32 bytes. Raise InvalidConfig for any other value."""
    if not isinstance(value, bytes) or len(value) != 32:
        size = f"{len(value)} bytes" if isinstance(value, bytes) else type(value).__name__
        raise InvalidConfig(f"a {name} is 32 bytes, not {size}")
    return value


def check_text(value: object) -> str:
    """Return a text that is valid in a domain. Raise InvalidConfig for any other value."""
    if not isinstance(value, str) or len(value) > 256 or not value.isprintable():
        raise InvalidConfig("the name and version of a domain are printable text of at most 256 characters")
    return value
