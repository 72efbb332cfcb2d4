"""Agents: register them, change which plans they accept, look them up, and find what a request costs."""

from collections.abc import Sequence

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import UnknownEndpoint
from nvm_chain.metadata.data_uris import is_data_uri
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri, check_public_uri, parse_metadata_uri
from nvm_chain.metadata.endpoints import match_endpoint
from nvm_chain.operations.receivers import explained_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.agents import Agent, AttachedPlan, RegisteredAgent, RequestCost
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_agent_id, parse_plan_id
from nvm_chain.types.receipts import Transaction

AGENT_BITS = 256
PAGE_SIZE = 500
"""Agents read by one request."""


def register_agent(
    chain: Chain, signer: Signer, metadata: AgentMetadata | str, plans: Sequence[AttachedPlan] = ()
) -> RegisteredAgent:
    """Register an agent with its plans; the signer becomes its owner. One transaction.

    AgentMetadata is kept on the chain, as a ``data:`` URI. Each 32 bytes of it cost about 22,000 gas.

    Args:
        chain: Where the agent is registered.
        signer: The agent's first owner, who also has to own the plans.
        metadata: The agent's metadata, or the URI of metadata that is kept elsewhere.
        plans: The plans that the agent accepts, with the credits that a request costs on each.

    Raises:
        SecretInMetadata: The metadata holds what is or looks like a secret.
        InvalidMetadata: The metadata is not an agent's metadata.
        TooManyPlans: The agent would accept more than 64 plans.
        InvalidCreditsRange: The lowest cost on a plan is above the highest.
        PlanAlreadyAttached: A plan is given twice.
        NotPlanOwner: The signer does not own a plan.
        UnknownPlan: A plan is not registered.
    """
    function = chain.agents.functions.register(_build_uri(metadata), [plan.as_tuple() for plan in plans])
    receipt = chain.send(signer, function)
    event = chain.read_event(chain.agents, "Registered", receipt)["args"]
    return RegisteredAgent(event["agentId"], event["owner"], event["agentUri"], tuple(plans), summarize(receipt))


def _build_uri(metadata: AgentMetadata | str) -> str:
    """Return the URI of metadata. Raises SecretInMetadata if it has a user name, or a secret in its query."""
    if isinstance(metadata, AgentMetadata):
        return build_metadata_uri(metadata)
    uri = check_public_uri(metadata, "an agent's metadata is AgentMetadata, or a URI that can be printed")
    return build_metadata_uri(parse_metadata_uri(uri)) if is_data_uri(uri) else uri


def update_agent(chain: Chain, signer: Signer, agent_id: int | str, metadata: AgentMetadata | str) -> Transaction:
    """Replace an agent's metadata, or its URI. Agent owner only. One transaction.

    The metadata from before stays readable in the chain's history. Raises SecretInMetadata, InvalidMetadata,
    NotAgentOwner, ERC721NonexistentToken.
    """
    function = chain.agents.functions.setAgentUri(parse_agent_id(agent_id), _build_uri(metadata))
    return summarize(chain.send(signer, function))


def transfer_agent(chain: Chain, signer: Signer, agent_id: int | str, new_owner: str) -> Transaction:
    """Transfer an agent to a new owner at once. Agent owner, or an address that the owner approved. One transaction.

    The agent keeps its plans, which pay the same receivers as before. The new owner can detach them.

    Raises:
        ERC721InsufficientApproval: The signer is neither the owner nor approved.
        ERC721InvalidReceiver: The new owner is a contract that does not accept ERC-721 tokens.
        ERC721NonexistentToken: The agent is not registered.
    """
    receiver = parse_address(new_owner, "new owner's address")
    functions = chain.agents.functions
    agent = parse_agent_id(agent_id)
    owner = chain.read(functions.ownerOf(agent))
    transfer = functions["safeTransferFrom(address,address,uint256)"]
    with explained_receiver(chain):
        return summarize(chain.send(signer, transfer(owner, receiver, agent)))


