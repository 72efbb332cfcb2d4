"""Registration of a plan with its metadata, for both generations of the API. Marks trials, and refuses suspicious prices."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidConfig, SuspiciousPrice
from nvm_chain.metadata.documents import PlanMetadata
from nvm_chain.operations.plans import check_price
from nvm_chain.operations.publishing import publish_plan
from nvm_chain.payments.parameters import check_kind, read_plan_metadata
from nvm_chain.payments.session import Session
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.prices import PriceConfig

AccessLimit = Literal["credits", "time"]
_HINTS: Final = {
    "time": "make them with `get_expirable_duration_config` or `get_non_expirable_duration_config`",
    "credits": "make them with `get_fixed_credits_config` or `get_dynamic_credits_config`; `duration_seconds` lets them expire",
}
logger = logging.getLogger("nvm_chain")


def register(
    session: Session,
    metadata: PlanMetadata,
    price: PriceConfig,
    credits: CreditsConfig,
    salt: bytes | None = None,
    *,
    allow_tiny_price: bool = False,
    takes_one: bool = False,
) -> RegisteredPlan:
    """Register a plan with its metadata. The plan is a trial if the metadata or the credits config marks it as a trial.

    Args:
        session: The session of the account that registers.
        metadata: The metadata of the plan.
        price: The price of one purchase.
        credits: The grant of one purchase.
        salt: 32 bytes that distinguish plans with equal terms. Default: random.
        allow_tiny_price: Whether a price below a thousandth of one token, or a billionth of the native coin, is allowed.
        takes_one: Whether a price of exactly 1 base unit is allowed with a warning. The examples of the first generation
            have this price.

    Raises:
        InvalidConfig: An argument is not a price or credits config.
        SuspiciousPrice: The price is below the limit of ``allow_tiny_price``, and probably counts whole tokens.
        NvmChainError: The errors of `nvm_chain.register_plan`.
    """
    check_configs(price, credits)
    is_trial = metadata.is_trial_plan or credits.trial
    credits = replace(credits, trial=is_trial)
    metadata = replace(metadata, is_trial_plan=is_trial)
    if not allow_tiny_price:
        _refuse_tiny_price(session, metadata.name, price, takes_one=takes_one)
    return publish_plan(
        session.chain,
        session.signer,
        metadata,
        price,
        credits,
        store=session.store,
        salt=salt,
        allow_tiny_price=True,
    )


def _refuse_tiny_price(session: Session, name: str, price: PriceConfig, *, takes_one: bool) -> None:
    try:
        check_price(session.chain, price)
    except SuspiciousPrice as error:
        if not takes_one or error.amount != 1:
            raise
        logger.warning(
            "Plan %r costs 1 base unit of %s. If the price should be 1 %s, register a new plan.",
            name,
            *[error.symbol] * 2,
        )


def check_configs(price: PriceConfig, credits: CreditsConfig) -> None:
    """Raise InvalidConfig if the arguments are not a price config and a credits config."""
    check_kind("price_config", price, PriceConfig, "get_erc20_price_config(amount, token, receiver)")
    check_kind("credits_config", credits, CreditsConfig, "get_fixed_credits_config(100)")


def check_limit(credits: CreditsConfig, limit: AccessLimit | None) -> None:
    """Raise InvalidConfig if the credits config does not have the kind in the method's name."""
    if limit not in (None, "credits", "time"):
        raise InvalidConfig(f"access_limit is {limit!r}", "give 'credits' or 'time'")
    if limit is not None and (limit == "time") is not (credits.kind is PlanKind.TIME):
        raise InvalidConfig(f"a plan of these credits is not limited by {limit}", _HINTS[limit])


def as_trial(metadata: PlanMetadata | Mapping[str, Any]) -> PlanMetadata:
    """Return a copy of a plan's metadata that marks the plan as a trial."""
    return replace(read_plan_metadata(metadata), is_trial_plan=True)
