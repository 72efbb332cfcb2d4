"""The main reads on a node with faults. Each must return the truth or an error."""

from dataclasses import replace
from typing import Final

from nvm_chain.operations import agents, credits, holdings, plans, signed_orders, token_domains, tokens, voucher_checks
from nvm_chain.operations.deployment.plan import DeploymentPlan, plan_deployment
from nvm_chain.operations.transactions import look_up_transaction
from nvm_chain.statements.reading import read_builder_statement, read_holder_statement, read_plan_statement
from nvm_chain.types.events import EventFilter
from tests.support.faults.calls import Call, Scene
from tests.support.faults.stage import REFERENCE


def _pairs(s: Scene) -> list[tuple[int | str, str]]:
    return [(plan, holder.address) for plan in s.stage.plans.values() for holder in (s.subscriber, s.partner)]


def _block(s: Scene) -> int:
    return s.stage.block


def _plan(s: Scene) -> DeploymentPlan:
    """Plan a deployment, without its cost. The cost is an estimate, which may differ between nodes."""
    planned = plan_deployment(s.chain, s.other.address, s.other.address, create2=False, folder=s.folder)
    return replace(planned, max_cost_wei=0)


READS: Final = (
    Call("read_balance", lambda s: credits.read_balance(s.chain, s.plan, s.subscriber.address)),
    Call("read_balances", lambda s: credits.read_balances(s.chain, _pairs(s))),
    Call("read_account", lambda s: credits.read_account(s.chain, s.plan, s.subscriber.address)),
    Call(
        "read_access_until", lambda s: credits.read_access_until(s.chain, s.stage.plans["time"], s.subscriber.address)
    ),
    Call("read_lots", lambda s: credits.read_lots(s.chain, s.stage.plans["expiring"], s.subscriber.address)),
    Call("can_redeem", lambda s: credits.can_redeem(s.chain, s.plan, s.subscriber.address, 1)),
    Call("has_access", lambda s: credits.has_access(s.chain, s.plan, s.subscriber.address)),
    Call("is_reference_used", lambda s: credits.is_reference_used(s.chain, s.plan, REFERENCE)),
    Call("read_plan", lambda s: plans.read_plan(s.chain, s.plan)),
    Call("quote_plan", lambda s: plans.quote_plan(s.chain, s.other.address, s.plan)),
    Call("read_protocol_fee", lambda s: plans.read_protocol_fee(s.chain)),
    Call("find_plans", lambda s: holdings.find_plans(s.chain)),
    Call("find_holdings", lambda s: holdings.find_holdings(s.chain, s.subscriber.address)),
    Call("read_agent", lambda s: agents.read_agent(s.chain, s.stage.agent)),
    Call("read_plan_agents", lambda s: agents.read_plan_agents(s.chain, s.plan)),
    Call("check_voucher", lambda s: voucher_checks.check_voucher(s.chain, s.stage.voucher)),
    Call("check_signed_order", lambda s: signed_orders.check_signed_order(s.chain, s.stage.orders[0])),
    Call("read_token_domain", lambda s: token_domains.read_token_domain(s.chain, s.usdc.address)),
    Call("read_token_info", lambda s: tokens.read_token_info(s.chain, s.usdc.address).decimals),
    Call("read_token_balance", lambda s: tokens.read_token_balance(s.chain, s.usdc.address, s.subscriber.address)),
    Call("read_allowance", lambda s: tokens.read_allowance(s.chain, s.usdc.address, s.partner.address)),
    Call("look_up_transaction", lambda s: look_up_transaction(s.chain, s.stage.approval.hash)),
    Call("plan_deployment", _plan),
    Call("Chain.read_block", lambda s: s.chain.read_block(_block(s))),
    Call(
        "Chain.read_logs",
        lambda s: s.chain.read_logs(s.chain.credits, EventFilter(("PlanRegistered",)), 0, _block(s)),
    ),
    Call("Chain.read_transaction", lambda s: s.chain.read_transaction(s.stage.approval.hash)),
    Call("read_plan_statement", lambda s: read_plan_statement(s.chain, s.plan)),
    Call("read_holder_statement", lambda s: read_holder_statement(s.chain, s.subscriber.address)),
    Call("read_builder_statement", lambda s: read_builder_statement(s.chain, s.builder.address)),
)
