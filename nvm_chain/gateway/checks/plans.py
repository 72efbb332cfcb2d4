"""Checks of plans: whether requests on them can be served, and whether the redeemer may take what was served."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.errors import NvmChainError
from nvm_chain.errors.formatting import format_duration, format_plan_id, list_choices
from nvm_chain.gateway.checks.costs import RequestCosts, check_costs
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, name_plan, note
from nvm_chain.gateway.checks.services import Attachment
from nvm_chain.operations.plans import is_redeemer, read_plan_state
from nvm_chain.types.plans import PlanState, Terms

RULES: Final[Mapping[RedemptionRule, str]] = {
    RedemptionRule.HOLDER: "by vouchers of the holder",
    RedemptionRule.REDEEMER: "by vouchers of the holder, or by a redeemer alone",
    RedemptionRule.OWNER: "by vouchers of the holder, or by the owner or a redeemer alone",
}
"""How credits are redeemed under each rule."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan as the chain has it, if it could be read, and what was found."""

    plan: PlanState | None
    findings: tuple[Finding, ...]
    sells_usage: bool = False
    """Whether requests on plans of usage can be paid at the gateway."""

    @property
    def has_credits(self) -> bool:
        """Whether credits of the plan pay for requests."""
        return self.plan is not None and self.plan.terms.kind is PlanKind.CREDITS

    @property
    def is_served(self) -> bool:
        """Whether requests on the plan can be served, as far as is known."""
        return self.sells_usage or self.plan is None or self.plan.terms.kind is not PlanKind.USAGE


def check_plan(
    chain: Chain,
    plan_id: int,
    attachments: Sequence[Attachment],
    redeemer: ChecksumAddress | None,
    *,
    sells_usage: bool = False,
) -> Checked:
    """Look at a plan that some services accept. About three requests.

    Args:
        chain: The chain.
        plan_id: The plan.
        attachments: What a request costs on it, for each service.
        redeemer: The gateway's key. None if it cannot be read.
        sells_usage: Whether requests on plans of usage can be paid at the gateway.
    """
    try:
        plan = read_plan_state(chain, plan_id)
        is_allowed = redeemer is not None and (redeemer == plan.owner or is_redeemer(chain, plan_id, redeemer))
    except NvmChainError as error:
        return Checked(None, (missing_by(name_plan(plan_id), error),))
    found = check_state(plan, attachments, redeemer, is_allowed=is_allowed, sells_usage=sells_usage)
    return Checked(plan, tuple(found), sells_usage)


def check_state(
    plan: PlanState,
    attachments: Sequence[Attachment],
    redeemer: ChecksumAddress | None,
    *,
    is_allowed: bool,
    sells_usage: bool = False,
) -> Iterator[Finding]:
    """Yield what is found on a plan whose state is known, or that is not registered yet. No request.

    Args:
        plan: The plan.
        attachments: What a request costs on it, for each service.
        redeemer: The gateway's key. None if it cannot be read.
        is_allowed: Whether that key may settle.
        sells_usage: Whether requests on plans of usage can be paid at the gateway.
    """
    subject, terms = name_plan(plan.plan_id), plan.terms
    if not plan.active:
        advice = f"Open it with `nvm-chain plan activate {format_plan_id(plan.plan_id)}`."
        yield note(subject, "It takes no new orders. Its holders are served.", advice)
    if terms.kind is PlanKind.USAGE:
        yield _check_usage_plan(subject, sells_usage=sells_usage)
    elif terms.kind is PlanKind.TIME:
        yield from _check_time_plan(subject, plan)
    else:
        yield from _check_credits_plan(subject, plan, attachments)
    if redeemer is not None and needs_redeemer(terms):  # a missing key is a finding of its own
        yield _check_permission(subject, plan, redeemer, is_allowed=is_allowed)


def _check_usage_plan(subject: str, *, sells_usage: bool) -> Finding:
    text = "It is a plan of usage: its requests are paid one by one on the chain."
    if sells_usage:
        return good(subject, text)
    advice = "Attach a plan of credits or of time too, or write exact = true below [x402]."
    return note(subject, f"{text} The gateway does not serve on it.", advice)


def needs_redeemer(terms: Terms) -> bool:
    """Return whether the gateway's key has to be a redeemer of a plan: to settle credits, or to open access at the first use."""
    opens = terms.kind is PlanKind.TIME and not terms.starts_on_purchase and terms.rule is not RedemptionRule.HOLDER
    return terms.kind is PlanKind.CREDITS or opens


def _check_time_plan(subject: str, plan: PlanState) -> Iterator[Finding]:
    """Yield how access opens. While it is open, nothing is redeemed."""
    length = format_duration(plan.terms.duration)
    if plan.terms.starts_on_purchase:
        yield good(subject, f"It is a time plan. A purchase gives access for {length}.")
    elif plan.terms.rule is RedemptionRule.HOLDER:
        text = f"It is a time plan, whose holders open each period of {length} themselves, with a transaction."
        yield note(
            subject,
            text,
            "Tell buyers to open it with `nvm-chain redeem`, or sell a plan that starts with the purchase.",
        )
    else:
        yield good(subject, f"It is a time plan. The first request opens a period of {length}.")


def _check_credits_plan(subject: str, plan: PlanState, attachments: Sequence[Attachment]) -> Iterator[Finding]:
    """Yield whether vouchers can be settled, and whether a request fits into the exposure."""
    if not plan.terms.accepts_vouchers:
        text = "Its credits are transferable, so the contract accepts no settlement, and nothing that is served could be taken."
        yield missing(subject, text, "Register a plan without --transferable, and attach that one to the agent.")
        return
    yield good(subject, f"It is a plan of credits, which are redeemed {RULES[plan.terms.rule]}.")
    for attachment in attachments:
        own = attachment.plan
        costs = attachment.costs or RequestCosts(((own.min_credits, own.max_credits),))
        yield from check_costs(subject, attachment.service, costs)


def _check_permission(subject: str, plan: PlanState, redeemer: ChecksumAddress, *, is_allowed: bool) -> Finding:
    opens = plan.terms.kind is PlanKind.TIME
    if is_allowed:
        return good(subject, f"{redeemer} may {'open access' if opens else 'settle'}.")
    command = f"nvm-chain plan set-redeemer {format_plan_id(plan.plan_id)} {redeemer}"
    text = "may not open access for holders" if opens else "may not settle, so nothing that is served could be taken"
    return missing(subject, f"{redeemer} {text}.", f"Run `{command}` with the key of the plan's owner, {plan.owner}.")


def check_other_redeemers(
    plan_id: int, others: Sequence[ChecksumAddress], own: Sequence[ChecksumAddress]
) -> Iterator[Finding]:
    """Yield which other keys may take credits of a plan.

    Args:
        plan_id: The plan.
        others: All redeemers of the plan, as an index has them.
        own: The keys of this gateway.
    """
    strangers = [address for address in others if address not in own]
    if not strangers:
        yield good(name_plan(plan_id), "No other key is its redeemer.")
        return
    shown = list_choices(strangers, "and")
    text = f"{shown} may settle too. What another key takes is not there for what this gateway has served."
    first = f"nvm-chain plan set-redeemer {format_plan_id(plan_id)} {strangers[0]} --revoke"
    advice = (
        f"Run `{first}` with the owner's key, or write the key into `former` below [redeemer] if it was this gateway's."
    )
    yield missing(name_plan(plan_id), text, advice)
