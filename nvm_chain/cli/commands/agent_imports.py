"""`nvm-chain agent import-openapi`: an agent's endpoints from an OpenAPI document."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.agent_costs import warn_of_costs
from nvm_chain.cli.answers import transaction_rows
from nvm_chain.cli.command import argument, chain_command
from nvm_chain.cli.confirmation import confirm
from nvm_chain.cli.descriptions import read_agent_description
from nvm_chain.cli.lazy import agents, endpoint_costs, errors, metadata, openapi, types_agents
from nvm_chain.cli.openapi_options import import_options
from nvm_chain.cli.output import Rows, open_console
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session
from nvm_chain.cli.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nvm_chain.chain.client import Chain
    from nvm_chain.metadata import AgentMetadata
    from nvm_chain.metadata.openapi.importing import ImportedApi, ImportedOperation
    from nvm_chain.types.agents import AttachedPlan

HEADINGS: Final = ("access", "method", "path or URL pattern", "credits", "operation")


@chain_command(
    "import-openapi",
    signs=True,
    agents=True,
    examples=(
        "nvm-chain agent import-openapi openapi.yaml --exclude tag:admin \\\n    --open /health --cost tag:reports=5 --dry-run",
        "nvm-chain agent import-openapi openapi.yaml --name Shop --plan $PLAN=1..5 \\\n    --exclude tag:admin --cost '*=1' --yes --dev-account 1",
        "nvm-chain agent import-openapi openapi.yaml --agent $AGENT \\\n    --exclude tag:admin --yes --keyfile builder.json --json",
    ),
)
@argument("source", type=Text(), metavar="FILE|URL", help="OpenAPI document of version 3.0 or 3.1, in JSON or YAML.")
@import_options
def import_openapi(
    session: Session,
    source: str,
    name: str | None,
    description: str,
    tags: tuple[str, ...],
    plans: tuple[tuple[int, int, int], ...],
    agent: int | None,
    sends_nothing: bool,
    yes: bool,
    **chosen: Any,
) -> None:
    """Register an agent with the endpoints of an OpenAPI document, or give them to an agent.

    Without --include all operations become public, except those that the document marks with x-internal. The command
    shows a table of them and asks before it sends anything. It takes only methods, paths and servers from the document.
    Costs of single operations are stored in the agent's metadata. They have to be in the range of --plan. YAML needs
    the extra gateway.
    """
    _check_target(name, agent, bool(description or tags or plans), sends_nothing)
    session.say("Reading the OpenAPI document")
    api = openapi.read_openapi(source, **{**chosen, **_read_pairs(chosen)})
    if api.other_servers:
        session.warn(f"the endpoints are at the first of {len(api.other_servers) + 1} servers; --server names another")
    if sends_nothing:
        _show(session, api, name, agent)
        return
    chain, signer = session.connect_to_sign()
    written, attached = _prepare(chain, api, agent, name, description, tags, plans)
    for cost in api.costs.values():
        for plan in attached:
            endpoint_costs.fit_cost_range(cost, plan)
    warn_of_costs(session, chain, attached)
    _ask(session, api, yes)
    if agent is None:
        registered = agents.register_agent(chain, signer, written, attached)
        agent, transaction = registered.agent_id, registered.transaction
    else:
        transaction = agents.update_agent(chain, signer, agent, written)
    known = read_agent_description(metadata.build_metadata_uri(written))
    data = {**_describe(api, agent), "metadata": known.as_json(), "transaction": transaction}
    rows: Rows = [("agent", agent), *known.rows(), *transaction_rows(transaction)]
    session.answer(data, rows)


def _read_pairs(chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the options of pairs as dictionaries. A selector that is given twice counts where it is given last."""
    costs: dict[str, tuple[int, int]] = {}
    for selector, cost in chosen["costs"]:
        costs.pop(selector, None)
        costs[selector] = cost
    return {"costs": costs, "server_variables": dict(chosen["server_variables"])}


def _check_target(name: str | None, agent: int | None, is_described: bool, sends_nothing: bool) -> None:
    if name is not None and agent is not None:
        raise errors.InvalidConfig("--name registers an agent, and --agent changes one", "give one of them")
    if name is None and is_described:
        raise errors.InvalidConfig("--description, --tag and --plan need --name", "give --name too")
    if name is None and agent is None and not sends_nothing:
        raise errors.InvalidConfig(
            "an agent is missing", "give --name for a new agent, --agent for one of yours, or --dry-run to look"
        )


