"""Holdings of an account: the plans of this gateway of which it has something, or ever had, and its movements on them.

All of it is public, so nothing is signed for it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors.fields import PlanId, Time
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.movement_words import name_unit, tell_page
from nvm_chain.gateway.checkout.orders import read_number
from nvm_chain.gateway.checkout.session_offers import describe_holding, find_limit, is_usable
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.checkout.statements import Movements, Statements
from nvm_chain.gateway.foreign_text import MAX_NAME, shorten
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.pages.checkout import name_plan
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.operations.credits import read_account
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did, parse_plan_id

TOO_LONG = "This account has more movements than a page shows. Read them with: nvm-chain statement holder {holder}"


class Holdings:
    """Tells what accounts have."""

    def __init__(self, desk: ChainDesk, cards: Cards, shelves: Shelves, statements: Statements, base: str) -> None:
        """Take what asks the chain and the index, what is sold, and the URL of the gateway."""
        self._desk, self._cards, self._shelves = desk, cards, shelves
        self._statements, self._base = statements, base

    async def tell_plans(self, query: Mapping[str, str], asked: Asked) -> Any:
        """Return the plans of an account, and up to which block its statement goes."""
        holder = parse_address(query.get("account", ""), "account")
        movements = await self._statements.read_anew(holder)
        sold = self._shelves.list_plans(asked.service)
        read = partial(_read_accounts, self._cards, sold, holder, movements)
        found, now = await self._desk.ask(read)
        return {
            "account": holder,
            "plans": [self._tell_plan(card, account, now, asked) for card, account in found],
            "block": None if movements.head is None else f"{movements.head.number:,}",
        }

    async def tell_statement(self, query: Mapping[str, str], asked: Asked) -> Any:
        """Return some movements of an account on a plan, newest first."""
        holder = parse_address(query.get("account", ""), "account")
        plan_id = parse_plan_id(query.get("plan", ""))
        before = read_number(query["before"], "place in the statement") if "before" in query else None
        self.check_sold(plan_id, asked.service)
        movements = await (self._statements.read_anew(holder) if before is None else self._statements.read(holder))
        if movements.by_plan is None:
            raise Refused(tell_refusal(422, "StatementTooLong", TOO_LONG.format(holder=holder)))
        own = movements.by_plan.get(plan_id, [])
        card = await self._desk.ask(lambda chain: self._cards.read(chain, plan_id))
        return {**tell_page(card, own, before), "unit": name_unit(card)}

    def check_sold(self, plan_id: PlanId, own: SoldService | None) -> None:
        """Check that a plan is sold here. Raises Refused."""
        if not self._shelves.list_agents(plan_id, own):
            raise Refused(tell_refusal(404, "PlanNotSold", "This gateway does not sell that plan."))

    async def read_account(self, plan_id: PlanId, holder: ChecksumAddress) -> tuple[Account, Time]:
        """Return an account as the chain has it, and the time of the chain."""
        return await self._desk.ask(lambda chain: (read_account(chain, plan_id, holder), chain.read_time()))

    def _tell_plan(self, card: PlanCard, account: Account, now: Time, asked: Asked) -> dict[str, Any]:
        agents = self._shelves.list_agents(card.plan.plan_id, asked.service)
        plan = agents[0].plans[card.plan.plan_id]
        return {
            "planId": format_did(card.plan.plan_id),
            "name": shorten(name_plan(card), MAX_NAME),
            "seller": card.plan.owner,
            "has": describe_holding(plan, account, now),
            "isUsable": any(is_usable(agent.plans[plan.plan_id], account, now) for agent in agents),
            "services": [self._tell_service(agent, asked) for agent in agents],
            **({"limit": str(find_limit(agents[0], plan, account))} if plan.by_vouchers else {}),
        }

    def _tell_service(self, agent: SoldService, asked: Asked) -> dict[str, str]:
        address = find_address(agent.did, self._base, asked.incoming.host if asked.service else None)
        return {"did": agent.did, "name": shorten(agent.metadata.name, MAX_NAME), "url": f"{address.service}/"}


def _read_accounts(
    cards: Cards, sold: Sequence[SoldPlan], holder: ChecksumAddress, movements: Movements, chain: Chain
) -> tuple[list[tuple[PlanCard, Account]], Time]:
    """Return the plans that an account has something of, or ever had, with its account on each."""
    readers = [partial(read_account, chain, plan.plan_id, holder) for plan in sold]
    with chain.reading_ahead(*readers, chain.read_time):
        now = chain.read_time()
        accounts = {plan.plan_id: read_account(chain, plan.plan_id, holder) for plan in sold}
    known = movements.by_plan or {}
    wanted = [
        plan_id for plan_id, account in accounts.items() if plan_id in known or account != Account(0, 0, 0, False)
    ]
    return [(cards.read(chain, plan_id), accounts[plan_id]) for plan_id in wanted], now
