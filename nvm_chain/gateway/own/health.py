"""``/health`` and ``/metrics``: whether all is well, for whoever runs the gateway."""

import asyncio
import hmac
from typing import Any

from nvm_chain.errors import ViewTooOld
from nvm_chain.gateway.operator_metrics import write_metrics
from nvm_chain.gateway.own.asked import Asked
from nvm_chain.gateway.refusals import ask_for_token
from nvm_chain.gateway.serving import Refused, Server
from nvm_chain.meter.store.existing import read_head


class Health:
    """Says whether the process runs, whether it can serve, and the numbers."""

    def __init__(self, server: Server) -> None:
        """Take what serves."""
        self._server, self._meter = server, server.meter

    async def say_alive(self, asked: Asked) -> Any:
        """Return that the process runs."""
        return {"status": "ok"}

    async def say_ready(self, asked: Asked) -> Any:
        """Return the block of which the books know. Raises ViewTooOld."""
        number, seen_seconds = await asyncio.to_thread(self._meter.writer.run, read_head)
        most = self._meter.settings.max_view_age_seconds
        if seen_seconds > most:
            raise ViewTooOld(seen_seconds, most)
        troubles = self._server.workers.list_troubles()
        return {"status": "ok", "block": str(number), "seenSeconds": seen_seconds} | (
            {"troubles": troubles} if troubles else {}
        )

    async def write_metrics(self, asked: Asked) -> Any:
        """Return the numbers for Prometheus, to whoever has the token of the settings. Raises Refused for all others."""
        token = self._server.find_metrics_token()
        if token is None or not hmac.compare_digest((asked.incoming.bearer or "").encode(), token.encode()):
            message = "The numbers are for the operator, with the metrics_token of the gateway. Send it as Authorization: Bearer."
            raise Refused(ask_for_token("operator", "OperatorUnknown", message))
        return await write_metrics(self._server)
