"""Plans: their terms and their state, and the division of a cost among the receivers."""

from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors.fields import BasisPoints, Credits, PlanId, Seconds
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.prices import PriceConfig, Split
from nvm_chain.types.receipts import Transaction


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a plan: its price and its credits, in the contract's order. ``duration`` is in seconds.

    The plan's id is a hash that includes the terms, so they never change.
    """

    kind: PlanKind
    activation: Activation
    token: ChecksumAddress
    splits: tuple[Split, ...]
    quoter: ChecksumAddress
    paid_externally: bool
    credits: Credits
    duration: Seconds
    min_redeem: Credits
    max_redeem: Credits
    rule: RedemptionRule
    trial: bool
    transferable: bool

    @property
    def is_quoted(self) -> bool:
        """Whether a contract names the price of each order."""
        return int(self.quoter, 16) != 0

    @property
    def price(self) -> int:
        """The fixed price of one purchase in base units. 0 if the plan does not have a fixed price."""
        return 0 if self.is_quoted else sum(split.amount for split in self.splits)

    @property
    def starts_on_purchase(self) -> bool:
        """Whether a purchase opens an access window at once, without a redemption."""
        return self.kind is PlanKind.TIME and self.activation is Activation.ON_PURCHASE

    @property
    def accepts_vouchers(self) -> bool:
        """Whether the plan accepts vouchers: it grants credits, and these are not transferable."""
        return self.kind is PlanKind.CREDITS and not self.transferable

    @property
    def is_redeemable(self) -> bool:
        """Whether there are credits or periods to redeem."""
        return self.kind is not PlanKind.USAGE and not self.starts_on_purchase

    def allows_cost(self, cost: int) -> bool:
        """Return whether a request may cost this number of credits or periods. A request that costs 0 is free."""
        return cost == 0 or self.min_redeem <= cost <= self.max_redeem

    def as_tuple(self) -> tuple[object, ...]:
        """Return the terms as the nested tuple that the ABI encodes."""
        splits = [(split.receiver, split.amount) for split in self.splits]
        price = (self.token, splits, self.quoter, self.paid_externally)
        numbers = (self.credits, self.duration, self.min_redeem, self.max_redeem)
        return (int(self.kind), int(self.activation), *price, *numbers, int(self.rule), self.trial, self.transferable)


@dataclass(frozen=True, slots=True)
class PlanState:
    """A plan without its URI: the terms, the owner, and whether the plan takes orders.

    ``pending_owner`` is None unless the owner has offered the plan to a new owner. The URI of the metadata can be long,
    and only `Plan` has it.
    """

    plan_id: PlanId
    terms: Terms
    owner: ChecksumAddress
    pending_owner: ChecksumAddress | None
    active: bool
    fee_bps: BasisPoints


@dataclass(frozen=True, slots=True)
class Plan(PlanState):
    """A plan with its present state and the URI of its metadata."""

    uri: str

    @classmethod
    def of(cls, state: PlanState, uri: str) -> "Plan":
        """Return a plan from its state and its URI."""
        return cls(state.plan_id, state.terms, state.owner, state.pending_owner, state.active, state.fee_bps, uri)


@dataclass(frozen=True, slots=True)
class RegisteredPlan:
    """The result of registering a plan. Keep the salt if you want to compute the plan's id again."""

    plan_id: PlanId
    creator: ChecksumAddress
    terms: Terms
    salt: bytes
    fee_bps: BasisPoints
    transaction: Transaction


BPS: Final = 10_000


def build_terms(price: PriceConfig, credits: CreditsConfig) -> Terms:
    """Return the terms of a plan from its price config and its credits config."""
    return Terms(
        kind=credits.kind,
        activation=credits.activation,
        token=price.token,
        splits=price.splits,
        quoter=price.quoter or ZERO_ADDRESS,
        paid_externally=price.paid_externally,
        credits=credits.credits,
        duration=credits.duration,
        min_redeem=credits.min_redeem,
        max_redeem=credits.max_redeem,
        rule=credits.rule,
        trial=credits.trial,
        transferable=credits.transferable,
    )


def share_cost(terms: Terms, cost: int, fee_bps: int) -> tuple[list[tuple[ChecksumAddress, int]], int]:
    """Divide a cost as the contract does. Return the share of each split's receiver, and the protocol fee.

    The part of each split is rounded down, and the first split gets the rest. The fee is ``fee_bps`` basis points of
    each part, and is rounded down too.

    Returns:
        A list of receivers with their shares, and the fee. All are in base units, and their sum is the cost.
    """
    total = sum(split.amount for split in terms.splits)
    dues = [cost * split.amount // total for split in terms.splits[1:]]
    dues = [cost - sum(dues), *dues] if terms.splits else []
    fees = [due * fee_bps // BPS for due in dues]
    shares = [(split.receiver, due - fee) for split, due, fee in zip(terms.splits, dues, fees, strict=True)]
    return shares, sum(fees)
