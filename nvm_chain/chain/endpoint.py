"""What posts requests to a node: the only place that has the whole URL, which may have a key in it."""

import threading
from typing import Any

import requests

from nvm_chain.chain.urls import hide_urls_in_logs


class Endpoint:
    """Where a node is. Only what posts there has the whole URL, because web3 logs and shows the one that it is told."""

    def __init__(self, url: str, session: Any = None) -> None:
        """Take the whole URL, and a session for all threads. Each thread has its own if none is given."""
        self._url, self._session = url, session
        self._own = threading.local()

    def post(self, shown: str, **settings: Any) -> Any:
        """Send one request, as a session of requests does."""
        with hide_urls_in_logs():
            return self._find_session().post(self._url, **settings)

    def _find_session(self) -> Any:
        if self._session is not None:
            return self._session
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
        return self._own.session
