"""Assets with their metadata: keep the document, register what it describes, and read both back."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from nvm_chain.agent_types import AttachedPlan, RegisteredAgent
from nvm_chain.agents import register_agent, update_agent
from nvm_chain.chain import Chain
from nvm_chain.errors import AgentNotRegistered, InvalidConfig, NotMined, NvmChainError, OutcomeUnknown
from nvm_chain.keys import Signer
from nvm_chain.metadata import (
    AgentMetadata,
    Metadata,
    PlanMetadata,
    format_metadata,
    parse_metadata,
    parse_plan_metadata,
)
from nvm_chain.plans import register_plan, set_plan_active
from nvm_chain.storage import MetadataStore, load_metadata
from nvm_chain.types import CreditsConfig, PlanKind, PriceConfig, RegisteredPlan, Terms, Transaction


@contextmanager
def keep_document(store: MetadataStore, metadata: Metadata) -> Iterator[str]:
    """Keep a document for the transaction inside the block, which gets its URI; take it back if that fails.

    After NotMined and OutcomeUnknown it stays, as the transaction may still be mined and needs it then.
    """
    uri, may_count = store.save(format_metadata(metadata)), False
    try:
        yield uri
        may_count = True
    except (NotMined, OutcomeUnknown):
        may_count = True
        raise
    except AgentNotRegistered as error:
        may_count = isinstance(error.__cause__, NotMined | OutcomeUnknown)
        raise
    finally:
        if not may_count:
            store.discard(uri)


def publish_plan(
    chain: Chain,
    signer: Signer,
    metadata: PlanMetadata,
    price: PriceConfig,
    credits: CreditsConfig,
    *,
    store: MetadataStore,
    salt: bytes | None = None,
    allow_tiny_price: bool = False,
    max_fee_bps: int | None = None,
) -> RegisteredPlan:
    """Keep a plan's metadata and register the plan with its URI; the signer becomes its owner. One transaction.

    If it fails, the document is taken back. Raises as `nvm_chain.register_plan`, and MetadataNotSaved, InvalidMetadata.
    """
    with keep_document(store, metadata) as uri:
        return register_plan(
            chain,
            signer,
            price,
            credits,
            uri=uri,
            salt=salt,
            allow_tiny_price=allow_tiny_price,
            max_fee_bps=max_fee_bps,
        )


def publish_agent(
    chain: Chain, signer: Signer, metadata: AgentMetadata, plans: Sequence[AttachedPlan], *, store: MetadataStore
) -> RegisteredAgent:
    """Keep an agent's metadata and register the agent with its plans. One transaction.

    If it fails, the document is taken back. Raises as `nvm_chain.register_agent`, and MetadataNotSaved, InvalidMetadata.
    """
    with keep_document(store, metadata) as uri:
        return register_agent(chain, signer, uri, plans)


def republish_agent(
    chain: Chain, signer: Signer, agent_id: int, metadata: AgentMetadata, *, store: MetadataStore
) -> Transaction:
    """Keep an agent's new metadata and set its URI. Agent owner only. One transaction. Raises as `publish_agent`, NotAgentOwner."""
    with keep_document(store, metadata) as uri:
        return update_agent(chain, signer, agent_id, uri)


@contextmanager
def stop_plan_on_failure(chain: Chain, signer: Signer, plan_id: int) -> Iterator[None]:
    """Stop a plan whose agent, registered inside the block, could not be: nobody shall buy what gives access to nothing.

    Raises AgentNotRegistered, which says what became of the plan, from the agent's error.
    """
    try:
        yield
    except NvmChainError as error:
        raise AgentNotRegistered(plan_id, _stop_plan(chain, signer, plan_id, error), str(error)) from error


def _stop_plan(chain: Chain, signer: Signer, plan_id: int, error: NvmChainError) -> str:
    if isinstance(error, NotMined | OutcomeUnknown):
        return "takes orders, as the agent's transaction may still be mined"
    with suppress(NvmChainError):
        set_plan_active(chain, signer, plan_id, False)
        return "is stopped now, so that nobody orders it"
    return "could not be stopped: call set_plan_active with False, or somebody may order it"


# ---------------------------------------------------------------- read


def load_plan_metadata(uri: str, stores: Iterable[MetadataStore] = ()) -> PlanMetadata | None:
    """Read a plan's metadata from the URI that the chain has, verified; None for a plan without a URI.

    Raises UnverifiableUri, MetadataUnavailable, MetadataMismatch, InvalidMetadata, SecretInMetadata.
    """
    return parse_plan_metadata(load_metadata(uri, stores)) if uri else None


def load_agent_metadata(uri: str, stores: Iterable[MetadataStore] = ()) -> AgentMetadata | None:
    """Read an agent's metadata from the URI that the chain has, verified; None for an agent without a URI. Raises as for a plan."""
    return parse_metadata(load_metadata(uri, stores)) if uri else None


# ---------------------------------------------------------------- cost


def fit_cost(plan_id: int, terms: Terms, least: int | None = None, most: int | None = None) -> AttachedPlan:
    """Return a plan as an agent accepts it, at a cost per request that the plan's own range allows.

    If no cost is given it is that range; but a range up to all the credits of a purchase says nothing of a request, and is taken
    for its least. On plans in time and for usage requests cost no credits. Raises InvalidConfig.
    """
    if terms.kind is not PlanKind.CREDITS:
        return AttachedPlan(plan_id, 0, 0)
    least = terms.min_redeem if least is None else least
    if most is None:
        most = max(least, terms.max_redeem) if terms.max_redeem < terms.credits else least
    if most and not terms.min_redeem <= least <= most <= terms.max_redeem:
        raise InvalidConfig(
            f"a request of plan {plan_id} takes {terms.min_redeem} to {terms.max_redeem} credits, so none can cost {least} to {most}"
        )
    return AttachedPlan(plan_id, least, most)
