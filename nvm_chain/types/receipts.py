"""The results of transactions."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.enums import SettlementResult
from nvm_chain.errors.fields import Coin, Credits, Money, Number, PlanId, Quantity


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined, successful transaction. ``gas_used`` is units of gas, ``fee_wei`` is what the sender paid for it, in wei.

    Either is None where the node does not tell.
    """

    hash: str
    block_number: Number
    gas_used: Quantity | None
    fee_wei: Coin | None


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """The result of an order: who paid how much to whom, in base units of ``token``, and the credits granted.

    ``paid`` is what the order cost. ``receivers`` maps each receiver to what it was paid, the receiver of the protocol
    fee included. ``approval`` is the approval that was sent before the order, if there was one.
    """

    plan_id: PlanId
    payer: ChecksumAddress
    receiver: ChecksumAddress
    quantity: Quantity
    token: ChecksumAddress
    paid: Money
    receivers: Mapping[ChecksumAddress, Money]
    credits_granted: Credits
    transaction: Transaction
    approval: Transaction | None = None


@dataclass(frozen=True, slots=True)
class UsageReceipt:
    """The result of paying for requests of a usage plan. Its fields are those of an OrderReceipt; nothing is granted."""

    plan_id: PlanId
    payer: ChecksumAddress
    quantity: Quantity
    context: bytes
    token: ChecksumAddress
    paid: Money
    receivers: Mapping[ChecksumAddress, Money]
    transaction: Transaction
    approval: Transaction | None = None


@dataclass(frozen=True, slots=True)
class CreditsReceipt:
    """The result of a mint, redemption, burn or transfer of ``amount`` credits."""

    plan_id: PlanId
    holder: ChecksumAddress
    amount: Credits
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SkippedMint:
    """An item that a batch mint left out. ``reason`` is the name of the contract's error, or a sentence if it gave none.

    ``explanation`` says of a receiver that takes no credits what it is; it is empty where nothing is known.
    """

    holder: ChecksumAddress
    amount: Credits
    reason: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class BatchMintReceipt:
    """The result of a batch mint: the items that were granted, and those left out.

    ``more_transactions`` are those behind the first, if the list was too large for one.
    """

    plan_id: PlanId
    minted: tuple[tuple[ChecksumAddress, Credits], ...]
    skipped: tuple[SkippedMint, ...]
    transaction: Transaction
    more_transactions: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True)
class SettlementOutcome:
    """What became of one item of a settlement: ``amount`` is the credits it brought."""

    holder: ChecksumAddress
    amount: Credits
    result: SettlementResult


@dataclass(frozen=True, slots=True)
class SettlementReceipt:
    """The result of a settlement. ``outcomes`` has one for each item, in the order given.

    ``more_transactions`` are those behind the first, if the list was too large for one.
    """

    plan_id: PlanId
    redeemer: ChecksumAddress
    outcomes: tuple[SettlementOutcome, ...]
    transaction: Transaction
    more_transactions: tuple[Transaction, ...] = ()

    @property
    def credits(self) -> int:
        """Credits that all items brought together."""
        return sum(outcome.amount for outcome in self.outcomes)
