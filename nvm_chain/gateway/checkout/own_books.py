"""An account in the gateway's books, for its holder after a sign-in: what is owed and held, and what is open. And the end of that."""

import asyncio
from functools import partial
from typing import Any, Final

from eth_typing import ChecksumAddress
from msgspec import Struct

from nvm_chain.errors.fields import PlanId
from nvm_chain.errors.formatting import count
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.checkout.authority_words import tell_authority
from nvm_chain.gateway.checkout.shelves import Shelves
from nvm_chain.gateway.foreign_text import MAX_NAME, shorten
from nvm_chain.gateway.own.asked import read_hex
from nvm_chain.meter.books import Account
from nvm_chain.meter.engine import Meter
from nvm_chain.meter.store.open_authorities import list_open
from nvm_chain.types.ids import format_did

MOST_ASKED: Final = 4
"""How many holders are told at a time what is open. The others wait."""


class EndBody(Struct, forbid_unknown_fields=True):
    """What ``POST /checkout/api/holder/ends`` takes: the id of a session, an allowance or a sign-in."""

    id: str


class OwnBooks:
    """Tells holders what the books have of them."""

    def __init__(self, meter: Meter, shelves: Shelves) -> None:
        """Take the meter, and what is sold."""
        self._meter, self._shelves = meter, shelves
        self._asking = asyncio.Semaphore(MOST_ASKED)

    async def tell(self, holder: ChecksumAddress, own: SoldService | None) -> Any:
        """Return what a holder owes, and what it has open. Raises IndexFailure."""
        plan_ids = self._list_plan_ids(own)
        find = partial(list_open, holder=holder, plan_ids=plan_ids)
        async with self._asking:
            opened = await asyncio.to_thread(self._meter.writer.run, find)
        now, names = self._meter.writer.now, self._name_services()
        owed = [
            await self._tell_owed(plan_id, holder) for plan_id in plan_ids if plan_id in self._meter.settings.policies
        ]
        return {
            "plans": [told for told in owed if told is not None],
            "open": [tell_authority(authority, names, now) for authority in opened],
        }

    async def end(self, holder: ChecksumAddress, given: EndBody, own: SoldService | None) -> Any:
        """End what a holder has open. Raises AuthorityUnknown for what is not the holder's."""
        ended = await self._meter.end_authority(holder, read_hex(given.id), self._list_plan_ids(own))
        return {"ended": ended.authority_id.hex()}

    async def _tell_owed(self, plan_id: PlanId, holder: ChecksumAddress) -> dict[str, Any] | None:
        account = await self._meter.account(plan_id, holder)
        words = describe_owed(account)
        if not words:
            return None
        return {
            "planId": format_did(plan_id),
            "owed": str(account.owed),
            "held": str(account.held),
            "available": str(max(0, account.find_available(self._meter.writer.now))),
            "words": words,
        }

    def _list_plan_ids(self, own: SoldService | None) -> list[PlanId]:
        return [plan.plan_id for plan in self._shelves.list_plans(own)]

    def _name_services(self) -> dict[str, str]:
        agents = self._shelves.list_services()
        return {agent.did: shorten(agent.metadata.name, MAX_NAME) for agent in agents}


def describe_owed(account: Account) -> str:
    """Return what was charged and not taken yet, and what running requests hold. Empty if there is neither."""
    parts = []
    if account.owed:
        are = "is" if account.owed == 1 else "are"
        parts.append(
            f"{count(account.owed, 'credit')} {are} charged, and the seller will take {'it' if are == 'is' else 'them'} from what you have."
        )
    if account.held:
        parts.append(
            f"{count(account.held, 'credit')} {'is' if account.held == 1 else 'are'} held by requests that run now."
        )
    return " ".join(parts)
