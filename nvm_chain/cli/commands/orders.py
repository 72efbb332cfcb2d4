"""`nvm-chain order` and `pay`: buy a plan, or pay for a request."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from nvm_chain.cli.amounts import find_limit, format_amount, parse_limit
from nvm_chain.cli.answers import name_plan, transaction_rows
from nvm_chain.cli.command import chain_command, plan_argument, renamed_option
from nvm_chain.cli.lazy import credits, errors, formatting, json_values, named_orders, orders, usage
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, Context, OrderName
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from typing import Literal

    from nvm_chain.chain.client import Chain
    from nvm_chain.operations.payment_methods.choice import PaymentMethod
    from nvm_chain.types.receipts import OrderReceipt, UsageReceipt

# ---------------------------------------------------------------- order


@chain_command(
    "order",
    signs=True,
    examples=(
        "nvm-chain order $PLAN --keyfile subscriber.json",
        'nvm-chain order $PLAN --quantity 2 --max-cost "40 USDC" --dev-account 2',
        "nvm-chain order $PLAN --name invoice-17 --keyfile subscriber.json",
        "nvm-chain order $PLAN --payment-method approve --dev-account 2",
        "nvm-chain order $PLAN --receiver $PARTNER --dev-account 2 --json",
    ),
)
@plan_argument()
@click.option("--quantity", type=int, metavar="N", default=1, show_default=True, help="Number of purchases.")
@click.option("--receiver", type=Address(), help="Address that gets the credits. Default: the signer.")
@click.option("--max-cost", metavar="AMOUNT", help='Highest total cost, such as "20 USDC". Default: the current price.')
@click.option(
    "--payment-method",
    type=click.Choice(["allowance", "approve", "permit", "authorization"]),
    help="Payment method for a token. allowance: spend an existing allowance. approve: approve the exact cost first. "
    "permit: sign a permit. authorization: sign an order. Default: the method with the fewest transactions.",
)
@renamed_option("--pay", "--payment-method")
@click.option(
    "--name",
    type=OrderName(),
    metavar="TEXT",
    help="Name of the order, which you choose. The same order with the same name is paid once: the same plan, payer, "
    "receiver and quantity. Another plan, payer or receiver makes another order, which pays again. "
    "Needs a fixed price in a token that accepts signed orders, such as USDC.",
)
def order(
    session: Session,
    plan: int,
    quantity: int,
    receiver: str | None,
    max_cost: str | None,
    payment_method: "PaymentMethod | None",
    name: str | None,
) -> None:
    """Buy a plan, and pay the plan's receivers directly.

    The signer pays, and gets the credits if no --receiver is given.

    The command checks balance and allowance before it sends anything. Exit code 8 means that the outcome is unknown.
    Then run `nvm-chain transaction`. With --name you can also repeat the unchanged command safely.
    """
    if name is not None and payment_method not in {None, "authorization"}:
        raise errors.InvalidConfig("--name needs the payment by a signed order", "leave out --payment-method")
    limit = parse_limit(max_cost)
    chain, signer = session.connect_to_sign()
    session.say("Reading the plan")
    terms: dict[str, Any] = {"receiver": receiver, "quantity": quantity, "max_cost": find_limit(chain, plan, limit)}
    if name is None:
        answer_order(session, chain, orders.order_plan(chain, signer, plan, payment_method=payment_method, **terms))
        return
    done = named_orders.order_once(chain, signer, plan, name, **terms)
    before: Rows = [("note", f"the order {name!r} exists already; nothing was sent now")] if done.repeated else []
    answer_order(session, chain, done.receipt, *before, name=name, repeated=done.repeated)


def answer_order(
    session: Session,
    chain: "Chain",
    receipt: "OrderReceipt",
    *more: tuple[str, object],
    name: str | None = None,
    repeated: bool = False,
) -> None:
    """Print the receipt of an order. ``repeated`` marks an order whose name was used before."""
    rows: Rows = [
        *_paid_rows(chain, receipt),
        ("credits", f"{receipt.credits_granted:,} granted"),
        ("holder", receipt.receiver),
        *more,
        *([("approval", receipt.approval.hash)] if receipt.approval else []),
        *transaction_rows(receipt.transaction),
    ]
    data = {**name_plan(receipt.plan_id), **json_values.fields_of(receipt), "name": name, "repeated": repeated}
    session.answer(data, rows)


def _paid_rows(chain: "Chain", receipt: "OrderReceipt | UsageReceipt") -> Rows:
    paid = [(who, format_amount(chain, receipt.token, amount)) for who, amount in receipt.receivers.items()]
    return [
        ("plan id", formatting.format_plan_id(receipt.plan_id)),
        ("paid", format_amount(chain, receipt.token, receipt.paid) if receipt.paid else "nothing"),
        *(("paid to", f"{who}  {amount}") for who, amount in paid),
    ]


# ---------------------------------------------------------------- pay


@chain_command(
    "pay",
    signs=True,
    examples=(
        "nvm-chain pay $PLAN --context request-17 --keyfile subscriber.json",
        'nvm-chain pay $PLAN --quantity 3 --max-cost "60 USDC" --dev-account 2 --json',
    ),
)
@plan_argument()
@click.option(
    "--quantity",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="Number of units to pay for, each at the plan's price.",
)
@click.option(
    "--context", type=Context(), default="", help="Id of the request: a UUID, 0x… or at most 32 bytes of text."
)
@click.option("--max-cost", metavar="AMOUNT", help='Highest total cost, such as "20 USDC". Default: the current price.')
@click.option(
    "--payment-method",
    type=click.Choice(["allowance", "approve"]),
    default="approve",
    show_default=True,
    help="Payment method for a token. allowance: spend an existing allowance. approve: approve the exact cost if the allowance is too small.",
)
@renamed_option("--pay", "--payment-method")
def pay(
    session: Session,
    plan: int,
    quantity: int,
    context: str | bytes | UUID,
    max_cost: str | None,
    payment_method: "Literal['allowance', 'approve']",
) -> None:
    """Pay for a request of a pay-per-use plan. The payment's event contains the request's id (--context).

    The payment grants no credits. To buy a plan of credits or time, use `nvm-chain order`.
    """
    limit, written = parse_limit(max_cost), credits.encode_context(context)
    chain, signer = session.connect_to_sign()
    session.say("Reading the plan")
    most = find_limit(chain, plan, limit)
    receipt = usage.pay_usage(
        chain, signer, plan, quantity=quantity, max_cost=most, context=written, payment_method=payment_method
    )
    rows: Rows = [
        *_paid_rows(chain, receipt),
        ("quantity", receipt.quantity),
        *([("approval", receipt.approval.hash)] if receipt.approval else []),
        *transaction_rows(receipt.transaction),
    ]
    session.answer({**name_plan(plan), **json_values.fields_of(receipt)}, rows)
