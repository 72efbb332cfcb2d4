"""`nvm-chain agent`: register, show and change agents, and show the price of a request."""

from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.agent_costs import format_cost, warn_of_costs
from nvm_chain.cli.answers import name_plan, transaction_rows
from nvm_chain.cli.command import Command, agent_argument, argument, chain_command, plan_argument
from nvm_chain.cli.commands.agent_imports import import_openapi
from nvm_chain.cli.descriptions import agent_metadata_options, read_agent_description, read_agent_metadata
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import agents, formatting, metadata, types_agents
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, PlanCost, Range
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.types.agents import Agent, RegisteredAgent
    from nvm_chain.types.receipts import Transaction

agent_group = Group("agent", help="Register, show and change agents, and show the price of a request to an agent.")


@chain_command(
    "register",
    signs=True,
    agents=True,
    examples=(
        "nvm-chain agent register --name Echo --plan $PLAN=1 \\\n    --endpoint POST=https://example.com/agents/:id/tasks --dev-account 1",
        "nvm-chain agent register --uri https://example.com/agent.json \\\n    --keyfile builder.json --json",
    ),
)
@agent_metadata_options
@click.option(
    "--plan",
    "plans",
    type=PlanCost(),
    multiple=True,
    help="Plan that the agent accepts, with the credits of one request. Repeat for each plan.",
)
def register(session: Session, plans: tuple[tuple[int, int, int], ...], **described: Any) -> None:
    """Register an agent with the plans that it accepts.

    The signer has to own the plans, and becomes the owner of the agent. The metadata is public for ever. The command
    refuses text that looks like a token, password or key.
    """
    written = read_agent_metadata(**described)
    attached = [types_agents.AttachedPlan(*plan) for plan in plans]
    chain, signer = session.connect_to_sign()
    warn_of_costs(session, chain, attached)
    agent = agents.register_agent(chain, signer, written, attached)
    data = {**_describe(agent), "transaction": agent.transaction}
    session.answer(data, [*_rows(agent), *transaction_rows(agent.transaction)])


@chain_command(
    "update",
    signs=True,
    agents=True,
    examples=(
        "nvm-chain agent update $AGENT --name Echo --description 'Says it again.' \\\n    --endpoint POST=https://example.com/agents/:id/tasks --dev-account 1",
        "nvm-chain agent update $AGENT --uri https://example.com/agent.json \\\n    --keyfile builder.json --json",
    ),
)
@agent_argument()
@agent_metadata_options
def update(session: Session, agent: int, **described: Any) -> None:
    """Replace the whole metadata of an agent, or its URI. Agent owner only.

    The old metadata stays readable in the chain's history.
    """
    written = read_agent_metadata(**described)
    uri = written if isinstance(written, str) else metadata.build_metadata_uri(written)
    chain, signer = session.connect_to_sign()
    transaction = agents.update_agent(chain, signer, agent, uri)
    known = read_agent_description(uri)
    data = {"agent_id": agent, "uri": uri, "metadata": known.as_json(), "transaction": transaction}
    session.answer(data, [("agent", agent), *known.rows(), *transaction_rows(transaction)])


@chain_command(
    "transfer",
    signs=True,
    agents=True,
    examples=("nvm-chain agent transfer $AGENT $PARTNER --keyfile builder.json",),
)
@agent_argument()
@argument("new_owner", type=Address(), metavar="NEW_OWNER", help="Address of the new owner.")
def transfer(session: Session, agent: int, new_owner: str) -> None:
    """Transfer an agent to a new owner immediately.

    The signer is the agent owner, or an address that the owner approved. The agent keeps its plans. The plans keep
    their owners and receivers.
    """
    chain, signer = session.connect_to_sign()
    transaction = agents.transfer_agent(chain, signer, agent, new_owner)
    data = {"agent_id": agent, "owner": new_owner, "transaction": transaction}
    session.answer(data, [("agent", agent), ("owner", new_owner), *transaction_rows(transaction)])


def _describe(agent: "Agent | RegisteredAgent") -> dict[str, Any]:
    """Return an agent as a JSON object, with the metadata if it is on the chain."""
    known = read_agent_description(agent.uri).as_json()
    fields = {"agent_id": agent.agent_id, "owner": agent.owner, "uri": agent.uri}
    return {**fields, "metadata": known, "plans": list(agent.plans)}


