"""The transport for requests: mount it once, and ordinary requests are paid for.

It is an adapter, and not a hook or an authentication of requests. Those see a body only after it was read, and pay at the first
or the last address of a redirect. An adapter sends one request to one address, and gets its answer before anybody else.
"""

import time
from collections.abc import Generator, Iterator
from typing import Any, Final, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.util import parse_url

from nvm_chain.client.allowances import revoke_allowance, sign_allowance, use_allowance
from nvm_chain.client.asking import revoke
from nvm_chain.client.bodies import gather
from nvm_chain.client.buyer import Buyer, HeldToken, require_buyer
from nvm_chain.client.flow import pay_for
from nvm_chain.client.opening import begin_session
from nvm_chain.client.places import find_origin, find_place
from nvm_chain.client.signed_allowances import Allowance
from nvm_chain.client.steps import EMPTY, Ask, Pause, Reply, Send, Step, Wanted
from nvm_chain.client.transfers.payer import TokenPayer
from nvm_chain.client.wire import MAX_ANSWER
from nvm_chain.errors.fields import Credits, Seconds

CREDENTIALS: Final = ("authorization", "payment-signature")
"""Headers with which a program pays by itself. Such a request is sent as it is."""
_PAYMENT_REQUIRED: Final = 402
_PIECE: Final = 65_536

Found = TypeVar("Found")


class PaidAnswer(requests.Response):
    """The answer to a request that was paid for. If it is a redirect, it is not followed, because that would be paid again."""

    @property
    def is_redirect(self) -> bool:
        """False: whoever wants to follow sends another request to the header Location."""
        return False


class PayingAdapter(HTTPAdapter):
    """Pays for requests to one or more servers. Requests to others, after a redirect for example, are sent without payment.

    >>> session = requests.Session()
    >>> session.mount("https://gateway.example.com/", PayingAdapter(buyer, "https://gateway.example.com"))  # doctest: +SKIP
    """

    def __init__(self, buyer: Buyer | TokenPayer, *urls: str, pool_maxsize: int = 32) -> None:
        """Take the buyer, and the URLs of the servers that are paid. Nothing is sent twice after a failed connection.

        Raises InvalidUrl.
        """
        super().__init__(pool_maxsize=pool_maxsize, max_retries=0)
        self._payer, self._origins = buyer, frozenset(map(find_origin, urls))

    @property
    def _buyer(self) -> Buyer:
        return require_buyer(self._payer)

    # ------------------------------------------------------------------ requests of the program

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request, and pay for it if that is necessary. requests calls this.

        Raises:
            PaymentNotAllowed: Nothing that the server accepts is within the limits of the buyer.
            BodyNotRepeatable: The body can be read only once, and is too long. Nothing was sent.
            NvmChainError: Another reason why the buyer did not pay.
        """
        if find_origin(str(request.url)) not in self._origins or _pays_itself(request):
            return super().send(request, *args, **kwargs)
        own = make_repeatable(request, self._payer.max_body)
        run = _Run(self, own, args, kwargs)
        run.drive(pay_for(self._payer, describe(own)))
        return run.finish()

    def send_plain(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as it is."""
        return super().send(request, *args, **kwargs)

    # ------------------------------------------------------------------ sessions

    def open_session(
        self,
        url: str,
        *,
        limit: Credits,
        seconds: Seconds = 3_600,
        per_request: Credits | None = None,
        method: str = "GET",
        **options: Any,
    ) -> HeldToken:
        """Open a session: one signature for many requests. Later requests to the service use it, until it ends.

        Args:
            url: The URL of a paid endpoint of the service. It is asked once without a payment, for what the service accepts.
            limit: The highest number of credits that the session may use in all.
            seconds: How long the session lasts.
            per_request: The highest number of credits for each request. The limit of the buyer if not given.
            method: The method of the endpoint.
            options: Options for sending, such as ``timeout`` and ``verify``.

        Raises:
            PaymentNotAllowed: The session is not within the limits of the buyer.
            GatewayRefused: The gateway does not offer sessions for the service, or refused this one.
        """
        request = requests.Request(method, url).prepare()
        run = _Run(self, request, (), options)
        flow = begin_session(self._buyer, describe(request), limit=limit, seconds=seconds, per_request=per_request)
        return run.drive(flow)

    def close_session(self, session: HeldToken, **options: Any) -> None:
        """Revoke a session at its gateway. What it did not spend is given back. Raises GatewayRefused."""
        place = find_place(session.base, "/")
        run = _Run(self, requests.Request("GET", session.base).prepare(), (), options)
        run.drive(revoke(self._buyer, place, session))

    # ------------------------------------------------------------------ allowances

    def sign_allowance(
        self,
        url: str,
        *,
        user: str,
        limit: Credits,
        seconds: Seconds,
        per_request: Credits | None = None,
        method: str = "GET",
        **options: Any,
    ) -> Allowance:
        """Sign that somebody else may use credits of the buyer at a service. Give the user the text of the allowance.

        Args:
            url: The URL of a paid endpoint of the service. It is asked once without a payment, for what the service accepts.
            user: The address of the user, who needs its key.
            limit: The highest number of credits that the user may use in all.
            seconds: How long the allowance lasts.
            per_request: The highest number of credits for each request. The limit of the buyer if not given.
            method: The method of the endpoint.
            options: Options for sending, such as ``timeout`` and ``verify``.

        Raises:
            PaymentNotAllowed: The allowance is not within the limits of the buyer.
            GatewayRefused: The service does not offer credits that vouchers pay.
        """
        request = requests.Request(method, url).prepare()
        flow = sign_allowance(
            self._buyer, describe(request), user=user, limit=limit, seconds=seconds, per_request=per_request
        )
        return _Run(self, request, (), options).drive(flow)

    def use_allowance(self, url: str, allowance: Allowance, **options: Any) -> HeldToken:
        """Use an allowance for later requests to a service. Its token is renewed until the allowance ends.

        Args:
            url: The URL of the service.
            allowance: What the holder has signed for the buyer.
            options: Options for sending, such as ``timeout`` and ``verify``.

        Raises:
            PaymentNotAllowed: The allowance is for another account, or not for the service.
            GatewayRefused: The gateway refused the allowance.
        """
        request = requests.Request("GET", url).prepare()
        return _Run(self, request, (), options).drive(use_allowance(self._buyer, describe(request).place, allowance))

    def revoke_allowance(self, url: str, allowance: Allowance, **options: Any) -> None:
        """Revoke an allowance that the buyer has signed, whether it was used or not. Raises GatewayRefused."""
        request = requests.Request("GET", url).prepare()
        _Run(self, request, (), options).drive(revoke_allowance(self._buyer, describe(request).place, allowance))


