"""All numbers of ``/metrics``: of requests and books, of the workers beside the serving, and of what webhooks still have to get."""

import asyncio
from collections.abc import Sequence
from typing import Final

from nvm_chain.gateway.serving import Server
from nvm_chain.meter.deliveries import DeliveryCounts
from nvm_chain.meter.store.deliveries import count_deliveries
from nvm_chain.meter.store.existing import BooksState, read_books_state
from nvm_chain.meter.store.store import Store

_HEAD: Final = """\
# HELP nvm_webhook_deliveries Messages that webhooks did not accept yet, by state.
# TYPE nvm_webhook_deliveries gauge
"""


async def write_metrics(server: Server) -> bytes:
    """Return all numbers as Prometheus reads them. Raises IndexFailure if the books cannot be read."""
    books, counts = await asyncio.to_thread(server.meter.writer.run, _read)
    return b"".join(
        (server.metrics.write(books), server.workers.write_metrics(), write_deliveries(counts) if counts else b"")
    )


def _read(store: Store) -> tuple[BooksState, list[DeliveryCounts]]:
    return read_books_state(store), count_deliveries(store)


def write_deliveries(counts: Sequence[DeliveryCounts]) -> bytes:
    """Return how many messages of each webhook wait and were given up, as Prometheus reads it."""
    lines = (
        f'nvm_webhook_deliveries{{webhook="{each.webhook}",state="{state}"}} {number}\n'
        for each in counts
        for state, number in (("waiting", each.waiting), ("given up", each.given_up))
    )
    return f"{_HEAD}{''.join(lines)}".encode()
