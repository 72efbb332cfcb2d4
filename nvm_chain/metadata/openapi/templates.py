r"""Path templates of OpenAPI: ``/users/{id}`` becomes the URL pattern ``https://host/users/:id``."""

import re
from typing import Final
from urllib.parse import quote

from nvm_chain.errors import InvalidEndpoint, InvalidOpenApi
from nvm_chain.metadata.endpoints import parse_url_pattern

_PARTS: Final = re.compile(r"\{([^{}/?#]{1,200})\}")
_SPECIAL: Final = re.compile(r"([{}()\[\]<>+?!:*\\])")
_MANY: Final = re.compile(r"(.+?)(?:\+|\*{1,2})")
_SAFE: Final = "/%~!$&'()*+,=:@-._"
SAMPLE: Final = "nvm8sample5value3"
"""The value of each parameter in a sample of a path. No path of a document has it as text."""


def build_url_pattern(server: str, path: str, place: str) -> str:
    """Return the URL pattern of an operation, from its server's URL and its path template. No network.

    ``{name}`` becomes ``:name``, and ``{name+}``, which some gateways export, becomes ``*name``. Text that has a meaning
    in patterns is escaped.

    Raises:
        InvalidOpenApi: The path cannot be written as a pattern.

    >>> build_url_pattern("https://example.com/v1", "/users/{user-id}/files/{name}.json", "paths")
    'https://example.com/v1/users/:user_id/files/:name.json'
    """
    origin, base = _split(server)
    names: dict[str, None] = {}
    parts = _PARTS.split(path)
    texts = [_escape(base + parts[0], place), *(_escape(text, place) for text in parts[2::2])]
    pattern = origin + texts[0]
    for name, text in zip(parts[1::2], texts[1:], strict=True):
        pattern += _write_name(name, text, names) + text
    try:
        parse_url_pattern(pattern)
    except InvalidEndpoint as error:
        raise InvalidOpenApi(place, f"its path cannot be a URL pattern: {error.reason}", LEAVE_OUT) from None
    return pattern


LEAVE_OUT: Final = "Correct the path, or leave the operation out with `exclude`"


def _split(server: str) -> tuple[str, str]:
    """Return the origin and the path of a URL."""
    end = server.find("/", server.index("://") + 3)
    return (server, "") if end < 0 else (server[:end], server[end:])


def _escape(text: str, place: str) -> str:
    if re.search(r"[{}?#]", text):
        raise InvalidOpenApi(place, "its path has a query, a fragment, or a brace alone", LEAVE_OUT)
    return _SPECIAL.sub(r"\\\1", text)


def _write_name(name: str, following: str, names: dict[str, None]) -> str:
    """Return a parameter in the notation of patterns, with a name that no other parameter of the path has."""
    many = _MANY.fullmatch(name)
    plain = re.sub("[^A-Za-z0-9_]", "_", many[1] if many else name)
    plain = f"_{plain}" if plain[0].isdigit() else plain
    while plain in names:
        plain += "_"
    names[plain] = None
    ends = following[:1] in ("", "/", ".", "-", "~", ",", "=", "@", "&", "'", "%", "\\")
    return ("*" if many else ":") + (plain if ends else f'"{plain}"')


def build_sample_url(server: str, path: str) -> str:
    """Return the URL of a request to an operation, with a value for each parameter that no literal path has.

    >>> build_sample_url("https://example.com", "/users/{id}")
    'https://example.com/users/nvm8sample5value3'
    """
    origin, base = _split(server)
    return origin + quote(base + _PARTS.sub(SAMPLE, path), safe=_SAFE)


def rank_path(path: str) -> tuple[int, ...]:
    """Return the key by which concrete paths come before templates, as OpenAPI has it.

    >>> sorted(["/users/{id}", "/users/{id}.json", "/users/me"], key=rank_path)
    ['/users/me', '/users/{id}.json', '/users/{id}']
    """
    return tuple(2 if _PARTS.fullmatch(each) else 1 if _PARTS.search(each) else 0 for each in path.split("/"))
