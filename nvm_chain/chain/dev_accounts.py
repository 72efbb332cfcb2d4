"""The funded accounts that every development node starts with. Their keys are public: never send them anything real."""

from functools import cache

from eth_account import Account
from eth_account.signers.local import LocalAccount

DEV_MNEMONIC = "test test test test test test test test test test test junk"


@cache
def derive_dev_accounts(count: int = 10) -> tuple[LocalAccount, ...]:
    """Derive the accounts of anvil's and Hardhat's default mnemonic (BIP-39, path m/44'/60'/0'/0/i)."""
    Account.enable_unaudited_hdwallet_features()
    return tuple(Account.from_mnemonic(DEV_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(count))
