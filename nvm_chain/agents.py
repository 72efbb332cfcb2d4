"""Agents: register them, say which plans they accept, look them up, and tell what a request costs."""

from collections.abc import Sequence

from nvm_chain.addresses import parse_address
from nvm_chain.agent_types import Agent, AttachedPlan, RegisteredAgent, RequestCost
from nvm_chain.chain import Chain, summarize
from nvm_chain.endpoints import match_endpoint
from nvm_chain.errors import InvalidConfig, UnknownEndpoint
from nvm_chain.ids import parse_agent_id, parse_plan_id
from nvm_chain.keys import Signer
from nvm_chain.leaks import refuse_secrets
from nvm_chain.metadata import URI_PREFIX, AgentMetadata, build_metadata_uri, parse_metadata_uri
from nvm_chain.types import Transaction
from nvm_chain.units import check_uint

AGENT_BITS = 256
PAGE_SIZE = 500
"""Agents read by one request."""


def register_agent(
    chain: Chain, signer: Signer, metadata: AgentMetadata | str, plans: Sequence[AttachedPlan] = ()
) -> RegisteredAgent:
    """Register an agent with its plans; the signer becomes its owner. One transaction.

    The metadata goes on the chain as a ``data:`` URI, at about 22,000 gas for each 32 bytes; text is the URI of metadata
    that is elsewhere. The signer has to own the plans. Raises SecretInMetadata, TooManyPlans, InvalidCreditsRange,
    PlanAlreadyAttached, NotPlanOwner, UnknownPlan.
    """
    function = chain.agents.functions.register(_build_uri(metadata), [plan.as_tuple() for plan in plans])
    receipt = chain.send(signer, function)
    event = chain.read_event(chain.agents, "Registered", receipt)["args"]
    return RegisteredAgent(event["agentId"], event["owner"], event["agentUri"], tuple(plans), summarize(receipt))


def _build_uri(metadata: AgentMetadata | str) -> str:
    """Return the URI of metadata. Raises SecretInMetadata if it has a user name, or a secret in its query."""
    if isinstance(metadata, AgentMetadata):
        return build_metadata_uri(metadata)
    _check_uri(metadata)
    if metadata.startswith(URI_PREFIX):
        return build_metadata_uri(parse_metadata_uri(metadata))
    if metadata.lower().startswith("data:"):
        raise InvalidConfig(f"metadata in a data URI begins with {URI_PREFIX}; build_metadata_uri writes it")
    refuse_secrets(metadata, "URI")
    return metadata


def _check_uri(uri: object) -> None:
    if not isinstance(uri, str) or not uri.isprintable():
        raise InvalidConfig(f"an agent's metadata is AgentMetadata or the text of a URI, not {type(uri).__name__}")


def update_agent(chain: Chain, signer: Signer, agent_id: int | str, metadata: AgentMetadata | str) -> Transaction:
    """Replace an agent's metadata, or its URI. Agent owner only. One transaction.

    What was there before stays readable in the chain's history. Raises SecretInMetadata, NotAgentOwner,
    ERC721NonexistentToken.
    """
    function = chain.agents.functions.setAgentUri(parse_agent_id(agent_id), _build_uri(metadata))
    return summarize(chain.send(signer, function))


def transfer_agent(chain: Chain, signer: Signer, agent_id: int | str, new_owner: str) -> Transaction:
    """Give an agent to a new owner at once. Its owner, or whom the owner approved. One transaction.

    It keeps its plans, whose payments go to the same receivers as before; the new owner can detach them. A new owner that is
    a contract has to accept ERC-721 tokens. Raises ERC721InsufficientApproval, ERC721InvalidReceiver,
    ERC721NonexistentToken.
    """
    receiver = parse_address(new_owner, "new owner's address")
    functions = chain.agents.functions
    agent = parse_agent_id(agent_id)
    owner = chain.read(functions.ownerOf(agent))
    return summarize(chain.send(signer, functions["safeTransferFrom(address,address,uint256)"](owner, receiver, agent)))


# ---------------------------------------------------------------- plans


def attach_plan(
    chain: Chain,
    signer: Signer,
    agent_id: int | str,
    plan_id: int | str,
    min_credits: int = 1,
    max_credits: int | None = None,
) -> Transaction:
    """Let an agent accept a plan, at ``min_credits`` to ``max_credits`` (the same if not given) per request.

    Only who owns both. One transaction. Raises NotAgentOwner, NotPlanOwner, UnknownPlan, PlanAlreadyAttached,
    InvalidCreditsRange, TooManyPlans, ERC721NonexistentToken.
    """
    most = min_credits if max_credits is None else max_credits
    plan = AttachedPlan(parse_plan_id(plan_id), min_credits, most)
    return summarize(chain.send(signer, chain.agents.functions.attachPlan(parse_agent_id(agent_id), *plan.as_tuple())))


