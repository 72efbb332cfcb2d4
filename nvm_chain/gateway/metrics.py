"""Numbers for Prometheus: requests by service and status, how long they took, credits charged, and how the books stand.

They are those of one process. With several workers, each answers with its own numbers of requests; those of the books are the
same for all.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from nvm_chain.meter.store.existing import BooksState

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_OWN: Final = "gateway"
"""The label of requests that are for the gateway itself."""


class Metrics:
    """Counts what a gateway does."""

    def __init__(self) -> None:
        """Start with zeros, in a registry of its own."""
        self.registry = CollectorRegistry()
        self._found: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        labels = ("service", "status")
        self._requests = Counter("nvm_requests", "Requests by service and status.", labels, registry=self.registry)
        self._seconds = Histogram(
            "nvm_request_seconds",
            "Time from the head of a request to the end of its answer.",
            ("service",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._charged = Counter(
            "nvm_charged_credits", "Credits charged by this process.", ("service",), registry=self.registry
        )
        self._books = {
            name: Gauge(f"nvm_books_{name}", text, registry=self.registry)
            for name, text in (
                ("accounts", "Accounts in the books."),
                ("charged", "Credits charged in all."),
                ("held", "Credits of open requests."),
                ("taken", "Credits that the seller's keys took on the chain."),
                ("written_off", "Credits that lapsed before they were taken."),
                ("seen_seconds", "How long ago the chain was read."),
            )
        }

    def note_request(self, service: str | None, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        name = service or _OWN
        key = (name, status)
        counters = self._found.get(key)
        if counters is None:  # the library looks labels up under a lock, which takes longer than to count
            counters = self._found[key] = (self._requests.labels(name, str(status)), self._seconds.labels(name))
        requests, times = counters
        requests.inc()
        times.observe(seconds)

    def note_charge(self, service: str, credits: int) -> None:
        """Count credits that were charged."""
        self._charged.labels(service).inc(credits)

    def write(self, books: BooksState) -> bytes:
        """Return all numbers as Prometheus reads them."""
        for name, gauge in self._books.items():
            gauge.set(getattr(books, name))
        return generate_latest(self.registry)
