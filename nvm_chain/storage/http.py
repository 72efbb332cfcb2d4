"""HTTP client for servers of others: answers in blocks, time limits, and checked redirects.

Only this module, `public_hosts`, `chain` and the adapter of `client` use `requests`. After a failure the module raises the error of the
caller's choice.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3

from nvm_chain.chain.transport.limits import OutOfTime, read_blocks
from nvm_chain.chain.urls import hide_urls_in_logs
from nvm_chain.errors import NvmChainError
from nvm_chain.storage.public_hosts import PrivateHost, PublicAdapter

TIMEOUT_SECONDS: Final = 20
"""Default for the longest wait for the next bytes of a server, in seconds."""
MAX_REDIRECTS: Final = 5

_AMBIGUOUS: Final = re.compile(r"[\\\s]")
"""Characters in a host that different URL parsers read differently."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

Fail = Callable[[str], NvmChainError]
"""Function that takes a problem as text, and returns the error to raise."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS: Final = {"User-Agent": "nvm-chain", "Accept": "*/*", "Accept-Encoding": "identity"}
"""Headers of every request. They ask for no compression, so the announced length is that of the file itself."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Answer:
    """Answer of a server: status, URL, headers, and the body in blocks. The body is readable once."""

    def __init__(self, response: requests.Response, fail: Fail) -> None:
        """Store a response with an unread body."""
        self.status = response.status_code
        self.url = str(response.url)
        self.headers: Mapping[str, str] = response.headers
        self._raw: Any = response.raw
        self._fail = fail

    @property
    def length(self) -> int | None:
        """Announced length of the body in bytes. None if the server does not tell it."""
        text = self.headers.get("Content-Length", "")
        return int(text) if re.fullmatch("[0-9]{1,18}", text) else None

    def read_blocks(self, total_seconds: int | None = None) -> Iterator[bytes]:
        """Yield the body in blocks of at most 64 KiB. The whole body has to arrive within ``total_seconds``."""
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._fail("the server sends a compressed answer without a request for compression")
        end = None if total_seconds is None else monotonic() + total_seconds
        count = 0
        try:
            for block in read_blocks(self._raw, lambda: end is not None and monotonic() > end):
                count += len(block)
                yield block
        except OutOfTime:
            raise self._fail(f"it takes longer than {total_seconds} seconds") from None
        if self.length not in (None, count):
            raise self._fail(f"{count} bytes arrived, and the server announced {self.length}")

    def read(self, max_bytes: int, total_seconds: int) -> bytes:
        """Return the body, or its first ``max_bytes`` + 1 bytes if it is longer."""
        body = b""
        for block in self.read_blocks(total_seconds):
            body += block
            if len(body) > max_bytes:
                return body[: max_bytes + 1]
        return body


@contextmanager
def open_answer(
    method: str,
    url: str,
    *,
    fail: Fail,
    headers: Mapping[str, str] | None = None,
    files: Mapping[str, tuple[str, bytes, str]] | None = None,
    timeout_seconds: int = TIMEOUT_SECONDS,
    public_only: bool = False,
) -> Iterator[Answer]:
    """Send one request, and yield its answer, even if the answer is a redirect.

    The request has no cookies and no .netrc password. It uses the environment's proxies and certificates. For URLs of others
    call `check_url` first.

    Args:
        method: The method.
        url: The URL.
        fail: Returns the error of a failure.
        headers: More headers.
        files: Files to send as a form.
        timeout_seconds: The limit of the connection, and of each wait for the next bytes.
        public_only: Whether nothing is sent to a private address. The URL is then one of https.
    """
    try:
        with requests.Session() as session:
            sent = {**_OWN_HEADERS, **(headers or {})}
            request = requests.Request(method, url, headers=sent, files=files).prepare()
            settings: Any = session.merge_environment_settings(url, {}, True, None, None)
            # Not session.send: it reads the whole body of a redirect, however long that is.
            with hide_urls_in_logs():
                adapter = PublicAdapter() if public_only else session.get_adapter(url)
                response = adapter.send(request, timeout=timeout_seconds, **settings)
            try:
                yield Answer(response, fail)
            finally:
                response.close()
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise fail(_describe(error, timeout_seconds)) from None


_PROBLEMS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((requests.Timeout, urllib3.exceptions.TimeoutError), "the server said nothing for {} seconds"),
    ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), "the server's certificate is not accepted"),
    ((PrivateHost,), "the server has a private address, and this is only read from public ones"),
    ((requests.ConnectionError,), "the server cannot be reached"),
    ((requests.exceptions.InvalidHeader,), "a header has an invalid value"),
    ((requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError), "the text is not a URL"),
)


def _describe(error: Exception, timeout_seconds: int) -> str:
    """Return the problem of an exception without its own text, because the text may contain the URL's query."""
    for kinds, problem in _PROBLEMS:
        if isinstance(error, kinds):
            return problem.format(timeout_seconds)
    return "the connection broke off"


# ---------------------------------------------------------------- redirects


@contextmanager
def open_following(
    url: str,
    *,
    fail: Fail,
    headers: Mapping[str, str] | None = None,
    same_host: bool = False,
    timeout_seconds: int = TIMEOUT_SECONDS,
    public_only: bool = False,
) -> Iterator[Answer]:
    """Send a GET request, follow at most five redirects, and yield the last answer. No redirect may lead from https to http.

    The caller's headers go only to the first host and port. With ``same_host`` a redirect to another host is an error.
    """
    for _ in range(MAX_REDIRECTS + 1):
        check_url(url, fail)
        given: Any = {"headers": headers, "timeout_seconds": timeout_seconds, "public_only": public_only}
        with open_answer("GET", url, fail=fail, **given) as answer:
            if answer.status not in _REDIRECTS:
                yield answer
                return
            found = urljoin(url, _read_location(answer))
        headers = _redirect(url, found, headers, same_host, fail)
        url = found
    raise fail(f"it leads through more than {MAX_REDIRECTS} redirects")


def _read_location(answer: Answer) -> str:
    """Return the target of a redirect. Headers are decoded as Latin-1, but contain UTF-8."""
    return answer.headers.get("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")


def _redirect(
    old: str, new: str, headers: Mapping[str, str] | None, same_host: bool, fail: Fail
) -> Mapping[str, str] | None:
    """Return the headers that a redirected request may have."""
    before, after = check_url(old, fail), check_url(new, fail)
    if before.scheme == "https" and after.scheme == "http":
        raise fail("it is redirected from https to http")
    if before.hostname == after.hostname and (
        _port(before) == _port(after) or (_port(before), _port(after)) == (80, 443)
    ):
        return headers
    if same_host:
        raise fail("it is redirected to another host")
    return None


def _port(parts: SplitResult) -> int | None:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)


def check_url(url: str, fail: Fail) -> SplitResult:
    """Check a URL, and return its parts. A valid URL has http or https, a host, and no user name."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
        is_url = is_url and not _AMBIGUOUS.search(parts.netloc) and not _CONTROL.search(url)
    except ValueError:
        raise fail("the text is not a URL") from None
    if not is_url:
        raise fail("the URL is not an http or https URL with a host")
    if "@" in parts.netloc:
        raise fail("there is a user name in the URL")
    return parts


def strip_url(url: str) -> str:
    """Return a URL without user name, query and fragment, which may contain secrets.

    >>> strip_url("https://user:password@example.com/file?signature=1")
    'https://example.com/file'
    """
    plain = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/]*@", r"\1", plain)
