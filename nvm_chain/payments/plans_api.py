"""``payments.plans``: register, read, order and change plans, under the names of the second documented generation."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from nvm_chain import pricing
from nvm_chain.addresses import parse_address
from nvm_chain.agents import read_plan_agents
from nvm_chain.assets import publish_plan
from nvm_chain.credits import burn_credits, mint_credits, redeem_credits
from nvm_chain.ddo import describe_credits, describe_price, name_kind
from nvm_chain.errors import InvalidConfig, NeedsVendor, SuspiciousPrice
from nvm_chain.ids import format_did, parse_plan_id
from nvm_chain.metadata import PlanMetadata, describe_metadata
from nvm_chain.orders import order_plan
from nvm_chain.payments.desk import Desk
from nvm_chain.payments.results import AgentPage, CreditsMoved, PlanBalance, PlanOrdered, Registered, take_page
from nvm_chain.payments.shapes import check_kind, read_amount, read_plan_metadata
from nvm_chain.plans import check_price, read_terms
from nvm_chain.types import CreditsConfig, PlanKind, PriceConfig, RegisteredPlan, Terms
from nvm_chain.units import check_uint

SALT_BITS: Final = 256
logger = logging.getLogger("nvm_chain")


@dataclass(frozen=True, slots=True)
class PaginationOptions:
    """Which page of a list, counted from 1, how many items a page has, and their order: the chain's if not given."""

    page: int = 1
    offset: int = 10
    sort_by: str | None = None
    sort_order: str = "desc"

    def __post_init__(self) -> None:
        """Check all. Raises InvalidAmount, InvalidConfig."""
        check_uint(self.page, 32, "page", minimum=1)
        check_uint(self.offset, 32, "offset", minimum=1)
        if self.sort_by not in (None, "id", "created") or self.sort_order not in ("asc", "desc"):
            raise InvalidConfig("lists are sorted by 'id' or, of agents the same, 'created', 'asc' or 'desc'")

    def sort(self, numbers: Iterable[int]) -> list[int]:
        """Return ids in the order asked for; as they are if none was."""
        return list(numbers) if self.sort_by is None else sorted(numbers, reverse=self.sort_order == "desc")


def read_pagination(pagination: PaginationOptions | None) -> PaginationOptions:
    """Return the pages asked for, or the first of ten. Raises InvalidConfig."""
    check_kind("pagination", pagination, (PaginationOptions, type(None)), "PaginationOptions(page=2, offset=10)")
    return pagination or PaginationOptions()


