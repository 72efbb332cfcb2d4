"""The values that go in and come out: immutable, typed, in base units and whole credits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from eth_typing import ChecksumAddress

Amounts = Mapping[str, int] | Mapping[ChecksumAddress, int] | Iterable[tuple[str, int]]
"""Amounts by address: a mapping, or pairs where an address may appear twice."""


class PlanKind(IntEnum):
    """What a purchase grants."""

    CREDITS = 0
    """Credits for requests, for ever or, with a duration, until they expire."""
    TIME = 1
    """Periods in which requests cost nothing."""
    USAGE = 2
    """Nothing: each request is paid on its own."""


class Activation(IntEnum):
    """When a period of a time plan starts."""

    ON_PURCHASE = 0
    """At once, or when the periods bought before are over."""
    ON_FIRST_USE = 1
    """When the holder redeems it."""


class RedemptionRule(IntEnum):
    """Who may redeem a holder's credits; part of the terms, so it never changes."""

    HOLDER = 0
    """The holder only."""
    REDEEMER = 1
    """The holder and the plan owner's redeemers."""
    OWNER = 2
    """The plan owner and their redeemers, and not the holder."""


class PlanRedemptionType(Enum):
    """Who may redeem, under the names and numbers of the hosted system. Here a `RedemptionRule` says it."""

    ONLY_GLOBAL_ROLE = 0
    """A role that the vendor gave. There is none here."""
    ONLY_OWNER = 1
    """The plan owner and their redeemers: RedemptionRule.OWNER."""
    ONLY_PLAN_ROLE = 2
    """The plan owner's redeemers, and the holder: RedemptionRule.REDEEMER."""
    ONLY_SUBSCRIBER = 4
    """The holder: RedemptionRule.HOLDER."""


REDEMPTION_TYPES: Final[Mapping[RedemptionRule, PlanRedemptionType]] = {
    RedemptionRule.OWNER: PlanRedemptionType.ONLY_OWNER,
    RedemptionRule.REDEEMER: PlanRedemptionType.ONLY_PLAN_ROLE,
    RedemptionRule.HOLDER: PlanRedemptionType.ONLY_SUBSCRIBER,
}
"""The names that the hosted system has for the rules."""


@dataclass(frozen=True, slots=True)
class Split:
    """One receiver's part of the price of one purchase, in base units, before the protocol fee; with a quoter, a weight."""

    receiver: ChecksumAddress
    amount: int


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """What one purchase costs. ``token`` is the zero address for the native coin; no splits means free.

    With a ``quoter``, a contract that names the price of each order, the splits are weights. With ``paid_externally``
    the price is not paid on chain, and the plan is granted instead of ordered.
    """

    token: ChecksumAddress
    splits: tuple[Split, ...]
    quoter: ChecksumAddress | None = None
    paid_externally: bool = False

    @property
    def total(self) -> int:
        """The fixed price of one purchase in base units; 0 where there is none."""
        if self.quoter is not None:
            return 0
        return sum(split.amount for split in self.splits)

    @property
    def amounts(self) -> list[int]:
        """What each receiver gets, under its name in the hosted system; with a quoter, weights."""
        return [split.amount for split in self.splits]

    @property
    def receivers(self) -> list[ChecksumAddress]:
        """Who is paid, under its name in the hosted system."""
        return [split.receiver for split in self.splits]

    @property
    def token_address(self) -> ChecksumAddress:
        """The token, under its name in the hosted system."""
        return self.token

    @property
    def is_crypto(self) -> bool:
        """Whether the price is paid on chain, under its name in the hosted system."""
        return not self.paid_externally


@dataclass(frozen=True, slots=True)
class CreditsConfig:
    """What one purchase grants, and how it may be redeemed. ``duration`` is in seconds, 0 for credits that never expire."""

    credits: int
    min_redeem: int
    max_redeem: int
    rule: RedemptionRule = RedemptionRule.HOLDER
    trial: bool = False
    transferable: bool = False
    kind: PlanKind = PlanKind.CREDITS
    activation: Activation = Activation.ON_PURCHASE
    duration: int = 0

    @property
    def amount(self) -> str:
        """The credits of a purchase as text, as the hosted system has them."""
        return str(self.credits)

    @property
    def min_amount(self) -> int:
        """The least credits of a request, under its name in the hosted system."""
        return self.min_redeem

    @property
    def max_amount(self) -> int:
        """The most credits of a request, under its name in the hosted system."""
        return self.max_redeem

    @property
    def duration_secs(self) -> int:
        """The duration in seconds, under its name in the hosted system."""
        return self.duration

    @property
    def is_redemption_amount_fixed(self) -> bool:
        """Whether every request costs the same, under its name in the hosted system."""
        return self.min_redeem == self.max_redeem

    @property
    def redemption_type(self) -> PlanRedemptionType:
        """The rule, under its name in the hosted system."""
        return REDEMPTION_TYPES[self.rule]


