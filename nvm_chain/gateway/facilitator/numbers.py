"""Numbers for Prometheus of a facilitator that runs alone: requests by path and status, and how long they took."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from nvm_chain.gateway.facilitator.paths import METHODS

_OTHER: Final = "other"


class FacilitatorNumbers:
    """Counts what a facilitator does."""

    def __init__(self) -> None:
        """Start with zeros, in a registry of its own."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "nvm_facilitator_requests", "Requests by path and status.", ("path", "status"), registry=self.registry
        )
        self._seconds = Histogram("nvm_facilitator_seconds", "Time to an answer.", ("path",), registry=self.registry)

    def note(self, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        name = path.removeprefix("/") if path in METHODS else _OTHER
        self._requests.labels(name, str(status)).inc()
        self._seconds.labels(name).observe(seconds)

    def write(self) -> bytes:
        """Return the numbers as text."""
        return generate_latest(self.registry)
