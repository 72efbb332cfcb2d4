"""Settings of a webhook: where it is, what it hears of, and the secret that signs what it gets.

Only the operator's own file sets webhooks, so their URLs may be private addresses. Nobody else can name one.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.formatting import list_choices
from nvm_chain.gateway.webhooks.events import EVENTS
from nvm_chain.gateway.webhooks.signing import is_printable_name, parse_secrets
from nvm_chain.meter.notices import NoticeKind
from nvm_chain.types.ids import format_did, parse_agent_id


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A webhook of the operator.

    ``secret`` is ``whsec_`` and Base64, or several of these with blanks between them while it changes. ``service`` is the DID of
    a service whose plans it hears of, or None for all plans.
    """

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    events: tuple[str, ...] = tuple(EVENTS)
    service: str | None = None

    def __post_init__(self) -> None:
        """Check the values. Raises an InputError, which shows neither the URL nor the secret."""
        if not is_printable_name(self.name):
            raise InvalidConfig(f"{self.name[:40]!r} is not the name of a webhook", "give letters, digits, - _ and .")
        check_url(self.url, self.name)
        parse_secrets(self.secret, self.name)
        unknown = [event for event in self.events if event not in EVENTS]
        if unknown or not self.events:
            problem = f"has the unknown event {unknown[0][:40]!r}" if unknown else "has no event"
            raise InvalidConfig(
                f"the webhook {self.name} {problem}", f"give some of {list_choices(list(EVENTS), 'and')}"
            )
        if self.service is not None:
            object.__setattr__(self, "service", format_did(parse_agent_id(self.service)))

    @property
    def kinds(self) -> frozenset[NoticeKind]:
        """The notices that the webhook hears of."""
        return frozenset(EVENTS[event] for event in self.events)


def check_url(url: str, name: str) -> None:
    """Check the URL of a webhook, which may have a query. Raises InvalidConfig, which does not show it."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not re.fullmatch(r"[!-~]+", url) or parts.username is not None or parts.fragment:
        raise InvalidConfig(
            f"the URL of the webhook {name} is not an http or https URL without a user name and a fragment",
            "give one such as https://ops.example.com/hook",
        )
