"""`nvm-chain holdings`: the credits and access of an address, and the plans that it owns."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.command import argument, chain_command
from nvm_chain.cli.lazy import formatting, json_values
from nvm_chain.cli.lazy import holdings as operations
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.ranges import choose_blocks, describe_offer, describe_state, range_options, range_rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.holdings import Holding
    from nvm_chain.types.plans import PlanState


@chain_command(
    "holdings",
    examples=(
        "nvm-chain holdings $SUBSCRIBER",
        "nvm-chain holdings $BUILDER --from-block 0 --blocks 1000 --json",
    ),
)
@argument("address", type=Address(), help="Address of a holder or an owner.")
@range_options
def holdings(session: Session, address: str, from_block: int | None, blocks: int | None) -> None:
    """Show the plans that an address owns, and its credits and access on all plans.

    The command searches the events of a range of blocks, and reads the current state of each plan that it finds. A plan
    is found only if the address received the plan or its credits within the range. The answer names the range.
    """
    chain = session.connect()
    looked_at = choose_blocks(session, chain, from_block, blocks)
    held = operations.find_holdings(chain, address, blocks=looked_at)
    owned = operations.find_plans(chain, address, blocks=looked_at)
    data = {
        "address": address,
        "blocks": looked_at,
        "held": [_describe(holding) for holding in held],
        "owned": [describe_state(plan) for plan in owned],
    }
    session.answer(data, [("address", address), *range_rows(looked_at), *_rows(chain, held, owned)])


def _describe(holding: "Holding") -> dict[str, Any]:
    return {
        **name_plan(holding.plan.plan_id),
        "kind": holding.plan.terms.kind,
        **json_values.fields_of(holding.account),
    }


def _rows(chain: "Chain", held: Iterable["Holding"], owned: Iterable["PlanState"]) -> Iterator[tuple[str, object]]:
    found = False
    for holding in held:
        found = True
        yield "holds", formatting.format_plan_id(holding.plan.plan_id)
        yield "", ", ".join(_parts(holding))
    for plan in owned:
        found = True
        yield "owns", formatting.format_plan_id(plan.plan_id)
        yield "", describe_offer(chain, plan)
    if not found:
        yield "found", "nothing in these blocks"


def _parts(holding: "Holding") -> Iterator[str]:
    account = holding.account
    noun = "period" if holding.plan.terms.kind.name == "TIME" else "credit"
    if account.balance:
        yield formatting.count(account.balance, noun)
    if account.access_until:
        yield f"access until {formatting.format_utc(account.access_until)}"
