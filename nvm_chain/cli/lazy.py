"""Modules of the package, imported at their first use. So `--help` does not wait for web3, which takes a second.

`from nvm_chain.cli.lazy import plans` stands for `from nvm_chain.operations import plans`. The import happens at the
first attribute access, such as `plans.read_plan`. If two rooms have a module of the same name, the module of the lower
room has its room's name as a prefix.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich import console as rich_console
    from rich import table as rich_table
    from rich import text as rich_text

    from nvm_chain import demo as demo
    from nvm_chain import enums as enums
    from nvm_chain import errors as errors
    from nvm_chain import metadata as metadata
    from nvm_chain import payments as payments
    from nvm_chain import statements as statements
    from nvm_chain import types as types
    from nvm_chain.chain import connecting as connecting
    from nvm_chain.chain import dev_accounts as dev_accounts
    from nvm_chain.chain import embedded as embedded
    from nvm_chain.chain import events as events
    from nvm_chain.chain import networks as networks
    from nvm_chain.chain import records as records
    from nvm_chain.chain import state_folder as state_folder
    from nvm_chain.chain import urls as chain_urls
    from nvm_chain.demo import serving as demo_serving
    from nvm_chain.errors import formatting as formatting
    from nvm_chain.errors import templates as errors_templates
    from nvm_chain.gateway import books as gateway_books
    from nvm_chain.gateway import checking as gateway_checking
    from nvm_chain.gateway import config as gateway_config
    from nvm_chain.gateway import connecting as gateway_connecting
    from nvm_chain.gateway import extras as gateway_extras
    from nvm_chain.gateway import running as gateway_running
    from nvm_chain.gateway import settlers as gateway_settlers
    from nvm_chain.gateway import usage_export as usage_export
    from nvm_chain.gateway.configuration import starting as configuration_starting
    from nvm_chain.gateway.facilitator import running as facilitator_running
    from nvm_chain.gateway.facilitator import settings as facilitator_settings
    from nvm_chain.gateway.sealing import references as sealing_references
    from nvm_chain.gateway.sealing import sealed_files as sealed_files
    from nvm_chain.gateway.webhooks import events as webhooks_events
    from nvm_chain.index import database as index_database
    from nvm_chain.index import following as index_following
    from nvm_chain.index import listing as index_listing
    from nvm_chain.index import reading as index_reading
    from nvm_chain.index import revenue as index_revenue
    from nvm_chain.index import schema as index_schema
    from nvm_chain.index import verifying as index_verifying
    from nvm_chain.index.report import data as report_data
    from nvm_chain.index.report import page as report_page
    from nvm_chain.index.report import types as report_types
    from nvm_chain.metadata import endpoint_costs as endpoint_costs
    from nvm_chain.metadata import endpoints as endpoints
    from nvm_chain.meter import operating as meter_operating
    from nvm_chain.meter import usage as meter_usage
    from nvm_chain.meter import verifying as meter_verifying
    from nvm_chain.meter.capacity import processes as capacity_processes
    from nvm_chain.meter.capacity import settlements as capacity_settlements
    from nvm_chain.meter.settling import first_use as first_use
    from nvm_chain.meter.settling import rules as settling_rules
    from nvm_chain.meter.store import deliveries as store_deliveries
    from nvm_chain.meter.store import payment_rows as payment_rows
    from nvm_chain.meter.store import payments as store_payments
    from nvm_chain.meter.store import usage as store_usage
    from nvm_chain.operations import agents as agents
    from nvm_chain.operations import credits as credits
    from nvm_chain.operations import deployment as deployment
    from nvm_chain.operations import holdings as holdings
    from nvm_chain.operations import named_orders as named_orders
    from nvm_chain.operations import openapi as openapi
    from nvm_chain.operations import orders as orders
    from nvm_chain.operations import plan_drafts as plan_drafts
    from nvm_chain.operations import plan_terms as plan_terms
    from nvm_chain.operations import plans as plans
    from nvm_chain.operations import settlement as settlement
    from nvm_chain.operations import settlement_forecast as settlement_forecast
    from nvm_chain.operations import signed_orders as signed_orders
    from nvm_chain.operations import token_domains as token_domains
    from nvm_chain.operations import tokens as tokens
    from nvm_chain.operations import transactions as transactions
    from nvm_chain.operations import usage as usage
    from nvm_chain.operations import voucher_checks as voucher_checks
    from nvm_chain.signing import key_files as key_files
    from nvm_chain.signing import keys as keys
    from nvm_chain.signing import order_names as order_names
    from nvm_chain.signing import signed_orders as signing_signed_orders
    from nvm_chain.signing import vouchers as vouchers
    from nvm_chain.statements import formats as statements_formats
    from nvm_chain.statements import periods as periods
    from nvm_chain.terms import grant_choices as grant_choices
    from nvm_chain.terms import money as terms_money
    from nvm_chain.terms import template_configs as template_configs
    from nvm_chain.terms import words as terms_words
    from nvm_chain.types import addresses as addresses
    from nvm_chain.types import agents as types_agents
    from nvm_chain.types import amounts as amounts
    from nvm_chain.types import atomic_files as atomic_files
    from nvm_chain.types import durations as durations
    from nvm_chain.types import ids as ids
    from nvm_chain.types import json_values as json_values
    from nvm_chain.types import token_labels as token_labels
    from nvm_chain.x402.facilitator import callers as facilitator_callers

__all__ = [
    "addresses",
    "agents",
    "amounts",
    "atomic_files",
    "capacity_processes",
    "capacity_settlements",
    "chain_urls",
    "configuration_starting",
    "connecting",
    "credits",
    "demo",
    "demo_serving",
    "deployment",
    "dev_accounts",
    "durations",
    "embedded",
    "endpoint_costs",
    "endpoints",
    "enums",
    "errors",
    "errors_templates",
    "events",
    "facilitator_callers",
    "facilitator_running",
    "facilitator_settings",
    "first_use",
    "formatting",
    "gateway_books",
    "gateway_checking",
    "gateway_config",
    "gateway_connecting",
    "gateway_extras",
    "gateway_running",
    "gateway_settlers",
    "grant_choices",
    "holdings",
    "ids",
    "index_database",
    "index_following",
    "index_listing",
    "index_reading",
    "index_revenue",
    "index_schema",
    "index_verifying",
    "json_values",
    "key_files",
    "keys",
    "metadata",
    "meter_operating",
    "meter_usage",
    "meter_verifying",
    "named_orders",
    "networks",
    "openapi",
    "order_names",
    "orders",
    "payment_rows",
    "payments",
    "periods",
    "plan_drafts",
    "plan_terms",
    "plans",
    "records",
    "report_data",
    "report_page",
    "report_types",
    "rich_console",
    "rich_table",
    "rich_text",
    "sealed_files",
    "sealing_references",
    "settlement",
    "settlement_forecast",
    "settling_rules",
    "signed_orders",
    "signing_signed_orders",
    "state_folder",
    "statements",
    "statements_formats",
    "store_deliveries",
    "store_payments",
    "store_usage",
    "template_configs",
    "terms_money",
    "terms_words",
    "token_domains",
    "token_labels",
    "tokens",
    "transactions",
    "types",
    "types_agents",
    "usage",
    "usage_export",
    "voucher_checks",
    "vouchers",
    "webhooks_events",
]

_MODULES = {
    "token_domains": "nvm_chain.operations.token_domains",
    "facilitator_settings": "nvm_chain.gateway.facilitator.settings",
    "facilitator_running": "nvm_chain.gateway.facilitator.running",
    "facilitator_callers": "nvm_chain.x402.facilitator.callers",
    "addresses": "nvm_chain.types.addresses",
    "agents": "nvm_chain.operations.agents",
    "amounts": "nvm_chain.types.amounts",
    "atomic_files": "nvm_chain.types.atomic_files",
    "connecting": "nvm_chain.chain.connecting",
    "credits": "nvm_chain.operations.credits",
    "demo": "nvm_chain.demo",
    "demo_serving": "nvm_chain.demo.serving",
    "deployment": "nvm_chain.operations.deployment",
    "dev_accounts": "nvm_chain.chain.dev_accounts",
    "durations": "nvm_chain.types.durations",
    "embedded": "nvm_chain.chain.embedded",
    "endpoint_costs": "nvm_chain.metadata.endpoint_costs",
    "endpoints": "nvm_chain.metadata.endpoints",
    "enums": "nvm_chain.enums",
    "errors": "nvm_chain.errors",
    "events": "nvm_chain.chain.events",
    "first_use": "nvm_chain.meter.settling.first_use",
    "formatting": "nvm_chain.errors.formatting",
    "chain_urls": "nvm_chain.chain.urls",
    "errors_templates": "nvm_chain.errors.templates",
    "gateway_books": "nvm_chain.gateway.books",
    "gateway_checking": "nvm_chain.gateway.checking",
    "gateway_connecting": "nvm_chain.gateway.connecting",
    "gateway_extras": "nvm_chain.gateway.extras",
    "gateway_config": "nvm_chain.gateway.config",
    "gateway_running": "nvm_chain.gateway.running",
    "gateway_settlers": "nvm_chain.gateway.settlers",
    "configuration_starting": "nvm_chain.gateway.configuration.starting",
    "sealed_files": "nvm_chain.gateway.sealing.sealed_files",
    "sealing_references": "nvm_chain.gateway.sealing.references",
    "grant_choices": "nvm_chain.terms.grant_choices",
    "holdings": "nvm_chain.operations.holdings",
    "ids": "nvm_chain.types.ids",
    "index_database": "nvm_chain.index.database",
    "index_following": "nvm_chain.index.following",
    "index_listing": "nvm_chain.index.listing",
    "index_reading": "nvm_chain.index.reading",
    "report_data": "nvm_chain.index.report.data",
    "report_page": "nvm_chain.index.report.page",
    "report_types": "nvm_chain.index.report.types",
    "index_revenue": "nvm_chain.index.revenue",
    "index_schema": "nvm_chain.index.schema",
    "index_verifying": "nvm_chain.index.verifying",
    "json_values": "nvm_chain.types.json_values",
    "key_files": "nvm_chain.signing.key_files",
    "keys": "nvm_chain.signing.keys",
    "metadata": "nvm_chain.metadata",
    "capacity_settlements": "nvm_chain.meter.capacity.settlements",
    "meter_operating": "nvm_chain.meter.operating",
    "meter_usage": "nvm_chain.meter.usage",
    "store_deliveries": "nvm_chain.meter.store.deliveries",
    "payment_rows": "nvm_chain.meter.store.payment_rows",
    "store_payments": "nvm_chain.meter.store.payments",
    "store_usage": "nvm_chain.meter.store.usage",
    "usage_export": "nvm_chain.gateway.usage_export",
    "webhooks_events": "nvm_chain.gateway.webhooks.events",
    "capacity_processes": "nvm_chain.meter.capacity.processes",
    "settling_rules": "nvm_chain.meter.settling.rules",
    "meter_verifying": "nvm_chain.meter.verifying",
    "named_orders": "nvm_chain.operations.named_orders",
    "networks": "nvm_chain.chain.networks",
    "openapi": "nvm_chain.operations.openapi",
    "order_names": "nvm_chain.signing.order_names",
    "orders": "nvm_chain.operations.orders",
    "payments": "nvm_chain.payments",
    "periods": "nvm_chain.statements.periods",
    "plan_drafts": "nvm_chain.operations.plan_drafts",
    "plan_terms": "nvm_chain.operations.plan_terms",
    "plans": "nvm_chain.operations.plans",
    "records": "nvm_chain.chain.records",
    "rich_console": "rich.console",
    "rich_table": "rich.table",
    "rich_text": "rich.text",
    "settlement": "nvm_chain.operations.settlement",
    "settlement_forecast": "nvm_chain.operations.settlement_forecast",
    "signed_orders": "nvm_chain.operations.signed_orders",
    "signing_signed_orders": "nvm_chain.signing.signed_orders",
    "state_folder": "nvm_chain.chain.state_folder",
    "statements_formats": "nvm_chain.statements.formats",
    "statements": "nvm_chain.statements",
    "template_configs": "nvm_chain.terms.template_configs",
    "terms_money": "nvm_chain.terms.money",
    "terms_words": "nvm_chain.terms.words",
    "token_labels": "nvm_chain.types.token_labels",
    "tokens": "nvm_chain.operations.tokens",
    "transactions": "nvm_chain.operations.transactions",
    "types": "nvm_chain.types",
    "types_agents": "nvm_chain.types.agents",
    "usage": "nvm_chain.operations.usage",
    "voucher_checks": "nvm_chain.operations.voucher_checks",
    "vouchers": "nvm_chain.signing.vouchers",
}


class LazyModule:
    """Stand-in for a module. The first attribute access imports the module."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


globals().update({name: LazyModule(module) for name, module in _MODULES.items()})
