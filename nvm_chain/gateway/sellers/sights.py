"""Sights: what somebody who has signed in sees on the page of sellers.

The sales of a plan are on the chain, and they are its owner's. What is charged on it is in the books of the gateway, and belongs
to the services that have charged. So an owner sees it only of plans that no service of somebody else accepts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Number, PlanId
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.sellers.views import SellerView
from nvm_chain.types.ids import parse_agent_id


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: an account that has signed in, or a seller with its token."""

    account: ChecksumAddress | None = None
    seller: str = ""

    @property
    def key(self) -> str:
        """Who it is, for limits. No account and no seller have the same."""
        return f"seller {self.seller}" if self.account is None else f"account {self.account}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees: the sales of some plans, and of some of these the books.

    ``books`` has the services and the plans whose charges are shown. Its ``shared`` plans are those whose charges are not shown.
    """

    plans: frozenset[PlanId]
    books: SellerView

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not (self.plans or self.books.services or self.books.shared)


def build_account_sight(
    account: ChecksumAddress,
    services: Mapping[str, SoldService],
    plan_owners: Mapping[PlanId, ChecksumAddress],
    agent_owners: Mapping[Number, ChecksumAddress],
) -> Sight:
    """Return what an account sees: of what is sold here, the plans and the agents that it owns now.

    Args:
        account: The account, which has proved who it is.
        services: All services of the gateway.
        plan_owners: Who owns the plans that the services accept.
        agent_owners: Who owns the agents of the services.
    """
    own = frozenset(did for did in services if agent_owners.get(parse_agent_id(did)) == account)
    sold = {plan_id for service in services.values() for plan_id in service.plans}
    plans = frozenset(plan_id for plan_id in sold if plan_owners.get(plan_id) == account)
    others = {plan_id for did, service in services.items() if did not in own for plan_id in service.plans}
    books = SellerView(own, plans - others, plans & others)
    return Sight(plans, books)


def build_seller_sight(view: SellerView) -> Sight:
    """Return what the token of a seller shows."""
    return Sight(view.plans, view)
