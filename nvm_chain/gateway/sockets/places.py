"""How many websockets are open, of each service and of each holder. They are counted in one process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from nvm_chain.errors import TooManyOpenRequests, UpstreamBusy
from nvm_chain.gateway.settings import ServiceSettings
from nvm_chain.meter.store.group_rows import AccountKey

_SHARE_OF_OPEN: Final = 2
"""Connections to open endpoints have one of so many parts of a service's places, so that the paid ones always find some."""


class Places:
    """Counts open websockets, and refuses those that are too many."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_service: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._by_holder: Counter[tuple[str, AccountKey]] = Counter()

    def count(self, service: str) -> int:
        """Return how many websockets of a service are open, or about to be."""
        return self._by_service[service]

    @contextmanager
    def take(self, service: ServiceSettings, key: AccountKey | None) -> Iterator[None]:
        """Take a place for the block of a ``with``. ``key`` is the account that pays, or None for an open endpoint.

        Raises:
            UpstreamBusy: The service has as many websockets as ``max_running`` allows.
            TooManyOpenRequests: The holder has as many websockets as ``max_open`` allows.
        """
        did, most = service.did, service.max_running
        if self._by_service[did] >= most or (key is None and self._open[did] >= -(-most // _SHARE_OF_OPEN)):
            raise UpstreamBusy(did, most)
        if key is not None and self._by_holder[did, key] >= service.max_open:
            raise TooManyOpenRequests(0, key.plan_id, key.holder, service.max_open)
        with _counted(self._by_service, did):
            if key is None:
                with _counted(self._open, did):
                    yield
            else:
                with _counted(self._by_holder, (did, key)):
                    yield


@contextmanager
def _counted(counter: Counter[Any], name: Any) -> Iterator[None]:
    """Count one more for the block of a ``with``. What is at zero is forgotten."""
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]
