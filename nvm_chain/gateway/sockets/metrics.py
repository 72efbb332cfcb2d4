"""Numbers of websockets for Prometheus: how many are open, what they hand on, and how they end."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from nvm_chain.gateway.sockets.endings import Ending, Side


class SocketMetrics:
    """Counts what websockets do, in one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Start with zeros, in the registry of the gateway."""
        self._open = Gauge("nvm_websockets_open", "Websockets that are open.", ("service",), registry=registry)
        self._messages = Counter(
            "nvm_websocket_messages",
            "Messages that were handed on, by the side that sent them.",
            ("service", "side"),
            registry=registry,
        )
        self._endings = Counter(
            "nvm_websocket_endings",
            "Websockets that have ended, by the side that ended them and the close code.",
            ("service", "side", "code"),
            registry=registry,
        )

    def note_open(self, service: str) -> None:
        """Count a websocket that was accepted."""
        self._open.labels(service).inc()

    def note_message(self, service: str, side: Side) -> None:
        """Count a message that was handed on."""
        self._messages.labels(service, side.value).inc()

    def note_end(self, service: str, ending: Ending) -> None:
        """Count the end of a websocket."""
        self._open.labels(service).dec()
        self._endings.labels(service, ending.side.value, ending.label).inc()
