"""The Payments API of payments-py 0.x and 1.x, the two documented generations of the hosted API, on chain.

Exports `Payments`, and every name that code for the documented generations imports. See docs/payments.md and docs/migration.md.
"""

from typing import TYPE_CHECKING, NoReturn

from nvm_chain.errors import NvmChainError as PaymentsError
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata
from nvm_chain.payments.agents_api import AgentsApi
from nvm_chain.payments.credits_configs import (
    PlanCreditsConfig,
    get_dynamic_credits_config,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_non_expirable_duration_config,
    get_pay_as_you_go_credits_config,
    set_redemption_type,
)
from nvm_chain.payments.first_generation import Payments
from nvm_chain.payments.hosted_names import HostedImports
from nvm_chain.payments.pagination import PaginationOptions
from nvm_chain.payments.plans_api import PlansApi
from nvm_chain.payments.price_configs import (
    PlanPriceConfig,
    get_crypto_price_config,
    get_erc20_price_config,
    get_fiat_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_pay_as_you_go_price_config,
)
from nvm_chain.payments.redemption_types import PlanRedemptionType
from nvm_chain.payments.results import (
    BalanceResultDto,
    BurnResultDto,
    CreateAssetResultDto,
    DownloadFileResultDto,
    MintResultDto,
    OrderPlanResultDto,
    PlanBalance,
    ServiceTokenResultDto,
    UsageResultDto,
)
from nvm_chain.payments.sdk_names import AgentAPIAttributes, AuthType, Endpoint
from nvm_chain.payments.session import Gateway
from nvm_chain.signing.service_tokens import read_service_token
from nvm_chain.types.credits import (
    ONE_DAY_DURATION,
    ONE_HOUR_DURATION,
    ONE_MONTH_DURATION,
    ONE_WEEK_DURATION,
    ONE_YEAR_DURATION,
)

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
    "UsageResultDto",
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

if not TYPE_CHECKING:  # type checkers know which names are missing
    _hosted = HostedImports.install(__name__, __all__)

    def __getattr__(name: str) -> NoReturn:
        """Refuse an unknown name. Raises HostedName for a name of the hosted API, else AttributeError."""
        _hosted.refuse(name)
