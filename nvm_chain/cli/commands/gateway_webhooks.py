"""`nvm-chain gateway webhooks`: what webhooks did not accept, and how it is sent again."""

from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import errors, formatting, gateway_books, gateway_config, store_deliveries, webhooks_events
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.meter.deliveries import Delivery

webhooks_group = Group("webhooks", help="See what webhooks did not accept, and send it again.")
MOST: Final = 100
MESSAGE: Final = "msg_"


def _find_books(config: str) -> str:
    found = gateway_config.read_config(config)
    where: str = gateway_config.find_books(found, gateway_config.open_secrets(found))
    return where


@gateway_command(
    "list", examples=("nvm-chain gateway webhooks list", "nvm-chain gateway webhooks list --webhook ops --json")
)
@config_option
@click.option("--webhook", type=Text(), metavar="NAME", help="Only this webhook. Default: all.")
@click.option("--most", type=click.IntRange(1, 10_000), default=MOST, metavar="N", help="Default: 100.")
def list_dead(session: Session, config: str, webhook: str | None, most: int) -> None:
    """List messages that a webhook did not accept in all attempts, the latest first.

    Books in a file belong to the gateway while it runs. With books in PostgreSQL, the command works at any time.
    """
    with gateway_books.open_free_books(_find_books(config)) as writer:
        dead = writer.run(lambda store: store_deliveries.list_dead(store, most, webhook))
    rows = [row for each in dead for row in _describe_rows(each)] or [("webhooks", "nothing was given up")]
    session.answer({"given_up": [_describe(each) for each in dead]}, rows)


def _describe(delivery: "Delivery") -> dict[str, Any]:
    return {
        "webhook": delivery.webhook,
        "message": webhooks_events.name_message(delivery.notice),
        "event": webhooks_events.name_event(delivery.notice.kind),
        "attempts": delivery.attempt,
        "given_up_at": delivery.done_at,
        "reason": delivery.trouble,
    }


def _describe_rows(delivery: "Delivery") -> Rows:
    event, trouble = webhooks_events.name_event(delivery.notice.kind), delivery.trouble or "no process could send it"
    given_up = formatting.format_utc(delivery.done_at)
    return [
        ("message", webhooks_events.name_message(delivery.notice)),
        ("", f"{event} to {delivery.webhook}, given up at {given_up} after {delivery.attempt} attempts: {trouble}"),
    ]


@gateway_command(
    "resend",
    examples=(
        "nvm-chain gateway webhooks resend --webhook ops",
        "nvm-chain gateway webhooks resend --message $MESSAGE",
    ),
)
@config_option
@click.option("--webhook", type=Text(), metavar="NAME", help="Only this webhook. Default: all.")
@click.option("--message", type=Text(), metavar="ID", help="Only this message, as `list` shows it. Default: all.")
def resend(session: Session, config: str, webhook: str | None, message: str | None) -> None:
    """Let messages that were given up begin again with their first attempt. The gateway sends them.

    One that tells of an end which is over is given up again. Books in a file belong to the gateway while it runs.
    """
    notice_id = None if message is None else _read_message(message)
    with gateway_books.open_free_books(_find_books(config)) as writer:
        count = writer.run(lambda store: store_deliveries.send_again(store, webhook, notice_id))
    session.answer({"due": count}, [("sent again", formatting.count(count, "message"))])


def _read_message(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix(MESSAGE))
    except ValueError:
        raise errors.InvalidMessage("message", "it is not an id that `webhooks list` shows") from None


for command in (list_dead, resend):
    webhooks_group.add_command(command)
