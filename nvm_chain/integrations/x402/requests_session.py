"""A session of requests with the official adapter, which tells the plug-in each request before it is sent."""

from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from nvm_chain.client.requests_adapter import PaidAnswer, describe, make_repeatable
from nvm_chain.errors import MissingExtra
from nvm_chain.integrations.x402.addresses import find_vouchers
from nvm_chain.integrations.x402.asked import Noted, noting
from nvm_chain.integrations.x402.official import x402ClientSync

try:
    from x402.http.clients.requests import x402HTTPAdapter
except ModuleNotFoundError as error:
    raise MissingExtra("The plug-in for the official client of x402", "x402") from error


class _Sending(HTTPAdapter):
    """What the official adapter sends by. It closes the answer before, because the official one leaves a refused payment open."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._last: ContextVar[requests.Response | None] = ContextVar("nvm_chain_x402_last", default=None)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        before = self._last.get()
        if before is not None:
            before.close()
        answer = super().send(request, *args, **options)
        self._last.set(answer)
        return answer


class NotingAdapter(x402HTTPAdapter, _Sending):
    """The official adapter. Payments are bound to exactly the request, and a paid answer is not followed to another address."""

    def __init__(self, client: x402ClientSync, **options: Any) -> None:
        """Take a client for which `pay_from_credits` was called. Nothing is sent twice after a failed connection."""
        super().__init__(client, **{"max_retries": 0, **options})
        self._vouchers = find_vouchers(client)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, and pay for it if that is necessary. requests calls this.

        If the official client cannot pay, it raises an error of its own, whose cause is that of the plug-in.

        Raises:
            BodyNotRepeatable: The body can be read only once, and is too long. Nothing was sent.
        """
        own = make_repeatable(request, self._vouchers.buyer.max_body)
        wanted = describe(own)
        noted = Noted(wanted.place, wanted.method, wanted.body, wanted.key)
        with noting(noted), self._vouchers.taking_back() as signed:
            self._last.set(None)
            answer = super().send(own, **options)
        if not signed:
            return answer
        paid = PaidAnswer()
        paid.__dict__.update(answer.__dict__)
        return paid


def open_session(client: x402ClientSync, session: requests.Session | None = None, **options: Any) -> requests.Session:
    """Return a session whose requests are paid by the official client, each by a payment that is bound to the request.

    Args:
        client: The official client, after `pay_from_credits`.
        session: The session to mount the adapter in. A new one if not given.
        options: Options of the official adapter.

    Raises:
        InvalidConfig: `pay_from_credits` was not called for the client.
    """
    opened = requests.Session() if session is None else session
    adapter = NotingAdapter(client, **options)
    for prefix in ("https://", "http://"):
        opened.mount(prefix, adapter)
    return opened
