"""What a service accepts for a request, and what sells a plan: the offers of today, and whether a payment accepts one of them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.errors import CreditsUsedUp, NvmChainError, OfferDiffers, RequestRefused
from nvm_chain.errors.fields import Credits, Number, PlanId, Seconds
from nvm_chain.gateway.catalogue import SoldEndpoint, SoldPlan, SoldService
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.x402.accepted import Accepted, check_accepted
from nvm_chain.x402.exact import ExactOffer
from nvm_chain.x402.offers import CreditsAccount, CreditsOffer, Offer
from nvm_chain.x402.orders import OrderOffer, OrderPayment
from nvm_chain.x402.payments import CreditsPayment, Payment

PAY_SECONDS: Final[Seconds] = 300
"""For how long a transfer or an order is good that pays for an offer. It has to be mined within that time."""


def find_most(plan: SoldPlan, service: SoldService) -> Credits:
    """Return the credits to hold for a request: the highest cost if costs vary, else the lowest. At least one."""
    return max(1, plan.max_credits if service.settings.dynamic else plan.min_credits)


def list_offers(
    service: SoldService,
    endpoint: SoldEndpoint,
    settings: MeterSettings,
    accounts: Mapping[int, CreditsAccount] = MappingProxyType({}),
) -> list[Offer]:
    """Return what pays for a request, the best first: credits, an order of a plan with credits, and a transfer.

    Args:
        service: The service.
        endpoint: The endpoint of the request.
        settings: The settings of the meter.
        accounts: How the account stands of whoever pays, by the id of the plan, if that is proved.
    """
    credits = [_offer_credits(plan, service, settings, accounts.get(plan.plan_id)) for plan in _sort(service, endpoint)]
    orders = [_offer_order(plan, service, settings, accounts.get(plan.plan_id)) for plan in _sort(service, endpoint)]
    return [*credits, *(offer for offer in orders if offer is not None), *_offer_transfers(endpoint)]


def leave_out_unpayable(offers: Sequence[Offer], error: NvmChainError, payer: AccountKey | None) -> list[Offer]:
    """Return the offers without those of credits that a holder has not got, so that a client goes on to the next way.

    If nothing else is left, they stay: whoever orders credits elsewhere can pay by them.
    """
    if not isinstance(error, CreditsUsedUp) or payer is None:
        return list(offers)
    kept = [
        offer
        for offer in offers
        if not (
            isinstance(offer, CreditsOffer)
            and offer.plan_id == error.plan_id
            and offer.amount > int(error.fields["available"])
        )
    ]
    return kept or list(offers)


def find_accounts(error: NvmChainError, payer: AccountKey | None) -> Mapping[int, CreditsAccount]:
    """Return how an account stands, by the id of its plan. Empty for all but its holder, as for a user of an allowance.

    Args:
        error: Why the request was refused.
        payer: The plan and the holder that pay, if the holder has signed the request.
    """
    if payer is None or not isinstance(error, RequestRefused) or not error.next_ceiling:
        return {}
    available = error.fields.get("available")
    return {payer.plan_id: CreditsAccount(payer.holder, error.next_ceiling, None, available)}


def _sort(service: SoldService, endpoint: SoldEndpoint) -> list[SoldPlan]:
    """Return the plans of credits, the cheapest request first."""
    credits = [plan for plan in endpoint.plans.values() if plan.kind is PlanKind.CREDITS and plan.by_vouchers]
    return sorted(credits, key=lambda plan: (find_most(plan, service), plan.plan_id))


def _offer_credits(
    plan: SoldPlan, service: SoldService, settings: MeterSettings, account: CreditsAccount | None = None
) -> CreditsOffer:
    own = service.settings
    return CreditsOffer(
        settings.chain_id,
        settings.credits,
        plan.plan_id,
        settings.redeemer,
        find_most(plan, service),
        own.request_seconds,
        service.did,
        own.level.value,
        account,
    )


def _offer_order(
    plan: SoldPlan, service: SoldService, settings: MeterSettings, account: CreditsAccount | None = None
) -> OrderOffer | None:
    """Return the offer of a plan and of a request out of it. None where one purchase would not pay for the request."""
    price, most = plan.price, find_most(plan, service)
    if price is None or not price.takes_orders or price.credits < most:
        return None
    return OrderOffer(
        price.token,
        settings.credits,
        plan.plan_id,
        price.cost,
        price.credits,
        settings.redeemer,
        PAY_SECONDS,
        most,
        service.did,
        service.settings.level.value,
        account,
    )


def _offer_transfers(endpoint: SoldEndpoint) -> list[ExactOffer]:
    """Return the transfers that pay for single requests, the cheapest first."""
    found = [
        ExactOffer(plan.price.token, plan.price.payee, plan.price.cost, PAY_SECONDS, plan.plan_id)
        for plan in endpoint.plans.values()
        if plan.kind is PlanKind.USAGE and plan.price is not None and plan.price.payee is not None
    ]
    return sorted(found, key=lambda offer: (offer.amount, offer.plan_id))


def list_purchases(plan: SoldPlan, settings: MeterSettings) -> list[OrderOffer | ExactOffer]:
    """Return what pays for a whole plan, where the plan alone is sold: an order, and a transfer. Empty if it is not sold."""
    price = plan.price
    if price is None or plan.kind is PlanKind.USAGE:
        return []
    order = OrderOffer(
        price.token, settings.credits, plan.plan_id, price.cost, price.credits, settings.redeemer, PAY_SECONDS
    )
    transfers = (
        [] if price.payee is None else [ExactOffer(price.token, price.payee, price.cost, PAY_SECONDS, plan.plan_id)]
    )
    return [*([order] if price.takes_orders else []), *transfers]


# ---------------------------------------------------------------------- what a payment accepts


def find_accepted(payment: Payment, offers: Sequence[Offer]) -> Offer:
    """Return the offer that a payment accepts, if it is made now.

    Args:
        payment: The payment.
        offers: The offers of now.

    Raises:
        OfferDiffers: No offer is equal. The error names the first field that differs.
    """
    alike = [offer for offer in offers if offer.scheme == payment.accepted.scheme]
    if not alike:
        schemes = ", ".join(dict.fromkeys(offer.scheme for offer in offers)) or "nothing"
        raise OfferDiffers("scheme", payment.accepted.scheme, schemes)
    plan_id = _find_plan(payment)
    of_plan = next((offer for offer in alike if getattr(offer, "plan_id", None) == plan_id), alike[0])
    check_accepted(payment.accepted, of_plan.to_json())
    return of_plan


def _find_plan(payment: Payment) -> PlanId | None:
    if isinstance(payment, CreditsPayment):
        return payment.signed.voucher.plan_id
    if isinstance(payment, OrderPayment):
        return payment.order.order.plan_id
    text = (payment.accepted.extra or {}).get("planId")
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= 78 else None


def check_credits(accepted: Accepted, plan: SoldPlan, service: SoldService, settings: MeterSettings) -> None:
    """Check that a payment with credits accepts the offer of its plan as it is now. Raises OfferDiffers.

    Clients send the same offer with each request, so what was compared is kept.
    """
    where = (settings.chain_id, settings.credits, settings.redeemer)
    _compare(accepted, service, plan.plan_id, find_most(plan, service), where)


@lru_cache(maxsize=1_024)
def _compare(
    accepted: Accepted,
    service: SoldService,
    plan_id: PlanId,
    most: Credits,
    where: tuple[Number, ChecksumAddress, ChecksumAddress],
) -> None:
    own, (chain_id, credits, redeemer) = service.settings, where
    offer = CreditsOffer(chain_id, credits, plan_id, redeemer, most, own.request_seconds, service.did, own.level.value)
    check_accepted(accepted, offer.to_json())