def detach_plan(chain: Chain, signer: Signer, agent_id: int | str, plan_id: int | str) -> Transaction:
    """End that an agent accepts a plan; holders keep their credits. The owner of either. One transaction.

    Raises DetachNotAllowed, PlanNotAttached, ERC721NonexistentToken.
    """
    return summarize(
        chain.send(signer, chain.agents.functions.detachPlan(parse_agent_id(agent_id), parse_plan_id(plan_id)))
    )


def replace_plans(chain: Chain, signer: Signer, agent_id: int | str, plans: Sequence[AttachedPlan]) -> Transaction:
    """Detach all plans of an agent and attach others, in one transaction. Only who owns the agent and the new plans.

    Raises NotAgentOwner, NotPlanOwner, UnknownPlan, PlanAlreadyAttached, InvalidCreditsRange, TooManyPlans,
    ERC721NonexistentToken.
    """
    function = chain.agents.functions.replacePlans(parse_agent_id(agent_id), [plan.as_tuple() for plan in plans])
    return summarize(chain.send(signer, function))


# ---------------------------------------------------------------- read


def read_agent(chain: Chain, agent_id: int | str) -> Agent:
    """Read an agent: owner, URI and plans. Three requests. Raises ERC721NonexistentToken.

    For metadata on the chain, `nvm_chain.metadata.parse_metadata_uri` reads the URI; anything else is yours to fetch.
    """
    agent, functions = parse_agent_id(agent_id), chain.agents.functions
    owner = chain.read(functions.ownerOf(agent))
    return Agent(agent, owner, read_agent_uri(chain, agent), read_agent_plans(chain, agent))


def read_agent_uri(chain: Chain, agent_id: int | str) -> str:
    """Read where an agent's metadata is, or the metadata itself. One request. Raises ERC721NonexistentToken."""
    return str(chain.read(chain.agents.functions.tokenURI(parse_agent_id(agent_id))))


def read_attached_plan(chain: Chain, agent_id: int | str, plan_id: int | str) -> AttachedPlan:
    """Read what a request to an agent costs on a plan. One request. Raises PlanNotAttached, ERC721NonexistentToken."""
    agent, plan = parse_agent_id(agent_id), parse_plan_id(plan_id)
    return AttachedPlan(plan, *chain.read(chain.agents.functions.costOf(agent, plan)))


def read_agent_plans(chain: Chain, agent_id: int | str) -> tuple[AttachedPlan, ...]:
    """Read the plans that an agent accepts, in no particular order. One request. Raises ERC721NonexistentToken."""
    return tuple(AttachedPlan(*plan) for plan in chain.read(chain.agents.functions.plansOf(parse_agent_id(agent_id))))


def read_plan_agents(chain: Chain, plan_id: int | str, offset: int = 0, limit: int | None = None) -> tuple[int, ...]:
    """Read the ids of the agents that accept a plan, in no particular order; all of them without a ``limit``.

    One request for each 500. An id may be missing or come twice if plans are detached in between. A plan that nobody
    registered has none.
    """
    plan, start = parse_plan_id(plan_id), check_uint(offset, AGENT_BITS, "offset")
    left = None if limit is None else check_uint(limit, AGENT_BITS, "limit")
    found: list[int] = []
    while left is None or len(found) < left:
        size = PAGE_SIZE if left is None else min(PAGE_SIZE, left - len(found))
        page = chain.read(chain.agents.functions.agentsOf(plan, min(start + len(found), 2**AGENT_BITS - 1), size))
        found += page
        if len(page) < size:
            break
    return tuple(found)


def find_cost(
    chain: Chain, agent_id: int | str, plan_id: int | str, method: str, url: str, metadata: AgentMetadata | None = None
) -> RequestCost:
    """Find what a request to an agent costs on a plan: match method and URL to an endpoint, then read the credits.

    ``metadata`` is the agent's, for metadata that is not on the chain. One to two requests. Raises UnknownEndpoint if the
    agent has no such endpoint, PlanNotAttached, InvalidUrl for a URL that is none or ambiguous, InvalidMetadata,
    InvalidEndpoint, SecretInMetadata, ERC721NonexistentToken. Refuse the request on any of them.
    """
    agent, plan = parse_agent_id(agent_id), parse_plan_id(plan_id)
    known = metadata or parse_metadata_uri(read_agent_uri(chain, agent))
    found = match_endpoint(known.endpoints, known.open_endpoints, method, url)
    if found is None:
        raise UnknownEndpoint(agent, method, url.partition("?")[0].partition("#")[0])
    if found.is_open:
        return RequestCost(0, 0, is_open=True)
    attached = read_attached_plan(chain, agent, plan)
    return RequestCost(attached.min_credits, attached.max_credits)
