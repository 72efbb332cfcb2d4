"""Websockets that a session pays for: how a program or a page brings the session's token.

>>> build_socket_headers("nvms_1")
{'Authorization': 'Bearer nvms_1'}
>>> build_socket_protocols("nvms_1", ["chat"])
['chat', 'nvm', 'nvm.bearer.nvms_1']
"""

from collections.abc import Sequence
from typing import Final

OWN_PROTOCOL: Final = "nvm"
"""The subprotocol that a gateway chooses if the service chooses none. Browsers end a connection without a chosen one."""
BEARER_PROTOCOL: Final = "nvm.bearer."
"""How the subprotocol begins that has the token. A gateway never chooses it, and never hands it on."""


def build_socket_headers(token: str) -> dict[str, str]:
    """Return the headers with which a program opens a websocket through a gateway. The token is that of a session or a sign-in."""
    return {"Authorization": f"Bearer {token}"}


def build_socket_protocols(token: str, protocols: Sequence[str] = ()) -> list[str]:
    """Return the subprotocols with which a page opens a websocket. ``protocols`` are those that the service knows."""
    return [*protocols, OWN_PROTOCOL, BEARER_PROTOCOL + token]