# ---------------------------------------------------------------- plans


def attach_plan(
    chain: Chain,
    signer: Signer,
    agent_id: int | str,
    plan_id: int | str,
    min_credits: int = 1,
    max_credits: int | None = None,
) -> Transaction:
    """Let an agent accept a plan. Only for the owner of both. One transaction.

    Args:
        chain: Where the agent is.
        signer: The owner of the agent and of the plan.
        agent_id: The agent, in any spelling.
        plan_id: The plan, in any spelling.
        min_credits: The lowest cost of a request, in credits.
        max_credits: The highest cost of a request, in credits. The lowest if not given.

    Raises:
        NotAgentOwner: The signer does not own the agent.
        NotPlanOwner: The signer does not own the plan.
        UnknownPlan: The plan is not registered.
        PlanAlreadyAttached: The agent accepts the plan already.
        InvalidCreditsRange: The lowest cost is above the highest.
        TooManyPlans: The agent accepts 64 plans already.
        ERC721NonexistentToken: The agent is not registered.
    """
    most = min_credits if max_credits is None else max_credits
    plan = AttachedPlan(parse_plan_id(plan_id), min_credits, most)
    return summarize(chain.send(signer, chain.agents.functions.attachPlan(parse_agent_id(agent_id), *plan.as_tuple())))


def detach_plan(chain: Chain, signer: Signer, agent_id: int | str, plan_id: int | str) -> Transaction:
    """Stop an agent from accepting a plan; holders keep their credits. Agent owner or plan owner. One transaction.

    Raises DetachNotAllowed, PlanNotAttached, ERC721NonexistentToken.
    """
    return summarize(
        chain.send(signer, chain.agents.functions.detachPlan(parse_agent_id(agent_id), parse_plan_id(plan_id)))
    )


def replace_plans(chain: Chain, signer: Signer, agent_id: int | str, plans: Sequence[AttachedPlan]) -> Transaction:
    """Detach all plans of an agent and attach others. Only for the owner of the agent and the new plans. One transaction.

    Raises NotAgentOwner, NotPlanOwner, UnknownPlan, PlanAlreadyAttached, InvalidCreditsRange, TooManyPlans,
    ERC721NonexistentToken.
    """
    function = chain.agents.functions.replacePlans(parse_agent_id(agent_id), [plan.as_tuple() for plan in plans])
    return summarize(chain.send(signer, function))


# ---------------------------------------------------------------- read


def read_agent(chain: Chain, agent_id: int | str) -> Agent:
    """Read an agent's owner, URI and plans. Three requests. Raises ERC721NonexistentToken.

    `nvm_chain.parse_metadata_uri` reads metadata that the URI itself holds, and `nvm_chain.load_metadata` reads it from
    elsewhere.
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
    """Read the ids of the agents that accept a plan, in no particular order. One request for each 500.

    The list is empty for a plan that is not registered. An id may be missing or appear twice if plans are detached
    between two requests. Without a ``limit`` all ids are read.
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
    """Find what a request to an agent costs on a plan. One to two requests.

    Method and URL are matched to an endpoint of the agent; then the credits are read. Refuse the request on every
    error.

    Args:
        chain: Where the agent is.
        agent_id: The agent, in any spelling.
        plan_id: The plan that the request is paid with.
        method: The request's HTTP method.
        url: The request's URL.
        metadata: The agent's metadata where it is not kept on the chain. Read from the chain if not given.

    Raises:
        UnknownEndpoint: The agent does not serve such a request.
        PlanNotAttached: The agent does not accept the plan.
        InvalidUrl: The URL is not one, or servers may read it in more than one way.
        InvalidMetadata: The metadata is not that of an agent.
        InvalidEndpoint: An endpoint of the agent is malformed.
        SecretInMetadata: The agent's metadata holds what is or looks like a secret.
        ERC721NonexistentToken: The agent is not registered.
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
