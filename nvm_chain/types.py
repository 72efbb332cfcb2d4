"""The values that go in and come out: immutable, typed, in base units and whole credits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from eth_typing import ChecksumAddress

Amounts = Mapping[str, int] | Mapping[ChecksumAddress, int] | Iterable[tuple[str, int]]
"""Amounts by address: a mapping, or pairs where an address may appear twice."""


class Rule(IntEnum):
    """Who may redeem a holder's credits; part of the terms, so it never changes."""

    HOLDER = 0
    """The holder only."""
    REDEEMER = 1
    """The holder and the plan owner's redeemers."""
    OWNER = 2
    """The plan owner and their redeemers, and not the holder."""


@dataclass(frozen=True, slots=True)
class Split:
    """One receiver's part of the price of one purchase, in base units, before the protocol fee."""

    receiver: ChecksumAddress
    amount: int


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """What one purchase costs. ``token`` is the zero address for the native coin; no splits means free."""

    token: ChecksumAddress
    splits: tuple[Split, ...]

    @property
    def total(self) -> int:
        """The price of one purchase in base units."""
        return sum(split.amount for split in self.splits)


@dataclass(frozen=True, slots=True)
class CreditsConfig:
    """What one purchase grants, and how it may be redeemed."""

    credits: int
    min_redeem: int
    max_redeem: int
    rule: Rule = Rule.HOLDER
    trial: bool = False
    transferable: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """The hashed part of a plan: price and credits together, in the contract's order."""

    token: ChecksumAddress
    splits: tuple[Split, ...]
    credits: int
    min_redeem: int
    max_redeem: int
    rule: Rule
    trial: bool
    transferable: bool

    @property
    def price(self) -> int:
        """The price of one purchase in base units."""
        return sum(split.amount for split in self.splits)

    def as_tuple(self) -> tuple[object, ...]:
        """Return the terms as the nested tuple that the ABI encodes."""
        splits = [(split.receiver, split.amount) for split in self.splits]
        limits = (self.credits, self.min_redeem, self.max_redeem)
        return (self.token, splits, *limits, int(self.rule), self.trial, self.transferable)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as the chain has it now. ``pending_owner`` is None if the plan is not on offer to anyone."""

    plan_id: int
    terms: Terms
    uri: str
    owner: ChecksumAddress
    pending_owner: ChecksumAddress | None
    active: bool
    fee_bps: int


@dataclass(frozen=True, slots=True)
class Account:
    """A holder's account on one plan, in credits."""

    granted: int
    spent: int
    trial_taken: bool

    @property
    def balance(self) -> int:
        """Credits the holder can redeem, burn or, where the plan allows, transfer."""
        return self.granted - self.spent


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined, successful transaction. ``gas_used`` in units of gas, ``fee_wei`` what the sender paid for it."""

    hash: str
    block_number: int
    gas_used: int
    fee_wei: int


@dataclass(frozen=True, slots=True)
class RegisteredPlan:
    """The result of registering a plan. Keep the salt to compute the id again."""

    plan_id: int
    creator: ChecksumAddress
    terms: Terms
    salt: bytes
    fee_bps: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """The result of an order: who paid how much to whom, in base units of ``token``, and the credits granted.

    ``paid`` is what the order cost; ``receivers`` maps each address that was paid to the amount, the
    protocol's fee receiver among them. ``approval`` is the approval sent before the order, if one was needed.
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
class CreditsReceipt:
    """The result of a mint, redemption, burn or transfer of ``amount`` credits."""

    plan_id: int
    holder: ChecksumAddress
    amount: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class SkippedMint:
    """An item that a batch mint left out. ``reason`` is the contract error's name, or a sentence if there was none."""

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
class RedeemCheck:
    """Whether a redemption would succeed; if not, ``reason`` is the name of the contract error."""

    ok: bool
    reason: str | None
