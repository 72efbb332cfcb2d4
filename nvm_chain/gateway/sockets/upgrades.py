"""What a request for a websocket brings: the token that pays, and the subprotocols that are for the service.

Pages in browsers cannot set headers, so they bring the token as a subprotocol, as pages of other services do. It is never in the
query: addresses are written into logs, and the query is handed on to the service.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from nvm_chain.client.sockets import BEARER_PROTOCOL, OWN_PROTOCOL
from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.cors import Cors
from nvm_chain.gateway.incoming import Incoming, read_incoming
from nvm_chain.meter.credentials import TOKEN_PREFIX

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request for a websocket.

    ``token`` is that of a session or a sign-in, or None if the request brings something else, or nothing. ``protocols`` are the
    subprotocols that are handed on. ``knows_own`` says whether the gateway's own subprotocol may be chosen.
    """

    incoming: Incoming
    token: str | None = field(repr=False)
    protocols: tuple[str, ...]
    knows_own: bool


def read_upgrade(scope: Mapping[str, Any], *, keeps_cookies: bool) -> Upgrade:
    """Read the headers of a request for a websocket.

    Args:
        scope: The request, as the server gives it.
        keeps_cookies: Whether cookies are handed on.

    Raises:
        InvalidMessage: A header is malformed, or the request has two tokens.
    """
    incoming = read_incoming("GET", scope["headers"], keeps_cookies=keeps_cookies)
    offered = [name for name in scope.get("subprotocols", ()) if name]
    if any(not _NAME.fullmatch(name) for name in offered):
        raise InvalidMessage("request", "it has a subprotocol that is not a name")
    tokens = [name.removeprefix(BEARER_PROTOCOL) for name in offered if name.startswith(BEARER_PROTOCOL)]
    if incoming.bearer is not None:
        tokens.append(incoming.bearer)
    if len(tokens) + (incoming.payment is not None) > 1:
        raise InvalidMessage("request", "it has two tokens, or a token and a payment, so who pays is not certain")
    return Upgrade(incoming, _find_session_token(tokens), tuple(_list_others(offered)), OWN_PROTOCOL in offered)


def _find_session_token(tokens: Sequence[str]) -> str | None:
    return tokens[0] if tokens and tokens[0].startswith(TOKEN_PREFIX) else None


def _list_others(offered: Sequence[str]) -> list[str]:
    return [name for name in offered if name != OWN_PROTOCOL and not name.startswith(BEARER_PROTOCOL)]


def choose_protocol(upgrade: Upgrade, chosen: str | None) -> str | None:
    """Return the subprotocol that the buyer is told: the one that the service chose, or else the gateway's own."""
    return OWN_PROTOCOL if chosen is None and upgrade.knows_own else chosen


def comes_from_allowed_page(incoming: Incoming, cors: Cors) -> bool:
    """Return whether a request is not from a page, or from one of the allowed origins. Browsers leave this check to servers."""
    if incoming.origin is None or cors.build_headers(incoming.origin):
        return True
    try:
        return urlsplit(incoming.origin).netloc.lower() == incoming.host
    except ValueError:
        return False
