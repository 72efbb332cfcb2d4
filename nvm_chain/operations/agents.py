"""Functions for agents: register, update and transfer them, change and read their plans, and find a request's cost."""

from collections.abc import Sequence

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import summarize
from nvm_chain.errors import UnknownEndpoint
from nvm_chain.metadata.data_uris import is_data_uri
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri, check_public_uri, parse_metadata_uri
from nvm_chain.metadata.endpoint_costs import fit_cost_range, read_costs
from nvm_chain.metadata.endpoints import match_endpoint
from nvm_chain.operations.receivers import Delivery, explained_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.agents import Agent, AttachedPlan, RegisteredAgent, RequestCost
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import parse_agent_id, parse_plan_id
from nvm_chain.types.receipts import Transaction

AGENT_BITS = 256
PAGE_SIZE = 500
"""The largest number of agents that one request reads."""


def register_agent(
    chain: Chain, signer: Signer, metadata: AgentMetadata | str, plans: Sequence[AttachedPlan] = ()
) -> RegisteredAgent:
    """Register an agent with its plans. The signer becomes the agent's owner. One transaction.

    AgentMetadata is stored on the chain as a ``data:`` URI. Each 32 bytes of the URI cost about 22,000 gas.

    Args:
        chain: The connection to the chain that gets the agent.
        signer: The agent's first owner. The signer has to own the plans too.
        metadata: The agent's metadata, or the URI of metadata that is stored elsewhere.
        plans: The plans that the agent accepts, each with the credits that a request costs.

    Raises:
        SecretInMetadata: The metadata holds a secret, or a text that looks like one.
        InvalidConfig: The metadata is neither AgentMetadata nor a printable URI.
        InvalidMetadata: A ``data:`` URI does not hold an agent's metadata.
        InvalidEndpoint: A ``data:`` URI holds a malformed endpoint.
        TooManyPlans: The list has more than 64 plans.
        InvalidCreditsRange: The lowest cost on a plan is above the highest cost.
        PlanAlreadyAttached: A plan is in the list twice.
        NotPlanOwner: The signer does not own a plan.
        UnknownPlan: A plan is not registered.
    """
    function = chain.agents.functions.register(_build_uri(metadata), [plan.as_tuple() for plan in plans])
    receipt = chain.send(signer, function)
    event = chain.read_event(chain.agents, "Registered", receipt)["args"]
    return RegisteredAgent(event["agentId"], event["owner"], event["agentUri"], tuple(plans), summarize(receipt))


def _build_uri(metadata: AgentMetadata | str) -> str:
    """Return the URI to register. Raises InvalidConfig, InvalidMetadata, InvalidEndpoint or SecretInMetadata."""
    if isinstance(metadata, AgentMetadata):
        return build_metadata_uri(metadata)
    uri = check_public_uri(metadata, "an agent's metadata is AgentMetadata, or a URI that can be printed")
    return build_metadata_uri(parse_metadata_uri(uri)) if is_data_uri(uri) else uri


def update_agent(chain: Chain, signer: Signer, agent_id: int | str, metadata: AgentMetadata | str) -> Transaction:
    """Replace an agent's metadata or its URI. Only for the agent's owner. One transaction.

    The former metadata stays readable in the chain's history. Raises SecretInMetadata, InvalidConfig, InvalidMetadata,
    InvalidEndpoint, NotAgentOwner or ERC721NonexistentToken.
    """
    function = chain.agents.functions.setAgentUri(parse_agent_id(agent_id), _build_uri(metadata))
    return summarize(chain.send(signer, function))


def transfer_agent(chain: Chain, signer: Signer, agent_id: int | str, new_owner: str) -> Transaction:
    """Transfer an agent to a new owner. The new owner does not have to accept it. One transaction.

    The signer is the owner, or an address that the owner approved. The agent keeps its plans, and each plan pays the
    same receivers as before. The new owner can detach the plans.

    Raises:
        ERC721InsufficientApproval: The signer is neither the owner nor an address that the owner approved.
        ERC721InvalidReceiver: The new owner is a contract that does not accept ERC-721 tokens.
        ERC721NonexistentToken: The agent is not registered.
    """
    check_signer(signer)
    receiver = parse_address(new_owner, "new owner's address")
    functions = chain.agents.functions
    agent = parse_agent_id(agent_id)
    owner = chain.read(functions.ownerOf(agent))
    transfer = functions["safeTransferFrom(address,address,uint256)"]
    with explained_receiver(chain, receiver, "ERC-721", Delivery(signer.address, owner, agent)):
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
    """Let an agent accept a plan. The signer has to own both. One transaction.

    Args:
        chain: The connection to the agent's chain.
        signer: The owner of the agent and of the plan.
        agent_id: The agent's id, as an int, text or DID.
        plan_id: The plan's id, as an int, text or DID.
        min_credits: The lowest cost of a request, in credits.
        max_credits: The highest cost of a request, in credits. If not given, every request has the lowest cost.

    Raises:
        NotAgentOwner: The signer does not own the agent.
        NotPlanOwner: The signer does not own the plan.
        UnknownPlan: The plan is not registered.
        PlanAlreadyAttached: The agent already accepts the plan.
        InvalidCreditsRange: The lowest cost is above the highest cost.
        TooManyPlans: The agent already accepts 64 plans.
        ERC721NonexistentToken: The agent is not registered.
    """
    most = min_credits if max_credits is None else max_credits
    plan = AttachedPlan(parse_plan_id(plan_id), min_credits, most)
    return summarize(chain.send(signer, chain.agents.functions.attachPlan(parse_agent_id(agent_id), *plan.as_tuple())))


