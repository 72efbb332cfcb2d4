"""Endpoints: match a request with the paid and the open endpoints of an agent.

URLs are compared in one canonical form. A URL that servers may read in more than one way is refused, such as one with
``..`` or ``%2F`` in its path. So a paid path cannot be disguised as an open path.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from nvm_chain.errors import InvalidEndpoint, InvalidUrl
from nvm_chain.metadata.foreign_patterns import find_foreign_notation
from nvm_chain.metadata.path_patterns import Params, PathPattern, parse_path_pattern

MAX_URL: Final = 8192
"""The largest number of characters in a request's URL."""
MAX_PATTERN_URL: Final = 4096
"""The largest number of characters in a URL pattern."""
MAX_PATH: Final = 2048
"""The largest number of characters in the path of a request's URL."""
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}

_ORIGIN = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE | re.ASCII
)
_QUERY_MARK = re.compile(r"(?<!\\)[?#](?![}/]|$)")
_METHOD = re.compile("[A-Za-z]{1,20}", re.ASCII)
_PLAIN = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2}|[^\x00-\x9f])*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A paid endpoint: the HTTP method and the URL pattern of requests that cost credits.

    The path of the pattern may have ``:name``, ``*name`` and ``{…}``. The scheme and host of a request have to be the
    same, in any letter case. Raises InvalidEndpoint.
    """

    method: str
    url_pattern: str

    def __post_init__(self) -> None:
        """Check the method and the pattern, and write the method in capitals."""
        object.__setattr__(self, "method", _check_method(self.method).upper())
        parse_url_pattern(self.url_pattern)


def _serves(endpoint: Endpoint, method: str) -> bool:
    """Return whether an endpoint accepts requests with a method. An endpoint for GET accepts HEAD, at the same cost."""
    return endpoint.method == method or (endpoint.method == "GET" and method == "HEAD")


def _check_method(method: object) -> str:
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise InvalidEndpoint(str(method), "an HTTP method is a word such as GET")
    return method


@dataclass(frozen=True, slots=True)
class EndpointMatch:
    """The match of a request. ``endpoint`` is the paid endpoint, or None if an open pattern matches.

    ``url_pattern`` is the pattern that matches. ``params`` maps each name in it to the decoded part of the path.
    """

    endpoint: Endpoint | None
    url_pattern: str
    params: Params

    @property
    def is_open(self) -> bool:
        """Whether the request costs nothing."""
        return self.endpoint is None


def match_endpoint(
    endpoints: Sequence[Endpoint], open_endpoints: Sequence[str], method: str, url: str
) -> EndpointMatch | None:
    """Find the endpoint of a request. No network. If the result is None, refuse the request.

    Paid endpoints are tried before open ones, each in the given order. The query and the fragment of the URL are
    ignored.

    Raises:
        InvalidUrl: The URL is malformed, or servers may read its path in more than one way.

    >>> tasks = Endpoint("POST", "https://example.com/agents/:agentId/tasks")
    >>> match_endpoint([tasks], [], "POST", "https://EXAMPLE.com/agents/7/tasks?now=1").params
    {'agentId': '7'}
    """
    origin, path = parse_request_url(url)
    for endpoint in endpoints:
        params = _match(endpoint.url_pattern, origin, path) if _serves(endpoint, method.upper()) else None
        if params is not None:
            return EndpointMatch(endpoint, endpoint.url_pattern, params)
    for url_pattern in open_endpoints:
        params = _match(url_pattern, origin, path)
        if params is not None:
            return EndpointMatch(None, url_pattern, params)
    return None


def _match(url_pattern: str, origin: str, path: str) -> Params | None:
    wanted, pattern = parse_url_pattern(url_pattern)
    return pattern.match(path) if origin == wanted else None


# ---------------------------------------------------------------- patterns


@lru_cache(maxsize=1024)
def parse_url_pattern(url_pattern: str) -> tuple[str, PathPattern]:
    """Split a URL pattern into its origin and its path pattern. No network. Raises InvalidEndpoint.

    >>> parse_url_pattern("https://Example.com:443/tasks/:id")[0]
    'https://example.com'
    """
    shown = _hide_query(url_pattern)
    if len(url_pattern) > MAX_PATTERN_URL:
        raise InvalidEndpoint(shown, f"it has more than {MAX_PATTERN_URL} characters")
    found = _ORIGIN.match(url_pattern)
    if found is None:
        raise InvalidEndpoint(shown, "it has to begin with http:// or https:// and a host in ASCII")
    path = url_pattern[found.end() :]
    if path[:1] not in ("", "/", "{"):
        raise InvalidEndpoint(shown, "a / has to follow the host, without user name or wildcard in it")
    if "(?" in path:
        raise InvalidEndpoint(shown, "(?…) is a regular expression, which has no meaning here; write :name")
    if (problem := find_foreign_notation(_QUERY_MARK.split(path)[0])) is not None:
        raise InvalidEndpoint(shown, problem)
    if re.search(r"(?<!\\)[?#]", path):
        raise InvalidEndpoint(shown, "query and fragment do not matter; leave them out")
    return _format_origin(found), parse_path_pattern(_decode_pattern(path))


def _decode_pattern(path: str) -> str:
    """Decode the percent-encoded parts of a pattern, and escape marks in them. Request paths are decoded too."""
    if "%" not in path:
        return path
    if re.search("%2f", path, re.IGNORECASE):
        raise InvalidEndpoint(path, "requests with an encoded slash are refused, so it would never match")
    parts = re.split("((?:%[0-9A-Fa-f]{2})+)", path)
    try:
        parts[1::2] = [re.sub(r"([{}()\[\]+?!:*\\])", r"\\\1", unquote_to_bytes(part).decode()) for part in parts[1::2]]
    except UnicodeDecodeError:
        raise InvalidEndpoint(path, "what is percent-encoded in it is not UTF-8") from None
    return "".join(parts)


# ---------------------------------------------------------------- requests


def parse_request_url(url: str) -> tuple[str, str]:
    """Split a request's URL into its origin and its decoded path. No network. Raises InvalidUrl.

    >>> parse_request_url("https://Example.com:443/tasks/a%20b?token=1")
    ('https://example.com', '/tasks/a b')
    """
    shown = _hide_query(url)
    if len(url) > MAX_URL:
        raise InvalidUrl(shown, f"has more than {MAX_URL} characters")
    found = _ORIGIN.match(url)
    rest = url[found.end() :] if found else ""
    if found is None or rest[:1] not in ("", "/", "?", "#"):
        raise InvalidUrl(shown, "is not an http or https URL with a host in ASCII and without user name")
    return _format_origin(found), _decode_path(re.split("[?#]", rest, maxsplit=1)[0] or "/", shown)


def _format_origin(found: re.Match[str]) -> str:
    """Return scheme, host and port in their canonical form."""
    scheme, host, port = found[1].lower(), found[2].lower(), (found[3] or "").lstrip("0")
    return f"{scheme}://{host}" if port in ("", DEFAULT_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def _decode_path(path: str, shown: str) -> str:
    """Decode a path. Refuse a path with more than one meaning, which a server might decode again, join or cut off."""
    if len(path) > MAX_PATH:
        raise InvalidUrl(shown, f"has a path of more than {MAX_PATH} characters")
    if not _PLAIN.fullmatch(path):
        raise InvalidUrl(shown, "has characters in its path that have to be percent-encoded, or servers disagree about")
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise InvalidUrl(shown, "has a path that is not UTF-8") from None
    if re.search("%2f|%5c|%3b", path, re.IGNORECASE) or re.search(
        "%u?[0-9A-Fa-f]{2}|[\\x00-\\x1f\\x7f-\\x9f]", decoded
    ):
        raise InvalidUrl(shown, "has an encoded slash, backslash, semicolon or control character, or is encoded twice")
    segments = decoded.split("/")[1:]
    if "" in segments[:-1] or any(segment.strip(". ") == "" and segment for segment in segments):
        raise InvalidUrl(shown, "has an empty segment, or one of dots, in its path")
    return decoded


def _hide_query(url: str) -> str:
    """Return a URL without user name, password, query and fragment, because these often contain secrets."""
    return re.sub("//[^/?#]*@", "//", re.split("[?#]", str(url)[:MAX_URL], maxsplit=1)[0])
