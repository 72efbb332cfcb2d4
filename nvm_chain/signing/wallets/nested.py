"""Signatures of ERC-7739 accounts, such as those of Solady, OpenZeppelin and Biconomy's Nexus.

The owner signs a struct that holds the original struct and the account's domain. So the owner's wallet can show the
original values, and the signature counts for one account only.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from nvm_chain.errors import InvalidConfig
from nvm_chain.signing.eip712 import Domain, MessageSigner, SigningDomain, StructType, Value, encode_word
from nvm_chain.signing.signatures import keccak
from nvm_chain.signing.wallets.owners import WalletSigner, check_owner, sign_as_owner

PERSONAL_SIGN: Final = StructType("PersonalSign(bytes prefixed)")
_NAME: Final = "TypedDataSign"
_ACCOUNT: Final = "string name,string version,uint256 chainId,address verifyingContract,bytes32 salt"
_NO_SALT: Final = bytes(32)


class TypedDataSign(StructType):
    """The struct of ERC-7739 that holds a struct and an account's domain. Its values are those of the held struct."""

    def __init__(self, contents: StructType, account: Domain) -> None:
        if contents.name == _NAME:
            raise InvalidConfig(
                "the owner of an ERC-7739 account cannot sign nested data for another one",
                "make the owner's signer with `PersonalSigner`",
            )
        super().__init__(f"{_NAME}({contents.name} contents,{_ACCOUNT})")
        self._contents, self._account = contents, account

    @cached_property
    def type_hash(self) -> bytes:
        """The hash of the declaration with that of the held struct, 32 bytes."""
        return keccak((self.declaration + self._contents.declaration).encode())

    def hash(self, values: Sequence[Value]) -> bytes:
        """Return the hash of the struct, 32 bytes."""
        account = self._account
        texts = keccak(account.name.encode()) + keccak(account.version.encode())
        where = encode_word(account.chain_id) + encode_word(account.address)
        return keccak(self.type_hash + self._contents.hash(values) + texts + where + _NO_SALT)

    def as_types(self) -> dict[str, Any]:
        """Return both types in the form that wallets accept."""
        return {**super().as_types(), **self._contents.as_types()}

    def as_message(self, values: Sequence[Value]) -> dict[str, Any]:
        """Return the values in the form that wallets accept."""
        return {"contents": self._contents.as_message(values), **self._account.as_data(), "salt": _NO_SALT}


class NestedSigner(WalletSigner):
    """A signer for an ERC-7739 account. The owner signs a struct that holds the message and the account's domain.

    The account is given by its domain, as its ``eip712Domain()`` answers.

    >>> from eth_account import Account
    >>> account = Domain("Nexus", "1.2.1", 8453, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
    >>> NestedSigner(account, Account.from_key("0x" + "11" * 32), prefix=bytes(20)).address
    '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
    """

    def __init__(self, account: Domain, owner: MessageSigner, *, prefix: bytes = b"") -> None:
        """Check the owner.

        Args:
            account: The account's domain, with the account's address.
            owner: The owner that signs.
            prefix: Bytes before each signature. Nexus needs the 20 bytes of a validator's address, or 20 zero bytes for
                its default validator.

        Raises:
            InvalidConfig: The account is not given by its domain, or the owner cannot sign.
        """
        if not isinstance(account, Domain):
            raise InvalidConfig(
                f"an ERC-7739 account is given by its domain, not by a value of type {type(account).__name__}",
                "give `Domain(name, version, chain_id, address)`, as `eip712Domain()` of the account answers",
            )
        super().__init__(account.address)
        self.domain = account
        self.owner = check_owner(owner)
        self.prefix = prefix

    def sign_typed_struct(self, domain: SigningDomain, struct_type: StructType, values: Sequence[Value], /) -> bytes:
        """Sign a struct of typed values. The signature carries the domain, the struct's hash and its type."""
        signature = sign_as_owner(self.owner, domain, TypedDataSign(struct_type, self.domain), values)
        declaration = struct_type.declaration.encode()
        carried = domain.separator + struct_type.hash(values) + declaration + len(declaration).to_bytes(2, "big")
        return self.prefix + signature + carried


class PersonalSigner(NestedSigner):
    """A signer for an ERC-7739 account, whose owner signs the message as ``PersonalSign`` in the account's domain.

    The signature is shorter than that of `NestedSigner`, and the owner's wallet does not show the values.
    """

    def sign_typed_struct(self, domain: SigningDomain, struct_type: StructType, values: Sequence[Value], /) -> bytes:
        """Sign a struct of typed values."""
        message = b"\x19\x01" + domain.separator + struct_type.hash(values)
        return self.prefix + sign_as_owner(self.owner, self.domain, PERSONAL_SIGN, (message,))
