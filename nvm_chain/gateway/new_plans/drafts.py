"""Drafts of new plans: the review in words, and the registration of exactly what was reviewed."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import FeeAboveMax, InvalidMessage
from nvm_chain.errors.fields import COIN
from nvm_chain.errors.formatting import count, format_money
from nvm_chain.gateway.checks.findings import Verdict
from nvm_chain.gateway.checks.plans import check_state, needs_redeemer
from nvm_chain.gateway.new_plans.agents import build_attachment, list_owned
from nvm_chain.gateway.new_plans.bodies import PlanBody, RegistrationBody, ReviewedBody
from nvm_chain.gateway.new_plans.choices import build_grant, build_price, build_uri
from nvm_chain.gateway.new_plans.place import Place
from nvm_chain.gateway.new_plans.problems import Problems
from nvm_chain.gateway.new_plans.telling import name_gateway, tell_call
from nvm_chain.gateway.refusals import tell_refusal
from nvm_chain.gateway.serving import Refused
from nvm_chain.operations.order_steps import read_order_account, simulate_call
from nvm_chain.operations.plan_drafts import PlanDraft, draft_plan
from nvm_chain.operations.tokens import read_token_label
from nvm_chain.terms.term import Term
from nvm_chain.terms.words import describe_terms, summarize_terms
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did, parse_plan_id
from nvm_chain.types.plans import PlanState
from nvm_chain.types.token_labels import TokenLabel

LARGE_PRICE: Final = 100_000
"""From so many whole tokens on, the review says once more that prices are in whole tokens."""
FEE_CHANGED: Final = "The protocol fee has changed since your review. Review the plan again."


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan as it would be registered, with the label of its token."""

    plan: PlanDraft
    label: TokenLabel | None

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms in words, as the page of the plan will have them."""
        return describe_terms(self.plan.terms, self.label, fee_bps=self.plan.fee_bps)


def build_draft(chain: Chain, body: PlanBody, *, salt: bytes | None = None, max_fee_bps: int | None = None) -> Draft:
    """Return the plan of a seller's choices. Nothing is signed or sent. Up to nine requests.

    Raises ChoicesRefused if choices have to be corrected, and what the registration would raise.
    """
    problems = Problems()
    creator = _read_creator(body, problems)
    credits, uri = build_grant(body, problems), build_uri(body, problems)
    price = build_price(chain, body, creator, problems)
    problems.check()
    if credits is not None and price is not None:
        more: dict[str, Any] = {"allow_tiny_price": body.allow_tiny_price, "max_fee_bps": max_fee_bps}
        with problems.about("price"):
            drafted = draft_plan(chain, creator, price, credits, uri=uri, salt=salt, **more)
            return Draft(drafted, read_token_label(chain, drafted.terms.token))
    problems.check()
    raise InvalidMessage("request", "its choices make no plan")


def _read_creator(body: PlanBody, problems: Problems) -> ChecksumAddress:
    with problems.about("account"):
        return parse_address(body.account, "account")
    problems.check()
    raise InvalidMessage("request", "it names no account")


def hash_uri(uri: str) -> str:
    """Return the hash by which a review names the metadata."""
    return sha256(uri.encode()).hexdigest()


# ---------------------------------------------------------------------- the review


def review(chain: Chain, body: PlanBody, place: Place) -> dict[str, Any]:
    """Return everything about a plan that its seller has to know before it is signed."""
    draft = build_draft(chain, body)
    plan, label = draft.plan, draft.label
    return {
        "reviewed": {
            "planId": str(plan.plan_id),
            "salt": f"0x{plan.salt.hex()}",
            "feeBps": plan.fee_bps,
            "metadata": hash_uri(plan.uri),
        },
        "did": format_did(plan.plan_id),
        "account": plan.creator,
        "name": body.name.strip(),
        "description": body.description,
        "author": body.author,
        "summary": summarize_terms(plan.terms, label),
        "terms": [{"name": term.name, "title": term.title, "text": term.text} for term in draft.terms],
        "cost": {"gas": str(plan.gas), "most": str(plan.max_cost_wei), "words": _describe_cost(plan)},
        "problem": _describe_lack(chain, plan),
        "notes": [*_note_price(draft), *_note_metadata(plan.uri)],
        "serving": _describe_serving(chain, draft, body, place),
        "steps": _list_steps(draft, body, place),
    }


def _describe_cost(plan: PlanDraft) -> str:
    most = format_money(plan.max_cost_wei, *COIN)
    return f"The registration needs {plan.gas:,} gas at most, which cost at most {most} now. Nothing else is paid."


def _describe_lack(chain: Chain, plan: PlanDraft) -> str:
    """Return what the account has too little of. Somebody else may pay the gas of an account with code."""
    creator, cost = plan.creator, plan.max_cost_wei
    balance = chain.read_coin_balance(creator)
    if balance >= cost or chain.has_code(creator):
        return ""
    has, needs, more = (format_money(amount, *COIN) for amount in (balance, cost, cost - balance))
    return f"{creator} has {has}, and the registration may cost {needs}. Send {more} more to {creator}."


def _note_price(draft: Draft) -> list[str]:
    price, label = draft.plan.terms.price, draft.label
    if label is None or price < LARGE_PRICE * 10**label.decimals:
        return []
    return [f"The price is high: {format_money(price, label.symbol, label.decimals)}. Prices are in whole tokens here."]


def _note_metadata(uri: str) -> list[str]:
    if not uri:
        return ["The plan has no name, so its page shows its number."]
    written = f"The name and the other texts are written on the chain, in {count(len(uri), 'byte')}."
    return [f"{written} They are public for ever, and no other host is needed to read them. You may change them later."]


def _describe_serving(chain: Chain, draft: Draft, body: PlanBody, place: Place) -> list[dict[str, str]]:
    """Return whether this gateway could serve on the plan, by the checks of `nvm-chain gateway check`."""
    plan = draft.plan
    state = PlanState(plan.plan_id, plan.terms, plan.creator, None, True, plan.fee_bps)
    owned = list_owned(chain, place.services, plan.creator)
    attachments = [build_attachment(service, plan.plan_id, plan.terms, place.base) for service in owned]
    is_allowed = body.lets_gateway_settle or plan.creator == place.redeemer
    found = [
        {"verdict": finding.verdict.value, "text": name_gateway(finding.text, place.redeemer)}
        for finding in check_state(state, attachments, place.redeemer, is_allowed=is_allowed)
    ]
    if not owned:
        text = "This gateway serves no agent of your account. Requests on the plan are served here only after an agent of yours accepts it, and the gateway sells that agent."
        found.append({"verdict": Verdict.NOTE.value, "text": text})
    return found


def _list_steps(draft: Draft, body: PlanBody, place: Place) -> list[str]:
    steps = ["You send one transaction, which registers the plan. You pay the fee of the network."]
    if body.lets_gateway_settle and needs_redeemer(draft.plan.terms) and draft.plan.creator != place.redeemer:
        steps.append(f"A second transaction lets this gateway, {place.redeemer}, take what it has served.")
    return [*steps, "Another transaction attaches the plan to your agent, if you want it."]


# ---------------------------------------------------------------------- the registration


def register(chain: Chain, body: RegistrationBody, place: Place) -> dict[str, Any]:
    """Return the transaction that registers exactly what was reviewed. Raises the error of one that would fail.

    Raises Refused if the choices make another plan than the review has shown.
    """
    reviewed = body.reviewed
    draft = _draft_again(chain, body)
    _check_reviewed(draft, reviewed)
    call = chain.credits.functions.registerPlan(draft.terms.as_tuple(), draft.salt, draft.uri, draft.fee_bps)
    return tell_call(
        simulate_call(chain, read_order_account(chain, draft.creator), call), draft.creator, place.chain_id
    )


def _draft_again(chain: Chain, body: RegistrationBody) -> PlanDraft:
    reviewed = body.reviewed
    try:
        return build_draft(chain, body.plan, salt=_read_salt(reviewed), max_fee_bps=reviewed.fee_bps).plan
    except FeeAboveMax:
        raise _refuse(FEE_CHANGED) from None


def _read_salt(reviewed: ReviewedBody) -> bytes:
    digits = reviewed.salt.removeprefix("0x")
    try:
        salt = bytes.fromhex(digits)
    except ValueError:
        salt = b""
    if len(salt) != 32 or len(digits) != 64:
        raise InvalidMessage("request", "its salt is not 0x and 64 hexadecimal digits")
    return salt


def _check_reviewed(draft: PlanDraft, reviewed: ReviewedBody) -> None:
    if draft.plan_id != parse_plan_id(reviewed.plan_id):
        raise _refuse("The terms are others than those that you have reviewed. Review the plan again.")
    if hash_uri(draft.uri) != reviewed.metadata:
        raise _refuse("The name or another text is another than that you have reviewed. Review the plan again.")
    if draft.fee_bps != reviewed.fee_bps:
        raise _refuse(FEE_CHANGED)


def _refuse(message: str) -> Refused:
    return Refused(tell_refusal(409, "NotReviewed", message))