def detach_plan(chain: Chain, signer: Signer, agent_id: int | str, plan_id: int | str) -> Transaction:
    """Stop an agent from accepting a plan. One transaction.

    The signer is the agent's owner or the plan's owner. Holders keep their credits. Raises DetachNotAllowed,
    PlanNotAttached or ERC721NonexistentToken.
    """
    return summarize(
        chain.send(signer, chain.agents.functions.detachPlan(parse_agent_id(agent_id), parse_plan_id(plan_id)))
    )


def replace_plans(chain: Chain, signer: Signer, agent_id: int | str, plans: Sequence[AttachedPlan]) -> Transaction:
    """Detach all plans of an agent, and attach the given plans. One transaction.

    The signer has to own the agent and the new plans. Raises NotAgentOwner, NotPlanOwner, UnknownPlan,
    PlanAlreadyAttached, InvalidCreditsRange, TooManyPlans or ERC721NonexistentToken.
    """
    function = chain.agents.functions.replacePlans(parse_agent_id(agent_id), [plan.as_tuple() for plan in plans])
    return summarize(chain.send(signer, function))


# ---------------------------------------------------------------- read


def read_agent(chain: Chain, agent_id: int | str) -> Agent:
    """Read an agent's owner, URI and plans. Three requests. Raises ERC721NonexistentToken.

    The metadata is not loaded. `nvm_chain.parse_metadata_uri` reads it from a ``data:`` URI, and
    `nvm_chain.load_metadata` loads it from any other URI.
    """
    agent, functions = parse_agent_id(agent_id), chain.agents.functions
    owner = chain.read(functions.ownerOf(agent))
    return Agent(agent, owner, read_agent_uri(chain, agent), read_agent_plans(chain, agent))


def read_agent_uri(chain: Chain, agent_id: int | str) -> str:
    """Read the URI of an agent's metadata. One request. Raises ERC721NonexistentToken."""
    return str(chain.read(chain.agents.functions.tokenURI(parse_agent_id(agent_id))))


def read_attached_plan(chain: Chain, agent_id: int | str, plan_id: int | str) -> AttachedPlan:
    """Read the cost of a request on an agent's plan. One request. Raises PlanNotAttached or ERC721NonexistentToken."""
    agent, plan = parse_agent_id(agent_id), parse_plan_id(plan_id)
    return AttachedPlan(plan, *chain.read(chain.agents.functions.costOf(agent, plan)))


def read_agent_plans(chain: Chain, agent_id: int | str) -> tuple[AttachedPlan, ...]:
    """Read the plans that an agent accepts, in no particular order. One request. Raises ERC721NonexistentToken."""
    return tuple(AttachedPlan(*plan) for plan in chain.read(chain.agents.functions.plansOf(parse_agent_id(agent_id))))


def read_plan_agents(chain: Chain, plan_id: int | str, offset: int = 0, limit: int | None = None) -> tuple[int, ...]:
    """Read the ids of the agents that accept a plan, in no particular order. One request for each 500 agents.

    If the list changes between two requests, an id may be missing or appear twice.

    Args:
        chain: The connection to the plan's chain.
        plan_id: The plan's id, as an int, text or DID. A plan that is not registered has no agents.
        offset: The number of agents to skip.
        limit: The largest number of ids to read. All ids if not given.

    Raises:
        InvalidPlanId: The plan id is malformed.
        InvalidAmount: ``offset`` or ``limit`` is out of range.
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
    """Find the cost of a request to an agent on a plan, in credits. At most two requests to the node.

    The method and the URL select an endpoint of the agent. The endpoint's own cost counts if the metadata has one, and
    otherwise the range that the agent takes on the plan. A server should refuse the request if this function raises an
    error.

    Args:
        chain: The connection to the agent's chain.
        agent_id: The agent's id, as an int, text or DID.
        plan_id: The id of the plan that pays for the request.
        method: The request's HTTP method.
        url: The request's URL.
        metadata: The agent's metadata. If not given, the metadata is read from the agent's ``data:`` URI.

    Raises:
        UnknownEndpoint: The agent does not have an endpoint for the method and the URL.
        PlanNotAttached: The agent does not accept the plan.
        InvalidUrl: The URL is malformed, or servers may read it in more than one way.
        CostOutOfRange: The endpoint's own cost is outside the range that the agent takes on the plan.
        InvalidMetadata: The agent's URI does not hold an agent's metadata, or its ``nvmCosts`` are malformed.
        InvalidEndpoint: An endpoint of the agent is malformed.
        SecretInMetadata: The agent's metadata holds a secret, or a text that looks like one.
        ERC721NonexistentToken: The agent is not registered.
    """
    agent, plan = parse_agent_id(agent_id), parse_plan_id(plan_id)
    known = metadata or parse_metadata_uri(read_agent_uri(chain, agent))
    found = match_endpoint(known.endpoints, known.open_endpoints, method, url)
    if found is None:
        raise UnknownEndpoint(agent, method, url.partition("?")[0].partition("#")[0])
    if found.endpoint is None:
        return RequestCost(0, 0, is_open=True)
    own = read_costs(known).get(found.endpoint)
    return RequestCost(*fit_cost_range(own, read_attached_plan(chain, agent, plan)))
