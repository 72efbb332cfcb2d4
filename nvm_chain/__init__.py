"""Payment plans for AI services, fully on chain: register a plan, order it with USDC, redeem its credits.

The names below are the public API. Importing the package does no work: each name loads its module when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvm_chain import agent_types as agent_types
    from nvm_chain import agents as agents
    from nvm_chain import contract_errors as contract_errors
    from nvm_chain import credits as credits
    from nvm_chain import endpoints as endpoints
    from nvm_chain import errors as errors
    from nvm_chain import metadata as metadata
    from nvm_chain import orders as orders
    from nvm_chain import plans as plans
    from nvm_chain import pricing as pricing
    from nvm_chain import tokens as tokens
    from nvm_chain import types as types
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
    from nvm_chain.chain import Chain as Chain
    from nvm_chain.connecting import connect as connect
    from nvm_chain.credits import burn_credits as burn_credits
    from nvm_chain.credits import can_redeem as can_redeem
    from nvm_chain.credits import mint_credits as mint_credits
    from nvm_chain.credits import mint_credits_batch as mint_credits_batch
    from nvm_chain.credits import read_account as read_account
    from nvm_chain.credits import read_balance as read_balance
    from nvm_chain.credits import read_balances as read_balances
    from nvm_chain.credits import redeem_credits as redeem_credits
    from nvm_chain.credits import transfer_credits as transfer_credits
    from nvm_chain.endpoints import Endpoint as Endpoint
    from nvm_chain.endpoints import match_endpoint as match_endpoint
    from nvm_chain.errors import NvmChainError as NvmChainError
    from nvm_chain.ids import format_did as format_did
    from nvm_chain.ids import parse_plan_id as parse_plan_id
    from nvm_chain.keys import read_key_from_environment as read_key_from_environment
    from nvm_chain.keys import read_keyfile as read_keyfile
    from nvm_chain.metadata import AgentMetadata as AgentMetadata
    from nvm_chain.metadata import build_metadata_uri as build_metadata_uri
    from nvm_chain.metadata import parse_metadata_uri as parse_metadata_uri
    from nvm_chain.orders import order_plan as order_plan
    from nvm_chain.plans import accept_plan_ownership as accept_plan_ownership
    from nvm_chain.plans import quote_plan as quote_plan
    from nvm_chain.plans import read_plan as read_plan
    from nvm_chain.plans import register_plan as register_plan
    from nvm_chain.plans import set_minter as set_minter
    from nvm_chain.plans import set_plan_active as set_plan_active
    from nvm_chain.plans import set_plan_uri as set_plan_uri
    from nvm_chain.plans import set_redeemer as set_redeemer
    from nvm_chain.plans import transfer_plan_ownership as transfer_plan_ownership
    from nvm_chain.pricing import get_dynamic_credits_config as get_dynamic_credits_config
    from nvm_chain.pricing import get_erc20_price_config as get_erc20_price_config
    from nvm_chain.pricing import get_fixed_credits_config as get_fixed_credits_config
    from nvm_chain.pricing import get_free_price_config as get_free_price_config
    from nvm_chain.pricing import get_native_token_price_config as get_native_token_price_config
    from nvm_chain.pricing import get_split_price_config as get_split_price_config
    from nvm_chain.tokens import mint_test_usdc as mint_test_usdc
    from nvm_chain.types import Rule as Rule
    from nvm_chain.units import ether as ether
    from nvm_chain.units import format_units as format_units
    from nvm_chain.units import parse_units as parse_units
    from nvm_chain.units import usdc as usdc

__version__ = "0.1.0"

_MODULES = (
    "agent_types",
    "agents",
    "contract_errors",
    "credits",
    "endpoints",
    "errors",
    "metadata",
    "orders",
    "plans",
    "pricing",
    "tokens",
    "types",
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
    "chain": ("Chain",),
    "connecting": ("connect",),
    "credits": (
        "burn_credits",
        "can_redeem",
        "mint_credits",
        "mint_credits_batch",
        "read_account",
        "read_balance",
        "read_balances",
        "redeem_credits",
        "transfer_credits",
    ),
    "endpoints": (
        "Endpoint",
        "match_endpoint",
    ),
    "errors": ("NvmChainError",),
    "ids": ("format_did", "parse_plan_id"),
    "keys": ("read_key_from_environment", "read_keyfile"),
    "metadata": (
        "AgentMetadata",
        "build_metadata_uri",
        "parse_metadata_uri",
    ),
    "orders": ("order_plan",),
    "plans": (
        "accept_plan_ownership",
        "quote_plan",
        "read_plan",
        "register_plan",
        "set_minter",
        "set_plan_active",
        "set_plan_uri",
        "set_redeemer",
        "transfer_plan_ownership",
    ),
    "pricing": (
        "get_dynamic_credits_config",
        "get_erc20_price_config",
        "get_fixed_credits_config",
        "get_free_price_config",
        "get_native_token_price_config",
        "get_split_price_config",
    ),
    "tokens": ("mint_test_usdc",),
    "types": ("Rule",),
    "units": ("ether", "format_units", "parse_units", "usdc"),
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
