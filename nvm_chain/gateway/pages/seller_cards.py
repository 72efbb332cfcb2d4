"""Cards of plans for the page of sellers. A plan whose card cannot be had in time is shown by its terms from the index."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.networks import NETWORKS
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.fields import Number, PlanId
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.serving import Refused
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.amounts import NATIVE_DECIMALS, USDC_DECIMALS
from nvm_chain.types.plans import Plan
from nvm_chain.types.token_labels import TokenLabel

PATIENCE_SECONDS: Final = 6
"""How long the page waits for names and tokens. The metadata of a plan may be on a slow host."""


async def read_seller_cards(
    desk: ChainDesk, cards: Cards, plans: Mapping[PlanId, Plan], chain_id: Number
) -> dict[PlanId, PlanCard]:
    """Return a card of each plan, within a few seconds."""
    asked = {
        plan_id: asyncio.ensure_future(desk.ask(partial(_read, cards=cards, plan_id=plan_id)))
        for plan_id in plans
        if cards.find(plan_id) is None
    }
    for task in asked.values():
        task.add_done_callback(_notice)
    if asked:
        await asyncio.wait(asked.values(), timeout=PATIENCE_SECONDS)
    return {plan_id: cards.find(plan_id) or _build_card(plan, chain_id) for plan_id, plan in plans.items()}


def _read(chain: Chain, *, cards: Cards, plan_id: PlanId) -> None:
    with suppress(NvmChainError):  # the plan is then shown by its terms
        cards.read(chain, plan_id)


def _notice(task: "asyncio.Future[None]") -> None:
    """Take the error of a question that nobody waits for. It was not asked if too many others wait."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, Refused):
        task.get_loop().call_exception_handler({"message": "a card could not be read", "exception": error})


def _build_card(plan: Plan, chain_id: Number) -> PlanCard:
    known = {network.usdc for network in NETWORKS.values() if network.chain_id == chain_id}
    labels = {
        ZERO_ADDRESS: TokenLabel("ETH", NATIVE_DECIMALS),
        **{usdc: TokenLabel("USDC", USDC_DECIMALS) for usdc in known},
    }
    return PlanCard(plan, labels.get(plan.terms.token), None)