class PlansApi:
    """Plans, as the account behind a Payments object sees and changes them. Ids may be given in any spelling."""

    ONE_HOUR_DURATION = pricing.ONE_HOUR_DURATION
    ONE_DAY_DURATION = pricing.ONE_DAY_DURATION
    ONE_WEEK_DURATION = pricing.ONE_WEEK_DURATION
    ONE_MONTH_DURATION = pricing.ONE_MONTH_DURATION
    ONE_YEAR_DURATION = pricing.ONE_YEAR_DURATION

    get_fiat_price_config = staticmethod(pricing.get_fiat_price_config)
    get_crypto_price_config = staticmethod(pricing.get_crypto_price_config)
    get_erc20_price_config = staticmethod(pricing.get_erc20_price_config)
    get_free_price_config = staticmethod(pricing.get_free_price_config)
    get_native_token_price_config = staticmethod(pricing.get_native_token_price_config)
    get_pay_as_you_go_price_config = staticmethod(pricing.get_pay_as_you_go_price_config)
    get_expirable_duration_config = staticmethod(pricing.get_expirable_duration_config)
    get_non_expirable_duration_config = staticmethod(pricing.get_non_expirable_duration_config)
    get_fixed_credits_config = staticmethod(pricing.get_fixed_credits_config)
    get_dynamic_credits_config = staticmethod(pricing.get_dynamic_credits_config)
    get_pay_as_you_go_credits_config = staticmethod(pricing.get_pay_as_you_go_credits_config)
    set_redemption_type = staticmethod(pricing.set_redemption_type)

    def __init__(self, desk: Desk) -> None:
        """Take who acts, and where."""
        self._desk = desk

    # ------------------------------------------------------------------ register

    def register_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        nonce: int | None = None,
        access_limit: Literal["credits", "time"] | None = None,
    ) -> Registered:
        """Register a plan of any kind, whose owner is then this account. One transaction.

        ``nonce`` tells plans with equal terms apart, a random one if not given; the same plan under the same nonce cannot be
        registered twice. ``access_limit`` says what limits the plan, where that shall be checked. Raises as
        `nvm_chain.register_plan`, and InvalidMetadata; a price that looks as if whole tokens were meant is logged as a warning.
        """
        check_configs(price_config, credits_config)
        if access_limit not in (None, "credits", "time"):
            raise InvalidConfig(f"access_limit is 'credits' or 'time', not {access_limit!r}")
        if access_limit is not None and (access_limit == "time") is not (credits_config.kind is PlanKind.TIME):
            raise InvalidConfig(f"these credits make no plan that is limited by {access_limit}; {_HINTS[access_limit]}")
        salt = None if nonce is None else check_uint(nonce, SALT_BITS, "nonce").to_bytes(32)
        registered = register(self._desk, read_plan_metadata(plan_metadata), price_config, credits_config, salt)
        return {"planId": str(registered.plan_id), "success": True, "txHash": registered.transaction.hash}

    def register_credits_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
    ) -> Registered:
        """Register a plan that is limited by credits, or by what each request pays. Raises as `register_plan`."""
        return self.register_plan(plan_metadata, price_config, credits_config, access_limit="credits")

    def register_time_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
    ) -> Registered:
        """Register a plan that is limited by time. Raises as `register_plan`."""
        return self.register_plan(plan_metadata, price_config, credits_config, access_limit="time")

    def register_credits_trial_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
    ) -> Registered:
        """Register a credits plan that each holder gets once. Raises as `register_plan`."""
        return self.register_credits_plan(_as_trial(plan_metadata), price_config, credits_config)

    def register_time_trial_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
    ) -> Registered:
        """Register a time plan that each holder gets once. Raises as `register_plan`."""
        return self.register_time_plan(_as_trial(plan_metadata), price_config, credits_config)

    # ------------------------------------------------------------------ read

    def get_plan(self, plan_id: int | str) -> dict[str, Any]:
        """Read a plan: its metadata, and under ``registry`` what the chain says. Three requests.

        Metadata that cannot be read is empty, and ``metadataProblem`` says why. Raises UnknownPlan, MetadataMismatch.
        """
        plan, metadata, problem = self._desk.read_plan(plan_id)
        return {
            "id": str(plan.plan_id),
            "planId": str(plan.plan_id),
            "did": format_did(plan.plan_id),
            "metadata": describe_metadata(metadata) if metadata else {},
            **({"metadataProblem": problem} if problem else {}),
            "registry": {
                "owner": plan.owner,
                "active": plan.active,
                "uri": plan.uri,
                "feeBps": plan.fee_bps,
                "price": describe_price(plan.terms),
                "credits": describe_credits(plan.terms),
            },
        }

    def get_plan_balance(self, plan_id: int | str, account_address: str | None = None) -> PlanBalance:
        """Read what an account, this one if none is named, has on a plan. Five requests. Raises UnknownPlan, InvalidAddress."""
        holder, account = self._desk.read_account(plan_id, account_address)
        plan, metadata, _ = self._desk.read_plan(plan_id)
        terms = plan.terms
        fixed = None if terms.is_quoted or terms.paid_externally else Decimal(terms.price)
        return PlanBalance(
            planId=str(plan.plan_id),
            planName=metadata.name if metadata else "",
            planType=name_kind(terms.kind),
            holderAddress=holder,
            balance=account.balance,
            creditsContract=self._desk.chain.credits.address,
            isSubscriber=self._desk.is_subscriber(account),
            isOwner=holder == plan.owner,
            accessUntil=account.access_until,
            pricePerCredit=fixed if fixed is None or terms.credits == 0 else fixed / terms.credits,
        )

    def get_agents_associated_to_plan(
        self, plan_id: int | str, pagination: PaginationOptions | None = None
    ) -> AgentPage:
        """List the agents that accept a plan. One request for each 500. A plan that nobody registered has none."""
        options = read_pagination(pagination)
        found = options.sort(read_plan_agents(self._desk.chain, plan_id))
        agents: list[dict[str, Any]] = [
            {"agentId": str(agent_id), "did": format_did(agent_id)}
            for agent_id in take_page(found, options.page, options.offset)
        ]
        return {"total": len(found), "page": options.page, "offset": options.offset, "agents": agents}

    # ------------------------------------------------------------------ use

    def order_plan(self, plan_id: int | str, max_cost: int | None = None) -> PlanOrdered:
        """Order a plan for this account, in the way of paying that needs the fewest transactions.

        ``max_cost``, in base units, is what it may cost at most; a plan whose price a contract names is not ordered without.
        Raises InvalidConfig, and as `nvm_chain.order_plan`.
        """
        if max_cost is None:
            check_fixed_price(read_terms(self._desk.chain, plan_id))
        receipt = order_plan(self._desk.chain, self._desk.signer, plan_id, max_cost=max_cost)
        return {
            "planId": str(receipt.plan_id),
            "agreementId": receipt.transaction.hash,
            "paid": receipt.paid,
            "credits": receipt.credits_granted,
            "success": True,
            "txHash": receipt.transaction.hash,
        }

    def order_fiat_plan(self, plan_id: int | str) -> PlanOrdered:
        """Refuse: nobody takes cards here. Raises NeedsVendor, which names the way that there is."""
        raise NeedsVendor(f"a checkout by card for plan {parse_plan_id(plan_id)}", pricing.FIAT_WAY)

    def mint_plan_credits(self, plan_id: int | str, credits_amount: int | str, credits_receiver: str) -> CreditsMoved:
        """Give credits of a plan without payment. Plan owner or minter only. One transaction. Raises as `nvm_chain.mint_credits`."""
        amount = read_amount(credits_amount, "credits_amount")
        receipt = mint_credits(self._desk.chain, self._desk.signer, plan_id, credits_receiver, amount)
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)

    def mint_plan_expirable(
        self, plan_id: int | str, credits_amount: int | str, credits_receiver: str, credits_duration: int | str = 0
    ) -> CreditsMoved:
        """Give credits that expire after the plan's own duration, in seconds, which is the only one that there is.

        ``credits_duration`` 0 stands for it; any other number but it raises InvalidConfig. Raises as `mint_plan_credits`.
        """
        duration = read_terms(self._desk.chain, plan_id).duration
        wanted = read_amount(credits_duration, "credits_duration")
        if not duration or wanted not in (0, duration):
            lasts = f"{duration} seconds" if duration else "for ever"
            raise InvalidConfig(
                f"credits of this plan last {lasts}, as its terms say, not {wanted} seconds; register a plan with that duration"
            )
        return self.mint_plan_credits(plan_id, credits_amount, credits_receiver)

    def burn_credits(self, plan_id: int | str, credits_amount: int | str) -> CreditsMoved:
        """Destroy credits of this account's own. One transaction. Raises as `nvm_chain.burn_credits`."""
        amount = read_amount(credits_amount, "credits_amount")
        receipt = burn_credits(self._desk.chain, self._desk.signer, plan_id, amount)
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)

    def redeem_credits(
        self, agent_request_id: str, plan_id: int | str, redeem_from: str, credits_amount_to_redeem: int | str
    ) -> CreditsMoved:
        """Take credits of a holder for a request, whose id goes to the event. One transaction.

        Who may do so is in the plan's redemption rule. ``agent_request_id`` is a UUID or a text of at most 32 bytes. Raises as
        `nvm_chain.redeem_credits`.
        """
        amount = read_amount(credits_amount_to_redeem, "credits_amount_to_redeem")
        receipt = redeem_credits(
            self._desk.chain,
            self._desk.signer,
            plan_id,
            amount,
            holder=parse_address(redeem_from, "redeem_from"),
            context=_read_request_id(agent_request_id),
        )
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)


