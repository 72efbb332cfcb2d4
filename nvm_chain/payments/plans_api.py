"""``payments.plans``: register, read, order and change plans, under the names of the second documented generation."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from nvm_chain.errors import InvalidConfig, NeedsVendor
from nvm_chain.metadata.documents import PlanMetadata, describe_metadata
from nvm_chain.operations.agents import read_plan_agents
from nvm_chain.operations.credits import burn_credits, mint_credits, redeem_credits
from nvm_chain.operations.orders import order_plan
from nvm_chain.payments import credits_configs, price_configs
from nvm_chain.payments.ddo import describe_credits, describe_price, name_kind
from nvm_chain.payments.hosted_names import ON_PLANS, Refuses
from nvm_chain.payments.id_kinds import explain_id
from nvm_chain.payments.ordering import check_fixed_price, pay_for_request, read_request_id
from nvm_chain.payments.pagination import PaginationOptions, read_pagination
from nvm_chain.payments.parameters import read_amount, read_plan_metadata
from nvm_chain.payments.plan_registration import AccessLimit, as_trial, check_configs, check_limit, register
from nvm_chain.payments.results import (
    AgentPage,
    CreditsMoved,
    PlanBalance,
    PlanOrdered,
    Registered,
    UsagePaid,
    take_page,
)
from nvm_chain.payments.session import Session
from nvm_chain.types import credits as durations
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import format_did, parse_plan_id
from nvm_chain.types.prices import PriceConfig

SALT_BITS: Final = 256


class PlansApi(Refuses):
    """Plans, with the methods of a Payments object's account. Every method takes ids in any spelling."""

    _hosted_prefix = "payments.plans"
    _hosted = ON_PLANS

    ONE_HOUR_DURATION = durations.ONE_HOUR_DURATION
    ONE_DAY_DURATION = durations.ONE_DAY_DURATION
    ONE_WEEK_DURATION = durations.ONE_WEEK_DURATION
    ONE_MONTH_DURATION = durations.ONE_MONTH_DURATION
    ONE_YEAR_DURATION = durations.ONE_YEAR_DURATION

    get_fiat_price_config = staticmethod(price_configs.get_fiat_price_config)
    get_crypto_price_config = staticmethod(price_configs.get_crypto_price_config)
    get_erc20_price_config = staticmethod(price_configs.get_erc20_price_config)
    get_free_price_config = staticmethod(price_configs.get_free_price_config)
    get_native_token_price_config = staticmethod(price_configs.get_native_token_price_config)
    get_pay_as_you_go_price_config = staticmethod(price_configs.get_pay_as_you_go_price_config)
    get_expirable_duration_config = staticmethod(credits_configs.get_expirable_duration_config)
    get_non_expirable_duration_config = staticmethod(credits_configs.get_non_expirable_duration_config)
    get_fixed_credits_config = staticmethod(credits_configs.get_fixed_credits_config)
    get_dynamic_credits_config = staticmethod(credits_configs.get_dynamic_credits_config)
    get_pay_as_you_go_credits_config = staticmethod(credits_configs.get_pay_as_you_go_credits_config)
    set_redemption_type = staticmethod(credits_configs.set_redemption_type)

    def __init__(self, session: Session) -> None:
        """Store the session, which has the account and the chain."""
        self._session = session

    # ------------------------------------------------------------------ register

    def register_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        nonce: int | None = None,
        access_limit: AccessLimit | None = None,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a plan of any kind. This account becomes its owner. Sends one transaction.

        Args:
            plan_metadata: The metadata of the plan, as PlanMetadata or a dictionary.
            price_config: The price of one purchase.
            credits_config: The grant of one purchase.
            nonce: A number that distinguishes plans with equal terms. Default: random. Equal terms with an equal nonce can
                be registered only once.
            access_limit: The expected limit of the plan, ``credits`` or ``time``. Default: no check.
            allow_tiny_price: Whether a price below a thousandth of one token, or a billionth of the native coin, is
                allowed.

        Raises:
            SuspiciousPrice: The price is below the limit of ``allow_tiny_price``, and probably counts whole tokens.
            InvalidConfig: The credits config does not fit ``access_limit``.
            InvalidMetadata: The metadata is invalid.
            NvmChainError: The errors of `nvm_chain.register_plan`.
        """
        check_configs(price_config, credits_config)
        check_limit(credits_config, access_limit)
        salt = None if nonce is None else check_uint(nonce, SALT_BITS, "nonce").to_bytes(32)
        metadata = read_plan_metadata(plan_metadata)
        registered = register(
            self._session, metadata, price_config, credits_config, salt, allow_tiny_price=allow_tiny_price
        )
        return {"planId": str(registered.plan_id), "success": True, "txHash": registered.transaction.hash}

    def register_credits_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a credits plan or a usage plan. Raises the errors of `register_plan`."""
        return self.register_plan(
            plan_metadata, price_config, credits_config, access_limit="credits", allow_tiny_price=allow_tiny_price
        )

    def register_time_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a time plan. Raises the errors of `register_plan`."""
        return self.register_plan(
            plan_metadata, price_config, credits_config, access_limit="time", allow_tiny_price=allow_tiny_price
        )

    def register_credits_trial_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a trial credits plan. Each holder gets a trial only once. Raises the errors of `register_plan`."""
        return self.register_credits_plan(
            as_trial(plan_metadata), price_config, credits_config, allow_tiny_price=allow_tiny_price
        )

    def register_time_trial_plan(
        self,
        plan_metadata: PlanMetadata | Mapping[str, Any],
        price_config: PriceConfig,
        credits_config: CreditsConfig,
        *,
        allow_tiny_price: bool = False,
    ) -> Registered:
        """Register a trial time plan. Each holder gets a trial only once. Raises the errors of `register_plan`."""
        return self.register_time_plan(
            as_trial(plan_metadata), price_config, credits_config, allow_tiny_price=allow_tiny_price
        )

    # ------------------------------------------------------------------ read

    def get_plan(self, plan_id: int | str) -> dict[str, Any]:
        """Read a plan: its metadata, and its state on the chain under ``registry``. Makes three requests.

        Unreadable metadata is empty, and ``metadataProblem`` gives the reason. Raises UnknownPlan, MetadataMismatch.
        """
        plan, metadata, problem = self._session.read_plan(plan_id)
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
        """Read the balance of an account on a plan. The default is this account. Makes five requests.

        Raises UnknownPlan, InvalidAddress.
        """
        holder, account = self._session.read_account(plan_id, account_address)
        plan, metadata, _ = self._session.read_plan(plan_id)
        terms = plan.terms
        fixed = None if terms.is_quoted or terms.paid_externally else Decimal(terms.price)
        return PlanBalance(
            planId=str(plan.plan_id),
            planName=metadata.name if metadata else "",
            planType=name_kind(terms.kind),
            holderAddress=holder,
            balance=account.balance,
            creditsContract=self._session.chain.credits.address,
            isSubscriber=self._session.is_subscriber(account),
            isOwner=holder == plan.owner,
            accessUntil=account.access_until,
            pricePerCredit=fixed if fixed is None or terms.credits == 0 else fixed / terms.credits,
        )

    def get_agents_associated_to_plan(
        self, plan_id: int | str, pagination: PaginationOptions | None = None
    ) -> AgentPage:
        """List the agents that accept a plan. Makes one request for each 500 agents. An unknown plan gives an empty list."""
        options = read_pagination(pagination)
        found = options.sort(read_plan_agents(self._session.chain, plan_id))
        agents: list[dict[str, Any]] = [
            {"agentId": str(agent_id), "did": format_did(agent_id)}
            for agent_id in take_page(found, options.page, options.offset)
        ]
        return {"total": len(found), "page": options.page, "offset": options.offset, "agents": agents}

    # ------------------------------------------------------------------ use

    def order_plan(self, plan_id: int | str, max_cost: int | str | None = None) -> PlanOrdered:
        """Order a plan for this account, with the payment method that needs the fewest transactions.

        ``max_cost`` is the highest accepted cost in base units. It is required if a contract sets the price of the plan.
        Raises InvalidConfig, and the errors of `nvm_chain.order_plan`.
        """
        if max_cost is None:
            check_fixed_price(self._session.read_terms(plan_id))
        limit = None if max_cost is None else read_amount(max_cost, "max_cost")
        with explain_id(self._session.chain, plan_id, "a plan"):
            receipt = order_plan(self._session.chain, self._session.signer, plan_id, max_cost=limit)
        return {
            "planId": str(receipt.plan_id),
            "agreementId": receipt.transaction.hash,
            "paid": str(receipt.paid),
            "credits": receipt.credits_granted,
            "success": True,
            "txHash": receipt.transaction.hash,
        }

    def pay_usage(
        self,
        plan_id: int | str,
        quantity: int | str = 1,
        *,
        max_cost: int | str | None = None,
        request_id: str = "",
    ) -> UsagePaid:
        """Pay for a request of a usage plan from this account. Sends one transaction, or two with an approval.

        Args:
            plan_id: The plan, in any spelling.
            quantity: The number of units to pay for.
            max_cost: The highest accepted cost, in base units. Required if a contract sets the price.
            request_id: The id of the request, a UUID or a text of at most 32 bytes. The seller finds it in the event.

        Raises:
            WrongKind: The plan is not a usage plan. Use `order_plan`.
            NvmChainError: The errors of `nvm_chain.pay_usage`.
        """
        receipt = pay_for_request(self._session, plan_id, quantity, max_cost, request_id)
        return {
            "planId": str(receipt.plan_id),
            "paid": str(receipt.paid),
            "quantity": receipt.quantity,
            "success": True,
            "txHash": receipt.transaction.hash,
        }

    def order_fiat_plan(self, plan_id: int | str) -> PlanOrdered:
        """Raise NeedsVendor, because this package does not take cards. The error names the alternative."""
        raise NeedsVendor(
            f"a checkout by card for plan {format_did(parse_plan_id(plan_id))}", price_configs.FIAT_ADVICE
        )

    def mint_plan_credits(self, plan_id: int | str, credits_amount: int | str, credits_receiver: str) -> CreditsMoved:
        """Grant credits of a plan without payment. Plan owner or minter only. Sends one transaction.

        Raises the errors of `nvm_chain.mint_credits`.
        """
        amount = read_amount(credits_amount, "credits_amount")
        with explain_id(self._session.chain, plan_id, "a plan"):
            receipt = mint_credits(self._session.chain, self._session.signer, plan_id, credits_receiver, amount)
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)

    def mint_plan_expirable(
        self, plan_id: int | str, credits_amount: int | str, credits_receiver: str, credits_duration: int | str = 0
    ) -> CreditsMoved:
        """Grant credits that expire after the plan's duration.

        ``credits_duration`` is the plan's duration in seconds, or 0. Any other number raises InvalidConfig. The method also
        raises the errors of `mint_plan_credits`.
        """
        duration = self._session.read_terms(plan_id).duration
        wanted = read_amount(credits_duration, "credits_duration")
        if not duration or wanted not in (0, duration):
            lasts = f"{duration} seconds" if duration else "for ever"
            raise InvalidConfig(
                f"credits of this plan last {lasts}, as its terms say, not {wanted} seconds",
                "register a plan with that duration",
            )
        return self.mint_plan_credits(plan_id, credits_amount, credits_receiver)

    def burn_credits(self, plan_id: int | str, credits_amount: int | str) -> CreditsMoved:
        """Destroy credits of this account. Sends one transaction. Raises the errors of `nvm_chain.burn_credits`."""
        amount = read_amount(credits_amount, "credits_amount")
        receipt = burn_credits(self._session.chain, self._session.signer, plan_id, amount)
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)

    def redeem_credits(
        self, agent_request_id: str, plan_id: int | str, redeem_from: str, credits_amount_to_redeem: int | str
    ) -> CreditsMoved:
        """Redeem credits of a holder for a request. The event contains the id of the request. Sends one transaction.

        The plan's redemption rule says who may redeem. ``agent_request_id`` is a UUID or a text of at most 32 bytes. Raises
        the errors of `nvm_chain.redeem_credits`.
        """
        amount = read_amount(credits_amount_to_redeem, "credits_amount_to_redeem")
        receipt = redeem_credits(
            self._session.chain,
            self._session.signer,
            plan_id,
            amount,
            holder=parse_address(redeem_from, "redeem_from"),
            context=read_request_id(agent_request_id),
        )
        return _moved(receipt.plan_id, amount, receipt.transaction.hash)


def _moved(plan_id: int, amount: int, transaction_hash: str) -> CreditsMoved:
    return {"planId": str(plan_id), "amount": str(amount), "success": True, "txHash": transaction_hash}
