"""Payment plans for AI services, fully on chain: register a plan, order it with USDC, redeem its credits.

The names below are the public API. Importing the package does no work: each name loads its module when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvm_chain import agent_types as agent_types
    from nvm_chain import agents as agents
    from nvm_chain import authorizations as authorizations
    from nvm_chain import contract_errors as contract_errors
    from nvm_chain import credits as credits
    from nvm_chain import endpoints as endpoints
    from nvm_chain import errors as errors
    from nvm_chain import metadata as metadata
    from nvm_chain import orders as orders
    from nvm_chain import payments as payments
    from nvm_chain import permits as permits
    from nvm_chain import plans as plans
    from nvm_chain import pricing as pricing
    from nvm_chain import statements as statements
    from nvm_chain import tokens as tokens
    from nvm_chain import types as types
    from nvm_chain import vouchers as vouchers
    from nvm_chain.agent_types import AttachedPlan as AttachedPlan
    from nvm_chain.agents import attach_plan as attach_plan
    from nvm_chain.agents import detach_plan as detach_plan
    from nvm_chain.agents import find_cost as find_cost
    from nvm_chain.agents import read_agent as read_agent
    from nvm_chain.agents import read_agent_plans as read_agent_plans
    from nvm_chain.agents import read_plan_agents as read_plan_agents
    from nvm_chain.agents import register_agent as register_agent
    from nvm_chain.agents import replace_plans as replace_plans
    from nvm_chain.agents import transfer_agent as transfer_agent
    from nvm_chain.agents import update_agent as update_agent
    from nvm_chain.authorizations import OrderAuthorization as OrderAuthorization
    from nvm_chain.authorizations import SignedOrder as SignedOrder
    from nvm_chain.authorizations import build_order_authorization as build_order_authorization
    from nvm_chain.authorizations import sign_order as sign_order
    from nvm_chain.authorizations import verify_order as verify_order
    from nvm_chain.chain import Chain as Chain
    from nvm_chain.connecting import connect as connect
    from nvm_chain.credits import burn_credits as burn_credits
    from nvm_chain.credits import can_redeem as can_redeem
    from nvm_chain.credits import grant_external as grant_external
    from nvm_chain.credits import has_access as has_access
    from nvm_chain.credits import is_reference_used as is_reference_used
    from nvm_chain.credits import mint_credits as mint_credits
    from nvm_chain.credits import mint_credits_batch as mint_credits_batch
    from nvm_chain.credits import read_access_until as read_access_until
    from nvm_chain.credits import read_account as read_account
    from nvm_chain.credits import read_balance as read_balance
    from nvm_chain.credits import read_balances as read_balances
    from nvm_chain.credits import read_lots as read_lots
    from nvm_chain.credits import redeem_credits as redeem_credits
    from nvm_chain.credits import transfer_credits as transfer_credits
    from nvm_chain.downloads import download as download
    from nvm_chain.eip712 import Domain as Domain
    from nvm_chain.endpoints import Endpoint as Endpoint
    from nvm_chain.endpoints import match_endpoint as match_endpoint
    from nvm_chain.errors import NvmChainError as NvmChainError
    from nvm_chain.file_entries import FileEntry as FileEntry
    from nvm_chain.folder_store import FolderStore as FolderStore
    from nvm_chain.ids import format_did as format_did
    from nvm_chain.ids import parse_agent_id as parse_agent_id
    from nvm_chain.ids import parse_plan_id as parse_plan_id
    from nvm_chain.ipfs_store import IpfsStore as IpfsStore
    from nvm_chain.keys import read_key_from_environment as read_key_from_environment
    from nvm_chain.keys import read_keyfile as read_keyfile
    from nvm_chain.metadata import AgentMetadata as AgentMetadata
    from nvm_chain.metadata import PlanMetadata as PlanMetadata
    from nvm_chain.metadata import build_metadata_uri as build_metadata_uri
    from nvm_chain.metadata import hash_metadata as hash_metadata
    from nvm_chain.metadata import parse_metadata_uri as parse_metadata_uri
    from nvm_chain.orders import order_plan as order_plan
    from nvm_chain.payments.desk import Gateway as Gateway
    from nvm_chain.payments.face import Payments as Payments
    from nvm_chain.permits import Permit as Permit
    from nvm_chain.permits import PermitSignature as PermitSignature
    from nvm_chain.permits import sign_permit as sign_permit
    from nvm_chain.plans import accept_plan_ownership as accept_plan_ownership
    from nvm_chain.plans import quote_plan as quote_plan
    from nvm_chain.plans import read_plan as read_plan
    from nvm_chain.plans import read_protocol_fee as read_protocol_fee
    from nvm_chain.plans import register_plan as register_plan
    from nvm_chain.plans import set_minter as set_minter
    from nvm_chain.plans import set_plan_active as set_plan_active
    from nvm_chain.plans import set_plan_uri as set_plan_uri
    from nvm_chain.plans import set_redeemer as set_redeemer
    from nvm_chain.plans import transfer_plan_ownership as transfer_plan_ownership
    from nvm_chain.pricing import ONE_DAY_DURATION as ONE_DAY_DURATION
    from nvm_chain.pricing import ONE_HOUR_DURATION as ONE_HOUR_DURATION
    from nvm_chain.pricing import ONE_MONTH_DURATION as ONE_MONTH_DURATION
    from nvm_chain.pricing import ONE_WEEK_DURATION as ONE_WEEK_DURATION
    from nvm_chain.pricing import ONE_YEAR_DURATION as ONE_YEAR_DURATION
    from nvm_chain.pricing import get_crypto_price_config as get_crypto_price_config
    from nvm_chain.pricing import get_dynamic_credits_config as get_dynamic_credits_config
    from nvm_chain.pricing import get_erc20_price_config as get_erc20_price_config
    from nvm_chain.pricing import get_expirable_duration_config as get_expirable_duration_config
    from nvm_chain.pricing import get_external_price_config as get_external_price_config
    from nvm_chain.pricing import get_fiat_price_config as get_fiat_price_config
    from nvm_chain.pricing import get_fixed_credits_config as get_fixed_credits_config
    from nvm_chain.pricing import get_free_price_config as get_free_price_config
    from nvm_chain.pricing import get_native_token_price_config as get_native_token_price_config
    from nvm_chain.pricing import get_non_expirable_duration_config as get_non_expirable_duration_config
    from nvm_chain.pricing import get_pay_as_you_go_credits_config as get_pay_as_you_go_credits_config
    from nvm_chain.pricing import get_pay_as_you_go_price_config as get_pay_as_you_go_price_config
    from nvm_chain.pricing import get_quoted_price_config as get_quoted_price_config
    from nvm_chain.pricing import get_split_price_config as get_split_price_config
    from nvm_chain.pricing import set_redemption_type as set_redemption_type
    from nvm_chain.relaying import check_signed_order as check_signed_order
    from nvm_chain.relaying import relay_order as relay_order
    from nvm_chain.relaying import sign_plan_order as sign_plan_order
    from nvm_chain.settling import check_voucher as check_voucher
    from nvm_chain.settling import settle_vouchers as settle_vouchers
    from nvm_chain.settling import sign_next_voucher as sign_next_voucher
    from nvm_chain.statements.formats import format_movements_csv as format_movements_csv
    from nvm_chain.statements.formats import format_revenue_csv as format_revenue_csv
    from nvm_chain.statements.formats import format_statement_json as format_statement_json
    from nvm_chain.statements.reading import read_builder_statement as read_builder_statement
    from nvm_chain.statements.reading import read_holder_statement as read_holder_statement
    from nvm_chain.statements.reading import read_plan_statement as read_plan_statement
    from nvm_chain.statements.types import Statement as Statement
    from nvm_chain.storage import InlineStore as InlineStore
    from nvm_chain.storage import MetadataStore as MetadataStore
    from nvm_chain.storage import load_metadata as load_metadata
    from nvm_chain.token_domains import read_token_domain as read_token_domain
    from nvm_chain.tokens import mint_test_usdc as mint_test_usdc
    from nvm_chain.types import Activation as Activation
    from nvm_chain.types import HolderTotal as HolderTotal
    from nvm_chain.types import PlanKind as PlanKind
    from nvm_chain.types import PlanRedemptionType as PlanRedemptionType
    from nvm_chain.types import RedemptionRule as RedemptionRule
    from nvm_chain.types import SettlementResult as SettlementResult
    from nvm_chain.units import ether as ether
    from nvm_chain.units import format_units as format_units
    from nvm_chain.units import parse_units as parse_units
    from nvm_chain.units import usdc as usdc
    from nvm_chain.usage import pay_usage as pay_usage
    from nvm_chain.vouchers import SignedVoucher as SignedVoucher
    from nvm_chain.vouchers import Voucher as Voucher
    from nvm_chain.vouchers import VoucherVerifier as VoucherVerifier
    from nvm_chain.vouchers import build_voucher as build_voucher
    from nvm_chain.vouchers import next_ceiling as next_ceiling
    from nvm_chain.vouchers import sign_voucher as sign_voucher
    from nvm_chain.vouchers import verify_voucher as verify_voucher

__version__ = "0.1.0"

_MODULES = (
    "agent_types",
    "agents",
    "authorizations",
    "contract_errors",
    "credits",
    "endpoints",
    "errors",
    "metadata",
    "orders",
    "payments",
    "permits",
    "plans",
    "pricing",
    "statements",
    "tokens",
    "types",
    "vouchers",
)
_NAMES = {
    "agent_types": ("AttachedPlan",),
    "agents": (
        "attach_plan",
        "detach_plan",
        "find_cost",
        "read_agent",
        "read_agent_plans",
        "read_plan_agents",
        "register_agent",
        "replace_plans",
        "transfer_agent",
        "update_agent",
    ),
    "authorizations": ("OrderAuthorization", "SignedOrder", "build_order_authorization", "sign_order", "verify_order"),
    "chain": ("Chain",),
    "connecting": ("connect",),
    "credits": (
        "burn_credits",
        "can_redeem",
        "grant_external",
        "has_access",
        "is_reference_used",
        "mint_credits",
        "mint_credits_batch",
        "read_access_until",
        "read_account",
        "read_balance",
        "read_balances",
        "read_lots",
        "redeem_credits",
        "transfer_credits",
    ),
    "downloads": ("download",),
    "eip712": ("Domain",),
    "endpoints": ("Endpoint", "match_endpoint"),
    "errors": ("NvmChainError",),
    "file_entries": ("FileEntry",),
    "folder_store": ("FolderStore",),
    "ids": ("format_did", "parse_agent_id", "parse_plan_id"),
    "ipfs_store": ("IpfsStore",),
    "keys": ("read_key_from_environment", "read_keyfile"),
    "metadata": ("AgentMetadata", "PlanMetadata", "build_metadata_uri", "hash_metadata", "parse_metadata_uri"),
    "orders": ("order_plan",),
    "payments.desk": ("Gateway",),
    "payments.face": ("Payments",),
    "permits": ("Permit", "PermitSignature", "sign_permit"),
    "plans": (
        "accept_plan_ownership",
        "quote_plan",
        "read_plan",
        "read_protocol_fee",
        "register_plan",
        "set_minter",
        "set_plan_active",
        "set_plan_uri",
        "set_redeemer",
        "transfer_plan_ownership",
    ),
    "pricing": (
        "ONE_DAY_DURATION",
        "ONE_HOUR_DURATION",
        "ONE_MONTH_DURATION",
        "ONE_WEEK_DURATION",
        "ONE_YEAR_DURATION",
        "get_crypto_price_config",
        "get_dynamic_credits_config",
        "get_erc20_price_config",
        "get_expirable_duration_config",
        "get_external_price_config",
        "get_fiat_price_config",
        "get_fixed_credits_config",
        "get_free_price_config",
        "get_native_token_price_config",
        "get_non_expirable_duration_config",
        "get_pay_as_you_go_credits_config",
        "get_pay_as_you_go_price_config",
        "get_quoted_price_config",
        "get_split_price_config",
        "set_redemption_type",
    ),
    "relaying": ("check_signed_order", "relay_order", "sign_plan_order"),
    "settling": ("check_voucher", "settle_vouchers", "sign_next_voucher"),
    "storage": ("InlineStore", "MetadataStore", "load_metadata"),
    "statements.formats": ("format_movements_csv", "format_revenue_csv", "format_statement_json"),
    "statements.reading": ("read_builder_statement", "read_holder_statement", "read_plan_statement"),
    "statements.types": ("Statement",),
    "token_domains": ("read_token_domain",),
    "tokens": ("mint_test_usdc",),
    "types": ("Activation", "HolderTotal", "PlanKind", "PlanRedemptionType", "RedemptionRule", "SettlementResult"),
    "units": ("ether", "format_units", "parse_units", "usdc"),
    "usage": ("pay_usage",),
    "vouchers": (
        "SignedVoucher",
        "Voucher",
        "VoucherVerifier",
        "build_voucher",
        "next_ceiling",
        "sign_voucher",
        "verify_voucher",
    ),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted([*_MODULES, *_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _MODULES:
        return import_module(f"nvm_chain.{name}")
    if name in _HOMES:
        return getattr(import_module(f"nvm_chain.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nvm_chain' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
