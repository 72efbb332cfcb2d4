"""Value types of a sales report: what was sold, paid, used and held on some plans in a period."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import Credits, Money, Number, PlanId, Quantity, Time
from nvm_chain.index.results import Expiring, RevenueLine
from nvm_chain.types.events import Block
from nvm_chain.types.token_labels import TokenLabel as TokenLabel


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """One plan in the period.

    ``name`` is the name in the plan's metadata if the metadata is on the chain, else an empty text. ``sales`` counts
    orders and usage payments, and ``paid`` is what they cost, with the protocol fee. ``sold`` are the credits of orders
    and of payments outside the chain, ``granted`` the credits of mints, and ``used`` the redeemed and settled credits.
    On a time plan all three are periods. ``first_purchases`` and ``renewals`` count the orders and external grants
    whose receiver had none, or had one, of the same plan before. ``ended`` counts the holders whose credits or access
    came to their end in the period and who have nothing of the plan at the report's block. ``holders`` have something
    at the report's block.
    """

    plan_id: PlanId
    name: str
    kind: PlanKind
    token: ChecksumAddress
    is_active: bool
    sales: Quantity = 0
    paid: Money = 0
    sold: Credits = 0
    granted: Credits = 0
    used: Credits = 0
    first_purchases: Quantity = 0
    renewals: Quantity = 0
    ended: Quantity = 0
    holders: Quantity = 0


@dataclass(frozen=True, slots=True)
class DailySales:
    """Sales of one plan on one day in UTC, which begins at the Unix second ``day``."""

    day: Time
    plan_id: PlanId
    sales: Quantity
    paid: Money
    first_purchases: Quantity
    renewals: Quantity


@dataclass(frozen=True, slots=True)
class DailyUse:
    """Credits or periods of one plan on one day in UTC: sold, granted and used."""

    day: Time
    plan_id: PlanId
    sold: Credits
    granted: Credits
    used: Credits


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """One account in the period: what it paid, by token, what it used, and how many of the plans it holds now."""

    account: ChecksumAddress
    sales: Quantity
    paid: Mapping[ChecksumAddress, Money]
    used: Credits
    plans_held: Quantity


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """One agent that accepts plans of the report. The numbers are sums over these plans, in the period.

    The chain does not say for which agent credits were used. So a plan that several agents accept counts for each.
    """

    agent_id: Number
    name: str
    plan_ids: tuple[PlanId, ...]
    sales: Quantity
    used: Credits


@dataclass(frozen=True, slots=True)
class Report:
    """A sales report of some plans, for a period from ``first_second`` to ``end_second``, exclusive, in Unix seconds.

    ``owner`` is the account whose plans these are, or None for chosen plans. ``head`` is the block at which holders and
    endings were read. ``soon_seconds`` is how far ahead the endings reach. ``sales`` and ``use`` have a line for each day
    and plan, and ``revenue`` one for each receiver too. ``customers`` and ``endings`` have the first `LISTED` of
    ``customer_count`` and ``ending_count``.
    """

    chain_id: Number
    credits: ChecksumAddress
    owner: ChecksumAddress | None
    first_second: Time
    end_second: Time
    soon_seconds: Number
    head: Block
    tokens: Mapping[ChecksumAddress, TokenLabel]
    plans: tuple[PlanSummary, ...]
    sales: tuple[DailySales, ...]
    use: tuple[DailyUse, ...]
    revenue: tuple[RevenueLine, ...]
    customers: tuple[CustomerSummary, ...]
    customer_count: Quantity
    holder_count: Quantity
    endings: tuple[Expiring, ...]
    ending_count: Quantity
    agents: tuple[AgentSummary, ...]

    @property
    def sales_by_token(self) -> dict[ChecksumAddress, int]:
        """The number of sales in each token, the most first."""
        counts = Counter[ChecksumAddress]()
        for plan in self.plans:
            counts[plan.token] += plan.sales
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def paid_by_token(self) -> dict[ChecksumAddress, int]:
        """What buyers paid in base units of each token, in the order of `sales_by_token`. Without tokens that nobody paid."""
        paid = {token: sum(plan.paid for plan in self.plans if plan.token == token) for token in self.sales_by_token}
        return {token: amount for token, amount in paid.items() if amount}


LISTED = 20
"""Number of customers, endings and agents that a report lists."""
