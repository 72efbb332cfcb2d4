"""The questions of a checkout page: how an account stands, what its wallet does next, and what became of it."""

import re
from functools import partial
from typing import Any, Final

from msgspec import Struct

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.checkout.outcomes import read_outcome
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.checkout.standings import read_standing
from nvm_chain.gateway.checkout.telling import tell_step
from nvm_chain.gateway.own.asked import read_hex
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.operations.order_steps import WAYS, Way, complete_permit, prepare_order, read_order_account
from nvm_chain.signing.permits import Permit
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_plan_id

_HASH: Final = re.compile("0x[0-9a-f]{64}")
_DIGITS: Final = re.compile("[0-9]{1,78}")


class OrderBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /checkout/api/orders`` takes. ``max_cost`` is the highest cost in base units that the page has shown."""

    plan_id: str
    account: str
    quantity: str = "1"
    max_cost: str | None = None
    way: str | None = None


class PermitDraft(Struct, rename="camel", forbid_unknown_fields=True):
    """The permit that a wallet has signed, as the page got it."""

    plan_id: str
    account: str
    quantity: str
    value: str
    nonce: str
    deadline: str


class PermitBody(Struct, rename="camel", forbid_unknown_fields=True):
    """What ``POST /checkout/api/permits`` takes."""

    draft: PermitDraft
    signature: str


class Orders:
    """Answers the questions of the pages of plans. None of them sends a transaction."""

    def __init__(self, desk: ChainDesk, cards: Cards, shelves: Shelves, chain_id: int, depth: int) -> None:
        """Take what asks the chain, and what is sold. ``depth`` is how many blocks later the gateway counts credits."""
        self._desk, self._cards, self._shelves = desk, cards, shelves
        self._chain_id, self.depth = chain_id, depth

    async def read_card(self, plan: str, own: SoldService | None) -> PlanCard:
        """Return the card of a plan that is sold here. Raises Refused for every other one."""
        plan_id = parse_plan_id(plan)
        if not self._shelves.list_agents(plan_id, own):
            raise Refused(
                tell_refusal(404, "PlanNotSold", "This gateway does not sell that plan. Ask the seller for the link.")
            )
        found = self._cards.find(plan_id)
        return found if found is not None else await self._desk.ask(lambda chain: self._cards.read(chain, plan_id))

    async def read_cards(self, agent: SoldService) -> list[PlanCard]:
        """Return the cards of all plans of an agent."""
        plan_ids, cards = [*agent.plans], [self._cards.find(plan_id) for plan_id in agent.plans]
        if all(cards):
            return [card for card in cards if card is not None]
        return await self._desk.ask(lambda chain: [self._cards.read(chain, plan_id) for plan_id in plan_ids])

    async def tell_standing(self, query: dict[str, str], own: SoldService | None) -> Any:
        """Return how an account stands on a plan."""
        card = await self.read_card(query.get("plan", ""), own)
        holder = parse_address(query.get("account", ""), "account")
        return await self._desk.ask(lambda chain: read_standing(chain, card, holder))

    async def prepare(self, given: OrderBody, own: SoldService | None, *, relays: bool) -> Any:
        """Return what the wallet of an account does next to order a plan."""
        card = await self.read_card(given.plan_id, own)
        payer, way = parse_address(given.account, "account"), _read_way(given.way)
        quantity = check_uint(read_number(given.quantity, "quantity"), 32, "quantity", minimum=1)
        most = None if given.max_cost is None else read_number(given.max_cost, "highest cost")

        def work(chain: Chain) -> Any:
            account, plan_id = read_order_account(chain, payer), card.plan.plan_id
            step = prepare_order(chain, account, plan_id, quantity=quantity, max_cost=most, way=way, relays=relays)
            return tell_step(step, card, payer, self._chain_id)

        return await self._desk.ask(work)

    async def complete(self, given: PermitBody, own: SoldService | None) -> Any:
        """Return the order with a signed permit."""
        draft, signature = given.draft, read_hex(given.signature)
        card = await self.read_card(draft.plan_id, own)
        payer = parse_address(draft.account, "account")
        quantity = check_uint(read_number(draft.quantity, "quantity"), 32, "quantity", minimum=1)
        value, nonce, deadline = (read_number(each, "permit") for each in (draft.value, draft.nonce, draft.deadline))

        def work(chain: Chain) -> Any:
            permit = Permit(payer, chain.credits.address, value, nonce, deadline)
            account = read_order_account(chain, payer)
            step = complete_permit(chain, account, card.plan.plan_id, quantity, permit, signature)
            return tell_step(step, card, payer, self._chain_id)

        return await self._desk.ask(work)

    async def follow(self, name: str, query: dict[str, str], own: SoldService | None) -> Any:
        """Return what became of a transaction."""
        if not _HASH.fullmatch(name):
            raise InvalidMessage("transaction", "its hash is 0x and 64 hexadecimal digits")
        card = await self.read_card(query.get("plan", ""), own)
        return await self._desk.ask(partial(read_outcome, card=card, transaction_hash=name, depth=self.depth))


def _read_way(way: str | None) -> Way | None:
    if way is None:
        return None
    found = next((each for each in WAYS if each == way), None)
    if found is None:
        raise InvalidMessage("request", f"the way of an order is one of {', '.join(WAYS)}")
    return found


def read_number(text: str, name: str) -> int:
    """Return a number of decimal digits. Raises InvalidMessage."""
    if not _DIGITS.fullmatch(text):
        raise InvalidMessage("request", f"the {name} is not a number in decimal digits")
    return int(text)
