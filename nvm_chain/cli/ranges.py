"""Options and rows of the commands that read events in a range of blocks."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.amounts import find_label
from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.lazy import formatting, holdings, records, terms_words
from nvm_chain.cli.output import Rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.holdings import BlockRange
    from nvm_chain.types.plans import PlanState
    from nvm_chain.types.token_labels import TokenLabel

RANGE_OPTIONS = (
    click.option(
        "--from-block",
        type=int,
        metavar="N",
        help="First block of the range. Default: the range ends at the latest block.",
    ),
    click.option("--blocks", type=int, metavar="N", help="Largest number of blocks to read. Default: 50000."),
)


def range_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the block range to a command."""
    for option in reversed(RANGE_OPTIONS):
        function = option(function)
    return function


def choose_blocks(session: Session, chain: "Chain", from_block: int | None, blocks: int | None) -> "BlockRange":
    """Choose the range of blocks, and show it as progress."""
    deployed = find_deployment_block(session, chain)
    chosen = holdings.choose_blocks(chain, first_block=from_block, blocks=blocks, deployed=deployed)
    session.say(f"Reading events of blocks {chosen.first_block} to {chosen.last_block}")
    return chosen


def find_deployment_block(session: Session, chain: "Chain") -> int:
    """Return the block of Credits' deployment from its record. 0 if the record does not name the block."""
    record = records.find_record(chain.chain_id, session.deployments)
    return record.block_number or 0 if record and chain.has_credits(record.address) else 0


def range_rows(blocks: "BlockRange") -> Rows:
    """Return the row that names the range of blocks, and says whether other blocks remain."""
    looked_at = f"{blocks.first_block:,} to {blocks.last_block:,}"
    others = "all since Credits was deployed" if blocks.is_complete else "others with --from-block N and --blocks N"
    return [("blocks", f"{looked_at}; {others}")]


def describe_state(plan: "PlanState") -> dict[str, Any]:
    """Return a listed plan as a JSON object."""
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
    """Yield the rows of a list of plans in a text answer."""
    empty = True
    for plan in plans:
        empty = False
        yield "plan id", formatting.format_plan_id(plan.plan_id)
        yield "", describe_offer(chain, plan)
    if empty:
        yield "plans", "none in these blocks"


def describe_offer(chain: "Chain", plan: "PlanState") -> str:
    """Return the offer of a plan in a few words."""
    return describe_offer_in(partial(find_label, chain), plan)


def describe_offer_in(label: "Callable[[str], TokenLabel | None]", plan: "PlanState") -> str:
    """Return the offer of a plan in a few words. ``label`` finds the symbol and decimals of a token."""
    offer = terms_words.summarize_terms(plan.terms, label(plan.terms.token) if plan.terms.splits else None)
    return offer if plan.active else f"{offer}, takes no orders now"
