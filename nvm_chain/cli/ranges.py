"""Answers that are found by the events of a range of blocks: how the range is chosen, and what is listed."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.amounts import format_amount
from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.lazy import formatting, holdings, records
from nvm_chain.cli.output import Rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.holdings import BlockRange
    from nvm_chain.types.plans import PlanState

RANGE_OPTIONS = (
    click.option(
        "--from-block", type=int, metavar="N", help="First block. Default: the range ends at the latest block."
    ),
    click.option("--blocks", type=int, metavar="N", help="Largest number of blocks to read. Default: 50000."),
)


def range_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which blocks are looked at."""
    for option in reversed(RANGE_OPTIONS):
        function = option(function)
    return function


def choose_blocks(session: Session, chain: "Chain", from_block: int | None, blocks: int | None) -> "BlockRange":
    """Choose the blocks to look at, and say which."""
    deployed = find_deployment_block(session, chain)
    chosen = holdings.choose_blocks(chain, first_block=from_block, blocks=blocks, deployed=deployed)
    session.say(f"Reading events of blocks {chosen.first_block} to {chosen.last_block}")
    return chosen


def find_deployment_block(session: Session, chain: "Chain") -> int:
    """Return the block in which Credits was deployed, from its record; 0 if that does not say."""
    record = records.find_record(chain.chain_id, session.deployments)
    return record.block_number or 0 if record and chain.has_credits(record.address) else 0


def range_rows(blocks: "BlockRange") -> Rows:
    """Return a row that tells which blocks were read, and whether other blocks remain."""
    looked_at = f"{blocks.first_block:,} to {blocks.last_block:,}"
    others = "all since Credits was deployed" if blocks.is_complete else "others with --from-block N and --blocks N"
    return [("blocks", f"{looked_at}; {others}")]


def describe_state(plan: "PlanState") -> dict[str, Any]:
    """Return a plan of a list as JSON shows it."""
    terms = plan.terms
    return {
        **name_plan(plan.plan_id),
        "owner": plan.owner,
        "active": plan.active,
        "kind": terms.kind,
        "token": terms.token,
        "price": str(terms.price),
        "credits": terms.credits,
    }


def list_rows(chain: "Chain", plans: Iterable["PlanState"]) -> Iterator[tuple[str, object]]:
    """Yield a list of plans as people read it."""
    empty = True
    for plan in plans:
        empty = False
        yield "plan id", formatting.format_plan_id(plan.plan_id)
        yield "", describe_offer(chain, plan)
    if empty:
        yield "plans", "none in these blocks"


def describe_offer(chain: "Chain", plan: "PlanState") -> str:
    """Write in a few words what a plan sells."""
    terms = plan.terms
    what = {"credits": f"{terms.credits:,} credits", "time": "access by time", "usage": "each request"}
    price = "quoted for each order" if terms.is_quoted else format_amount(chain, terms.token, terms.price)
    price = "paid outside the chain" if terms.paid_externally else price if terms.splits else "free"
    state = "" if plan.active else ", takes no orders now"
    return f"{what[terms.kind.name.lower()]}, {price}{state}"
