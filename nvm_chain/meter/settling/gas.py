"""The gas of a settlement, as receipts show it. A test compares it with a fresh measurement."""

from typing import Final

from nvm_chain.errors.fields import Quantity

GAS_OF_BATCH: Final = 30_684
"""The part of the gas that a transaction needs once, however many holders it settles."""
GAS_OF_VOUCHER: Final = 15_398
"""The gas for each voucher of a holder's own key."""
GAS_BY_RULE: Final = 9_865
"""The gas for each holder whose plan lets the redeemer redeem."""

GAS_OF_OPENING: Final = 65_604
"""The gas of a transaction that opens access for the first time. Later ones of a holder need less."""


def find_gas(vouchers: int, by_rule: int = 0) -> Quantity:
    """Return the gas of a settlement of some vouchers, and of some holders without a voucher.

    A voucher of a contract wallet needs what the wallet's code needs on top, which nobody knows before.

    >>> find_gas(100)
    1570484
    """
    return GAS_OF_BATCH + vouchers * GAS_OF_VOUCHER + by_rule * GAS_BY_RULE
