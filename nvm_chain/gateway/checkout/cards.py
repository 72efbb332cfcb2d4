"""Cards of plans: the terms of each from the chain, in words, and what its metadata says of it."""

import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors.fields import PlanId
from nvm_chain.gateway.checkout.documents import Documents
from nvm_chain.metadata.documents import PlanMetadata
from nvm_chain.operations.plans import read_plan
from nvm_chain.operations.tokens import read_token_label
from nvm_chain.terms.grants import summarize_grant
from nvm_chain.terms.prices import summarize_price
from nvm_chain.terms.term import Term
from nvm_chain.terms.words import describe_terms
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState
from nvm_chain.types.token_labels import TokenLabel

FRESH_SECONDS: Final = 15
"""How long a card is shown without a look at the chain. Terms never change; the owner and whether a plan is sold do."""
MOST_CARDS: Final = 512


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan as people see it. ``metadata`` is None if it could not be had, or is not what the chain has the hash of."""

    plan: PlanState
    label: TokenLabel | None
    metadata: PlanMetadata | None

    @property
    def price(self) -> str:
        """The price in a few words. A token that only names itself has its address in `token_note`."""
        named = None if self.label is None else replace(self.label, is_known=True)
        return summarize_price(self.plan.terms, named)

    @property
    def token_note(self) -> str:
        """What has to be said of a token that only names itself. Empty for the coin, for USDC and for plans without a price."""
        terms = self.plan.terms
        if not terms.splits or terms.token == ZERO_ADDRESS or self.label is None or self.label.is_known:
            return ""
        return f"This is the token {terms.token}. Only the token itself says that it is called {self.label.symbol}."

    @property
    def grant(self) -> str:
        """What a purchase gives, in a few words."""
        return summarize_grant(self.plan.terms)

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms in words."""
        return describe_terms(self.plan.terms, self.label, fee_bps=self.plan.fee_bps)

    @property
    def problem(self) -> str:
        """Why nobody can order the plan here. Empty if it can be ordered."""
        terms = self.plan.terms
        if terms.paid_externally:
            return "This plan is paid outside the chain. Ask the seller how."
        if terms.kind is PlanKind.USAGE:
            return "This plan has no purchase. Each request is paid by itself."
        return "" if self.plan.active else "The seller takes no orders of this plan now."


class Cards:
    """Keeps cards for a few seconds. Threads may share it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, PlanCard]] = OrderedDict()
        self._documents = Documents()

    def find(self, plan_id: PlanId) -> PlanCard | None:
        """Return a card that is fresh. No request."""
        kept = self._kept.get(plan_id)
        return None if kept is None or int(time.monotonic()) - kept[0] > FRESH_SECONDS else kept[1]

    def read(self, chain: Chain, plan_id: PlanId) -> PlanCard:
        """Return the card of a plan. Two requests, and one to the host of the metadata, if the card is not fresh.

        Raises UnknownPlan or NetworkError.
        """
        found = self.find(plan_id)
        if found is not None:
            return found
        plan = read_plan(chain, plan_id)
        card = PlanCard(plan, read_token_label(chain, plan.terms.token), self._documents.read(plan.uri))
        self._kept[plan_id] = (int(time.monotonic()), card)
        while len(self._kept) > MOST_CARDS:
            self._kept.popitem(last=False)
        return card
