"""`nvm-chain agent`: register agents, say which plans they accept, look them up, and tell what a request costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.answers import name_plan, transaction_rows
from nvm_chain.cli.commands import Command, Group, chain_command
from nvm_chain.cli.failures import explain_unreadable
from nvm_chain.cli.lazy import agent_types, agents, endpoints, metadata
from nvm_chain.cli.output import Rows, count, format_plan_id
from nvm_chain.cli.parameters import PlanCost, PlanId, Range, Text
from nvm_chain.cli.session import Session
from nvm_chain.errors import InvalidConfig, InvalidMetadata

if TYPE_CHECKING:
    from nvm_chain.agent_types import AttachedPlan
    from nvm_chain.metadata import AgentMetadata
    from nvm_chain.types import Transaction

agent_group = Group("agent", help="Register agents, say which plans they accept, and tell what a request costs.")

AGENT: Final = click.IntRange(min=1)


@chain_command(
    "register",
    signs=True,
    agents=True,
    examples=(
        "nvm-chain agent register --name Echo --plan $PLAN=1..5 \\\n    --endpoint POST=https://example.com/agents/:id/tasks --dev-account 1",
        "nvm-chain agent register --uri https://example.com/agent.json \\\n    --keyfile builder.json --json",
    ),
)
@click.option("--name", help="The agent's name; its metadata then goes on the chain.")
@click.option("--description", default="", help="What it does.")
@click.option("--tag", "tags", multiple=True, help="A tag; once for each.")
@click.option(
    "--endpoint",
    "paid",
    metavar="METHOD=URL",
    multiple=True,
    help="A paid endpoint; its path may have :name and *name.",
)
@click.option("--open", "open_urls", metavar="URL", multiple=True, help="An endpoint that costs nothing.")
@click.option(
    "--metadata", "file", type=click.Path(path_type=Path), metavar="PATH", help="A JSON file with all of the above."
)
@click.option("--uri", type=Text(), help="Where the metadata is, if it is not to go on the chain.")
@click.option(
    "--plan",
    "plans",
    type=PlanCost(),
    multiple=True,
    help="A plan it accepts and the credits of a request; once for each.",
)
def register(
    session: Session,
    name: str | None,
    description: str,
    tags: tuple[str, ...],
    paid: tuple[str, ...],
    open_urls: tuple[str, ...],
    file: Path | None,
    uri: str | None,
    plans: tuple[tuple[int, int, int], ...],
) -> None:
    """Register an agent with the plans it accepts; the signer owns it, and has to own the plans.

    Everybody can read metadata, for ever: what is or looks like a token, password or key is refused.
    """
    if [name, file, uri].count(None) != 2:
        raise InvalidConfig("give one of --name, --metadata and --uri")
    if name is None and (description or tags or paid or open_urls):
        raise InvalidConfig("--description, --tag, --endpoint and --open go with --name")
    described: AgentMetadata | str = uri or ""
    if file is not None:
        described = metadata.parse_metadata(_read_file(file))
    elif name is not None:
        pairs = [endpoints.Endpoint(*_split_endpoint(text)) for text in paid]
        described = metadata.AgentMetadata(
            name, description, tags=tags, endpoints=tuple(pairs), open_endpoints=open_urls
        )
    attached = [agent_types.AttachedPlan(*plan) for plan in plans]
    chain, signer = session.connect_to_sign()
    agent = agents.register_agent(chain, signer, described, attached)
    data = {**_describe(agent.agent_id, agent.owner, agent.uri, agent.plans), "transaction": agent.transaction}
    session.answer(
        data, [*_rows(agent.agent_id, agent.owner, agent.uri, agent.plans), *transaction_rows(agent.transaction)]
    )


def _split_endpoint(text: str) -> tuple[str, str]:
    method, found, url = text.partition("=")
    if not found:
        raise InvalidConfig("--endpoint is METHOD=URL, such as POST=https://example.com/tasks")
    return method, url


def _read_file(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidMetadata(str(path), f"it cannot be read ({explain_unreadable(error)})") from None


def _describe(agent_id: int, owner: str, uri: str, plans: "tuple[AttachedPlan, ...]") -> dict[str, Any]:
    """Return an agent as JSON shows it, with its metadata if that is on the chain."""
    known = metadata.describe_metadata(metadata.parse_metadata_uri(uri)) if _is_data(uri) else None
    return {"agent_id": agent_id, "owner": owner, "uri": uri, "metadata": known, "plans": list(plans)}


def _is_data(uri: str) -> bool:
    return bool(uri.startswith(metadata.URI_PREFIX))


def _rows(agent_id: int, owner: str, uri: str, plans: "tuple[AttachedPlan, ...]") -> Rows:
    rows: list[tuple[str, object]] = [("agent", agent_id), ("owner", owner)]
    if _is_data(uri):
        known = metadata.parse_metadata_uri(uri)
        rows += [("name", known.name), *([("description", known.description)] if known.description else [])]
        rows += [("endpoint", f"{each.method} {each.url_pattern}") for each in known.endpoints]
        rows += [("open", url) for url in known.open_endpoints]
    else:
        rows.append(("metadata", uri or "none"))
    return [*rows, *(("plan", f"{format_plan_id(plan.plan_id)}  {_format_cost(plan)}") for plan in plans)]


def _format_cost(plan: "AttachedPlan") -> str:
    least, most = plan.min_credits, plan.max_credits
    if most == 0:
        return "nothing beyond access"
    return count(most, "credit") if least == most else f"{least} to {count(most, 'credit')}"


# ---------------------------------------------------------------- look up


@chain_command("show", agents=True, examples=("nvm-chain agent show $AGENT", "nvm-chain agent show $AGENT --json"))
@click.argument("agent", type=AGENT)
def show(session: Session, agent: int) -> None:
    """Show an agent: owner, metadata, and the plans it accepts."""
    chain = session.connect()
    session.say("Reading the agent")
    found = agents.read_agent(chain, agent)
    fields = (found.agent_id, found.owner, found.uri, found.plans)
    session.answer(_describe(*fields), _rows(*fields))


@chain_command("list", agents=True, examples=("nvm-chain agent list $PLAN", "nvm-chain agent list $PLAN --json"))
@click.argument("plan", type=PlanId())
def list_by_plan(session: Session, plan: int) -> None:
    """List the agents that accept a plan."""
    chain = session.connect()
    session.say("Reading the agents")
    found = agents.read_plan_agents(chain, plan)
    rows: Rows = [("plan id", format_plan_id(plan)), *(("agent", agent_id) for agent_id in found)]
    session.answer({**name_plan(plan), "agents": list(found)}, rows)


@chain_command(
    "match",
    agents=True,
    examples=("nvm-chain agent match $AGENT $PLAN POST https://example.com/agents/7/tasks",),
)
@click.argument("agent", type=AGENT)
@click.argument("plan", type=PlanId())
@click.argument("method")
@click.argument("url")
def match(session: Session, agent: int, plan: int, method: str, url: str) -> None:
    """Tell what a request to an agent costs on a plan, from its metadata on the chain."""
    chain = session.connect()
    session.say("Reading the agent")
    cost = agents.find_cost(chain, agent, plan, method, url)
    said = "open" if cost.is_open else _format_cost(agent_types.AttachedPlan(plan, cost.min_credits, cost.max_credits))
    data = {"agent_id": agent, **name_plan(plan), "cost": cost}
    session.answer(data, [("agent", agent), ("plan id", format_plan_id(plan)), ("request", said)])


# ---------------------------------------------------------------- plans


@chain_command(
    "attach",
    signs=True,
    agents=True,
    examples=("nvm-chain agent attach $AGENT $OTHER_PLAN --per-request 1..5 \\\n    --keyfile builder.json",),
)
@click.argument("agent", type=AGENT)
@click.argument("plan", type=PlanId())
@click.option(
    "--per-request", type=Range(), default="1", show_default=True, help="Credits that one request costs, or a range."
)
def attach(session: Session, agent: int, plan: int, per_request: tuple[int, int]) -> None:
    """Let an agent accept a plan. Only who owns both."""
    chain, signer = session.connect_to_sign()
    transaction = agents.attach_plan(chain, signer, agent, plan, *per_request)
    _answer_link(session, agent, plan, True, transaction)


@chain_command(
    "detach", signs=True, agents=True, examples=("nvm-chain agent detach $AGENT $PLAN --keyfile builder.json",)
)
@click.argument("agent", type=AGENT)
@click.argument("plan", type=PlanId())
def detach(session: Session, agent: int, plan: int) -> None:
    """End that an agent accepts a plan; holders keep their credits. The owner of either."""
    chain, signer = session.connect_to_sign()
    _answer_link(session, agent, plan, False, agents.detach_plan(chain, signer, agent, plan))


def _answer_link(session: Session, agent: int, plan: int, attached: bool, transaction: "Transaction") -> None:
    data = {"agent_id": agent, **name_plan(plan), "attached": attached, "transaction": transaction}
    rows: Rows = [("agent", agent), ("plan id", format_plan_id(plan)), ("attached", "yes" if attached else "no")]
    session.answer(data, [*rows, *transaction_rows(transaction)])


AGENT_COMMANDS: Final[tuple[Command, ...]] = (register, show, list_by_plan, match, attach, detach)
for command in AGENT_COMMANDS:
    agent_group.add_command(command)
