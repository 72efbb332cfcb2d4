"""The funded accounts of development nodes. Their private keys are public: never send real funds to them."""

from collections.abc import Sequence
from functools import cache
from typing import Final, overload

from eth_account import Account
from eth_account.signers.local import LocalAccount

DEV_CHAINS: Final = frozenset({1337, 31337})
"""The default chain ids of anvil, Hardhat and geth's development mode.

The private keys of their accounts are public.
"""
DEV_MNEMONIC = "test test test test test test test test test test test junk"


@cache
def derive_dev_accounts(count: int = 10) -> tuple[LocalAccount, ...]:
    """Derive the first accounts of anvil's and Hardhat's default mnemonic (BIP-39, path m/44'/60'/0'/0/i)."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(count))


class DevAccounts(Sequence[LocalAccount]):
    """The ten accounts of a development node.

    They are derived on first use, because this takes a fraction of a second.
    """

    @overload
    def __getitem__(self, index: int) -> LocalAccount: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[LocalAccount]: ...

    def __getitem__(self, index: int | slice) -> LocalAccount | Sequence[LocalAccount]:
        """Return the account at an index, or the accounts of a slice."""
        return derive_dev_accounts()[index]

    def __len__(self) -> int:
        """Return the number of accounts."""
        return len(derive_dev_accounts())
