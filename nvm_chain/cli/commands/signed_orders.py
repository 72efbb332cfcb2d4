"""`nvm-chain signed-order`: a payer signs an order. Any relayer can send the order to the chain, and pays the gas."""

from typing import TYPE_CHECKING

import click

from nvm_chain.cli.amounts import find_limit, format_amount, parse_limit
from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.command import argument, chain_command, plan_argument
from nvm_chain.cli.commands.orders import answer_order
from nvm_chain.cli.deferred import messages
from nvm_chain.cli.durations import HOUR, Duration
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import formatting, json_values, keys, signed_orders, signing_signed_orders
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.signing.signed_orders import SignedOrder

signed_order_group = Group(
    "signed-order",
    help="Sign, check and relay orders, so that the payer needs no coin for gas. The relayer cannot change an order.",
)


@chain_command(
    "sign",
    signs=True,
    examples=(
        "nvm-chain signed-order sign $PLAN --keyfile subscriber.json > order.json",
        (
            'nvm-chain signed-order sign $PLAN --quantity 2 --max-cost "40 USDC" \\\n'
            "    --valid 1d --dev-account 2 > order.json"
        ),
    ),
)
@plan_argument()
@click.option("--quantity", type=int, metavar="N", default=1, show_default=True, help="Number of purchases.")
@click.option("--receiver", type=Address(), help="Address that gets the credits. Default: the signer.")
@click.option("--max-cost", metavar="AMOUNT", help='Highest total cost, such as "20 USDC". Default: the current price.')
@click.option(
    "--valid", type=Duration(), default=HOUR, help="Validity of the signed order, such as 1d. Default: 1 hour."
)
def sign(session: Session, plan: int, quantity: int, receiver: str | None, max_cost: str | None, valid: int) -> None:
    """Sign an order of a plan whose price is in a token such as USDC. Nothing is sent.

    The command prints the signed order as one line of JSON on stdout. `signed-order relay` reads this line. Anyone who
    has the signed order can relay it once, and cannot change it.
    """
    limit = parse_limit(max_cost)
    chain, signer = session.connect_to_sign()
    session.say("Reading the plan")
    most = find_limit(chain, plan, limit)
    payer = keys.check_message_signer(signer)
    signed = signed_orders.sign_plan_order(
        chain, payer, plan, receiver=receiver, quantity=quantity, max_cost=most, valid_seconds=valid
    )
    session.answer_message(signed.to_json(), _order_rows(chain, signed))


@chain_command(
    "verify",
    examples=("nvm-chain signed-order verify order.json", "nvm-chain signed-order verify - --json < order.json"),
)
@argument("file", metavar="FILE", help="File with the signed order; - is the standard input.")
def verify(session: Session, file: str) -> None:
    """Check a signed order against the current state of the chain, and show the order. Nothing is sent.

    The command checks the signature, the validity period, the plan, the price and the payer's funds.
    """
    signed = _read_order(file)
    chain = session.connect()
    session.say("Checking the order")
    signed_orders.check_signed_order(chain, signed)
    data = {**name_plan(signed.order.plan_id), **json_values.fields_of(signed.order), "token": signed.token.address}
    session.answer(data, _order_rows(chain, signed))


@chain_command(
    "relay",
    signs=True,
    examples=(
        "nvm-chain signed-order relay order.json --keyfile builder.json",
        "nvm-chain signed-order relay - --dev-account 6 --json < order.json",
    ),
)
@argument("file", metavar="FILE", help="File with the signed order; - is the standard input.")
def relay(session: Session, file: str) -> None:
    """Send a signed order to the chain. The signer pays the gas, and the order's payer pays the price.

    The command checks the order before it sends anything.
    """
    signed = _read_order(file)
    chain, signer = session.connect_to_sign()
    session.say("Checking the order")
    receipt = signed_orders.relay_order(chain, signer, signed)
    answer_order(session, chain, receipt, ("payer", receipt.payer))


def _read_order(file: str) -> "SignedOrder":
    return messages.read_message(file, signing_signed_orders.SignedOrder.from_json, "signed order")


def _order_rows(chain: "Chain", signed: "SignedOrder") -> Rows:
    order = signed.order
    return [
        ("plan id", formatting.format_plan_id(order.plan_id)),
        ("payer", order.payer),
        ("receiver", order.receiver),
        ("quantity", order.quantity),
        ("at most", format_amount(chain, signed.token.address, order.max_cost)),
        ("until", formatting.format_utc(order.valid_before)),
    ]


for command in (sign, verify, relay):
    signed_order_group.add_command(command)
