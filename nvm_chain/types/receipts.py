"""The results of transactions."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.enums import SettlementResult


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined, successful transaction. ``gas_used`` is units of gas, ``fee_wei`` is what the sender paid for them."""

    hash: str
    block_number: int
    gas_used: int
    fee_wei: int


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """The result of an order: who paid how much to whom, in base units of ``token``, and the credits granted.

    ``paid`` is what the order cost. ``receivers`` maps each receiver to what it was paid, the receiver of the protocol
    fee included. ``approval`` is the approval that was sent before the order, if there was one.
    """

    plan_id: int
    payer: ChecksumAddress
    receiver: ChecksumAddress
    quantity: int
    token: ChecksumAddress
    paid: int
    receivers: Mapping[ChecksumAddress, int]
    credits_granted: int
    transaction: Transaction
    approval: Transaction | None = None


@dataclass(frozen=True, slots=True)
class UsageReceipt:
    """The result of paying for requests of a usage plan. Its fields are those of an OrderReceipt; nothing is granted."""

    plan_id: int
    payer: ChecksumAddress
    quantity: int
    context: bytes
    token: ChecksumAddress
    paid: int
    receivers: Mapping[ChecksumAddress, int]
    transaction: Transaction
    approval: Transaction | None = None


@dataclass(frozen=True, slots=True)
class CreditsReceipt:
    """The result of a mint, redemption, burn or transfer of ``amount`` credits."""

    plan_id: int
    holder: ChecksumAddress
    amount: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SkippedMint:
    """An item that a batch mint left out. ``reason`` is the name of the contract's error, or a sentence if it gave none."""

    holder: ChecksumAddress
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class BatchMintReceipt:
    """The result of a batch mint: the items that were granted, and those left out."""

    plan_id: int
    minted: tuple[tuple[ChecksumAddress, int], ...]
    skipped: tuple[SkippedMint, ...]
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SettlementOutcome:
    """What became of one item of a settlement: ``amount`` is the credits it brought."""

    holder: ChecksumAddress
    amount: int
    result: SettlementResult


@dataclass(frozen=True, slots=True)
class SettlementReceipt:
    """The result of a settlement. ``outcomes`` has one for each item, in the order given."""

    plan_id: int
    redeemer: ChecksumAddress
    outcomes: tuple[SettlementOutcome, ...]
    transaction: Transaction

    @property
    def credits(self) -> int:
        """Credits that all items brought together."""
        return sum(outcome.amount for outcome in self.outcomes)
