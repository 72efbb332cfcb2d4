"""Balances of one token or of the native coin, and their changes during a test."""

from eth_typing import ChecksumAddress
from web3.contract.contract import Contract
from web3.types import TxReceipt

from nvm_chain.types.prices import Split
from tests.support.world import World

COIN = None
"""The value for the chain's native coin instead of a token."""

BPS = 10_000


class Books:
    """The balances of named addresses at the time of its creation."""

    def __init__(self, world: World, token: Contract | None, **holders: ChecksumAddress) -> None:
        """Read the balances. The name ``contract`` with the balance of Credits is always among them."""
        self.world = world
        self.token = token
        self.holders = {**holders, "contract": world.credits.address}
        self.before = self._read()

    def changes(self, *receipts: TxReceipt) -> dict[str, int]:
        """Return the change of each balance that changed. The gas of the given receipts does not count as a change."""
        found = {name: now - self.before[name] for name, now in self._read().items()}
        for receipt in receipts if self.token is COIN else ():
            for name, holder in self.holders.items():
                if holder == receipt["from"]:
                    found[name] += receipt["gasUsed"] * receipt["effectiveGasPrice"]
        return {name: change for name, change in found.items() if change}

    def _read(self) -> dict[str, int]:
        return {name: self._balance(holder) for name, holder in self.holders.items()}

    def _balance(self, holder: ChecksumAddress) -> int:
        if self.token is COIN:
            return self.world.coins(holder)
        # Without a sender, web3 would ask eth-tester for one at each call.
        return int(self.world.read(self.token.functions.balanceOf(holder), self.world.relayer.address))


def open_books_of_sale(world: World, token: Contract | None, **others: ChecksumAddress) -> Books:
    """Read the balances of all parties to an order of a plan with two receivers."""
    return Books(
        world,
        token,
        payer=world.subscriber.address,
        first=world.builder.address,
        second=world.partner.address,
        protocol=world.fee_receiver.address,
        **others,
    )


def fee_of(splits: tuple[Split, ...], fee_bps: int, quantity: int = 1) -> int:
    """Return the protocol fee of an order. Each split pays its part, rounded down."""
    return sum(split.amount * quantity * fee_bps // BPS for split in splits)


def share_of(split: Split, fee_bps: int, quantity: int = 1) -> int:
    """Return the amount that the receiver of a split gets from an order."""
    due = split.amount * quantity
    return due - due * fee_bps // BPS
