"""`nvm-chain index plans`, `holders`, `holdings` and `agents`: who has what, from an index."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from nvm_chain.cli.answers import describe_terms, name_plan
from nvm_chain.cli.command import argument, plan_argument
from nvm_chain.cli.index_answers import Row, answer_table, check_form, csv_option
from nvm_chain.cli.indexes import Money, index_command, open_index, parse_time
from nvm_chain.cli.lazy import formatting, index_listing, index_reading, json_values, statements_formats
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, PlanId, Text
from nvm_chain.cli.ranges import describe_offer_in
from nvm_chain.cli.session import Session
from nvm_chain.cli.tables import write_table

if TYPE_CHECKING:
    from nvm_chain.index.results import IndexedAccount, IndexedPlan
    from nvm_chain.types.agents import Agent

PLAN_COLUMNS: Final = (
    *("plan_id", "owner", "active", "kind", "token", "price", "credits", "fee_bps", "sold", "holders"),
    *("registered", "registered_at", "creator", "pending_owner", "uri"),
)
ACCOUNT_COLUMNS: Final = (
    "plan_id",
    "holder",
    "kind",
    "balance",
    "settled",
    "access_until",
    "trial_taken",
    "next_expiry",
)
AGENT_COLUMNS: Final = ("agent_id", "owner", "uri", "plan_id", "min_credits", "max_credits")


# ---------------------------------------------------------------- plans


@index_command("plans", examples=("nvm-chain index plans", "nvm-chain index plans --owner $BUILDER --csv"))
@click.option("--owner", type=Address(), help="Only the plans that this address owns.")
@csv_option
def plans(session: Session, owner: str | None, as_csv: bool) -> None:
    """List plans with their sales and holders."""
    check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_reading.list_plans(index, owner=owner)
        rows = [describe_plan(plan) for plan in found]
        lines = _plan_lines(Money(session, index), found)
        data = {"plans": [_drop_flat(row) for row in rows]}
        answer_table(session, data, PLAN_COLUMNS, rows, lines, as_csv=as_csv)


def describe_plan(plan: "IndexedPlan") -> Row:
    """Return a plan as JSON, with a few flat terms for CSV."""
    terms = plan.terms
    return {
        **name_plan(plan.plan_id),
        **{key: value for key, value in json_values.fields_of(plan).items() if key not in ("plan_id", "terms")},
        "terms": describe_terms(terms),
        "registered": statements_formats.format_time(plan.registered_at),
        "kind": terms.kind.name.lower(),
        "token": terms.token,
        "price": terms.price,
        "credits": terms.credits,
    }


def _drop_flat(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in ("registered", "kind", "token", "price", "credits")}


def _plan_lines(money: Money, found: "Sequence[IndexedPlan]") -> Iterator[str]:
    if not found:
        yield "There are no plans."
    for plan in found:
        yield formatting.format_plan_id(plan.plan_id)
        yield f"  {describe_offer_in(money.find_label, plan)}"
        holders = formatting.count(plan.holders, "holder")
        yield f"  {formatting.count(plan.sold, 'purchase')}, {holders}, owner {plan.owner}"


# ---------------------------------------------------------------- holders and holdings


@index_command(
    "holders",
    examples=("nvm-chain index holders $PLAN", "nvm-chain index holders $PLAN --at 2030-01-01 --csv"),
)
@plan_argument()
@click.option("--at", type=Text(), metavar="TIME", help="Time, not before the index's block. Default: that block's.")
@csv_option
def holders(session: Session, plan: int, at: str | None, as_csv: bool) -> None:
    """List the holders of a plan.

    Credits expire, and periods end, up to the given time.
    """
    check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_reading.list_holders(index, plan, at=parse_time(at, "--at"))
    rows = [describe_account(account) for account in found]
    data = {**name_plan(plan), "holders": [_drop_expiry(row) for row in rows]}
    answer_table(session, data, ACCOUNT_COLUMNS, rows, _holder_lines(found), as_csv=as_csv)


def describe_account(account: "IndexedAccount") -> Row:
    """Return an account as JSON, with its next expiry for CSV."""
    did = name_plan(account.plan_id)
    expiry = account.lots[0].expires_at if account.lots else None
    return {**did, **json_values.fields_of(account), "next_expiry": expiry}


def _drop_expiry(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "next_expiry"}


def _holder_lines(found: "Sequence[IndexedAccount]") -> Iterator[str]:
    if not found:
        yield "The plan has no holders."
        return
    rows = [(account.holder, f"{account.balance:,}", _describe_end(account)) for account in found]
    yield from write_table(("holder", _name_unit(found[0]), "until"), rows, right=(1,))


def _name_unit(account: "IndexedAccount") -> str:
    return "periods" if account.kind.name == "TIME" else "credits"


def _describe_end(account: "IndexedAccount") -> str:
    """Return when access ends, or when the first credits expire. Empty for credits that stay."""
    end = account.access_until or (account.lots[0].expires_at if account.lots else 0)
    return formatting.format_utc(end).removesuffix(" UTC") if end else ""


@index_command(
    "holdings",
    examples=("nvm-chain index holdings $SUBSCRIBER", "nvm-chain index holdings $BUILDER --json"),
)
@argument("address", type=Address(), help="Address of a holder or an owner.")
def holdings(session: Session, address: str) -> None:
    """Show what an address holds, and the plans and agents that it owns."""
    with open_index(session) as index:
        held = index_reading.read_holdings(index, address)
        owned = index_reading.list_plans(index, owner=address)
        agents = index_listing.list_agents(index, owner=address) if index.state.agents else []
        data = {
            "address": address,
            "held": [_drop_expiry(describe_account(account)) for account in held],
            "owned": [_drop_flat(describe_plan(plan)) for plan in owned],
            "agents": [describe_agent(agent) for agent in agents],
        }
        session.answer(data, [("address", address), *_holding_rows(Money(session, index), held, owned, agents)])


def _holding_rows(
    money: Money, held: "Iterable[IndexedAccount]", owned: "Iterable[IndexedPlan]", agents: "Iterable[Agent]"
) -> Rows:
    rows: Rows = []
    for account in held:
        amount = formatting.count(account.balance, _name_unit(account).removesuffix("s"))
        end = _describe_end(account)
        rows += [
            ("holds", formatting.format_plan_id(account.plan_id)),
            ("", f"{amount}, until {end}" if end else amount),
        ]
    for plan in owned:
        rows += [("owns", formatting.format_plan_id(plan.plan_id)), ("", describe_offer_in(money.find_label, plan))]
    rows += [("owns", f"agent {agent.agent_id}") for agent in agents]
    return rows or [("found", "nothing")]


# ---------------------------------------------------------------- agents


@index_command(
    "agents", examples=("nvm-chain index agents --owner $BUILDER", "nvm-chain index agents --plan $PLAN --json")
)
@click.option("--owner", type=Address(), help="Only the agents of this address.")
@click.option("--plan", type=PlanId(), help="Only the agents that accept this plan.")
@csv_option
def agents(session: Session, owner: str | None, plan: int | None, as_csv: bool) -> None:
    """List agents with the plans that they accept.

    The CSV has a line for each plan of each agent.
    """
    check_form(session, as_csv=as_csv)
    with open_index(session) as index:
        found = index_listing.list_agents(index, owner=owner, plan_id=plan)
    rows = [
        {"agent_id": agent.agent_id, "owner": agent.owner, "uri": agent.uri, **attached}
        for agent in found
        for attached in ([json_values.fields_of(item) for item in agent.plans] or [{}])
    ]
    data = {"agents": [describe_agent(agent) for agent in found]}
    answer_table(session, data, AGENT_COLUMNS, rows, _agent_lines(found), as_csv=as_csv)


def describe_agent(agent: "Agent") -> Row:
    """Return an agent as JSON."""
    return json_values.fields_of(agent)


def _agent_lines(found: "Sequence[Agent]") -> Iterator[str]:
    if not found:
        yield "There are no agents."
    for agent in found:
        yield f"agent {agent.agent_id}, owner {agent.owner}"
        for item in agent.plans:
            cost = formatting.format_range(item.min_credits, item.max_credits, "credit")
            yield f"  {formatting.format_plan_id(item.plan_id)}"
            yield f"    {cost} for a request"
