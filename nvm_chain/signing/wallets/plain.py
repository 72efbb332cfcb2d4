"""Signatures of a wallet that accepts its owners' signatures as they are, such as MetaMask's delegators."""

from collections.abc import Iterable, Sequence

from nvm_chain.signing.eip712 import MessageSigner, SigningDomain, StructType, Value
from nvm_chain.signing.wallets.owners import WalletSigner, check_owner, sign_as_owner, sort_owners


class PlainSigner(WalletSigner):
    """A signer for a wallet that accepts its owners' signatures of the message, with nothing around them.

    Several signatures follow each other, ascending by the owners' addresses. Each of them counts for every wallet of
    its owner that takes this form. That is safe for vouchers and orders, which name their wallet.
    """

    def __init__(self, address: str, owners: Iterable[MessageSigner]) -> None:
        """Check the owners. Raises InvalidConfig if there are none, or one is given twice or cannot sign."""
        super().__init__(address)
        self.owners = sort_owners(map(check_owner, owners))

    def sign_typed_struct(self, domain: SigningDomain, struct_type: StructType, values: Sequence[Value], /) -> bytes:
        """Sign a struct of typed values."""
        return b"".join(sign_as_owner(owner, domain, struct_type, values) for owner in self.owners)
