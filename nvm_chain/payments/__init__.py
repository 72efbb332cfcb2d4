"""The Payments API of the two documented generations, on chain.

`Payments` and all names that code for it imports. See docs/payments.md and docs/migration.md.
"""

from nvm_chain.errors import NvmChainError as PaymentsError
from nvm_chain.metadata import AgentMetadata, PlanMetadata
from nvm_chain.payments.access import read_service_token
from nvm_chain.payments.agents_api import AgentsApi
from nvm_chain.payments.desk import Gateway
from nvm_chain.payments.face import Payments
from nvm_chain.payments.plans_api import PaginationOptions, PlansApi
from nvm_chain.payments.results import (
    BalanceResultDto,
    BurnResultDto,
    CreateAssetResultDto,
    DownloadFileResultDto,
    MintResultDto,
    OrderPlanResultDto,
    PlanBalance,
    ServiceTokenResultDto,
)
from nvm_chain.payments.sdk_names import AgentAPIAttributes, AuthType, Endpoint
from nvm_chain.pricing import (
    ONE_DAY_DURATION,
    ONE_HOUR_DURATION,
    ONE_MONTH_DURATION,
    ONE_WEEK_DURATION,
    ONE_YEAR_DURATION,
    get_crypto_price_config,
    get_dynamic_credits_config,
    get_erc20_price_config,
    get_expirable_duration_config,
    get_fiat_price_config,
    get_fixed_credits_config,
    get_free_price_config,
    get_native_token_price_config,
    get_non_expirable_duration_config,
    get_pay_as_you_go_credits_config,
    get_pay_as_you_go_price_config,
    set_redemption_type,
)
from nvm_chain.types import CreditsConfig as PlanCreditsConfig
from nvm_chain.types import PlanRedemptionType
from nvm_chain.types import PriceConfig as PlanPriceConfig

__all__ = [
    "ONE_DAY_DURATION",
    "ONE_HOUR_DURATION",
    "ONE_MONTH_DURATION",
    "ONE_WEEK_DURATION",
    "ONE_YEAR_DURATION",
    "AgentAPIAttributes",
    "AgentMetadata",
    "AgentsApi",
    "AuthType",
    "BalanceResultDto",
    "BurnResultDto",
    "CreateAssetResultDto",
    "DownloadFileResultDto",
    "Endpoint",
    "Gateway",
    "MintResultDto",
    "OrderPlanResultDto",
    "PaginationOptions",
    "Payments",
    "PaymentsError",
    "PlanBalance",
    "PlanCreditsConfig",
    "PlanMetadata",
    "PlanPriceConfig",
    "PlanRedemptionType",
    "PlansApi",
    "ServiceTokenResultDto",
    "get_crypto_price_config",
    "get_dynamic_credits_config",
    "get_erc20_price_config",
    "get_expirable_duration_config",
    "get_fiat_price_config",
    "get_fixed_credits_config",
    "get_free_price_config",
    "get_native_token_price_config",
    "get_non_expirable_duration_config",
    "get_pay_as_you_go_credits_config",
    "get_pay_as_you_go_price_config",
    "read_service_token",
    "set_redemption_type",
]
