"""What comes after the registration: the gateway's right to settle, the agent that accepts the plan, and how far it all is."""

from typing import Any, Final

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidAmount, NvmChainError, UnknownPlan
from nvm_chain.gateway.checks.findings import Verdict
from nvm_chain.gateway.checks.plans import check_state, needs_redeemer
from nvm_chain.gateway.new_plans.agents import OwnAgent, build_attachment, read_owned
from nvm_chain.gateway.new_plans.bodies import StepBody
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.new_plans.telling import name_gateway, tell_call
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.operations.order_steps import read_order_account, simulate_call
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.operations.publishing import fit_cost
from nvm_chain.operations.tokens import read_token_label
from nvm_chain.operations.transactions import TransactionReport, TransactionStatus, look_up_transaction
from nvm_chain.terms.words import summarize_terms
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.credits import CREDITS_BITS
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id
from nvm_chain.types.plans import PlanState

STATES: Final = {
    TransactionStatus.PENDING: "waiting",
    TransactionStatus.UNKNOWN: "unknown",
    TransactionStatus.FAILED: "failed",
    TransactionStatus.DONE: "mined",
}
MOST_AGENTS: Final = 64
"""How many agents of an account the page shows."""
LATER: Final = (
    "The agent accepts the plan. This gateway reads the plans of its agents when it starts, so it serves on this one, and "
    "shows its page, after its next start. `nvm-chain gateway check` says before whether something is missing."
)


def tell_transaction(chain: Chain, transaction_hash: str) -> dict[str, Any]:
    """Return what became of a transaction: waiting, unknown to the node, failed with its reason, or mined."""
    report = look_up_transaction(chain, transaction_hash)
    return {"transaction": transaction_hash, "state": STATES[report.status], "words": _explain_failure(report)}


def _explain_failure(report: TransactionReport) -> str:
    if report.status is not TransactionStatus.FAILED:
        return ""
    why = "" if report.error is None else f" {_explain(report.error)}"
    return f"The transaction was mined, and failed. Nothing was changed, and only the fee of the network was paid.{why}"


def _explain(error: NvmChainError) -> str:
    return " ".join(filter(None, error.describe()))


# ---------------------------------------------------------------------- how far it is


def tell_plan(chain: Chain, plan: str, account: str, place: Place) -> dict[str, Any]:
    """Return how far a plan is: whether it is registered, whether the gateway may settle, and which agents accept it."""
    plan_id, seller = parse_plan_id(plan), parse_address(account, "account")
    try:
        state = read_plan_state(chain, plan_id)
    except UnknownPlan:
        return {"planId": str(plan_id), "did": format_did(plan_id), "isRegistered": False}
    is_allowed = place.redeemer == state.owner or is_redeemer(chain, plan_id, place.redeemer)
    agents = list(read_owned(chain, place.services, seller))[:MOST_AGENTS]
    attachments = [build_attachment(agent.service, plan_id, state.terms, place.base) for agent in agents]
    findings = check_state(state, attachments, place.redeemer, is_allowed=is_allowed)
    return {
        "planId": str(plan_id),
        "did": format_did(plan_id),
        "isRegistered": True,
        "owner": state.owner,
        "summary": summarize_terms(state.terms, read_token_label(chain, state.terms.token)),
        "needsSettler": needs_redeemer(state.terms) and not is_allowed,
        "mayNotServe": [
            name_gateway(finding.text, place.redeemer) for finding in findings if finding.verdict is Verdict.MISSING
        ],
        "agents": [_tell_agent(agent, state) for agent in agents],
    }


def _tell_agent(agent: OwnAgent, plan: PlanState) -> dict[str, Any]:
    usual = fit_cost(plan.plan_id, plan.terms)
    is_attached = agent.accepts(plan.plan_id)
    is_served = plan.plan_id in agent.service.plans
    return {
        "did": agent.service.did,
        "name": agent.service.metadata.name,
        "isAttached": is_attached,
        "takesCredits": bool(usual.max_credits),
        "least": str(usual.min_credits),
        "most": str(usual.max_credits),
        "words": "" if not is_attached else "This gateway serves on the plan." if is_served else LATER,
    }


# ---------------------------------------------------------------------- the transactions


def prepare_step(chain: Chain, body: StepBody, place: Place) -> dict[str, Any]:
    """Return a transaction that lets the gateway serve on a plan. The agent keeps the plans that it has.

    Raises Refused if the gateway does not sell the agent, and the error of a transaction that would fail.
    """
    plan_id, sender = parse_plan_id(body.plan_id), parse_address(body.account, "account")
    account = read_order_account(chain, sender)
    if body.what == "settle":
        function = chain.credits.functions.setRedeemer(plan_id, place.redeemer, True)
    else:
        function = chain.agents.functions.attachPlan(*_build_arguments(chain, body, plan_id, place))
    return tell_call(simulate_call(chain, account, function), sender, place.chain_id)


def _build_arguments(chain: Chain, body: StepBody, plan_id: int, place: Place) -> tuple[int, ...]:
    agent_id = parse_agent_id(body.agent)
    if format_did(agent_id) not in place.services:
        raise Refused(tell_refusal(404, "AgentNotSold", "This gateway does not sell that agent."))
    least, most = _read_cost(body.least, "lowest"), _read_cost(body.most, "highest")
    attached = fit_cost(plan_id, read_plan_state(chain, plan_id).terms, least, most)
    return agent_id, *attached.as_tuple()


def _read_cost(text: str, name: str) -> int | None:
    if not text.strip():
        return None
    if not (text.strip().isascii() and text.strip().isdigit()):
        raise InvalidAmount(f"the {name} cost {text!r}", "is not a whole number", "write digits only, such as 1")
    return check_uint(int(text.strip()), CREDITS_BITS, f"the {name} cost")