def _prepare(
    chain: "Chain",
    api: "ImportedApi",
    agent: int | None,
    name: str | None,
    description: str,
    tags: tuple[str, ...],
    plans: tuple[tuple[int, int, int], ...],
) -> "tuple[AgentMetadata, Sequence[AttachedPlan]]":
    """Return the metadata of the new agent or of an agent on the chain, and the plans that the agent accepts."""
    if agent is None:
        attached = [types_agents.AttachedPlan(*plan) for plan in plans]
        return _build(api, metadata.AgentMetadata(name or "", description, tags=tags)), attached
    found = agents.read_agent(chain, agent)
    if not metadata.is_data_uri(found.uri):
        raise errors.InvalidConfig(
            f"the metadata of agent {agent} is not on the chain", "change the document that its URI names"
        )
    return _build(api, metadata.parse_metadata_uri(found.uri)), found.plans


def _build(api: "ImportedApi", described: "AgentMetadata") -> "AgentMetadata":
    """Return metadata with the endpoints of the document in place of its own. Raises InvalidMetadata."""
    extras = {key: value for key, value in described.extras.items() if key != endpoint_costs.COSTS_KEY}
    try:
        return replace(
            described,
            endpoints=api.endpoints,
            open_endpoints=api.open_endpoints,
            extras={**extras, **api.extras},
        )
    except errors.InvalidMetadata as error:
        count = len(api.endpoints) + len(api.open_endpoints)
        raise error.explain(
            f"it has {count} endpoints", "publish fewer with --include or --exclude. Nothing was sent"
        ) from None


def _show(session: Session, api: "ImportedApi", name: str | None, agent: int | None) -> None:
    """Answer with what would be public. Metadata that is too large is a warning here."""
    written = None
    try:
        written = metadata.describe_metadata(_build(api, metadata.AgentMetadata(name or "Agent")))
    except errors.InvalidMetadata as error:
        session.warn(str(error))
    public = {
        key: value for key, value in (written or {}).items() if name is not None or key not in ("name", "agentType")
    }
    data = {**_describe(api, agent), "metadata": public if written else None, "transaction": None}
    session.answer_lines(data, _write_lines(api))


def _describe(api: "ImportedApi", agent: int | None) -> dict[str, Any]:
    return {"agent_id": agent, "operations": [_fields(each) for each in api.operations]}


def _fields(operation: "ImportedOperation") -> dict[str, Any]:
    return {
        "method": operation.method,
        "path": operation.path,
        "operation_id": operation.operation_id or None,
        "tags": list(operation.tags),
        "access": operation.access,
        "url_pattern": operation.url_pattern or None,
        "min_credits": operation.min_credits,
        "max_credits": operation.max_credits,
    }


def _write_lines(api: "ImportedApi") -> Iterator[str]:
    """Yield a table of all operations: the paid ones, the open ones, then those that stay private."""
    order = ("paid", "open", "private")
    ordered = sorted(api.operations, key=lambda each: order.index(each.access))
    yield from write_table(HEADINGS, map(_write_row, ordered))
    counts = [f"{sum(each.access == access for each in ordered)} {access}" for access in order]
    yield ""
    yield f"{', '.join(counts)}. An open URL pattern is open under any method."


def _write_row(operation: "ImportedOperation") -> tuple[str, ...]:
    least, most = operation.min_credits, operation.max_credits
    cost = "" if least is None else str(least) if least == most else f"{least}..{most}"
    if operation.access == "paid":
        cost = cost or "by plan"
    where = operation.url_pattern or operation.path
    return operation.access, operation.method, where, cost, operation.operation_id


def _ask(session: Session, api: "ImportedApi", yes: bool) -> None:
    """Show what will be public, and ask for a confirmation. Raises NothingSent or InvalidConfig without one."""
    session.progress.stop()
    if not session.as_json:
        console = open_console(stderr=True)
        for line in _write_lines(api):
            console.print(line)
    if yes:
        return
    confirm(session, "Publish these endpoints?", verb="publish", look="look at the endpoints with --dry-run")
