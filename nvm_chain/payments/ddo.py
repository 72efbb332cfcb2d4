"""DDOs: documents with the chain state and the metadata of a plan or an asset, under its DID (W3C DID Core)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.metadata.documents import Metadata, describe_metadata, hash_metadata
from nvm_chain.payments.redemption_types import REDEMPTION_TYPES
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.agents import Agent, AttachedPlan
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import Plan, Terms

CONTEXT: Final = "https://www.w3.org/ns/did/v1"
MAIN: Final = ("name", "author", "license", "dateCreated", "agentType", "files")
"""Metadata fields in the part main of a DDO. All other fields are in additionalInformation, as in the hosted system."""
SERVICES: Final = ("service", "agent", "assistant")

Document = dict[str, Any]
PlanType = Literal["credits", "time", "usage"]
_PLAN_TYPES: Final[Mapping[PlanKind, PlanType]] = {
    PlanKind.CREDITS: "credits",
    PlanKind.TIME: "time",
    PlanKind.USAGE: "usage",
}


def build_plan_ddo(chain: Chain, plan: Plan, metadata: Metadata | None) -> Document:
    """Build the DDO of a plan from its state and its metadata. Makes no request."""
    did = format_did(plan.plan_id)
    services = [
        _describe_metadata_service(did, 0, plan.uri, "plan", metadata),
        {
            "id": f"{did}#order",
            "index": 1,
            "type": "order",
            "serviceEndpoint": _name_contract(chain, chain.credits.address),
            "attributes": {"price": describe_price(plan.terms), "credits": describe_credits(plan.terms)},
        },
    ]
    return _frame(chain, did, plan.owner, services, metadata)


def build_agent_ddo(chain: Chain, agent: Agent, metadata: Metadata | None) -> Document:
    """Build the DDO of an agent, service or file from its state and its metadata. Makes no request."""
    did = format_did(agent.agent_id)
    kind = getattr(metadata, "agent_type", "") or "agent"
    services = [
        _describe_metadata_service(did, 0, agent.uri, "service" if kind in SERVICES else kind, metadata),
        {
            "id": f"{did}#access",
            "index": 1,
            "type": "access",
            "serviceEndpoint": _name_contract(chain, chain.agents.address),
            "attributes": {"plans": [describe_attached(plan) for plan in agent.plans]},
        },
    ]
    return _frame(chain, did, agent.owner, services, metadata)


def _frame(chain: Chain, did: str, owner: str, services: list[Document], metadata: Metadata | None) -> Document:
    created = {"created": metadata.date_created} if metadata and metadata.date_created else {}
    controller = f"did:pkh:eip155:{chain.chain_id}:{owner}"
    return {"@context": CONTEXT, "id": did, "controller": controller, **created, "service": services}


def _describe_metadata_service(did: str, index: int, uri: str, kind: str, metadata: Metadata | None) -> Document:
    described = describe_metadata(metadata) if metadata else {}
    main = {name: described.pop(name) for name in MAIN if name in described}
    attributes: Document = {"main": {"type": kind, **main}, "additionalInformation": described}
    if metadata:
        attributes["sha256"] = hash_metadata(metadata)
    return {
        "id": f"{did}#metadata",
        "index": index,
        "type": "metadata",
        "serviceEndpoint": uri,
        "attributes": attributes,
    }


def _name_contract(chain: Chain, address: str) -> str:
    """Return the CAIP-10 name of a contract on a chain."""
    return f"eip155:{chain.chain_id}:{address}"


def describe_price(terms: Terms) -> Document:
    """Return the price of a plan under the names of the documents. Amounts are base units, or weights with a quoter.

    ``total`` is None if a contract sets the price of each order, or if buyers pay outside the chain.
    """
    return {
        "tokenAddress": terms.token,
        "amounts": [split.amount for split in terms.splits],
        "receivers": [split.receiver for split in terms.splits],
        "externalPriceAddress": terms.quoter,
        "isCrypto": not terms.paid_externally,
        "isFree": not terms.splits and not terms.paid_externally,
        "isNative": bool(terms.splits) and terms.token == ZERO_ADDRESS,
        "total": None if terms.is_quoted or terms.paid_externally else terms.price,
    }


def describe_credits(terms: Terms) -> Document:
    """Return the grant of a purchase under the names of the documents. The duration is in seconds."""
    return {
        "planType": name_kind(terms.kind),
        "amount": terms.credits,
        "minAmount": terms.min_redeem,
        "maxAmount": terms.max_redeem,
        "durationSecs": terms.duration,
        "isRedemptionAmountFixed": terms.min_redeem == terms.max_redeem,
        "redemptionType": REDEMPTION_TYPES[terms.rule].value,
        "isTrialPlan": terms.trial,
        "transferable": terms.transferable,
    }


def name_kind(kind: PlanKind) -> PlanType:
    """Return the name of a plan kind in results.

    >>> [name_kind(kind) for kind in PlanKind]
    ['credits', 'time', 'usage']
    """
    return _PLAN_TYPES[kind]


def describe_attached(plan: AttachedPlan) -> Document:
    """Return an accepted plan of an agent as a dictionary, with the credits of a request."""
    return {
        "planId": str(plan.plan_id),
        "did": format_did(plan.plan_id),
        "minCredits": plan.min_credits,
        "maxCredits": plan.max_credits,
    }
