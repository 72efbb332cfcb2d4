"""The funded accounts that every development node starts with. Their keys are public: never send them anything real."""

from collections.abc import Sequence
from functools import cache
from typing import Final, overload

from eth_account import Account
from eth_account.signers.local import LocalAccount

DEV_CHAINS: Final = frozenset({1337, 31337})
"""Chain ids of anvil, Hardhat and their like, whose accounts have keys that everybody knows."""
DEV_MNEMONIC = "test test test test test test test test test test test junk"


@cache
def derive_dev_accounts(count: int = 10) -> tuple[LocalAccount, ...]:
    """Derive the accounts of anvil's and Hardhat's default mnemonic (BIP-39, path m/44'/60'/0'/0/i)."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(count))


class DevAccounts(Sequence[LocalAccount]):
    """The accounts of a development node, derived when one is asked for: it takes a fraction of a second."""

    @overload
    def __getitem__(self, index: int) -> LocalAccount: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[LocalAccount]: ...

    def __getitem__(self, index: int | slice) -> LocalAccount | Sequence[LocalAccount]:
        """Return one account, or several."""
        return derive_dev_accounts()[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(derive_dev_accounts())