class _Run:
    """Sends what a flow asks for, and keeps the last answer to the request of the program."""

    def __init__(
        self, adapter: PayingAdapter, request: requests.PreparedRequest, args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        self._adapter, self._request = adapter, request
        self._args, self._options = args, options
        self._answer: requests.Response | None = None
        self._was_paid = False

    def drive(self, flow: Generator[Step, Reply, Found]) -> Found:
        """Send until the flow ends, and return its result. The flow is told of every failure by being closed."""
        try:
            reply: Any = None
            while True:
                reply = self._do(flow.send(reply))
        except StopIteration as stop:
            found: Found = stop.value
            return found
        finally:
            flow.close()

    def finish(self) -> requests.Response:
        """Return the answer."""
        if self._answer is None:
            raise RuntimeError("the flow ended without an answer")
        if not self._was_paid:
            return self._answer
        paid = PaidAnswer()
        paid.__dict__.update(self._answer.__dict__)
        return paid

    def _do(self, step: Step) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.milliseconds / 1_000)
            return EMPTY
        return self._send(step) if isinstance(step, Send) else self._ask(step)

    def _send(self, step: Send) -> Reply:
        if self._answer is not None:
            self._answer.close()
        request = self._request.copy()
        request.headers.update(step.headers)
        self._was_paid = bool(step.headers)
        self._answer = answer = self._adapter.send_plain(request, *self._args, **self._options)
        body = answer.content if answer.status_code == _PAYMENT_REQUIRED and _is_short(answer) else b""
        return Reply(answer.status_code, answer.headers, body)

    def _ask(self, step: Ask) -> Reply:
        request = requests.Request(step.method, step.url, headers=dict(step.headers), data=step.body).prepare()
        with self._adapter.send_plain(request, *self._args, **self._options) as answer:
            body = answer.content if _is_short(answer) else b""
            return Reply(answer.status_code, answer.headers, body)


def _is_short(answer: requests.Response) -> bool:
    """Return whether an answer announces a length that can be read whole. It is not unpacked, so it cannot grow."""
    length = answer.headers.get("Content-Length", "")
    is_number = length.isascii() and length.isdecimal() and len(length) < 10
    return is_number and int(length) <= MAX_ANSWER and "Content-Encoding" not in answer.headers


def _pays_itself(request: requests.PreparedRequest) -> bool:
    return any(name in request.headers for name in CREDENTIALS)


def make_repeatable(request: requests.PreparedRequest, limit: int) -> requests.PreparedRequest:
    """Return a copy of a request with a body of bytes, and with the URL exactly as it will be sent."""
    own = request.copy()
    own.headers = CaseInsensitiveDict(request.headers)
    own.url = parse_url(str(request.url)).url  # urllib3 writes percent signs its own way, and the target is signed
    body: Any = request.body
    if body is None:
        return own
    if isinstance(body, str | bytes):
        own.body = body.encode() if isinstance(body, str) else body
    else:
        own.body = gather(_read_pieces(body), limit)
        own.headers.pop("Transfer-Encoding", None)
    own.headers["Content-Length"] = str(len(own.body))
    return own


def _read_pieces(body: Any) -> Iterator[bytes | str]:
    if not hasattr(body, "read"):
        yield from body
        return
    while piece := body.read(_PIECE):
        yield piece


def describe(request: requests.PreparedRequest) -> Wanted:
    """Return a request as a flow knows it. Its body has to be bytes."""
    body = request.body if isinstance(request.body, bytes) else b""
    key = request.headers.get("Idempotency-Key")
    return Wanted(str(request.method), find_place(str(request.url), request.path_url), body, key)
