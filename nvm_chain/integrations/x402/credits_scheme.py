"""The scheme ``nvm-credits`` for the official client: a voucher for each request, and one correction of its ceiling."""

from typing import Any

from nvm_chain.errors import PaymentNotAllowed
from nvm_chain.integrations.x402.asked import find_asked
from nvm_chain.integrations.x402.offers import find_same, read_credits_offer
from nvm_chain.integrations.x402.official import PaymentRequirements, PaymentResponseContext, RecoveredResponseResult
from nvm_chain.integrations.x402.plans import Plans
from nvm_chain.integrations.x402.purse import Vouchers
from nvm_chain.x402.offers import CREDITS_SCHEME


class CreditsScheme:
    """Pays from credits. `pay_from_credits` registers it."""

    scheme = CREDITS_SCHEME

    def __init__(self, vouchers: Vouchers, plans: Plans) -> None:
        """Take what signs vouchers, and what is known of plans."""
        self._vouchers, self._plans = vouchers, plans
        self.scheme_hooks = {"on_payment_response": self.note_response}

    def create_payment_payload(self, requirements: PaymentRequirements) -> dict[str, Any]:
        """Sign a voucher. The official client calls this.

        Raises:
            PaymentNotAllowed: The offer is malformed, or not within the limits. Nothing was signed.
        """
        offer = read_credits_offer(requirements)
        if offer is None:
            raise PaymentNotAllowed("the server", ("its offer of credits is malformed",))
        return self._vouchers.sign(find_asked(requirements), offer)

    def note_response(self, context: PaymentResponseContext) -> RecoveredResponseResult | None:
        """Note what a request cost. After a refusal that another voucher or an order would cure, let the client pay once more."""
        told, voucher = context.settle_response, context.payment_payload.payload.get("voucher")
        cost = read_cost(told)
        reserved = self._vouchers.note_answer(voucher, cost)
        offer = read_credits_offer(context.requirements)
        if told is not None or reserved is None or offer is None or context.payment_required is None:
            return None
        corrected = find_same(context.payment_required.accepts, offer)
        account = None if corrected is None else corrected.account
        if account is None or (account.available is not None and account.available < offer.amount):
            return RecoveredResponseResult() if self._plans.note_used_up(offer.plan_id) else None
        if account.holder != self._vouchers.buyer.signer.address or account.next_ceiling <= reserved.ceiling:
            return None
        self._vouchers.note_least(offer.plan_id, account.next_ceiling)
        return RecoveredResponseResult()


def read_cost(told: Any) -> int:
    """Return the credits of a paid answer. 0 if it was not charged, or does not say it."""
    if told is None or not told.success:
        return 0
    amount = told.amount or ""
    return int(amount) if amount.isascii() and amount.isdecimal() and len(amount) <= 20 else 0
