"""The tables `[[webhooks]]` of a configuration file: what is told to the operator's own programs."""

from collections.abc import Collection
from typing import Any, Final

from nvm_chain.errors import InputError, InvalidConfig
from nvm_chain.errors.formatting import list_choices
from nvm_chain.gateway.configuration.parts import WebhookPart
from nvm_chain.gateway.configuration.services import read_reference
from nvm_chain.gateway.configuration.tables import Table
from nvm_chain.gateway.sealing.references import is_reference
from nvm_chain.gateway.webhooks.events import EVENTS
from nvm_chain.gateway.webhooks.settings import check_url
from nvm_chain.gateway.webhooks.signing import is_printable_name
from nvm_chain.types.ids import format_did, parse_agent_id

KEYS: Final = ("name", "url", "secret", "events", "service")


def read_webhooks(file: str, values: Any, services: Collection[str]) -> dict[str, WebhookPart]:
    """Return the webhooks by their names. Raises InvalidConfig."""
    if values is None:
        return {}
    if not isinstance(values, list):
        raise InvalidConfig(f"{file}: `webhooks` is not a list of tables", "write [[webhooks]], with two brackets")
    found: dict[str, WebhookPart] = {}
    for number, given in enumerate(values, start=1):
        table = Table(file, f"[[webhooks]] number {number}", given, KEYS)
        part = _read_webhook(table, services)
        if part.name in found:
            raise table.refuse("name", "is that of another webhook of the file", "give each webhook a name of its own")
        found[part.name] = part
    return found


def _read_webhook(table: Table, services: Collection[str]) -> WebhookPart:
    table.require("name", 'write a name such as "operations", by which the books know the webhook')
    table.require("url", 'write where the messages go, or a reference such as "env:HOOK_URL" if the URL is a secret')
    table.require("secret", 'write a reference such as "sealed:hook" to the secret that signs the messages')
    name, url = table.read_text("name"), table.read_text("url")
    if not is_printable_name(name):
        raise table.refuse("name", "is not 1 to 64 letters, digits, - _ and .", 'write one such as "operations"')
    if is_reference(url):
        read_reference(table, "url")
    else:
        with table.naming("url"):
            check_url(url, name)
    return WebhookPart(name, url, read_reference(table, "secret"), _read_events(table), _read_service(table, services))


def _read_events(table: Table) -> tuple[str, ...]:
    events = table.read_texts("events", tuple(EVENTS))
    for event in events:
        if event not in EVENTS:
            advice = f"give some of {list_choices(list(EVENTS), 'and')}"
            raise table.refuse("events", f"has {event[:40]!r}, which is not an event", advice)
    if not events:
        raise table.refuse("events", "is empty", "name some events, or leave `events` out to hear of all")
    return events


def _read_service(table: Table, services: Collection[str]) -> str | None:
    text = table.find_text("service")
    if text is None:
        return None
    try:
        did = format_did(parse_agent_id(text))
    except InputError:
        did = ""
    if did not in services:
        raise table.refuse(
            "service", "is not one of the services of this file", "write the `did` of a service, or leave it out"
        )
    return did
