"""Which offer the official client takes: credits that are there, else a plan of a budget, else what other schemes pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.integrations.x402.asked import find_asked
from nvm_chain.integrations.x402.offers import read_credits_offer, read_order_offer
from nvm_chain.integrations.x402.order_scheme import OrderScheme
from nvm_chain.integrations.x402.plans import Plans
from nvm_chain.integrations.x402.purse import Vouchers
from nvm_chain.integrations.x402.signing_in import SignIns
from nvm_chain.x402.offers import CREDITS_SCHEME
from nvm_chain.x402.orders import ORDER_SCHEME

OURS = (CREDITS_SCHEME, ORDER_SCHEME)


@dataclass(frozen=True, slots=True)
class Chooser:
    """A policy of the official client. ``others`` is the max amount that other schemes may pay of a token of a budget, in base units."""

    vouchers: Vouchers
    plans: Plans
    orders: OrderScheme
    sign_ins: SignIns
    others: Mapping[tuple[str, str], int]

    def __call__(self, version: int, requirements: Sequence[Any]) -> list[Any]:
        """Return the best of our offers, and those of other schemes after it. The official client calls this.

        Raises:
            PaymentNotAllowed: There are offers of ours, none is within the limits, and no other scheme can pay.
        """
        asked = find_asked(requirements[0]) if requirements else None
        if asked is not None:
            self.sign_ins.note_paid(requirements[0], asked.place)
        kept = [offer for offer in requirements if offer.scheme not in OURS and self._allows(offer)]
        reasons: list[str] = []
        best = self._find_credits(requirements, reasons) or self._find_order(requirements, reasons)
        if best is not None:
            return [best, *kept]
        if kept or not requirements:
            return kept
        place = None if asked is None else asked.place
        service = "the server" if place is None else place.service or place.origin
        raise PaymentNotAllowed(service, tuple(dict.fromkeys(reasons)) or ("other schemes may not pay this token",))

    def _find_credits(self, requirements: Sequence[Any], reasons: list[str]) -> Any:
        for requirement in requirements:
            offer = read_credits_offer(requirement)
            if offer is None:
                continue
            problem = self.vouchers.find_problem(find_asked(requirement), offer)
            if problem is None and self.plans.needs_order(offer.plan_id, offer.amount):
                problem = "its credits are used up"
            if problem is None:
                return requirement
            reasons.append(problem)
        return None

    def _find_order(self, requirements: Sequence[Any], reasons: list[str]) -> Any:
        for requirement in requirements:
            offer = read_order_offer(requirement)
            if offer is None:
                continue
            problem = self.orders.find_problem(find_asked(requirement), offer)
            if problem is None:
                return requirement
            reasons.append(problem)
        return None

    def _allows(self, offer: Any) -> bool:
        most = self.others.get((offer.network, offer.asset.lower()))
        amount = offer.get_amount()
        return most is None or (amount.isascii() and amount.isdecimal() and int(amount) <= most)
