"""Plans and agents with metadata documents: save a document, register its plan or agent, and load it again."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import AgentNotRegistered, CostOutOfRange, NotMined, NvmChainError, OutcomeUnknown
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.metadata.documents import (
    AgentMetadata,
    Metadata,
    PlanMetadata,
    format_metadata,
    parse_metadata,
    parse_plan_metadata,
)
from nvm_chain.operations.agents import register_agent, update_agent
from nvm_chain.operations.plans import register_plan, set_plan_active
from nvm_chain.signing.keys import Signer
from nvm_chain.storage.stores import MetadataStore, load_metadata
from nvm_chain.types.agents import AttachedPlan, RegisteredAgent
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.plans import RegisteredPlan, Terms
from nvm_chain.types.prices import PriceConfig
from nvm_chain.types.receipts import Transaction


@contextmanager
def keep_document(store: MetadataStore, metadata: Metadata) -> Iterator[str]:
    """Save a document for a transaction in the ``with`` block. Discard the document if the transaction fails.

    The block gets the document's URI. After NotMined and OutcomeUnknown the document stays, because the transaction may
    still be mined and needs the document then.
    """
    uri, may_count = store.save(format_metadata(metadata)), False
    try:
        yield uri
        may_count = True
    except (NotMined, OutcomeUnknown):
        may_count = True
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
    """Save a plan's metadata, and register the plan with the metadata's URI. One transaction.

    The signer becomes the plan's owner. If the transaction fails, the document is discarded. Raises the errors of
    `nvm_chain.register_plan`, MetadataNotSaved and InvalidMetadata.
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
    """Save an agent's metadata and register the agent with its plans. One transaction.

    If the transaction fails, the document is discarded. Raises the errors of `nvm_chain.register_agent`,
    MetadataNotSaved and InvalidMetadata.
    """
    with keep_document(store, metadata) as uri:
        return register_agent(chain, signer, uri, plans)


def republish_agent(
    chain: Chain, signer: Signer, agent_id: int, metadata: AgentMetadata, *, store: MetadataStore
) -> Transaction:
    """Save an agent's new metadata, and register the URI of the metadata. Only for the agent's owner. One transaction.

    If the transaction fails, the document is discarded. Raises the errors of `nvm_chain.update_agent`,
    MetadataNotSaved and InvalidMetadata.
    """
    with keep_document(store, metadata) as uri:
        return update_agent(chain, signer, agent_id, uri)


@contextmanager
def stop_plan_on_failure(chain: Chain, signer: Signer, plan_id: int) -> Iterator[None]:
    """Stop the orders of a plan if the ``with`` block fails to register the plan's agent.

    Without the agent, a buyer of the plan would get access to nothing.

    Raises:
        NotMined: The registration is not mined in time. The error says that the plan still takes orders.
        OutcomeUnknown: The node does not tell the outcome of the registration. The plan still takes orders.
        AgentNotRegistered: The registration failed. The error holds the cause, and says whether the plan was stopped.
    """
    try:
        yield
    except (NotMined, OutcomeUnknown) as error:
        error.explain(*_tell_standing_plan(plan_id, error))
        raise
    except NvmChainError as error:
        raise AgentNotRegistered(plan_id, _stop_plan(chain, signer, plan_id), str(error)) from error


def _tell_standing_plan(plan_id: int, error: NotMined | OutcomeUnknown) -> tuple[str, str]:
    """Return the plan's state and the next step, after a registration of its agent whose outcome is unknown."""
    return (
        f"it registers an agent, whose plan {format_plan_id(plan_id)} was registered before and takes orders",
        (
            f"{error.next_step} If the agent was not registered, register it with that plan by `register_agent`. "
            "Registering both again would make a second plan"
        ),
    )


def _stop_plan(chain: Chain, signer: Signer, plan_id: int) -> str:
    """Stop the orders of a plan, and return a text about the plan's state."""
    advice = "call set_plan_active with False, or somebody may order it"
    try:
        set_plan_active(chain, signer, plan_id, False)
    except (NotMined, OutcomeUnknown) as error:
        unsure = f"transaction {error.transaction_hash} stops it, with an unknown outcome"
        return f"{unsure}: look it up, and if it failed, {advice}"
    except NvmChainError:
        return f"could not be stopped: {advice}"
    return "is stopped now, so that nobody orders it"


# ---------------------------------------------------------------- read


def load_plan_metadata(uri: str, stores: Iterable[MetadataStore] = ()) -> PlanMetadata | None:
    """Load a plan's metadata from its URI on the chain, and verify the hash. None for an empty URI.

    Raises UnverifiableUri, MetadataUnavailable, MetadataMismatch, InvalidMetadata or SecretInMetadata.
    """
    return parse_plan_metadata(load_metadata(uri, stores)) if uri else None


def load_agent_metadata(uri: str, stores: Iterable[MetadataStore] = ()) -> AgentMetadata | None:
    """Load an agent's metadata from its URI on the chain, and verify the hash. None for an empty URI.

    Raises the errors of `load_plan_metadata`, and InvalidEndpoint.
    """
    return parse_metadata(load_metadata(uri, stores)) if uri else None


# ---------------------------------------------------------------- cost


def fit_cost(plan_id: int, terms: Terms, least: int | None = None, most: int | None = None) -> AttachedPlan:
    """Return a plan for an agent to accept, with a cost per request within the plan's redemption range.

    The default cost is the plan's range. A range up to all credits of a purchase says nothing about one request, so the
    default cost is then the lower end of the range. On time plans and usage plans the cost is 0.

    Args:
        plan_id: The plan's id.
        terms: The plan's terms.
        least: The lowest cost of a request, in credits.
        most: The highest cost of a request, in credits.

    Raises:
        CostOutOfRange: The plan does not allow the cost.
    """
    if terms.kind is not PlanKind.CREDITS:
        return AttachedPlan(plan_id, 0, 0)
    least = terms.min_redeem if least is None else least
    if most is None:
        most = max(least, terms.max_redeem) if terms.max_redeem < terms.credits else least
    if most and not terms.min_redeem <= least <= most <= terms.max_redeem:
        raise CostOutOfRange(plan_id, least, most, terms.min_redeem, terms.max_redeem)
    return AttachedPlan(plan_id, least, most)
