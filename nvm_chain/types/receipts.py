"""The results of transactions."""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.enums import SettlementResult
from nvm_chain.errors.fields import Coin, Credits, Money, Number, PlanId, Quantity


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction. ``gas_used`` is in units of gas. ``fee_wei`` is the sender's payment for the gas, in wei.

    Each of the two is None if the node does not tell it.
    """

    hash: str
    block_number: Number
    gas_used: Quantity | None
    fee_wei: Coin | None


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """The result of an order: its payments, in base units of ``token``, and the granted credits.

    ``paid`` is the cost of the order. ``receivers`` has the amount of each receiver, including the receiver of the
    protocol fee. ``approval`` is the approval that was sent before the order, or None.
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
    """The result of a payment for usage. ``paid``, ``receivers`` and ``approval`` are as in OrderReceipt."""

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
    """The result of a mint, grant, redemption, burn or transfer of ``amount`` credits."""

    plan_id: PlanId
    holder: ChecksumAddress
    amount: Credits
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SkippedMint:
    """A failed item of a batch mint. ``reason`` is the name of the error, or a description of an unknown error.

    ``explanation`` describes a receiver that rejects credits. It is empty if nothing is known about the receiver.
    """

    holder: ChecksumAddress
    amount: Credits
    reason: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class BatchMintReceipt:
    """The result of a batch mint: the minted items, and the skipped items.

    ``more_transactions`` are the transactions after the first, if the list was too large for one.
    """

    plan_id: PlanId
    minted: tuple[tuple[ChecksumAddress, Credits], ...]
    skipped: tuple[SkippedMint, ...]
    transaction: Transaction
    more_transactions: tuple[Transaction, ...] = ()


@dataclass(frozen=True, slots=True)
class SettlementOutcome:
    """The outcome of one item of a settlement. ``amount`` is the number of credits that were taken."""

    holder: ChecksumAddress
    amount: Credits
    result: SettlementResult


@dataclass(frozen=True, slots=True)
class SettlementReceipt:
    """The result of a settlement. ``outcomes`` has the outcome of each item, in the order of the items.

    ``more_transactions`` are the transactions after the first, if the list was too large for one.
    """

    plan_id: PlanId
    redeemer: ChecksumAddress
    outcomes: tuple[SettlementOutcome, ...]
    transaction: Transaction
    more_transactions: tuple[Transaction, ...] = ()

    @property
    def credits(self) -> int:
        """The number of credits that were taken for all items together."""
        return sum(outcome.amount for outcome in self.outcomes)
