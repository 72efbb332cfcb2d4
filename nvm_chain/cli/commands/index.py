"""`nvm-chain index`: follow a chain into an index, show its state, and compare it with the chain."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.commands.index_proof import describe_proof, proof_rows, say_step
from nvm_chain.cli.exit_codes import EXIT_INDEX
from nvm_chain.cli.groups import Entry, Group
from nvm_chain.cli.indexes import index_command, open_index, open_own_index
from nvm_chain.cli.lazy import errors, formatting, index_following, index_schema, index_verifying, json_values
from nvm_chain.cli.output import Rows
from nvm_chain.cli.session import Session
from nvm_chain.cli.stopping import stopping

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.index.database import Index
    from nvm_chain.index.progress import Progress
    from nvm_chain.index.verifying import Verification

LISTS: Final = "index_lists"
SALES: Final = "index_sales"
ENTRIES: Final = {
    "run": Entry("index", "run", "Read all events into the index, then follow the chain."),
    "status": Entry("index", "status", "Show how far the index is, and what it is."),
    "prove": Entry("index_proof", "prove", "Prove that no event is missing, while another process may follow."),
    "verify": Entry("index", "verify", "Compare the index with the chain at the index's block."),
    "plans": Entry(LISTS, "plans", "List plans with their sales and holders."),
    "holders": Entry(LISTS, "holders", "List the holders of a plan."),
    "holdings": Entry(LISTS, "holdings", "Show what an address holds, and the plans and agents that it owns."),
    "orders": Entry(SALES, "orders", "List orders and other sales, newest first."),
    "agents": Entry(LISTS, "agents", "List agents with the plans that they accept."),
    "revenue": Entry(SALES, "revenue", "Show the revenue of each receiver by day, plan and token."),
    "report": Entry(
        "index_report",
        "report",
        "Write a sales report as one HTML page: revenue, plans, credits, renewals, customers, endings and agents.",
    ),
}
index_group = Group(
    "index",
    entries=ENTRIES,
    help="Keep what happened on the chain in SQLite or PostgreSQL, and answer questions from it.",
)
SHOWN_DIFFERENCES: Final = 50


# ---------------------------------------------------------------- run


@index_command(
    "run",
    examples=(
        "nvm-chain index run",
        "nvm-chain index run --once --prove",
        "nvm-chain index run --index shop.db --confirmations 2",
    ),
)
@click.option(
    "--to-block", type=click.IntRange(min=0), metavar="N", help="End after this block. Waits until it is mined."
)
@click.option("--once", is_flag=True, help="End at the latest block, and do not wait for new blocks.")
@click.option("--prove", is_flag=True, help="At the end, prove that no event is missing. Needs --once or --to-block.")
@click.option("--wait", is_flag=True, help="Wait while another process follows, and then follow in its place.")
@click.option(
    "--confirmations",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Stay this many blocks behind the latest. Default: 0.",
)
def run(session: Session, to_block: int | None, once: bool, prove: bool, wait: bool, confirmations: int) -> None:
    """Read all events into the index, then follow the chain.

    Without --once and --to-block the command follows until you stop it with Ctrl-C. It can be stopped at any time, and
    goes on from there. With --once it ends at the latest block, even before --to-block. One process follows; others can
    read meanwhile, and one can run `index prove`.
    """
    if prove and not once and to_block is None:
        raise click.UsageError(
            "Give --prove with --once or --to-block, or run nvm-chain index prove beside this command."
        )
    chain = session.connect()
    with open_own_index(session, chain) as index:
        follower = index_following.Follower(
            chain,
            index,
            confirmations=confirmations,
            on_progress=lambda step: session.say(_describe_step(step)),
            waits=wait,
        )
        _say_current(session, chain, index)
        with stopping() as stop:
            if once:
                follower.sync(to_block, stop=stop)
            else:
                follower.follow(stop, to_block)
        proof = follower.prove(on_step=partial(say_step, session)) if prove else None
        index.read_state()
        rows = [*_rows(index), *([] if proof is None else proof_rows(proof))]
        session.answer({**describe_index(index), "proof": None if proof is None else describe_proof(proof)}, rows)


def _say_current(session: Session, chain: "Chain", index: "Index") -> None:
    """Say so if there is nothing to read. Then the follower tells nothing until the next block."""
    head = index.state.head
    with suppress(errors.NetworkError):  # the follower waits for a node that does not answer
        if head is not None and chain.read_block().number == head.number:
            session.say(f"Block {head.number:,} is the latest, and is in the index")


def _describe_step(step: "Progress") -> str:
    """Return a sentence about a step of the follower."""
    number = -1 if step.head is None else step.head.number
    if step.error is not None:
        return f"Waiting at block {number:,}: {step.error.problem}"
    left = "" if not step.seconds_left else f", {formatting.format_duration(max(1, round(step.seconds_left)))} left"
    speed = f"{step.logs:,} events, {step.logs_per_second:,.0f} a second{left}"
    return f"Block {number:,} of {step.target:,}: {speed}"


# ---------------------------------------------------------------- status


@index_command(
    "status",
    examples=("nvm-chain index status", "nvm-chain index status --index shop.db --json"),
)
def status(session: Session) -> None:
    """Show how far the index is, and what it is.

    The lag is the number of blocks that the index is behind the chain. It needs a node.
    """
    with open_index(session) as index:
        index.read_state()
        lag, size = _find_lag(session, index), measure(index)
        schema = index_schema.VERSION
        rows = [*_rows(index), ("lag", _describe_lag(lag)), ("schema", schema), ("size", f"{size:,} bytes")]
        session.answer({**describe_index(index), "lag": lag, "schema": schema, "size": size}, rows)


def _find_lag(session: Session, index: "Index") -> int | None:
    """Return how many blocks the index is behind the chain. None without a node that answers."""
    head = index.state.head
    if session.chain is None and session.rpc is None and session.network is None:
        return None
    try:
        latest = (session.chain or session.connect()).read_block().number
    except errors.NetworkError as error:
        session.warn(f"The lag is not known. {error.problem}")
        return None
    return latest - (index.state.first_block - 1 if head is None else head.number)


def _describe_lag(lag: int | None) -> str:
    if lag is None:
        return "not known without a node"
    if lag < 0:
        return f"the node is {formatting.count(-lag, 'block')} behind"
    return formatting.count(lag, "block") if lag else "none"


def measure(index: "Index") -> int:
    """Return the size of an index in bytes."""
    if index.is_sqlite:
        return sum(
            Path(f"{index.label}{end}").stat().st_size for end in ("", "-wal") if Path(f"{index.label}{end}").exists()
        )
    with index.snapshot() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def describe_index(index: "Index") -> dict[str, Any]:
    """Return the state of an index as JSON."""
    engine = "sqlite" if index.is_sqlite else "postgresql"
    fields = json_values.fields_of(index.state)
    del fields["undo_floor"]
    return {"index": index.label, "engine": engine, **fields}


def _rows(index: "Index") -> Rows:
    state = index.state
    head = (
        "none yet" if state.head is None else f"{state.head.number:,}, of {formatting.format_utc(state.head.timestamp)}"
    )
    return [
        ("index", index.label),
        ("engine", "SQLite" if index.is_sqlite else "PostgreSQL"),
        ("chain", state.chain_id),
        ("Credits", state.credits),
        ("AgentRegistry", state.agents or "none"),
        ("first block", f"{state.first_block:,}"),
        ("head", head),
        ("proven to", "nothing yet: run nvm-chain index prove" if state.proven_to is None else f"{state.proven_to:,}"),
    ]


# ---------------------------------------------------------------- verify


@index_command(
    "verify",
    examples=("nvm-chain index verify", "nvm-chain index verify --sample 1000 --seed 7 --json"),
)
@click.option("--sample", type=int, metavar="N", help="Compare this many accounts only, chosen by --seed.")
@click.option("--seed", type=int, default=0, metavar="N", help="Number that chooses the sample. Default: 0.")
def verify(session: Session, sample: int | None, seed: int) -> None:
    """Compare the index with the chain at the index's block.

    Compared are each account's credits, lots, end of access, settled credits and trial, and each plan and agent. Every
    difference is named with both values. The exit code is 10 if anything differs.
    """
    chain = session.connect()
    with open_index(session) as index:
        session.say("Comparing plans and agents")
        result = index_verifying.verify_index(
            index,
            chain,
            sample=sample,
            seed=seed,
            on_read=lambda count: session.say(f"Compared {formatting.count(count, 'account')}"),
        )
        session.answer(_describe_verification(result), _verification_rows(result))
    if result.differences:
        click.get_current_context().exit(EXIT_INDEX)


def _describe_verification(result: "Verification") -> dict[str, Any]:
    differences = [
        {"what": item.what, "by_index": str(item.by_index), "by_chain": str(item.by_chain)}
        for item in result.differences
    ]
    return {**json_values.fields_of(result), "ok": not differences, "differences": differences}


def _verification_rows(result: "Verification") -> Rows:
    accounts = formatting.count(result.accounts, "account")
    of = accounts if result.is_complete else f"a sample of {accounts}"
    more = f"{formatting.count(result.plans, 'plan')}, {formatting.count(result.agents, 'agent')}"
    rows: Rows = [
        ("block", f"{result.block.number:,}"),
        (
            "compared",
            f"{of} with {formatting.count(result.credits, 'credit')} and {formatting.count(result.lots, 'lot')}",
        ),
        ("", more),
    ]
    for item in result.differences[:SHOWN_DIFFERENCES]:
        rows += [("WRONG", item.what), ("", f"index {item.by_index}"), ("", f"chain {item.by_chain}")]
    left = len(result.differences) - SHOWN_DIFFERENCES
    rows += [("", f"and {left:,} more, see --json")] if left > 0 else []
    return rows if result.differences else [*rows, ("result", "index and chain are equal")]
