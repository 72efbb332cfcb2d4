"""Plans that are bought by charges of MPP, at the addresses where they are sold over x402."""

from collections.abc import Mapping
from typing import Any

from nvm_chain.errors import FundsError, InsufficientFunds, InvalidMessage, NvmChainError, TransactionError
from nvm_chain.gateway.addresses import find_address
from nvm_chain.gateway.buying.paths import PLANS, BuyingPaths
from nvm_chain.gateway.buying.purchases import Purchases
from nvm_chain.gateway.buying.telling import answer_job
from nvm_chain.gateway.catalogue import SoldPlan, SoldService
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.mpp.challenging import Bound, list_charges
from nvm_chain.gateway.mpp.telling import UNPAID, add_challenges, answer_bought
from nvm_chain.gateway.mpp.till import ChargeTill
from nvm_chain.gateway.offers import list_purchases
from nvm_chain.gateway.pages.answering import answer_page
from nvm_chain.gateway.refusals import Refusal, refuse, tell_refusal
from nvm_chain.gateway.serving import Receive, Server
from nvm_chain.types.ids import format_did


class OrderCharges:
    """Answers requests of whoever buys a plan. What is not about a charge goes on to the paths of x402."""

    def __init__(self, server: Server, paths: BuyingPaths, purchases: Purchases, till: ChargeTill) -> None:
        """Take what serves, what answers over x402, what takes payments, and what recognizes credentials."""
        self._base, self._settings = server.base, server.meter.settings
        self._paths, self._purchases, self._till = paths, purchases, till

    async def serve(
        self, scope: Mapping[str, Any], path: str, incoming: Incoming, receive: Receive, service: SoldService | None
    ) -> Refusal | None:
        """Return the answer to a request. None if nobody is there to be answered."""

        async def ask() -> Refusal | None:
            return await self._paths.serve(scope, path, incoming, receive, service)

        plan = self._paths.find_plan(path, service) if incoming.method == "POST" else None
        charges = [] if plan is None else list_charges(list_purchases(plan, self._settings))
        if plan is None or not charges:
            return await ask()
        if incoming.charge is not None:
            return await answer_page(incoming, self._buy(incoming.charge, plan, incoming, service), refuse)
        refusal = await ask()
        if refusal is not None and refusal.status == UNPAID:
            self._add_challenges(refusal, plan, incoming, service)
        return refusal

    def _add_challenges(
        self, refusal: Refusal, plan: SoldPlan, incoming: Incoming, service: SoldService | None
    ) -> None:
        bound, charges = self._bind(plan, incoming, service), list_charges(list_purchases(plan, self._settings))
        name = f"One purchase of the plan {format_did(plan.plan_id)}"
        add_challenges(refusal, self._till.challenges.build_all(bound, charges, name, self._till.writer.now))

    def _bind(self, plan: SoldPlan, incoming: Incoming, service: SoldService | None) -> Bound:
        """Return what a challenge for a plan is bound to. The body of such a request says nothing."""
        realm = self._till.challenges.find_realm(incoming, on_own_host=service is not None)
        return Bound(realm, "POST", "", f"{PLANS}{plan.plan_id}/orders")

    async def _buy(self, text: str, plan: SoldPlan, incoming: Incoming, service: SoldService | None) -> Refusal:
        own = find_address("", self._base, incoming.host if service is not None else None).own
        if incoming.payment is not None:
            raise InvalidMessage("request", "it has a credential and a payment, so who pays is not certain")

        async def ask() -> Refusal:
            refusal = self._paths.ask_for_payment(plan, own)
            self._add_challenges(refusal, plan, incoming, service)
            return refusal

        charges = list_charges(list_purchases(plan, self._settings))
        try:
            charged = await self._till.read(text, self._bind(plan, incoming, service), charges)
            try:
                bought = await self._purchases.transfer(charged.signed, charged.offer)
            except NvmChainError as error:
                raise self._till.find_trouble(error) from error
        except (TransactionError, FundsError) as error:
            if isinstance(error, InsufficientFunds):
                return await self._till.refuse(error, own, ask)
            return tell_refusal(409, type(error).__name__, f"{error.message()} Nothing was paid.")
        except NvmChainError as error:
            return await self._till.refuse(error, own, ask)
        job = answer_job(bought, own, self._settings.chain_id)
        return answer_bought(job, bought, charged.challenge, self._settings.chain_id)
