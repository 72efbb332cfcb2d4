"""`nvm-chain order`: buy a plan."""

from typing import TYPE_CHECKING

import click

from nvm_chain.cli.amounts import Amount, find_token, format_amount, parse_amount
from nvm_chain.cli.answers import name_plan, transaction_rows
from nvm_chain.cli.commands import chain_command
from nvm_chain.cli.lazy import orders, plans
from nvm_chain.cli.output import Rows, fields_of, format_plan_id
from nvm_chain.cli.parameters import Address, PlanId
from nvm_chain.cli.session import Session
from nvm_chain.errors import InvalidConfig

if TYPE_CHECKING:
    from nvm_chain.chain import Chain
    from nvm_chain.paying import PayWay


@chain_command(
    "order",
    signs=True,
    examples=(
        "nvm-chain order $PLAN --keyfile subscriber.json",
        'nvm-chain order $PLAN --quantity 2 --max-cost "40 USDC" --dev-account 2',
        "nvm-chain order $PLAN --receiver $PARTNER --dev-account 2 --json",
    ),
)
@click.argument("plan", type=PlanId())
@click.option("--quantity", type=int, metavar="N", default=1, show_default=True, help="Number of purchases.")
@click.option("--receiver", type=Address(), help="Who gets the credits. Default: the signer.")
@click.option(
    "--max-cost", metavar="AMOUNT", help='Most to pay in all, such as "20 USDC". Default: the price that is quoted now.'
)
@click.option(
    "--pay",
    type=click.Choice(["allowance", "approve", "permit", "authorization"]),
    help="How a token is paid: from an allowance, by approving exactly the cost, by a signed permit, or by a signed order. "
    "Default: the way with the fewest transactions.",
)
def order(
    session: Session, plan: int, quantity: int, receiver: str | None, max_cost: str | None, pay: "PayWay | None"
) -> None:
    """Buy a plan: the signer pays, straight to the plan's receivers, and gets the credits.

    Checks balance and allowance first, so nothing is sent that would fail. PLAN is a plan id: an integer, 0x and 64
    hexadecimal digits, or a did:nv:.
    """
    limit = None if max_cost is None else parse_amount(max_cost, "--max-cost")
    chain, signer = session.connect_to_sign()
    session.say("Reading the plan")
    most = None if limit is None else _check_limit(chain, plan, limit)
    receipt = orders.order_plan(chain, signer, plan, receiver=receiver, quantity=quantity, max_cost=most, pay=pay)
    paid = [(who, format_amount(chain, receipt.token, amount)) for who, amount in receipt.receivers.items()]
    rows: Rows = [
        ("plan id", format_plan_id(plan)),
        ("paid", format_amount(chain, receipt.token, receipt.paid)),
        *(("paid to", f"{who}  {amount}") for who, amount in paid),
        ("credits", f"{receipt.credits_granted} granted"),
        ("holder", receipt.receiver),
        *([("approval", receipt.approval.hash)] if receipt.approval else []),
        *transaction_rows(receipt.transaction),
    ]
    session.answer({**name_plan(plan), **fields_of(receipt)}, rows)


def _check_limit(chain: "Chain", plan: int, limit: Amount) -> int:
    """Return the limit in base units of the plan's token, which it has to be in."""
    token = plans.read_terms(chain, plan).token
    if find_token(chain, limit.unit) != token:
        raise InvalidConfig(f"--max-cost is in {limit.unit}, and the plan's price is in token {token}")
    return limit.base_units
