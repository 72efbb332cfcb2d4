"""A client of the third act: it sends requests to the gateway, and with a buyer it pays for them."""

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import requests

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.requests_adapter import PayingAdapter
from nvm_chain.demo.results import DemoFailed, HttpRefusal

SECONDS: Final = 60
PAYMENT_REQUIRED: Final = 402
PAYMENT: Final = "payment-signature"
"""The header that pays for a request."""


class Client:
    """A program that sends requests to the gateway. With a buyer, it pays for them."""

    def __init__(self, gateway: str, buyer: Buyer | None = None) -> None:
        """Open a session of HTTP. No request."""
        self._gateway, self._session = gateway, requests.Session()
        self._session.trust_env = False  # a proxy of this machine has no part in the demo
        if buyer is not None:
            self._session.mount(gateway, PayingAdapter(buyer, gateway))

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        self._session.close()

    def ask(self, url: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Send a request. Raises HttpRefusal for an answer of 402, and DemoFailed for another one that is not 200."""
        answer = self._session.get(url, headers=headers, timeout=SECONDS)
        if answer.status_code == PAYMENT_REQUIRED:
            told = answer.json()["nvm"]
            raise HttpRefusal(*(str(told[key]) for key in ("type", "problem", "next_step")))
        if answer.status_code != requests.codes.ok:
            raise DemoFailed(f"The gateway answered with status {answer.status_code}")
        return answer

    def read_head(self) -> int:
        """Return the number of the block up to which the gateway has read the chain. -1 before the first."""
        answer = self._session.get(f"{self._gateway}/health/ready", timeout=SECONDS)
        return int(answer.json()["block"]) if answer.status_code == requests.codes.ok else -1
