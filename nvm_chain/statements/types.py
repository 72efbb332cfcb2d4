"""Value types of statements: movements, balances at both ends of a period, and revenue."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Credits, Money, Number, PlanId, Quantity, Time
from nvm_chain.types.events import Block
from nvm_chain.types.revenue import Revenue


class Scope(Enum):
    """Scope of a statement."""

    HOLDER = "holder"
    """All plans of one holder."""
    PLAN = "plan"
    """All holders of one plan."""
    BUILDER = "builder"
    """All holders of all plans that one account owned at some time in the period."""


class MovementKind(Enum):
    """Kind of a movement. REDEMPTION, SETTLEMENT, BURN, TRANSFER_OUT and EXPIRY take credits.

    PAYMENT and GIFT move only money.
    """

    ORDER = "order"
    """Purchase of credits or periods. The party is the payer."""
    GRANT = "grant"
    """Credits without payment. The party is the minter."""
    PAID_EXTERNALLY = "paid_externally"
    """Credits for a payment outside the chain. The context is the payment's reference, and the party is the granter."""
    TRANSFER_IN = "transfer_in"
    """Credits received from another holder. The party is the sender."""
    REDEMPTION = "redemption"
    """Credits spent for a request. The party is the redeemer."""
    SETTLEMENT = "settlement"
    """Credits that a settlement took, by voucher or by the plan's rule. The party is the caller of the settlement."""
    BURN = "burn"
    """Destroyed credits. The party is the account that destroyed them."""
    TRANSFER_OUT = "transfer_out"
    """Credits sent to another holder. The party is the receiver."""
    EXPIRY = "expiry"
    """Expired credits, or ended periods. There is no event and no party."""
    PAYMENT = "payment"
    """Payment of the holder for a request of a usage plan."""
    GIFT = "gift"
    """Order that the statement's holder paid for another account. The party is that account."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Movement of credits or money of a holder on a plan.

    ``amount`` is a signed number of credits, or of periods on a time plan. ``balance`` is the balance after the
    movement: the holder's credits, or the credits of all holders in the statement of a plan or builder. ``timestamp``
    is the Unix second of the movement. ``block_number``, ``transaction`` and ``log_index`` name the event, and are None
    for an expiry. ``cost`` is in base units of ``token``. The zero address is the native coin. ``context`` is the 32
    bytes of a request's id, or the reference of a payment outside the chain. ``access_until`` is the Unix second of the
    new end of access, or None if the movement does not change it.
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
    """Period of a statement: from ``first_second`` to ``end_second``, exclusive, in Unix seconds.

    ``first_block`` and ``end_block`` are set if the caller gave the period in blocks. Then the blocks count, because
    several blocks may have the same second. A missing or future end is directly after the latest read block.
    """

    first_second: Time
    end_second: Time
    first_block: Number | None = None
    end_block: Number | None = None


@dataclass(frozen=True, slots=True)
class HolderBalance:
    """Balances of a holder on a plan at both ends of a period, and the end of access as of the period's end."""

    plan_id: PlanId
    holder: ChecksumAddress
    opening: Credits
    closing: Credits
    access_until: Time


@dataclass(frozen=True, slots=True)
class PlanBalance:
    """Balances of one plan at both ends of a period, and the sums of the movements by kind."""

    plan_id: PlanId
    kind: PlanKind
    opening: Credits
    closing: Credits
    totals: Mapping[MovementKind, Credits]


@dataclass(frozen=True, slots=True)
class Ownership:
    """Span of an account's ownership of a plan, in Unix seconds. ``until`` is None for a current owner."""

    plan_id: PlanId
    since: Time
    until: Time | None


@dataclass(frozen=True, slots=True)
class Statement:
    """Statement of a period for a holder, a plan, or the plans of a builder.

    ``address`` is the holder or builder, and None for a plan. ``plan_id`` is the plan, and None for a holder or
    builder. ``head`` is the latest read block. At this block the books equal the state of the chain exactly. In a
    holder's statement ``revenue`` has the receivers of the holder's payments. ``owned`` is set for a builder only.
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
