"""Who holds what: balances of one token, or of the native coin, before something and after it."""

from eth_typing import ChecksumAddress
from web3.contract.contract import Contract
from web3.types import TxReceipt

from nvm_chain.types.prices import Split
from tests.support.world import World

COIN = None
"""In place of a token: the chain's native coin."""

BPS = 10_000


class Books:
    """The balances of some addresses under names of the test's choice, as they were when this was made."""

    def __init__(self, world: World, token: Contract | None, **holders: ChecksumAddress) -> None:
        """Read the balances. Credits' own are always among them, under the name ``contract``."""
        self.world = world
        self.token = token
        self.holders = {**holders, "contract": world.credits.address}
        self.before = self._read()

    def changes(self, *receipts: TxReceipt) -> dict[str, int]:
        """Return what each balance has gained, if anything; the gas paid for the receipts does not count."""
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
        # With a sender, or web3 asks eth-tester for one each time.
        return int(self.world.read(self.token.functions.balanceOf(holder), self.world.relayer.address))


def open_books_of_sale(world: World, token: Contract | None, **others: ChecksumAddress) -> Books:
    """Start to watch those who take part in an order of a plan of two receivers, and others."""
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
    """Return the protocol fee of an order: it comes out of each split, rounded down."""
    return sum(split.amount * quantity * fee_bps // BPS for split in splits)


def share_of(split: Split, fee_bps: int, quantity: int = 1) -> int:
    """Return what a split's receiver gets of an order."""
    due = split.amount * quantity
    return due - due * fee_bps // BPS
