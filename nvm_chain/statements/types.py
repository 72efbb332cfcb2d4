"""The values that statements are made of: movements, balances at both ends of a period, and who was paid what."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Credits, Money, Number, PlanId, Quantity, Time
from nvm_chain.types.events import Block


class Scope(Enum):
    """What a statement is about."""

    HOLDER = "holder"
    """All plans of one holder."""
    PLAN = "plan"
    """All holders of one plan."""
    BUILDER = "builder"
    """All holders of all plans that one account owned at some time in the period."""


class MovementKind(Enum):
    """What happened. REDEMPTION and those below it take credits; PAYMENT and GIFT move only money."""

    ORDER = "order"
    """A purchase; the party is who paid."""
    GRANT = "grant"
    """Credits without payment; the party is who minted."""
    PAID_EXTERNALLY = "paid_externally"
    """Credits for a payment outside the chain, whose reference is the context; the party is who granted."""
    TRANSFER_IN = "transfer_in"
    """Credits of another holder; the party is that holder."""
    REDEMPTION = "redemption"
    """Credits for a request; the party is who redeemed."""
    SETTLEMENT = "settlement"
    """Credits that a settlement took, by voucher or by the plan's rule; the party is who settled."""
    BURN = "burn"
    """Credits destroyed; the party is who did it."""
    TRANSFER_OUT = "transfer_out"
    """Credits for another holder; the party is that holder."""
    EXPIRY = "expiry"
    """Credits of a lot whose time was over, or periods that were; there is no event, and no party."""
    PAYMENT = "payment"
    """A request of a usage plan, paid by the holder."""
    GIFT = "gift"
    """An order that the holder of the statement paid for somebody else, who is the party."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that happened to a holder on a plan.

    ``amount`` is credits, or periods of a time plan, with a sign. ``balance`` is what the statement has of the plan
    after it: the holder's credits, or those of all holders in a plan's or builder's statement. ``timestamp`` is the
    Unix second, for an expiry the second in which the credits expired. ``block_number``, ``transaction`` and
    ``log_index`` name the event, and are None for an expiry. ``cost`` is base units of ``token`` (the zero address is
    the native coin). ``context`` is the 32 bytes of a redemption, of a payment, or of the reference of a payment
    outside. ``access_until`` is the Unix second at which access ends after it, where it changed that.
    """

    kind: MovementKind
    plan_id: PlanId
    holder: ChecksumAddress
    amount: Credits
    balance: Credits
    timestamp: Time
    block_number: Number | None = None
    transaction: str | None = None
    log_index: Number | None = None
    party: ChecksumAddress | None = None
    quantity: Quantity = 0
    cost: Money = 0
    token: ChecksumAddress | None = None
    context: bytes | None = None
    access_until: Time | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """What a statement covers: from ``first_second`` on, and before ``end_second``, in Unix seconds.

    ``first_block`` and ``end_block`` are there if the period was given in blocks. Then they count, because several
    blocks may have one second. An end that is not given, or lies ahead, is right after the latest block that was read.
    """

    first_second: Time
    end_second: Time
    first_block: Number | None = None
    end_block: Number | None = None


@dataclass(frozen=True, slots=True)
class HolderBalance:
    """A holder's credits, or periods, of a plan at both ends of a period, and when access ends as of its end."""

    plan_id: PlanId
    holder: ChecksumAddress
    opening: Credits
    closing: Credits
    access_until: Time


@dataclass(frozen=True, slots=True)
class PlanBalance:
    """The balances of one plan at both ends of a period, and the sum of all amounts in between by kind."""

    plan_id: PlanId
    kind: PlanKind
    opening: Credits
    closing: Credits
    totals: Mapping[MovementKind, Credits]


@dataclass(frozen=True, slots=True)
class Revenue:
    """What one receiver was paid for one plan, in base units of ``token`` (the zero address is the native coin).

    ``shares`` came as a receiver of the price, after the protocol fee. ``fees`` came as the receiver of protocol fees.
    ``forgone`` are fees that could not be delivered, and went to the plan's first receiver. ``sales`` counts the
    orders and payments. The amounts are what Credits told the token to move; a token that keeps a part delivers less.
    """

    plan_id: PlanId
    token: ChecksumAddress
    receiver: ChecksumAddress
    shares: Money
    fees: Money
    forgone: Money
    sales: Quantity

    @property
    def total(self) -> int:
        """All of it, in base units."""
        return self.shares + self.fees + self.forgone


@dataclass(frozen=True, slots=True)
class Ownership:
    """A span in which an account owned a plan, in Unix seconds. ``until`` is None if it still does."""

    plan_id: PlanId
    since: Time
    until: Time | None


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened in a period to a holder, a plan, or the plans of a builder.

    ``address`` is the holder or builder, None for a plan. ``plan_id`` is the plan, None for the others. ``head`` is
    the latest block that was read, at which the books agreed with the chain to the unit. In a holder's statement
    ``revenue`` says where the holder's own payments went. ``owned`` is there for a builder only.
    """

    scope: Scope
    address: ChecksumAddress | None
    plan_id: PlanId | None
    chain_id: Number
    credits: ChecksumAddress
    period: Period
    head: Block
    plans: tuple[PlanBalance, ...]
    holders: tuple[HolderBalance, ...]
    movements: tuple[Movement, ...]
    revenue: tuple[Revenue, ...]
    owned: tuple[Ownership, ...] = ()
