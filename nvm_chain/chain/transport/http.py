"""The transport for http and https. The full URL may contain a key, so errors and logs show it without its path."""

import os
import threading
import zlib
from typing import Any, Final, cast

import requests
import urllib3
from requests.cookies import extract_cookies_to_jar

from nvm_chain.chain.transport.base import NoReply, Reply, describe_tls
from nvm_chain.chain.transport.limits import Clock, Limits, OutOfTime, read_blocks
from nvm_chain.chain.transport.timed_http import TimedAdapter, timed
from nvm_chain.chain.urls import hide_urls_in_logs, redact_url

HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "nvm-chain",
}
NO_URL: Final = "it is not an http or https URL"
NOT_REACHED: Final = "connection refused or host not found"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
AS_IT_COMES: Final[Any] = {"retries": False, "redirect": False, "preload_content": False, "decode_content": False}
_ANY_ZLIB: Final = 32 + zlib.MAX_WBITS


class HttpTransport:
    """A transport over http or https. All threads share its connections, which stay open."""

    def __init__(self, url: str, session: Any = None) -> None:
        """Take the full URL, and optionally a requests session. No request.

        A given session is used as it is: it reads each answer whole, so only the limit on silence applies to it.
        """
        self.label = redact_url(url)
        self._url, self._given = url, session
        self._lock = threading.Lock()
        self._process = 0
        self._session: requests.Session
        self._pool: Any
        self._target = ""
        self._headers: dict[str, str] = {}

    def post(self, request: bytes, limits: Limits) -> Reply:
        """Send one request, and return the answer. Redirects are not followed. Raises NoReply."""
        clock = Clock(limits.total_seconds, limits.silence_seconds)
        try:
            with hide_urls_in_logs(), timed(clock):
                if self._given is not None:
                    return self._post_to_given(request, limits)
                response = self._send(request, limits)
                return _read(response, limits, clock)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OutOfTime, zlib.error) as error:
            raise _describe(error, limits, clock) from None

    def _send(self, request: bytes, limits: Limits) -> Any:
        """Send one request over the connection pool.

        `requests.Session.post` would read .netrc and look for proxies at each request. Here this is done only once.
        """
        if self._process != os.getpid():  # a forked process must not use the sockets of its parent process
            self._open()
        timeout = limits.silence_seconds
        response = self._pool.urlopen(
            "POST", self._target, request, self._headers, timeout=timeout, assert_same_host=False, **AS_IT_COMES
        )
        if "Set-Cookie" in response.headers:  # with cookies, gateways route a client to the same machine each time
            cast(Any, extract_cookies_to_jar)(self._session.cookies, self._prepare(), response)
            self._headers = self._prepare_headers()
        return response

    def _open(self) -> None:
        """Open the connection pool with the proxies, certificates and passwords that requests finds for the URL."""
        with self._lock:
            if self._process == os.getpid():
                return
            self._session, adapter = requests.Session(), TimedAdapter()
            prepared = self._prepare()
            merge: Any = self._session.merge_environment_settings
            found = merge(prepared.url, {}, True, None, None)
            verify, cert, proxies = found["verify"], found["cert"], found["proxies"]
            self._pool = adapter.get_connection_with_tls_context(prepared, verify, proxies=proxies, cert=cert)
            cast(Any, adapter).cert_verify(self._pool, str(prepared.url), verify, cert)
            self._target, self._headers = adapter.request_url(prepared, proxies), self._prepare_headers()
            self._process = os.getpid()

    def _prepare(self) -> requests.PreparedRequest:
        prepared = self._session.prepare_request(requests.Request("POST", self._url, headers=HEADERS))
        if not str(prepared.url).lower().startswith(("http://", "https://")):
            raise requests.exceptions.InvalidSchema
        return prepared

    def _prepare_headers(self) -> dict[str, str]:
        """Return the headers of all requests, with password and cookies. urllib3 adds Content-Length to each."""
        return {name: value for name, value in self._prepare().headers.items() if name != "Content-Length"}

    def _post_to_given(self, request: bytes, limits: Limits) -> Reply:
        response = self._given.post(
            self._url, data=request, headers=HEADERS, timeout=limits.silence_seconds, allow_redirects=False
        )
        return Reply(response.content, response.status_code, getattr(response, "headers", {}))


def _read(response: Any, limits: Limits, clock: Clock) -> Reply:
    """Read an answer to its end, and decompress it. After an error the connection is closed, else it stays open."""
    headers = response.headers
    encoding = headers.get("Content-Encoding", "identity").lower()
    is_read = False
    try:
        if response.status in REDIRECTS and "Location" in headers:
            target = redact_url(headers["Location"])
            raise NoReply(f"it redirects to {target}; give that URL itself")
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            raise NoReply("its answer is compressed in a way that was not requested")
        decoder = zlib.decompressobj(_ANY_ZLIB) if encoding.endswith("gzip") else None
        parts, size = [], 0
        for block in read_blocks(response, clock.is_over):
            part = decoder.decompress(block, limits.max_bytes - size + 1) if decoder else block
            parts.append(part)
            size += len(part)
            if size > limits.max_bytes:
                raise NoReply(limits.describe_size())
        if decoder is not None and not decoder.eof:
            raise urllib3.exceptions.ProtocolError
        is_read = True
    finally:
        if not is_read:
            response.close()
    response.release_conn()
    return Reply(b"".join(parts), response.status, headers)


def _describe(error: Exception, limits: Limits, clock: Clock) -> NoReply:
    """Return a NoReply that describes the failure without the URL. The library's own text contains the URL."""
    if _was_refused(error):
        return NoReply(NOT_REACHED, was_sent=False)
    is_connecting = isinstance(error, requests.ConnectTimeout | urllib3.exceptions.ConnectTimeoutError)
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | OutOfTime):
        is_over = clock.is_over() and not is_connecting
        return NoReply(limits.describe_total() if is_over else limits.describe_silence(), was_sent=not is_connecting)
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return NoReply(describe_tls(error, "http"), was_sent=False)
    if isinstance(error, ValueError):
        return NoReply(NO_URL, was_sent=False)
    if isinstance(error, zlib.error):
        return NoReply("its answer cannot be unpacked")
    return NoReply("the connection broke off", broke=True)


def _was_refused(error: Exception) -> bool:
    """Return whether no connection was opened. An error of requests has the cause inside."""
    cause: object = error.args[0] if error.args else None
    refused = urllib3.exceptions.NewConnectionError | urllib3.exceptions.ProxyError
    return isinstance(error, refused) or isinstance(getattr(cause, "reason", None), refused)
