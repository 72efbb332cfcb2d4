"""What reads of the index return: plans, accounts, orders, and sums of money and credits."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Credits, Money, Number, PlanId, Quantity, Time
from nvm_chain.types.accounts import Lot
from nvm_chain.types.plans import Plan
from nvm_chain.types.revenue import Revenue


@dataclass(frozen=True, slots=True)
class IndexedPlan(Plan):
    """A plan as of the index's block.

    ``sold`` counts purchases: those of orders, of usage payments and of payments outside the chain. ``holders`` counts
    the accounts that have credits, periods or access.
    """

    creator: ChecksumAddress
    registered_at: Time
    sold: Quantity
    holders: Quantity


@dataclass(frozen=True, slots=True)
class IndexedAccount:
    """An account of a holder on a plan, at a time.

    ``balance`` is the number of credits that have not expired, or of periods on a time plan. ``settled`` is the number
    of all credits that settlements ever took. ``access_until`` is the Unix second at which access ends, or 0 if access
    never began. ``lots`` are the credits that expire, earliest first.
    """

    plan_id: PlanId
    kind: PlanKind
    holder: ChecksumAddress
    balance: Credits
    settled: Credits
    access_until: Time
    trial_taken: bool
    lots: tuple[Lot, ...]


@dataclass(frozen=True, slots=True)
class IndexedOrder:
    """A sale of a plan.

    ``kind`` is ``order``, ``usage`` for a payment of a usage plan, or ``external`` for a payment outside the chain. An
    external payment has no payer, and a usage payment has no receiver. ``cost`` is in base units of ``token``, and the
    zero address is the native coin. ``context`` is the 32 bytes of a usage payment's context or of an external payment's
    reference.
    """

    plan_id: PlanId
    kind: str
    payer: ChecksumAddress | None
    receiver: ChecksumAddress | None
    quantity: Quantity
    cost: Money
    token: ChecksumAddress
    context: bytes | None
    timestamp: Time
    block_number: Number
    log_index: Number
    transaction: str


@dataclass(frozen=True, slots=True)
class RevenueLine(Revenue):
    """Revenue of one receiver from one plan on one day. ``day`` is the Unix second at which the day begins in UTC."""

    day: Time


@dataclass(frozen=True, slots=True)
class CreditsLine:
    """Movements of credits of one kind on one plan and one day.

    ``day`` is the Unix second at which the day begins in UTC. ``kind`` is the name of a movement's kind, such as
    ``order``. ``amount`` is negative for a kind that takes credits. Expiries are not counted, because they have no event.
    """

    day: Time
    plan_id: PlanId
    kind: str
    amount: Credits
    movements: Quantity


@dataclass(frozen=True, slots=True)
class Expiring:
    """Credits of a holder that expire, or access that ends, at the Unix second ``expires_at``.

    ``credits`` are the expiring credits, or the periods of a time plan that are left until the end.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    credits: Credits
    expires_at: Time


@dataclass(frozen=True, slots=True)
class Renewals:
    """Orders and external grants of a plan in a period: those that were the receiver's first on the plan, and later ones."""

    plan_id: PlanId
    first_orders: Quantity
    renewals: Quantity
