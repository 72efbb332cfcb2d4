"""`nvm-chain gateway payments`: payments of buyers that are not finished, and those that a person has to end."""

from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.lazy import formatting, gateway_books, gateway_config, ids, payment_rows, store_payments
from nvm_chain.cli.output import Rows
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.meter.store.payment_rows import Payment


@gateway_command(
    "payments",
    examples=(
        "nvm-chain gateway payments",
        "nvm-chain gateway payments --by-hand --json",
    ),
)
@config_option
@click.option("--by-hand", is_flag=True, help="Only those that a person has to end.")
def payments(session: Session, config: str, by_hand: bool) -> None:
    """Show the payments by signed transfers that can still change, the oldest first.

    One that is by hand is paid, and the plan was not granted for the reason that is shown. Grant it with
    `nvm-chain grant-external`, and give the name of the payment as the reference. Books in a file belong to the
    gateway while it runs. With books in PostgreSQL, the command works at any time.
    """
    found = gateway_config.read_config(config)
    where = gateway_config.find_books(found, gateway_config.open_secrets(found))
    with gateway_books.open_free_books(where) as writer:
        listed = writer.run(store_payments.list_unfinished)
    aside = payment_rows.PaymentState.BY_HAND
    shown = [each for each in listed if each.state is aside or not by_hand]
    data = {"by_hand": sum(each.state is aside for each in shown), "payments": [_describe(each) for each in shown]}
    session.answer(data, _list_rows(shown))


def _describe(payment: "Payment") -> dict[str, Any]:
    return {
        "payment": payment.name,
        "state": payment_rows.STATE_NAMES[payment.state],
        "purpose": payment.purpose.name.lower(),
        "plan": ids.format_did(payment.plan_id),
        "payer": payment.payer,
        "payee": payment.payee,
        "token": payment.token,
        "amount": str(payment.value),
        "transaction": payment.transaction,
        "grant": payment.grant,
        "asked_at": payment.asked_at,
        "reason": payment.reason,
    }


def _list_rows(shown: "list[Payment]") -> Rows:
    rows: list[tuple[str, object]] = []
    for each in shown:
        state = payment_rows.STATE_NAMES[each.state]
        reason = f": {each.reason}" if each.reason else ""
        rows.append(("payment", each.name))
        rows.append(("", f"{state}, {each.purpose.name.lower()} of {each.payer}{reason}"))
    return [*rows, ("in all", formatting.count(len(shown), "payment"))]
