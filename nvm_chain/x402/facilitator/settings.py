"""What a facilitator takes, and what it spends at most."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import BaseUnits, Number, Quantity, Seconds
from nvm_chain.operations.authorized_transfers import TRANSFER_GAS


@dataclass(frozen=True, slots=True)
class FacilitatorSettings:
    """The rules of a facilitator.

    ``tokens`` are the tokens that are taken by ``exact``. ``factories`` may deploy wallets of payers (ERC-6492), at the cost
    of the facilitator. ``least`` is the smallest amount that is settled, in base units.
    """

    tokens: tuple[ChecksumAddress, ...]
    factories: tuple[ChecksumAddress, ...] = ()
    least: BaseUnits = 1
    gas: Quantity = TRANSFER_GAS
    """The most gas of a settlement."""
    per_account: Number = 500
    """The most settlements for one payer in 24 hours."""
    per_day: Number = 20_000
    """The most settlements in 24 hours."""
    per_minute: Number = 1_200
    """The most questions of one caller in a minute."""
    gas_per_day: Number = 500_000_000
    """The most gas that one caller's settlements may use in 24 hours."""
    gwei: Number = 500
    """The highest price of a unit of gas at which something is sent, in gwei."""
    failures: Number = 3
    """After how many failed transactions in 24 hours a payer has to wait."""
    wait_seconds: Seconds = 25
    """How long a settlement waits for its transaction. After that, the answer is that it is pending."""
