"""Answers to the page of sellers: what an account or a seller sees, read from the index and the books at each question."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from nvm_chain.errors import InputError
from nvm_chain.errors.fields import PlanId, Time
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.pages.seller_cards import read_seller_cards
from nvm_chain.gateway.pages.seller_holders import write_holders
from nvm_chain.gateway.pages.seller_overview import Overview
from nvm_chain.gateway.pages.seller_settlements import write_outlook
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.sellers.charges import read_charges
from nvm_chain.gateway.sellers.desk import SellerDesk
from nvm_chain.gateway.sellers.figures import read_figures
from nvm_chain.gateway.sellers.periods import read_period
from nvm_chain.gateway.sellers.sights import Asker, Sight, build_account_sight, build_seller_sight
from nvm_chain.gateway.sellers.views import Look, SellerView
from nvm_chain.gateway.serving import Refused
from nvm_chain.index.chosen_plans import read_agent_owners, read_chosen_plans, read_plan_owners
from nvm_chain.index.holder_pages import HolderPage, read_holder_page
from nvm_chain.index.reading import find_time
from nvm_chain.index.store import Index
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store import holder_charges
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.ids import parse_agent_id, parse_plan_id
from nvm_chain.types.plans import Plan

MOST_HOLDERS: Final = 50
"""How many holders one answer has."""


class SellerAnswers:
    """Answers questions. Whoever asks sees what belongs to them now, and nothing of anybody else."""

    def __init__(
        self,
        meter: Meter,
        services: Mapping[str, SoldService],
        views: Mapping[str, SellerView],
        desk: SellerDesk,
        chain_desk: ChainDesk,
        look: Look,
    ) -> None:
        """Take what is open.

        Args:
            meter: The meter.
            services: What is sold.
            views: What the token of each seller shows.
            desk: What reads the index and the books.
            chain_desk: What asks the chain for the names of plans.
            look: A function that returns what would be settled, and sends nothing.
        """
        self._meter, self._services, self._views = meter, services, views
        self._desk, self._chain_desk, self._look = desk, chain_desk, look
        self._cards = Cards()
        self._looking = asyncio.Lock()

    async def tell_overview(self, asker: Asker, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the overview of a period."""
        async with self._desk.turn(asker.key):
            sight = await self._find_sight(asker)
            find_period: Callable[[Time], Any] = partial(read_period, query)
            # The books follow the index. So what they say is taken already is in the figures, which are read after them.
            charges = await self._desk.do(partial(read_charges, self._meter.writer, self._meter.settings, sight.books))
            figures = await self._desk.read(partial(read_figures, plan_ids=sight.plans, find_period=find_period))
            cards = await self._read_cards(figures.plans)
            overview = Overview(sight, figures, charges, cards, self._services, self._meter.writer.now)
            period = figures.period
            return {
                "account": asker.account,
                "seller": asker.seller,
                "isEmpty": sight.is_empty,
                "period": {"from": period.first_day, "to": period.last_day, "days": period.days},
                "html": "" if sight.is_empty else overview.write(),
                "hasBooks": bool(sight.books.plans),
            }

    async def tell_outlook(self, asker: Asker) -> dict[str, Any]:
        """Return what is due to be settled. It may take long, because it looks at each account that owes something."""
        async with self._desk.turn(asker.key):
            view = (await self._find_sight(asker)).books
            if not view.plans:
                return {"html": ""}
            async with self._looking:
                outlook = await self._desk.do(partial(self._look, view.narrow(self._meter.settings)))
            return {"html": write_outlook(view.narrow_outlook(outlook))}

    async def list_holders(self, asker: Asker, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the next holders of a plan."""
        plan_id = _read_plan(query)
        after = parse_address(query["after"], "account") if "after" in query else ZERO_ADDRESS
        async with self._desk.turn(asker.key):
            sight = await self._find_sight(asker)
            if plan_id not in sight.plans:
                raise _refuse_plan()
            plans, page, at = await self._desk.read(partial(_read_holders, plan_id=plan_id, after=after))
            if not plans:
                raise _refuse_plan()
            charges = None
            if plan_id in sight.books.plans:
                holders = [account.holder for account in page.accounts]
                read = partial(holder_charges.read_charges, plan_id=plan_id, holders=holders)
                charges = await self._desk.do(lambda: self._meter.writer.run(read))
            card = (await self._read_cards(plans))[plan_id]
            return {"html": write_holders(card, page.accounts, charges, at), "after": page.after}

    async def _find_sight(self, asker: Asker) -> Sight:
        """Return what somebody sees now. Owners are read again at each question, because plans and agents change hands."""
        if asker.account is None:
            return build_seller_sight(self._views[asker.seller])
        sold = {plan_id for service in self._services.values() for plan_id in service.plans}
        agents = [parse_agent_id(did) for did in self._services]
        owners = await self._desk.read(partial(_read_owners, plan_ids=sold, agent_ids=agents))
        return build_account_sight(asker.account, self._services, *owners)

    async def _read_cards(self, plans: Mapping[PlanId, Plan]) -> dict[PlanId, PlanCard]:
        return await read_seller_cards(self._chain_desk, self._cards, plans, self._meter.settings.chain_id)


def _read_owners(
    index: Index, *, plan_ids: Iterable[int], agent_ids: Iterable[int]
) -> tuple[dict[int, Any], dict[int, Any]]:
    with index.snapshot() as connection:
        return read_plan_owners(connection, plan_ids), read_agent_owners(connection, agent_ids)


def _read_holders(index: Index, *, plan_id: PlanId, after: str) -> tuple[dict[PlanId, Plan], HolderPage, Time]:
    with index.snapshot() as connection:
        at = find_time(connection, None)
        page = read_holder_page(connection, plan_id, at, after=after, most=MOST_HOLDERS)
        return read_chosen_plans(connection, [plan_id]), page, at


def _read_plan(query: Mapping[str, str]) -> PlanId:
    try:
        return parse_plan_id(query.get("plan", ""))
    except InputError:
        raise _refuse_plan() from None


def _refuse_plan() -> Refused:
    """Return the refusal of a plan. One of somebody else is refused like one that does not exist."""
    return Refused(tell_refusal(404, "PlanNotYours", "This is not a plan of yours that this gateway sells."))