@dataclass(frozen=True, slots=True)
class Terms:
    """The hashed part of a plan: price and credits together, in the contract's order. ``duration`` is in seconds."""

    kind: PlanKind
    activation: Activation
    token: ChecksumAddress
    splits: tuple[Split, ...]
    quoter: ChecksumAddress
    paid_externally: bool
    credits: int
    duration: int
    min_redeem: int
    max_redeem: int
    rule: RedemptionRule
    trial: bool
    transferable: bool

    @property
    def is_quoted(self) -> bool:
        """Whether a contract names the price of each order."""
        return int(self.quoter, 16) != 0

    @property
    def price(self) -> int:
        """The fixed price of one purchase in base units; 0 where there is none."""
        return 0 if self.is_quoted else sum(split.amount for split in self.splits)

    @property
    def starts_on_purchase(self) -> bool:
        """Whether a purchase opens an access window at once, so that nothing is redeemed."""
        return self.kind is PlanKind.TIME and self.activation is Activation.ON_PURCHASE

    @property
    def accepts_vouchers(self) -> bool:
        """Whether holders can sign for requests: credits that nobody can transfer away meanwhile."""
        return self.kind is PlanKind.CREDITS and not self.transferable

    @property
    def is_redeemable(self) -> bool:
        """Whether there are credits or periods to redeem."""
        return self.kind is not PlanKind.USAGE and not self.starts_on_purchase

    def as_tuple(self) -> tuple[object, ...]:
        """Return the terms as the nested tuple that the ABI encodes."""
        splits = [(split.receiver, split.amount) for split in self.splits]
        price = (self.token, splits, self.quoter, self.paid_externally)
        numbers = (self.credits, self.duration, self.min_redeem, self.max_redeem)
        return (int(self.kind), int(self.activation), *price, *numbers, int(self.rule), self.trial, self.transferable)


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
    """A holder's account on one plan, now.

    ``balance`` is live credits, on a time plan periods. ``settled`` is credits ever taken by settlements, with or without a
    voucher: totals and ceilings count from zero, not from here. ``access_until`` is a unix timestamp, 0 where access never began.
    """

    balance: int
    settled: int
    access_until: int
    trial_taken: bool


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
class UsageReceipt:
    """The result of paying for requests of a usage plan. Fields as of an OrderReceipt; nothing is granted."""

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
class Lot:
    """What is left of one purchase of an expiring plan. ``expires_at`` is the Unix second from which on it is gone."""

    credits: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class HolderTotal:
    """An item of a settlement without a voucher, where the plan's rule lets the signer redeem the holder's credits.

    ``total`` is the number that the credits ever settled of this holder on this plan should reach: sent twice, it takes once.
    """

    holder: str
    total: int


class SettlementResult(IntEnum):
    """What became of one item of a settlement."""

    SETTLED = 0
    """Its total, or the ceiling below it, is reached."""
    SHORT = 1
    """The holder had less, which was taken."""
    EXPIRED = 2
    """The voucher's deadline is over."""
    ALREADY_SETTLED = 3
    """Its total or its ceiling had been reached before."""
    NOT_SIGNED = 4
    """It is not the holder's signature over these terms, for this redeemer; or has none, and the plan's rule asks for one."""


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


@dataclass(frozen=True, slots=True)
class VoucherCheck:
    """What a good voucher would bring now, in credits: the least of the holder's ``balance`` and ``ceiling - settled``."""

    balance: int
    settled: int
    ceiling: int

    @property
    def available(self) -> int:
        """Credits that settling it now would bring."""
        return min(self.balance, self.ceiling - self.settled)


@dataclass(frozen=True, slots=True)
class RedeemCheck:
    """Whether a redemption would succeed; if not, ``reason`` is the name of the contract error."""

    ok: bool
    reason: str | None
