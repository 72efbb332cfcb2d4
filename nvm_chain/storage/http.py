"""HTTP with servers of others: one answer, block by block, with limits on time, and each redirect checked.

Beside `chain` this is the only module that uses `requests`. A failure becomes the error that the caller names.
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

TIMEOUT_SECONDS: Final = 20
"""Longest silence of a server, if the caller says nothing else."""
MAX_REDIRECTS: Final = 5

_AMBIGUOUS: Final = re.compile(r"[\\\s]")
"""In a host: not all who read URLs take such a one for the same."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

Fail = Callable[[str], NvmChainError]
"""From a problem to the error that is raised."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS: Final = {"User-Agent": "nvm-chain", "Accept": "*/*", "Accept-Encoding": "identity"}
"""Without compression the length that is declared is the length that comes, and nothing swells while it is unpacked."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Answer:
    """What a server answers: status, headers, and the body in blocks, which can be read once."""

    def __init__(self, response: requests.Response, fail: Fail) -> None:
        """Take a response whose body has not been read."""
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._raw: Any = response.raw
        self._fail = fail

    @property
    def length(self) -> int | None:
        """Bytes that the server says will come; None if it does not say."""
        text = self.headers.get("Content-Length", "")
        return int(text) if re.fullmatch("[0-9]{1,18}", text) else None

    def read_blocks(self, total_seconds: int | None = None) -> Iterator[bytes]:
        """Yield the body as it comes, in blocks of at most 64 KiB. All of it has to come within ``total_seconds``."""
        if self.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._fail("the server sends it compressed, which it was not asked for")
        end = None if total_seconds is None else monotonic() + total_seconds
        count = 0
        try:
            for block in read_blocks(self._raw, lambda: end is not None and monotonic() > end):
                count += len(block)
                yield block
        except OutOfTime:
            raise self._fail(f"it takes longer than {total_seconds} seconds") from None
        if self.length not in (None, count):
            raise self._fail(f"{count} bytes came, and the server said {self.length}")

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
) -> Iterator[Answer]:
    """Send one request and give its answer, even if that is a redirect.

    ``timeout_seconds`` is for connecting and for each silence. No cookies and no password from .netrc are sent. The
    proxies and certificates of the environment are used. For URLs of others call `check_url` first.
    """
    try:
        with requests.Session() as session:
            sent = {**_OWN_HEADERS, **(headers or {})}
            request = requests.Request(method, url, headers=sent, files=files).prepare()
            settings: Any = session.merge_environment_settings(url, {}, True, None, None)
            # Not session.send: it reads the whole body of a redirect, however long that is.
            with hide_urls_in_logs():
                response = session.get_adapter(url).send(request, timeout=timeout_seconds, **settings)
            try:
                yield Answer(response, fail)
            finally:
                response.close()
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise fail(_describe(error, timeout_seconds)) from None


_PROBLEMS: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((requests.Timeout, urllib3.exceptions.TimeoutError), "the server said nothing for {} seconds"),
    ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), "the server's certificate is not accepted"),
    ((requests.ConnectionError,), "the server cannot be reached"),
    ((requests.exceptions.InvalidHeader,), "a header has a value that none can have"),
    ((requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError), "the URL is none"),
)


def _describe(error: Exception, timeout_seconds: int) -> str:
    """Say what went wrong, without the exception's own words, which can have the URL's query."""
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
) -> Iterator[Answer]:
    """GET a URL and give the answer behind at most five redirects, none of them from https to http.

    Headers of the caller do not go to another host, nor to another port. With ``same_host`` nothing goes there.
    """
    for _ in range(MAX_REDIRECTS + 1):
        check_url(url, fail)
        with open_answer("GET", url, fail=fail, headers=headers, timeout_seconds=timeout_seconds) as answer:
            if answer.status not in _REDIRECTS:
                yield answer
                return
            found = urljoin(url, _read_location(answer))
        headers = _redirect(url, found, headers, same_host, fail)
        url = found
    raise fail(f"it leads through more than {MAX_REDIRECTS} redirects")


def _read_location(answer: Answer) -> str:
    """Return where a redirect leads; headers come as Latin-1, and hold UTF-8."""
    return answer.headers.get("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")


def _redirect(
    old: str, new: str, headers: Mapping[str, str] | None, same_host: bool, fail: Fail
) -> Mapping[str, str] | None:
    """Return the headers that may go along with a redirect."""
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
    """Return the parts of a URL that can be asked for: http or https, a host, and no user name."""
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
        is_url = is_url and not _AMBIGUOUS.search(parts.netloc) and not _CONTROL.search(url)
    except ValueError:
        raise fail("the URL is none") from None
    if not is_url:
        raise fail("the URL is not an http or https URL with a host")
    if "@" in parts.netloc:
        raise fail("there is a user name in the URL")
    return parts


def strip_url(url: str) -> str:
    """Return a URL to show: without user name, query and fragment, where secrets are.

    >>> strip_url("https://user:password@example.com/file?signature=1")
    'https://example.com/file'
    """
    plain = re.split(r"[?#]", url, maxsplit=1)[0]
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/]*@", r"\1", plain)