_HINTS: Final = {
    "time": "get_expirable_duration_config or get_non_expirable_duration_config makes those",
    "credits": "get_fixed_credits_config or get_dynamic_credits_config makes those, with duration_seconds where they expire",
}


def register(
    desk: Desk, metadata: PlanMetadata, price: PriceConfig, credits: CreditsConfig, salt: bytes | None = None
) -> RegisteredPlan:
    """Register a plan with its metadata, a trial where either says so. Raises as `nvm_chain.register_plan`.

    The documents' own examples cost one base unit, so a price that looks like a mistake is taken, and logged.
    """
    check_configs(price, credits)
    is_trial = metadata.is_trial_plan or credits.trial
    credits = replace(credits, trial=is_trial)
    metadata = replace(metadata, is_trial_plan=is_trial)
    try:
        check_price(desk.chain, price)
    except SuspiciousPrice as error:
        least = f"{error.amount} base units of {error.symbol}, which has {error.decimals} decimals"
        logger.warning(
            "A receiver of plan %r gets %s. If whole units were meant, register it anew.", metadata.name, least
        )
    return publish_plan(
        desk.chain, desk.signer, metadata, price, credits, store=desk.store, salt=salt, allow_tiny_price=True
    )


def check_configs(price: PriceConfig, credits: CreditsConfig) -> None:
    """Raise InvalidConfig for anything but a price and a credits config."""
    check_kind("price_config", price, PriceConfig, "get_erc20_price_config(amount, token, receiver)")
    check_kind("credits_config", credits, CreditsConfig, "get_fixed_credits_config(100)")


def check_fixed_price(terms: Terms) -> None:
    """Raise InvalidConfig for a plan whose price a contract names: nobody knows before what it will be."""
    if terms.is_quoted:
        raise InvalidConfig(
            "a contract names the price of this plan; give the most that you pay, payments.plans.order_plan(plan_id, max_cost)"
        )


def _as_trial(metadata: PlanMetadata | Mapping[str, Any]) -> PlanMetadata:
    return replace(read_plan_metadata(metadata), is_trial_plan=True)


def _moved(plan_id: int, amount: int, transaction_hash: str) -> CreditsMoved:
    return {"planId": str(plan_id), "amount": str(amount), "success": True, "txHash": transaction_hash}


def _read_request_id(text: str) -> str | UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return text
