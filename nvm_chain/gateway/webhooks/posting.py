"""The client that calls webhooks: each message once, for some seconds, and nothing of the answer but its status.

Redirects are not followed, because a signed message is for the URL of the operator's file and no other. Only this file and the one
for upstreams import aiohttp.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

POST_SECONDS: Final = 15
"""How long a webhook may take for its answer."""
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a message. ``trouble`` is None if it was accepted. ``is_final`` says that the receiver wants no more of it."""

    trouble: str | None = None
    is_final: bool = False


class Poster:
    """Calls webhooks. Open it in the event loop in which it is used."""

    def __init__(self, connections: int, *, seconds: float = POST_SECONDS) -> None:
        """Open a pool of some connections."""
        self._seconds = seconds
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=30),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            headers={"User-Agent": "nvm-chain-webhooks", "Content-Type": "application/json"},
            requote_redirect_url=False,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send a message, and return what came of it. Nothing that a receiver does is an error here."""
        try:
            response = await self._session.post(
                URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            )
        except TimeoutError:
            return Posted(f"it did not answer within {self._seconds:g} seconds")
        except (aiohttp.ClientConnectorError, OSError):
            return Posted("there is no connection to it")
        except (aiohttp.ClientError, ValueError):
            return Posted("it ended the connection, or did not answer with HTTP")
        response.close()  # whatever else it sends is not read
        if response.status // 100 == 2:
            return Posted()
        return Posted(f"it answered with status {response.status}", is_final=response.status == GONE)

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()