def _rows(agent: "Agent | RegisteredAgent") -> Rows:
    rows: Rows = [("agent", agent.agent_id), ("owner", agent.owner), *read_agent_description(agent.uri).rows()]
    return [
        *rows,
        *(("plan", f"{formatting.format_plan_id(plan.plan_id)}  {format_cost(plan)}") for plan in agent.plans),
    ]


# ---------------------------------------------------------------- look up


@chain_command("show", agents=True, examples=("nvm-chain agent show $AGENT", "nvm-chain agent show $AGENT --json"))
@agent_argument()
def show(session: Session, agent: int) -> None:
    """Show an agent: its owner, its metadata, and the plans that it accepts."""
    chain = session.connect()
    session.say("Reading the agent")
    found = agents.read_agent(chain, agent)
    session.answer(_describe(found), _rows(found))


@chain_command("list", agents=True, examples=("nvm-chain agent list $PLAN", "nvm-chain agent list $PLAN --json"))
@plan_argument()
def list_by_plan(session: Session, plan: int) -> None:
    """List the agents that accept a plan."""
    chain = session.connect()
    session.say("Reading the agents")
    found = agents.read_plan_agents(chain, plan)
    rows: Rows = [("plan id", formatting.format_plan_id(plan)), *(("agent", agent_id) for agent_id in found)]
    session.answer({**name_plan(plan), "agents": list(found)}, rows)


@chain_command(
    "match",
    agents=True,
    examples=("nvm-chain agent match $AGENT $PLAN POST https://example.com/agents/7/tasks",),
)
@agent_argument()
@plan_argument()
@argument("method", help="HTTP method, such as POST.")
@argument("url", help="URL of the request.")
def match(session: Session, agent: int, plan: int, method: str, url: str) -> None:
    """Show the price of a request to an agent on a plan. The price comes from the agent's metadata on the chain."""
    chain = session.connect()
    session.say("Reading the agent")
    cost = agents.find_cost(chain, agent, plan, method, url)
    said = "open" if cost.is_open else format_cost(types_agents.AttachedPlan(plan, cost.min_credits, cost.max_credits))
    data = {"agent_id": agent, **name_plan(plan), "request": cost}
    session.answer(data, [("agent", agent), ("plan id", formatting.format_plan_id(plan)), ("request", said)])


# ---------------------------------------------------------------- plans


@chain_command(
    "attach",
    signs=True,
    agents=True,
    examples=("nvm-chain agent attach $AGENT $OTHER_PLAN --per-request 1..5 \\\n    --keyfile builder.json",),
)
@agent_argument()
@plan_argument()
@click.option(
    "--per-request",
    type=Range(),
    default="1",
    show_default=True,
    help="Credits that one request costs: a number, or a range such as 1..5.",
)
def attach(session: Session, agent: int, plan: int, per_request: tuple[int, int]) -> None:
    """Let an agent accept a plan. The signer has to own both."""
    chain, signer = session.connect_to_sign()
    warn_of_costs(session, chain, [types_agents.AttachedPlan(plan, *per_request)])
    transaction = agents.attach_plan(chain, signer, agent, plan, *per_request)
    _answer_link(session, agent, plan, True, transaction)


@chain_command(
    "detach", signs=True, agents=True, examples=("nvm-chain agent detach $AGENT $PLAN --keyfile builder.json",)
)
@agent_argument()
@plan_argument()
def detach(session: Session, agent: int, plan: int) -> None:
    """Stop an agent from accepting a plan. Agent owner or plan owner only.

    Holders keep their credits.
    """
    chain, signer = session.connect_to_sign()
    _answer_link(session, agent, plan, False, agents.detach_plan(chain, signer, agent, plan))


def _answer_link(session: Session, agent: int, plan: int, attached: bool, transaction: "Transaction") -> None:
    data = {"agent_id": agent, **name_plan(plan), "attached": attached, "transaction": transaction}
    rows: Rows = [
        ("agent", agent),
        ("plan id", formatting.format_plan_id(plan)),
        ("attached", "yes" if attached else "no"),
    ]
    session.answer(data, [*rows, *transaction_rows(transaction)])


AGENT_COMMANDS: Final[tuple[Command, ...]] = (
    *(register, import_openapi, show, list_by_plan, match),
    *(attach, detach, update, transfer),
)
for command in AGENT_COMMANDS:
    agent_group.add_command(command)
